#include <sys/epoll.h>

#include <algorithm>

#include "ha/keeper/main/keeper_messages.h"
#include "ha/keeper/main/keeper_process.h"
#include "platform/io/clock.h"

// Eth-Trunks of the reflex process: LACP sockets and the map of trunk words.
namespace hotpair::ha::keeper {
namespace {

constexpr std::size_t kPdusAtOnce = 256;

}  // namespace

void KeeperProcess::configure_lacp() {
  std::vector<Member> fresh;
  for (const TrunkSetup& trunk : keeper_.config().trunks) {
    for (const lacp::MemberConfig& wanted : trunk.lacp.members) {
      const auto same = [&](const Member& member) { return member.device == wanted.device; };
      if (std::any_of(fresh.begin(), fresh.end(), same)) continue;
      const auto kept = std::find_if(members_.begin(), members_.end(), same);
      fresh.push_back(kept == members_.end() ? Member{wanted.device, {}, {}} : std::move(*kept));
    }
  }
  members_ = std::move(fresh);  // what is no longer named is closed here
  open_missing();
}

/// False: it has to be tried again.
bool KeeperProcess::open_member(Member& member) {
  if (member.socket) return true;
  auto opened = LacpSocket::open(member.device);
  if (opened) {
    member.socket = std::move(*opened);
    member.last_error.clear();
    return watch(member.socket->fd(), EPOLLIN);
  }
  if (member.last_error != opened.error().detail) {
    member.last_error = opened.error().detail;
    log_(messages::kLacpSocketFailed, member.device, member.last_error);
  }
  return false;
}

void KeeperProcess::read_lacpdus(const LacpSocket& socket) {
  std::array<std::byte, lacp::kPduLengthMax + 1> buffer;
  ByteSpan payload;
  const std::string device = socket.device();
  for (std::size_t i = 0; i < kPdusAtOnce; ++i) {
    if (!socket.receive(buffer, payload)) return;
    keeper_.on_lacpdu(device, payload, platform::io::now());
    drain();
  }
}

void KeeperProcess::carry_out(SendLacpdu& effect) {
  for (Member& member : members_) {
    if (member.device != effect.device) continue;
    const auto sent = member.socket ? member.socket->send(effect.bytes)
                                    : Result<void>(fail(ErrorCode::unavailable, "no socket"));
    if (sent) {
      member.send_error.clear();
      return;
    }
    keeper_.on_lacpdu_failed(effect.device);
    if (member.send_error == sent.error().detail) return;
    member.send_error = sent.error().detail;
    log_(messages::kLacpduFailed, member.device, member.send_error);
    return;
  }
  keeper_.on_lacpdu_failed(effect.device);
}

void KeeperProcess::carry_out(StoreTrunk& effect) {
  if (!trunk_words_) return;
  if (effect.slot >= trunk_words_->slots()) {
    log_(messages::kTrunkMap, fmt::format("slot {} is not in the map", effect.slot));
    return;
  }
  trunk_words_->store(effect.slot, effect.word);
}

void KeeperProcess::adopt_trunk_words(int fd) {
  auto words = platform::gate::TrunkWords::map_writable(fd);
  if (!words) {
    log_(messages::kTrunkMap, words.error().detail);
    return;
  }
  trunk_words_.emplace(std::move(*words));
  for (StoreTrunk& word : keeper_.trunk_words()) carry_out(word);
}

void KeeperProcess::carry_out(HoldLink& effect) {
  if (effect.down)
    holds_.hold(effect.device);
  else
    holds_.give_back(effect.device);
}

void KeeperProcess::log_held_links() {
  for (const LinkHolds::Failure& each : holds_.take_failures())
    log_(messages::kHeldLink, each.device, each.error);
}

/// A device that was replaced has a new index: its socket is bound to what is gone.
void KeeperProcess::check_members() {
  for (Member& member : members_) {
    if (!member.socket) continue;
    const CarrierWatch::Link* link = links_.find(member.device);
    if (link == nullptr || link->index != member.socket->ifindex()) member.socket.reset();
  }
}

}  // namespace hotpair::ha::keeper
