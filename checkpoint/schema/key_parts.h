#pragma once

#include <optional>

#include "platform/base/address.h"
#include "platform/base/bytes.h"

/// What keys are made of. Every reader answers nullopt for what cannot be.
namespace hotpair::checkpoint::schema {

/// 4 or 16 bytes.
[[nodiscard]] std::optional<IpAddress> read_address(Family family, ByteReader& reader);
[[nodiscard]] std::optional<Group> read_group(Family family, ByteReader& reader);
/// Neither multicast nor unspecified.
[[nodiscard]] std::optional<IpAddress> read_source(Family family, ByteReader& reader);

/// Multicast, longer than nothing, no host bits.
[[nodiscard]] bool is_group_range(const IpPrefix& range);
/// Address, then its length.
void write_range(ByteWriter& writer, const IpPrefix& range);
/// Only what is_group_range() says.
[[nodiscard]] std::optional<IpPrefix> read_range(Family family, ByteReader& reader);

}  // namespace hotpair::checkpoint::schema
