#include "mcast/wire/pim_address.h"

#include <algorithm>

namespace hotpair::mcast::wire::pim {
namespace {

constexpr std::uint8_t kBidirectionalBit = 0x80;
constexpr std::uint8_t kZoneBit = 0x01;
constexpr std::uint8_t kSparseBit = 0x04;
constexpr std::uint8_t kWildcardBit = 0x02;
constexpr std::uint8_t kRptBit = 0x01;

// IANA address family numbers.
std::uint8_t family_number(Family family) { return family == Family::ipv4 ? 1 : 2; }

std::uint8_t flag(bool set, std::uint8_t bit) { return set ? bit : std::uint8_t{0}; }

Parsed<void> read_kind(ByteReader& in, Family family, std::size_t size) {
  if (in.remaining() < size) return std::unexpected(PimReject::truncated);
  if (in.u8() != family_number(family)) return std::unexpected(PimReject::address_family);
  if (in.u8() != 0) return std::unexpected(PimReject::address_encoding);
  return {};
}

// Enough octets were checked before.
IpAddress read_address(ByteReader& in, Family family) {
  const auto address = IpAddress::from_bytes(in.take(family == Family::ipv4 ? 4 : 16));
  return address ? *address : IpAddress::any(family);
}

void write_kind(ByteWriter& out, const IpAddress& address) {
  out.u8(family_number(address.family()));
  out.u8(0);
}

}  // namespace

std::optional<Family> next_family(const ByteReader& in) {
  if (in.remaining() == 0) return std::nullopt;
  const auto number = std::to_integer<std::uint8_t>(in.rest().front());
  if (number == family_number(Family::ipv4)) return Family::ipv4;
  if (number == family_number(Family::ipv6)) return Family::ipv6;
  return std::nullopt;
}

//  |  Addr Family  | Encoding Type |     Unicast Address
Parsed<IpAddress> read_unicast(ByteReader& in, Family family) {
  if (const auto kind = read_kind(in, family, unicast_size(family)); !kind)
    return std::unexpected(kind.error());
  return read_address(in, family);
}

//  |  Addr Family  | Encoding Type |B| Reserved  |Z|  Mask Len     |
//  |                Group multicast Address
Parsed<PimGroupRange> read_range(ByteReader& in, Family family) {
  if (const auto kind = read_kind(in, family, prefix_size(family)); !kind)
    return std::unexpected(kind.error());
  const std::uint8_t flags = in.u8();
  PimGroupRange range;
  range.bidirectional = (flags & kBidirectionalBit) != 0;
  range.scope_zone = (flags & kZoneBit) != 0;
  range.reserved = static_cast<std::uint8_t>((flags >> 1U) & 0x3fU);
  range.mask_length = in.u8();
  range.address = read_address(in, family);
  return range;
}

//  |  Addr Family  | Encoding Type | Rsrvd   |S|W|R|  Mask Len     |
//  |                        Source Address
Parsed<PimSource> read_source(ByteReader& in, Family family) {
  if (const auto kind = read_kind(in, family, prefix_size(family)); !kind)
    return std::unexpected(kind.error());
  const std::uint8_t flags = in.u8();
  PimSource source;
  source.sparse = (flags & kSparseBit) != 0;
  source.wildcard = (flags & kWildcardBit) != 0;
  source.rpt = (flags & kRptBit) != 0;
  source.reserved = static_cast<std::uint8_t>(flags >> 3U);
  source.mask_length = in.u8();
  source.address = read_address(in, family);
  return source;
}

Parsed<Group> read_group(ByteReader& in, Family family) {
  const auto range = read_range(in, family);
  if (!range) return std::unexpected(range.error());
  const auto group = Group::from(range->address);
  if (!group) return std::unexpected(PimReject::group_not_multicast);
  if (range->mask_length != range->address.bits()) return std::unexpected(PimReject::mask_length);
  return *group;
}

Parsed<IpAddress> read_router(ByteReader& in, Family family) {
  auto address = read_unicast(in, family);
  if (address && !is_pim_unicast(*address)) return std::unexpected(PimReject::not_unicast);
  return address;
}

void write_unicast(ByteWriter& out, const IpAddress& address) {
  write_kind(out, address);
  out.bytes(address.bytes());
}

void write_range(ByteWriter& out, const PimGroupRange& range) {
  write_kind(out, range.address);
  out.u8(static_cast<std::uint8_t>(flag(range.bidirectional, kBidirectionalBit) |
                                   ((range.reserved & 0x3fU) << 1U) |
                                   flag(range.scope_zone, kZoneBit)));
  out.u8(range.mask_length);
  out.bytes(range.address.bytes());
}

void write_source(ByteWriter& out, const PimSource& source) {
  write_kind(out, source.address);
  out.u8(static_cast<std::uint8_t>(
      ((source.reserved & 0x1fU) << 3U) | flag(source.sparse, kSparseBit) |
      flag(source.wildcard, kWildcardBit) | flag(source.rpt, kRptBit)));
  out.u8(source.mask_length);
  out.bytes(source.address.bytes());
}

PimMetric read_metric(ByteReader& in) {
  const std::uint32_t preference = in.u32();
  return {.preference = preference, .metric = in.u32()};
}

void write_metric(ByteWriter& out, const PimMetric& metric) {
  out.u32(metric.preference);
  out.u32(metric.metric);
}

//  |PIM Ver| Type  |  Flag bits    |           Checksum            |
void write_header(ByteWriter& out, std::uint8_t type, std::uint8_t flags) {
  out.u8(static_cast<std::uint8_t>(0x20U | type));
  out.u8(flags);
  out.u16(0);
}

std::size_t message_room(Family family, std::size_t mtu) {
  return family == Family::ipv4 ? std::clamp<std::size_t>(mtu, 68, 65'535) - 20
                                : std::clamp<std::size_t>(mtu, 1280, 65'575) - 40;
}

}  // namespace hotpair::mcast::wire::pim
