#pragma once

#include <cstdint>

namespace hotpair::mcast::wire {

/// 8-bit code of IGMPv3 Max Resp Code and QQIC and MLDv2 QQIC (RFC 3376 4.1.1, 4.1.7):
/// below 128 the value itself, else (mant | 0x10) << (exp + 3). 0 to 31744.
[[nodiscard]] std::uint32_t decode_code8(std::uint8_t code);
/// The largest code whose value is not above `value`; saturates at 31744.
[[nodiscard]] std::uint8_t encode_code8(std::uint64_t value);

/// 16-bit code of MLDv2 Maximum Response Code (RFC 3810 5.1.3): below 32768 the value itself,
/// else (mant | 0x1000) << (exp + 3). 0 to 8387584.
[[nodiscard]] std::uint32_t decode_code16(std::uint16_t code);
/// The largest code whose value is not above `value`; saturates at 8387584.
[[nodiscard]] std::uint16_t encode_code16(std::uint64_t value);

}  // namespace hotpair::mcast::wire
