#pragma once

#include <cstdint>

#include "platform/base/address.h"
#include "platform/base/bytes.h"

namespace hotpair::mcast::wire {

/// RFC 1071 checksum; over a packet that carries a right one the answer is 0.
[[nodiscard]] std::uint16_t internet_checksum(ByteSpan bytes);

/// The same with the IPv6 pseudo header (RFC 8200 8.1) of a packet with next header `protocol`.
[[nodiscard]] std::uint16_t pseudo_checksum(const IpAddress& source, const IpAddress& destination,
                                            std::uint8_t protocol, ByteSpan payload);
/// The same with an upper-layer packet length that is not the payload's (PIM Register, RFC 7761
/// 4.9.3).
[[nodiscard]] std::uint16_t pseudo_checksum(const IpAddress& source, const IpAddress& destination,
                                            std::uint8_t protocol, ByteSpan payload,
                                            std::size_t upper_layer_length);

}  // namespace hotpair::mcast::wire
