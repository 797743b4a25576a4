#include "mcast/wire/float_code.h"

namespace hotpair::mcast::wire {
namespace {

// With `m` bits of mantissa, 3 bits of exponent and one marker bit:
//   1 eee mmmm…   value = (1mmmm…) << (eee + 3)
template <unsigned m>
std::uint32_t decode(std::uint32_t code) {
  constexpr std::uint32_t kMarker = 1U << (m + 3);
  if (code < kMarker) return code;
  const std::uint32_t mantissa = (code & ((1U << m) - 1)) | (1U << m);
  const std::uint32_t exponent = (code >> m) & 7U;
  return mantissa << (exponent + 3);
}

template <unsigned m>
std::uint32_t encode(std::uint64_t value) {
  constexpr std::uint32_t kMarker = 1U << (m + 3);
  constexpr std::uint64_t kLargest = ((2ULL << m) - 1) << 10U;
  if (value < kMarker) return static_cast<std::uint32_t>(value);
  if (value > kLargest) value = kLargest;
  std::uint32_t exponent = 0;
  while ((value >> (exponent + 3)) >= (2ULL << m)) ++exponent;
  const auto mantissa = static_cast<std::uint32_t>((value >> (exponent + 3)) & ((1ULL << m) - 1));
  return kMarker | (exponent << m) | mantissa;
}

}  // namespace

std::uint32_t decode_code8(std::uint8_t code) { return decode<4>(code); }
std::uint8_t encode_code8(std::uint64_t value) {
  return static_cast<std::uint8_t>(encode<4>(value));
}
std::uint32_t decode_code16(std::uint16_t code) { return decode<12>(code); }
std::uint16_t encode_code16(std::uint64_t value) {
  return static_cast<std::uint16_t>(encode<12>(value));
}

}  // namespace hotpair::mcast::wire
