#pragma once

#include "mcast/wire/pim_address.h"

/// Join/Prune (RFC 7761 4.9.5).
namespace hotpair::mcast::wire {

/// Join/Prune messages of which each fits its MTU.
struct PimJoinPrunePack {
  std::vector<PimJoinPrune> messages;
  std::size_t rpt_prunes_cut = 0;  ///< (S,G,rpt) Prunes that no message could take
};

/// Spreads group sets over as many messages as needed, each an IP packet of at most `mtu` octets
/// (below the family's minimum MTU counts as that). The family is the upstream neighbour's. A (*,G)
/// Join and the (S,G,rpt) Prunes of its group stay in one group set; if not all fit into a message
/// of their own the numerically smallest go and the rest is cut (RFC 7761 4.9.5.2). Group sets
/// without sources are left out. Order is kept, but for those Prunes, which are sorted and come
/// first.
[[nodiscard]] PimJoinPrunePack pack_join_prune(PimJoinPrune wanted, std::size_t mtu);

namespace pim {

[[nodiscard]] Parsed<PimMessage> parse_join_prune(ByteSpan body, Family family);
/// One message; more than 255 groups and 65535 sources of a kind are cut: pack first.
void write(ByteWriter& out, const PimJoinPrune& message);

}  // namespace pim
}  // namespace hotpair::mcast::wire
