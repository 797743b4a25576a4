#pragma once

#include "mcast/wire/pim_address.h"

/// Bootstrap and Candidate-RP-Advertisement (RFC 5059 4.1, 4.2).
namespace hotpair::mcast::wire {

/// Bootstrap messages of which each fits its MTU.
struct PimBootstrapFragments {
  std::vector<PimBootstrap> fragments;  ///< at least one
  std::size_t rps_cut = 0;              ///< RPs beyond the 255 of a group range
};

/// Semantic fragments (RFC 5059 4.1.1) of a whole RP-Set, each an IP packet of at most `mtu` octets
/// (below the family's minimum MTU counts as that). RP counts are set here; a group range stays in
/// one fragment if it can. Every fragment of a scoped message begins with the range of its zone.
[[nodiscard]] PimBootstrapFragments fragment_bootstrap(const PimBootstrap& whole, std::size_t mtu);

/// The advertisements that tell about all ranges, each an IP packet of at most `mtu` octets.
[[nodiscard]] std::vector<PimCandidateRp> pack_candidate_rp(const PimCandidateRp& whole,
                                                            std::size_t mtu);

namespace pim {

/// `flags` is the second octet of the common header, which carries the No-Forward bit.
[[nodiscard]] Parsed<PimMessage> parse_bootstrap(ByteSpan body, Family family, std::uint8_t flags);
[[nodiscard]] Parsed<PimMessage> parse_candidate_rp(ByteSpan body, Family family);
/// One message; RPs beyond 255 of a range are cut: fragment first.
void write(ByteWriter& out, const PimBootstrap& message);
/// One message; more than 255 ranges are cut: pack first.
void write(ByteWriter& out, const PimCandidateRp& message);

}  // namespace pim
}  // namespace hotpair::mcast::wire
