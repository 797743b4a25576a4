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

void Node::apply_register_link(VrfId vrf, const NodeConfig& config, TimePoint now) {
  const bool ipv4 = std::ranges::any_of(config.links, [&](const LinkSettings& link) {
    return link.vrf == vrf && link.pim_ipv4.has_value();
  });
  const bool ipv6 = std::ranges::any_of(config.links, [&](const LinkSettings& link) {
    return link.vrf == vrf && link.pim_ipv6.has_value();
  });
  const bool wanted = ipv4 || ipv6;
  if (wanted && !register_links_.contains(vrf)) register_links_[vrf] = LinkId{next_link_++};
  const std::optional<LinkId> link = register_link(vrf);
  if (!link) return;
  const auto link_for = [&](bool pim) { return pim ? link : std::nullopt; };
  if (wanted) {
    effects_.push(AddPlaneLink{{.link = *link,
                                .device = {},
                                .ipv4 = ipv4,
                                .ipv6 = ipv6,
                                .register_tunnel = true,
                                .vrf = vrf}});
    mrib_.set_link({.link = *link, .vrf = vrf, .ipv4 = ipv4, .ipv6 = ipv6}, now);
  }
  mrib_.set_register_link(vrf, Family::ipv4, link_for(ipv4), now);
  mrib_.set_register_link(vrf, Family::ipv6, link_for(ipv6), now);
  if (!wanted) mrib_.remove_link(*link, now);  // and from the plane when it is released
}

/// Any router that answers a Register must reach it: an address of the node that is no link's alone
/// if there is one, of a loopback; else the first one of a link with PIM.
IpAddress Node::unicast_source(VrfId vrf, Family family) const {
  IpAddress found = IpAddress::any(family);
  for (const auto& [id, link] : links_) {
    if (link.settings.vrf != vrf) continue;
    const bool loopback = link.settings.device == "lo";
    const auto& enabled = family == Family::ipv4 ? link.settings.pim_ipv4 : link.settings.pim_ipv6;
    if (!loopback && (!enabled || !link.facts.up || !found.is_unspecified())) continue;
    for (const IpPrefix& present : addresses_of(link)) {
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

/// An answer about an RP says what a Register to it may measure (RFC 7761 4.4.1).
void Node::note_path(PimFamily& family, const IpAddress& target,
                     const std::optional<RpfFacts>& facts) {
  const auto is_rp = [&](const mcast::rp::RpMapping& mapping) { return mapping.rp == target; };
  if (!facts || facts->local || std::ranges::none_of(family.rps.mappings(), is_rp)) return;
  const auto device = devices_.find(facts->device);
  if (device != devices_.end() && device->second.mtu != 0)
    family.tunnels.set_path_mtu(target, device->second.mtu);
}

void Node::handle(mcast::mrib::RegisterChanged& change, TimePoint now) {
  if (PimFamily* family = find_pim(change.vrf, change.group.family()))
    family->tunnels.set_could_register(
        change.vrf, change.group, change.source,
        change.could_register ? std::optional(change.rp) : std::nullopt, now);
}

void Node::on_whole_packet(const fwd::WholePacket& event, TimePoint now) {
  if (PimFamily* family = find_pim(event.vrf, event.group.family()))
    family->tunnels.on_data(event.vrf, event.source, event.group, event.packet, now);
}

void Node::on_register_packet(PimFamily& family, const mcast::wire::PimPacket& packet,
                              TimePoint now) {
  if (const auto* heard = std::get_if<mcast::wire::PimRegister>(&packet.message))
    family.receiver.on_register({family.vrf, packet.source, packet.destination}, *heard, family,
                                family.trees, now);
  else if (const auto* stop = std::get_if<mcast::wire::PimRegisterStop>(&packet.message))
    family.tunnels.on_register_stop(family.vrf, packet.source, *stop, now);
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

void Node::send_unicast(PimFamily& family, const IpAddress& wanted_source,
                        const IpAddress& destination, const mcast::wire::PimMessage& message) {
  const IpAddress source = wanted_source.is_unspecified()
                               ? unicast_source(family.vrf, destination.family())
                               : wanted_source;
  if (family.vrf != VrfId{}) {
    send_by_way(family, source, destination, message);
    return;
  }
  effects_.push(
      SendPim{{}, source, destination, mcast::wire::encode_pim(message, source, destination)});
}

void Node::handle(PimFamily& family, pim::SendUnicast& send, TimePoint now) {
  static_cast<void>(now);
  send_unicast(family, send.source, send.destination, send.message);
}

void Node::handle(PimFamily& family, pim::SendRegister& send, TimePoint now) {
  static_cast<void>(now);
  send_unicast(family, send.source, send.destination, send.message());
}

void Node::handle(PimFamily& family, pim::SendPacketTooBig& send, TimePoint now) {
  static_cast<void>(now);
  // The source of a packet that is registered is a host of one of the VRF's links.
  const auto way = family.vrf == VrfId{} ? std::nullopt
                                         : facts_in_vrf(family.vrf, send.destination, std::nullopt);
  effects_.push(
      SendIcmpError{send.destination, std::move(send.message), way ? way->device : std::string()});
}

void Node::handle(PimFamily& family, pim::RegisterTunnelChanged& change, TimePoint now) {
  static_cast<void>(family);
  mrib_.set_register_tunnel(change.vrf, change.group, change.source, change.on, now);
}

void Node::handle(PimFamily& family, pim::RegisterSource& source, TimePoint now) {
  static_cast<void>(family);
  mrib_.on_register_source(source.vrf, source.group, source.source, now);
}

/// When the hold after a start is over, MRIB has told of every source that is still active.
void Node::settle_registers(TimePoint now) {
  if (!registers_restored_ || mrib_.is_held() || !mrib_.is_settled()) return;
  registers_restored_ = false;
  for (const auto& family : pim_) family->tunnels.end_restore(now);
}

void Node::handle(PimFamily& family, pim::RegisterLimitReached& limit, TimePoint now) {
  static_cast<void>(limit);
  static_cast<void>(now);
  log(pim::kPimLimitMessage, "registered sources", "the register tunnel" + in_vrf(family.vrf),
      "active sources");
}

}  // namespace hotpair::ha::node
