#pragma once

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <variant>
#include <vector>

#include "mcast/wire/pim_types.h"
#include "mcast/wire/scope_boundary.h"
#include "platform/base/address.h"
#include "platform/base/entropy.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// PIM sparse mode, version 2 (RFC 7761). See DESIGN.md.
namespace hotpair::mcast::pim {

// ---- constants of RFC 7761 4.11 ----

inline constexpr Duration kTriggeredHelloDelay = std::chrono::seconds(5);
inline constexpr Duration kJoinPrunePeriod = std::chrono::seconds(60);     ///< t_periodic
inline constexpr Duration kJoinPruneHoldtime = std::chrono::seconds(210);  ///< 3.5 x t_periodic
inline constexpr Duration kPropagationDelay = std::chrono::milliseconds(500);
inline constexpr Duration kOverrideInterval = std::chrono::milliseconds(2500);
inline constexpr Duration kAssertTime = std::chrono::seconds(180);
inline constexpr Duration kAssertOverride = std::chrono::seconds(3);

/// One on_timeout() of a machine runs at most this many items.
inline constexpr std::size_t kSliceItems = 1000;

using hotpair::Entropy;

/// One line of a join policy: trees that the routers of a link may ask for. (*,G) needs a line that
/// names no sources.
struct JoinPermit {
  IpPrefix groups;
  std::optional<IpPrefix> sources;
  friend auto operator<=>(const JoinPermit&, const JoinPermit&) = default;
};

/// `interface X` / `pim sm` as configured, for one family.
struct LinkConfig {
  LinkId link;
  VrfId vrf;
  IpAddress address;                 ///< primary: IPv4, or IPv6 link-local; unspecified: silent
  std::vector<IpAddress> secondary;  ///< told in the address list option
  std::uint32_t dr_priority = 1;
  Duration hello_period = std::chrono::seconds(30);
  std::optional<Duration> holdtime;  ///< absent: 3.5 x hello_period
  Duration propagation_delay = kPropagationDelay;
  Duration override_interval = kOverrideInterval;
  Duration join_prune_period = kJoinPrunePeriod;
  std::vector<IpPrefix> neighbour_filter;  ///< who may be a neighbour; empty: everybody
  std::uint32_t neighbours_max = 128;
  std::uint32_t entries_max = 100'000;  ///< downstream (*,G), (S,G) and (S,G,rpt) of the link
  std::optional<ScopeId> scope;         ///< whose role decides; absent: always live
  std::size_t mtu = 1500;               ///< of the link, in bytes, IP header included
  bool tracking = false;       ///< T bit (4.3.3): we can do without join suppression, if all can
  bool bidir = false;          ///< bidirectional PIM (RFC 5015), IPv4: told in Hellos, DF elections
  bool silent = false;         ///< hosts only: no PIM is sent or taken, what comes is counted
  bool require_genid = false;  ///< a Hello without generation id makes no neighbour
  std::vector<JoinPermit> join_policy;  ///< which Joins to take; empty: all
  wire::ScopeBoundary boundary;         ///< of these groups nothing is taken
  friend bool operator==(const LinkConfig&, const LinkConfig&) = default;
};

/// Mode of a scope on this node; a scope starts muted, a link without a scope is always live.
enum class LinkMode : std::uint8_t {
  muted,  ///< backup: hears, sends nothing
  live,
};

/// Names state of a tree. No source: (*,G). With `rpt`: (S,G,rpt), a source on the shared tree.
struct TreeKey {
  Group group;
  std::optional<IpAddress> source;
  bool rpt = false;
  friend bool operator==(const TreeKey& a, const TreeKey& b) { return (a <=> b) == 0; }
  /// By group, within it (*,G) first, then by source. Trees are looked up by it for every entry of
  /// a Join/Prune, so two IPv4 keys are compared as numbers.
  friend std::strong_ordering operator<=>(const TreeKey& a, const TreeKey& b) {
    if (a.group.address().is_v4() && b.group.address().is_v4()) {
      if (const auto order = number(a.group.address()) <=> number(b.group.address()); order != 0)
        return order;
      if (a.source && b.source && a.source->is_v4() && b.source->is_v4()) {
        if (const auto order = number(*a.source) <=> number(*b.source); order != 0) return order;
        return a.rpt <=> b.rpt;
      }
    } else if (const auto order = a.group <=> b.group; order != 0) {
      return order;
    }
    if (const auto order = a.source <=> b.source; order != 0) return order;
    return a.rpt <=> b.rpt;
  }

 private:
  [[nodiscard]] static std::uint32_t number(const IpAddress& ipv4) {
    std::uint32_t value = 0;
    std::memcpy(&value, ipv4.bytes().data(), sizeof value);
    return std::endian::native == std::endian::little ? std::byteswap(value) : value;
  }
};

/// What MRIB wants of the upstream router of a tree. At most one per (VRF, key); the last counts.
enum class UpstreamKind : std::uint8_t {
  none,   ///< nothing: a Prune goes out if there was a Join (for rpt: a Join if there was a Prune)
  join,   ///< keep it joined
  prune,  ///< rpt only: keep the source pruned off the shared tree
};

/// JoinDesired or PruneDesired (RFC 7761 4.5.4 to 4.5.6) together with RPF'.
struct UpstreamWish {
  VrfId vrf;
  TreeKey key;
  UpstreamKind kind = UpstreamKind::none;
  LinkId link;                         ///< RPF interface
  std::optional<IpAddress> neighbour;  ///< next hop as routing names it; absent: directly connected
  IpAddress rp;                        ///< of (*,G): the address in the source list entry
  friend bool operator==(const UpstreamWish&, const UpstreamWish&) = default;
};

/// What the routers of a link want of a group, as a whole; DESIGN.md. INCLUDE without a source:
/// nothing any more. Sources are sorted.
struct DownstreamView {
  LinkId link;
  Group group;
  bool shared_tree = false;        ///< EXCLUDE: (*,G) is joined
  std::vector<IpAddress> sources;  ///< shared_tree: pruned off it and not joined; else joined
  std::vector<IpAddress> joined;   ///< shared_tree: (S,G) that are joined beside it; else empty
  friend bool operator==(const DownstreamView&, const DownstreamView&) = default;
};

// ---- effects of the whole engine ----

/// Send on the link: to ALL-PIM-ROUTERS with TTL 1, from the link's primary address.
struct SendOnLink {
  LinkId link;
  wire::PimMessage message;
};
/// Send by unicast routing.
struct SendUnicast {
  VrfId vrf;
  IpAddress source;  ///< unspecified: the node's choice
  IpAddress destination;
  wire::PimMessage message;
};

enum class NeighbourGone : std::uint8_t { expired, goodbye, bfd, interface_down, filtered };

struct NeighbourUp {
  LinkId link;
  IpAddress address;
};
/// A new generation id: it lost its state (4.3.1). Joins to it go again within t_override.
struct NeighbourRestarted {
  LinkId link;
  IpAddress address;
};
struct NeighbourDown {
  LinkId link;
  IpAddress address;
  NeighbourGone reason{};
};
/// The designated router of a link changed. `self`: it is this router now.
struct DrChanged {
  LinkId link;
  IpAddress before;  ///< unspecified: none
  IpAddress now;
  bool self = false;
};

enum class Limit : std::uint8_t { neighbours, entries };
struct LimitReached {
  LinkId link;
  IpAddress from;
  Limit limit{};
};

}  // namespace hotpair::mcast::pim
