#include <sys/epoll.h>

#include <algorithm>

#include "ha/etrunk/etrunk_packet.h"
#include "ha/keeper/main/keeper_messages.h"
#include "ha/keeper/main/keeper_process.h"
#include "platform/io/clock.h"

// The network side of the reflex process: hello sockets and links.
namespace hotpair::ha::keeper {
namespace {

constexpr Duration kRetry = std::chrono::milliseconds(500);
constexpr std::size_t kDatagramsAtOnce = 4096;

}  // namespace

Result<void> KeeperProcess::send_hello(const SendHello& effect, TimePoint& at) {
  const auto trunk = trunks_.find(effect.etrunk);
  if (trunk == trunks_.end()) return fail(ErrorCode::not_found, "no such e-trunk");
  if (trunk->second.keys.empty()) return fail(ErrorCode::refused, "no key");
  const auto index = trunk->second.sockets.find(effect.path);
  if (index == trunk->second.sockets.end() || !sockets_[index->second].socket)
    return fail(ErrorCode::unavailable, "no socket");
  for (const EtrunkConfig& config : keeper_.config().etrunks) {
    if (config.id != effect.etrunk) continue;
    for (const etrunk::PathConfig& path : config.paths) {
      if (path.path != effect.path) continue;
      Bytes datagram = etrunk::encode_hello(effect.hello);
      const platform::hmac::Tag tag = trunk->second.keys.front().sign(datagram);
      datagram.insert(datagram.end(), tag.begin(), tag.end());
      at = platform::io::now();
      return sockets_[index->second].socket->send(datagram, path.peer);
    }
  }
  return fail(ErrorCode::not_found, "no such path");
}

void KeeperProcess::configure_sockets() {
  std::vector<Socket> fresh;
  trunks_.clear();
  for (const EtrunkConfig& config : keeper_.config().etrunks) {
    Trunk& trunk = trunks_[config.id];
    for (const std::string& key : config.keys) trunk.keys.emplace_back(as_bytes(key));
    for (const etrunk::PathConfig& path : config.paths)
      trunk.sockets[path.path] =
          socket_for({path.local, config.port, path.device}, sockets_, fresh);
  }
  sockets_ = std::move(fresh);  // what is no longer named is closed here
  open_missing();
}

std::size_t KeeperProcess::socket_for(const SocketKey& key, std::vector<Socket>& old,
                                      std::vector<Socket>& fresh) {
  const auto same = [&](const Socket& socket) { return socket.key == key; };
  const auto shared = std::find_if(fresh.begin(), fresh.end(), same);
  if (shared != fresh.end()) return static_cast<std::size_t>(shared - fresh.begin());
  const auto kept = std::find_if(old.begin(), old.end(), same);
  if (kept != old.end()) {
    fresh.push_back(std::move(*kept));
    kept->key = SocketKey{};
  } else {
    fresh.push_back(Socket{key, std::nullopt, {}});
  }
  return fresh.size() - 1;
}

void KeeperProcess::open_missing() {
  retry_ = false;
  for (Socket& socket : sockets_) {
    if (socket.socket) continue;
    auto opened = HelloSocket::open(socket.key);
    if (opened) {
      socket.socket = std::move(*opened);
      socket.last_error.clear();
      static_cast<void>(watch(socket.socket->fd(), EPOLLIN));
      continue;
    }
    retry_ = true;
    if (socket.last_error == opened.error().detail) continue;
    socket.last_error = opened.error().detail;
    log_(messages::kSocketFailed, socket.key.local.to_string(), socket.key.port,
         socket.key.device, socket.last_error);
  }
  for (Member& member : members_) retry_ = !open_member(member) || retry_;
  if (bfd_sockets_.open_missing()) retry_ = true;
  if (retry_) retry_at_ = platform::io::now() + kRetry;
}

void KeeperProcess::read_hellos(const HelloSocket& socket, std::size_t index) {
  std::array<std::byte, etrunk::kHelloLengthMax + 1> buffer;
  HelloSocket::Datagram datagram;
  for (std::size_t i = 0; i < kDatagramsAtOnce; ++i) {
    if (!socket.receive(buffer, datagram)) return;
    on_datagram(index, datagram);
  }
}

// The path is where it came from: this socket, that source. What the hello says of itself must
// agree, which the core checks.
void KeeperProcess::on_datagram(std::size_t socket, const HelloSocket::Datagram& datagram) {
  const auto hello = etrunk::decode_hello(datagram.bytes);
  for (const EtrunkConfig& config : keeper_.config().etrunks) {
    const auto trunk = trunks_.find(config.id);
    if (trunk == trunks_.end()) continue;
    for (const etrunk::PathConfig& path : config.paths) {
      const auto bound = trunk->second.sockets.find(path.path);
      if (bound == trunk->second.sockets.end() || bound->second != socket ||
          path.peer != datagram.source) {
        continue;
      }
      if (!hello || datagram.truncated) {
        keeper_.on_datagram_dropped(config.id, path.path, DatagramDrop::malformed);
        return;
      }
      if (hello->etrunk != config.id || hello->path != path.path) continue;
      const auto& keys = trunk->second.keys;
      const bool authentic = std::any_of(keys.begin(), keys.end(), [&](const auto& key) {
        return key.verify(etrunk::signed_part(datagram.bytes), etrunk::mac_part(datagram.bytes));
      });
      if (!authentic) {
        keeper_.on_datagram_dropped(config.id, path.path, DatagramDrop::authentication);
        return;
      }
      keeper_.on_hello(config.id, path.path, *hello, platform::io::now());
      drain();
      return;
    }
  }
}

// Sockets first: the first LACPDU on a link that came up must have a way out.
void KeeperProcess::read_links() {
  if (!links_.read()) return;
  for (Socket& socket : sockets_) {
    if (!socket.socket || socket.key.device.empty()) continue;
    const CarrierWatch::Link* link = links_.find(socket.key.device);
    if (link == nullptr || link->index != socket.socket->ifindex()) socket.socket.reset();
  }
  check_members();
  static_cast<void>(bfd_sockets_.close_stale([this](const std::string& device) {
    const CarrierWatch::Link* link = links_.find(device);
    return link == nullptr ? 0U : link->index;
  }));
  open_missing();
  report_links();
}

void KeeperProcess::report_carrier(const std::string& device) {
  const CarrierWatch::Link* link = links_.find(device);
  const bool up = link != nullptr && link->up;
  const auto known = carriers_.find(device);
  if (known != carriers_.end() && known->second == up) return;
  carriers_[device] = up;
  keeper_.on_carrier(device, up, platform::io::now());
}

// Every 10 ms: what netlink will tell up to 1 s later.
void KeeperProcess::poll_carriers(TimePoint at) {
  if (at - polled_at_ < kCarrierPoll) return;
  polled_at_ = at;
  const auto changed = counters_.poll();
  if (changed.empty()) return;
  for (const unsigned index : changed) links_.ask(index);
  read_links();
}

void KeeperProcess::watch_carriers() {
  std::map<std::string, unsigned> devices;
  for (const ScopeConfig& scope : keeper_.config().scopes)
    for (const std::string& device : scope.access_devices)
      if (const CarrierWatch::Link* link = links_.find(device)) devices[device] = link->index;
  for (const TrunkSetup& trunk : keeper_.config().trunks)
    for (const lacp::MemberConfig& member : trunk.lacp.members)
      if (const CarrierWatch::Link* link = links_.find(member.device))
        devices[member.device] = link->index;
  counters_.watch(devices);
  if (counters_.unwatched() != told_unwatched_)
    for (const std::string& device : counters_.unwatched()) log_(messages::kCarrierLate, device);
  told_unwatched_ = counters_.unwatched();
}

void KeeperProcess::report_links() {
  watch_carriers();
  for (const ScopeConfig& scope : keeper_.config().scopes)
    for (const std::string& device : scope.access_devices) report_carrier(device);
  for (const TrunkSetup& trunk : keeper_.config().trunks)
    for (const lacp::MemberConfig& member : trunk.lacp.members) report_carrier(member.device);
  drain();
}

}  // namespace hotpair::ha::keeper
