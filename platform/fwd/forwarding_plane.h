#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/ids.h"
#include "platform/base/result.h"
#include "platform/base/time.h"

namespace hotpair::fwd {

/// Names one multicast route. No source means (*,G).
struct RouteKey {
  VrfId vrf;
  Group group;
  std::optional<IpAddress> source;
  friend auto operator<=>(const RouteKey&, const RouteKey&) = default;
};

/// One multicast route as the MRIB wants it.
///
/// (S,G) and (*,G) accept from `incoming` only. A packet of an (S,G) on any other link is a
/// WrongInterface, once in a while; of a (*,G) it is a WrongInterface on an outgoing link and a
/// NoRoute elsewhere. A negative route has no outgoing links: packets are dropped without a
/// NoRoute; the MRIB removes it when its time is over.
struct Route {
  RouteKey key;
  std::optional<LinkId> incoming;  ///< absent only in a negative route of an unknown RPF
  std::vector<LinkId> outgoing;    ///< sorted, without `incoming`
  friend bool operator==(const Route&, const Route&) = default;
};

struct SetRoute {
  Route route;
};
struct RemoveRoute {
  RouteKey key;
};
using RouteChange = std::variant<SetRoute, RemoveRoute>;

/// What became of one change, in the order of the delta. `error` empty: applied as asked.
struct AppliedChange {
  RouteKey key;
  std::optional<Error> error;
};

/// A link that may carry multicast: a VIF (IPv4) and a MIF (IPv6) in the kernel.
struct PlaneLink {
  LinkId link;
  std::string device;  ///< Linux name, e.g. "ge0-1-1"
  bool ipv4 = false;
  bool ipv6 = false;
  /// The register tunnel of PIM (RFC 7761 4.4), at most one; no device is looked up. As outgoing
  /// link it makes a WholePacket of each packet; on it arrives what is in Registers to this router.
  bool register_tunnel = false;
  VrfId vrf = {};  ///< whose routes may name it; one register tunnel a VRF
};

/// Packets, bytes and packets from the wrong interface since the route was set.
struct RouteCounters {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t wrong_interface = 0;
  friend bool operator==(const RouteCounters&, const RouteCounters&) = default;
};

/// A packet without a route arrived; answer at once with a route or a negative route.
struct NoRoute {
  VrfId vrf;
  LinkId link;
  IpAddress source;
  Group group;
};
/// A packet of a known (S,G) arrived on a link that is not its incoming one. The kernel tells it at
/// most once in three seconds for a route.
struct WrongInterface {
  VrfId vrf;
  LinkId link;
  IpAddress source;
  Group group;
};
/// A packet leaves by the register tunnel.
struct WholePacket {
  VrfId vrf;
  LinkId link;  ///< the register tunnel
  IpAddress source;
  Group group;
  Bytes packet;  ///< from its IP header, as it arrived: TTL or hop limit not yet lowered
};
/// The plane cannot take more: `what` is "vif", "mfc", …
struct CapacityReached {
  std::string what;
  std::size_t limit = 0;
  VrfId vrf{};  ///< whose tables they are
};
using PlaneEvent = std::variant<NoRoute, WrongInterface, WholePacket, CapacityReached>;

/// The data plane: takes a delta, answers with what was really applied, item by item. Every backend
/// (KernelPlane, AsicPlane, FakePlane) and every caller obeys: a route outlives the process that
/// set it, so a starting owner reads back and adopts before it changes anything.
class ForwardingPlane {
 public:
  virtual ~ForwardingPlane() = default;

  /// Makes the link usable in routes. Exhausted when the table is full (32 in the kernel). Adding a
  /// link again with another device or family set changes it in place, keeping its number.
  [[nodiscard]] virtual Result<void> add_link(const PlaneLink& link) = 0;
  /// Forgets the link; routes that name it must be gone before.
  [[nodiscard]] virtual Result<void> remove_link(LinkId link) = 0;
  /// Applies in order; the answer has one entry per change. Callers keep a delta at or below 512.
  [[nodiscard]] virtual std::vector<AppliedChange> apply(std::span<const RouteChange> delta) = 0;
  /// Every route in the plane, for adoption at start and audits; slow, never in the hot path.
  [[nodiscard]] virtual Result<std::vector<Route>> read_back() = 0;
  /// Counters in the order of the keys; nullopt where the plane has no such route.
  [[nodiscard]] virtual std::vector<std::optional<RouteCounters>> counters(
      std::span<const RouteKey> keys) = 0;
};

}  // namespace hotpair::fwd
