#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/kernel/netlink.h"

namespace hotpair::platform::kernel {

/// A rule of routing that chooses a table by an interface, as `ip rule`, `ip mrule` list it.
struct InterfaceRule {
  std::string device;
  std::uint32_t table = 0;
  bool outgoing = false;  ///< `oif`; else `iif`
  friend auto operator<=>(const InterfaceRule&, const InterfaceRule&) = default;
};

/// The routing table that packets of an interface are looked up in: of multicast `ip mrule add iif
/// X lookup N`; of unicast, for hotpair's own devices alone, `ip rule add iif X lookup N`, `oif`.
/// Own rules bear RTPROT_MROUTED and are known by it after a restart; others stay.
class RoutingRules {
 public:
  /// Finds the rules for multicast that an earlier life made.
  [[nodiscard]] static Result<RoutingRules> open();

  /// Packets from `device` go to the tables of `vrf`; not the default one.
  [[nodiscard]] Result<void> add(const std::string& device, VrfId vrf, Family family);
  [[nodiscard]] Result<void> remove(const std::string& device, VrfId vrf, Family family);
  /// Removes the rules for multicast of the earlier life that no add() has asked for; answers how
  /// many.
  std::size_t remove_unclaimed();

  /// Unicast packets that come or go by the device use the table of `vrf`; of the default one: as
  /// if it had no rules. Those that somebody else made for it stay.
  [[nodiscard]] Result<void> set_unicast(const std::string& device, VrfId vrf);
  /// Rules of unicast routing with `iif` or `oif`; those of VRF devices are not among them.
  [[nodiscard]] Result<std::vector<InterfaceRule>> unicast(Family family);

 private:
  using Key = std::tuple<Family, std::string, VrfId>;
  explicit RoutingRules(NetlinkSocket netlink) : netlink_(std::move(netlink)) {}
  [[nodiscard]] Result<void> change(unsigned char family, const InterfaceRule& rule, bool add);
  struct Found {
    InterfaceRule rule;
    bool own = false;
  };
  [[nodiscard]] Result<std::vector<Found>> list(unsigned char family);

  NetlinkSocket netlink_;
  std::set<Key> own_;        // in the kernel
  std::set<Key> unclaimed_;  // of an earlier life
};

}  // namespace hotpair::platform::kernel
