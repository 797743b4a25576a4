#include <algorithm>

#include "mcast/gmp/gmp_interface.h"

namespace hotpair::mcast::gmp {

// A record of a group that hosts have already reported here in EXCLUDE mode adds nothing; all else
// is taken, so that what the hosts said and what the store knew is united until it is confirmed.
void Machine::restore(Interface& interface, const GroupMembership& record, TimePoint now) {
  const bool live = interface.role != QuerierRole::standby;
  const IpAddress& group = record.key.group.address();
  const std::uint32_t found = interface.index.find(groups_, group);
  const bool present = record.value && record.value->is_dynamic;
  if (!present && (found == kNone || live)) return;
  const std::uint32_t index = obtain(interface, group, now);
  GroupEntry& entry = groups_[index];
  if (live) return restore_live(interface, index, *record.value, now);
  const bool before = excludes(entry);
  entry.has_group_record = present;
  entry.mode = present ? record.value->mode : FilterMode::include;
  const std::uint8_t older = present ? record.value->older_host_version : 0;
  entry.older_version = older <= 2 ? older : 0;
  if (!present) uncharge(interface, entry);
  set_reporter(interface, entry,
               present ? record.value->last_reporter : IpAddress::any(interface.family));
  if (present) charge(interface, entry);
  entry.lowered = present && record.value->query.has_value();
  entry.queries_left = entry.lowered ? record.value->query->queries_left : 0;
  entry.view_dirty = excludes(entry) != before;
  commit(interface, index, Commit::restored);
}

void Machine::restore_live(Interface& interface, std::uint32_t index, const GroupValue& value,
                           TimePoint now) {
  adopt(interface, index, now);
  GroupEntry& entry = groups_[index];
  const bool adds = !entry.heard_exclude && (value.mode == FilterMode::exclude ||
                                             !entry.has_group_record);
  if (adds) {
    entry.view_dirty = !excludes(entry) && value.mode == FilterMode::exclude;
    const bool announced = entry.has_group_record;
    entry.has_group_record = true;
    entry.mode = value.mode;
    set_reporter(interface, entry, value.last_reporter);
    charge(interface, entry);
    entry.expiry = now + interface.restored_interval();
    if (value.older_host_version == 1 || value.older_host_version == 2) {
      entry.older_version = value.older_host_version;
      (entry.older_version == 1 ? entry.version1_until : entry.version2_until) = entry.expiry;
    }
    // An empty INCLUDE group waits for its sources, at most this long.
    wheel_.arm(groups_, index, entry.expiry);
    if (value.query) query_group(interface, index, now);
    if (entry.query_at <= now) transmit(interface, index, now);
    rearm(index);
    entry.dirty = announced || record_of(interface, entry) != value;
  }
  commit(interface, index, Commit::restored);
}

void Machine::restore(Interface& interface, const SourceMembership& record, TimePoint now) {
  const bool live = interface.role != QuerierRole::standby;
  const IpAddress& group = record.key.group.address();
  const IpAddress& address = record.key.source;
  const bool present = record.value && record.value->is_dynamic;
  const std::uint32_t found = interface.index.find(groups_, group);
  if (address.family() != interface.family || (!present && (found == kNone || live))) return;
  const std::uint32_t index = obtain(interface, group, now);
  if (live) adopt(interface, index, now);
  GroupEntry& entry = groups_[index];
  std::uint32_t* place = source_place(entry, address);
  const bool known = *place != kNone && sources_[*place].address == address;
  const bool heard = known && sources_[*place].is_dynamic;
  const bool unwanted = live && (heard || (entry.heard_exclude && !record.value->forwarding));
  if (!unwanted && (known || present)) {
    SourceEntry& source = known ? sources_[*place] : insert_source(entry, place, address);
    const bool was_listed = listed(entry, source);
    source.is_dynamic = present;
    source.forwarding = present && record.value->forwarding;
    source.lowered = present && !live && record.value->query.has_value();
    source.queries_left = source.lowered ? record.value->query->queries_left : 0;
    source.expiry = live && source.forwarding ? now + interface.restored_interval() : TimePoint{};
    entry.sources_dirty = entry.sources_dirty || !present;
    if (listed(entry, source) != was_listed) entry.view_dirty = true;
    if (live && record.value->query) mark_source(interface, entry, source, now);
    if (live && record_of(interface, source) != *record.value) touch(entry, source);
  }
  if (unwanted && !heard) effects_.push(RecordChanged{SourceMembership{record.key, std::nullopt}});
  if (live) {
    wheel_.arm(groups_, index, now + interface.restored_interval());
    if (entry.query_at <= now) transmit(interface, index, now);
    rearm(index);
  }
  commit(interface, index, Commit::restored);
}

// Gives an entry of an older generation the timers of this one (RFC 3376 8 knows no takeover: the
// timers end when every host was asked). Interrupted last-member queries are asked again.
void Machine::adopt(Interface& interface, std::uint32_t index, TimePoint now) {
  GroupEntry& entry = groups_[index];
  if (entry.generation == interface.generation) return;
  entry.generation = interface.generation;
  const TimePoint floor =
      std::max(interface.floor, now + interface.config.query_response_interval);
  const bool asks_group = entry.lowered;
  // Asked for anew, with all else.
  entry.tentative = false;
  entry.heard_exclude = entry.lowered = false;
  entry.dirty = entry.dirty || asks_group;
  entry.queries_left = 0;
  entry.query_at = kNever;
  entry.expiry = floor;
  entry.version1_until = entry.older_version == 1 ? floor : TimePoint{};
  entry.version2_until = entry.older_version == 2 ? floor : TimePoint{};
  for (std::uint32_t i = entry.first_source; i != kNone; i = sources_[i].next) {
    SourceEntry& source = sources_[i];
    const bool asks = source.lowered;
    source.tentative = false;
    source.lowered = false;
    source.queries_left = 0;
    source.expiry = source.is_dynamic && source.forwarding ? floor : TimePoint{};
    if (!asks) continue;
    touch(entry, source);
    if (source.is_dynamic && source.forwarding) mark_source(interface, entry, source, now);
  }
  if (asks_group) query_group(interface, index, now);
  wheel_.arm(groups_, index, floor);
  if (entry.query_at <= now) transmit(interface, index, now);
}

void Machine::sweep(Interface& interface, std::size_t& budget, TimePoint now) {
  while (interface.sweep_bucket < interface.index.buckets()) {
    std::uint32_t index = interface.index.first_in(interface.sweep_bucket);
    while (index != kNone) {
      if (budget == 0 || effects_.size() >= kSliceEffects) return;
      --budget;
      const std::uint32_t next = groups_[index].hash_next;
      if (groups_[index].generation != interface.generation) {
        budget -= std::min<std::size_t>(budget, groups_[index].source_count / 8);
        adopt(interface, index, now);
        commit(interface, index, Commit::live);
      }
      index = next;
    }
    ++interface.sweep_bucket;
    if (budget == 0) return;
    --budget;
  }
  interface.sweep_bucket = kNone;
}

}  // namespace hotpair::mcast::gmp
