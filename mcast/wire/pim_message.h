#pragma once

#include <expected>

#include "mcast/wire/pim_types.h"

namespace hotpair::mcast::wire {

/// What a socket tells beside a PIM message: addresses of one family, TTL or hop limit.
struct PimArrival {
  IpAddress source;
  IpAddress destination;
  std::uint8_t ttl = 0;
};

/// Parses what a raw IPv4 socket for protocol 103 delivers: a whole IPv4 packet. Destination and
/// TTL are reported, not judged (delivery_of). Bytes beyond the IP total length are ignored, bytes
/// beyond the last field too (they are covered by the checksum). A Register's `packet` is a view
/// into `ip_packet`.
[[nodiscard]] std::expected<PimPacket, PimReject> parse_pim_ipv4(ByteSpan ip_packet);

/// Parses one PIM message without its IP header, as a raw IPv6 socket delivers it. The checksum is
/// looked at: the kernel cannot, since that of a Register covers its first 8 octets only, or all.
[[nodiscard]] std::expected<PimPacket, PimReject> parse_pim(ByteSpan pim,
                                                            const PimArrival& arrival);

/// The PIM message with its checksum, without IP header, for the packet's source and destination.
/// All addresses in it must be of their family. Values beyond their field are cut, see write() of
/// each body; messages made by the packing functions are within all limits.
[[nodiscard]] Bytes encode_pim(const PimMessage& message, const IpAddress& source,
                               const IpAddress& destination);

}  // namespace hotpair::mcast::wire
