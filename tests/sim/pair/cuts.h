#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/sim/pair/scenario.h"
#include "tests/sim/pair/trunk.h"

namespace hotpair::sim {

/// What happens at a cut. A process or machine that a step belongs to is hit right after that step,
/// before its next effect.
enum class Cut : std::uint8_t {
  frame_lost,   ///< this hello, LACPDU; with it the channel, if it is one of its frames
  all_lost,     ///< nothing between the nodes and nothing of LACP arrives for 2 s
  hellos_lost,  ///< every path is cut for 2 s
  lacp_lost,    ///< no LACPDU arrives for 4 s, more than a short timeout
  channel_broken,
  old_node_dies,  ///< and is back after 3 s
  new_node_dies,
  old_daemon_dies,  ///< and is back after 500 ms
  new_daemon_dies,
  old_keeper_dies,  ///< and is back after 50 ms
  new_keeper_dies,
  old_frozen,  ///< for 1 s
  new_frozen,
  old_unplugged,  ///< the member link, for 2 s
  new_unplugged,
  access_restarts,  ///< the access device is gone for 300 ms
  count
};
inline constexpr std::size_t kCuts = static_cast<std::size_t>(Cut::count);
[[nodiscard]] std::string_view to_string(Cut cut);

struct CutsOptions {
  std::uint64_t seed = 1;  ///< also chooses ids, timeouts and the access device
  std::uint64_t every =
      1;  ///< of the (step, cut) pairs only every n-th, from one that the seed says
  Bug bug = Bug::none;
  bool verbose = false;
  std::optional<std::uint64_t> only;  ///< this pair alone
  bool floating = false;  ///< no trunk, but addresses that move between the nodes of one LAN
};

struct CutsOutcome {
  Outcome worst;            ///< of the run without a fault, or of the first that failed
  std::uint64_t steps = 0;  ///< of the handover, at each of which every cut is tried
  std::uint64_t runs = 0;
  std::uint64_t events = 0;
  TrunkWatch::Times clean;                         ///< of the handover without a fault
  std::array<TrunkWatch::Times, kCuts> longest{};  ///< of one run, after the cut
  std::array<Duration, kCuts> settled{};           ///< from the cut to the last trouble
};

/// One planned switchover behind an Eth-Trunk, or of a floating pair, once without a fault and then
/// once for every cut at every step between the two nodes, their daemons and keepers, and the
/// access device.
///
/// Invariants: the pair comes to one master with the only open gate, the access device attached to
/// it or the floating addresses announced by it last, no link held down, the operator's request
/// ended, and a second switchover goes through.
[[nodiscard]] CutsOutcome play_cuts(const CutsOptions& options);

}  // namespace hotpair::sim
