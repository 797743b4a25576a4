#include "mcast/pim/pim_assert.h"

#include <utility>

namespace hotpair::mcast::pim {
namespace {

TreeKey key_of(const Group& group, const IpAddress& source) {
  TreeKey key{.group = group};
  if (!source.is_unspecified()) key.source = source;
  return key;
}

}  // namespace

std::string_view to_string(AssertIgnored reason) {
  switch (reason) {
    case AssertIgnored::muted:
      return "link is muted or down";
    case AssertIgnored::wrong_source:
      return "wrong source address";
    case AssertIgnored::boundary:
      return "boundary of an administrative scope";
    case AssertIgnored::no_row:
      return "changes nothing";
    case AssertIgnored::entries_max:
      return "too many trees";
    case AssertIgnored::count_:
      break;
  }
  return "unknown";
}

Asserts::Link* Asserts::find(LinkId link) {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second;
}

const Asserts::Link* Asserts::find(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second;
}

Asserts::Link* Asserts::find_live(LinkId id) {
  Link* link = find(id);
  if (link == nullptr || link->live) return link;
  link->ignore(AssertIgnored::muted);
  return nullptr;
}

std::optional<Asserts::Place> Asserts::find(Link& link, const TreeKey& key) {
  const auto found = link.entries.find(TreeKey{.group = key.group, .source = key.source});
  if (found == link.entries.end()) return std::nullopt;
  Entry& entry = found->second;
  if (std::exchange(entry.generation, link.generation) != link.generation && entry.learned)
    entry.learned->view = {.winner = {.address = IpAddress::any(key.group.family())}};
  return Place{link, found->first, entry};
}

bool Asserts::may_live(const LinkConfig& config) const {
  if (config.address.is_unspecified()) return false;
  if (!config.scope) return true;
  const auto mode = modes_.find(*config.scope);
  return mode != modes_.end() && mode->second == LinkMode::live;
}

// ---- links and modes ----

void Asserts::set_link(const LinkConfig& config, TimePoint now) {
  last_now_ = now;
  Link& link = links_[config.link];
  const LinkConfig before = std::exchange(link.config, config);
  if (link.live && before.vrf != config.vrf) flush(link);
  const bool stays = link.live && may_live(config);
  set_live(link, may_live(config));
  if (stays && before.address != config.address && link.asserted > 0)
    sweeps_[{config.link, IpAddress::any(config.address.family())}] = Sweep{.stamp = next_stamp_};
}

void Asserts::remove_link(LinkId id, TimePoint now) {
  last_now_ = now;
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  flush(found->second);
  if (!found->second.entries.empty()) graveyard_.push_back(std::move(found->second.entries));
  links_.erase(found);
}

void Asserts::set_mode(ScopeId scope, LinkMode mode, TimePoint now) {
  last_now_ = now;
  modes_[scope] = mode;
  for (auto& [id, link] : links_)
    if (link.config.scope == scope) set_live(link, may_live(link.config));
}

void Asserts::set_live(Link& link, bool live) {
  if (!live) flush(link);
  link.live = live;
}

void Asserts::flush(Link& link) {
  if (link.asserted == 0) return;
  ++link.generation;
  link.asserted = 0;
  link.losers.clear();
  effects_.push(AssertsFlushed{link.config.link});
}

// ---- inputs ----

void Asserts::set_facts(LinkId id, const TreeKey& key, const AssertFacts& facts, TimePoint now) {
  last_now_ = now;
  Link* link = find(id);
  if (link == nullptr) return;
  const TreeKey own_key{.group = key.group, .source = key.source};
  if (!link->entries.contains(own_key)) {
    if (facts == AssertFacts{}) return;
    if (link->entries.size() >= link->config.entries_max) {
      link->ignore(AssertIgnored::entries_max);
      effects_.push(LimitReached{id, IpAddress::any(key.group.family()), Limit::entries});
      return;
    }
    link->entries.try_emplace(own_key);
  }
  const auto place = find(*link, own_key);
  apply_facts(*place, facts);
  free_if_idle(*place);
}

// 4.6.2: a message is for the (*,G) machine only if the (S,G) machine has no state and took none
// from it. A cancel that names a source is of that (S,G) alone (4.6.4).
void Asserts::on_assert(LinkId id, const IpAddress& from, const wire::PimAssert& message,
                        TimePoint now) {
  last_now_ = now;
  Link* link = find_live(id);
  if (link == nullptr) return;
  ++link->counters.received;
  if (from == link->config.address || from.family() != link->config.address.family() ||
      message.group.family() != from.family())
    return link->ignore(AssertIgnored::wrong_source);
  if (link->config.boundary.contains(message.group.address()))
    return link->ignore(AssertIgnored::boundary);
  const AssertMetric heard{.rpt = message.rpt, .route = message.metric, .address = from};
  const TreeKey key = key_of(message.group, message.source);
  if (key.source) {
    if (const auto place = find(*link, key)) {
      const bool had_state = place->entry.state() != AssertState::no_info;
      if (receive(*place, heard, message.source, now) == Took::action) return;
      if (had_state) return link->ignore(AssertIgnored::no_row);
    }
  }
  if (!heard.rpt || (key.source && heard.is_infinite())) return link->ignore(AssertIgnored::no_row);
  const auto star = find(*link, TreeKey{.group = message.group});
  if (!star || receive(*star, heard, message.source, now) == Took::nothing)
    link->ignore(AssertIgnored::no_row);
}

void Asserts::on_data(LinkId id, const TreeKey& key, TimePoint now) {
  last_now_ = now;
  Link* link = find_live(id);
  if (link == nullptr) return;
  const IpAddress source = key.source.value_or(IpAddress::any(key.group.family()));
  if (key.source) {
    const auto place = find(*link, key);
    if (place && take_data(*place, source, now) == Took::action) return;
    if (!key.rpt) return link->ignore(AssertIgnored::no_row);
  }
  const auto star = find(*link, TreeKey{.group = key.group});
  if (!star || take_data(*star, source, now) == Took::nothing) link->ignore(AssertIgnored::no_row);
}

void Asserts::on_join_received(LinkId id, const TreeKey& key, TimePoint now) {
  last_now_ = now;
  Link* link = find(id);
  if (link == nullptr || key.rpt || link->losers.empty()) return;
  const auto place = find(*link, key);
  if (place && place->entry.state() == AssertState::loser) forget(*place);
}

void Asserts::on_neighbour_lost(LinkId id, const IpAddress& address, TimePoint now) {
  last_now_ = now;
  const Link* link = find(id);
  if (link != nullptr && link->losers.contains(address))
    sweeps_[{id, address}] = Sweep{.stamp = next_stamp_};
}

// ---- entries, timers and slices ----

void Asserts::arm(const Place& place) {
  Learned& learned = *place.entry.learned;
  if (learned.armed && *learned.armed <= learned.deadline) return;
  const LinkId id = place.link.config.link;
  if (learned.armed) timers_.erase({*learned.armed, id, place.key});
  learned.armed = learned.deadline;
  timers_.emplace(learned.deadline, id, place.key);
}

void Asserts::free_if_idle(const Place& place) {
  const Entry& entry = place.entry;
  if (entry.state() != AssertState::no_info || entry.facts != AssertFacts{}) return;
  if (entry.learned && entry.learned->armed)
    timers_.erase({*entry.learned->armed, place.link.config.link, place.key});
  Link& link = place.link;
  link.entries.erase(link.entries.find(place.key));
}

void Asserts::on_timeout(TimePoint now) {
  last_now_ = now;
  std::size_t budget = kSliceItems;
  while (budget > 0 && !timers_.empty() && std::get<0>(*timers_.begin()) <= now) {
    run_timer(now);
    --budget;
  }
  while (budget > 0 && !sweeps_.empty()) run_sweep(budget, now);
  while (budget > 0 && !graveyard_.empty()) run_graveyard(budget);
}

// A timer of a removed link or entry may be left over.
void Asserts::run_timer(TimePoint now) {
  const auto timer = timers_.extract(timers_.begin());
  const auto& [at, id, key] = timer.value();
  Link* link = find(id);
  if (link == nullptr) return;
  const auto place = find(*link, key);
  if (!place || !place->entry.learned || place->entry.learned->armed != at) return;
  if (place->entry.state() == AssertState::no_info) return place->entry.learned.reset();
  place->entry.learned->armed.reset();
  if (place->entry.learned->deadline > now) return arm(*place);
  expire(*place, now);
}

void Asserts::run_sweep(std::size_t& budget, TimePoint now) {
  const auto front = sweeps_.begin();
  const auto& [id, lost] = front->first;
  Sweep& sweep = front->second;
  Link* link = find(id);
  if (link == nullptr || (!lost.is_unspecified() && !link->losers.contains(lost))) {
    sweeps_.erase(front);
    --budget;
    return;
  }
  auto at = sweep.after ? link->entries.upper_bound(*sweep.after) : link->entries.begin();
  for (; at != link->entries.end() && budget > 0; ++at, --budget) {
    sweep.after = at->first;
    const Entry& entry = at->second;
    if (entry.learned && entry.learned->stamp < sweep.stamp && entry.generation == link->generation)
      visit(Place{*link, at->first, at->second}, lost, now);
  }
  if (at == link->entries.end()) sweeps_.erase(front);
}

void Asserts::run_graveyard(std::size_t& budget) {
  Entries& entries = graveyard_.back();
  for (; budget > 0 && !entries.empty(); --budget) entries.erase(entries.begin());
  if (entries.empty()) graveyard_.pop_back();
}

std::optional<TimePoint> Asserts::next_deadline() const {
  if (!sweeps_.empty() || !graveyard_.empty()) return last_now_;
  if (timers_.empty()) return std::nullopt;
  return std::get<0>(*timers_.begin());
}

// ---- queries ----

AssertView Asserts::view(LinkId id, const TreeKey& key) const {
  const AssertView none{.winner = {.address = IpAddress::any(key.group.family())}};
  const Link* link = find(id);
  if (link == nullptr) return none;
  const auto found = link->entries.find(TreeKey{.group = key.group, .source = key.source});
  if (found == link->entries.end() || found->second.generation != link->generation) return none;
  return found->second.learned ? found->second.learned->view : none;
}

std::size_t Asserts::entry_count(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? 0 : link->entries.size();
}

std::size_t Asserts::asserted_count(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? 0 : link->asserted;
}

AssertCounters Asserts::counters(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? AssertCounters{} : link->counters;
}

}  // namespace hotpair::mcast::pim
