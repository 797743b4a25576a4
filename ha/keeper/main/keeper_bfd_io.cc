#include <sys/epoll.h>

#include "ha/keeper/main/keeper_messages.h"
#include "ha/keeper/main/keeper_process.h"
#include "platform/io/clock.h"

// The BFD side of the reflex process.
namespace hotpair::ha::keeper {
namespace {

constexpr std::size_t kDatagramsAtOnce = 4096;

}  // namespace

void KeeperProcess::carry_out(SendBfd& effect) {
  const auto sent = bfd_sockets_.send(effect.session, effect.packet);
  if (sent) {
    keeper_.on_bfd_sent(effect.session);
    if (!bfd_errors_.empty()) bfd_errors_.erase(effect.session);
    return;
  }
  keeper_.on_bfd_failed(effect.session);
  std::string& last = bfd_errors_[effect.session];
  if (last == sent.error().detail) return;
  last = sent.error().detail;
  const bfd::BfdSession* session = keeper_.bfd().find(effect.session);
  if (session != nullptr) log_(messages::kBfdSendFailed, session->config().name, last);
}

void KeeperProcess::carry_out(BfdReconfigured& /*effect*/) {
  std::vector<BfdSockets::Session> sessions;
  for (const bfd::Discriminator id : keeper_.bfd().ids())
    sessions.push_back({id, keeper_.bfd().find(id)->config()});
  bfd_sockets_.configure(sessions);
  bfd_errors_.clear();
  open_missing();
}

void KeeperProcess::watch_bfd(int fd) { static_cast<void>(watch(fd, EPOLLIN)); }

void KeeperProcess::read_bfd(int fd) {
  bfd_sockets_.read(fd, kDatagramsAtOnce, [&](const BfdSockets::Datagram& datagram) {
    const auto packet = bfd::decode(datagram.bytes);
    if (!packet) {
      keeper_.on_bfd_rejected(packet.error());
      return;
    }
    bfd::Arrival arrival = datagram.arrival;
    if (const bfd::BfdSession* session = keeper_.route_bfd(*packet, arrival))
      arrival.digest = bfd_sockets_.check(*packet, datagram.bytes, session->config());
    keeper_.on_bfd(*packet, arrival, platform::io::now());
    drain();
  });
}

}  // namespace hotpair::ha::keeper
