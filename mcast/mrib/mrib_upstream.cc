#include <utility>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {

/// The number of the way to a target if a PIM router is the next hop on it, else 0.
std::uint32_t Mrib::way_of(std::uint32_t slot, Family family) const {
  if (slot == kNone) return 0;
  const std::uint32_t link = rpf_link(slot);
  const Target& target = targets_[slot];
  return is_pim(link, family) && target.answer.neighbour ? target.way : 0;
}

void Mrib::tell_upstream(std::uint32_t& told, std::uint32_t way, std::uint32_t target,
                         UpstreamChanged change) {
  if (told == way) return;
  told = way;
  if (way == 0) {
    change.wish = Wish::none;
  } else {
    const RpfAnswer& answer = targets_[target].answer;
    change.link = answer.link;
    change.neighbour = *answer.neighbour;
  }
  effects_.push(std::move(change));
}

// JoinDesired(*,G): immediate_olist(*,G) is not empty (RFC 7761 4.5.4).
void Mrib::wish_star(GroupEntry& entry) {
  const bool wanted =
      held(want_star(entry), entry.star, entry.group.family()).kind == RouteKind::route;
  UpstreamChanged change{.vrf = entry.vrf, .group = entry.group, .source = {}};
  change.wish = Wish::join;
  if (wanted && entry.rp_target != kNone) change.rp = targets_[entry.rp_target].address;
  tell_upstream(entry.joined, wanted ? way_of(entry.rp_target, entry.group.family()) : 0,
                entry.rp_target, std::move(change));
}

// JoinDesired(S,G): immediate_olist(S,G) is not empty, or the source is active and
// inherited_olist(S,G) is not (4.5.5). PruneDesired(S,G,rpt): the shared tree is joined, and nobody
// wants the source from it or it comes by its own tree, of another router (4.5.6).
void Mrib::wish_source(SourceEntry& entry, const Want& want, const Want& told) {
  const GroupEntry& group = groups_[entry.group];
  const Family family = group.group.family();
  const bool active = (entry.by_traffic || entry.recorded != 0) && told.kind == RouteKind::route;
  const bool join = want.immediate || active;
  UpstreamChanged change{.vrf = group.vrf, .group = group.group, .source = entry.source};
  change.wish = Wish::join;
  const std::uint32_t own = join ? way_of(entry.target, family) : 0;
  tell_upstream(entry.joined, own, entry.target, change);

  const bool apart =
      on_spt(entry) && own != 0 && group.joined != 0 &&
      targets_[entry.target].answer.neighbour != targets_[group.rp_target].answer.neighbour;
  const bool known = want.named || entry.by_traffic || entry.recorded != 0;
  const bool prune = known && group.joined != 0 && (!want.shared || apart);
  change.rpt = true;
  change.wish = Wish::prune;
  if (prune) change.rp = targets_[group.rp_target].address;
  tell_upstream(entry.pruned, prune ? group.joined : 0, group.rp_target, std::move(change));
}

}  // namespace hotpair::mcast::mrib
