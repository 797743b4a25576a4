#include "mcast/mrib/mrib_machine.h"

#include <algorithm>
#include <utility>

namespace hotpair::mcast::mrib {

namespace {

/// LinkIds are dense numbers given by the node; a number beyond this is a broken invariant.
constexpr std::uint32_t kLinksMax = 1U << 20U;
/// An RPF change of a target with more sources than this is worked on in slices.
constexpr std::uint32_t kInlineTargets = 64;

/// What a metric alone changes is told to asserts, and to nobody else.
bool is_same_way(const RpfAnswer& a, const RpfAnswer& b) {
  return a.link == b.link && a.neighbour == b.neighbour && a.connected == b.connected &&
         a.local == b.local && a.home == b.home;
}

}  // namespace

Mrib::Mrib(const Config& config, TimePoint now) : config_(config), last_now_(now) {}

// ---- configuration ----

Mrib::LinkState& Mrib::link_slot(LinkId link) {
  HA_ASSERT(link.value() < kLinksMax);
  if (link.value() >= links_.size()) links_.resize(link.value() + 1);
  return links_[link.value()];
}

const Mrib::LinkState* Mrib::known_link(LinkId link, Family family) const {
  if (link.value() >= links_.size()) return nullptr;
  const LinkState& state = links_[link.value()];
  const bool is_enabled = family == Family::ipv4 ? state.config.ipv4 : state.config.ipv6;
  return state.known && is_enabled ? &state : nullptr;
}

const Mrib::LinkState* Mrib::link_for(LinkId link, Family family) const {
  const LinkState* state = known_link(link, family);
  return state != nullptr && state->carries() ? state : nullptr;
}

void Mrib::void_members(LinkState& link, Family family) {
  for (std::uint16_t& generation : link.generation[family_index(family)]) ++generation;
}

// What was told to an earlier life of PIM on the link is told anew.
void Mrib::count_pim(const LinkState& before, LinkState& after, Family family) {
  const auto has_pim = [family](const LinkState& link) {
    const LinkConfig& config = link.config;
    const bool pim =
        family == Family::ipv4 ? config.ipv4 && config.pim_ipv4 : config.ipv6 && config.pim_ipv6;
    return link.carries() && pim;
  };
  const std::size_t index = family_index(family);
  const bool had = has_pim(before);
  const bool has = has_pim(after);
  pim_links_[index] += has ? 1U : 0U;
  pim_links_[index] -= had ? 1U : 0U;
  const bool moved = before.config.vrf != after.config.vrf;
  if (!had || (has && !moved)) return;
  ++after.facts[index];
  ++after.asserts[index];
}

void Mrib::set_link(const LinkConfig& link, TimePoint now) {
  last_now_ = now;
  LinkState& state = link_slot(link.link);
  if (state.known && state.config == link) return;
  const bool moved = state.known && state.config.vrf != link.vrf;
  if (!link.ipv4 || moved) void_members(state, Family::ipv4);
  if (!link.ipv6 || moved) void_members(state, Family::ipv6);
  const LinkState before = state;
  state.config = link;
  state.known = true;
  follow_records(link.link);
  for (const Family family : {Family::ipv4, Family::ipv6}) count_pim(before, state, family);
  if (state.carries())
    leaving_.erase(link.link.value());
  else if (before.carries())
    begin_leaving(link.link, now);
  sweep_.start();
}

void Mrib::begin_leaving(LinkId link, TimePoint now) {
  leaving_.insert(link.value());
  leaving_cursor_ = kNone;
  leaving_at_ = now;
}

void Mrib::remove_link(LinkId link, TimePoint now) {
  last_now_ = now;
  LinkState& state = link_slot(link);
  if (!state.known) return;
  const LinkState before = state;
  state.known = false;
  for (const Family family : {Family::ipv4, Family::ipv6}) count_pim(before, state, family);
  void_members(state, Family::ipv4);
  void_members(state, Family::ipv6);
  admission_.forget(link);
  sweep_.start();
  if (before.carries()) begin_leaving(link, now);
}

void Mrib::set_rps(VrfId vrf, Family family, rp::RpSet set, TimePoint now) {
  last_now_ = now;
  rp::RpSet& current = rps_[{vrf, family}];
  if (current == set) return;
  current = std::move(set);
  refresh_bidir_rps(vrf, family);
  sweep_.start();
}

void Mrib::set_scope_mode(ScopeId scope, ScopeMode mode, TimePoint now) {
  last_now_ = now;
  const auto [found, is_new] = scopes_.try_emplace(scope);
  if (!is_new && found->second.mode == mode) return;
  found->second.mode = mode;
  if (mode == ScopeMode::active) found->second.activated_at = now;
  for (const LinkState& link : links_)
    if (link.known && link.config.scope == scope) follow_records(link.config.link);
  if (mode == ScopeMode::active) unclaimed_at_ = now + config_.reservation_hold;
  // A standby keeps its records; but it registers nothing.
  if (mode == ScopeMode::active || !first_hops_.empty()) sweep_.start();
}

void Mrib::remove_scope(ScopeId scope, TimePoint now) {
  last_now_ = now;
  if (scopes_.erase(scope) > 0) sweep_.start();
}

// ---- inputs ----

void Mrib::set_member(GroupEntry& entry, const LinkState& link, Origin origin,
                      Membership membership) {
  const Family family = entry.group.family();
  std::erase_if(membership.sources,
                [&](const IpAddress& source) { return !is_routable_source(source, family); });
  std::ranges::sort(membership.sources);
  membership.sources.erase(std::ranges::unique(membership.sources).begin(),
                           membership.sources.end());
  prune_members(entry);
  const std::uint32_t number = link.config.link.value();
  const bool is_left = membership.mode == FilterMode::include && membership.sources.empty();
  const auto found = std::ranges::find_if(entry.members, [&](const Member& member) {
    return member.link == number && member.origin == origin;
  });
  if (is_left) {
    if (found != entry.members.end()) entry.members.erase(found);
    return;
  }
  const auto& generations = link.generation[family_index(family)];
  Member member{number, generations[static_cast<std::size_t>(origin)], origin, membership.mode,
                nullptr};
  if (!membership.sources.empty()) {
    membership.sources.shrink_to_fit();
    member.sources = std::make_unique<std::vector<IpAddress>>(std::move(membership.sources));
  }
  if (found != entry.members.end())
    *found = std::move(member);
  else
    entry.members.push_back(std::move(member));
}

void Mrib::on_membership(LinkId link, const Group& group, const Membership& membership,
                         TimePoint now, Origin origin) {
  last_now_ = now;
  if (group.address().is_link_local_multicast()) return;
  const LinkState* state = known_link(link, group.family());
  if (state == nullptr) {
    count(Count::membership_ignored);
    return;
  }
  const bool is_left = membership.mode == FilterMode::include && membership.sources.empty();
  std::uint32_t slot = groups_.find({state->config.vrf, group});
  if (slot == kNone && is_left) return;
  if (slot == kNone) slot = group_of(state->config.vrf, group);
  set_member(groups_[slot], *state, origin, membership);
  for (const IpAddress& source : membership.sources)
    if (is_routable_source(source, group.family())) static_cast<void>(source_of(slot, source));
  evaluate_group(slot, now);
}

void Mrib::on_flush(LinkId link, Family family, TimePoint now, Origin origin) {
  last_now_ = now;
  if (known_link(link, family) == nullptr) return;
  ++link_slot(link).generation[family_index(family)][static_cast<std::size_t>(origin)];
  sweep_.start();
}

bool Mrib::admit_upcall(const fwd::NoRoute& event, TimePoint now) {
  const LinkState* link = link_for(event.link, event.group.family());
  if (link == nullptr || link->config.vrf != event.vrf) {
    count(Count::upcall_unknown_link);
    return false;
  }
  if (event.group.address().is_link_local_multicast()) {
    count(Count::upcall_link_local);
    return false;
  }
  if (!is_routable_source(event.source, event.group.family())) {
    count(Count::upcall_bad_source);
    return false;
  }
  if (!link_slot(event.link).upcalls.take(config_.upcalls_per_link_s, now)) {
    count(Count::upcall_limited_link);
    return false;
  }
  if (!source_buckets_.take(event.link, event.source, config_.upcalls_per_source_s, now)) {
    count(Count::upcall_limited_source);
    return false;
  }
  return true;
}

bool Mrib::evict_negative(TimePoint now) {
  while (!negatives_.empty()) {
    const TimedRef timed = negatives_.front();
    negatives_.pop_front();
    if (state_of(timed.route) == nullptr) continue;
    SourceEntry& entry = sources_[timed.route.slot];
    if (!entry.negative_timed || entry.negative_until != timed.due) continue;
    count(Count::negative_evicted);
    set_traffic(entry, false);
    evaluate_source(timed.route.slot, now);
    return true;
  }
  return false;
}

bool Mrib::make_room(TimePoint now) {
  if (data_driven_ < config_.data_driven_max || evict_negative(now)) return true;
  count(Count::upcall_limited_table);
  return false;
}

void Mrib::on_no_route(const fwd::NoRoute& event, TimePoint now) {
  last_now_ = now;
  count(Count::upcalls);
  if (!admit_upcall(event, now)) return;
  const std::uint32_t known = find_source(event.vrf, event.group, event.source);
  if ((known == kNone || !sources_[known].by_traffic) && !make_room(now)) return;
  const std::uint32_t slot = source_of(group_of(event.vrf, event.group), event.source);
  SourceEntry& entry = sources_[slot];
  set_traffic(entry, true);
  entry.active_at = now;
  entry.arrived = event.link.value();
  entry.elsewhere = is_elsewhere(groups_[entry.group], entry.arrived);
  if (entry.route.kind != RouteKind::none) {
    // The plane asks although it was told: tell it again.
    entry.route.again = true;
    enqueue(entry.route, {slot, entry.route.stamp, false});
  }
  if (targets_[entry.target].state == RpfState::asked && !entry.patience_over)
    patience_.push_back({now + config_.rpf_patience, {slot, entry.route.stamp, false}});
  evaluate_source(slot, now);
  if (negative_ > config_.negative_max) static_cast<void>(evict_negative(now));
}

void Mrib::on_wrong_interface(const fwd::WrongInterface& event, TimePoint now) {
  last_now_ = now;
  count(Count::wrong_interface);
  const std::uint32_t target = targets_.find({event.vrf, event.source});
  if (target == kNone) return;
  ask(target);
  const std::uint32_t slot = find_source(event.vrf, event.group, event.source);
  if (slot != kNone && groups_[sources_[slot].group].bidir)
    return note_arrival(slot, event.link.value(), now);
  if (slot == kNone || on_spt(sources_[slot])) return;
  const std::uint32_t owner = sources_[slot].group;
  if (judge_packet(slot, event.link.value(), shared_tree(owner, want_star(owner)))) {
    evaluate_source(slot, now);
  } else if (is_pim(event.link.value(), event.group.family())) {
    // Which Assert answers it depends on SPTbit: packets of the own tree may have come by now.
    effects_.push(AskCounters{{key_of({slot, 0, false})}});
  }
}

void Mrib::on_rpf(VrfId vrf, const IpAddress& address, const std::optional<RpfAnswer>& answer,
                  TimePoint now) {
  last_now_ = now;
  const std::uint32_t slot = targets_.find({vrf, address});
  if (slot == kNone) return;
  Target& target = targets_[slot];
  const RpfState state = answer ? RpfState::reachable : RpfState::unreachable;
  const bool is_same = target.state == state && (!answer || is_same_way(target.answer, *answer));
  const bool tells_metric =
      answer && is_pim(answer->link.value(), address.family()) &&
      (target.answer.metric != answer->metric || target.answer.preference != answer->preference);
  unreachable_ -= target.state == RpfState::unreachable ? 1U : 0U;
  unreachable_ += state == RpfState::unreachable ? 1U : 0U;
  target.state = state;
  target.answer = answer.value_or(RpfAnswer{});
  tell_bidir_rp(vrf, address);
  if (is_same && !tells_metric) return;
  if (!is_same) target.way = next_way_++;
  if (target.groups > 0) sweep_.start();
  if (target.sources > kInlineTargets) {
    target.walk = target.first_source;
    if (!target.walking) target_work_.push_back(slot);
    target.walking = true;
    return;
  }
  // Evaluating the last source may free the target.
  for (std::uint32_t source = target.first_source; source != kNone;) {
    const std::uint32_t next = sources_[source].next_of_target;
    evaluate_source(source, now);
    source = next;
  }
}

void Mrib::on_unicast_changed(TimePoint now) {
  last_now_ = now;
  reask_.start();
}

void Mrib::on_record(const DataDrivenEvent& record, TimePoint now) {
  last_now_ = now;
  if (!scopes_.contains(record.scope) || record.group.address().is_link_local_multicast() ||
      !is_routable_source(record.source, record.group.family())) {
    count(Count::record_ignored);
    return;
  }
  const std::uint32_t slot = source_of(group_of(record.vrf, record.group), record.source);
  SourceEntry& entry = sources_[slot];
  entry.record_kind = record.kind;
  std::vector<std::uint32_t> scopes = lists_[entry.recorded];
  const auto place = std::ranges::lower_bound(scopes, record.scope.value());
  if (place == scopes.end() || *place != record.scope.value()) {
    scopes.insert(place, record.scope.value());
    const std::uint32_t id = lists_.acquire(std::move(scopes));
    lists_.release(entry.recorded);
    entry.recorded = id;
  }
  evaluate_source(slot, now);
}

void Mrib::on_record_removed(const DataDrivenKey& key, TimePoint now) {
  last_now_ = now;
  const std::uint32_t slot = find_source(key.vrf, key.group, key.source);
  if (slot == kNone) return;
  SourceEntry& entry = sources_[slot];
  std::vector<std::uint32_t> scopes = lists_[entry.recorded];
  if (std::erase(scopes, key.scope.value()) == 0) return;
  const std::uint32_t id = lists_.acquire(std::move(scopes));
  lists_.release(entry.recorded);
  entry.recorded = id;
  evaluate_source(slot, now);
}

// ---- adoption and hold-off ----

void Mrib::begin_hold(TimePoint now) {
  last_now_ = now;
  held_ = true;
  hold_until_.reset();
  admission_.set_restoring(true);
}

void Mrib::end_hold(Duration hold_off, TimePoint now) {
  last_now_ = now;
  if (held_) hold_until_ = now + hold_off;
  admission_.set_restoring(false);
}

void Mrib::on_read_back(std::span<const fwd::Route> routes, TimePoint now) {
  if (!held_) begin_hold(now);  // the end of one that runs may be known already
  for (const fwd::Route& route : routes) adopt(route, now);
}

void Mrib::adopt(const fwd::Route& route, TimePoint now) {
  const Group& group = route.key.group;
  const Family family = group.family();
  if (route.key.source && route.key.source->family() != family) return;
  const std::uint32_t group_slot = group_of(route.key.vrf, group);
  RouteRef ref{group_slot, groups_[group_slot].star.stamp, true};
  if (route.key.source) {
    ref.slot = source_of(group_slot, *route.key.source);
    SourceEntry& entry = sources_[ref.slot];
    ref = {ref.slot, entry.route.stamp, false};
    set_traffic(entry, true);
    entry.active_at = now;
    if (route.incoming) entry.arrived = route.incoming->value();
  }
  RouteState& state = *state_of(ref);
  if (state.kind != RouteKind::none || state.in_flight != InFlight::nothing) return;
  count(Count::adopted);
  std::vector<std::uint32_t> outgoing;
  for (const LinkId link : route.outgoing)
    if (link_for(link, family) != nullptr) outgoing.push_back(link.value());
  std::ranges::sort(outgoing);
  state.kind = route.outgoing.empty() ? RouteKind::negative : RouteKind::route;
  state.incoming = route.incoming ? route.incoming->value() : kNone;
  state.since = now;
  state.stale = true;
  // What was left out must leave the plane, too.
  state.again = outgoing.size() != route.outgoing.size();
  set_outgoing(state, outgoing);
  if (state.again) enqueue(state, ref);
  if (ref.star)
    evaluate_group(ref.slot, now);
  else
    evaluate_source(ref.slot, now);
}

}  // namespace hotpair::mcast::mrib
