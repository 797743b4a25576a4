#include <algorithm>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

// Asserts (RFC 7761 4.6) as far as the routes decide and depend on them. The side tables hold only
// trees with assert state, or with facts told: those with a PIM link.
namespace hotpair::mcast::mrib {

namespace {

bool is_nothing(const AssertState& state) {
  return !state.lost && !state.winner_is_us && !state.winner;
}

/// The facts of a link in a list that is sorted by link.
ToldFacts& facts_at(std::vector<ToldFacts>& facts, std::uint32_t link) {
  auto place = std::ranges::lower_bound(facts, link, {}, &ToldFacts::link);
  if (place == facts.end() || place->link != link) {
    place = facts.insert(place, ToldFacts{});
    place->link = link;
  }
  return *place;
}

}  // namespace

const TreeSide* Mrib::side_of(std::uint32_t slot, bool star) const {
  if (sides_.empty()) return nullptr;
  const auto found = sides_.find({slot, star});
  return found == sides_.end() ? nullptr : &found->second;
}

void Mrib::drop_side(std::uint32_t slot, bool star) {
  if (side_of(slot, star) == nullptr) return;
  tell_facts(slot, star, {});
  sides_.erase({slot, star});
}

const AssertState* Mrib::assert_of(const TreeSide* side, const LinkState& link,
                                   Family family) const {
  if (side == nullptr) return nullptr;
  for (const TreeAssert& one : side->asserts)
    if (one.link == link.config.link.value() &&
        one.generation == link.asserts[family_index(family)])
      return &one.state;
  return nullptr;
}

// lost_assert of 4.6.5 and AssertWinner(I) == me.
Mrib::LinkAsserts Mrib::asserts_on(const LinkState& link, const SourceView& view) const {
  LinkAsserts asserts;
  const std::uint32_t number = link.config.link.value();
  if (const AssertState* star = assert_of(view.star_side, link, view.family)) {
    asserts.lost_star = star->lost && number != view.tree.link;
    asserts.ours_star = star->winner_is_us;
  }
  if (const AssertState* source = assert_of(view.source_side, link, view.family)) {
    const bool by_own = number == view.own;
    asserts.lost_source = source->lost && !by_own;
    asserts.ours_source = source->winner_is_us;
    asserts.lost_rpt =
        source->winner.has_value() && number != view.tree.link && !(by_own && on_spt(view.entry));
  }
  return asserts;
}

void Mrib::on_assert(LinkId link, const Group& group, const std::optional<IpAddress>& source,
                     const AssertState& state, TimePoint now) {
  last_now_ = now;
  const Family family = group.family();
  const LinkState* on = link_for(link, family);
  if (on == nullptr || (source && source->family() != family)) return;
  const VrfId vrf = on->config.vrf;
  const std::uint32_t slot = source ? find_source(vrf, group, *source) : groups_.find({vrf, group});
  if (slot == kNone) return;
  TreeSide& side = sides_[{slot, !source}];
  const std::uint32_t generation = on->asserts[family_index(family)];
  std::erase_if(side.asserts, [&](const TreeAssert& one) { return one.link == link.value(); });
  if (!is_nothing(state)) side.asserts.push_back({link.value(), generation, state});
  if (side.asserts.empty() && side.told.empty()) sides_.erase({slot, !source});
  if (!source) {
    evaluate_group(slot, now);
    return;
  }
  SourceEntry& entry = sources_[slot];
  if (state.sets_spt && rpf_link(entry.target, group) == link.value() && entry.joined != 0)
    entry.spt_way = targets_[entry.target].way;
  evaluate_source(slot, now);
}

void Mrib::on_asserts_flushed(LinkId link, Family family, TimePoint now) {
  last_now_ = now;
  if (link_for(link, family) == nullptr) return;
  ++link_slot(link).asserts[family_index(family)];
  if (!sides_.empty()) sweep_.start();
}

bool Mrib::may_track(std::uint32_t slot, bool star, Family family) const {
  return pim_links_[family_index(family)] != 0 || side_of(slot, star) != nullptr;
}

// CouldAssert(*,G,I) and AssertTrackingDesired(*,G,I) of 4.6.2.
void Mrib::tell_star_facts(std::uint32_t slot, const Want& star) {
  const GroupEntry& entry = groups_[slot];
  const Family family = entry.group.family();
  if (!may_track(slot, true, family)) return;
  std::vector<ToldFacts> facts;
  // No way to the RP: nothing to assert with. Bidirectional groups have designated forwarders.
  if (star.incoming == kNone || entry.bidir) {
    tell_facts(slot, true, std::move(facts));
    return;
  }
  const TreeSide* side = side_of(slot, true);
  for (const Member& member : entry.members) {
    const LinkState* link = current_link(member, entry.group);
    if (member.mode != FilterMode::exclude || link == nullptr || !is_pim(member.link, family))
      continue;
    const AssertState* state = assert_of(side, *link, family);
    const bool ours = state != nullptr && state->winner_is_us;
    const bool lost = state != nullptr && state->lost && member.link != star.incoming;
    const bool serves = serves_hosts(link->config, family);
    const bool routers = member.origin != Origin::hosts;
    ToldFacts& one = facts_at(facts, member.link);
    if (member.link != star.incoming && (routers || (serves && !lost) || ours))
      one.could_assert = one.tracking_desired = true;
    one.tracking_desired |= !routers && (serves || ours);
  }
  if (is_pim(star.incoming, family)) {
    ToldFacts& one = facts_at(facts, star.incoming);
    one.rpf_interface = true;
    one.tracking_desired |= star.kind == RouteKind::route;
  }
  const RpfAnswer& answer = targets_[entry.rp_target].answer;
  for (ToldFacts& one : facts) {
    one.preference = answer.preference;
    one.metric = answer.metric;
  }
  tell_facts(slot, true, std::move(facts));
}

// CouldAssert(S,G,I) and AssertTrackingDesired(S,G,I) of 4.6.1.
void Mrib::tell_source_facts(std::uint32_t slot, const SharedTree& tree, const Want& want) {
  const SourceView view = view_of(slot, tree);
  const SourceEntry& entry = view.entry;
  if (!may_track(slot, false, view.family)) return;
  std::vector<ToldFacts> facts;
  const bool is_known = want.named || entry.by_traffic || entry.recorded != 0;
  if (!is_known || view.group.bidir) {
    tell_facts(slot, false, std::move(facts));
    return;
  }
  const bool spt = on_spt(entry);
  for (const Member& member : view.group.members) {
    const LinkState* link = current_link(member, view.group.group);
    if (link == nullptr || !is_pim(member.link, view.family)) continue;
    const LinkAsserts asserts = asserts_on(*link, view);
    const Share share = share_of(member, *link, view, asserts);
    const bool in_shared = share.in_shared && !asserts.lost_star;
    const bool hosts = member.origin == Origin::hosts;
    const bool names_us = hosts && member.mode == FilterMode::include && share.listed &&
                          (serves_hosts(link->config, view.family) || asserts.ours_source);
    ToldFacts& one = facts_at(facts, member.link);
    one.could_assert |= spt && member.link != view.own && (in_shared || share.in_own);
    one.tracking_desired |= in_shared || (share.in_own && !hosts) || names_us;
  }
  if (is_pim(view.own, view.family)) {
    ToldFacts& one = facts_at(facts, view.own);
    one.rpf_interface = true;
    one.tracking_desired |= join_desired(entry, tree, want);
  }
  if (is_pim(tree.link, view.family) && tree.wanted && !spt)
    facts_at(facts, tree.link).tracking_desired = true;
  const RpfAnswer& answer = targets_[entry.target].answer;
  for (ToldFacts& one : facts) {
    one.preference = answer.preference;
    one.metric = answer.metric;
  }
  tell_facts(slot, false, std::move(facts));
}

void Mrib::tell_facts(std::uint32_t slot, bool star, std::vector<ToldFacts> facts) {
  std::erase_if(facts,
                [](const ToldFacts& one) { return !one.could_assert && !one.tracking_desired; });
  const auto found = sides_.find({slot, star});
  if (found == sides_.end() && facts.empty()) return;
  const Family family = groups_[star ? slot : sources_[slot].group].group.family();
  const auto generation = [&](std::uint32_t link) {
    return links_[link].facts[family_index(family)];
  };
  for (ToldFacts& one : facts) one.generation = generation(one.link);
  TreeSide& side = sides_[{slot, star}];
  for (const ToldFacts& old : side.told) {
    const bool gone = !std::ranges::binary_search(facts, old.link, {}, &ToldFacts::link);
    if (gone && old.generation == generation(old.link)) tell_fact(slot, star, {.link = old.link});
  }
  for (const ToldFacts& one : facts)
    if (std::ranges::count(side.told, one) == 0) tell_fact(slot, star, one);
  side.told = std::move(facts);
  std::erase_if(side.asserts, [&](const TreeAssert& one) {
    return one.generation != links_[one.link].asserts[family_index(family)];
  });
  if (side.told.empty() && side.asserts.empty()) sides_.erase({slot, star});
}

void Mrib::tell_fact(std::uint32_t slot, bool star, const ToldFacts& facts) {
  const GroupEntry& group = groups_[star ? slot : sources_[slot].group];
  AssertFactsChanged change{.link = LinkId{facts.link}, .group = group.group, .source = {}};
  if (!star) change.source = sources_[slot].source;
  change.could_assert = facts.could_assert;
  change.tracking_desired = facts.tracking_desired;
  change.rpf_interface = facts.rpf_interface;
  change.preference = facts.preference;
  change.metric = facts.metric;
  effects_.push(std::move(change));
}

}  // namespace hotpair::mcast::mrib
