#include "mcast/pim/pim_upstream.h"

#include <algorithm>

namespace hotpair::mcast::pim {
namespace {

TreeKey star_key(const TreeKey& key) { return {key.group, std::nullopt, false}; }

}  // namespace

std::string_view to_string(UpstreamState state) {
  switch (state) {
    case UpstreamState::not_joined:
      return "NotJoined";
    case UpstreamState::joined:
      return "Joined";
    case UpstreamState::waiting:
      return "Waiting";
    case UpstreamState::direct:
      return "Direct";
    case UpstreamState::pruned:
      return "Pruned";
    case UpstreamState::not_pruned:
      return "NotPruned";
  }
  return "unknown";
}

// ---- what MRIB wants ----

void Upstream::on_wish(const UpstreamWish& wish, TimePoint now) {
  now_ = now;
  if (wish.key.rpt) return on_rpt_wish(wish);
  const Key key{wish.vrf, wish.key};
  if (wish.kind != UpstreamKind::join) {
    const auto found = trees_.find(key);
    if (found != trees_.end()) leave(found);
    return;
  }
  const auto [place, is_new] = trees_.try_emplace(key);
  Tree& tree = place->second;
  const bool other_rp = !is_new && tree.rp != wish.rp && !wish.key.source;
  tree.kind = UpstreamKind::join;
  tree.link = wish.link;
  tree.neighbour = wish.neighbour;
  tree.rp = wish.rp;
  const auto target = rpf_prime(place->first, tree);
  const bool stays =
      target && tree.router != nullptr && tree.router->key == RouterKey{tree.link, *target};
  if (!stays) change_rpf_prime(place->first, tree, target);
  if (tree.router != nullptr && (!stays || other_rp)) set_due(place->first, tree, kAtOnce);
}

// 4.5.4, 4.5.5, not due to an Assert: a Prune to the old RPF', a Join to the new one. Two next hops
// may be addresses of one router, which then keeps the tree.
void Upstream::change_rpf_prime(const Key& key, Tree& tree,
                                const std::optional<IpAddress>& target) {
  std::optional<RouterKey> before;
  std::optional<IpAddress> primary;
  if (is_told(tree)) {
    before = tree.router->key;
    primary = tree.router->primary;
  }
  tree.told = 0;
  move(key, tree, target, winner_of(tree.link, key.second) != nullptr);
  if (!before) return;
  const bool is_same = tree.router != nullptr && tree.router->key.first == before->first &&
                       tree.router->primary == primary;
  if (is_same) return;
  Router& old = router_for(*before);
  old.prunes.insert_or_assign(key, tree.rp);
  schedule(old);
}

void Upstream::leave(Trees::iterator place) {
  auto& [key, tree] = *place;
  if (is_told(tree)) {
    tree.router->prunes.insert_or_assign(key, tree.rp);
    schedule(*tree.router);
  }
  const Key gone = key;
  move(key, tree, std::nullopt, false);
  trees_.erase(place);
  if (!gone.second.source) release_rpts(gone);
}

/// Makes `target` on the tree's link its RPF'; its JT is not set then.
void Upstream::move(const Key& key, Tree& tree, const std::optional<IpAddress>& target,
                    bool by_assert) {
  clear_due(key, tree);
  Router* before = tree.router;
  tree.router = nullptr;
  tree.by_assert = by_assert;
  if (target) {
    tree.router = &router_for({tree.link, *target});
    ++tree.router->trees;
    for (Router* router : routers_of(tree.link))
      if (router == tree.router || router->primary == tree.router->primary)
        router->prunes.erase(key);
  }
  if (before == nullptr) return;
  if (!key.second.source) release_rpts(key);
  --before->trees;
  release_router(before->key);
}

// The next Join(*,G) tells the new RPF' about all of them (4.5.6).
void Upstream::release_rpts(const Key& star) {
  auto place = rpts_.lower_bound(star);
  while (place != rpts_.end() && place->first.first == star.first &&
         place->first.second.group == star.second.group) {
    const auto current = place++;
    clear_due(current->first, current->second);
    current->second.told = 0;
    if (current->second.kind != UpstreamKind::prune) drop_rpt(current);
  }
}

void Upstream::drop_rpt(Trees::iterator place) {
  --passing_;
  rpts_.erase(place);
}

// 4.5.6. While the Join(*,G) itself is still to be sent nothing is sent here: it says it all.
void Upstream::on_rpt_wish(const UpstreamWish& wish) {
  if (!wish.key.source) return;
  const Key key{wish.vrf, wish.key};
  Tree* star = star_of(key);
  const bool star_told = star != nullptr && is_told(*star);
  auto place = rpts_.find(key);
  if (wish.kind == UpstreamKind::prune) {
    if (place == rpts_.end()) {
      place = rpts_.try_emplace(key).first;
      ++passing_;
    }
    Tree& tree = place->second;
    if (tree.kind == UpstreamKind::prune) return;
    --passing_;
    tree.kind = UpstreamKind::prune;
    if (star_told) override_rpt(place->first, *star, kAtOnce);
    return;
  }
  if (place == rpts_.end() || place->second.kind != UpstreamKind::prune) return;
  Tree& tree = place->second;
  tree.kind = UpstreamKind::none;
  ++passing_;
  if (star_told && tree.told == star->router->epoch) {
    override_rpt(place->first, *star, kAtOnce);
  } else {
    clear_due(place->first, tree);
    drop_rpt(place);
  }
}

/// Puts a Join or Prune(S,G,rpt), as is wanted then, on its way to RPF'(*,G).
void Upstream::override_rpt(const Key& key, Tree& star, TimePoint at) {
  const auto [place, is_new] = rpts_.try_emplace(key);
  if (is_new) ++passing_;
  const Key& own = place->first;
  Tree& tree = place->second;
  if (tree.router != star.router) {
    clear_due(own, tree);
    tree.router = star.router;
    ++star.router->trees;
  }
  if (tree.due == kUnset || at < due_of(tree)) set_due(own, tree, at);
}

// ---- RPF' ----

const IpAddress* Upstream::winner_of(LinkId link, const TreeKey& key) const {
  const auto found = winners_.find({link, {key.group, key.source, false}});
  return found == winners_.end() ? nullptr : &found->second;
}

// RPF'(*,G) and RPF'(S,G) of 4.1.6.
std::optional<IpAddress> Upstream::rpf_prime(const Key& key, const Tree& tree) const {
  if (const IpAddress* winner = winner_of(tree.link, key.second)) return *winner;
  return tree.neighbour;
}

void Upstream::on_rpf_prime(LinkId link, const TreeKey& key, const std::optional<IpAddress>& winner,
                            TimePoint now) {
  now_ = now;
  const TreeKey plain{key.group, key.source, false};
  const IpAddress* before = winner_of(link, plain);
  if (before != nullptr ? winner == *before : !winner) return;
  if (winner) {
    winners_.insert_or_assign({link, plain}, *winner);
  } else {
    winners_.erase({link, plain});
  }
  const auto at = links_.find(link);
  if (at == links_.end()) return;
  const Key full{at->second.config.vrf, plain};
  const TimePoint soon = now + entropy_.up_to(at->second.lan.override_interval);
  const auto found = trees_.find(full);
  if (found != trees_.end() && found->second.link == link) {
    // "RPF' changes due to an Assert": no Prune, and a Join within t_override.
    Tree& tree = found->second;
    const TimePoint due = std::min(due_of(tree), soon);
    const bool told = is_told(tree);
    move(found->first, tree, rpf_prime(full, tree), winner.has_value());
    tree.told = told && tree.router != nullptr ? tree.router->epoch : 0;
    if (tree.router != nullptr) set_due(found->first, tree, due);
  }
  // 4.5.6: RPF'(S,G,rpt) becomes RPF'(*,G) again.
  Tree* star = plain.source && !winner ? star_of(full) : nullptr;
  if (star == nullptr || star->link != link || !is_told(*star)) return;
  const Key rpt{full.first, {plain.group, plain.source, true}};
  const auto known = rpts_.find(rpt);
  if (known == rpts_.end() || known->second.kind != UpstreamKind::prune)
    override_rpt(rpt, *star, kAtOnce);
}

bool Upstream::is_told(const Tree& tree) const {
  return tree.router != nullptr && tree.told == tree.router->epoch && can_hear(*tree.router);
}

Upstream::Tree* Upstream::star_of(const Key& key) {
  const auto found = trees_.find({key.first, star_key(key.second)});
  return found == trees_.end() ? nullptr : &found->second;
}

// ---- links and neighbours ----

bool Upstream::is_live(const Link& link) const {
  return !link.config.scope || active_scopes_.contains(*link.config.scope);
}

bool Upstream::can_hear(const Router& router) const {
  if (!router.primary) return false;
  const auto link = links_.find(router.key.first);
  return link != links_.end() && is_live(link->second);
}

std::vector<Upstream::Router*> Upstream::routers_of(LinkId link) {
  std::vector<Router*> found;
  for (auto at = routers_.lower_bound({link, IpAddress{}});
       at != routers_.end() && at->first.first == link; ++at)
    found.push_back(&at->second);
  return found;
}

/// Who the router is by its Hello; it knows nothing of us then.
void Upstream::resolve(Router& router, const std::optional<IpAddress>& primary) {
  router.primary = primary;
  ++router.epoch;
  router.prunes.clear();
  refresh(router, kAtOnce);
  release_router(router.key);
}

void Upstream::configure(const LinkConfig& config, TimePoint now) {
  now_ = now;
  const auto [place, is_new] = links_.try_emplace(config.link);
  const bool was_live = !is_new && is_live(place->second);
  place->second.config = config;
  if (is_live(place->second) == was_live) return;
  for (Router* router : routers_of(config.link)) resolve(*router, router->primary);
}

void Upstream::remove_link(LinkId link, TimePoint now) {
  now_ = now;
  if (links_.erase(link) == 0) return;
  std::erase_if(winners_, [link](const auto& entry) { return entry.first.first == link; });
  for (Router* router : routers_of(link)) resolve(*router, std::nullopt);
}

void Upstream::activate(ScopeId scope, TimePoint now) {
  now_ = now;
  if (!active_scopes_.insert(scope).second) return;
  for (const auto& [id, link] : links_) {
    if (link.config.scope != scope) continue;
    for (Router* router : routers_of(id)) resolve(*router, router->primary);
  }
}

void Upstream::deactivate(ScopeId scope, TimePoint now) {
  now_ = now;
  if (active_scopes_.erase(scope) == 0) return;
  for (const auto& [id, link] : links_) {
    if (link.config.scope != scope) continue;
    for (Router* router : routers_of(id)) resolve(*router, router->primary);
  }
}

void Upstream::set_lan(LinkId link, const LanState& lan) {
  const auto found = links_.find(link);
  if (found != links_.end()) found->second.lan = lan;
}

void Upstream::on_neighbour_up(LinkId link, const IpAddress& primary,
                               std::span<const IpAddress> secondary, TimePoint now) {
  now_ = now;
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  found->second.neighbours[primary].assign(secondary.begin(), secondary.end());
  for (Router* router : routers_of(link)) {
    const IpAddress& next_hop = router->key.second;
    const bool is_it = next_hop == primary || std::ranges::count(secondary, next_hop) > 0;
    if (is_it && router->primary != primary) resolve(*router, primary);
    if (!is_it && router->primary == primary) resolve(*router, std::nullopt);
  }
}

void Upstream::on_neighbour_restarted(LinkId link, const IpAddress& primary, TimePoint now) {
  now_ = now;
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  const TimePoint soon = now + entropy_.up_to(found->second.lan.override_interval);
  for (Router* router : routers_of(link))
    if (router->primary == primary) refresh(*router, soon);
}

void Upstream::on_neighbour_down(LinkId link, const IpAddress& primary, TimePoint now) {
  now_ = now;
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  found->second.neighbours.erase(primary);
  for (Router* router : routers_of(link))
    if (router->primary == primary) resolve(*router, std::nullopt);
}

// ---- queries ----

UpstreamModel Upstream::show(const JoinPruneFilter& filter, TimePoint now) const {
  UpstreamModel model;
  const auto add = [&](const Key& key, const Tree& tree, const Tree& route, UpstreamState state) {
    if (filter.vrf && key.first != *filter.vrf) return;
    if (filter.link && route.link != *filter.link) return;
    if (filter.group && key.second.group != *filter.group) return;
    if (++model.rows_total > filter.rows_max) return;
    UpstreamRow row{.vrf = key.first,
                    .key = key.second,
                    .state = state,
                    .link = route.link,
                    .neighbour = {},
                    .by_assert = route.by_assert,
                    .timer = {}};
    if (route.router != nullptr)
      row.neighbour = route.router->primary.value_or(route.router->key.second);
    const bool runs = tree.due != kUnset && state != UpstreamState::waiting;
    if (runs) row.timer = std::max(due_of(tree), now) - now;
    model.rows.push_back(std::move(row));
  };
  for (const auto& [key, tree] : trees_) {
    UpstreamState state = UpstreamState::joined;
    if (tree.router == nullptr)
      state = UpstreamState::direct;
    else if (!can_hear(*tree.router))
      state = UpstreamState::waiting;
    add(key, tree, tree, state);
  }
  for (const auto& [key, tree] : rpts_) {
    const auto star = trees_.find({key.first, star_key(key.second)});
    if (star == trees_.end()) {
      add(key, tree, tree, UpstreamState::not_joined);
      continue;
    }
    const bool pruned = tree.kind == UpstreamKind::prune;
    add(key, tree, star->second, pruned ? UpstreamState::pruned : UpstreamState::not_pruned);
  }
  return model;
}

const UpstreamCounters* Upstream::counters(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second.counters;
}

void Upstream::reset_counters(LinkId link) {
  const auto found = links_.find(link);
  if (found != links_.end()) found->second.counters = {};
}

}  // namespace hotpair::mcast::pim
