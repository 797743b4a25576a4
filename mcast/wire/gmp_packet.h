#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/time.h"

/// Codecs of the multicast protocols: pure functions between bytes and messages.
namespace hotpair::mcast::wire {

/// Why a packet was refused; a counter per interface, shown by `display igmp|mld interface`.
enum class Reject : std::uint8_t {
  truncated,          ///< shorter than the fixed part of its type
  bad_ip_version,     ///< not IPv4
  bad_header_length,  ///< IHL below 5 or beyond the packet
  bad_total_length,   ///< IP total length below the header or beyond the buffer
  fragment,           ///< an IP fragment
  not_igmp,           ///< IP protocol is not 2
  bad_ttl,            ///< TTL or hop limit is not 1
  no_router_alert,    ///< router alert option missing where it is required
  bad_checksum,
  unknown_type,
  bad_query_length,   ///< IGMP query of 9 to 11 bytes, MLD query of 25 to 27 (RFC 3376 7.1)
  source_count,       ///< number of sources does not fit the length
  record_count,       ///< number of group records does not fit the length
  group_not_multicast,
  bad_source,         ///< multicast or loopback; MLD: not link-local (RFC 3810 5.1.14, 5.2.13)
  count_              ///< number of reasons
};
inline constexpr std::size_t kRejectCount = static_cast<std::size_t>(Reject::count_);
[[nodiscard]] std::string_view to_string(Reject reject);

/// A query of any version. Version and family tell which fields were on the wire.
struct Query {
  std::uint8_t version = 3;         ///< IGMP 1 to 3, MLD 1 to 2
  std::optional<Group> group;       ///< absent: general query
  Duration max_response{};          ///< IGMPv1: 10 s by definition; on the wire 0.1 s (MLD 1 ms)
  bool suppress = false;            ///< S flag: routers keep their timers
  std::uint8_t robustness = 0;      ///< QRV, 0 to 7; 0: not given
  Duration query_interval{};        ///< QQI; zero: not given
  std::vector<IpAddress> sources;   ///< group-and-source-specific query
  friend bool operator==(const Query&, const Query&) = default;
};

/// IGMPv1 or v2 report, MLDv1 report: one group, any source.
struct GroupReport {
  std::uint8_t version = 2;
  Group group;
  friend bool operator==(const GroupReport&, const GroupReport&) = default;
};

/// IGMPv2 leave, MLDv1 done.
struct Leave {
  Group group;
  friend bool operator==(const Leave&, const Leave&) = default;
};

/// RFC 3376 4.2.12, RFC 3810 5.2.12.
enum class RecordType : std::uint8_t {
  mode_is_include = 1,
  mode_is_exclude = 2,
  change_to_include = 3,
  change_to_exclude = 4,
  allow_new_sources = 5,
  block_old_sources = 6,
};

struct ReportRecord {
  RecordType type{};
  Group group;
  std::vector<IpAddress> sources;  ///< as on the wire: neither sorted nor unique
  friend bool operator==(const ReportRecord&, const ReportRecord&) = default;
};

/// IGMPv3 or MLDv2 report.
struct SourceReport {
  std::vector<ReportRecord> records;
  std::uint16_t skipped = 0;  ///< records left out: unknown type, or not a multicast group
  friend bool operator==(const SourceReport&, const SourceReport&) = default;
};

using Message = std::variant<Query, GroupReport, Leave, SourceReport>;

/// A message as it came from the wire.
struct Packet {
  IpAddress source;
  IpAddress destination;
  bool router_alert = false;
  Message message;
};

/// Well-known destinations.
[[nodiscard]] IpAddress all_hosts(Family family);        ///< 224.0.0.1, ff02::1
[[nodiscard]] IpAddress all_routers(Family family);      ///< 224.0.0.2, ff02::2 (leaves)
[[nodiscard]] IpAddress all_gmp_routers(Family family);  ///< 224.0.0.22, ff02::16 (v3/v2 reports)
/// Where a message of this kind is sent to.
[[nodiscard]] IpAddress destination_of(const Message& message, Family family);

}  // namespace hotpair::mcast::wire
