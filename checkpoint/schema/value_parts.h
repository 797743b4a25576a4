#pragma once

#include <optional>

#include "checkpoint/schema/capnp.h"
#include "platform/base/address.h"
#include "platform/base/bytes.h"

/// Bytes in values: addresses and messages.
namespace hotpair::checkpoint::schema {

[[nodiscard]] inline capnp::Data::Reader data_of(ByteSpan bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline ByteSpan span_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const std::byte*>(data.begin()), data.size()};
}

/// The family's unspecified address if there are no bytes; nullopt: of another family, or none.
[[nodiscard]] inline std::optional<IpAddress> address_of(Family family, capnp::Data::Reader data) {
  if (data.size() == 0) return IpAddress::any(family);
  const auto address = IpAddress::from_bytes(span_of(data));
  if (!address || address->family() != family) return std::nullopt;
  return *address;
}

}  // namespace hotpair::checkpoint::schema
