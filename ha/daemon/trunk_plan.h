#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ha/config/config_model.h"
#include "ha/config/ports.h"

namespace hotpair::ha::daemon {

/// An Eth-Trunk with its member ports, as configured.
struct WantedTrunk {
  std::uint16_t id = 0;              ///< the N of Eth-TrunkN
  std::string device;                ///< Linux device
  bool scoped = false;               ///< a remote backup profile binds it: it has a gate
  std::vector<std::string> members;  ///< Linux devices, in the order of the configuration
  std::uint32_t least_active_links = 1;
  friend bool operator==(const WantedTrunk&, const WantedTrunk&) = default;
};

/// The daemon makes the device of this Eth-Trunk: `mode lacp-static`, and not named in ports.conf,
/// where it would be a device that the operator made.
[[nodiscard]] bool is_own_trunk(const config::InterfaceModel& interface,
                                const config::PortMap& ports);
/// The own Eth-Trunks that have members, by id.
[[nodiscard]] std::vector<WantedTrunk> wanted_trunks(const config::Config& config,
                                                     const config::PortMap& ports);

struct PlannedMember {
  std::uint8_t index = 0;  ///< its bit in the trunk word; of LACP's MemberConfig too
  std::string device;
  friend bool operator==(const PlannedMember&, const PlannedMember&) = default;
};

/// Which word a trunk has, and which bit each member. Keeper and programs must agree on it.
struct PlannedTrunk {
  std::uint16_t id = 0;
  std::uint32_t slot = 0;
  std::string device;
  bool scoped = false;
  std::vector<PlannedMember> members;  ///< by index
  std::uint32_t least_active_links = 1;
  friend bool operator==(const PlannedTrunk&, const PlannedTrunk&) = default;
};

struct TrunkPlan {
  std::vector<PlannedTrunk> trunks;
  std::vector<std::string> left_out;  ///< sentences: what found no slot or no index
};

/// Gives slots and indexes. What is in `before` keeps its slot and its index as long as it is
/// wanted, by device name: a change elsewhere disturbs nobody. New ones take the lowest free.
[[nodiscard]] TrunkPlan plan_trunks(const std::vector<WantedTrunk>& wanted,
                                    const std::vector<PlannedTrunk>& before, std::uint32_t slots);

}  // namespace hotpair::ha::daemon
