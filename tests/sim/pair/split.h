#pragma once

#include "tests/sim/pair/scenario.h"

namespace hotpair::sim {

/// One split brain from power-on to the time when every host was asked: all paths and the access
/// LAN are cut in two, hosts join and leave on both sides of it, it heals.
///
/// Invariant: a membership that a living host has, and that a forwarding node knew when it healed,
/// is forwarded by a node with an open gate at every instant, except for at most kHealGap while the
/// channel comes up. Without a host it ends within kEndsWithin. At the end both nodes know what the
/// hosts want and nothing else.
[[nodiscard]] Outcome play_split(std::uint64_t seed, bool verbose);

inline constexpr Duration kHealGap = std::chrono::milliseconds(250);
inline constexpr Duration kEndsWithin = std::chrono::seconds(8);

}  // namespace hotpair::sim
