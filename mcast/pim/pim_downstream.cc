#include "mcast/pim/pim_downstream.h"

#include <algorithm>

#include "mcast/pim/pim_downstream_link.h"
#include "mcast/wire/pim_join_prune.h"

namespace hotpair::mcast::pim {

/// A message while it is being processed.
struct Downstream::Reading {
  Link& link;
  const JoinPruneArrival& arrival;
  const RpDirectory& rps;
  std::uint16_t holdtime_s;
  TimePoint now;
  std::vector<Group> shared_trees;  ///< groups with an accepted Join(*,G), sorted; at most 255
  bool limit_told = false;

  /// False: the message had one of this group before.
  [[nodiscard]] bool note_shared_tree(const Group& group) {
    const auto place = std::ranges::lower_bound(shared_trees, group);
    if (place != shared_trees.end() && *place == group) return false;
    shared_trees.insert(place, group);
    return true;
  }
};

Downstream::Downstream() = default;
Downstream::~Downstream() = default;

Downstream::Link* Downstream::find(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : found->second.get();
}

bool Downstream::is_muted(const Link& link) const {
  return link.config.scope && !active_scopes_.contains(*link.config.scope);
}

void Downstream::on_join_prune(const JoinPruneArrival& arrival, const wire::PimJoinPrune& message,
                               const RpDirectory& rps, TimePoint now) {
  Link* link = find(arrival.link);
  if (link == nullptr) return;
  ++link->counters.messages;
  if (is_muted(*link)) {
    ++link->counters.muted;
    return;
  }
  if (!arrival.upstream_is_us) {
    ++link->counters.not_for_us;
    return;
  }
  Reading reading{*link, arrival, rps, message.holdtime_s, now, {}, false};
  for (const wire::PimGroupSet& set : message.groups) read_set(reading, set);
  for (const Group& group : reading.shared_trees) end_of_message(reading, group);
  send_echoes(*link);  // of a prune whose time was up just now
}

namespace {

bool permits(const LinkConfig& config, const Group& group, const wire::PimSource& source) {
  return config.join_policy.empty() ||
         std::ranges::any_of(config.join_policy, [&](const JoinPermit& permit) {
           return permit.groups.contains(group.address()) &&
                  (!permit.sources ||
                   (!source.wildcard && permit.sources->contains(source.address)));
         });
}

}  // namespace

// Joins come first, of them (*,G): a Join(*,G) gives back what the (S,G,rpt) prunes of the same
// message take away (4.5.3).
void Downstream::read_set(Reading& reading, const wire::PimGroupSet& set) {
  Link& link = reading.link;
  const wire::PimEntryFault fault = wire::fault_of_group(set.group);
  if (fault != wire::PimEntryFault::none) ++link.counters.faults[static_cast<std::size_t>(fault)];
  if (fault != wire::PimEntryFault::none && fault != wire::PimEntryFault::reserved_flags) return;
  const auto group = Group::from(set.group.address);
  if (!group) return;
  if (group->address().is_link_local_multicast())
    return link.ignore(DownstreamIgnored::link_local_group);
  if (link.config.boundary.contains(group->address()))
    return link.ignore(DownstreamIgnored::boundary);
  for (const wire::PimSource& source : set.joined)
    if (source.wildcard) read_source(reading, *group, source, true);
  for (const wire::PimSource& source : set.joined)
    if (!source.wildcard) read_source(reading, *group, source, true);
  for (const wire::PimSource& source : set.pruned) read_source(reading, *group, source, false);
}

void Downstream::read_source(Reading& reading, const Group& group, const wire::PimSource& source,
                             bool join_it) {
  Link& link = reading.link;
  const wire::PimEntryFault fault = wire::fault_of_source(source);
  if (fault != wire::PimEntryFault::none) ++link.counters.faults[static_cast<std::size_t>(fault)];
  // Unknown flags are to be ignored (4.9.1).
  if (fault != wire::PimEntryFault::none && fault != wire::PimEntryFault::reserved_flags) return;
  if (source.rpt && group.is_default_ssm()) return link.ignore(DownstreamIgnored::ssm_range);
  // A Prune off the shared tree makes state as a Join does; other Prunes only end some.
  if ((join_it || (source.rpt && !source.wildcard)) && !permits(link.config, group, source))
    return link.ignore(DownstreamIgnored::policy);
  if (source.wildcard) {
    const TreeKey key{group, std::nullopt, false};
    if (!join_it) return prune(reading, key, source.address);
    if (!accepts_shared_tree(reading, group, source.address)) return;
    begin_shared_tree(reading, group);
    return join(reading, key);
  }
  const TreeKey key{group, source.address, source.rpt};
  if (source.rpt) return join_it ? join_rpt(reading, key) : prune_rpt(reading, key);
  return join_it ? join(reading, key) : prune(reading, key, IpAddress{});
}

// 4.5.1: a Join(*,G) whose RP is not RP(G) is dropped, other entries of its group are not; a
// Prune(*,G) counts whatever its RP. A router that knows no RP may accept the Join and believe its
// RP. This one does not: no route could come of it here, and the refresh comes soon enough.
bool Downstream::accepts_shared_tree(Reading& reading, const Group& group, const IpAddress& rp) {
  const auto own = reading.rps.rp_of(reading.link.config.vrf, group);
  if (own && *own == rp) return true;
  reading.link.ignore(own ? DownstreamIgnored::rp_mismatch : DownstreamIgnored::rp_unknown);
  return false;
}

/// The entry, made if there is room; end() if not.
Downstream::Place Downstream::admit(Reading& reading, const TreeKey& key) {
  Link& link = reading.link;
  if (link.entries.size() >= link.config.entries_max) {
    link.ignore(DownstreamIgnored::entries_limit);
    if (!reading.limit_told)
      effects_.push(LimitReached{link.config.link, reading.arrival.from, Limit::entries});
    reading.limit_told = true;
    return link.entries.end();
  }
  const Place place = link.entries.try_emplace(key).first;
  place->second.generation = link.generation;
  if (key.rpt) ++link.rpt_entries;
  return place;
}

namespace {

// The timer becomes the larger of its value and the holdtime.
template <typename Entry>
void extend(Entry& entry, std::uint16_t holdtime_s, TimePoint now) {
  const TimePoint expiry = expiry_of(holdtime_s, now);
  entry.expiry = entry.state == DownstreamState::no_info ? expiry : std::max(entry.expiry, expiry);
  entry.holdtime_s = std::max(entry.holdtime_s, holdtime_s);
}

}  // namespace

// "Receive Join" of 4.5.1 and 4.5.2.
void Downstream::join(Reading& reading, const TreeKey& key) {
  Link& link = reading.link;
  Place place = link.entries.find(key);
  if (place == link.entries.end()) {
    if (reading.holdtime_s == 0) return;  // it would end at once
    place = admit(reading, key);
    if (place == link.entries.end()) return;
  } else {
    adopt(link, place, reading.now);
  }
  Entry& entry = place->second;
  extend(entry, reading.holdtime_s, reading.now);
  entry.state = DownstreamState::join;
  entry.pending_until = kNever;
  settle(link, place);
}

// "Receive Prune" of 4.5.1 and 4.5.2. With one neighbour the pending prune ends at once.
void Downstream::prune(Reading& reading, const TreeKey& key, const IpAddress& rp) {
  Link& link = reading.link;
  const Place place = link.entries.find(key);
  if (place == link.entries.end()) return;
  adopt(link, place, reading.now);
  Entry& entry = place->second;
  if (entry.state == DownstreamState::join) {
    entry.state = DownstreamState::prune_pending;
    entry.pending_until = reading.now + reading.arrival.lan.prune_delay();
    entry.echo = reading.arrival.lan.neighbours > 1;
    entry.rp = rp;
  }
  expire(link, place, reading.now);
}

// "Receive Join(S,G,rpt)" of 4.5.3; in the Tmp states the end of the message does it.
void Downstream::join_rpt(Reading& reading, const TreeKey& key) {
  Link& link = reading.link;
  const Place place = link.entries.find(key);
  if (place == link.entries.end()) return;
  Entry& entry = place->second;
  if (entry.state != DownstreamState::prune && entry.state != DownstreamState::prune_pending)
    return;
  entry.state = DownstreamState::no_info;
  settle(link, place);
}

// "Receive Prune(S,G,rpt)" of 4.5.3.
void Downstream::prune_rpt(Reading& reading, const TreeKey& key) {
  Link& link = reading.link;
  Place place = link.entries.find(key);
  if (place == link.entries.end()) {
    if (reading.holdtime_s == 0) return;
    place = admit(reading, key);
    if (place == link.entries.end()) return;
  } else {
    adopt(link, place, reading.now);
  }
  Entry& entry = place->second;
  switch (entry.state) {
    case DownstreamState::no_info:
      extend(entry, reading.holdtime_s, reading.now);
      entry.state = DownstreamState::prune_pending;
      entry.pending_until = reading.now + reading.arrival.lan.prune_delay();
      break;
    case DownstreamState::prune:
    case DownstreamState::prune_tmp:
      extend(entry, reading.holdtime_s, reading.now);
      entry.state = DownstreamState::prune;
      break;
    case DownstreamState::prune_pending_tmp:
      extend(entry, reading.holdtime_s, reading.now);
      entry.state = DownstreamState::prune_pending;
      break;
    case DownstreamState::prune_pending:
    case DownstreamState::join:
      break;
  }
  expire(link, place, reading.now);
}

// "Receive Join(*,G)" of 4.5.3, for every source of the group. A second one in the message adds
// nothing, and must not cost anything.
void Downstream::begin_shared_tree(Reading& reading, const Group& group) {
  Link& link = reading.link;
  if (!reading.note_shared_tree(group) || link.rpt_entries == 0) return;
  for (Place place = link.first_of(group);
       place != link.entries.end() && place->first.group == group; ++place) {
    if (!place->first.rpt) continue;
    adopt(link, place, reading.now);
    Entry& entry = place->second;
    if (entry.state == DownstreamState::prune) entry.state = DownstreamState::prune_tmp;
    if (entry.state == DownstreamState::prune_pending)
      entry.state = DownstreamState::prune_pending_tmp;
  }
}

void Downstream::end_of_message(Reading& reading, const Group& group) {
  Link& link = reading.link;
  if (link.rpt_entries == 0) return;
  Place place = link.first_of(group);
  while (place != link.entries.end() && place->first.group == group) {
    const Place current = place++;
    Entry& entry = current->second;
    if (entry.state != DownstreamState::prune_tmp &&
        entry.state != DownstreamState::prune_pending_tmp)
      continue;
    entry.state = DownstreamState::no_info;
    settle(link, current);
  }
}

// PPT and ET of all three machines.
void Downstream::expire(Link& link, Place place, TimePoint now) {
  Entry& entry = place->second;
  const bool rpt = place->first.rpt;
  if (is_pending(entry.state) && entry.pending_until <= now) {
    entry.state = rpt ? DownstreamState::prune : DownstreamState::no_info;
    entry.pending_until = kNever;
    if (!rpt && entry.echo)
      link.echoes.push_back(
          {.group = wire::PimGroupRange::single(place->first.group),
           .joined = {},
           .pruned = {place->first.source ? wire::PimSource::source(*place->first.source)
                                          : wire::PimSource::shared_tree(entry.rp)}});
  }
  if (entry.expiry <= now) entry.state = DownstreamState::no_info;
  settle(link, place);
}

// 4.5.1, 4.5.2: the prune was carried out. Who should have overridden it may have missed it.
void Downstream::send_echoes(Link& link) {
  if (link.echoes.empty()) return;
  wire::PimJoinPrune message{
      .upstream_neighbor = link.config.address,
      .holdtime_s = static_cast<std::uint16_t>(
          std::chrono::duration_cast<std::chrono::seconds>(kJoinPruneHoldtime).count()),
      .groups = std::exchange(link.echoes, {})};
  if (link.config.address.is_unspecified()) return;
  link.counters.echoes += message.groups.size();
  wire::PimJoinPrunePack pack = wire::pack_join_prune(std::move(message), link.config.mtu);
  for (wire::PimJoinPrune& packed : pack.messages)
    effects_.push(SendOnLink{link.config.link, std::move(packed)});
}

void Downstream::on_timeout(TimePoint now) {
  std::size_t budget = kSliceItems;
  for (auto& [id, link] : links_) {
    if (is_muted(*link)) continue;
    while (budget > 0 && !link->due.empty() && link->due.begin()->at <= now) {
      --budget;
      const Place place = link->entries.find(*link->due.begin()->key);
      link->due.erase(link->due.begin());
      place->second.due = kNever;
      adopt(*link, place, now);
      expire(*link, place, now);
    }
    sweep(*link, budget, now);
    send_echoes(*link);
  }
  reclaim(budget);
}

std::optional<TimePoint> Downstream::next_deadline() const {
  if (!removed_.empty()) return TimePoint{};
  std::optional<TimePoint> next;
  for (const auto& [id, link] : links_) {
    if (is_muted(*link)) continue;
    if (link->sweeping) next = earliest(next, link->active_since);
    if (!link->due.empty()) next = earliest(next, link->due.begin()->at);
  }
  return next;
}

}  // namespace hotpair::mcast::pim
