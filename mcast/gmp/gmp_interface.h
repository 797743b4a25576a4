#pragma once

#include <map>

#include "mcast/gmp/gmp_machine.h"

/// Internal to mcast/gmp: the state of one interface.
namespace hotpair::mcast::gmp {

inline constexpr TimePoint kNever = TimePoint::max();
/// One on_timeout() runs at most this many items.
inline constexpr std::size_t kSliceItems = 1000;
/// A slice ends early when this many effects wait.
inline constexpr std::size_t kSliceEffects = 8192;
/// Groups of tentative memberships that are asked for by themselves within one last member query
/// time; beyond, one general query asks for all.
inline constexpr std::uint32_t kTentativeAsked = 64;
/// Steps over source lists that one message may cause.
inline constexpr std::size_t kMessageWork = 262'144;

struct Machine::Interface {
  Interface(LinkId link_id, Family of, std::uint32_t at, std::uint64_t seed)
      : link(link_id), family(of), slot(at), index(seed) {}

  LinkId link;
  Family family;
  std::uint32_t slot;
  bool dead = false;  ///< removed; entries go back to the pool in slices
  InterfaceConfig config;

  QuerierRole role = QuerierRole::no_address;
  IpAddress querier;
  IpAddress other_querier;
  TimePoint role_since{};
  TimePoint query_at = kNever;             ///< next general query
  TimePoint other_querier_until = kNever;  ///< other querier present timer
  std::uint8_t startup_left = 0;
  std::uint8_t robustness = 2;  ///< in force: own, or that of the querier
  Duration query_interval{};

  GroupIndex index;
  std::uint32_t generation = 0;  ///< raised by every activation
  TimePoint floor{};             ///< timers of entries of older generations
  std::uint32_t sweep_bucket = kNone;
  std::uint32_t reclaim_bucket = 0;
  std::uint32_t peak = 0;
  Counters counters;

  // Tentative memberships: how they are asked for (gmp_tentative.cc).
  Tentative tentative;
  std::uint32_t each_asked = 0;  ///< groups asked for by themselves, until each_until
  TimePoint each_until{};
  std::uint8_t confirm_left = 0;  ///< general queries still to be sent for them
  TimePoint confirm_at = kNever;
  TimePoint all_asked_at{};                    ///< newest general query
  std::map<IpAddress, std::uint32_t> charges;  ///< charged groups by reporter, none at zero

  void ignore(Ignored reason, std::uint64_t count = 1) {
    counters.ignored[static_cast<std::size_t>(reason)] += count;
  }
  /// The version of the protocol that knows sources.
  [[nodiscard]] bool has_sources() const { return config.version >= newest_version(); }
  [[nodiscard]] std::uint8_t newest_version() const { return family == Family::ipv4 ? 3 : 2; }

  // Timers of RFC 3376 8 and RFC 3810 9.
  [[nodiscard]] Duration membership_interval() const {
    return robustness * query_interval + config.query_response_interval;
  }
  [[nodiscard]] Duration other_querier_interval() const {
    return robustness * query_interval + config.query_response_interval / 2;
  }
  [[nodiscard]] Duration older_host_interval() const { return membership_interval(); }
  [[nodiscard]] Duration startup_interval() const {
    return config.startup_query_interval.value_or(config.query_interval / 4);
  }
  [[nodiscard]] std::uint8_t startup_count() const {
    return config.startup_query_count.value_or(config.robustness);
  }
  [[nodiscard]] std::uint8_t last_member_count() const {
    return config.last_member_query_count.value_or(config.robustness);
  }
  [[nodiscard]] Duration last_member_time() const {
    return last_member_count() * config.last_member_query_interval;
  }
  /// Until then every host was asked `robustness` times and had time to answer.
  [[nodiscard]] Duration restored_interval() const {
    return config.robustness * startup_interval() + config.query_response_interval;
  }
  [[nodiscard]] bool is_ssm(const Group& group) const;
  [[nodiscard]] bool is_on_link(const IpAddress& source) const;
};

/// True if the group has dynamic EXCLUDE state.
[[nodiscard]] inline bool excludes(const GroupEntry& entry) {
  return entry.has_group_record && entry.mode == FilterMode::exclude;
}
/// True if the source stands in the list of the group's forwarding view.
[[nodiscard]] inline bool listed(const GroupEntry& entry, const SourceEntry& source) {
  if (entry.is_static) return false;
  if (excludes(entry)) return source.is_dynamic && !source.forwarding && !source.is_static;
  return source.is_static || (source.is_dynamic && source.forwarding);
}
/// The entry, of a group or a source, is not tentative any more.
template <typename Entry>
void Machine::end_tentative(Interface& interface, Entry& entry, Fate fate) {
  if (!entry.tentative) return;
  entry.tentative = false;
  Tentative& counts = interface.tentative;
  if (counts.waiting == 0) return;
  --counts.waiting;
  if (fate == Fate::confirmed) ++counts.confirmed;
  if (fate == Fate::expired) ++counts.expired;
}
inline void touch(GroupEntry& entry, SourceEntry& source) {
  source.dirty = true;
  entry.sources_dirty = true;
}

}  // namespace hotpair::mcast::gmp
