#include <algorithm>

#include "mcast/gmp/gmp_interface.h"

namespace hotpair::mcast::gmp {
namespace {

/// Sources that fit one query in a 1500-byte packet with its IP header and router alert option.
constexpr std::size_t sources_per_query(Family family) {
  return family == Family::ipv4 ? (1500 - 24 - 12) / 4 : (1500 - 48 - 28) / 16;
}

}  // namespace

// ---- roles ----

void Machine::set_role(Interface& interface, QuerierRole role, const IpAddress& querier,
                       TimePoint now) {
  const bool changed = interface.role != role || interface.querier != querier;
  if (interface.role != role) interface.role_since = now;
  interface.role = role;
  interface.querier = querier;
  if (changed) effects_.push(QuerierChanged{interface.link, interface.family, role, querier});
}

void Machine::apply_role(Interface& interface, TimePoint now) {
  const bool was_silent =
      interface.role == QuerierRole::standby || interface.role == QuerierRole::no_address;
  interface.query_at = interface.other_querier_until = interface.confirm_at = kNever;
  interface.tentative = {};
  interface.robustness = interface.config.robustness;
  interface.query_interval = interface.config.query_interval;
  interface.other_querier = IpAddress::any(interface.family);
  if (!is_active(interface)) {
    interface.sweep_bucket = kNone;
    return set_role(interface, QuerierRole::standby, IpAddress::any(interface.family), now);
  }
  if (was_silent) raise_timers(interface, now);
  if (interface.config.address.is_unspecified())
    return set_role(interface, QuerierRole::no_address, interface.config.address, now);
  set_role(interface, QuerierRole::querier, interface.config.address, now);
  interface.startup_left = interface.startup_count();
  send_general(interface, now);
}

// Nobody was asked lately: every timer ends when all were asked, not before.
void Machine::raise_timers(Interface& interface, TimePoint now) {
  ++interface.generation;
  interface.floor = now + interface.restored_interval();
  interface.tentative.waiting = 0;  // they are asked for with all else
  if (interface.index.size() > 0) interface.sweep_bucket = 0;
}

void Machine::interface_timers(Interface& interface, TimePoint now) {
  if (interface.other_querier_until <= now) {
    interface.other_querier_until = kNever;
    interface.robustness = interface.config.robustness;
    interface.query_interval = interface.config.query_interval;
    if (interface.role == QuerierRole::non_querier) {
      set_role(interface, QuerierRole::querier, interface.config.address, now);
      interface.startup_left = 0;
      interface.query_at = now;
    } else {
      set_role(interface, interface.role, IpAddress::any(interface.family), now);
    }
  }
  if (interface.confirm_at <= now) confirm_all(interface, now);
  if (interface.query_at > now) return;
  if (now - interface.query_at > interface.config.query_interval) {  // the process was paused
    raise_timers(interface, now);
    interface.startup_left = interface.startup_count();
  }
  send_general(interface, now);
}

// ---- queries heard ----

void Machine::on_message(Interface& interface, const IpAddress& source, const wire::Query& query,
                         TimePoint now) {
  if (source.is_unspecified()) return interface.ignore(Ignored::unspecified_querier);
  if (source == interface.config.address) return interface.ignore(Ignored::own_query);
  if (query.version != interface.config.version)
    effects_.push(QueryVersionMismatch{interface.link, source, query.version,
                                       interface.config.version});
  if (interface.config.scope) {  // the scope's role decides here, not the address
    if (interface.other_querier != source) effects_.push(OtherQuerierHeard{interface.link, source});
    interface.other_querier = source;
    return;
  }
  elect(interface, source, query, now);
}

void Machine::elect(Interface& interface, const IpAddress& source, const wire::Query& query,
                    TimePoint now) {
  if (interface.role != QuerierRole::no_address && interface.config.address < source) return;
  // RFC 3376 4.1.6, 4.1.7: the values of the querier hold on the link.
  if (query.version == interface.newest_version()) {
    interface.robustness =
        query.robustness == 0 ? interface.config.robustness : query.robustness;
    interface.query_interval = query.query_interval <= Duration::zero()
                                   ? interface.config.query_interval
                                   : query.query_interval;
  }
  interface.query_at = kNever;
  interface.other_querier_until = now + interface.other_querier_interval();
  const QuerierRole role = interface.role == QuerierRole::no_address ? QuerierRole::no_address
                                                                     : QuerierRole::non_querier;
  set_role(interface, role, source, now);
  if (!query.suppress) obey_query(interface, query, now);
}

// RFC 3376 6.6.1: a query with a clear S flag lowers the timers of a router that hears it.
void Machine::obey_query(Interface& interface, const wire::Query& query, TimePoint now) {
  if (!query.group || query.group->family() != interface.family) return;
  const std::uint32_t index = interface.index.find(groups_, query.group->address());
  if (index == kNone) return;
  const Duration response = std::max<Duration>(query.max_response, std::chrono::milliseconds{100});
  const TimePoint lowered_to = now + interface.last_member_count() * response;
  adopt(interface, index, now);
  GroupEntry& entry = groups_[index];
  if (!query.sources.empty()) {
    obey_source_query(entry, query, lowered_to);
    wheel_.arm(groups_, index, lowered_to);
  } else if (excludes(entry) && entry.expiry > lowered_to) {
    entry.expiry = lowered_to;
    entry.lowered = entry.dirty = true;
    wheel_.arm(groups_, index, lowered_to);
  }
  commit(interface, index, Commit::live);
}

void Machine::obey_source_query(GroupEntry& entry, const wire::Query& query,
                                TimePoint lowered_to) {
  std::vector<IpAddress> asked = query.sources;
  std::sort(asked.begin(), asked.end());
  for (std::uint32_t i = entry.first_source; i != kNone; i = sources_[i].next) {
    SourceEntry& source = sources_[i];
    if (!source.is_dynamic || !source.forwarding || source.expiry <= lowered_to) continue;
    if (!std::binary_search(asked.begin(), asked.end(), source.address)) continue;
    source.expiry = lowered_to;
    source.lowered = true;
    touch(entry, source);
  }
}

// ---- queries sent ----

void Machine::send_general(Interface& interface, TimePoint now) {
  ask_everybody(interface, now);
  if (interface.startup_left > 0) --interface.startup_left;
  interface.query_at =
      now + (interface.startup_left > 0 ? interface.startup_interval()
                                        : interface.config.query_interval);
}

void Machine::ask_everybody(Interface& interface, TimePoint now) {
  wire::Query query;
  query.version = interface.config.version;
  query.max_response = interface.config.query_response_interval;
  query.robustness = interface.config.robustness;
  query.query_interval = interface.config.query_interval;
  effects_.push(SendQuery{interface.link, interface.family, wire::all_hosts(interface.family),
                          std::move(query)});
  ++interface.counters.sent_general;
  interface.all_asked_at = now;
}

// The action Send Q(G) of the state tables, RFC 3376 6.6.3.1. A check that runs is not begun anew.
void Machine::query_group(Interface& interface, std::uint32_t index, TimePoint now) {
  GroupEntry& entry = groups_[index];
  if (interface.role != QuerierRole::querier || !excludes(entry)) return;
  if (interface.config.version == 1 && interface.family == Family::ipv4) return;
  if (interface.config.fast_leave) {
    entry.expiry = now;
    return;
  }
  if (entry.lowered) return;
  entry.expiry = std::min(entry.expiry, now + interface.last_member_time());
  entry.lowered = entry.dirty = true;
  entry.queries_left = interface.last_member_count();
  entry.query_at = now;
}

// One source of the action Send Q(G,X), RFC 3376 6.6.3.2.
void Machine::mark_source(Interface& interface, GroupEntry& entry, SourceEntry& source,
                          TimePoint now) {
  if (interface.role != QuerierRole::querier) return;
  if (interface.config.fast_leave) {
    source.expiry = now;
    return;
  }
  const TimePoint lowered_to = now + interface.last_member_time();
  if (source.expiry <= lowered_to) return;
  source.expiry = lowered_to;
  source.lowered = true;
  source.queries_left = interface.last_member_count();
  touch(entry, source);
  entry.query_at = now;
}

// Sends what has retransmissions left, and plans the next round (RFC 3376 6.6.3).
void Machine::transmit(Interface& interface, std::uint32_t index, TimePoint now) {
  GroupEntry& entry = groups_[index];
  entry.query_at = kNever;
  const bool may_ask = interface.role == QuerierRole::querier;
  const TimePoint soon = now + interface.last_member_time();
  bool more = false;
  std::array<std::vector<IpAddress>, 2> asked;  // [1]: with the S flag
  const bool ask_group = entry.queries_left > 0;
  if (ask_group) {
    if (may_ask) send_group_query(interface, entry, entry.expiry > soon);
    entry.queries_left = may_ask ? static_cast<std::uint8_t>(entry.queries_left - 1) : 0;
    entry.dirty = entry.dirty || entry.lowered;
    more = entry.queries_left > 0;
  }
  for (std::uint32_t i = entry.first_source; i != kNone; i = sources_[i].next) {
    SourceEntry& source = sources_[i];
    if (source.queries_left == 0) continue;
    asked[source.expiry > soon ? 1 : 0].push_back(source.address);
    source.queries_left = may_ask ? static_cast<std::uint8_t>(source.queries_left - 1) : 0;
    if (source.lowered) touch(entry, source);
    more = more || source.queries_left > 0;
  }
  if (may_ask && !ask_group) send_source_query(interface, entry, true, asked[1]);
  if (may_ask) send_source_query(interface, entry, false, asked[0]);
  if (!more) return;
  entry.query_at = now + interface.config.last_member_query_interval;
  wheel_.arm(groups_, index, entry.query_at);
}

void Machine::send_group_query(Interface& interface, const GroupEntry& entry, bool suppress) {
  wire::Query query;
  query.version = interface.config.version;
  query.group = *Group::from(entry.group);
  query.max_response = interface.config.last_member_query_interval;
  query.suppress = suppress && interface.has_sources();
  query.robustness = interface.config.robustness;
  query.query_interval = interface.config.query_interval;
  effects_.push(SendQuery{interface.link, interface.family, entry.group, std::move(query)});
  ++interface.counters.sent_group;
}

void Machine::send_source_query(Interface& interface, const GroupEntry& entry, bool suppress,
                                std::span<const IpAddress> sources) {
  if (!interface.has_sources()) return;
  while (!sources.empty()) {
    const auto part = sources.first(std::min(sources.size(), sources_per_query(interface.family)));
    wire::Query query;
    query.version = interface.config.version;
    query.group = *Group::from(entry.group);
    query.max_response = interface.config.last_member_query_interval;
    query.suppress = suppress && interface.has_sources();
    query.robustness = interface.config.robustness;
    query.query_interval = interface.config.query_interval;
    query.sources.assign(part.begin(), part.end());
    effects_.push(SendQuery{interface.link, interface.family, entry.group, std::move(query)});
    ++interface.counters.sent_source;
    sources = sources.subspan(part.size());
  }
}

}  // namespace hotpair::mcast::gmp
