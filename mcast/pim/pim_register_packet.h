#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>

#include "mcast/pim/pim_register.h"

/// Internal to mcast/pim: the packet within a Register.
namespace hotpair::mcast::pim {

struct InnerPacket {
  std::size_t outer_size = 0;      ///< bytes of the IP packet that carries it in a Register
  std::uint8_t traffic_class = 0;  ///< DSCP and ECN
};

/// Makes of a packet as it arrived what goes into a Register: cut to its own length, TTL or hop
/// limit lowered by one (RFC 7761 4.4.1), IPv4 header checksum set. Refused, the packet is as it
/// was: data_malformed, data_ttl or data_too_large.
[[nodiscard]] std::expected<InnerPacket, RegisterIgnored> prepare_inner(Bytes& packet,
                                                                        const IpAddress& source,
                                                                        const Group& group);

/// An ICMPv6 Packet Too Big about a packet that prepare_inner() made, as it was before: type 2, the
/// MTU, and as much of the packet as keeps the error within 1280 octets (RFC 4443 3.2).
[[nodiscard]] Bytes packet_too_big(Bytes packet, std::uint32_t mtu);

}  // namespace hotpair::mcast::pim
