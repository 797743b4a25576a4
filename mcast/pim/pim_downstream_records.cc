#include <algorithm>

#include "mcast/pim/pim_downstream_link.h"

namespace hotpair::mcast::pim {
namespace {

JoinPruneState record_state(DownstreamState state) {
  if (is_pending(state)) return JoinPruneState::prune_pending;
  return is_pruned(state) ? JoinPruneState::pruned : JoinPruneState::joined;
}

DownstreamState state_of(const JoinPruneRecord& record) {
  if (record.value.state == JoinPruneState::prune_pending) return DownstreamState::prune_pending;
  return record.key.tree.rpt ? DownstreamState::prune : DownstreamState::join;
}

/// The state belongs to the machine that the key names, and the group is one that may have it.
bool is_sound(const JoinPruneRecord& record) {
  const TreeKey& tree = record.key.tree;
  const IpAddress& group = tree.group.address();
  if (tree.source ? tree.source->family() != group.family() || !wire::is_pim_unicast(*tree.source)
                  : tree.rpt)
    return false;
  if (group.is_link_local_multicast() || record.value.holdtime_s == 0) return false;
  if ((!tree.source || tree.rpt) && tree.group.is_default_ssm()) return false;
  switch (record.value.state) {
    case JoinPruneState::prune_pending:
      return true;
    case JoinPruneState::joined:
      return !tree.rpt;
    case JoinPruneState::pruned:
      return tree.rpt;
  }
  return false;
}

}  // namespace

std::string_view to_string(DownstreamState state) {
  switch (state) {
    case DownstreamState::no_info:
      return "NoInfo";
    case DownstreamState::join:
      return "Join";
    case DownstreamState::prune_pending:
      return "Prune-Pending";
    case DownstreamState::prune:
      return "Prune";
    case DownstreamState::prune_tmp:
      return "PruneTmp";
    case DownstreamState::prune_pending_tmp:
      return "Prune-Pending-Tmp";
  }
  return "unknown";
}

std::string_view to_string(DownstreamIgnored reason) {
  switch (reason) {
    case DownstreamIgnored::rp_mismatch:
      return "join for another RP";
    case DownstreamIgnored::rp_unknown:
      return "join of a group without RP";
    case DownstreamIgnored::ssm_range:
      return "shared tree of a source-specific group";
    case DownstreamIgnored::link_local_group:
      return "link-local group";
    case DownstreamIgnored::policy:
      return "not in the join policy";
    case DownstreamIgnored::boundary:
      return "boundary of an administrative scope";
    case DownstreamIgnored::entries_limit:
      return "limit of entries reached";
    case DownstreamIgnored::bad_record:
      return "record does not fit";
    case DownstreamIgnored::count_:
      break;
  }
  return "unknown";
}

// ---- what an input leaves behind ----

void Downstream::settle(Link& link, Place place) {
  const TreeKey& key = place->first;
  Entry& entry = place->second;
  const bool listed = key.rpt ? is_pruned(entry.state) : is_joined(entry.state);
  if (listed != entry.was_listed) {
    entry.was_listed = listed;
    // A source pruned off a shared tree that nobody joined is in no view.
    const bool told = !key.rpt || link.entries.contains({key.group, std::nullopt, false});
    if (told) changed_views_.emplace(link.config.link, key.group);
  }
  announce(link, place);
  if (entry.state == DownstreamState::no_info) return drop(link, place);
  arm(link, place);
}

void Downstream::announce(Link& link, Place place) {
  if (is_muted(link)) return;
  Entry& entry = place->second;
  std::optional<JoinPruneValue> value;
  if (entry.state != DownstreamState::no_info)
    value = JoinPruneValue{record_state(entry.state), entry.holdtime_s};
  if (value == entry.announced) return;
  entry.announced = value;
  changed_records_.insert_or_assign({link.config.link, place->first}, value);
}

void Downstream::arm(Link& link, Place place) {
  if (is_muted(link)) return;
  Entry& entry = place->second;
  const TimePoint wanted = std::min(entry.expiry, entry.pending_until);
  if (entry.due <= wanted) return;
  if (entry.due != kNever) link.due.erase({entry.due, &place->first});
  entry.due = wanted;
  link.due.insert({wanted, &place->first});
}

void Downstream::drop(Link& link, Place place) {
  if (place->second.due != kNever) link.due.erase({place->second.due, &place->first});
  if (place->first.rpt) --link.rpt_entries;
  link.entries.erase(place);
}

DownstreamView Downstream::view_of(LinkId id, const Group& group) const {
  DownstreamView view{
      .link = id, .group = group, .shared_tree = false, .sources = {}, .joined = {}};
  Link* link = find(id);
  if (link == nullptr) return view;
  std::vector<IpAddress> pruned;
  for (Place place = link->first_of(group);
       place != link->entries.end() && place->first.group == group; ++place) {
    const auto& [key, entry] = *place;
    if (!key.source) {
      view.shared_tree = is_joined(entry.state);
    } else if (!key.rpt) {
      if (is_joined(entry.state)) view.joined.push_back(*key.source);
    } else if (is_pruned(entry.state)) {
      // (S,G) stands right before (S,G,rpt).
      const bool joined = !view.joined.empty() && view.joined.back() == *key.source;
      if (!joined) pruned.push_back(*key.source);
    }
  }
  if (view.shared_tree) {
    view.sources = std::move(pruned);
  } else {
    view.sources = std::exchange(view.joined, {});
  }
  return view;
}

std::optional<DownstreamEffect> Downstream::poll_effect() {
  if (auto effect = effects_.poll()) return effect;
  if (!changed_records_.empty()) {
    const auto [key, value] = *changed_records_.begin();
    changed_records_.erase(changed_records_.begin());
    if (value) return RecordChanged{{key, *value}};
    return RecordRemoved{key};
  }
  if (changed_views_.empty()) return std::nullopt;
  const auto [link, group] = *changed_views_.begin();
  changed_views_.erase(changed_views_.begin());
  return view_of(link, group);
}

// ---- links and roles ----

void Downstream::configure(const LinkConfig& config, TimePoint now) {
  std::unique_ptr<Link>& place = links_[config.link];
  if (!place) {
    place = std::make_unique<Link>();
    place->config = config;
    return;
  }
  Link& link = *place;
  const bool was_muted = is_muted(link);
  const bool other_scope = link.config.scope != config.scope;
  link.config = config;
  if (other_scope)  // another journal has not heard of it
    for (auto& [key, entry] : link.entries) entry.announced.reset();
  if (is_muted(link)) {
    link.sweeping = false;
    return;
  }
  if (was_muted) ++link.generation;
  if (was_muted || other_scope) start_sweep(link, now);
}

void Downstream::remove_link(LinkId id, TimePoint) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  std::erase_if(changed_views_, [id](const auto& view) { return view.first == id; });
  std::erase_if(changed_records_, [id](const auto& record) { return record.first.link == id; });
  removed_.push_back(std::move(found->second));
  links_.erase(found);
  effects_.push(DownstreamFlushed{id});
}

void Downstream::activate(ScopeId scope, TimePoint now) {
  if (!active_scopes_.insert(scope).second) return;
  for (auto& [id, link] : links_) {
    if (link->config.scope != scope) continue;
    ++link->generation;
    start_sweep(*link, now);
  }
}

void Downstream::deactivate(ScopeId scope, TimePoint) {
  if (active_scopes_.erase(scope) == 0) return;
  for (auto& [id, link] : links_)
    if (link->config.scope == scope) link->sweeping = false;
}

void Downstream::start_sweep(Link& link, TimePoint now) {
  link.active_since = now;
  link.sweeping = !link.entries.empty();
  link.swept.reset();
}

// RFC 7761 knows no takeover. The Joins behind this state went to the master that is gone; its
// routers send theirs to this one when they have heard its Hello, at the latest with their next
// refresh. Less than the holdtime would end what they still want.
void Downstream::adopt(Link& link, Place place, TimePoint now) {
  Entry& entry = place->second;
  if (entry.generation == link.generation) return;
  entry.generation = link.generation;
  entry.expiry = expiry_of(entry.holdtime_s, link.active_since);
  if (!is_pending(entry.state)) return;
  entry.pending_until = now + link.config.propagation_delay + link.config.override_interval;
  entry.echo = place->first.source.has_value();  // the RP of a (*,G) echo is not known here
}

void Downstream::sweep(Link& link, std::size_t& budget, TimePoint now) {
  if (!link.sweeping) return;
  Place place = link.swept ? link.entries.upper_bound(*link.swept) : link.entries.begin();
  while (place != link.entries.end()) {
    if (budget == 0) return;
    --budget;
    const Place current = place++;
    link.swept = current->first;
    adopt(link, current, now);
    settle(link, current);
  }
  link.sweeping = false;
  link.swept.reset();
}

void Downstream::reclaim(std::size_t& budget) {
  while (!removed_.empty() && budget > 0) {
    Link& link = *removed_.back();
    --budget;
    if (!link.due.empty()) {
      link.due.erase(link.due.begin());
    } else if (!link.entries.empty()) {
      link.entries.erase(link.entries.begin());
    } else {
      removed_.pop_back();
    }
  }
}

// ---- records in ----

void Downstream::on_record(const JoinPruneRecord& record, TimePoint now) {
  Link* link = find(record.key.link);
  if (link == nullptr) return;
  if (!is_sound(record)) return link->ignore(DownstreamIgnored::bad_record);
  const bool muted = is_muted(*link);
  const TreeKey& key = record.key.tree;
  Place place = link->entries.find(key);
  if (place != link->entries.end() && !muted) return;
  if (place == link->entries.end()) {
    if (link->entries.size() >= link->config.entries_max)
      return link->ignore(DownstreamIgnored::entries_limit);
    place = link->entries.try_emplace(key).first;
    if (key.rpt) ++link->rpt_entries;
  }
  Entry& entry = place->second;
  entry.state = state_of(record);
  entry.holdtime_s = record.value.holdtime_s;
  entry.announced = record.value;
  entry.generation = link->generation - 1;
  if (!muted) {
    adopt(*link, place, now);
    entry.expiry = expiry_of(entry.holdtime_s, now);
  }
  settle(*link, place);
}

void Downstream::on_record_removed(const JoinPruneKey& key, TimePoint) {
  Link* link = find(key.link);
  if (link == nullptr || !is_muted(*link)) return;
  const Place place = link->entries.find(key.tree);
  if (place == link->entries.end()) return;
  place->second.state = DownstreamState::no_info;
  settle(*link, place);
}

// ---- queries ----

JoinPruneSlice Downstream::snapshot(const std::optional<JoinPruneKey>& after,
                                    std::size_t max) const {
  JoinPruneSlice slice;
  auto at = after ? links_.lower_bound(after->link) : links_.begin();
  for (; at != links_.end(); ++at) {
    Link& link = *at->second;
    const bool within = after && after->link == at->first;
    Place place = within ? link.entries.upper_bound(after->tree) : link.entries.begin();
    for (; place != link.entries.end(); ++place) {
      if (slice.records.size() == max) {
        if (max > 0) slice.next = slice.records.back().key;
        return slice;
      }
      const Entry& entry = place->second;
      slice.records.push_back(
          {{at->first, place->first}, {record_state(entry.state), entry.holdtime_s}});
    }
  }
  return slice;
}

DownstreamModel Downstream::show(const JoinPruneFilter& filter, TimePoint now) const {
  DownstreamModel model;
  for (const auto& [id, link] : links_) {
    if (filter.link && *filter.link != id) continue;
    const bool muted = is_muted(*link);
    Place place = filter.group ? link->first_of(*filter.group) : link->entries.begin();
    for (; place != link->entries.end(); ++place) {
      if (filter.group && place->first.group != *filter.group) break;
      if (++model.rows_total > filter.rows_max) continue;
      const Entry& entry = place->second;
      DownstreamRow row{.link = id,
                        .key = place->first,
                        .state = entry.state,
                        .expires = {},
                        .prune_pending = {}};
      const bool timed = !muted && entry.generation == link->generation;
      if (timed && entry.expiry != kNever) row.expires = std::max(entry.expiry, now) - now;
      if (timed && entry.pending_until != kNever)
        row.prune_pending = std::max(entry.pending_until, now) - now;
      model.rows.push_back(std::move(row));
    }
  }
  return model;
}

std::size_t Downstream::entry_count(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? 0 : link->entries.size();
}

const DownstreamCounters* Downstream::counters(LinkId id) const {
  const Link* link = find(id);
  return link == nullptr ? nullptr : &link->counters;
}

void Downstream::reset_counters(LinkId id) {
  if (Link* link = find(id)) link->counters = {};
}

}  // namespace hotpair::mcast::pim
