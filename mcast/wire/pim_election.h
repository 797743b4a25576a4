#pragma once

#include "mcast/wire/pim_address.h"

/// Assert (RFC 7761 4.9.6) and DF election (RFC 5015 3.7): who forwards on a link.
namespace hotpair::mcast::wire::pim {

[[nodiscard]] Parsed<PimMessage> parse_assert(ByteSpan body, Family family);
/// `flags` is the second octet of the common header, which carries the subtype.
[[nodiscard]] Parsed<PimMessage> parse_df_election(ByteSpan body, Family family,
                                                   std::uint8_t flags);

/// A preference above 31 bits is sent as kPimPreferenceMax.
void write(ByteWriter& out, const PimAssert& message);
void write(ByteWriter& out, const PimDfElection& message);

}  // namespace hotpair::mcast::wire::pim
