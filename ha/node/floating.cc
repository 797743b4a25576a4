#include "ha/node/floating.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "platform/base/bytes.h"

namespace hotpair::ha::node {
namespace {

constexpr std::size_t kNameMax = 15;  // IFNAMSIZ less the end
/// Whoever is asked by a link-local address answers out of this device, which needs the route.
constexpr std::uint8_t kLinkLocalLength = 64;
constexpr std::uint16_t kEtherArp = 0x0806;
constexpr std::uint16_t kEtherIpv6 = 0x86dd;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kNeighborAdvertisement = 136;
constexpr std::uint8_t kTargetLinkLayerAddress = 2;
constexpr std::uint8_t kRouterAndOverride = 0xa0;

/// FNV-1a: the same on every machine, which std::hash need not be.
std::uint32_t hash_of(ByteSpan bytes) {
  std::uint32_t hash = 2'166'136'261U;
  for (const std::byte each : bytes)
    hash = (hash ^ std::to_integer<std::uint32_t>(each)) * 16'777'619U;
  return hash;
}

const IpPrefix* first_of(std::span<const IpPrefix> addresses, Family family) {
  const auto found = std::ranges::find_if(
      addresses, [&](const IpPrefix& each) { return each.address.family() == family; });
  return found == addresses.end() ? nullptr : &*found;
}

std::uint32_t number_of(std::span<const IpPrefix> addresses) {
  if (const IpPrefix* ipv4 = first_of(addresses, Family::ipv4)) return ipv4->address.v4_value();
  const IpPrefix* ipv6 = first_of(addresses, Family::ipv6);
  return ipv6 == nullptr ? 0 : hash_of(ipv6->address.bytes());
}

IpAddress link_local_of(const MacAddress& mac) {
  const auto& m = mac.octets;
  const std::array<std::uint8_t, 16> bytes{
      0xfe, 0x80, 0,    0,    0,    0,    0,   0, static_cast<std::uint8_t>(m[0] ^ 2U),
      m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
  return *IpAddress::from_bytes(std::as_bytes(std::span(bytes)));  // 16 bytes: always one
}

void put(ByteWriter& writer, const MacAddress& mac) {
  for (const std::uint8_t octet : mac.octets) writer.u8(octet);
}

std::uint16_t checksum(ByteSpan source, ByteSpan destination, ByteSpan message) {
  std::uint32_t sum = static_cast<std::uint32_t>(message.size()) + kIcmpv6;
  for (const ByteSpan part : {source, destination, message})
    for (std::size_t i = 0; i + 1 < part.size(); i += 2)
      sum += (std::to_integer<std::uint32_t>(part[i]) << 8U) |
             std::to_integer<std::uint32_t>(part[i + 1]);
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

Bytes gratuitous_arp(const MacAddress& mac, const IpAddress& address) {
  constexpr MacAddress kEverybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
  Bytes frame;
  ByteWriter writer(frame);
  put(writer, kEverybody);
  put(writer, mac);
  writer.u16(kEtherArp);
  writer.u16(1);  // Ethernet
  writer.u16(0x0800);
  writer.u8(6);
  writer.u8(4);
  writer.u16(1);  // request: what every host takes an update from
  put(writer, mac);
  writer.bytes(address.bytes());
  put(writer, MacAddress{});
  writer.bytes(address.bytes());
  return frame;
}

Bytes advertisement(const MacAddress& mac, const IpAddress& address) {
  const IpAddress all_nodes = *IpAddress::parse("ff02::1");
  Bytes message;
  ByteWriter writer(message);
  writer.u8(kNeighborAdvertisement);
  writer.u8(0);
  writer.u16(0);
  writer.u8(kRouterAndOverride);
  writer.u8(0);
  writer.u16(0);
  writer.bytes(address.bytes());
  writer.u8(kTargetLinkLayerAddress);
  writer.u8(1);
  put(writer, mac);
  writer.patch_u16(2, checksum(address.bytes(), all_nodes.bytes(), message));
  Bytes frame;
  ByteWriter head(frame);
  put(head, MacAddress{{0x33, 0x33, 0, 0, 0, 1}});
  put(head, mac);
  head.u16(kEtherIpv6);
  head.u32(0x60000000U);
  head.u16(static_cast<std::uint16_t>(message.size()));
  head.u8(kIcmpv6);
  head.u8(255);
  head.bytes(address.bytes());
  head.bytes(all_nodes.bytes());
  head.bytes(message);
  return frame;
}

}  // namespace

std::string floating_device(std::string_view parent) {
  constexpr std::string_view kPrefix = "hpf-";
  if (kPrefix.size() + parent.size() <= kNameMax) return std::string(kPrefix) + std::string(parent);
  return fmt::format("{}{:08x}", kPrefix, hash_of(as_bytes(parent)));
}

std::uint32_t floating_number(std::span<const IpPrefix> addresses, VrfId vrf) {
  constexpr std::uint32_t kOdd = 0x9e37'79b1U;  // times this no two VRFs have the same number
  return number_of(addresses) ^ (vrf.value() * kOdd);
}

MacAddress floating_mac(std::span<const IpPrefix> addresses) {
  const bool ipv4 = first_of(addresses, Family::ipv4) != nullptr;
  const std::uint32_t number = number_of(addresses);
  const auto octet = [&](unsigned shift) {
    return static_cast<std::uint8_t>((number >> shift) & 0xffU);
  };
  return {{0x02, static_cast<std::uint8_t>(ipv4 ? 0x68 : 0x69), octet(24), octet(16), octet(8),
           octet(0)}};
}

std::vector<IpPrefix> floating_addresses(std::span<const IpPrefix> addresses) {
  std::vector<IpPrefix> all;
  bool link_local = first_of(addresses, Family::ipv6) == nullptr;
  for (const IpPrefix& each : addresses) {
    const bool local = each.address.is_link_local_unicast();
    const unsigned length = each.address.is_v4() ? 32 : local ? kLinkLocalLength : 128;
    all.push_back({each.address, static_cast<std::uint8_t>(length)});
    link_local |= local;
  }
  if (!link_local) all.push_back({link_local_of(floating_mac(addresses)), kLinkLocalLength});
  return all;
}

std::vector<std::string> announcements(std::span<const IpPrefix> addresses) {
  const MacAddress mac = floating_mac(addresses);
  std::vector<std::string> frames;
  for (const IpPrefix& each : floating_addresses(addresses)) {
    const Bytes frame =
        each.address.is_v4() ? gratuitous_arp(mac, each.address) : advertisement(mac, each.address);
    frames.emplace_back(as_text(frame));
  }
  return frames;
}

}  // namespace hotpair::ha::node
