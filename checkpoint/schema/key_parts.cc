#include "checkpoint/schema/key_parts.h"

namespace hotpair::checkpoint::schema {

std::optional<IpAddress> read_address(Family family, ByteReader& reader) {
  const auto address = IpAddress::from_bytes(reader.take(family == Family::ipv4 ? 4 : 16));
  return address && reader.ok() ? std::optional(*address) : std::nullopt;
}

std::optional<Group> read_group(Family family, ByteReader& reader) {
  const auto address = read_address(family, reader);
  if (!address) return std::nullopt;
  const auto group = Group::from(*address);
  return group ? std::optional(*group) : std::nullopt;
}

std::optional<IpAddress> read_source(Family family, ByteReader& reader) {
  const auto address = read_address(family, reader);
  if (!address || address->is_multicast() || address->is_unspecified()) return std::nullopt;
  return address;
}

bool is_group_range(const IpPrefix& range) {
  const unsigned shortest = range.address.is_v4() ? 4 : 8;  // 224.0.0.0/4, ff00::/8
  return range.address.is_multicast() && range.length >= shortest &&
         range.length <= range.address.bits() && range == range.network();
}

void write_range(ByteWriter& writer, const IpPrefix& range) {
  writer.bytes(range.address.bytes());
  writer.u8(range.length);
}

std::optional<IpPrefix> read_range(Family family, ByteReader& reader) {
  const auto address = read_address(family, reader);
  const std::uint8_t length = reader.u8();
  if (!address || !reader.ok()) return std::nullopt;
  const IpPrefix range{*address, length};
  return is_group_range(range) ? std::optional(range) : std::nullopt;
}

}  // namespace hotpair::checkpoint::schema
