#pragma once

#include <cstdint>
#include <optional>

#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/kernel/netlink.h"

namespace hotpair::platform::kernel {

/// The kernel's way towards an address: the RPF interface and neighbour (RFC 7761 4.1.6,
/// RPF_interface).
struct UnicastRoute {
  Ifindex interface;
  std::optional<IpAddress> next_hop;  ///< absent: directly connected, or local
  std::uint32_t metric = 0;           ///< route priority; smaller is better
  bool local = false;                 ///< the address is one of this node's own
  /// Administrative distance by who made the route, in the field's usual values: connected 0,
  /// static 1, BGP 20, EIGRP 90, OSPF 110, IS-IS 115, RIP 120, others 255. An Assert tells it
  /// (RFC 7761 4.6.3).
  std::uint32_t preference = 0;
  /// The address is in a subnet of the interface.
  [[nodiscard]] bool connected() const { return !next_hop && !local; }
  friend bool operator==(const UnicastRoute&, const UnicastRoute&) = default;
};

/// Reads the kernel's unicast routes (never writes them) and tells when any of them changed.
class RouteLookup {
 public:
  [[nodiscard]] static Result<RouteLookup> open();

  /// `not_found` when there is no route, or only a blackhole, unreachable or prohibit route. With
  /// equal-cost next hops the numerically largest one is answered, always the same.
  [[nodiscard]] Result<UnicastRoute> lookup(const IpAddress& address);

  /// Readable when unicast routes changed.
  [[nodiscard]] int descriptor() const { return events_.descriptor(); }
  /// Drains at most `max` datagrams; true if any unicast route changed since the last call.
  [[nodiscard]] bool poll_changed(std::size_t max = 256);

 private:
  RouteLookup(NetlinkSocket events, NetlinkSocket requests)
      : events_(std::move(events)), requests_(std::move(requests)) {}
  NetlinkSocket events_;
  NetlinkSocket requests_;
};

}  // namespace hotpair::platform::kernel
