#include <utility>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {

/// MRIB.next_hop of 4.1.6. An RP on a link of ours is the next hop itself; of a source there nobody
/// is asked, its packets come by themselves.
std::optional<IpAddress> Mrib::next_hop(std::uint32_t slot, Towards towards) const {
  const Target& target = targets_[slot];
  if (towards == Towards::rp && target.answer.connected) return target.address;
  return target.answer.neighbour;
}

/// The number of the way to a target if a PIM router is the next hop on it, else 0.
std::uint32_t Mrib::way_of(std::uint32_t slot, const Group& group, Towards towards) const {
  if (slot == kNone) return 0;
  const bool joins = is_pim(rpf_link(slot, group), group.family()) && next_hop(slot, towards);
  return joins ? targets_[slot].way : 0;
}

void Mrib::tell_upstream(std::uint32_t& told, std::uint32_t way, std::uint32_t target,
                         UpstreamChanged change) {
  if (told == way) return;
  told = way;
  if (way == 0) {
    change.wish = Wish::none;
  } else {
    const Towards towards = change.source && !change.rpt ? Towards::source : Towards::rp;
    change.link = targets_[target].answer.link;
    change.neighbour = *next_hop(target, towards);
  }
  effects_.push(std::move(change));
}

// JoinDesired(*,G): immediate_olist(*,G) is not empty (RFC 7761 4.5.4). What a hold keeps of it
// may be in no route of the plane.
void Mrib::wish_star(GroupEntry& entry, const Want& star) {
  if (entry.bidir) return wish_bidir(entry, star);
  const bool wanted = (held_ && entry.joined != 0) ||
                      held(star, entry.star, entry.group.family()).kind == RouteKind::route;
  UpstreamChanged change{.vrf = entry.vrf, .group = entry.group, .source = {}};
  change.wish = Wish::join;
  if (wanted && entry.rp_target != kNone) change.rp = targets_[entry.rp_target].address;
  const std::uint32_t way = way_of(entry.rp_target, entry.group, Towards::rp);
  tell_upstream(entry.joined, wanted ? way : 0, entry.rp_target, std::move(change));
}

// Without a shared tree of PIM nothing tells its packets from those of the source's own tree.
bool Mrib::keeps_alive(const SourceEntry& entry, const SharedTree& tree) const {
  if (entry.recorded != 0 || !entry.by_traffic) return entry.recorded != 0;
  const bool adopted = held_ && entry.arrived != tree.link && entry.arrived != kNone &&
                       entry.arrived == rpf_link(entry.target, groups_[entry.group].group);
  return entry.keepalive || !tree.pim || adopted;
}

// JoinDesired(S,G): immediate_olist(S,G) is not empty, or the Keepalive Timer runs and
// inherited_olist(S,G) is not (4.5.5).
bool Mrib::join_desired(const SourceEntry& entry, const SharedTree& tree, const Want& want) const {
  return want.immediate || (want.receivers && keeps_alive(entry, tree));
}

// CheckSwitchToSpt (4.2.1) without a threshold.
void Mrib::switch_to_spt(SourceEntry& entry, const SharedTree& tree, const Want& want) {
  if (tree.hasty && entry.by_traffic && want.local) entry.keepalive = true;
}

// RPF'(*,G) and RPF'(S,G) of 4.1.6.
std::optional<IpAddress> Mrib::rpf_prime(std::uint32_t slot, Towards towards, const Group& group,
                                         const TreeSide* side) const {
  const std::uint32_t link = rpf_link(slot, group);
  if (link == kNone) return std::nullopt;
  const Target& target = targets_[slot];
  if (target.answer.local) return std::nullopt;
  const AssertState* state = assert_of(side, links_[link], target.address.family());
  return state != nullptr && state->winner ? state->winner : next_hop(slot, towards);
}

// PruneDesired(S,G,rpt): the shared tree is joined, and nobody wants the source from it or it comes
// by its own tree, of another router (4.5.6).
void Mrib::wish_source(std::uint32_t slot, const SharedTree& tree, const Want& want,
                       const Want& told) {
  SourceEntry& entry = sources_[slot];
  const GroupEntry& group = groups_[entry.group];
  const bool active = keeps_alive(entry, tree) && (told.kind == RouteKind::route || told.denied) &&
                      !is_flooded(group) && !group.bidir;
  UpstreamChanged change{.vrf = group.vrf, .group = group.group, .source = entry.source};
  change.wish = Wish::join;
  const std::uint32_t own =
      want.immediate || active ? way_of(entry.target, group.group, Towards::source) : 0;
  tell_upstream(entry.joined, own, entry.target, change);

  const bool apart =
      on_spt(entry) &&
      rpf_prime(entry.target, Towards::source, group.group, side_of(slot, false)) !=
          rpf_prime(group.rp_target, Towards::rp, group.group, side_of(entry.group, true));
  const bool known = want.named || entry.by_traffic || entry.recorded != 0;
  const bool prune = known && !group.bidir && group.joined != 0 && (!want.shared || apart);
  change.rpt = true;
  change.wish = Wish::prune;
  if (prune) change.rp = targets_[group.rp_target].address;
  tell_upstream(entry.pruned, prune ? group.joined : 0, group.rp_target, std::move(change));
}

// "On receipt of data" of 4.2: by the source's own tree, unless it is as well the shared one.
void Mrib::judge_upcall(SourceEntry& entry, const SharedTree& tree) {
  const std::uint32_t own = rpf_link(entry.target, groups_[entry.group].group);
  if (own == kNone || entry.arrived != own || !entry.by_traffic) return;
  entry.keepalive |= targets_[entry.target].answer.connected || own != tree.link;
}

// Update_SPTbit (4.2.2).
bool Mrib::judge_packet(std::uint32_t slot, std::uint32_t link, const SharedTree& tree) {
  SourceEntry& entry = sources_[slot];
  const GroupEntry& group = groups_[entry.group];
  const std::uint32_t own = rpf_link(entry.target, group.group);
  if (own == kNone || link != own || group.bidir) return false;
  if (on_spt(entry)) return false;
  const Want want = want_source(slot, tree);
  if (!join_desired(entry, tree, want)) return false;
  const bool is_apart = targets_[entry.target].answer.connected || own != tree.link;
  const TreeSide* side = side_of(slot, false);
  const AssertState* state = assert_of(side, links_[own], entry.source.family());
  const std::optional<IpAddress> hop = rpf_prime(entry.target, Towards::source, group.group, side);
  const bool sets = is_apart || !want.shared || (state != nullptr && state->winner) ||
                    (hop && hop == rpf_prime(group.rp_target, Towards::rp, group.group,
                                             side_of(entry.group, true)));
  if (!sets) return false;
  entry.spt_way = targets_[entry.target].way;
  return true;
}

bool Mrib::spt_bit(VrfId vrf, const Group& group, const IpAddress& source) const {
  const std::uint32_t slot = find_source(vrf, group, source);
  return slot != kNone && on_spt(sources_[slot]);
}

bool Mrib::has_receivers(VrfId vrf, const Group& group, const IpAddress& source) const {
  const std::uint32_t slot = find_source(vrf, group, source);
  if (slot == kNone) return false;
  const std::uint32_t owner = sources_[slot].group;
  return want_source(slot, shared_tree(owner, want_star(owner))).receivers;
}

}  // namespace hotpair::mcast::mrib
