#include "mcast/wire/checksum.h"

namespace hotpair::mcast::wire {
namespace {

std::uint64_t sum(ByteSpan bytes) {
  std::uint64_t total = 0;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2)
    total += (std::to_integer<std::uint64_t>(bytes[i]) << 8U) |
             std::to_integer<std::uint64_t>(bytes[i + 1]);
  if (i < bytes.size()) total += std::to_integer<std::uint64_t>(bytes[i]) << 8U;
  return total;
}

std::uint16_t fold(std::uint64_t total) {
  while ((total >> 16U) != 0) total = (total & 0xffffU) + (total >> 16U);
  return static_cast<std::uint16_t>(~total & 0xffffU);
}

}  // namespace

std::uint16_t internet_checksum(ByteSpan bytes) { return fold(sum(bytes)); }

std::uint16_t pseudo_checksum(const IpAddress& source, const IpAddress& destination,
                              std::uint8_t protocol, ByteSpan payload) {
  return pseudo_checksum(source, destination, protocol, payload, payload.size());
}

std::uint16_t pseudo_checksum(const IpAddress& source, const IpAddress& destination,
                              std::uint8_t protocol, ByteSpan payload,
                              std::size_t upper_layer_length) {
  return fold(sum(source.bytes()) + sum(destination.bytes()) + upper_layer_length + protocol +
              sum(payload));
}

}  // namespace hotpair::mcast::wire
