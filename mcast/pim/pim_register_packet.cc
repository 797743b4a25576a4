#include "mcast/pim/pim_register_packet.h"

#include <algorithm>

#include "mcast/wire/checksum.h"
#include "mcast/wire/ipv4_header.h"

namespace hotpair::mcast::pim {
namespace {

constexpr std::size_t kRegisterHeader = 8;
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kLengthMax = 65535;  // of IPv4 packets and of IPv6 payloads

using Prepared = std::expected<InnerPacket, RegisterIgnored>;

Prepared prepare_v4(Bytes& packet, const IpAddress& source, const Group& group) {
  const auto ip = wire::parse_ipv4(packet);
  if (!ip || ip->source != source || ip->destination != group.address())
    return std::unexpected(RegisterIgnored::data_malformed);
  if (ip->ttl <= 1) return std::unexpected(RegisterIgnored::data_ttl);
  const std::size_t size = ip->packet.size();
  const std::size_t header = size - ip->payload.size();
  const std::size_t outer = size + kRegisterHeader + kIpv4Header;
  if (outer > kLengthMax) return std::unexpected(RegisterIgnored::data_too_large);
  packet.resize(size);
  packet[8] = static_cast<std::byte>(ip->ttl - 1);
  ByteWriter out(packet);
  out.patch_u16(10, 0);
  out.patch_u16(10, wire::internet_checksum(ByteSpan(packet).first(header)));
  return InnerPacket{outer, std::to_integer<std::uint8_t>(packet[1])};
}

Prepared prepare_v6(Bytes& packet, const IpAddress& source, const Group& group) {
  ByteReader in(packet);
  const std::uint16_t first = in.u16();
  in.skip(2);
  const std::size_t size = kIpv6Header + in.u16();
  in.skip(1);
  const std::uint8_t hop_limit = in.u8();
  const auto from = IpAddress::from_bytes(in.take(16));
  const auto to = IpAddress::from_bytes(in.take(16));
  if (!in.ok() || (first >> 12U) != 6 || size > packet.size() || from != source ||
      to != group.address())
    return std::unexpected(RegisterIgnored::data_malformed);
  if (hop_limit <= 1) return std::unexpected(RegisterIgnored::data_ttl);
  if (size + kRegisterHeader > kLengthMax) return std::unexpected(RegisterIgnored::data_too_large);
  packet.resize(size);
  packet[7] = static_cast<std::byte>(hop_limit - 1);
  return InnerPacket{size + kRegisterHeader + kIpv6Header,
                     static_cast<std::uint8_t>((first >> 4U) & 0xffU)};
}

}  // namespace

Prepared prepare_inner(Bytes& packet, const IpAddress& source, const Group& group) {
  return group.family() == Family::ipv4 ? prepare_v4(packet, source, group)
                                        : prepare_v6(packet, source, group);
}

Bytes packet_too_big(Bytes packet, std::uint32_t mtu) {
  constexpr std::size_t kMessageMax = 1280 - kIpv6Header;
  constexpr std::size_t kIcmpHeader = 8;
  packet[7] = static_cast<std::byte>(std::to_integer<unsigned>(packet[7]) + 1);  // hop limit
  Bytes message;
  ByteWriter out(message);
  out.u8(2);
  out.u8(0);
  out.u16(0);
  out.u32(mtu);
  out.bytes(ByteSpan(packet).first(std::min(packet.size(), kMessageMax - kIcmpHeader)));
  return message;
}

}  // namespace hotpair::mcast::pim
