#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ha/node/node_effects.h"
#include "platform/kernel/gate.h"
#include "platform/kernel/link_editor.h"
#include "platform/kernel/link_monitor.h"
#include "platform/kernel/routing_rules.h"

namespace hotpair::ha::daemon {

/// Devices of floating addresses: a macvlan over the interface, which nothing passes while the gate
/// of its scope is closed. The addresses are there on both nodes and for good; who may use them is
/// the gate word alone, so they change hands in the very store that opens and closes the gate, with
/// or without a daemon. In a VRF the device has rules that lead to its table. Nothing is removed by
/// the destructor.
class FloatingLink {
 public:
  struct Made {
    node::SetFloating wanted;
    std::optional<Ifindex> index;   ///< once it was made
    std::optional<Ifindex> parent;  ///< over which
  };

  /// All outlive this.
  [[nodiscard]] static Result<FloatingLink> open(platform::kernel::GateTable& gates,
                                                 platform::kernel::AddressEditor& addresses,
                                                 platform::kernel::RoutingRules& rules);
  /// What set() makes from now on.
  void want(const node::SetFloating& wanted);
  /// Makes the device or takes it over. Fine, and nothing done, while the interface is absent.
  [[nodiscard]] Result<void> set(const std::string& device,
                                 const platform::kernel::LinkMonitor& links);
  /// Fine when it is gone.
  [[nodiscard]] Result<void> remove(const std::string& device);
  /// Wanted devices that are not there although the interface is.
  [[nodiscard]] std::vector<std::string> missing(const platform::kernel::LinkMonitor& links) const;
  /// Removes those of an earlier life that nobody wants any more; their names.
  std::vector<std::string> remove_left_over(const platform::kernel::LinkMonitor& links);
  [[nodiscard]] const Made* find(const std::string& device) const;

 private:
  FloatingLink(platform::kernel::LinkEditor editor, platform::kernel::GateTable& gates,
               platform::kernel::AddressEditor& addresses, platform::kernel::RoutingRules& rules)
      : editor_(std::move(editor)), gates_(&gates), addresses_(&addresses), rules_(&rules) {}
  [[nodiscard]] Result<Ifindex> ensure(const node::SetFloating& wanted, Ifindex parent);
  [[nodiscard]] Result<void> set_addresses(const Made& made,
                                           const platform::kernel::LinkMonitor& links);

  platform::kernel::LinkEditor editor_;
  platform::kernel::GateTable* gates_;
  platform::kernel::AddressEditor* addresses_;
  platform::kernel::RoutingRules* rules_;
  std::map<std::string, Made> made_;  // by device
};

}  // namespace hotpair::ha::daemon
