#include <algorithm>
#include <utility>

#include "ha/node/link_address.h"
#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"
#include "mcast/pim/pim_messages.h"
#include "mcast/wire/pim_message.h"

/// PIM between the packets, MRIB and the journal.
namespace hotpair::ha::node {
namespace {

namespace pim = mcast::pim;
namespace mrib = mcast::mrib;

std::string_view to_string(pim::NeighbourGone reason) {
  switch (reason) {
    case pim::NeighbourGone::expired:
      return "its holdtime is over";
    case pim::NeighbourGone::goodbye:
      return "it said goodbye";
    case pim::NeighbourGone::bfd:
      return "BFD lost it";
    case pim::NeighbourGone::interface_down:
      return "the interface is down";
    case pim::NeighbourGone::filtered:
      return "the neighbor policy refuses it";
  }
  return "unknown";
}

/// What Hellos and Joins are sent from; of a link that is down unspecified.
IpAddress primary_address(const Link& link, Family family) {
  const bool usable = link.facts.up && !link.settings.shutdown;
  if (!usable) return IpAddress::any(family);
  return link.settings.pim_floating ? floating_address(link, family) : link_address(link, family);
}

/// Of the same identity: own ones tell the nodes of a pair apart.
std::vector<IpAddress> other_addresses(const Link& link, const IpAddress& primary) {
  std::vector<IpAddress> others;
  const DeviceFacts& facts = link.settings.pim_floating ? link.floating_facts : link.facts;
  for (const IpPrefix& present : facts.addresses)
    if (present.address.family() == primary.family() && present.address != primary &&
        !present.address.is_link_local_unicast())
      others.push_back(present.address);
  std::ranges::sort(others);
  return others;
}

}  // namespace

// ---- links and roles ----

void Node::refresh_pim(Link& link, TimePoint now) {
  bfd_stale_ = true;
  for (const auto& family : pim_) {
    family->auto_rp.stale = true;
    refresh_pim(link, *family, now);
  }
  const bool ipv4 = link.facts.present && link.settings.pim_ipv4.has_value();
  const bool ipv6 = link.facts.present && link.settings.pim_ipv6.has_value();
  if ((ipv4 || ipv6) && std::pair(ipv4, ipv6) != link.listening_pim)
    effects_.push(ListenPim{link.settings.device, ipv4, ipv6});
  else if (!ipv4 && !ipv6 && link.listening_pim != std::pair(false, false))
    effects_.push(UnlistenPim{link.settings.device});
  link.listening_pim = {ipv4, ipv6};
}

void Node::refresh_pim(const Link& link, PimFamily& family, TimePoint now) {
  const auto& settings =
      family.family == Family::ipv4 ? link.settings.pim_ipv4 : link.settings.pim_ipv6;
  if (!settings || link.settings.vrf != family.vrf) {
    family.pim.remove_link(link.id, now);
    family.bsr.remove_link(link.id);
    return;
  }
  pim::LinkConfig config = settings->link;
  config.link = link.id;
  config.vrf = family.vrf;
  config.scope = link.settings.scope;
  config.address = primary_address(link, family.family);
  config.secondary = other_addresses(link, config.address);
  if (link.facts.mtu != 0) config.mtu = link.facts.mtu;
  config.boundary = link.settings.boundary;
  family.pim.set_link(config, now);
  family.bsr.set_link({.link = link.id,
                       .border = settings->bsr_border,
                       .muted = !family.pim.neighbours().is_live(link.id),
                       .boundary = link.settings.boundary,
                       .mtu = config.mtu});
}

void Node::remove_pim(Link& link, TimePoint now) {
  for (const auto& family : pim_) {
    family->pim.remove_link(link.id, now);
    family->bsr.remove_link(link.id);
  }
  pump_pim(now);  // its goodbye goes out while the link is known
  if (link.listening_pim != std::pair(false, false))
    effects_.push(UnlistenPim{link.settings.device});
  link.listening_pim = {false, false};
  if (std::exchange(link.listening_auto_rp, {false, false}) != std::pair(false, false))
    effects_.push(UnlistenAutoRp{link.settings.device});
  pim_of(link, Family::ipv4).auto_rp.stale = true;
}

void Node::set_pim_role(const Scope& scope, bool active, pim::Leaving leaving, TimePoint now) {
  for (const auto& family : pim_) {
    if (active)
      family->pim.activate(scope.id, now);
    else
      family->pim.deactivate(scope.id, leaving, now);
  }
  for (auto& [id, link] : links_)
    if (link.settings.scope == scope.id) refresh_pim(link, now);
}

// ---- packets ----

void Node::on_pim_packet(const PimDatagram& datagram, TimePoint now) {
  const Link* link = link_of_device(datagram.device);
  if (link == nullptr) return;
  PimFamily& family = pim_of(*link, datagram.source.family());
  const auto packet =
      datagram.source.is_v4()
          ? mcast::wire::parse_pim_ipv4(datagram.packet)
          : mcast::wire::parse_pim(datagram.packet,
                                   {datagram.source, datagram.destination, datagram.hop_limit});
  if (!packet)
    family.pim.on_reject(link->id, packet.error());
  else if (family.pim.on_packet(link->id, *packet, now))
    on_rp_packet(family, link->id, *packet, now);
  pump(now);
}

bool Node::pump_pim(TimePoint now) {
  bool progress = false;
  for (const auto& family : pim_) {
    while (auto effect = family->pim.poll_effect()) {
      progress = true;
      std::visit([&](auto& one) { handle(*family, one, now); }, *effect);
    }
    progress |= pump_rp(*family, now);
    progress |= pump_auto_rp(*family, now);
    progress |= pump_register(*family, now);
  }
  if (std::exchange(bfd_stale_, false)) refresh_bfd_neighbours();
  return progress;
}

void Node::send_on_link(const PimFamily& family, LinkId id, const IpAddress& destination,
                        const mcast::wire::PimMessage& message, TimePoint now) {
  const auto link = links_.find(id);
  if (link == links_.end()) return;
  const IpAddress source = primary_address(link->second, family.family);
  if (source.is_unspecified()) return;
  if (const auto* hello = std::get_if<mcast::wire::PimHello>(&message))
    note_identity(family, link->second, source, *hello, now);
  const std::string& device = link->second.settings.pim_floating
                                  ? link->second.floating_facts.device
                                  : link->second.settings.device;
  effects_.push(SendPim{device, source, destination,
                        mcast::wire::encode_pim(message, source, destination),
                        family.vrf == VrfId{} ? std::string() : device});
}

void Node::handle(PimFamily& family, pim::SendOnLink& send, TimePoint now) {
  send_on_link(family, send.link, mcast::wire::all_pim_routers(family.family), send.message, now);
}

// ---- what routers of a link want ----

void Node::handle(PimFamily& family, pim::DownstreamView& view, TimePoint now) {
  static_cast<void>(family);
  using mrib::FilterMode;
  using mrib::Origin;
  mrib::Membership shared;
  mrib::Membership sources;
  if (view.shared_tree) {
    shared = {FilterMode::exclude, std::move(view.sources)};
    sources.sources = std::move(view.joined);
  } else {
    sources.sources = std::move(view.sources);
  }
  mrib_.on_membership(view.link, view.group, shared, now, Origin::shared_tree);
  mrib_.on_membership(view.link, view.group, sources, now, Origin::source_trees);
}

void Node::handle(PimFamily& family, pim::DownstreamFlushed& flushed, TimePoint now) {
  // Its records go with a fresh snapshot of what is left.
  Scope* scope = record_scope(flushed.link, family.family);
  if (scope != nullptr && scope->journal.writing()) {
    scope->journal.reset(now);
    scope->refill = 0;
  }
  mrib_.on_flush(flushed.link, family.family, now, mrib::Origin::shared_tree);
  mrib_.on_flush(flushed.link, family.family, now, mrib::Origin::source_trees);
}

// ---- what the upstream routers are to do ----

void Node::handle(mrib::UpstreamChanged& change, TimePoint now) {
  pim::UpstreamWish wish{.vrf = change.vrf,
                         .key = {.group = change.group, .source = change.source, .rpt = change.rpt},
                         .kind = pim::UpstreamKind::none,
                         .link = change.link,
                         .neighbour = change.neighbour,
                         .rp = change.rp};
  if (change.wish == mrib::Wish::join) wish.kind = pim::UpstreamKind::join;
  if (change.wish == mrib::Wish::prune) wish.kind = pim::UpstreamKind::prune;
  if (PimFamily* family = find_pim(change.vrf, change.group.family()))
    family->pim.on_wish(wish, now);
}

void Node::handle(PimFamily& family, pim::AssertChanged& changed, TimePoint now) {
  const pim::AssertView& view = changed.view;
  mrib::AssertState state{.lost = view.lost,
                          .winner_is_us = view.state == pim::AssertState::winner,
                          .winner = {},
                          .sets_spt = false};
  if (view.state == pim::AssertState::loser) {
    state.winner = view.winner.address;
    // An assert on the RPF interface shows that the packets come by the source's tree (4.6.1, A6).
    state.sets_spt = changed.key.source.has_value();
  }
  static_cast<void>(family);
  mrib_.on_assert(changed.link, changed.key.group, changed.key.source, state, now);
}

void Node::handle(PimFamily& family, pim::AssertsFlushed& flushed, TimePoint now) {
  mrib_.on_asserts_flushed(flushed.link, family.family, now);
}

void Node::handle(mrib::AssertFactsChanged& change, TimePoint now) {
  pim::AssertFacts facts{.could_assert = change.could_assert,
                         .tracking_desired = change.tracking_desired,
                         .rpf_interface = change.rpf_interface,
                         .metric = {}};
  if (change.could_assert || change.tracking_desired)
    facts.metric = {change.preference, change.metric};
  if (const auto link = links_.find(change.link); link != links_.end())
    pim_of(link->second, change.group.family())
        .pim.on_assert_facts(change.link, {.group = change.group, .source = change.source}, facts,
                             now);
}

// ---- neighbours ----

/// "GigabitEthernet0/1/1", or "GigabitEthernet0/1/1 in VPN instance red", for messages.
std::string Node::link_name(LinkId link) const {
  const auto found = links_.find(link);
  if (found == links_.end()) return "?";
  const LinkSettings& settings = found->second.settings;
  return settings.name + in_vrf(settings.vrf);
}

/// Who answers a new neighbour: the DR, or who would be it but for the newcomer (RFC 5059 3.5).
void Node::greet(PimFamily& family, LinkId link, const IpAddress& neighbour, TimePoint now) {
  family.auto_rp.stale = true;
  family.auto_rp.engine.on_new_neighbour(now);
  family.bsr.on_unicast_changed();
  const pim::Neighbours& neighbours = family.pim.neighbours();
  if (neighbours.am_dr(link) || neighbours.dr(link) == neighbour)
    family.bsr.on_new_neighbour(link, neighbour);
}

void Node::handle(PimFamily& family, pim::NeighbourUp& up, TimePoint now) {
  log(pim::kNeighbourUpMessage, up.address.to_string(), link_name(up.link));
  bfd_stale_ = true;
  greet(family, up.link, up.address, now);
}

void Node::handle(PimFamily& family, pim::NeighbourRestarted& restarted, TimePoint now) {
  log(pim::kNeighbourRestartedMessage, restarted.address.to_string(), link_name(restarted.link));
  greet(family, restarted.link, restarted.address, now);
}

void Node::handle(PimFamily& family, pim::NeighbourDown& down, TimePoint now) {
  static_cast<void>(now);
  bfd_stale_ = true;
  log(pim::kNeighbourDownMessage, down.address.to_string(), link_name(down.link),
      to_string(down.reason));
  family.auto_rp.stale = true;
  family.bsr.on_unicast_changed();
}

/// The DR serves the hosts of a link and registers its sources (RFC 7761 4.1.6, 4.4.1).
void Node::handle(PimFamily& family, pim::DrChanged& changed, TimePoint now) {
  static_cast<void>(family);
  if (const auto link = links_.find(changed.link); link != links_.end())
    if (link->second.in_plane) mrib_.set_link(route_link(link->second), now);
  const auto shown = [](const IpAddress& address) {
    return address.is_unspecified() ? std::string("nobody") : address.to_string();
  };
  log(pim::kDrChangedMessage, link_name(changed.link), shown(changed.now), shown(changed.before));
}

void Node::handle(PimFamily& family, pim::AddressConflict& conflict, TimePoint now) {
  static_cast<void>(family);
  static_cast<void>(now);
  log(pim::kAddressConflictMessage, conflict.address.to_string(), link_name(conflict.link),
      conflict.now.to_string(), conflict.before.to_string());
}

void Node::handle(PimFamily& family, pim::LimitReached& limit, TimePoint now) {
  static_cast<void>(family);
  static_cast<void>(now);
  log(pim::kPimLimitMessage, limit.limit == pim::Limit::neighbours ? "neighbors" : "entries",
      link_name(limit.link), limit.from.to_string());
}

}  // namespace hotpair::ha::node
