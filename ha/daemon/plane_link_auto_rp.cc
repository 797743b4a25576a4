#include <utility>

#include "ha/daemon/daemon_messages.h"
#include "ha/daemon/plane_link.h"
#include "platform/io/clock.h"

/// Auto-RP and ICMPv6 errors of the node.
namespace hotpair::ha::daemon {
namespace {

using platform::io::now;

constexpr std::size_t kMessagesPerWake = 64;

}  // namespace

/// Where Auto-RP is not configured the port stays closed.
Result<void> PlaneLink::open_auto_rp() {
  if (auto_rp_) return {};
  auto opened = platform::io::AutoRpSocket::open();
  if (!opened) return std::unexpected(opened.error());
  auto_rp_.emplace(std::move(*opened));
  auto_rp_watch_.emplace(loop_, auto_rp_->descriptor(), [this] { auto_rp_messages(); });
  return {};
}

void PlaneLink::auto_rp_messages() {
  for (const platform::io::AutoRpDatagram& message : auto_rp_->receive(kMessagesPerWake)) {
    const platform::kernel::Link* link = links_->find(message.interface);
    if (link == nullptr) continue;
    node_.on_auto_rp({link->name, message.source, message.destination, message.payload}, now());
  }
  settled_();
}

void PlaneLink::act(const node::ListenAutoRp& effect) {
  const platform::kernel::Link* link = find(effect.device);
  if (link == nullptr) return;
  Result<void> added = open_auto_rp();
  if (added) added = auto_rp_->add_interface(link->index, effect.announcements, effect.discoveries);
  if (!added) node_.on_plane_refused("Auto-RP on " + effect.device, added.error(), now());
}

void PlaneLink::act(const node::UnlistenAutoRp& effect) {
  const platform::kernel::Link* link = find(effect.device);
  if (link != nullptr && auto_rp_) auto_rp_->remove_interface(link->index);
}

void PlaneLink::act(const node::SendAutoRp& effect) {
  const platform::kernel::Link* link = find(effect.device);
  if (link == nullptr || !link->up()) return;
  Result<void> sent = open_auto_rp();
  if (sent)
    sent =
        auto_rp_->send(link->index, effect.source, effect.destination, effect.ttl, effect.payload);
  if (!sent) log_(kSendFailed, effect.device, sent.error().detail);
}

void PlaneLink::act(const node::SendIcmpError& effect) {
  const platform::kernel::Link* link = effect.via.empty() ? nullptr : find(effect.via);
  const auto sent = icmp_errors_->send(IpAddress::any(Family::ipv6), effect.destination,
                                       effect.message, link == nullptr ? Ifindex(0) : link->index);
  if (!sent) log_(kSendFailed, effect.destination.to_string(), sent.error().detail);
}

}  // namespace hotpair::ha::daemon
