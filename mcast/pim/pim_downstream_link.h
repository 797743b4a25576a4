#pragma once

#include "mcast/pim/pim_downstream.h"

/// Internal to mcast/pim: the downstream state of one link.
namespace hotpair::mcast::pim {

inline constexpr TimePoint kNever = TimePoint::max();

/// One machine; its key says which.
struct Downstream::Entry {
  DownstreamState state = DownstreamState::no_info;
  bool echo : 1 = false;             ///< a PruneEcho goes out if the pending prune is carried out
  bool was_listed : 1 = false;       ///< as MRIB was told
  std::uint16_t holdtime_s = 0;      ///< the longest since the state began
  std::uint32_t generation = 0;      ///< of the link when the timers were last valid
  IpAddress rp;                      ///< (*,G): as the last prune named it, for the echo
  TimePoint expiry = kNever;         ///< ET
  TimePoint pending_until = kNever;  ///< PPT
  TimePoint due = kNever;            ///< when it stands in Link::due; kNever: not in it
  std::optional<JoinPruneValue> announced;  ///< as the record says
};

struct Downstream::Link {
  /// Armed at or before the earliest timer of the entry; a refresh only writes a time.
  struct Due {
    TimePoint at;
    const TreeKey* key;
    friend bool operator<(const Due& a, const Due& b) {
      return a.at != b.at ? a.at < b.at : *a.key < *b.key;
    }
  };

  LinkConfig config;
  Entries entries;  ///< by group: (*,G) first, then sources
  std::set<Due> due;
  std::size_t rpt_entries = 0;
  std::vector<wire::PimGroupSet> echoes;
  std::uint32_t generation = 0;  ///< raised when the link becomes active
  TimePoint active_since{};
  bool sweeping = false;
  std::optional<TreeKey> swept;  ///< the sweep goes on after it
  DownstreamCounters counters;

  [[nodiscard]] Place first_of(const Group& group) {
    return entries.lower_bound({group, std::nullopt, false});
  }
  void ignore(DownstreamIgnored reason) { ++counters.ignored[static_cast<std::size_t>(reason)]; }
};

/// When state told with this holdtime ends.
[[nodiscard]] inline TimePoint expiry_of(std::uint16_t holdtime_s, TimePoint now) {
  return holdtime_s == wire::kPimHoldtimeForever ? kNever : now + std::chrono::seconds(holdtime_s);
}

/// It forwards: (*,G) or (S,G) in immediate_olist (4.1.6).
[[nodiscard]] inline bool is_joined(DownstreamState state) {
  return state == DownstreamState::join || state == DownstreamState::prune_pending;
}
/// In prunes(S,G,rpt) of 4.1.6; of an (S,G,rpt) entry.
[[nodiscard]] inline bool is_pruned(DownstreamState state) {
  return state == DownstreamState::prune || state == DownstreamState::prune_tmp;
}
[[nodiscard]] inline bool is_pending(DownstreamState state) {
  return state == DownstreamState::prune_pending || state == DownstreamState::prune_pending_tmp;
}

}  // namespace hotpair::mcast::pim
