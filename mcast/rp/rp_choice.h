#pragma once

#include <cstdint>
#include <optional>

#include "platform/base/address.h"

namespace hotpair::mcast::rp {

/// Default hash mask length of a BSR: groups that differ in the last two bits share an RP
/// (RFC 5059 3, RFC 7761 4.7.2).
[[nodiscard]] std::uint8_t default_hash_mask_length(Family family);

/// Value(G, M, C) of RFC 7761 4.7.2, 31 bits: the RP with the largest one serves the group. The
/// group is masked first; IPv6 addresses are folded to 32 bits by XOR of their words. A mask longer
/// than the address counts as full.
[[nodiscard]] std::uint32_t rp_hash(const Group& group, std::uint8_t hash_mask_length,
                                    const IpAddress& rp);

/// The RP that an address of ff70::/12 names (RFC 3956 4): the first plen bits of the network
/// prefix, then zeros, then the RIID. None if plen is not 1 to 64, RIID is 0, a reserved bit is
/// set, the scope is link-local or narrower, or the result is no routable unicast address.
/// fff0::/12 is not read this way (RFC 3956 3).
[[nodiscard]] std::optional<IpAddress> embedded_rp(const Group& group);

}  // namespace hotpair::mcast::rp
