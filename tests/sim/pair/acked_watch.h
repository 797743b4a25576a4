#pragma once

#include <array>
#include <optional>

#include "checkpoint/schema/record_codec.h"
#include "tests/sim/pair/sim_node.h"

namespace hotpair::sim {

/// Nothing acknowledged is lost: asks the oracle about stores and engines of both nodes, whenever
/// something new is acknowledged, on every takeover and restart, and all along.
///
/// A store is owed everything that was acknowledged, whatever crashed, until its records are lost
/// (a reboot; a master that dies or is deposed while its disk fails); then it is owed again as soon
/// as the node counts as complete. A node without its records that becomes master all the same had
/// no peer to get them from: then nothing is owed to anybody.
class AckedWatch {
 public:
  AckedWatch(World& world, Network& network, SimNode& a, SimNode& b)
      : world_(world), network_(network), nodes_{&a, &b} {}

  void look();
  void look_at_all();
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

 private:
  void follow(SimNode& node);
  void look_for_acks(SimNode& from, SimNode& to);
  void check(SimNode& node, const char* when);
  void check_store(SimNode& node, const char* when);
  void check_engine(SimNode& node, const char* when);

  World& world_;
  Network& network_;
  std::array<SimNode*, 2> nodes_;
  std::array<bool, 2> active_{};
  std::array<bool, 2> behind_{};  // as master: its store does not hold what it sent
  std::array<Sequence, 2> acked_{};
  TimePoint last_{};
  TimePoint acked_at_{};
  std::uint64_t forgotten_ = 0;
};

}  // namespace hotpair::sim
