#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ha/config/pim_model.h"
#include "ha/config/setting.h"
#include "platform/base/address.h"

/// What there is once for each routing table: of the public instance and of VPN instances.
namespace hotpair::ha::config {

/// `static-rp RP [PREFIX] [preferred]` in view pim or pim-ipv6.
struct StaticRp {
  IpAddress rp;
  IpPrefix groups;         ///< 224.0.0.0/4 or ff00::/8 when no range is given
  bool preferred = false;  ///< beats what is learned for an equal range
  bool bidir = false;      ///< its groups are bidirectional; IPv4
  SourceLine line;
  friend bool operator==(const StaticRp&, const StaticRp&) = default;
};

/// Multicast of one instance.
struct PimInstance {
  Setting<bool> multicast_ipv4;               ///< `multicast routing-enable`
  Setting<bool> multicast_ipv6;               ///< `multicast ipv6 routing-enable`
  PimModel pim;                               ///< view pim
  PimModel pim_ipv6;                          ///< view pim-ipv6
  std::vector<StaticRp> static_rps;           ///< both families, IPv4 first
  std::vector<Setting<IpPrefix>> ssm_ranges;  ///< empty of a family: 232/8, ff3x::/32
  friend bool operator==(const PimInstance&, const PimInstance&) = default;

  [[nodiscard]] const PimModel& pim_of(Family family) const {
    return family == Family::ipv4 ? pim : pim_ipv6;
  }
};

/// As many as the reflex process keeps descriptors of.
inline constexpr std::size_t kVrfsMax = 24;
/// The kernel's "pim6reg" and the number are a device name.
inline constexpr std::uint32_t kRouteTableMax = 99'999'999;

/// View `ip vpn-instance NAME`, and `pim vpn-instance NAME`, which may stand before it.
struct VrfModel : PimInstance {
  std::string name;
  SourceLine line;
  Setting<bool> declared;        ///< there is an `ip vpn-instance`
  Setting<std::uint32_t> table;  ///< `route-table N`
  friend bool operator==(const VrfModel&, const VrfModel&) = default;
};

}  // namespace hotpair::ha::config
