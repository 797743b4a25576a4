#pragma once

#include <array>
#include <optional>

#include "tests/sim/pair/access_device.h"
#include "tests/sim/pair/sim_node.h"

namespace hotpair::sim {

/// How the two nodes and the access device are configured.
struct TrunkCase {
  bool one_id = true;  ///< both nodes have one LACP system id, so a handover makes before it breaks
  bool fast = true;    ///< the nodes ask for short timeouts
  AccessSettings access;
};

/// Ids, timeouts and access device in turn, by number.
[[nodiscard]] TrunkCase trunk_case(std::uint64_t number);

/// Puts the scope's interface behind an Eth-Trunk.
void put_behind_trunk(ha::node::NodeConfig& config, int index, const TrunkCase& trunk);

/// What streams of hosts behind the access device meet, and how long a link is held down.
class TrunkWatch {
 public:
  struct Times {
    Duration dark{};     ///< no way from a node to the hosts
    Duration doubled{};  ///< two of them
    Duration lost{};     ///< frames of hosts, some or all, reach no node that forwards
  };

  TrunkWatch(World& world, const AccessDevice& access, const SimNode& a, const SimNode& b)
      : world_(world), access_(access), nodes_{&a, &b} {}

  /// Nothing changes from now until then but that leases end.
  void look(TimePoint until);
  void reset() { times_ = {}; }
  [[nodiscard]] const Times& times() const { return times_; }
  /// When something was wrong last: no way, two ways, or frames lost.
  [[nodiscard]] TimePoint wrong_at() const { return wrong_at_; }
  /// The access device is attached to this node and to no other, and all passes.
  [[nodiscard]] bool attached_to(const SimNode& node) const;

 private:
  void add(TimePoint from, TimePoint until);
  void look_at_hold(std::size_t node, TimePoint until);

  World& world_;
  const AccessDevice& access_;
  std::array<const SimNode*, 2> nodes_;
  std::array<std::optional<TimePoint>, 2> held_until_;  // at the latest
  Times times_;
  TimePoint wrong_at_{};
};

}  // namespace hotpair::sim
