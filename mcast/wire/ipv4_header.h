#pragma once

#include <expected>

#include "platform/base/address.h"
#include "platform/base/bytes.h"

namespace hotpair::mcast::wire {

/// What makes bytes no IPv4 packet.
enum class Ipv4Fault : std::uint8_t { truncated, version, header_length, total_length };

struct Ipv4Header {
  IpAddress source;
  IpAddress destination;
  std::uint8_t ttl = 0;
  std::uint8_t protocol = 0;
  bool fragment = false;  ///< a part of a packet, whichever
  ByteSpan options;
  ByteSpan packet;   ///< from the header to the IP total length
  ByteSpan payload;  ///< the packet behind its header
};

/// Parses a packet as a raw IPv4 socket delivers it (RFC 791 3.1). Bytes beyond the IP total length
/// are left out; the header checksum is not looked at, the kernel has done so.
[[nodiscard]] std::expected<Ipv4Header, Ipv4Fault> parse_ipv4(ByteSpan packet);

}  // namespace hotpair::mcast::wire
