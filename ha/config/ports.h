#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ha/config/config_model.h"
#include "ha/config/diagnostic.h"

namespace hotpair::ha::config {

/// ports.conf: which Linux device an interface name means. One line each, `NAME DEVICE`; `#` starts
/// a comment.
class PortMap {
 public:
  /// The device of an interface: as mapped, else the default (GigabitEthernet0/1/2 -> "ge0-1-2",
  /// LoopBackN -> "lo", Eth-Trunk1 -> "eth-trunk1", a name that fits stays).
  [[nodiscard]] std::string device_of(const InterfaceName& name) const;
  [[nodiscard]] const std::map<std::string, std::string>& mapped() const { return devices_; }

 private:
  friend struct PortsOutcome parse_ports(std::string_view text, std::string_view file);
  std::map<std::string, std::string> devices_;  // by canonical interface name
};

struct PortsOutcome {
  PortMap ports;
  Diagnostics diagnostics;
  [[nodiscard]] bool ok() const { return !has_errors(diagnostics); }
};

/// Parses ports.conf and collects every error.
[[nodiscard]] PortsOutcome parse_ports(std::string_view text, std::string_view file);
/// What is wrong with a configuration on these ports: two interfaces on one device, a device name
/// over 15 characters.
[[nodiscard]] Diagnostics check_ports(const Config& config, const PortMap& ports,
                                      std::string_view file);

}  // namespace hotpair::ha::config
