#include <algorithm>

#include "mcast/gmp/gmp_interface.h"

namespace hotpair::mcast::gmp {
namespace {

// What one cell of the state tables does to one source.
enum Action : std::uint8_t {
  kKeep = 0,
  kForward = 1,       // (x) = GMI
  kForwardGroup = 2,  // (x) = Group Timer
  kBlock = 3,         // (x) = 0
  kDrop = 4,          // Delete (x)
  kVerb = 7,
  kAsk = 8,  // Send Q(G,x)
};

bool refused_in_ssm(wire::RecordType type) {
  return type == wire::RecordType::mode_is_exclude || type == wire::RecordType::change_to_exclude;
}

/// Sorted, without repetitions and without what cannot be a source; the number of the latter.
std::uint64_t tidy(std::vector<IpAddress>& sources, Family family) {
  const auto bad = [family](const IpAddress& source) {
    return source.is_multicast() || source.is_unspecified() || source.family() != family;
  };
  const auto removed = std::erase_if(sources, bad);
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  return removed;
}

}  // namespace

/// What one host says about one group.
struct Machine::HostRecord {
  wire::RecordType type{};
  Group group;
  std::span<const IpAddress> sources;  ///< sorted, unique
  IpAddress host;
  std::uint8_t older_version = 0;  ///< version of an older report, which has no record
};

/// One row of RFC 3376 6.4.1 and 6.4.2 (RFC 3810 7.4.1, 7.4.2): what becomes of a source by where
/// it stands now and whether the report names it.
struct Machine::Rule {
  std::uint8_t new_named;
  std::uint8_t forwarding_named;
  std::uint8_t blocked_named;
  std::uint8_t forwarding_other;
  std::uint8_t blocked_other;
  bool to_exclude;  ///< filter mode EXCLUDE and Group Timer = GMI afterwards
  bool ask_group;   ///< Send Q(G)
};

void Machine::run_rule(Interface& interface, std::uint32_t index, const HostRecord& record,
                       TimePoint now) {
  // INCLUDE (A), report with B; there is no Y.
  static constexpr std::array<Rule, 6> kInclude{{
      {kForward, kForward, kForward, kKeep, kDrop, false, false},        // IS_IN: A+B, (B)=GMI
      {kBlock, kKeep, kBlock, kDrop, kDrop, true, false},                // IS_EX: (A*B, B-A)
      {kForward, kForward, kForward, kKeep | kAsk, kDrop, false, false}, // TO_IN: Q(G,A-B)
      {kBlock, kKeep | kAsk, kBlock, kDrop, kDrop, true, false},         // TO_EX: Q(G,A*B)
      {kForward, kForward, kForward, kKeep, kDrop, false, false},        // ALLOW
      {kKeep, kKeep | kAsk, kDrop, kKeep, kDrop, false, false},          // BLOCK: Q(G,A*B)
  }};
  // EXCLUDE (X,Y), report with A.
  static constexpr std::array<Rule, 6> kExclude{{
      {kForward, kForward, kForward, kKeep, kKeep, false, false},            // IS_IN: (X+A, Y-A)
      {kForward, kKeep, kKeep, kDrop, kDrop, true, false},                   // IS_EX: (A-X-Y)=GMI
      {kForward, kForward, kForward, kKeep | kAsk, kKeep, false, true},      // TO_IN: Q(G,X-A) Q(G)
      {kForwardGroup | kAsk, kKeep | kAsk, kKeep, kDrop, kDrop, true, false},  // TO_EX: Q(G,A-Y)
      {kForward, kForward, kForward, kKeep, kKeep, false, false},            // ALLOW
      {kForwardGroup | kAsk, kKeep | kAsk, kKeep, kKeep, kKeep, false, false}, // BLOCK: Q(G,A-Y)
  }};
  GroupEntry& entry = groups_[index];
  const bool was_excluding = excludes(entry);
  const auto row = static_cast<std::size_t>(record.type) - 1;
  const Rule& rule = was_excluding ? kExclude[row] : kInclude[row];
  merge(interface, index, rule, record, now);
  if (rule.to_exclude) {
    if (!was_excluding || entry.lowered) entry.dirty = true;
    entry.view_dirty = entry.view_dirty || !was_excluding;
    entry.mode = FilterMode::exclude;
    entry.has_group_record = entry.heard_exclude = true;
    end_tentative(interface, entry, Fate::confirmed);
    entry.lowered = false;
    entry.expiry = now + interface.membership_interval();
    wheel_.arm(groups_, index, entry.expiry);
  }
  if (rule.ask_group) query_group(interface, index, now);
}

// One pass over two sorted lists: the group's sources and those of the report.
void Machine::merge(Interface& interface, std::uint32_t index, const Rule& rule,
                    const HostRecord& record, TimePoint now) {
  GroupEntry& entry = groups_[index];
  std::uint32_t* place = &entry.first_source;
  std::size_t named = 0;
  std::uint64_t refused = 0;
  while (*place != kNone || named < record.sources.size()) {
    const bool listed_here = *place != kNone;
    const bool is_new = named < record.sources.size() &&
                        (!listed_here || record.sources[named] < sources_[*place].address);
    if (is_new) {
      const IpAddress& address = record.sources[named++];
      if ((rule.new_named & kVerb) == kKeep) continue;
      if (entry.source_count >= interface.config.max_sources_per_group) {
        ++refused;
        continue;
      }
      SourceEntry& added = insert_source(entry, place, address);
      act(interface, entry, added, rule.new_named, now);
    } else {
      SourceEntry& source = sources_[*place];
      const bool is_named =
          named < record.sources.size() && record.sources[named] == source.address;
      if (is_named) ++named;
      if (!source.is_dynamic) {
        if (is_named) act(interface, entry, source, rule.new_named, now);
      } else if (source.forwarding) {
        act(interface, entry, source, is_named ? rule.forwarding_named : rule.forwarding_other,
            now);
      } else {
        act(interface, entry, source, is_named ? rule.blocked_named : rule.blocked_other, now);
      }
    }
    place = &sources_[*place].next;
  }
  if (refused == 0) return;
  interface.ignore(Ignored::source_limit, refused);
  effects_.push(
      LimitReached{interface.link, record.group, record.host, Limit::sources_per_group});
}

void Machine::act(Interface& interface, GroupEntry& entry, SourceEntry& source,
                  std::uint8_t action, TimePoint now) {
  const bool was_listed = listed(entry, source);
  const bool before_dynamic = source.is_dynamic;
  const bool before_forwarding = source.forwarding;
  const bool before_lowered = source.lowered;
  const auto verb = static_cast<Action>(action & kVerb);
  if (verb == kForward || verb == kForwardGroup)
    end_tentative(interface, source, Fate::confirmed);
  else if (verb != kKeep)
    end_tentative(interface, source, Fate::expired);
  switch (verb) {
    case kForward:
      source.is_dynamic = source.forwarding = true;
      source.lowered = false;
      source.expiry = now + interface.membership_interval();
      break;
    case kForwardGroup:
      source.is_dynamic = source.forwarding = true;
      source.lowered = false;
      source.expiry = entry.expiry;
      break;
    case kBlock:
      source.is_dynamic = true;
      source.forwarding = source.lowered = false;
      source.queries_left = 0;
      source.expiry = TimePoint{};
      break;
    case kDrop:
      source.is_dynamic = source.forwarding = source.lowered = false;
      source.queries_left = 0;
      break;
    default: break;
  }
  if (source.is_dynamic != before_dynamic || source.forwarding != before_forwarding ||
      source.lowered != before_lowered)
    touch(entry, source);
  if (listed(entry, source) != was_listed) entry.view_dirty = true;
  if ((action & kAsk) != 0 && source.is_dynamic) mark_source(interface, entry, source, now);
}

// RFC 3376 7.3.2, RFC 3810 8.3.2. On an IGMPv2 interface only a version 1 host is older.
void Machine::note_older_host(Interface& interface, std::uint32_t index, std::uint8_t version,
                              TimePoint now) {
  if (version == 0 || version >= interface.config.version) return;
  GroupEntry& entry = groups_[index];
  const TimePoint until = now + interface.older_host_interval();
  (version == 1 ? entry.version1_until : entry.version2_until) = until;
  wheel_.arm(groups_, index, until);
  if (entry.older_version != 0 && entry.older_version <= version) return;
  entry.older_version = version;
  entry.dirty = true;
}

std::uint32_t Machine::admit(Interface& interface, const HostRecord& record, TimePoint now) {
  const bool here = interface.index.find(groups_, record.group.address()) != kNone;
  const bool excludes_sources = refused_in_ssm(record.type);
  const bool adds = record.type != wire::RecordType::block_old_sources && !record.sources.empty();
  if (!here && !excludes_sources && !adds) return kNone;  // INCLUDE () stays INCLUDE ()
  return admit_group(interface, record.group, record.host, now);
}

std::uint32_t Machine::admit_group(Interface& interface, const Group& group, const IpAddress& host,
                                   TimePoint now) {
  const std::uint32_t found = interface.index.find(groups_, group.address());
  if (found != kNone) {
    adopt(interface, found, now);
    return found;
  }
  if (interface.index.size() >= interface.config.max_groups) {
    interface.ignore(Ignored::group_limit);
    effects_.push(LimitReached{interface.link, group, host, Limit::groups_per_interface});
    return kNone;
  }
  if (const std::uint32_t limit = interface.config.max_groups_per_host; limit != 0) {
    const auto held = interface.charges.find(host);
    if (held != interface.charges.end() && held->second >= limit) {
      interface.ignore(Ignored::host_limit);
      effects_.push(LimitReached{interface.link, group, host, Limit::groups_per_host});
      return kNone;
    }
  }
  const std::uint32_t index = obtain(interface, group.address(), now);
  groups_[index].reporter = host;
  charge(interface, groups_[index]);
  return index;
}

void Machine::apply(Interface& interface, const HostRecord& said, TimePoint now) {
  HostRecord record = said;
  if (record.group.address().is_link_local_multicast())
    return interface.ignore(Ignored::link_local_group);
  if (refused_in_ssm(record.type) && interface.is_ssm(record.group))
    return interface.ignore(Ignored::ssm_range);
  const std::uint32_t index = admit(interface, record, now);
  if (index == kNone) return;
  GroupEntry& entry = groups_[index];
  // Older hosts would not understand: RFC 3376 7.3.2, RFC 3810 8.3.2.
  bool obeyed = true;
  if (entry.older_version != 0) {
    const bool igmp1 = entry.older_version == 1 && interface.family == Family::ipv4;
    if (record.type == wire::RecordType::block_old_sources ||
        (igmp1 && record.type == wire::RecordType::change_to_include)) {
      obeyed = false;
    } else if (record.type == wire::RecordType::change_to_exclude) {
      if (!record.sources.empty()) interface.ignore(Ignored::older_host);
      record.sources = {};
    }
  }
  if (obeyed) {
    run_rule(interface, index, record, now);
    note_older_host(interface, index, record.older_version, now);
    if (entry.query_at <= now) transmit(interface, index, now);
    if (interface.config.fast_leave) {
      expire_sources(interface, entry, now);
      expire_group(interface, entry, now);
    }
    normalise(entry);
    if (entry.dirty) set_reporter(interface, entry, record.host);
    rearm(index);
  } else {
    interface.ignore(Ignored::older_host);
  }
  commit(interface, index, Commit::live);
}

void Machine::on_message(Interface& interface, const IpAddress& source,
                         const wire::GroupReport& report, TimePoint now) {
  if (report.version > interface.config.version) return interface.ignore(Ignored::newer_version);
  if (report.group.family() != interface.family) return interface.ignore(Ignored::bad_record);
  apply(interface, {wire::RecordType::mode_is_exclude, report.group, {}, source, report.version},
        now);
}

void Machine::on_message(Interface& interface, const IpAddress& source, const wire::Leave& leave,
                         TimePoint now) {
  if (interface.family == Family::ipv4 && interface.config.version == 1)
    return interface.ignore(Ignored::newer_version);
  if (leave.group.family() != interface.family) return interface.ignore(Ignored::bad_record);
  if (interface.is_ssm(leave.group)) return interface.ignore(Ignored::ssm_range);
  apply(interface, {wire::RecordType::change_to_include, leave.group, {}, source}, now);
}

void Machine::on_message(Interface& interface, const IpAddress& source,
                         const wire::SourceReport& report, TimePoint now) {
  if (!interface.has_sources()) return interface.ignore(Ignored::newer_version);
  interface.ignore(Ignored::bad_record, report.skipped);
  std::size_t work = 0;
  std::vector<IpAddress> sources;
  for (const wire::ReportRecord& record : report.records) {
    if (record.group.family() != interface.family) {
      interface.ignore(Ignored::bad_record);
      continue;
    }
    const std::uint32_t index = interface.index.find(groups_, record.group.address());
    work += record.sources.size() + (index == kNone ? 1 : groups_[index].source_count + 1);
    if (work > kMessageWork || effects_.size() > kSliceEffects) {
      interface.ignore(Ignored::work_limit);
      continue;
    }
    sources = record.sources;
    interface.ignore(Ignored::bad_record, tidy(sources, interface.family));
    apply(interface, {record.type, record.group, sources, source}, now);
  }
}

}  // namespace hotpair::mcast::gmp
