#include <algorithm>

#include "mcast/gmp/gmp_interface.h"

/// What only a peer knew that was master as well: united, then confirmed by the hosts.
namespace hotpair::mcast::gmp {

Taken Machine::on_tentative(const MembershipRecord& record, TimePoint now) {
  see(now);
  return std::visit(
      [&](const auto& r) {
        Interface* interface = find(r.key.link, r.key.group.family());
        if (interface == nullptr || interface->role == QuerierRole::standby) {
          interface == nullptr ? void(++unknown_interface_) : interface->ignore(Ignored::standby);
          return Taken::refused;
        }
        if (!r.value || !r.value->is_dynamic) return Taken::known;
        if (r.key.group.address().is_link_local_multicast()) {
          interface->ignore(Ignored::link_local_group);
          return Taken::refused;
        }
        return unite(*interface, r, now);
      },
      record);
}

Tentative Machine::tentative(LinkId link, Family family) const {
  const Interface* interface = find(link, family);
  return interface == nullptr ? Tentative{} : interface->tentative;
}

// Its hosts may have been out of reach of the queries that it was to answer.
template <typename Entry>
Taken Machine::keep_known(Interface& interface, Entry& entry, TimePoint now) {
  if (!entry.tentative) entry.expiry = std::max(entry.expiry, ask_all(interface, now));
  return Taken::known;
}

// EXCLUDE forwards what INCLUDE does and more; the sources that run stay in their own time.
Taken Machine::unite(Interface& interface, const GroupMembership& record, TimePoint now) {
  const GroupValue& value = *record.value;
  const Group& group = record.key.group;
  const std::uint32_t found = interface.index.find(groups_, group.address());
  const bool excluding = value.mode == FilterMode::exclude;
  if (excluding && interface.is_ssm(group)) {
    interface.ignore(Ignored::ssm_range);
    return Taken::refused;
  }
  if (!excluding && found != kNone && groups_[found].has_group_record) return Taken::known;
  const std::uint32_t index = admit_tentative(interface, group, value.last_reporter, now);
  if (index == kNone) return Taken::refused;
  GroupEntry& entry = groups_[index];
  if (excludes(entry)) return keep_known(interface, entry, now);
  const bool known = entry.has_group_record;
  entry.has_group_record = entry.dirty = true;
  if (!excluding) {
    // Its sources follow; without any it is no state and ends with the timer.
    wheel_.arm(groups_, index, now + interface.last_member_time());
    commit(interface, index, Commit::restored);
    return Taken::added;
  }
  entry.mode = FilterMode::exclude;
  entry.view_dirty = entry.tentative = true;
  ++interface.tentative.waiting;
  if (!known && value.older_host_version < interface.config.version)
    entry.older_version = std::min<std::uint8_t>(value.older_host_version, 2);
  ask_tentative(interface, entry, nullptr, now);
  if (entry.older_version == 1) entry.version1_until = entry.expiry;
  if (entry.older_version == 2) entry.version2_until = entry.expiry;
  if (entry.query_at <= now) transmit(interface, index, now);
  rearm(index);
  commit(interface, index, Commit::live);
  return known ? Taken::widened : Taken::added;
}

Taken Machine::unite(Interface& interface, const SourceMembership& record, TimePoint now) {
  const IpAddress& address = record.key.source;
  const bool bad =
      address.family() != interface.family || address.is_multicast() || address.is_unspecified();
  if (bad || !interface.has_sources()) {
    interface.ignore(bad ? Ignored::bad_record : Ignored::newer_version);
    return Taken::refused;
  }
  if (!record.value->forwarding) return unite_blocked(interface, record, now);
  const std::uint32_t index =
      admit_tentative(interface, record.key.group, IpAddress::any(interface.family), now);
  if (index == kNone) return Taken::refused;
  GroupEntry& entry = groups_[index];
  std::uint32_t* place = source_place(entry, address);
  const bool here = *place != kNone && sources_[*place].address == address;
  const bool dynamic = here && sources_[*place].is_dynamic;
  // EXCLUDE forwards every source that it does not list as blocked.
  if (dynamic && sources_[*place].forwarding) return keep_known(interface, sources_[*place], now);
  if (!dynamic && excludes(entry)) return keep_known(interface, entry, now);
  if (!here && entry.source_count >= interface.config.max_sources_per_group) {
    interface.ignore(Ignored::source_limit);
    effects_.push(
        LimitReached{interface.link, record.key.group, entry.reporter, Limit::sources_per_group});
    return Taken::refused;
  }
  SourceEntry& source = here ? sources_[*place] : insert_source(entry, place, address);
  const bool was_listed = listed(entry, source);
  source.is_dynamic = source.forwarding = source.tentative = true;
  ++interface.tentative.waiting;
  touch(entry, source);
  if (listed(entry, source) != was_listed) entry.view_dirty = true;
  // The query goes out with the next tick, so that sources told together are asked for together.
  ask_tentative(interface, entry, &source, now);
  rearm(index);
  commit(interface, index, Commit::live);
  return dynamic ? Taken::widened : Taken::added;
}

// What the peer did not forward matters only where nothing but its word says that the rest is.
Taken Machine::unite_blocked(Interface& interface, const SourceMembership& record, TimePoint now) {
  const std::uint32_t index = interface.index.find(groups_, record.key.group.address());
  if (index == kNone) return Taken::known;
  adopt(interface, index, now);
  GroupEntry& entry = groups_[index];
  if (!entry.tentative || entry.source_count >= interface.config.max_sources_per_group)
    return Taken::known;
  std::uint32_t* place = source_place(entry, record.key.source);
  if (*place != kNone && sources_[*place].address == record.key.source) return Taken::known;
  SourceEntry& source = insert_source(entry, place, record.key.source);
  source.is_dynamic = true;
  touch(entry, source);
  entry.view_dirty = entry.view_dirty || listed(entry, source);
  commit(interface, index, Commit::live);
  return Taken::added;
}

/// The entry, within the limits that a report would have to keep; kNone: refused.
std::uint32_t Machine::admit_tentative(Interface& interface, const Group& group,
                                       const IpAddress& reporter, TimePoint now) {
  const std::uint32_t index = admit_group(interface, group, reporter, now);
  if (index != kNone && groups_[index].reporter.is_unspecified())
    set_reporter(interface, groups_[index], reporter);
  return index;
}

// ---- asking the hosts ----

bool Machine::may_ask_each(Interface& interface, const GroupEntry& entry, TimePoint now) {
  if (interface.role != QuerierRole::querier) return false;
  // Hosts of IGMPv1 know general queries only (RFC 9776 7.3.2).
  if (interface.family == Family::ipv4 &&
      (interface.config.version == 1 || entry.older_version == 1))
    return false;
  if (entry.query_at <= now) return true;  // asked for with what the group has to ask already
  if (interface.each_until <= now) {
    interface.each_asked = 0;
    interface.each_until = now + interface.last_member_time();
  }
  if (interface.each_asked >= kTentativeAsked) return false;
  ++interface.each_asked;
  return true;
}

/// Plans general queries and answers when all hosts will have had the time to answer them.
TimePoint Machine::ask_all(Interface& interface, TimePoint now) {
  const Duration apart = interface.config.query_response_interval;
  if (interface.role != QuerierRole::querier) return now + interface.restored_interval();
  if (interface.confirm_at == kNever)
    interface.confirm_at = std::max(now, std::min(interface.all_asked_at, now) + apart);
  interface.confirm_left = interface.config.robustness;
  return interface.confirm_at + interface.config.robustness * apart;
}

void Machine::confirm_all(Interface& interface, TimePoint now) {
  interface.confirm_at = kNever;
  if (interface.role != QuerierRole::querier || interface.confirm_left == 0) return;
  ask_everybody(interface, now);
  if (--interface.confirm_left > 0)
    interface.confirm_at = now + interface.config.query_response_interval;
}

/// Gives the group timer, or that of the source, the time in which a host must answer.
void Machine::ask_tentative(Interface& interface, GroupEntry& entry, SourceEntry* source,
                            TimePoint now) {
  const bool each = may_ask_each(interface, entry, now);
  const TimePoint until = each ? now + interface.last_member_time() : ask_all(interface, now);
  const std::uint8_t left = each ? interface.last_member_count() : std::uint8_t{0};
  if (source != nullptr) {
    source->expiry = until;
    source->lowered = each;
    source->queries_left = left;
  } else {
    entry.expiry = until;
    entry.lowered = each;
    entry.queries_left = left;
  }
  if (each) entry.query_at = now;
}

}  // namespace hotpair::mcast::gmp
