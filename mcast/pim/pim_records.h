#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "mcast/pim/pim_types.h"

/// What a router must know to go on in another's place (checkpoint database 18). A value changes
/// only when state changes: a refreshed timer is not a change, and no value holds a ticking time.
namespace hotpair::mcast::pim {

/// One downstream tree of a link with a scope.
struct JoinPruneKey {
  LinkId link;
  TreeKey tree;
  friend auto operator<=>(const JoinPruneKey&, const JoinPruneKey&) = default;
};

enum class JoinPruneState : std::uint8_t {
  joined = 1,         ///< (*,G) and (S,G)
  prune_pending = 2,  ///< still forwards; another router may override
  pruned = 3,         ///< (S,G,rpt)
};

struct JoinPruneValue {
  JoinPruneState state = JoinPruneState::joined;
  std::uint16_t holdtime_s = 0;  ///< the longest told since the state began; 0xffff: never ends
  friend bool operator==(const JoinPruneValue&, const JoinPruneValue&) = default;
};

struct JoinPruneRecord {
  JoinPruneKey key;
  JoinPruneValue value;
  friend bool operator==(const JoinPruneRecord&, const JoinPruneRecord&) = default;
};

/// One slice of a snapshot: go on after `next`; none: that was all.
struct JoinPruneSlice {
  std::vector<JoinPruneRecord> records;
  std::optional<JoinPruneKey> next;
};

}  // namespace hotpair::mcast::pim
