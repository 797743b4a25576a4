#pragma once

#include <fstream>
#include <sstream>
#include <string>

#include "ha/config/parser.h"
#include "ha/daemon/settings.h"

namespace hotpair::ha::daemon::testing {

/// A configuration file of tests/golden, "seed003/DeviceA.conf".
inline config::Config seed(const std::string& name) {
  std::ifstream file(std::string(HOTPAIR_SOURCE_DIR) + "/tests/golden/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return config::parse_config(text.str(), name).config;
}

inline node::NodeConfig settings_of(const config::Config& config) {
  const auto ports = config::parse_ports("Eth-Trunk1 bond0\n", "ports").ports;
  return to_node_config(config, ports, {NodeId{0x1122334455667788}, {"derived"}});
}

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

}  // namespace hotpair::ha::daemon::testing
