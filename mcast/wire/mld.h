#pragma once

#include <expected>

#include "mcast/wire/gmp_packet.h"
#include "platform/base/bytes.h"

namespace hotpair::mcast::wire {

/// What the socket tells beside the ICMPv6 message.
struct MldArrival {
  IpAddress source;
  IpAddress destination;
  std::uint8_t hop_limit = 0;
  bool router_alert = false;  ///< hop-by-hop router alert option of value 0 seen
};

struct MldParseOptions {
  bool require_router_alert = true;
  /// The kernel verifies the checksum on raw ICMPv6 sockets; other callers set this.
  bool verify_checksum = false;
};

/// Parses one ICMPv6 message of type 130, 131, 132 or 143 (RFC 2710, RFC 9777).
[[nodiscard]] std::expected<Packet, Reject> parse_mld(ByteSpan icmpv6, const MldArrival& arrival,
                                                      const MldParseOptions& options = {});

/// The ICMPv6 message with its checksum for this source and destination. Values that do not fit
/// their field are rounded down or cut; all groups must be IPv6.
[[nodiscard]] Bytes encode_mld(const Message& message, const IpAddress& source,
                               const IpAddress& destination);

/// Looks for the router alert option (value 0) in the body of a hop-by-hop header as the socket
/// delivers it with IPV6_RECVHOPOPTS: next header, length, options (RFC 2711).
[[nodiscard]] bool has_mld_router_alert(ByteSpan hop_by_hop);

}  // namespace hotpair::mcast::wire
