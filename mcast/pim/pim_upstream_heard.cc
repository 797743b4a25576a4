#include <algorithm>

#include "mcast/pim/pim_upstream.h"

namespace hotpair::mcast::pim {
namespace {

/// Trees that one message of another router may make us look at.
constexpr std::size_t kMessageWork = 16'384;
/// Joins(S,G,rpt) that may wait at a time to override Prunes of other routers.
constexpr std::size_t kOverridesMax = 10'000;

bool is_usable(wire::PimEntryFault fault) {
  return fault == wire::PimEntryFault::none || fault == wire::PimEntryFault::reserved_flags;
}

}  // namespace

/// A message while it is being processed. One random delay serves all its entries, so that what it
/// makes us send fills messages too.
struct Upstream::Hearing {
  Link& link;
  const IpAddress& upstream;
  TimePoint override_at;
  TimePoint suppressed_until;
  std::size_t work = kMessageWork;

  [[nodiscard]] bool spend() {
    if (work == 0) {
      ++link.counters.work_limit;
      return false;
    }
    --work;
    return true;
  }
  /// The tree's Joins go to the router that the message is for.
  [[nodiscard]] bool concerns(const Tree& tree) const {
    return tree.router->key.first == link.config.link && tree.router->primary == upstream;
  }
};

void Upstream::on_foreign_join_prune(LinkId id, const wire::PimJoinPrune& message, TimePoint now) {
  now_ = now;
  const auto found = links_.find(id);
  if (found == links_.end() || !is_live(found->second)) return;
  Link& link = found->second;
  ++link.counters.heard;
  // t_override and t_joinsuppress of 4.11.
  const Duration period = link.config.join_prune_period;
  const Duration suppressed = std::min<Duration>(period * 11 / 10 + entropy_.up_to(period * 3 / 10),
                                                 std::chrono::seconds(message.holdtime_s));
  const Duration delay = entropy_.up_to(link.lan.override_interval);
  Hearing hearing{link, message.upstream_neighbor, now + delay, now + suppressed};
  const VrfId vrf = link.config.vrf;
  for (const wire::PimGroupSet& set : message.groups) {
    const auto group = Group::from(set.group.address);
    if (!group || !is_usable(wire::fault_of_group(set.group))) continue;
    const Key star{vrf, {*group, std::nullopt, false}};
    for (const wire::PimSource& source : set.joined) {
      if (!is_usable(wire::fault_of_source(source)) || !hearing.spend()) continue;
      const Key key{vrf, {*group, source.address, source.rpt}};
      if (source.wildcard)
        see_join(hearing, star);
      else if (source.rpt)
        see_rpt_join(hearing, key);
      else
        see_join(hearing, key);
    }
    for (const wire::PimSource& source : set.pruned) {
      if (!is_usable(wire::fault_of_source(source)) || !hearing.spend()) continue;
      const Key key{vrf, {*group, source.address, false}};
      if (source.wildcard) {
        see_prune_of_group(hearing, star);
      } else {
        // 4.5.5: a Prune(S,G,rpt) to RPF'(S,G) counts like a Prune(S,G); 4.5.6: and the reverse.
        see_prune(hearing, key);
        see_rpt_prune(hearing, {vrf, {*group, source.address, true}});
      }
    }
  }
}

// "See Join(*,G) to RPF'(*,G)", "See Join(S,G) to RPF'(S,G)": JT goes up to t_joinsuppress.
void Upstream::see_join(Hearing& hearing, const Key& key) {
  const auto found = trees_.find(key);
  if (found == trees_.end() || !hearing.link.lan.suppression) return;
  Tree& tree = found->second;
  if (!is_told(tree) || !hearing.concerns(tree)) return;
  const TimePoint due = due_of(tree);
  if (due == kAtOnce || due >= hearing.suppressed_until) return;
  set_due(found->first, tree, hearing.suppressed_until);
  ++hearing.link.counters.suppressed;
}

// "See Prune": JT goes down to t_override.
void Upstream::see_prune(Hearing& hearing, const Key& key) {
  const auto found = trees_.find(key);
  if (found == trees_.end()) return;
  Tree& tree = found->second;
  if (!is_told(tree) || !hearing.concerns(tree) || due_of(tree) <= hearing.override_at) return;
  set_due(found->first, tree, hearing.override_at);
  ++hearing.link.counters.overridden;
}

// "See Prune(*,G) to RPF'(S,G)" of 4.5.5 concerns every (S,G) of the group.
void Upstream::see_prune_of_group(Hearing& hearing, const Key& star) {
  for (auto at = trees_.lower_bound(star); at != trees_.end() && at->first.first == star.first &&
                                           at->first.second.group == star.second.group;
       ++at) {
    if (!hearing.spend()) return;
    see_prune(hearing, at->first);
  }
}

// "See Join(S,G,rpt) to RPF'(S,G,rpt)" while not pruned: OT is cancelled.
void Upstream::see_rpt_join(Hearing& hearing, const Key& key) {
  const auto found = rpts_.find(key);
  if (found == rpts_.end() || found->second.kind == UpstreamKind::prune) return;
  if (found->second.router == nullptr || !hearing.concerns(found->second)) return;
  clear_due(found->first, found->second);
  drop_rpt(found);
}

// "See Prune(S,G,rpt)" and "See Prune(S,G)" to RPF'(S,G,rpt) while not pruned: OT goes down to
// t_override. Under an (S,G) assert RPF'(S,G,rpt) is not where our Join(*,G) goes.
void Upstream::see_rpt_prune(Hearing& hearing, const Key& key) {
  Tree* star = star_of(key);
  if (star == nullptr || !is_told(*star) || !hearing.concerns(*star)) return;
  if (winner_of(star->link, key.second) != nullptr) return;
  const auto found = rpts_.find(key);
  if (found != rpts_.end() && found->second.kind == UpstreamKind::prune) return;
  if (found == rpts_.end() && passing_ >= kOverridesMax) {
    ++hearing.link.counters.work_limit;
    return;
  }
  override_rpt(key, *star, hearing.override_at);
  ++hearing.link.counters.overridden;
}

}  // namespace hotpair::mcast::pim
