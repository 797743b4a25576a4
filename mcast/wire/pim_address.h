#pragma once

#include <expected>

#include "mcast/wire/pim_types.h"

/// Encoded addresses of PIM (RFC 7761 4.9.1) and what the bodies of its messages share.
namespace hotpair::mcast::wire::pim {

template <typename T>
using Parsed = std::expected<T, PimReject>;

/// Octets of an encoded unicast, group or source address.
[[nodiscard]] constexpr std::size_t unicast_size(Family family) {
  return family == Family::ipv4 ? 6 : 18;
}
[[nodiscard]] constexpr std::size_t prefix_size(Family family) { return unicast_size(family) + 2; }
inline constexpr std::size_t kHeaderSize = 4;

/// Family of the encoded address that comes next; nullopt if there is none or it is neither.
[[nodiscard]] std::optional<Family> next_family(const ByteReader& in);
/// Each reads one encoded address; one of another family or encoding is refused.
[[nodiscard]] Parsed<IpAddress> read_unicast(ByteReader& in, Family family);
[[nodiscard]] Parsed<PimGroupRange> read_range(ByteReader& in, Family family);
[[nodiscard]] Parsed<PimSource> read_source(ByteReader& in, Family family);
/// An encoded group that must be one multicast group.
[[nodiscard]] Parsed<Group> read_group(ByteReader& in, Family family);
/// An encoded unicast address that must be one (is_pim_unicast).
[[nodiscard]] Parsed<IpAddress> read_router(ByteReader& in, Family family);

void write_unicast(ByteWriter& out, const IpAddress& address);
void write_range(ByteWriter& out, const PimGroupRange& range);
void write_source(ByteWriter& out, const PimSource& source);

[[nodiscard]] PimMetric read_metric(ByteReader& in);
void write_metric(ByteWriter& out, const PimMetric& metric);

/// Common header with a checksum of zero; `flags` is its second octet.
void write_header(ByteWriter& out, std::uint8_t type, std::uint8_t flags = 0);

/// Octets for the PIM message in an IP packet of at most `mtu` octets without IP options. A link
/// below the family's minimum MTU (68, 1280) counts as that.
[[nodiscard]] std::size_t message_room(Family family, std::size_t mtu);

}  // namespace hotpair::mcast::wire::pim
