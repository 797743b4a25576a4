#pragma once

#include <string>
#include <vector>

#include "ha/config/config_model.h"
#include "ha/config/ports.h"
#include "ha/daemon/trunk_settings.h"
#include "ha/node/node_config.h"
#include "platform/base/ids.h"

namespace hotpair::ha::daemon {

/// What the configuration file does not say.
struct SettingsContext {
  NodeId node;
  /// E-Trunk hello keys derived from the pair keys, used where no security-key is configured.
  std::vector<std::string> derived_keys;
  /// Slots and member indexes that the data plane has given to Eth-Trunks.
  std::vector<TrunkNumbers> trunks = {};
};

/// The node's settings from a configuration that passed its check.
[[nodiscard]] node::NodeConfig to_node_config(const config::Config& config,
                                              const config::PortMap& ports,
                                              const SettingsContext& context);

/// A locally administered MAC address made of the node id: the system id where none is configured.
[[nodiscard]] MacAddress system_id_of(NodeId node);

}  // namespace hotpair::ha::daemon
