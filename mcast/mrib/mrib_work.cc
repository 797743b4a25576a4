#include <algorithm>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {

void Mrib::on_timeout(TimePoint now) {
  last_now_ = now;
  if (hold_until_ && *hold_until_ <= now) {
    hold_until_.reset();
    held_ = false;
    unclaimed_at_ = now;
    sweep_.start();
  }
  std::size_t budget = kSliceMax;
  run_timers(budget, now);
  run_groups(budget, now);
  run_targets(budget, now);
  run_sweep(budget, now);
  run_admission(budget, now);
  run_asks(budget);
  run_counters(budget, now);
  run_leaving(budget, now);
}

void Mrib::run_timers(std::size_t& budget, TimePoint now) {
  while (budget > 0 && !patience_.empty() && patience_.front().due <= now) {
    const RouteRef ref = patience_.front().route;
    patience_.pop_front();
    --budget;
    if (state_of(ref) == nullptr) continue;
    SourceEntry& entry = sources_[ref.slot];
    if (targets_[entry.target].state != RpfState::asked) continue;
    entry.patience_over = true;
    evaluate_source(ref.slot, now);
  }
  while (budget > 0 && !negatives_.empty() && negatives_.front().due <= now) {
    const TimedRef timed = negatives_.front();
    negatives_.pop_front();
    --budget;
    if (state_of(timed.route) == nullptr) continue;
    SourceEntry& entry = sources_[timed.route.slot];
    if (!entry.negative_timed || entry.negative_until != timed.due) continue;
    count(Count::negative_expired);
    set_traffic(entry, false);
    evaluate_source(timed.route.slot, now);
  }
  while (budget > 0 && negative_ > config_.negative_max && evict_negative(now)) --budget;
  while (budget > 0 && !retries_.empty() && retries_.begin()->first <= now) {
    const RouteRef ref = retries_.begin()->second;
    retries_.erase(retries_.begin());
    --budget;
    RouteState* state = state_of(ref);
    if (state == nullptr || !state->failed) continue;
    state->again = true;
    enqueue(*state, ref);
  }
}

void Mrib::run_groups(std::size_t& budget, TimePoint now) {
  while (budget > 0 && !group_work_.empty()) {
    const std::uint32_t slot = group_work_.front();
    GroupEntry& entry = groups_[slot];
    if (!group_started_) {
      group_started_ = true;
      group_again_ = false;
      group_cursor_ = entry.first_source;
    }
    const SharedTree tree = shared_tree(slot, want_star(slot));
    while (budget > 0 && group_cursor_ != kNone) {
      const std::uint32_t source = group_cursor_;
      group_cursor_ = sources_[source].next_in_group;
      evaluate_source_of(source, tree, now);
      --budget;
    }
    if (group_cursor_ != kNone) return;
    group_started_ = false;
    group_work_.pop_front();
    entry.queued = group_again_;
    if (group_again_)
      group_work_.push_back(slot);
    else
      free_group_if_idle(slot);
  }
}

void Mrib::run_targets(std::size_t& budget, TimePoint now) {
  while (budget > 0 && !target_work_.empty()) {
    const std::uint32_t slot = target_work_.front();
    while (budget > 0 && targets_.contains(slot) && targets_[slot].walking) {
      Target& target = targets_[slot];
      const std::uint32_t source = target.walk;
      target.walking = source != kNone;
      if (!target.walking) break;
      target.walk = sources_[source].next_of_target;
      evaluate_source(source, now);
      --budget;
    }
    if (budget == 0) return;
    target_work_.pop_front();
  }
}

void Mrib::run_sweep(std::size_t& budget, TimePoint now) {
  while (budget > 0 && sweep_.is_running()) {
    const std::optional<std::uint32_t> next = sweep_.next(groups_.slots());
    if (!next) return;
    const std::uint32_t slot = *next;
    --budget;
    if (!groups_.contains(slot)) continue;
    assign_rp(slot);
    name_sources(slot);
    budget -= std::min<std::size_t>(budget, std::min(groups_[slot].source_count, 256U));
    evaluate_group(slot, now);
  }
}

void Mrib::run_asks(std::size_t& budget) {
  while (budget > 0 && reask_.is_running()) {
    const std::optional<std::uint32_t> slot = reask_.next(targets_.slots());
    if (!slot) return;
    --budget;
    if (targets_.contains(*slot)) ask(*slot);
  }
}

/// The scope behind whose closed gates, and behind no open one, a route leads.
std::optional<ScopeId> Mrib::standby_scope(const RouteState& route) const {
  if (route.kind != RouteKind::route) return std::nullopt;
  std::optional<ScopeId> found;
  for (const std::uint32_t link : lists_[route.outgoing]) {
    const std::optional<ScopeId>& scope = links_[link].config.scope;
    const auto state = scope ? scopes_.find(*scope) : scopes_.end();
    if (state == scopes_.end() || state->second.mode == ScopeMode::active) return std::nullopt;
    found = *scope;
  }
  return found;
}

bool Mrib::is_silent(const SourceEntry& entry, TimePoint now) const {
  const Duration round = counter_interval() + counter_interval() / 2;
  return now - entry.route.since > round && now - entry.active_at > round;
}

void Mrib::run_counters(std::size_t& budget, TimePoint now) {
  if (counter_cursor_ == kNone) {
    if (!counters_at_ || now < *counters_at_) return;
    counter_cursor_ = 0;
    counters_at_.reset();
    counted_before_ = std::exchange(counted_at_, now);
  }
  AskCounters batch;
  while (budget > 0 && counter_cursor_ < sources_.slots()) {
    const std::uint32_t slot = counter_cursor_++;
    --budget;
    if (!sources_.contains(slot)) continue;
    const SourceEntry& entry = sources_[slot];
    const std::optional<ScopeId> behind = standby_scope(entry.route);
    if (behind && is_silent(entry, now)) ++silent_so_far_[*behind];
    if ((!entry.by_traffic && entry.recorded == 0 && !behind) ||
        entry.route.kind == RouteKind::none ||
        (entry.route.kind == RouteKind::negative && !is_kept(entry) &&
         !admission_.denies(state_key(slot, false))))
      continue;
    batch.keys.push_back(key_of({slot, entry.route.stamp, false}));
    if (batch.keys.size() < kDeltaMax) continue;
    effects_.push(std::exchange(batch, {}));
  }
  if (!batch.keys.empty()) effects_.push(std::move(batch));
  if (counter_cursor_ < sources_.slots()) return;
  counter_cursor_ = kNone;
  silent_ = std::exchange(silent_so_far_, {});
  if (sources_.size() > 0) counters_at_ = now + counter_interval();
}

bool Mrib::has_work() const {
  return reask_.is_running() || sweep_.is_running() || !group_work_.empty() ||
         !target_work_.empty() || admission_.has_work() || counter_cursor_ != kNone ||
         negative_ > config_.negative_max;
}

std::optional<TimePoint> Mrib::next_deadline() const {
  if (has_work()) return last_now_;
  std::optional<TimePoint> next = earliest(counters_at_, hold_until_);
  if (!leaving_.empty()) next = earliest(next, leaving_at_);
  if (unclaimed_at_ && !held_) next = earliest(next, unclaimed_at_);
  if (!negatives_.empty()) next = earliest(next, negatives_.front().due);
  if (!patience_.empty()) next = earliest(next, patience_.front().due);
  if (!retries_.empty()) next = earliest(next, retries_.begin()->first);
  return next;
}

std::optional<Effect> Mrib::poll_effect() {
  // What was freed in this turn is given away before the plane is told of it.
  do {
    if (std::optional<Effect> effect = effects_.poll()) return effect;
    while (!asks_.empty()) {
      const std::uint32_t slot = asks_.front();
      asks_.pop_front();
      if (!targets_.contains(slot) || !targets_[slot].to_ask) continue;
      targets_[slot].to_ask = false;
      return AskRpf{targets_[slot].vrf, targets_[slot].address};
    }
  } while (settle_admission());
  if (std::optional<PlaneDelta> delta = next_delta()) return std::move(*delta);
  return std::nullopt;
}

bool Mrib::is_settled() const {
  return !has_work() && pending_.empty() && asks_.empty() && effects_.empty();
}

}  // namespace hotpair::mcast::mrib
