#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ha/cli/public_instance.h"
#include "mcast/pim/pim_df.h"
#include "mcast/pim/pim_join_prune_show.h"
#include "mcast/pim/pim_neighbours.h"
#include "mcast/rp/rp_show.h"
#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// What the displays of PIM show, as plain structs; see models.h.
namespace hotpair::ha::cli {

// ---- display pim neighbor ----

struct PimNeighbor {
  std::string interface;
  mcast::pim::NeighbourRow row;
};
struct PimNeighborsModel {
  Family family = Family::ipv4;
  std::vector<PimNeighbor> neighbors;  ///< sorted by link, then address
  std::string instance = kPublicInstance;
};

// ---- display pim interface, display pim control-message counters ----

/// Messages of one type on one interface.
struct PimMessageCount {
  std::string name;  ///< "Hello", "Join/Prune", …
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
};
struct PimInterface {
  std::string name;
  bool up = true;
  bool bsr_boundary = false;
  bool floating = false;  ///< `pim identity floating`: the address is that of the pair
  bool tracking = false;  ///< configured, as the next two are
  Duration propagation_delay{};
  Duration override_interval{};
  mcast::pim::PimInterfaceRow row;
  std::vector<PimMessageCount> messages;
  std::vector<std::pair<std::string, std::uint64_t>> ignored;  ///< reason, count; zero left out
};
struct PimInterfacesModel {
  Family family = Family::ipv4;
  std::vector<PimInterface> interfaces;
  /// Of all links together: why Registers, Register-Stops and data to register changed nothing.
  std::vector<std::pair<std::string, std::uint64_t>> registers_ignored;
  std::string instance = kPublicInstance;
};

// ---- display pim df-info ----

struct PimDf {
  std::string interface;
  mcast::pim::DfRow row;
};
struct PimDfModel {
  std::vector<PimDf> elections;  ///< by RP, then link
  std::string instance = kPublicInstance;
};

// ---- display pim routing-table ----

/// Whom an outgoing interface is there for; the tunnel carries Registers (RFC 7761 4.4.1).
enum class PimDownstreamOf : std::uint8_t { hosts, routers, register_tunnel };
/// One outgoing interface of a tree, and why it is one.
struct PimDownstream {
  std::string interface;
  PimDownstreamOf of = PimDownstreamOf::hosts;
  std::optional<Duration> expires;  ///< by routers; absent: never
  std::optional<ScopeId> scope;     ///< whose gate decides; absent: no gate
  bool gate_open = true;
};
struct PimRoute {
  std::optional<IpAddress> source;  ///< absent: (*,G)
  IpAddress group;
  std::optional<IpAddress> rp;  ///< absent: none, or a source-specific group
  bool rp_is_local = false;
  bool source_specific = false;                ///< a group of SSM
  bool bidir = false;                          ///< a bidirectional group (RFC 5015)
  std::optional<Duration> uptime;              ///< absent: not in the plane
  std::optional<std::string> upstream;         ///< interface; absent: RPF unknown
  std::optional<IpAddress> upstream_neighbor;  ///< next hop as routing names it
  std::optional<IpAddress> rpf_prime;          ///< RPF' (RFC 7761 4.1.6): whom Joins go to
  bool by_assert = false;                      ///< RPF' is the winner of an assert
  mcast::pim::UpstreamState state = mcast::pim::UpstreamState::not_joined;
  std::optional<Duration> next_join;
  bool pruned_off_shared_tree = false;  ///< (S,G,rpt) is pruned
  bool active = false;                  ///< made or kept by traffic
  bool installed = true;                ///< the plane confirmed it
  std::vector<PimDownstream> downstreams;

  /// Packets come by the source's own tree.
  [[nodiscard]] bool on_source_tree() const {
    using State = mcast::pim::UpstreamState;
    return source && (state == State::joined || state == State::direct);
  }
};
struct PimRoutesModel {
  Family family = Family::ipv4;
  std::vector<PimRoute> routes;  ///< by group, then (*,G) before sources
  std::size_t total = 0;         ///< matching ones, of which `routes` may be the first part
  std::string instance = kPublicInstance;
};
struct PimRoutesQuery {
  Family family = Family::ipv4;
  std::optional<IpAddress> group;
  std::optional<IpAddress> source;
  std::size_t max_rows = 100'000;
};

// ---- display pim rp-info, display pim bsr-info ----

struct PimRpModel {
  Family family = Family::ipv4;
  mcast::rp::RpInfoModel info;
  std::optional<mcast::rp::GroupRpModel> group;  ///< of the group that was asked for
  std::string instance = kPublicInstance;
};
struct PimBsrModel : mcast::rp::BsrInfoModel {
  std::string instance = kPublicInstance;
};

// ---- display pim auto-rp ----

struct PimAutoRpModel {
  bool listening = false;
  std::optional<IpAddress> own_agent;  ///< this router as mapping agent
  std::optional<IpAddress> agent;      ///< the mapping agent that is believed
  std::vector<IpAddress> announced;    ///< this router as candidate RP
  std::uint64_t announcements_sent = 0;
  std::uint64_t announcements_heard = 0;
  std::uint64_t discoveries_sent = 0;
  std::uint64_t discoveries_heard = 0;
  std::vector<std::pair<std::string, std::uint64_t>> ignored;  ///< reason, count; zero left out
  std::string instance = kPublicInstance;
};

// ---- show ip rpf ----

/// The way to a source or RP that a tree uses; others are not looked up.
struct PimRpfModel {
  IpAddress target;
  bool is_rp = false;
  std::optional<std::string> interface;  ///< absent: no route
  std::optional<IpAddress> neighbor;     ///< absent: connected, or none
  std::optional<IpAddress> rpf_prime;
};
/// Of the routes; nullopt: none of them goes to the target.
[[nodiscard]] std::optional<PimRpfModel> rpf_of(const PimRoutesModel& routes,
                                                const IpAddress& target);

}  // namespace hotpair::ha::cli
