#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/kernel/netlink.h"

/// Which devices a multicast routing table has as VIFs or MIFs.
namespace hotpair::platform::kernel {

/// VIFs and MIFs of one table: the kernel's MAXVIFS and MAXMIFS.
inline constexpr std::size_t kVifsMax = 32;

struct ListedVif {
  std::size_t number = 0;
  Ifindex interface;  ///< 0: its device is leaving
};

/// The kernel's number of the multicast routing table of a VRF: 253 and 254 are the default ones.
[[nodiscard]] std::uint32_t multicast_table(VrfId vrf, Family family);
/// "pimreg", "pim6reg10": the device of a table's register tunnel.
[[nodiscard]] std::string register_device(VrfId vrf, Family family);

/// Of the default tables, both families.
[[nodiscard]] std::vector<ListedVif> list_default_vifs(Family family);
/// Of the IPv4 table of a VRF.
[[nodiscard]] std::vector<ListedVif> list_vifs_of_vrf(NetlinkSocket& netlink, VrfId vrf);
/// The MIF numbers in use of the IPv6 table whose owner socket this is.
[[nodiscard]] std::vector<std::size_t> used_mifs(int owner);
/// The devices of those numbers, of the IPv6 table of a VRF. The kernel lists no MIFs of such a
/// table, but a route says which devices its outgoing MIFs have: one of an address that no packet
/// has is set and removed.
[[nodiscard]] std::vector<ListedVif> list_mifs_of_vrf(NetlinkSocket& netlink, int owner, VrfId vrf,
                                                      std::span<const std::size_t> numbers);

}  // namespace hotpair::platform::kernel
