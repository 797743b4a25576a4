#include <algorithm>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {

RouteState* Mrib::state_of(const RouteRef& ref) {
  RouteState* state = nullptr;
  if (ref.star) {
    if (groups_.contains(ref.slot)) state = &groups_[ref.slot].star;
  } else if (sources_.contains(ref.slot)) {
    state = &sources_[ref.slot].route;
  }
  return state != nullptr && state->stamp == ref.stamp ? state : nullptr;
}

std::optional<Mrib::RouteRef> Mrib::ref_of(const fwd::RouteKey& key) const {
  const std::uint32_t group = groups_.find({key.vrf, key.group});
  if (group == kNone) return std::nullopt;
  if (!key.source) return RouteRef{group, groups_[group].star.stamp, true};
  const std::uint32_t source = sources_.find({group, *key.source});
  if (source == kNone) return std::nullopt;
  return RouteRef{source, sources_[source].route.stamp, false};
}

fwd::RouteKey Mrib::key_of(const RouteRef& ref) const {
  if (ref.star) return {groups_[ref.slot].vrf, groups_[ref.slot].group, std::nullopt};
  const SourceEntry& entry = sources_[ref.slot];
  const GroupEntry& group = groups_[entry.group];
  return {group.vrf, group.group, entry.source};
}

Want Mrib::effective_want(const RouteRef& ref) {
  if (ref.star) {
    const GroupEntry& group = groups_[ref.slot];
    const Want star = plane_star(ref.slot, want_star(ref.slot));
    return held(star, group.star, group.group.family());
  }
  const SourceEntry& entry = sources_[ref.slot];
  const SharedTree tree = shared_tree(entry.group, want_star(entry.group));
  return plane_source(ref.slot, want_source(ref.slot, tree));
}

void Mrib::enqueue(RouteState& state, const RouteRef& ref) {
  // A change in flight is looked at again when its result comes.
  if (state.pending || state.in_flight != InFlight::nothing) return;
  state.pending = true;
  pending_.push_back(ref);
}

void Mrib::free_if_idle(const RouteRef& ref) {
  if (ref.star) {
    free_group_if_idle(ref.slot);
    return;
  }
  const std::uint32_t group = sources_[ref.slot].group;
  if (free_source_if_idle(ref.slot)) free_group_if_idle(group);
}

std::optional<PlaneDelta> Mrib::next_delta() {
  PlaneDelta delta;
  while (!pending_.empty() && delta.changes.size() < kDeltaMax) {
    const RouteRef ref = pending_.front();
    pending_.pop_front();
    tell(ref, delta);
  }
  if (delta.changes.empty()) return std::nullopt;
  return delta;
}

void Mrib::tell(const RouteRef& ref, PlaneDelta& delta) {
  RouteState* state = state_of(ref);
  HA_ASSERT(state != nullptr && state->pending);
  state->pending = false;
  const Want want = effective_want(ref);
  const bool again = state->again;
  state->again = false;
  if (!differs(want, *state) && !(again && want.kind != RouteKind::none)) {
    if (!held_) state->stale = false;
    free_if_idle(ref);
    return;
  }
  if (want.kind == RouteKind::none) {
    state->in_flight = InFlight::removal;
    delta.changes.emplace_back(fwd::RemoveRoute{key_of(ref)});
    return;
  }
  if (state->kind == RouteKind::none) state->since = last_now_;
  state->in_flight = InFlight::set;
  state->kind = want.kind;
  state->incoming = want.incoming;
  set_outgoing(*state, want.outgoing);
  if (!held_) state->stale = false;
  fwd::Route route{key_of(ref), std::nullopt, {}};
  if (want.incoming != kNone) route.incoming = LinkId{want.incoming};
  route.outgoing.reserve(want.outgoing.size());
  for (const std::uint32_t link : want.outgoing) route.outgoing.emplace_back(link);
  delta.changes.emplace_back(fwd::SetRoute{std::move(route)});
}

void Mrib::on_applied(std::span<const fwd::AppliedChange> results, TimePoint now) {
  last_now_ = now;
  for (const fwd::AppliedChange& result : results)
    if (const std::optional<RouteRef> ref = ref_of(result.key)) on_result(*ref, result, now);
}

void Mrib::on_result(const RouteRef& ref, const fwd::AppliedChange& result, TimePoint now) {
  RouteState& state = *state_of(ref);
  const InFlight was = std::exchange(state.in_flight, InFlight::nothing);
  if (was == InFlight::nothing) return;
  const bool is_gone =
      was == InFlight::removal && (!result.error || result.error->code == ErrorCode::not_found);
  if (result.error && !is_gone) {
    count(Count::plane_failed);
    state.failed = true;
    const Duration wait =
        config_.retry_min * (std::int64_t{1} << std::min<unsigned>(state.failures, 16U));
    if (state.failures < 16) ++state.failures;
    retries_.emplace(now + std::min(wait, config_.retry_max), ref);
    return;
  }
  state.failed = false;
  state.failures = 0;
  if (is_gone) {
    state.kind = RouteKind::none;
    state.incoming = kNone;
    state.stale = false;
    set_outgoing(state, {});
  }
  if (differs(effective_want(ref), state) || state.again) {
    enqueue(state, ref);
    return;
  }
  free_if_idle(ref);
}

Duration Mrib::counter_interval() const {
  const bool by_rate = std::ranges::any_of(spt_policies_, [](const auto& each) {
    return !each.second.never && each.second.threshold_kbps != 0;
  });
  return by_rate ? std::min(config_.rate_interval, config_.counter_interval)
                 : config_.counter_interval;
}

// CheckSwitchToSpt (4.2.1) of a threshold: the rate since the round of counters before.
bool Mrib::is_fast(std::uint32_t slot, std::uint64_t bytes, TimePoint now) const {
  const SourceEntry& entry = sources_[slot];
  const SptPolicy policy = spt_policy(groups_[entry.group].vrf, entry.source.family());
  if (policy.never || policy.threshold_kbps == 0 || bytes <= entry.bytes) return false;
  const TimePoint since = std::max(counted_before_, entry.route.since);
  const double seconds = std::chrono::duration<double>(now - since).count();
  if (seconds < 1) return false;
  const double kbps = static_cast<double>(bytes - entry.bytes) * 8 / 1000 / seconds;
  if (kbps < policy.threshold_kbps) return false;
  const SharedTree tree = shared_tree(entry.group, want_star(entry.group));
  return tree.pim && want_source(slot, tree).local;
}

TimePoint Mrib::last_activity(const SourceEntry& entry) const {
  TimePoint last = entry.active_at;
  for (const std::uint32_t scope : lists_[entry.recorded]) {
    const auto found = scopes_.find(ScopeId{scope});
    if (found != scopes_.end() && found->second.mode == ScopeMode::active)
      last = std::max(last, found->second.activated_at);
  }
  return last;
}

void Mrib::on_counters(
    std::span<const std::pair<fwd::RouteKey, std::optional<fwd::RouteCounters>>> counters,
    TimePoint now) {
  last_now_ = now;
  for (const auto& [key, values] : counters) {
    if (!key.source) continue;
    const std::uint32_t slot = find_source(key.vrf, key.group, *key.source);
    if (slot != kNone) on_counter(slot, values, now);
  }
}

void Mrib::on_counter(std::uint32_t slot, const std::optional<fwd::RouteCounters>& counters,
                      TimePoint now) {
  SourceEntry& entry = sources_[slot];
  RouteState& state = entry.route;
  std::uint32_t arrived_by = kNone;
  if (!counters) {
    if (state.kind != RouteKind::none && state.in_flight == InFlight::nothing && !state.failed) {
      count(Count::plane_lost);
      state.again = true;
      enqueue(state, {slot, state.stamp, false});
    }
  } else {
    const auto strays = static_cast<std::uint32_t>(counters->wrong_interface);
    if (counters->packets != entry.packets) entry.active_at = now;
    if (counters->packets - entry.packets > strays - entry.strays &&
        state.kind != RouteKind::none && state.in_flight == InFlight::nothing)
      arrived_by = state.incoming;
    entry.keepalive |= entry.by_traffic && is_fast(slot, counters->bytes, now);
    entry.strays = strays;
    entry.packets = counters->packets;
    entry.bytes = counters->bytes;
    entry.counted = true;
  }
  const SharedTree tree = shared_tree(entry.group, want_star(entry.group));
  const bool joins = entry.keepalive && entry.joined == 0;
  const bool turned = arrived_by != kNone && judge_packet(slot, arrived_by, tree);
  if (now - last_activity(entry) < config_.keepalive) {
    if (turned || joins) evaluate_source(slot, now);
    return;
  }
  bool ended = entry.by_traffic;
  set_traffic(entry, false);
  std::vector<std::uint32_t> kept;
  const GroupEntry& group = groups_[entry.group];
  for (const std::uint32_t scope : lists_[entry.recorded]) {
    const auto found = scopes_.find(ScopeId{scope});
    if (found == scopes_.end() || found->second.mode == ScopeMode::standby) {
      kept.push_back(scope);
      continue;
    }
    ended = true;
    effects_.push(RecordRemoved{{ScopeId{scope}, group.vrf, group.group, entry.source}});
  }
  const std::uint32_t id = lists_.acquire(kept);
  lists_.release(entry.recorded);
  entry.recorded = id;
  if (ended) count(Count::expired);
  evaluate_source(slot, now);
}

}  // namespace hotpair::mcast::mrib
