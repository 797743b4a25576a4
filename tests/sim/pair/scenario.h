#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/pair/sim_node.h"

namespace hotpair::sim {

struct Outcome {
  std::uint64_t seed = 0;
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t acked = 0;      ///< changes of records that were acknowledged
  std::uint64_t forgotten = 0;  ///< times when faults took the records of both nodes
  Duration longest_gap{};       ///< of a stream, when a split brain healed
  std::uint64_t united = 0;     ///< lines that were united with the master's
  std::vector<std::string> failures;
  std::vector<std::string> trace;
  [[nodiscard]] bool ok() const { return failures.empty(); }
};

struct ScenarioOptions {
  std::uint64_t seed = 1;
  Bug bug = Bug::none;
  bool verbose = false;
  Duration chaos = std::chrono::seconds(60);
  Duration quiet = std::chrono::seconds(40);
};

/// Node A (0) or B (1) of the pair; A is the better one.
[[nodiscard]] ha::node::NodeConfig config_of(int index);

/// One seed from power-on to convergence.
[[nodiscard]] Outcome play(const ScenarioOptions& options);

}  // namespace hotpair::sim
