#include <algorithm>
#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"
#include "mcast/pim/pim_messages.h"
#include "mcast/wire/pim_message.h"

/// Registers between MRIB, the register tunnel of the plane, and PIM's packets.
namespace hotpair::ha::node {

namespace pim = mcast::pim;

// ---- the tunnel as a link ----

void Node::apply_register_link(const NodeConfig& config, TimePoint now) {
  const bool ipv4 = std::ranges::any_of(
      config.links, [](const LinkSettings& link) { return link.pim_ipv4.has_value(); });
  const bool ipv6 = std::ranges::any_of(
      config.links, [](const LinkSettings& link) { return link.pim_ipv6.has_value(); });
  const bool wanted = ipv4 || ipv6;
  if (wanted && !register_link_) register_link_ = LinkId{next_link_++};
  if (!register_link_) return;
  const auto link_for = [&](bool pim) { return pim ? register_link_ : std::nullopt; };
  if (wanted) {
    effects_.push(AddPlaneLink{{.link = *register_link_,
                                .device = {},
                                .ipv4 = ipv4,
                                .ipv6 = ipv6,
                                .register_tunnel = true}});
    mrib_.set_link({.link = *register_link_, .vrf = VrfId{0}, .ipv4 = ipv4, .ipv6 = ipv6}, now);
  }
  mrib_.set_register_link(VrfId{0}, Family::ipv4, link_for(ipv4), now);
  mrib_.set_register_link(VrfId{0}, Family::ipv6, link_for(ipv6), now);
  if (!wanted) mrib_.remove_link(*register_link_, now);  // and from the plane when it is released
}

/// Any router that answers a Register must reach it: an address of the node that is no link's alone
/// if there is one, of a loopback; else the first one of a link with PIM.
IpAddress Node::unicast_source(Family family) const {
  IpAddress found = IpAddress::any(family);
  for (const auto& [id, link] : links_) {
    const bool loopback = link.settings.device == "lo";
    const auto& enabled = family == Family::ipv4 ? link.settings.pim_ipv4 : link.settings.pim_ipv6;
    if (!loopback && (!enabled || !link.facts.up || !found.is_unspecified())) continue;
    for (const IpPrefix& present : link.facts.addresses) {
      const IpAddress& address = present.address;
      if (address.family() != family || address.is_loopback() || address.is_link_local_unicast())
        continue;
      if (loopback) return address;
      if (found.is_unspecified()) found = address;
    }
  }
  return found;
}

// ---- in ----

void Node::handle(mcast::mrib::RegisterChanged& change, TimePoint now) {
  pim_of(change.group.family())
      .tunnels.set_could_register(change.vrf, change.group, change.source,
                                  change.could_register ? std::optional(change.rp) : std::nullopt,
                                  now);
}

void Node::on_whole_packet(const fwd::WholePacket& event, TimePoint now) {
  pim_of(event.group.family())
      .tunnels.on_data(event.vrf, event.source, event.group, event.packet, now);
}

void Node::on_register_packet(PimFamily& family, const mcast::wire::PimPacket& packet,
                              TimePoint now) {
  if (const auto* heard = std::get_if<mcast::wire::PimRegister>(&packet.message))
    family.receiver.on_register({VrfId{0}, packet.source, packet.destination}, *heard, family,
                                family.trees, now);
  else if (const auto* stop = std::get_if<mcast::wire::PimRegisterStop>(&packet.message))
    family.tunnels.on_register_stop(VrfId{0}, packet.source, *stop, now);
}

// ---- out ----

bool Node::pump_register(PimFamily& family, TimePoint now) {
  bool progress = false;
  while (auto effect = family.tunnels.poll_effect()) {
    progress = true;
    std::visit([&](auto& one) { handle(family, one, now); }, *effect);
  }
  while (auto effect = family.receiver.poll_effect()) {
    progress = true;
    std::visit([&](auto& one) { handle(family, one, now); }, *effect);
  }
  return progress;
}

void Node::send_unicast(const IpAddress& wanted_source, const IpAddress& destination,
                        const mcast::wire::PimMessage& message) {
  const IpAddress source =
      wanted_source.is_unspecified() ? unicast_source(destination.family()) : wanted_source;
  effects_.push(
      SendPim{{}, source, destination, mcast::wire::encode_pim(message, source, destination)});
}

void Node::handle(PimFamily& family, pim::SendUnicast& send, TimePoint now) {
  static_cast<void>(family);
  static_cast<void>(now);
  send_unicast(send.source, send.destination, send.message);
}

void Node::handle(PimFamily& family, pim::SendRegister& send, TimePoint now) {
  static_cast<void>(family);
  static_cast<void>(now);
  send_unicast(send.source, send.destination, send.message());
}

void Node::handle(PimFamily& family, pim::RegisterTunnelChanged& change, TimePoint now) {
  static_cast<void>(family);
  mrib_.set_register_tunnel(change.vrf, change.group, change.source, change.on, now);
}

void Node::handle(PimFamily& family, pim::RegisterSource& source, TimePoint now) {
  static_cast<void>(family);
  mrib_.on_register_source(source.vrf, source.group, source.source, now);
}

/// Not journalled: a control plane that starts again learns of active sources by their packets, and
/// one Register of each tells it the rest.
void Node::handle(PimFamily& family, pim::RegisterRecordChanged& change, TimePoint now) {
  static_cast<void>(family);
  static_cast<void>(change);
  static_cast<void>(now);
}
void Node::handle(PimFamily& family, pim::RegisterRecordRemoved& change, TimePoint now) {
  static_cast<void>(family);
  static_cast<void>(change);
  static_cast<void>(now);
}

void Node::handle(PimFamily& family, pim::RegisterLimitReached& limit, TimePoint now) {
  static_cast<void>(family);
  static_cast<void>(limit);
  static_cast<void>(now);
  log(pim::kPimLimitMessage, "registered sources", "the register tunnel", "active sources");
}

}  // namespace hotpair::ha::node
