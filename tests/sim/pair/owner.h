#pragma once

#include <array>

#include "tests/sim/pair/sim_node.h"
#include "tests/sim/pair/trunk.h"

namespace hotpair::sim {

/// The interface of `index` gets an address of the pair, whose owner is who has the gate open.
void make_floating(ha::node::NodeConfig& config);

/// Who has the floating addresses, on a LAN that both nodes are on: the owner is the gate word
/// itself. Counts the time with no owner (`dark`) and with two (`doubled`).
class OwnerWatch {
 public:
  OwnerWatch(World& world, const SimNode& a, const SimNode& b) : world_(world), nodes_{&a, &b} {}

  /// Nothing changes from now until then but that leases end.
  void look(TimePoint until);
  void reset() { times_ = {}; }
  [[nodiscard]] const TrunkWatch::Times& times() const { return times_; }
  /// When there was no owner, or two, last.
  [[nodiscard]] TimePoint wrong_at() const { return wrong_at_; }
  /// It owns them, the other one does not, and the LAN heard that from it last.
  [[nodiscard]] bool owned_by(const SimNode& node) const;

 private:
  World& world_;
  std::array<const SimNode*, 2> nodes_;
  TrunkWatch::Times times_;
  TimePoint wrong_at_{};
};

}  // namespace hotpair::sim
