#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "mcast/rp/bsr_types.h"
#include "mcast/rp/rp_records.h"
#include "mcast/wire/auto_rp.h"
#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// Auto-RP version 1 (pim-autorp-spec01), IPv4 only. See DESIGN.md.
namespace hotpair::mcast::rp {

inline constexpr Duration kAutoRpPeriod = std::chrono::seconds(60);
inline constexpr std::uint16_t kAutoRpHoldtime_s = 180;
/// TTL of own messages where no scope is configured.
inline constexpr std::uint8_t kAutoRpTtl = 31;
/// Between two discovery messages that a change brought about.
inline constexpr Duration kAutoRpMinInterval = std::chrono::seconds(1);

/// This router announces itself as RP.
struct AnnouncedRp {
  IpAddress address;
  std::vector<IpPrefix> ranges;           ///< empty: all groups
  std::vector<IpPrefix> negative_ranges;  ///< groups that are to run without an RP
  std::uint8_t ttl = kAutoRpTtl;          ///< how far it is told
  Duration period = kAutoRpPeriod;
  std::uint16_t holdtime_s = kAutoRpHoldtime_s;
  friend bool operator==(const AnnouncedRp&, const AnnouncedRp&) = default;
};

/// One instance serves one VRF. With nothing set it neither hears nor says anything.
struct AutoRpConfig {
  VrfId vrf;
  bool listen = false;                     ///< believe mapping agents
  std::vector<IpPrefix> agent_filter;      ///< who may be one; empty: everybody
  std::optional<IpAddress> mapping_agent;  ///< this router is one, under this address
  std::uint8_t agent_ttl = kAutoRpTtl;     ///< how far the mapping agent is heard
  std::vector<IpPrefix> rp_filter;         ///< agent: who may be RP; empty: everybody
  std::vector<AnnouncedRp> announced;
  Duration period = kAutoRpPeriod;               ///< agent: of discovery messages
  std::uint16_t holdtime_s = kAutoRpHoldtime_s;  ///< agent: told with them
  std::uint32_t mappings_max = 1024;             ///< ranges, learned and announced each
  std::uint32_t agents_max = 16;
  /// Any part of it runs.
  [[nodiscard]] bool is_on() const { return listen || mapping_agent || !announced.empty(); }
  friend bool operator==(const AutoRpConfig&, const AutoRpConfig&) = default;
};

/// Send to wire::auto_rp_destination(kind) from this address, port 496; routed as any multicast.
struct SendAutoRp {
  VrfId vrf;
  IpAddress source;
  std::uint8_t ttl = kAutoRpTtl;
  wire::AutoRpMessage message;
};

using AutoRpEffect = std::variant<SendAutoRp, RpSetChanged, RecordChanged, RpLimitReached>;

/// Why a well-formed message, or a part of it, was not acted upon.
enum class AutoRpIgnored : std::uint8_t {
  standby,      ///< this node reads records
  off,          ///< not listening, or an announcement where no agent is
  bad_source,   ///< no IPv4 unicast address
  own,          ///< this router's own message came back
  filtered,     ///< agent or RP that the operator does not accept
  worse_agent,  ///< an agent of a higher address is there
  version_1,    ///< the RP speaks PIM version 1 only
  bad_range,
  limit,  ///< mappings_max or agents_max reached
  count_
};
inline constexpr std::size_t kAutoRpIgnoredCount = static_cast<std::size_t>(AutoRpIgnored::count_);
[[nodiscard]] std::string_view to_string(AutoRpIgnored reason);

struct AutoRpCounters {
  std::uint64_t discoveries_heard = 0;
  std::uint64_t discoveries_sent = 0;
  std::uint64_t announcements_heard = 0;
  std::uint64_t announcements_sent = 0;
  std::array<std::uint64_t, kAutoRpIgnoredCount> ignored{};
  [[nodiscard]] std::uint64_t of(AutoRpIgnored reason) const {
    return ignored[static_cast<std::size_t>(reason)];
  }
};

}  // namespace hotpair::mcast::rp
