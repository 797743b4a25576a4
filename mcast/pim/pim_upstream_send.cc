#include <algorithm>

#include "mcast/pim/pim_upstream.h"
#include "mcast/wire/pim_join_prune.h"

namespace hotpair::mcast::pim {

/// One Join/Prune being filled. Its size is counted as pack_join_prune() counts.
struct Upstream::Message {
  Message(const IpAddress& upstream, std::size_t mtu)
      : set_size(wire::pim::prefix_size(upstream.family()) + 4),
        entry_size(wire::pim::prefix_size(upstream.family())),
        room(wire::pim::message_room(upstream.family(), mtu) - wire::pim::kHeaderSize -
             wire::pim::unicast_size(upstream.family()) - 4) {
    wanted.upstream_neighbor = upstream;
  }

  /// The set for `entries` more entries of the group; nullptr: they do not fit any more. `whole`:
  /// they begin a set of their own, and a message of their own takes any number.
  [[nodiscard]] wire::PimGroupSet* open(const Group& group, std::size_t entries, bool whole) {
    const bool same =
        !wanted.groups.empty() && !whole && wanted.groups.back().group.address == group.address();
    const std::size_t size = entries * entry_size + (same ? 0 : set_size);
    const bool is_full = used + size > room || (!same && wanted.groups.size() == kGroupsMax);
    if (is_full && !wanted.groups.empty()) return nullptr;
    used += size;
    if (!same)
      wanted.groups.push_back(
          {.group = wire::PimGroupRange::single(group), .joined = {}, .pruned = {}});
    return &wanted.groups.back();
  }

  static constexpr std::size_t kGroupsMax = 255;
  std::size_t set_size;
  std::size_t entry_size;
  std::size_t room;
  std::size_t used = 0;
  std::size_t joins = 0;
  std::size_t prunes = 0;
  wire::PimJoinPrune wanted;
};

// ---- timers ----

Upstream::Router& Upstream::router_for(const RouterKey& key) {
  const auto [place, is_new] = routers_.try_emplace(key);
  Router& router = place->second;
  if (!is_new) return router;
  router.key = key;
  const auto link = links_.find(key.first);
  if (link == links_.end()) return router;
  router.phase = now_ - entropy_.up_to(link->second.config.join_prune_period);
  for (const auto& [primary, secondary] : link->second.neighbours)
    if (primary == key.second || std::ranges::count(secondary, key.second) > 0)
      router.primary = primary;
  return router;
}

void Upstream::release_router(RouterKey key) {
  const auto found = routers_.find(key);
  if (found == routers_.end() || found->second.trees > 0 || !found->second.prunes.empty()) return;
  if (found->second.turn) turns_.erase(*found->second.turn);
  routers_.erase(found);
}

TimePoint Upstream::due_of(const Tree& tree) {
  if (tree.due == kUnset) return kUnset;
  const bool is_old = tree.batch != tree.router->batches.rbegin()->first;
  return is_old ? std::min(tree.due, tree.router->refresh_at) : tree.due;
}

void Upstream::take_out(const Key& key, Tree& tree) {
  if (tree.due == kUnset) return;
  Router& router = *tree.router;
  const auto batch = router.batches.find(tree.batch);
  batch->second.erase({tree.due, &key, &tree});
  if (batch->second.empty() && router.batches.size() > 1 &&
      tree.batch != router.batches.rbegin()->first)
    router.batches.erase(batch);
  if (router.batches.size() == 1) router.refresh_at = kUnset;
  tree.due = kUnset;
}

/// `key` is the one in the map.
void Upstream::set_due(const Key& key, Tree& tree, TimePoint at) {
  take_out(key, tree);
  Router& router = *tree.router;
  tree.due = at;
  tree.batch = router.batches.rbegin()->first;
  router.batches.rbegin()->second.insert({at, &key, &tree});
  schedule(router);
}

void Upstream::clear_due(const Key& key, Tree& tree) {
  if (tree.due == kUnset) return;
  Router& router = *tree.router;
  take_out(key, tree);
  schedule(router);
  if (!key.second.rpt) return;
  tree.router = nullptr;
  --router.trees;
  release_router(router.key);
}

/// Everything that is joined there is due at `at`, at the latest. O(1): the trees stay where they
/// are, in what is now an older batch, and leave it one by one.
void Upstream::refresh(Router& router, TimePoint at) {
  const auto current = router.batches.rbegin()->first;
  if (!router.batches.rbegin()->second.empty()) router.batches.try_emplace(current + 1);
  if (router.batches.size() > 1) router.refresh_at = std::min(router.refresh_at, at);
  schedule(router);
}

TimePoint Upstream::next_round(const Router& router) const {
  const auto link = links_.find(router.key.first);
  const Duration period =
      std::max<Duration>(link->second.config.join_prune_period, std::chrono::seconds(1));
  const auto rounds = (now_ - router.phase) / period;
  return router.phase + (rounds + 1) * period;
}

std::optional<Upstream::Due> Upstream::next_due(const Router& router) const {
  const DueSet& newest = router.batches.rbegin()->second;
  if (!newest.empty() && newest.begin()->at == kAtOnce) return *newest.begin();
  for (const auto& [number, batch] : router.batches)
    if (!batch.empty() && &batch != &newest)
      if (std::min(batch.begin()->at, router.refresh_at) <= now_) return *batch.begin();
  if (!newest.empty() && newest.begin()->at <= now_) return *newest.begin();
  return std::nullopt;
}

/// Keeps its place in turns_.
void Upstream::schedule(Router& router) {
  std::optional<Turn> turn;
  if (can_hear(router)) {
    TimePoint joins = router.refresh_at;
    for (const auto& [number, batch] : router.batches)
      if (!batch.empty()) joins = std::min(joins, batch.begin()->at);
    if (joins != kAtOnce && !router.prunes.empty())
      turn = Turn{kAtOnce, true, router.key};
    else if (joins != kUnset)
      turn = Turn{joins, false, router.key};
  }
  if (turn == router.turn) return;
  if (router.turn) turns_.erase(*router.turn);
  router.turn = turn;
  if (turn) turns_.insert(*turn);
}

void Upstream::on_timeout(TimePoint now) { now_ = now; }

std::optional<TimePoint> Upstream::next_deadline() const {
  if (!effects_.empty()) return now_;
  if (turns_.empty()) return std::nullopt;
  const TimePoint at = std::get<0>(*turns_.begin());
  if (at > now_) return at;
  const bool must_wait = slice_sent_ >= kMessagesPerSlice && now_ < slice_ + kSlice;
  return must_wait ? slice_ + kSlice : now_;
}

// ---- messages ----

std::optional<SendOnLink> Upstream::poll_effect() {
  if (now_ >= slice_ + kSlice) {
    slice_ = now_;
    slice_sent_ = 0;
  }
  while (effects_.empty() && slice_sent_ < kMessagesPerSlice && !turns_.empty() &&
         std::get<0>(*turns_.begin()) <= now_)
    send_to(routers_.at(std::get<2>(*turns_.begin())));
  return effects_.poll();
}

void Upstream::send_to(Router& router) {
  Link& link = links_.at(router.key.first);
  const LinkConfig& config = link.config;
  Message message(*router.primary, config.mtu);
  const auto holdtime =
      std::chrono::duration_cast<std::chrono::seconds>(config.join_prune_period * 7 / 2).count();
  message.wanted.holdtime_s =
      static_cast<std::uint16_t>(std::min<std::int64_t>(holdtime, wire::kPimHoldtimeForever - 1));
  bool has_room = true;
  ++router.trees;  // it must not go while it is at work
  for (auto due = next_due(router); due && has_room; due = next_due(router))
    has_room = add(message, router, *due);
  if (has_room) add_prunes(message, router);
  link.counters.joins_sent += message.joins;
  link.counters.prunes_sent += message.prunes;
  wire::PimJoinPrunePack pack = wire::pack_join_prune(std::move(message.wanted), config.mtu);
  link.counters.rpt_prunes_cut += pack.rpt_prunes_cut;
  for (wire::PimJoinPrune& packed : pack.messages) {
    ++slice_sent_;
    ++link.counters.messages_sent;
    effects_.push(SendOnLink{config.link, std::move(packed)});
  }
  schedule(router);
  --router.trees;
  release_router(router.key);
}

/// False: it does not fit any more.
bool Upstream::add(Message& message, Router& router, const Due& due) {
  const TreeKey& key = due.key->second;
  if (key.rpt) return add_rpt(message, router, due);
  if (!key.source) return add_shared_tree(message, router, due);
  wire::PimGroupSet* set = message.open(key.group, 1, false);
  if (set == nullptr) return false;
  set->joined.push_back(wire::PimSource::source(*key.source));
  ++message.joins;
  due.tree->told = router.epoch;
  set_due(*due.key, *due.tree, next_round(router));
  return true;
}

/// Sources to be pruned with each Join(*,G) (4.5.6): those that nothing forwards, and those whose
/// RPF'(S,G,rpt) is another router by an assert. Sorted.
std::vector<IpAddress> Upstream::pruned_off(const Key& star, const Tree& tree) const {
  std::set<IpAddress> sources;
  const Group& group = star.second.group;
  for (auto at = rpts_.lower_bound(star);
       at != rpts_.end() && at->first.first == star.first && at->first.second.group == group; ++at)
    if (at->second.kind == UpstreamKind::prune) sources.insert(*at->first.second.source);
  for (auto at = winners_.lower_bound({tree.link, star.second});
       at != winners_.end() && at->first.first == tree.link && at->first.second.group == group;
       ++at)
    if (at->first.second.source && at->second != tree.router->primary)
      sources.insert(*at->first.second.source);
  return {sources.begin(), sources.end()};
}

bool Upstream::add_shared_tree(Message& message, Router& router, const Due& due) {
  const Key& star = *due.key;
  const std::vector<IpAddress> pruned = pruned_off(star, *due.tree);
  wire::PimGroupSet* set = message.open(star.second.group, 1 + pruned.size(), true);
  if (set == nullptr) return false;
  set->joined.push_back(wire::PimSource::shared_tree(due.tree->rp));
  for (const IpAddress& source : pruned) set->pruned.push_back(wire::PimSource::source_rpt(source));
  ++message.joins;
  message.prunes += pruned.size();
  // It says everything about the sources of the group.
  auto place = rpts_.lower_bound(star);
  while (place != rpts_.end() && place->first.first == star.first &&
         place->first.second.group == star.second.group) {
    const auto current = place++;
    clear_due(current->first, current->second);
    current->second.told = router.epoch;
    if (current->second.kind != UpstreamKind::prune) drop_rpt(current);
  }
  due.tree->told = router.epoch;
  set_due(star, *due.tree, next_round(router));
  return true;
}

bool Upstream::add_rpt(Message& message, const Router& router, const Due& due) {
  const Key& key = *due.key;
  const Tree* star = star_of(key);
  const bool pruned = due.tree->kind == UpstreamKind::prune;
  if (star != nullptr && star->router == &router && is_told(*star)) {
    wire::PimGroupSet* set = message.open(key.second.group, 1, false);
    if (set == nullptr) return false;
    (pruned ? set->pruned : set->joined).push_back(wire::PimSource::source_rpt(*key.second.source));
    ++(pruned ? message.prunes : message.joins);
    due.tree->told = router.epoch;
  }
  const auto place = rpts_.find(key);
  clear_due(key, *due.tree);
  if (!pruned) drop_rpt(place);
  return true;
}

void Upstream::add_prunes(Message& message, Router& router) {
  while (!router.prunes.empty()) {
    const auto place = router.prunes.begin();
    const TreeKey& key = place->first.second;
    wire::PimGroupSet* set = message.open(key.group, 1, false);
    if (set == nullptr) return;
    set->pruned.push_back(key.source ? wire::PimSource::source(*key.source)
                                     : wire::PimSource::shared_tree(place->second));
    ++message.prunes;
    router.prunes.erase(place);
  }
}

}  // namespace hotpair::mcast::pim
