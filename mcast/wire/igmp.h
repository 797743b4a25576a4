#pragma once

#include <expected>

#include "mcast/wire/gmp_packet.h"
#include "platform/base/bytes.h"

namespace hotpair::mcast::wire {

struct IgmpParseOptions {
  /// Refuse version 2 and 3 messages without router alert; version 1 has none (RFC 3376 4).
  bool require_router_alert = true;
};

/// Parses what a raw IGMP socket delivers: a whole IPv4 packet. Bytes beyond the IP total length
/// are ignored, bytes beyond the known fields too (they are covered by the checksum).
[[nodiscard]] std::expected<Packet, Reject> parse_igmp(ByteSpan ip_packet,
                                                       const IgmpParseOptions& options = {});

/// What a socket tells that has taken the IPv4 header off.
struct IgmpArrival {
  IpAddress source;
  IpAddress destination;
  std::uint8_t ttl = 0;
  bool router_alert = false;
};

/// Parses one IGMP message without its IPv4 header.
[[nodiscard]] std::expected<Packet, Reject> parse_igmp_message(
    ByteSpan igmp, const IgmpArrival& arrival, const IgmpParseOptions& options = {});

/// The IGMP message with its checksum, without IP header. Values that do not fit their field are
/// rounded down (times, float codes) or cut (sources, records); all groups must be IPv4.
[[nodiscard]] Bytes encode_igmp(const Message& message);

/// Puts an IPv4 header before an IGMP message: TTL 1, TOS 0xc0, with the router alert option or
/// without. For senders with their own header, tests and probes.
[[nodiscard]] Bytes wrap_igmp(ByteSpan igmp, const IpAddress& source, const IpAddress& destination,
                              bool router_alert);

}  // namespace hotpair::mcast::wire
