#include <algorithm>
#include <iterator>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {

namespace {

/// Groups with more sources than this are evaluated in slices.
constexpr std::uint32_t kInlineSources = 256;

void sort_unique(std::vector<std::uint32_t>& links) {
  std::ranges::sort(links);
  links.erase(std::ranges::unique(links).begin(), links.end());
}

bool names(const Member& member, const IpAddress& source) {
  return member.sources && std::ranges::binary_search(*member.sources, source);
}

}  // namespace

bool Mrib::is_current(const Member& member, Family family) const {
  const LinkState* link = link_for(LinkId{member.link}, family);
  if (link == nullptr) return false;
  const auto& generations = link->generation[family == Family::ipv6 ? 1 : 0];
  return generations[static_cast<std::size_t>(member.origin)] == member.generation;
}

std::uint32_t Mrib::rpf_link(std::uint32_t slot) const {
  const Target& target = targets_[slot];
  if (target.state != RpfState::reachable) return kNone;
  const LinkState* link = link_for(target.answer.link, target.address.family());
  if (link == nullptr || link->config.vrf != target.vrf) return kNone;
  return target.answer.link.value();
}

Want Mrib::want_star(const GroupEntry& entry) const {
  Want want;
  if (entry.rp_target == kNone) return want;
  want.incoming = rpf_link(entry.rp_target);
  if (want.incoming == kNone) return want;
  for (const Member& member : entry.members)
    if (member.mode == FilterMode::exclude && member.link != want.incoming &&
        is_current(member, entry.group.family()))
      want.outgoing.push_back(member.link);
  if (want.outgoing.empty()) return want;
  sort_unique(want.outgoing);
  want.kind = RouteKind::route;
  return want;
}

bool Mrib::is_pim(std::uint32_t link, Family family) const {
  const LinkState* state = link == kNone ? nullptr : link_for(LinkId{link}, family);
  if (state == nullptr) return false;
  return family == Family::ipv4 ? state->config.pim_ipv4 : state->config.pim_ipv6;
}

bool Mrib::on_spt(const SourceEntry& entry) const {
  return entry.spt_way != 0 && entry.spt_way == targets_[entry.target].way;
}

Want Mrib::want_source(const SourceEntry& entry, bool star_wanted) const {
  Want want;
  bool blocked = false;
  const GroupEntry& group = groups_[entry.group];
  const Family family = group.group.family();
  const std::uint32_t own = rpf_link(entry.target);
  const std::uint32_t shared = star_wanted ? rpf_link(group.rp_target) : kNone;
  for (const Member& member : group.members) {
    if (!is_current(member, family)) continue;
    const bool is_listed = names(member, entry.source);
    want.named |= is_listed;
    blocked |= is_listed && member.mode == FilterMode::exclude;
    want.immediate |= is_listed && member.mode == FilterMode::include && member.link != own;
    want.shared |= !is_listed && member.mode == FilterMode::exclude && member.link != shared;
    if (is_listed == (member.mode == FilterMode::include)) want.outgoing.push_back(member.link);
  }
  const bool exists = want.named || entry.by_traffic || entry.recorded != 0;
  const bool is_unanswered = targets_[entry.target].state == RpfState::asked;
  if (!exists || (is_unanswered && !(entry.by_traffic && entry.patience_over))) {
    want.outgoing.clear();
    return want;
  }
  want.incoming = own;
  // Packets go on coming by the shared tree until the first comes by the source's (4.2.2).
  if (own != kNone && want.shared && !on_spt(entry) && is_pim(own, family) &&
      is_pim(shared, family))
    want.incoming = shared;
  if (want.incoming == kNone)
    want.outgoing.clear();
  else
    std::erase(want.outgoing, want.incoming);
  sort_unique(want.outgoing);
  const bool must_block = blocked && star_wanted;
  if (!want.outgoing.empty()) {
    want.kind = RouteKind::route;
  } else if (must_block || entry.by_traffic) {
    want.kind = RouteKind::negative;
    want.timed = !must_block;
  }
  return want;
}

Want Mrib::held(Want want, const RouteState& state, Family family) const {
  if (!held_ || state.kind == RouteKind::none) return want;
  const bool shrinks = want.kind == RouteKind::none ||
                       (want.kind == RouteKind::negative && state.kind == RouteKind::route);
  std::vector<std::uint32_t> told;
  for (const std::uint32_t link : lists_[state.outgoing])
    if (link_for(LinkId{link}, family) != nullptr) told.push_back(link);
  if (shrinks) {
    want.kind = state.kind;
    want.incoming = state.incoming;
    want.outgoing = std::move(told);
    return want;
  }
  std::vector<std::uint32_t> both;
  std::ranges::set_union(want.outgoing, told, std::back_inserter(both));
  std::erase(both, want.incoming);
  want.outgoing = std::move(both);
  return want;
}

bool Mrib::differs(const Want& want, const RouteState& state) const {
  if (want.kind != state.kind) return true;
  if (want.kind == RouteKind::none) return false;
  return want.incoming != state.incoming || want.outgoing != lists_[state.outgoing];
}

void Mrib::settle(const Want& want, RouteState& state, const RouteRef& ref) {
  if (differs(want, state))
    enqueue(state, ref);
  else if (!held_)
    state.stale = false;
}

void Mrib::evaluate_group(std::uint32_t slot, TimePoint now) {
  GroupEntry& entry = groups_[slot];
  prune_members(entry);
  wish_star(entry);
  if (entry.source_count > kInlineSources) {
    // What changes while a pass over the sources runs asks for another pass after it.
    if (entry.queued)
      group_again_ |= group_work_.front() == slot;
    else
      group_work_.push_back(slot);
    entry.queued = true;
  } else {
    const bool star_wanted = want_star(entry).kind != RouteKind::none;
    for (std::uint32_t source = entry.first_source; source != kNone;) {
      const std::uint32_t next = sources_[source].next_in_group;
      evaluate_source_of(source, star_wanted, now);
      source = next;
    }
  }
  evaluate_star(slot);
  free_group_if_idle(slot);
}

void Mrib::evaluate_star(std::uint32_t slot) {
  GroupEntry& entry = groups_[slot];
  settle(held(want_star(entry), entry.star, entry.group.family()), entry.star,
         {slot, entry.star.stamp, true});
}

void Mrib::evaluate_source(std::uint32_t slot, TimePoint now) {
  const std::uint32_t group = sources_[slot].group;
  evaluate_source_of(slot, want_star(groups_[group]).kind != RouteKind::none, now);
  free_group_if_idle(group);
}

void Mrib::evaluate_source_of(std::uint32_t slot, bool star_wanted, TimePoint now) {
  SourceEntry& entry = sources_[slot];
  Want want = want_source(entry, star_wanted);
  if (update_records(entry, want)) want = want_source(entry, star_wanted);
  const Want told = held(want, entry.route, entry.source.family());
  wish_source(entry, want, told);
  time_negative(slot, told.kind == RouteKind::negative && told.timed, now);
  settle(told, entry.route, {slot, entry.route.stamp, false});
  free_source_if_idle(slot);
}

void Mrib::time_negative(std::uint32_t slot, bool timed, TimePoint now) {
  SourceEntry& entry = sources_[slot];
  if (entry.negative_timed == timed) return;
  entry.negative_timed = timed;
  if (!timed) {
    --negative_;
    return;
  }
  ++negative_;
  count(Count::negative_made);
  entry.negative_until = now + config_.negative_time;
  negatives_.push_back({entry.negative_until, {slot, entry.route.stamp, false}});
}

std::vector<std::uint32_t> Mrib::wanted_records(const SourceEntry& entry, const Want& want) const {
  std::vector<std::uint32_t> wanted;
  std::vector<std::uint32_t> through;  // active scopes that the route goes out of
  if (want.kind == RouteKind::route && !want.named) {
    for (const std::uint32_t link : want.outgoing) {
      const std::optional<ScopeId> scope = links_[link].config.scope;
      if (!scope) continue;
      const auto found = scopes_.find(*scope);
      if (found != scopes_.end() && found->second.mode == ScopeMode::active)
        through.push_back(scope->value());
    }
  }
  for (const std::uint32_t scope : lists_[entry.recorded]) {
    const auto found = scopes_.find(ScopeId{scope});
    if (found == scopes_.end()) continue;
    if (held_ || found->second.mode == ScopeMode::standby || std::ranges::count(through, scope) > 0)
      wanted.push_back(scope);
  }
  if (entry.by_traffic) wanted.insert(wanted.end(), through.begin(), through.end());
  std::ranges::sort(wanted);
  wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
  return wanted;
}

bool Mrib::update_records(SourceEntry& entry, const Want& want) {
  if (entry.recorded == 0 && (!entry.by_traffic || want.kind != RouteKind::route)) return false;
  const std::vector<std::uint32_t> wanted = wanted_records(entry, want);
  const std::vector<std::uint32_t> recorded = lists_[entry.recorded];
  if (wanted == recorded) return false;
  const GroupEntry& group = groups_[entry.group];
  for (const std::uint32_t scope : wanted)
    if (!std::ranges::binary_search(recorded, scope))
      effects_.push(
          RecordChanged{{ScopeId{scope}, group.vrf, group.group, entry.source, entry.record_kind}});
  for (const std::uint32_t scope : recorded) {
    if (std::ranges::binary_search(wanted, scope) || !scopes_.contains(ScopeId{scope})) continue;
    effects_.push(RecordRemoved{{ScopeId{scope}, group.vrf, group.group, entry.source}});
    // The route lives on by its name; when the name goes, its traffic still counts.
    if (want.named) set_traffic(entry, true);
  }
  const std::uint32_t id = lists_.acquire(wanted);
  lists_.release(entry.recorded);
  entry.recorded = id;
  return true;
}

}  // namespace hotpair::mcast::mrib
