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

/// The multicast routing table that packets of an interface are looked up in: `ip mrule add iif X
/// lookup N`. Own rules bear RTPROT_MROUTED and are known by it after a restart; others stay.
class MulticastRules {
 public:
  /// Finds the rules that an earlier life made.
  [[nodiscard]] static Result<MulticastRules> open();

  /// Packets from `device` go to the tables of `vrf`; not the default one.
  [[nodiscard]] Result<void> add(const std::string& device, VrfId vrf, Family family);
  [[nodiscard]] Result<void> remove(const std::string& device, VrfId vrf, Family family);
  /// Removes the rules of the earlier life that no add() has asked for; answers how many.
  std::size_t remove_unclaimed();

  /// Rules of unicast routing with `iif` or `oif`; those of VRF devices are not among them.
  [[nodiscard]] Result<std::vector<InterfaceRule>> unicast(Family family);

 private:
  using Key = std::tuple<Family, std::string, VrfId>;
  explicit MulticastRules(NetlinkSocket netlink) : netlink_(std::move(netlink)) {}
  [[nodiscard]] Result<void> change(const Key& key, bool add);
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
