#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "mcast/mrib/mrib_admission.h"
#include "mcast/mrib/mrib_records.h"
#include "mcast/wire/scope_boundary.h"
#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"
#include "platform/fwd/forwarding_plane.h"

namespace hotpair::mcast::mrib {

/// RFC 3376 section 3: what the hosts of a link ask for.
enum class FilterMode : std::uint8_t { include, exclude };

/// Who wants something of a group on a link. All are united: RFC 7761 4.1.6.
enum class Origin : std::uint8_t {
  hosts,         ///< IGMP and MLD: pim_include, pim_exclude
  shared_tree,   ///< joins(*,G) less prunes(S,G,rpt): EXCLUDE{pruned}
  source_trees,  ///< joins(S,G): INCLUDE{joined}
  flooding,      ///< dense groups: EXCLUDE{}, see Mrib::set_flooding()
};
inline constexpr std::size_t kOrigins = 4;

/// What one link wants of one group. INCLUDE with no source means "nothing": the group is left.
struct Membership {
  FilterMode mode = FilterMode::include;
  std::vector<IpAddress> sources;  ///< INCLUDE: wanted, EXCLUDE: blocked; in any order
  friend bool operator==(const Membership&, const Membership&) = default;
};

/// A link that may carry multicast routes. `scope` is the RBP whose view binds it; uplinks have
/// none. Routes are the same whatever the scope's role: the gate in the plane makes the difference.
struct LinkConfig {
  LinkId link;
  VrfId vrf;
  bool ipv4 = false;
  bool ipv6 = false;
  std::optional<ScopeId> scope;
  bool pim_ipv4 = false;  ///< has PIM routers to ask: trees are joined upstream by UpstreamChanged
  bool pim_ipv6 = false;
  /// I_am_DR (RFC 7761 4.3.2): this router forwards to the link's hosts and registers its sources.
  /// A scope's link always serves its hosts (the gate decides), its sources while active.
  bool serves_hosts_ipv4 = true;
  bool serves_hosts_ipv6 = true;
  /// Its device is not there: what is wanted on it is kept for its return, nothing is routed by it.
  bool away = false;
  /// What is wanted of these groups on the link is kept, and nothing of them is routed by it.
  wire::ScopeBoundary boundary;
  friend bool operator==(const LinkConfig&, const LinkConfig&) = default;
};

/// I_am_DR of the link, or what stands for it.
[[nodiscard]] inline bool serves_hosts(const LinkConfig& link, Family family) {
  if (link.scope) return true;
  return family == Family::ipv4 ? link.serves_hosts_ipv4 : link.serves_hosts_ipv6;
}

/// Of the family, and an address that packets may be routed from.
[[nodiscard]] inline bool is_routable_source(const IpAddress& source, Family family) {
  return source.family() == family && !source.is_unspecified() && !source.is_multicast() &&
         !source.is_loopback() && !source.is_link_local_unicast();
}

/// The unicast route towards a target, as the node's own kernel has it now.
struct RpfAnswer {
  LinkId link;
  std::optional<IpAddress> neighbour;  ///< absent when the target is connected or local
  std::uint32_t metric = 0;
  bool connected = false;
  bool local = false;            ///< the target is an address of this router
  std::uint32_t preference = 0;  ///< administrative distance, for asserts
  /// Of a local target: the link that its address stands on, unless it is a loopback. The RP link
  /// of bidirectional groups (RFC 5015 2.1).
  std::optional<LinkId> home;
  friend bool operator==(const RpfAnswer&, const RpfAnswer&) = default;
};

/// What PIM's assert machine says of a tree on a link (RFC 7761 4.6); all defaults: no state.
struct AssertState {
  bool lost = false;  ///< lost_assert(*,G) or lost_assert(S,G)
  bool winner_is_us = false;
  std::optional<IpAddress> winner;  ///< another router; it is RPF' where the link is the RPF's
  bool sets_spt = false;            ///< action A6 of 4.6.1: SPTbit(S,G), if joined
  friend bool operator==(const AssertState&, const AssertState&) = default;
};

/// Whether this node is master of a scope, as far as records go. Routes do not depend on it.
enum class ScopeMode : std::uint8_t { standby, active };

/// When a last-hop router joins the tree of a source whose packets come by the shared tree
/// (SwitchToSptDesired, RFC 7761 4.2.1).
struct SptPolicy {
  bool never = false;
  std::uint32_t threshold_kbps = 0;  ///< of a source, kbit/s; 0: at its first packet
  friend bool operator==(const SptPolicy&, const SptPolicy&) = default;
};

struct Config {
  /// How long a negative route answers for the plane.
  Duration negative_time = std::chrono::seconds(60);
  std::size_t negative_max = 10'000;
  /// RFC 7761 4.11 Keepalive_Period: an (S,G) made by traffic ends when traffic ceased so long.
  Duration keepalive = std::chrono::seconds(210);
  /// How often they are read while a rate decides about the source's tree (SptPolicy).
  Duration rate_interval = std::chrono::seconds(15);
  /// How often the counters of (S,G) made by traffic are read.
  Duration counter_interval = std::chrono::seconds(30);
  /// An upcall whose RPF answer has not come by then gets a negative route.
  Duration rpf_patience = std::chrono::milliseconds(100);
  /// (S,G) made by traffic, negative ones included.
  std::size_t data_driven_max = 100'000;
  /// Token buckets for upcalls: per link, and per (link, source).
  std::uint32_t upcalls_per_link_s = 20'000;
  std::uint32_t upcalls_per_source_s = 5'000;
  /// First wait before a change that the plane refused is tried again; doubles up to `retry_max`.
  Duration retry_min = std::chrono::seconds(1);
  Duration retry_max = std::chrono::seconds(60);
  /// After the activation of a scope: reservations that no state claims by then are released.
  Duration reservation_hold = std::chrono::seconds(15);
};

// ---- effects ----

inline constexpr std::size_t kDeltaMax = 256;   ///< changes in a PlaneDelta, keys in AskCounters
inline constexpr std::size_t kSliceMax = 1000;  ///< items that one on_timeout() works on

/// Apply to the forwarding plane and answer with on_applied() before the next input.
struct PlaneDelta {
  std::vector<fwd::RouteChange> changes;
};
/// Look up the unicast route to `target`; answer with on_rpf(), at once or later.
struct AskRpf {
  VrfId vrf;
  IpAddress target;
};
/// Read the plane's counters of these routes; answer with on_counters().
struct AskCounters {
  std::vector<fwd::RouteKey> keys;
};
/// Journal the record in its scope (only for scopes that are active here).
struct RecordChanged {
  DataDrivenEvent record;
};
struct RecordRemoved {
  DataDrivenKey key;
};
/// No route in the plane names the removed link any more: the plane may forget it.
struct LinkReleased {
  LinkId link;
};

/// What the upstream router of a tree is to do.
enum class Wish : std::uint8_t {
  none,   ///< nothing (any more)
  join,   ///< JoinDesired (RFC 7761 4.5.4, 4.5.5)
  prune,  ///< PruneDesired of (S,G,rpt) (4.5.6)
};
/// A wish changed, or the way that it goes: RPF interface, next hop, RP. The last of a key counts.
struct UpstreamChanged {
  VrfId vrf;
  Group group;
  std::optional<IpAddress> source;  ///< absent: (*,G)
  bool rpt = false;                 ///< (S,G,rpt)
  Wish wish = Wish::none;
  LinkId link;          ///< of a wish: RPF_interface
  IpAddress neighbour;  ///< of a wish: the next hop as routing names it
  IpAddress rp;         ///< of a wish for (*,G) or (S,G,rpt)
  friend bool operator==(const UpstreamChanged&, const UpstreamChanged&) = default;
};
/// What the assert machine must know of a tree on a link with PIM. Without `could_assert` and
/// `tracking_desired`: nothing any more, the rest has no meaning.
struct AssertFactsChanged {
  LinkId link;
  Group group;
  std::optional<IpAddress> source;  ///< absent: (*,G)
  bool could_assert = false;        ///< CouldAssert (RFC 7761 4.6.1, 4.6.2)
  bool tracking_desired = false;    ///< AssertTrackingDesired
  bool rpf_interface = false;       ///< the link is RPF_interface(S), of (*,G) of the RP
  std::uint32_t preference = 0;     ///< of the unicast route to S, of (*,G) to the RP
  std::uint32_t metric = 0;
  friend bool operator==(const AssertFactsChanged&, const AssertFactsChanged&) = default;
};
/// An RP of bidirectional groups, told with each change of the way to it, its metric included.
struct BidirRpChanged {
  VrfId vrf;
  IpAddress rp;
  bool gone = false;             ///< no bidirectional group has it any more
  std::optional<RpfAnswer> way;  ///< absent: unicast routing has none
  friend bool operator==(const BidirRpChanged&, const BidirRpChanged&) = default;
};
/// CouldRegister(S,G) of RFC 7761 4.4.1 turned: this router is the first hop of an active source
/// whose RP is another router. Told again with another RP.
struct RegisterChanged {
  VrfId vrf;
  Group group;
  IpAddress source;
  IpAddress rp;
  bool could_register = false;
  friend bool operator==(const RegisterChanged&, const RegisterChanged&) = default;
};
using Effect =
    std::variant<PlaneDelta, AskRpf, AskCounters, RecordChanged, RecordRemoved, LinkReleased,
                 UpstreamChanged, AssertFactsChanged, RegisterChanged, BidirRpChanged,
                 ReservationChanged, ReservationRemoved, LimitDenied, LimitThreshold>;

// ---- counters ----

/// Why an input was dropped, or what happened to a route; indices of Counters.
enum class Count : std::uint8_t {
  upcalls,                ///< packets without a route that asked for one
  upcall_limited_link,    ///< ignored: too many upcalls of one link
  upcall_limited_source,  ///< ignored: too many upcalls of one source on one link
  upcall_limited_table,   ///< ignored: data_driven_max reached and nothing to evict
  upcall_link_local,      ///< ignored: the group is never routed
  upcall_bad_source,      ///< ignored: no unicast source, or the other family
  upcall_unknown_link,    ///< ignored: the link is not configured for this family
  negative_made,          ///< negative routes set
  negative_expired,       ///< negative routes whose time was over
  negative_evicted,       ///< negative routes removed because of negative_max
  wrong_interface,        ///< packets of a known (S,G) on a link that is not its incoming one
  membership_ignored,     ///< memberships of links that are not configured for the family
  expired,                ///< (S,G) made by traffic that ended for lack of it
  adopted,                ///< routes found in the plane at start
  plane_failed,           ///< changes that the plane refused
  plane_lost,             ///< routes that the plane turned out not to have
  register_ignored,       ///< registered sources that cannot be: link-local group, table full
  record_ignored,         ///< records that cannot be: link-local group, foreign family, no scope
  reservation_ignored,    ///< reservations of links that this node decides itself, or too many
  kCount
};
using Counters = std::array<std::uint64_t, static_cast<std::size_t>(Count::kCount)>;
/// The name as `display multicast forwarding-table statistics` prints it.
[[nodiscard]] const char* to_string(Count count);

}  // namespace hotpair::mcast::mrib
