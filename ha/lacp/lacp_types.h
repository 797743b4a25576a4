#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/strong.h"
#include "platform/base/time.h"

/// Link aggregation control, IEEE 802.1AX-2014 clause 6.4: words shared with keeper and node.
namespace hotpair::ha::lacp {

/// Number of an `interface Eth-Trunk N`.
using TrunkId = Strong<struct TrunkIdTag, std::uint16_t>;
/// Place of a member in its trunk, 0 to kMembersMax - 1: its bit in the trunk word.
using MemberIndex = std::uint8_t;

inline constexpr std::size_t kMembersMax = 32;

/// Bits of the state octet (6.4.2.3), low bit first.
inline constexpr std::uint8_t kStateActivity = 0x01;
inline constexpr std::uint8_t kStateTimeout = 0x02;  ///< short
inline constexpr std::uint8_t kStateAggregation = 0x04;
inline constexpr std::uint8_t kStateSynchronization = 0x08;
inline constexpr std::uint8_t kStateCollecting = 0x10;
inline constexpr std::uint8_t kStateDistributing = 0x20;
inline constexpr std::uint8_t kStateDefaulted = 0x40;
inline constexpr std::uint8_t kStateExpired = 0x80;

/// Constants of 6.4.4.
inline constexpr Duration kFastPeriodicTime = std::chrono::seconds(1);
inline constexpr Duration kSlowPeriodicTime = std::chrono::seconds(30);
inline constexpr Duration kShortTimeoutTime = std::chrono::seconds(3);
inline constexpr Duration kLongTimeoutTime = std::chrono::seconds(90);
inline constexpr Duration kChurnDetectionTime = std::chrono::seconds(60);
inline constexpr Duration kAggregateWaitTime = std::chrono::seconds(2);

/// What a LACPDU says of one end of a link.
struct PortInfo {
  std::uint16_t system_priority = 0;
  MacAddress system;
  std::uint16_t key = 0;
  std::uint16_t port_priority = 0;
  std::uint16_t port = 0;
  std::uint8_t state = 0;
  friend bool operator==(const PortInfo&, const PortInfo&) = default;

  [[nodiscard]] bool has(std::uint8_t bits) const { return (state & bits) == bits; }
  void set(std::uint8_t bits, bool on) {
    state = static_cast<std::uint8_t>(on ? state | bits : state & ~unsigned{bits});
  }
};

/// States of the machines, in the standard's names.
enum class ReceiveState : std::uint8_t {
  initialize = 0,
  port_disabled = 1,
  expired = 2,
  lacp_disabled = 3,
  defaulted = 4,
  current = 5,
};
enum class PeriodicState : std::uint8_t {
  no_periodic = 0,
  fast_periodic = 1,
  slow_periodic = 2,
  periodic_tx = 3,
};
enum class Selected : std::uint8_t { unselected = 0, selected = 1, standby = 2 };
enum class MuxState : std::uint8_t {
  detached = 0,
  waiting = 1,
  attached = 2,
  collecting = 3,
  distributing = 4,
};
enum class ChurnState : std::uint8_t { no_churn = 0, monitor = 1, churn = 2 };

struct MemberConfig {
  MemberIndex index = 0;
  std::string device;              ///< Linux device
  std::uint16_t port = 1;          ///< Actor_Port_Number, unique over both nodes of a pair; not 0
  std::uint16_t priority = 32768;  ///< smaller is better
  friend bool operator==(const MemberConfig&, const MemberConfig&) = default;
};

/// One aggregate as configured.
struct TrunkConfig {
  TrunkId id;
  std::uint16_t system_priority = 32768;  ///< smaller is better
  MacAddress system;
  std::uint16_t key = 0;
  bool active = true;              ///< LACP_Activity
  bool fast = false;               ///< LACP_Timeout: the partner is asked for short timeouts
  std::uint16_t least_active = 1;  ///< fewer usable links than this: none is used
  std::uint16_t max_active = 16;   ///< links beyond it wait in standby
  std::vector<MemberConfig> members;
  friend bool operator==(const TrunkConfig&, const TrunkConfig&) = default;
};

}  // namespace hotpair::ha::lacp
