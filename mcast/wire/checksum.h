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

}  // namespace hotpair::mcast::wire
