#pragma once

#include "mcast/wire/pim_address.h"

/// Hello (RFC 7761 4.9.2). Bodies are what follows the four octets of the common header.
namespace hotpair::mcast::wire::pim {

[[nodiscard]] Parsed<PimMessage> parse_hello(ByteSpan body, Family family);
/// Options in ascending order of their type; secondary addresses beyond what an option can hold
/// (10922 IPv4, 3640 IPv6) are cut.
void write(ByteWriter& out, const PimHello& hello);

}  // namespace hotpair::mcast::wire::pim
