#include <algorithm>
#include <iterator>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {

namespace {

/// Groups with more sources than this are evaluated in slices.
constexpr std::uint32_t kInlineSources = 256;

bool names(const Member& member, const IpAddress& source) {
  return member.sources && std::ranges::binary_search(*member.sources, source);
}

}  // namespace

bool Mrib::is_bounded(std::uint32_t link, const Group& group) const {
  const wire::ScopeBoundary& boundary = links_[link].config.boundary;
  return !boundary.empty() && boundary.contains(group.address());
}

const Mrib::LinkState* Mrib::current_link(const Member& member, const Group& group) const {
  if (is_void(member, group.family()) || is_bounded(member.link, group)) return nullptr;
  return link_for(LinkId{member.link}, group.family());
}

bool Mrib::is_void(const Member& member, Family family) const {
  const LinkState* link = known_link(LinkId{member.link}, family);
  if (link == nullptr) return true;
  const auto& generations = link->generation[family_index(family)];
  return generations[static_cast<std::size_t>(member.origin)] != member.generation;
}

std::uint32_t Mrib::rpf_link(std::uint32_t slot, const Group& group) const {
  if (slot == kNone) return kNone;
  const Target& target = targets_[slot];
  if (target.state != RpfState::reachable) return kNone;
  const LinkState* link = link_for(target.answer.link, target.address.family());
  if (link == nullptr || link->config.vrf != target.vrf) return kNone;
  const std::uint32_t number = target.answer.link.value();
  return is_bounded(number, group) ? kNone : number;
}

/// RPF_interface(RP(G)): where the RP is this router, the register link.
std::uint32_t Mrib::shared_link(std::uint32_t slot, const Group& group) const {
  if (slot == kNone) return kNone;
  const Target& target = targets_[slot];
  const bool local = target.state == RpfState::reachable && target.answer.local;
  const std::uint32_t link = local ? register_link(target.vrf, target.address.family()) : kNone;
  return link != kNone ? link : rpf_link(slot, group);
}

// immediate_olist(*,G) of 4.1.6, without the incoming link.
Want Mrib::want_star(std::uint32_t slot) const {
  if (groups_[slot].bidir) return bidir_star(slot);
  Want want = star_tree(slot);
  return want.incoming == kNone ? Want{} : want;
}

// The same where there is no way to the RP too: incoming is kNone then.
Want Mrib::star_tree(std::uint32_t slot) const {
  const GroupEntry& entry = groups_[slot];
  Want want;
  if (entry.bidir) return bidir_star(slot);
  if (entry.rp_target == kNone) return want;
  want.incoming = shared_link(entry.rp_target, entry.group);
  const Family family = entry.group.family();
  const TreeSide* side = side_of(slot, true);
  for (const Member& member : entry.members) {
    if (member.mode != FilterMode::exclude || member.link == want.incoming) continue;
    const LinkState* link = current_link(member, entry.group);
    if (link == nullptr) continue;
    const AssertState* state = assert_of(side, *link, family);
    if (state != nullptr && state->lost) continue;
    const bool ours = state != nullptr && state->winner_is_us;
    const bool hosts = member.origin == Origin::hosts;
    if (hosts && !ours && !serves_hosts(link->config, family)) continue;
    want.local |= hosts;
    want.outgoing.push_back(member.link);
  }
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

Mrib::SharedTree Mrib::shared_tree(std::uint32_t group, const Want& star) const {
  const GroupEntry& entry = groups_[group];
  SharedTree tree{.link = star.incoming, .wanted = star.kind == RouteKind::route};
  if (tree.link == kNone || entry.bidir) return tree;
  const Family family = entry.group.family();
  const bool is_rp = tree.link == register_link(entry.vrf, family);
  tree.pim = is_rp || is_pim(tree.link, family);
  const SptPolicy policy = spt_policy(entry.vrf, family);
  // A (*,G) of the RP would let every Register through.
  const bool filters = is_rp && !register_filter(entry.vrf, family).empty();
  const bool shows = !policy.never && (is_rp || star.local);
  tree.split = tree.pim && tree.wanted && (shows || filters);
  tree.hasty = tree.pim && !policy.never && policy.threshold_kbps == 0;
  return tree;
}

Want Mrib::plane_star(std::uint32_t slot, Want star) const {
  // Packets of a bidirectional group come in on many links, which no (*,G) of the plane can say.
  if (groups_[slot].bidir || shared_tree(slot, star).split) return {};
  return limited(state_key(slot, true), std::move(star), false);
}

Mrib::SourceView Mrib::view_of(std::uint32_t slot, const SharedTree& tree) const {
  const SourceEntry& entry = sources_[slot];
  const GroupEntry& group = groups_[entry.group];
  return {.entry = entry,
          .group = group,
          .family = group.group.family(),
          .tree = tree,
          .own = rpf_link(entry.target, group.group),
          .star_side = side_of(entry.group, true),
          .source_side = side_of(slot, false)};
}

// pim_include and pim_exclude of 4.1.6: hosts count where we serve them or won the assert.
Mrib::Share Mrib::share_of(const Member& member, const LinkState& link, const SourceView& view,
                           const LinkAsserts& asserts) const {
  Share share{.listed = names(member, view.entry.source)};
  const bool routers = member.origin != Origin::hosts;
  const bool serves = routers || serves_hosts(link.config, view.family);
  if (member.mode == FilterMode::exclude) {
    const bool counts = routers || (serves && !asserts.lost_star) || asserts.ours_star;
    share.in_shared = counts && !share.listed;
  } else {
    const bool counts = routers || (serves && !asserts.lost_source) || asserts.ours_source;
    share.in_own = counts && share.listed;
  }
  return share;
}

void Mrib::add_member(const Member& member, const SourceView& view, Want& want,
                      bool& blocked) const {
  const LinkState* link = current_link(member, view.group.group);
  if (link == nullptr) return;
  const LinkAsserts asserts = asserts_on(*link, view);
  const Share share = share_of(member, *link, view, asserts);
  const bool shared = share.in_shared && !asserts.lost_star && !asserts.lost_rpt;
  const bool out = (shared || share.in_own) && !asserts.lost_source;
  want.named |= share.listed;
  blocked |= share.listed && member.mode == FilterMode::exclude;
  blocked |= share.in_shared && !shared;
  want.immediate |= out && share.in_own && member.link != view.own;
  want.local |= member.origin == Origin::hosts && member.link != view.tree.link &&
                (share.in_shared || share.in_own);
  want.shared |= shared && member.link != view.tree.link;
  if (out) want.outgoing.push_back(member.link);
}

Want Mrib::want_source(std::uint32_t slot, const SharedTree& tree) const {
  if (groups_[sources_[slot].group].bidir) return bidir_source(slot);
  Want want;
  bool blocked = false;
  const SourceView view = view_of(slot, tree);
  const SourceEntry& entry = view.entry;
  for (const Member& member : view.group.members) add_member(member, view, want, blocked);
  const bool exists = want.named || entry.by_traffic || entry.recorded != 0;
  const bool is_unanswered = targets_[entry.target].state == RpfState::asked;
  if (!exists || (is_unanswered && !(entry.by_traffic && entry.patience_over))) {
    want.outgoing.clear();
    return want;
  }
  want.incoming = view.own;
  // Packets go on coming by the shared tree until the first comes by the source's (4.2.2).
  const bool is_own = targets_[entry.target].answer.connected || on_spt(entry) ||
                      (held_ && entry.arrived == view.own);
  // One that may not be registered here comes by its own tree or not at all.
  const bool refused = !is_own && is_refused(view);
  if (tree.wanted && tree.pim && want.shared && !is_own && !refused &&
      (tree.split || is_pim(view.own, view.family)))
    want.incoming = tree.link;
  if (refused && !want.immediate) want.local = want.shared = false;
  if (want.incoming == kNone || (refused && !want.immediate))
    want.outgoing.clear();
  else
    std::erase(want.outgoing, want.incoming);
  sort_unique(want.outgoing);
  want.receivers = !want.outgoing.empty();
  const auto tunnel = first_hops_.empty() ? first_hops_.end() : first_hops_.find(slot);
  const bool is_open = tunnel != first_hops_.end() && tunnel->second.tunnel;
  const std::uint32_t encapsulating = is_open ? register_link(view.group.vrf, view.family) : kNone;
  if (encapsulating != kNone && want.incoming != kNone) {
    want.outgoing.push_back(encapsulating);
    sort_unique(want.outgoing);
  }
  const bool must_block = (blocked && tree.wanted) || is_kept(entry);
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

/// The (S,G) as the plane is to have it.
Want Mrib::plane_source(std::uint32_t slot, Want want) const {
  const SourceEntry& entry = sources_[slot];
  if (awaits_first_packet(entry)) want.kind = RouteKind::none;
  const bool connected = comes_in_connected(slot, want);
  want = limited(state_key(slot, false), std::move(want), connected);
  return held(std::move(want), entry.route, entry.source.family());
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
  const Want star = want_star(slot);
  wish_star(entry, star);
  reserve_star(slot, star);
  if (entry.source_count > kInlineSources) {
    // What changes while a pass over the sources runs asks for another pass after it.
    if (entry.queued)
      group_again_ |= group_work_.front() == slot;
    else
      group_work_.push_back(slot);
    entry.queued = true;
  } else {
    const SharedTree tree = shared_tree(slot, star);
    for (std::uint32_t source = entry.first_source; source != kNone;) {
      const std::uint32_t next = sources_[source].next_in_group;
      evaluate_source_of(source, tree, now);
      source = next;
    }
  }
  evaluate_star(slot, star);
  free_group_if_idle(slot);
}

void Mrib::evaluate_star(std::uint32_t slot, const Want& star) {
  GroupEntry& entry = groups_[slot];
  tell_star_facts(slot, star);
  settle(held(plane_star(slot, star), entry.star, entry.group.family()), entry.star,
         {slot, entry.star.stamp, true});
}

void Mrib::evaluate_source(std::uint32_t slot, TimePoint now) {
  const std::uint32_t group = sources_[slot].group;
  evaluate_source_of(slot, shared_tree(group, want_star(group)), now);
  free_group_if_idle(group);
}

/// By which tree a packet came is told by the RPF to the source and the one to the RP.
bool Mrib::knows_both_ways(const SourceEntry& entry) const {
  const std::uint32_t rp = groups_[entry.group].rp_target;
  return targets_[entry.target].state != RpfState::asked &&
         (rp == kNone || targets_[rp].state != RpfState::asked);
}

void Mrib::evaluate_source_of(std::uint32_t slot, const SharedTree& tree, TimePoint now) {
  SourceEntry& entry = sources_[slot];
  // Under a hold it waits for the memberships that say whether its tree is joined.
  if (entry.arrived != kNone && !held_ && !groups_[entry.group].bidir && knows_both_ways(entry)) {
    judge_upcall(entry, tree);
    static_cast<void>(judge_packet(slot, entry.arrived, tree));
    entry.arrived = kNone;
  }
  if (must_be_seen_anew(entry)) set_traffic(entry, false);
  tell_register(slot);
  Want want = want_source(slot, tree);
  switch_to_spt(entry, tree, want);
  if (update_records(entry, want)) want = want_source(slot, tree);
  reserve_source(slot, want);
  const Want told = plane_source(slot, want);
  wish_source(slot, tree, want, told);
  tell_source_facts(slot, tree, want);
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
  const auto add_scope_of = [&](std::uint32_t link) {
    const std::optional<ScopeId> scope = links_[link].config.scope;
    if (!scope) return;
    const auto found = scopes_.find(*scope);
    const bool is_active = found != scopes_.end() && found->second.mode == ScopeMode::active;
    if (is_active && !groups_[entry.group].bidir) through.push_back(scope->value());
  };
  if (want.kind == RouteKind::route && !want.named)
    for (const std::uint32_t link : want.outgoing) add_scope_of(link);
  if (is_first_hop(entry)) add_scope_of(rpf_link(entry.target, groups_[entry.group].group));
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
  const bool first_hop = is_first_hop(entry);
  if (entry.recorded == 0 && (!entry.by_traffic || (want.kind != RouteKind::route && !first_hop)))
    return false;
  const std::vector<std::uint32_t> wanted = wanted_records(entry, want);
  const std::vector<std::uint32_t> recorded = lists_[entry.recorded];
  if (wanted == recorded) return false;
  if (recorded.empty())
    entry.record_kind = first_hop ? DataDrivenKind::fhr : DataDrivenKind::lhr_spt;
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
