#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ha/config/config_model.h"
#include "ha/config/ports.h"
#include "ha/node/node_config.h"

namespace hotpair::ha::daemon {

/// What the data plane calls a trunk and its members; LACP must agree with it.
struct TrunkNumbers {
  std::uint16_t id = 0;
  std::uint32_t slot = 0;
  std::map<std::string, lacp::MemberIndex> members;  ///< by Linux device
};

/// Every Eth-Trunk whose LACP is ours: `mode lacp-static`, and not named in ports.conf, where it
/// would be a device that the operator made. `own_id`: the system id where none is configured.
/// `numbers`: slots and indexes in force; a trunk or port that is not in them is left out. Without
/// any they are given in the order of the configuration.
[[nodiscard]] std::vector<node::TrunkSettings> trunk_settings(
    const config::Config& config, const config::PortMap& ports, const MacAddress& own_id,
    const std::vector<TrunkNumbers>& numbers);

}  // namespace hotpair::ha::daemon
