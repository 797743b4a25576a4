#pragma once

#include "mcast/wire/pim_address.h"

/// Register and Register-Stop (RFC 7761 4.9.3, 4.9.4).
namespace hotpair::mcast::wire::pim {

/// The part of a Register that its checksum covers.
inline constexpr std::size_t kRegisterHeaderSize = 8;

/// The inner packet must be a whole one of the same family for a multicast group; whether that
/// group may be registered at all (link-local, SSM) is for the engine to judge.
[[nodiscard]] Parsed<PimMessage> parse_register(ByteSpan body, Family family);
[[nodiscard]] Parsed<PimMessage> parse_register_stop(ByteSpan body, Family family);
void write(ByteWriter& out, const PimRegister& message);
void write(ByteWriter& out, const PimRegisterStop& message);

}  // namespace hotpair::mcast::wire::pim
