#include <algorithm>

#include "mcast/gmp/gmp_interface.h"

namespace hotpair::mcast::gmp {

void Machine::run_group(std::uint32_t index, TimePoint now) {
  GroupEntry& entry = groups_[index];
  Interface& interface = *interfaces_[entry.interface];
  // A standby's entries stay until the master's records say otherwise.
  if (interface.dead || interface.role == QuerierRole::standby) return;
  adopt(interface, index, now);
  if (entry.query_at <= now) transmit(interface, index, now);
  expire_sources(interface, entry, now);
  expire_group(interface, entry, now);
  expire_older_hosts(entry, now);
  rearm(index);
  commit(interface, index, Commit::live);
}

// RFC 3376 6.3: in EXCLUDE mode a source whose timer ends is blocked, in INCLUDE mode deleted.
void Machine::expire_sources(Interface& interface, GroupEntry& entry, TimePoint now) {
  const bool blocks = excludes(entry);
  for (std::uint32_t i = entry.first_source; i != kNone; i = sources_[i].next) {
    SourceEntry& source = sources_[i];
    if (!source.is_dynamic) continue;
    const bool ends = source.forwarding ? source.expiry <= now : !blocks;
    if (!ends) continue;
    const bool was_listed = listed(entry, source);
    end_tentative(interface, source, Fate::expired);
    source.is_dynamic = blocks;
    source.forwarding = source.lowered = false;
    source.queries_left = 0;
    source.expiry = TimePoint{};
    touch(entry, source);
    if (listed(entry, source) != was_listed) entry.view_dirty = true;
  }
}

// RFC 3376 6.5: when the group timer ends, the sources that still run make an INCLUDE group.
void Machine::expire_group(Interface& interface, GroupEntry& entry, TimePoint now) {
  if (!excludes(entry) || entry.expiry > now) return;
  entry.mode = FilterMode::include;
  end_tentative(interface, entry, Fate::expired);
  entry.heard_exclude = entry.lowered = false;
  entry.queries_left = 0;
  entry.dirty = entry.view_dirty = true;
  for (std::uint32_t i = entry.first_source; i != kNone; i = sources_[i].next) {
    SourceEntry& source = sources_[i];
    if (!source.is_dynamic || source.forwarding) continue;
    source.is_dynamic = false;
    touch(entry, source);
  }
}

void Machine::expire_older_hosts(GroupEntry& entry, TimePoint now) {
  std::uint8_t version = 0;
  if (entry.version2_until > now) version = 2;
  if (entry.version1_until > now) version = 1;
  if (version == entry.older_version) return;
  entry.older_version = version;
  entry.dirty = true;
}

// Armed at or before the earliest deadline; a refresh that came since does not move the node.
void Machine::rearm(std::uint32_t index) {
  const GroupEntry& entry = groups_[index];
  TimePoint next = entry.query_at;
  if (excludes(entry)) next = std::min(next, entry.expiry);
  if (entry.older_version == 1) next = std::min(next, entry.version1_until);
  if (entry.older_version == 2) next = std::min(next, entry.version2_until);
  for (std::uint32_t i = entry.first_source; i != kNone; i = sources_[i].next)
    if (sources_[i].is_dynamic && sources_[i].forwarding)
      next = std::min(next, sources_[i].expiry);
  if (next != kNever) wheel_.arm(groups_, index, next);
}

}  // namespace hotpair::mcast::gmp
