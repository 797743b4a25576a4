#include <algorithm>

#include "platform/io/group_socket.h"

// IPv4 (RFC 791)                                IPv6 (RFC 8200) with hop-by-hop options
//  0  ver|ihl  tos   total length                0  ver|class|flow
//  4  id             flags|fragment              4  payload length   next=0  hop limit
//  8  ttl      proto header checksum             8  source, 24 destination
// 12  source   16 destination                   40  next=58  length  options (router alert 5,2,0,0)
// 20  options (router alert 148,4,0,0)           .. ICMPv6 type, code, checksum

namespace hotpair::platform::io {
namespace {

constexpr std::uint8_t kIgmp = 2;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kIpv4RouterAlert = 148;  // RFC 2113
constexpr std::uint8_t kIpv6RouterAlert = 5;    // RFC 2711

/// The sum of RFC 1071 before folding; an odd last octet is padded with zero.
std::uint32_t sum16(ByteSpan bytes, std::uint32_t sum = 0) {
  ByteReader reader(bytes);
  while (reader.remaining() >= 2) sum += reader.u16();
  if (reader.remaining() == 1) sum += static_cast<std::uint32_t>(reader.u8()) << 8U;
  return sum;
}

bool checksum_is_good(std::uint32_t sum) {
  while ((sum >> 16U) != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return sum == 0xffffU;
}

/// Walks IPv4 options; nullopt when one runs off the header.
std::optional<bool> ipv4_router_alert(ByteSpan options) {
  bool found = false;
  ByteReader reader(options);
  while (reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    if (type == 0) break;
    if (type == 1) continue;
    const std::uint8_t length = reader.u8();
    if (!reader.ok() || length < 2) return std::nullopt;
    reader.skip(length - 2U);
    if (!reader.ok()) return std::nullopt;
    found = found || (type == kIpv4RouterAlert && length == 4);
  }
  return found;
}

/// Walks IPv6 hop-by-hop options; nullopt when one runs off the header.
std::optional<bool> ipv6_router_alert(ByteSpan options) {
  bool found = false;
  ByteReader reader(options);
  while (reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    if (type == 0) continue;
    const std::uint8_t length = reader.u8();
    reader.skip(length);
    if (!reader.ok()) return std::nullopt;
    found = found || (type == kIpv6RouterAlert && length == 2);
  }
  return found;
}

using Parsed = std::variant<GroupPacket, GroupReject>;

Parsed parse_ipv4(ByteSpan packet) {
  ByteReader reader(packet);
  const std::uint8_t version = reader.u8();
  reader.skip(1);
  const std::uint16_t total = reader.u16();
  reader.skip(2);
  const std::uint16_t fragment = reader.u16();
  const std::uint8_t ttl = reader.u8();
  const std::uint8_t protocol = reader.u8();
  reader.skip(2);
  const ByteSpan source = reader.take(4);
  const ByteSpan destination = reader.take(4);
  if (!reader.ok()) return GroupReject::truncated;
  const std::size_t header = (version & 0xfU) * std::size_t{4};
  if ((version >> 4U) != 4 || header < 20) return GroupReject::bad_header;
  if (total < header || total > packet.size()) return GroupReject::truncated;
  if (protocol != kIgmp) return GroupReject::not_group;
  if (!checksum_is_good(sum16(packet.first(header)))) return GroupReject::bad_header;
  if ((fragment & 0x3fffU) != 0) return GroupReject::fragment;  // offset or more-fragments
  const std::optional<bool> alert = ipv4_router_alert(packet.subspan(20, header - 20));
  if (!alert) return GroupReject::bad_header;
  const ByteSpan message = packet.subspan(header, total - header);
  if (message.empty()) return GroupReject::truncated;
  if (!checksum_is_good(sum16(message))) return GroupReject::bad_checksum;
  return GroupPacket{{},
                     IpAddress::from_bytes(source).value(),
                     IpAddress::from_bytes(destination).value(),
                     ttl,
                     *alert,
                     to_bytes(message)};
}

Parsed parse_ipv6(ByteSpan packet) {
  ByteReader reader(packet);
  const std::uint8_t version = reader.u8();
  reader.skip(3);
  const std::uint16_t length = reader.u16();
  std::uint8_t next = reader.u8();
  const std::uint8_t hop_limit = reader.u8();
  const ByteSpan source = reader.take(16);
  const ByteSpan destination = reader.take(16);
  if (!reader.ok() || reader.remaining() < length) return GroupReject::truncated;
  if ((version >> 4U) != 6) return GroupReject::bad_header;
  ByteSpan message = reader.rest().first(length);
  bool alert = false;
  if (next == kHopByHop) {
    ByteReader extension(message);
    next = extension.u8();
    const std::size_t octets = 8U * (std::size_t{extension.u8()} + 1U);
    const ByteSpan options = extension.take(octets - 2);
    if (!extension.ok()) return GroupReject::truncated;
    const std::optional<bool> found = ipv6_router_alert(options);
    if (!found) return GroupReject::bad_header;
    alert = *found;
    message = extension.rest();
  }
  if (next == 44) return GroupReject::fragment;
  if (next != kIcmpv6) return GroupReject::not_group;
  if (message.size() < 4) return GroupReject::truncated;
  const auto type = std::to_integer<std::uint8_t>(message.front());
  if (!(type >= 130 && type <= 132) && type != 143) return GroupReject::not_group;
  const auto size = static_cast<std::uint32_t>(message.size());
  const std::uint32_t pseudo =
      sum16(source) + sum16(destination) + (size >> 16U) + (size & 0xffffU) + kIcmpv6;
  if (!checksum_is_good(sum16(message, pseudo))) return GroupReject::bad_checksum;
  return GroupPacket{{},
                     IpAddress::from_bytes(source).value(),
                     IpAddress::from_bytes(destination).value(),
                     hop_limit,
                     alert,
                     to_bytes(message)};
}

}  // namespace

std::variant<GroupPacket, GroupReject> parse_group_packet(Family family, ByteSpan packet) {
  return family == Family::ipv4 ? parse_ipv4(packet) : parse_ipv6(packet);
}

}  // namespace hotpair::platform::io
