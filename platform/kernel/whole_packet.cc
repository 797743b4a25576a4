#include "platform/kernel/whole_packet.h"

#include <netinet/in.h>

#include <optional>

namespace hotpair::platform::kernel {
namespace {

constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kUdpChecksum = 6;

std::uint64_t sum(ByteSpan bytes) {
  ByteReader in(bytes);
  std::uint64_t total = 0;
  while (in.remaining() >= 2) total += in.u16();
  if (in.remaining() == 1) total += std::uint64_t{in.u8()} << 8U;
  return total;
}

std::uint16_t fold(std::uint64_t total) {
  while ((total >> 16U) != 0) total = (total & 0xffffU) + (total >> 16U);
  return static_cast<std::uint16_t>(total);
}

struct Udp {
  std::size_t at = 0;  ///< in the packet
  std::size_t size = 0;
  ByteSpan addresses;
};

std::optional<Udp> find_udp(ByteSpan packet) {
  ByteReader in(packet);
  const std::uint8_t first = in.u8();
  Udp udp;
  if ((first >> 4U) == 4) {
    udp.at = std::size_t{4} * (first & 0xfU);
    in.skip(5);
    const bool fragment = (in.u16() & 0x3fffU) != 0;
    in.skip(1);
    if (in.u8() != IPPROTO_UDP || fragment || udp.at < sizeof(std::uint32_t) * 5)
      return std::nullopt;
    in.skip(2);
    udp.addresses = in.take(8);
  } else {
    udp.at = 40;
    in.skip(5);
    if (in.u8() != IPPROTO_UDP) return std::nullopt;
    in.skip(1);
    udp.addresses = in.take(32);
  }
  if (!in.ok() || packet.size() < udp.at + kUdpHeader) return std::nullopt;
  ByteReader header(packet.subspan(udp.at));
  header.skip(4);
  udp.size = header.u16();
  if (udp.size < kUdpHeader || udp.size > packet.size() - udp.at) return std::nullopt;
  return udp;
}

}  // namespace

void finish_checksum(Bytes& packet) {
  const std::optional<Udp> udp = find_udp(packet);
  if (!udp) return;
  const ByteSpan datagram = ByteSpan(packet).subspan(udp->at, udp->size);
  const std::uint64_t pseudo = sum(udp->addresses) + IPPROTO_UDP + udp->size;
  ByteReader field(datagram.subspan(kUdpChecksum));
  const std::uint64_t whole = sum(datagram);
  if (field.u16() != fold(pseudo) || fold(pseudo + whole) == 0xffff) return;
  // The sum of the pseudo header is in the field already.
  const auto checksum = static_cast<std::uint16_t>(~fold(whole));
  ByteWriter(packet).patch_u16(udp->at + kUdpChecksum, checksum == 0 ? 0xffff : checksum);
}

}  // namespace hotpair::platform::kernel
