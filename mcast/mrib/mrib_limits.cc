#include <algorithm>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {

// ---- configuration, records ----

void Mrib::set_limits(LinkId link, Family family, const std::vector<Limit>& limits, TimePoint now) {
  last_now_ = now;
  admission_.set_limits(link, family, limits);
  if (admission_.is_changing()) sweep_.start();
}

void Mrib::set_costs(Family family, const std::vector<ChannelCost>& costs, TimePoint now) {
  last_now_ = now;
  admission_.set_costs(family, costs);
  if (admission_.is_changing()) sweep_.start();
}

void Mrib::set_limit_rate(Family family, std::uint32_t per_second) {
  limit_rates_[family_index(family)] = per_second;
}

/// While another node is master of the link's scope, its records say what is admitted.
void Mrib::follow_records(LinkId link) {
  const std::optional<ScopeId>& scope = links_[link.value()].config.scope;
  const auto found = scope ? scopes_.find(*scope) : scopes_.end();
  const bool active = found != scopes_.end() && found->second.mode == ScopeMode::active;
  admission_.set_following(link, scope && !active);
}

void Mrib::on_reservation(const Reservation& record, TimePoint now) {
  last_now_ = now;
  const StateKey& state = record.key.state;
  const bool known = known_link(record.key.link, state.group.family()) != nullptr;
  if (!known || state.group.address().is_link_local_multicast() || !admission_.on_record(record))
    count(Count::reservation_ignored);
}

void Mrib::on_reservation_removed(const ReservationKey& key, TimePoint now) {
  last_now_ = now;
  admission_.on_record_removed(key);
}

void Mrib::drop_reservations(LinkId link, TimePoint now) {
  last_now_ = now;
  admission_.drop_records(link);
}

// ---- what a state asks for ----

StateKey Mrib::state_key(std::uint32_t slot, bool star) const {
  const GroupEntry& group = groups_[star ? slot : sources_[slot].group];
  StateKey key{group.vrf, group.group, std::nullopt};
  if (!star) key.source = sources_[slot].source;
  return key;
}

/// The packets of the source come from its own link.
bool Mrib::comes_in_connected(std::uint32_t slot, const Want& want) const {
  const Target& target = targets_[sources_[slot].target];
  return target.state == RpfState::reachable && target.answer.connected &&
         want.incoming == rpf_link(sources_[slot].target, groups_[sources_[slot].group].group);
}

void Mrib::reserve(const StateKey& state, const Want& want, const RouteState& told,
                   bool connected) {
  std::vector<Ask> asks;
  if (want.kind == RouteKind::route) {
    const bool forwards = told.kind == RouteKind::route;
    if (want.incoming != kNone)
      asks.push_back({LinkId{want.incoming}, Direction::in, connected,
                      forwards && told.incoming == want.incoming});
    const std::vector<std::uint32_t>& links = lists_[told.outgoing];
    for (const std::uint32_t link : want.outgoing) {
      if (state.source && admission_.covers(state, LinkId{link})) continue;
      asks.push_back({LinkId{link}, Direction::out, false,
                      forwards && std::ranges::binary_search(links, link)});
    }
  }
  admission_.update(state, asks);
}

void Mrib::reserve_star(std::uint32_t slot, const Want& star) {
  if (admission_.is_idle()) return;
  const GroupEntry& entry = groups_[slot];
  const bool is_kept_out = entry.bidir || shared_tree(slot, star).split;
  reserve(state_key(slot, true), is_kept_out ? Want{} : star, entry.star, false);
}

void Mrib::reserve_source(std::uint32_t slot, const Want& want) {
  if (admission_.is_idle()) return;
  const SourceEntry& entry = sources_[slot];
  const bool is_kept_out = awaits_first_packet(entry);
  reserve(state_key(slot, false), is_kept_out ? Want{} : want, entry.route,
          comes_in_connected(slot, want));
}

void Mrib::release_reservations(std::uint32_t slot, bool star) {
  if (!admission_.is_idle()) admission_.update(state_key(slot, star), {});
}

/// The route with the links that it is admitted to. Denied altogether it is a negative one, which
/// lasts as long as the state: packets do not ask again and again.
Want Mrib::limited(const StateKey& state, Want want, bool connected) const {
  if (admission_.is_idle() || want.kind != RouteKind::route) return want;
  const bool comes_in = want.incoming == kNone ||
                        admission_.admits(state, LinkId{want.incoming}, Direction::in, connected);
  std::erase_if(want.outgoing, [&](const std::uint32_t number) {
    const LinkId link{number};
    const bool covered = state.source && admission_.covers(state, link);
    return !comes_in || (!covered && !admission_.admits(state, link, Direction::out, false));
  });
  if (!want.outgoing.empty()) return want;
  want.kind = RouteKind::negative;
  want.timed = false;
  want.denied = true;
  return want;
}

// ---- driving ----

void Mrib::evaluate_state(const StateKey& state) {
  const std::uint32_t group = groups_.find({state.vrf, state.group});
  if (group == kNone) return;
  if (!state.source) return evaluate_group(group, last_now_);
  const std::uint32_t source = sources_.find({group, *state.source});
  if (source != kNone) evaluate_source(source, last_now_);
}

bool Mrib::settle_admission() {
  if (admission_waits_ || !admission_.has_work()) return false;
  std::size_t budget = kSliceMax;
  admission_.admit(budget);
  admission_waits_ = budget == 0;
  while (const std::optional<StateKey> state = admission_.poll_changed()) evaluate_state(*state);
  while (std::optional<AdmissionEffect> effect = admission_.poll_effect()) {
    if (auto* denied = std::get_if<LimitDenied>(&*effect)) {
      const std::size_t family = family_index(denied->key.state.group.family());
      if (!limit_buckets_[family].take(limit_rates_[family], last_now_)) {
        ++limit_suppressed_[family];
        continue;
      }
      denied->suppressed = std::exchange(limit_suppressed_[family], 0);
    }
    std::visit([this](auto& one) { effects_.push(std::move(one)); }, *effect);
  }
  return true;
}

void Mrib::run_admission(std::size_t& budget, TimePoint now) {
  admission_waits_ = false;
  if (admission_.is_changing() && !sweep_.is_running() && group_work_.empty())
    admission_.end_change();
  if (!unclaimed_at_ || held_ || now < *unclaimed_at_) return;
  admission_.release_unclaimed(budget);
  if (budget > 0) unclaimed_at_.reset();
}

}  // namespace hotpair::mcast::mrib
