#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "platform/base/descriptor.h"
#include "platform/base/time.h"

namespace hotpair::ha::keeper {

/// How often the keeper polls: a lost access link opens the peer's gate within 20 ms, whatever the
/// hello timers are.
inline constexpr Duration kCarrierPoll = std::chrono::milliseconds(10);

/// The kernel tells of a lost carrier up to 1 s late: its link watch sends one batch of events a
/// second. The counters of carrier changes in sysfs count at once and are read without a lock, so
/// that a poll never waits for whoever holds the lock of network configuration (as asking by
/// ethtool or netlink does). What has counted is then asked by netlink.
class CarrierCounters {
 public:
  /// Of this network namespace: a sysfs mount of our own where that is permitted, else /sys, whose
  /// devices are believed only if their index is right.
  CarrierCounters();

  /// Watches these devices, by name and index, and no others.
  void watch(const std::map<std::string, unsigned>& devices);
  /// Index of each device that changed since the poll before; of a new one always. About 1 us per
  /// device.
  [[nodiscard]] std::vector<unsigned> poll();
  [[nodiscard]] bool watching() const { return !counters_.empty(); }
  /// Devices whose counter is not there: of them netlink alone tells.
  [[nodiscard]] const std::vector<std::string>& unwatched() const { return unwatched_; }

 private:
  struct Counter {
    unsigned index = 0;
    FileDescriptor fd;
    std::uint64_t value = 0;
  };
  [[nodiscard]] FileDescriptor open_file(const std::string& device, const char* file) const;

  FileDescriptor sysfs_;
  std::map<std::string, Counter> counters_;
  std::vector<std::string> unwatched_;
};

}  // namespace hotpair::ha::keeper
