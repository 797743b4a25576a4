#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ha/lacp/lacp_packet.h"
#include "ha/lacp/lacp_types.h"

/// What displays show of an aggregate.
namespace hotpair::ha::lacp {

/// Counters of one member, since it was configured.
struct PortCounters {
  std::uint64_t lacpdus_sent = 0;
  std::uint64_t lacpdus_received = 0;
  std::uint64_t markers_received = 0;
  std::uint64_t marker_responses_sent = 0;
  std::uint64_t marker_responses_received = 0;
  std::uint64_t send_failures = 0;
  std::uint64_t sends_delayed = 0;    ///< had to wait for the limit of three in a second
  std::uint64_t partner_changes = 0;  ///< update_Selected found another partner
  std::uint64_t expirations = 0;      ///< CURRENT -> EXPIRED
  std::uint64_t defaults = 0;         ///< EXPIRED -> DEFAULTED
  std::uint64_t sync_changes = 0;     ///< Actor Synchronization flipped
  std::uint64_t mux_changes = 0;      ///< transitions of the Mux machine
  std::uint64_t actor_churns = 0;
  std::uint64_t partner_churns = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(PduReject::count)> rejected{};
  friend bool operator==(const PortCounters&, const PortCounters&) = default;
};

/// One member: its machines, both ends of the link.
struct PortShow {
  MemberIndex index = 0;
  std::string device;
  bool enabled = false;  ///< carrier
  Selected selected = Selected::unselected;
  ReceiveState receive = ReceiveState::initialize;
  PeriodicState periodic = PeriodicState::no_periodic;
  MuxState mux = MuxState::detached;
  ChurnState actor_churn = ChurnState::monitor;
  ChurnState partner_churn = ChurnState::monitor;
  PortInfo actor;
  PortInfo partner;
  std::uint8_t partner_version = 0;            ///< of its newest LACPDU; 0: none yet
  std::optional<std::uint32_t> last_heard_ms;  ///< ago
  std::optional<std::uint32_t> expires_ms;     ///< until current_while_timer runs out
  PortCounters counters;
  friend bool operator==(const PortShow&, const PortShow&) = default;
};

struct TrunkShow {
  TrunkId id;
  bool sync_allowed = true;  ///< false: the backup of an E-Trunk
  bool partner_heard = false;
  std::uint32_t collecting = 0;  ///< bit n: member with index n
  std::uint32_t distributing = 0;
  std::optional<MemberIndex> reference;  ///< the member whose partner names the aggregate
  std::vector<PortShow> ports;           ///< by index
  friend bool operator==(const TrunkShow&, const TrunkShow&) = default;
};

/// The state octet as eight digits, Activity first: "10111100" (seeds 003 and 004).
[[nodiscard]] std::string state_digits(std::uint8_t state);
[[nodiscard]] const char* to_string(ReceiveState state);
[[nodiscard]] const char* to_string(PeriodicState state);
[[nodiscard]] const char* to_string(MuxState state);
[[nodiscard]] const char* to_string(ChurnState state);
[[nodiscard]] const char* to_string(Selected selected);

}  // namespace hotpair::ha::lacp
