#include <algorithm>

#include "mcast/gmp/gmp_interface.h"

namespace hotpair::mcast::gmp {
namespace {

Group group_of(const GroupEntry& entry) {
  const auto group = Group::from(entry.group);
  HA_ASSERT(group.has_value());
  return *group;
}

bool is_dead(const SourceEntry& source) { return !source.is_dynamic && !source.is_static; }

}  // namespace

std::uint32_t Machine::obtain(Interface& interface, const IpAddress& group, TimePoint now) {
  const std::uint32_t found = interface.index.find(groups_, group);
  if (found != kNone) return found;
  const std::uint32_t index = groups_.take();
  GroupEntry& entry = groups_[index];
  entry.group = group;
  entry.reporter = IpAddress::any(group.family());
  entry.interface = interface.slot;
  entry.generation = interface.generation;
  entry.created_s = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now - *origin_).count());
  interface.index.insert(groups_, index);
  interface.peak = std::max(interface.peak, interface.index.size());
  return index;
}

std::uint32_t* Machine::source_place(GroupEntry& entry, const IpAddress& source) {
  std::uint32_t* place = &entry.first_source;
  while (*place != kNone && sources_[*place].address < source) place = &sources_[*place].next;
  return place;
}

SourceEntry& Machine::insert_source(GroupEntry& entry, std::uint32_t* place,
                                    const IpAddress& source) {
  const std::uint32_t index = sources_.take();
  SourceEntry& added = sources_[index];
  added.address = source;
  added.next = *place;
  *place = index;
  ++entry.source_count;
  return added;
}

GroupValue Machine::value_of(const Interface& interface, const GroupEntry& entry) const {
  GroupValue value;
  value.mode = excludes(entry) ? FilterMode::exclude : FilterMode::include;
  value.older_host_version = entry.older_version;
  value.is_static = entry.is_static;
  value.is_dynamic = entry.has_group_record;
  if (entry.lowered)
    value.query = LastMemberQuery{entry.queries_left, interface.config.last_member_query_interval};
  value.last_reporter = entry.reporter;
  return value;
}

SourceValue Machine::value_of(const Interface& interface, const SourceEntry& source) const {
  SourceValue value;
  value.forwarding = source.forwarding || !source.is_dynamic;
  value.is_static = source.is_static;
  value.is_dynamic = source.is_dynamic;
  if (source.lowered)
    value.query = LastMemberQuery{source.queries_left, interface.config.last_member_query_interval};
  return value;
}

GroupValue Machine::record_of(const Interface& interface, const GroupEntry& entry) const {
  GroupValue value = value_of(interface, entry);
  value.is_static = false;
  return value;
}

SourceValue Machine::record_of(const Interface& interface, const SourceEntry& source) const {
  SourceValue value = value_of(interface, source);
  value.is_static = false;
  return value;
}

// INCLUDE without sources is no state; dynamic sources without a group record get one.
void Machine::normalise(GroupEntry& entry) {
  if (excludes(entry)) return;
  std::uint32_t i = entry.first_source;
  while (i != kNone && !(sources_[i].is_dynamic && sources_[i].forwarding)) i = sources_[i].next;
  const bool any = i != kNone;
  if (any == entry.has_group_record) return;
  entry.has_group_record = any;
  entry.dirty = true;
  if (any) return;
  entry.older_version = entry.queries_left = 0;
  entry.lowered = false;
}

void Machine::announce_sources(const Interface& interface, GroupEntry& entry, bool forwarding) {
  const Group group = group_of(entry);
  for (std::uint32_t i = entry.first_source; i != kNone; i = sources_[i].next) {
    SourceEntry& source = sources_[i];
    if (!source.dirty) continue;
    const bool first = source.is_dynamic && source.forwarding;
    if (first != forwarding) continue;
    SourceMembership record{{interface.link, group, source.address}, std::nullopt};
    if (source.is_dynamic) record.value = record_of(interface, source);
    effects_.push(RecordChanged{record});
    source.dirty = false;
  }
}

void Machine::drop_dead_sources(GroupEntry& entry) {
  std::uint32_t* place = &entry.first_source;
  while (*place != kNone) {
    SourceEntry& source = sources_[*place];
    source.dirty = false;
    if (!is_dead(source)) {
      place = &source.next;
      continue;
    }
    const std::uint32_t index = *place;
    *place = source.next;
    sources_.give(index);
    --entry.source_count;
  }
}

void Machine::announce_group(const Interface& interface, const GroupEntry& entry) {
  GroupMembership record{{interface.link, group_of(entry)}, std::nullopt};
  if (entry.has_group_record) record.value = record_of(interface, entry);
  effects_.push(RecordChanged{record});
}

void Machine::announce_view(const Interface& interface, const GroupEntry& entry) {
  MembershipChanged change{interface.link, group_of(entry), FilterMode::include, {}};
  if (entry.is_static || excludes(entry)) change.mode = FilterMode::exclude;
  for (std::uint32_t i = entry.first_source; i != kNone; i = sources_[i].next)
    if (listed(entry, sources_[i])) change.sources.push_back(sources_[i].address);
  effects_.push(std::move(change));
}

void Machine::commit(Interface& interface, std::uint32_t index, Commit kind) {
  GroupEntry& entry = groups_[index];
  const bool announce = interface.role != QuerierRole::standby;
  if (kind == Commit::live) normalise(entry);
  if (announce && entry.sources_dirty) announce_sources(interface, entry, true);
  if (announce && entry.dirty) announce_group(interface, entry);
  if (announce && entry.sources_dirty) announce_sources(interface, entry, false);
  if (entry.sources_dirty) drop_dead_sources(entry);
  entry.dirty = entry.sources_dirty = false;
  if (entry.view_dirty) announce_view(interface, entry);
  entry.view_dirty = false;
  if (!entry.has_group_record) uncharge(interface, entry);
  if (!entry.has_group_record && !entry.is_static && entry.first_source == kNone)
    release(interface, index);
}

void Machine::release_sources(GroupEntry& entry) {
  while (entry.first_source != kNone) {
    const std::uint32_t index = entry.first_source;
    entry.first_source = sources_[index].next;
    sources_.give(index);
  }
  entry.source_count = 0;
}

// Whoever changed the group last is who holds it.
void Machine::set_reporter(Interface& interface, GroupEntry& entry, const IpAddress& host) {
  if (entry.reporter == host) return;
  const bool charged = entry.charged;
  uncharge(interface, entry);
  entry.reporter = host;
  if (charged) charge(interface, entry);
}

void Machine::charge(Interface& interface, GroupEntry& entry) {
  if (interface.config.max_groups_per_host == 0 || entry.charged) return;
  ++interface.charges[entry.reporter];
  entry.charged = true;
}

void Machine::uncharge(Interface& interface, GroupEntry& entry) {
  if (!entry.charged) return;
  entry.charged = false;
  const auto place = interface.charges.find(entry.reporter);
  HA_ASSERT(place != interface.charges.end());
  if (--place->second == 0) interface.charges.erase(place);
}

void Machine::release(Interface& interface, std::uint32_t index) {
  uncharge(interface, groups_[index]);
  wheel_.disarm(groups_, index);
  release_sources(groups_[index]);
  interface.index.erase(groups_, index);
  groups_.give(index);
}

void Machine::set_static(LinkId link, const Group& group, const std::optional<IpAddress>& source,
                         bool present, TimePoint now) {
  see(now);
  Interface* interface = find(link, group.family());
  if (interface == nullptr) return;
  std::uint32_t index = interface->index.find(groups_, group.address());
  if (index == kNone && !present) return;
  if (index == kNone) index = obtain(*interface, group.address(), now);
  GroupEntry& entry = groups_[index];
  if (!source) {
    entry.view_dirty = entry.is_static != present;
    entry.is_static = present;
  } else if (source->family() == group.family()) {
    std::uint32_t* place = source_place(entry, *source);
    const bool found = *place != kNone && sources_[*place].address == *source;
    if (found || present) {
      SourceEntry& member = found ? sources_[*place] : insert_source(entry, place, *source);
      if (member.is_static != present) {
        member.is_static = present;
        entry.sources_dirty = true;  // it may be nothing any more
        entry.view_dirty = true;
      }
    }
  }
  commit(*interface, index, Commit::restored);
}

SnapshotSlice Machine::snapshot(std::uint32_t cursor, std::size_t max) const {
  SnapshotSlice slice;
  std::size_t seen = 0;
  std::uint32_t index = cursor;
  for (; index < groups_.end() && seen < max; ++index) {
    ++seen;
    const GroupEntry& entry = groups_[index];
    if (entry.interface == kNone || interfaces_[entry.interface]->dead) continue;
    const Interface& interface = *interfaces_[entry.interface];
    const Group group = group_of(entry);
    if (entry.has_group_record)
      slice.records.push_back(
          GroupMembership{{interface.link, group}, record_of(interface, entry)});
    for (std::uint32_t i = entry.first_source; i != kNone; i = sources_[i].next) {
      ++seen;
      if (!sources_[i].is_dynamic) continue;
      slice.records.push_back(SourceMembership{{interface.link, group, sources_[i].address},
                                               record_of(interface, sources_[i])});
    }
  }
  if (index < groups_.end()) slice.next = index;
  return slice;
}

}  // namespace hotpair::mcast::gmp
