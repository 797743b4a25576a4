#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/ids.h"
#include "platform/base/time.h"

namespace hotpair::ha::node {

/// What the peer's line had and ours had not, as master: taken in until hosts confirm it. One at a
/// time for each scope, from the first slice that is told to the end of the confirmation.
struct Divergence {
  Epoch peer;            ///< newest of the line that ended
  bool deposed = false;  ///< the peer was master until it heard of our term
  TimePoint began;
  TimePoint told_at;  ///< newest slice
  bool told = false;  ///< the event was written
  std::uint64_t story = 0;
  // Records of memberships.
  std::uint64_t held_here = 0;  ///< before the first slice
  std::uint64_t held_there = 0;
  std::uint64_t only_there = 0;
  std::uint64_t less_here = 0;
  std::uint64_t refused = 0;
  std::vector<std::string> first;  ///< the first few, by interface and group
  // Counters of the interfaces when it began.
  std::uint64_t confirmed_before = 0;
  std::uint64_t expired_before = 0;
};

/// A telling that stops for so long came to its end.
inline constexpr Duration kTellingEnds = std::chrono::seconds(5);

}  // namespace hotpair::ha::node
