#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/bytes.h"

/// Auto-RP version 1 (Cisco's pim-autorp-spec01): payload of UDP port 496, IPv4 only. Candidates
/// announce themselves to 224.0.1.39, the mapping agent tells everybody on 224.0.1.40.
namespace hotpair::mcast::wire {

inline constexpr std::uint16_t kAutoRpPort = 496;

/// Why an Auto-RP message was refused; a counter.
enum class AutoRpReject : std::uint8_t {
  truncated,
  bad_version,
  unknown_type,
  rp_count,     ///< number of RPs does not fit the length
  group_count,  ///< number of group prefixes of an RP does not fit the length
  not_unicast,  ///< RP address is not unicast
  count_
};
inline constexpr std::size_t kAutoRpRejectCount = static_cast<std::size_t>(AutoRpReject::count_);
[[nodiscard]] std::string_view to_string(AutoRpReject reject);

enum class AutoRpKind : std::uint8_t { announcement = 1, discovery = 2 };

/// Groups that an RP serves, or with `negative` that are to run without any RP.
struct AutoRpRange {
  IpAddress address;
  std::uint8_t mask_length = 0;  ///< as on the wire: 0 to 255
  bool negative = false;

  /// A multicast address and a mask of 4 to 32; the engine skips and counts others.
  [[nodiscard]] bool is_valid() const;
  friend bool operator==(const AutoRpRange&, const AutoRpRange&) = default;
};

struct AutoRpMapping {
  IpAddress rp;
  std::uint8_t pim_versions = 0;  ///< 0: unknown, bit 0: version 1, bit 1: version 2
  std::vector<AutoRpRange> ranges;
  friend bool operator==(const AutoRpMapping&, const AutoRpMapping&) = default;
};

struct AutoRpMessage {
  AutoRpKind kind = AutoRpKind::announcement;
  std::uint16_t holdtime_s = 0;  ///< 0: for ever
  std::vector<AutoRpMapping> mappings;
  friend bool operator==(const AutoRpMessage&, const AutoRpMessage&) = default;
};

/// Bytes after the last mapping are ignored.
[[nodiscard]] std::expected<AutoRpMessage, AutoRpReject> parse_auto_rp(ByteSpan payload);

/// The payloads of as many datagrams as needed, at least one, each an IP packet of at most `mtu`
/// octets (below 68 counts as 68). A mapping that does not fit goes on in the next one under its
/// RP.
[[nodiscard]] std::vector<Bytes> encode_auto_rp(const AutoRpMessage& message, std::size_t mtu);

/// 224.0.1.39 or 224.0.1.40.
[[nodiscard]] IpAddress auto_rp_destination(AutoRpKind kind);

}  // namespace hotpair::mcast::wire
