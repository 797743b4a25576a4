#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ha/daemon/trunk_plan.h"
#include "platform/base/descriptor.h"
#include "platform/io/log.h"
#include "platform/kernel/eth_trunk.h"
#include "platform/kernel/link_monitor.h"

namespace hotpair::ha::daemon {

/// The Eth-Trunk devices of the configuration. A trunk is made once the first of its members
/// exists, and follows members that come and go. A device of that name that somebody else made (a
/// kernel bond, a plain interface) stays what it is: an ordinary interface.
class TrunkLink {
 public:
  explicit TrunkLink(platform::io::Log& log) : log_(log) {}

  /// Takes over the maps that a keeper kept, or makes new ones. The descriptors are those named
  /// "trunk-…"; invalid ones are as good as none.
  [[nodiscard]] Result<void> open(int gate_words_fd, platform::kernel::EthTrunks::KeptMaps kept,
                                  const platform::kernel::LinkMonitor& links);
  /// What the keeper shall keep: names and descriptors in the same order.
  [[nodiscard]] std::vector<std::pair<std::string, int>> descriptors() const;

  /// Puts the trunks of a configuration in force. Call before the node hears of it.
  void configure(std::vector<WantedTrunk> wanted, const platform::kernel::LinkMonitor& links);
  /// Devices came, went or changed their MTU.
  void links_changed(const platform::kernel::LinkMonitor& links);
  /// True if the device is a trunk of ours: its programs test this gate word from now on, and the
  /// ordinary gate must not be attached.
  [[nodiscard]] bool attach_gate(const std::string& device, std::uint32_t gate_slot,
                                 const platform::kernel::LinkMonitor& links);
  /// True likewise. A trunk that the configuration still binds to a scope stays closed meanwhile.
  [[nodiscard]] bool detach_gate(const std::string& device,
                                 const platform::kernel::LinkMonitor& links);
  /// Compares the words with least-active-links. Call when a trunk word or a gate has changed.
  void update_operational();

  /// Slots and member indexes in force, for the keeper's LACP.
  [[nodiscard]] const std::vector<PlannedTrunk>& plan() const { return plan_; }
  /// nullopt when there is no such device of ours.
  [[nodiscard]] std::optional<platform::kernel::EthTrunkCounters> counters(std::uint16_t id) const;

 private:
  struct Made {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> seen;  // ifindex and MTU of what it needs
    std::optional<std::uint32_t> gate_slot;
    bool ours = false;
    std::string last_error;
  };
  void release_unplanned(const platform::kernel::LinkMonitor& links);
  /// Nothing is done where nothing that the trunk needs has changed, but for `anyway`.
  void apply(const PlannedTrunk& trunk, const platform::kernel::LinkMonitor& links, bool anyway);
  [[nodiscard]] bool set_gate(const std::string& device, std::optional<std::uint32_t> gate_slot,
                              const platform::kernel::LinkMonitor& links);
  [[nodiscard]] const PlannedTrunk* find(const std::string& device) const;

  platform::io::Log& log_;
  std::unique_ptr<platform::kernel::EthTrunks> trunks_;
  std::vector<PlannedTrunk> plan_;
  std::map<std::string, Made> made_;  // by device
};

}  // namespace hotpair::ha::daemon
