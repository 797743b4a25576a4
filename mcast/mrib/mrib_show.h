#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mcast/mrib/mrib_types.h"
#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

namespace hotpair::mcast::mrib {

/// One outgoing link of a route.
struct OutgoingModel {
  LinkId link;
  std::optional<ScopeId> scope;
  bool closed_gate = false;  ///< the scope's gate is closed here: "slave forwarding"
};

/// One row of `display multicast forwarding-table`.
struct RouteModel {
  VrfId vrf;
  Group group;
  std::optional<IpAddress> source;  ///< absent: (*,G)
  std::optional<IpAddress> rp;      ///< (*,G) only
  std::optional<LinkId> incoming;
  std::optional<IpAddress> rpf_neighbour;
  std::vector<OutgoingModel> outgoing;
  std::optional<std::uint64_t> packets;  ///< as last read, (S,G) made by traffic only
  std::optional<std::uint64_t> bytes;
  std::optional<Duration> uptime;  ///< absent: not in the plane
  bool negative = false;           ///< drops without an upcall
  bool stale = false;              ///< found in the plane at start, not confirmed yet
  bool not_installed = false;      ///< the plane refused it; it is tried again
  bool data_driven = false;        ///< made by traffic or by a data-driven event of the master
  bool bidir = false;              ///< a bidirectional group (RFC 5015)
  bool closed_gate_only = false;   ///< every outgoing link is behind a closed gate
};

/// Which rows a display asks for.
struct RouteFilter {
  std::optional<VrfId> vrf;
  std::optional<Family> family;
  std::optional<Group> group;
  std::optional<IpAddress> source;
  /// Also (*,G) that are wanted and not in the plane: for want of a way to the RP, or because
  /// packets of the group are to be seen here.
  bool trees = false;
  std::size_t rows_max = 100'000;
};

/// `display multicast forwarding-table`: rows by VRF, group, then (*,G) before sources.
struct RouteTableModel {
  std::vector<RouteModel> rows;
  std::size_t rows_total = 0;  ///< matching rows, also those beyond rows_max
};

/// Totals of the table and everything that was counted.
struct StatisticsModel {
  std::size_t groups = 0;
  std::size_t routes = 0;  ///< in the plane, negative ones included
  std::size_t negative = 0;
  std::size_t not_installed = 0;
  std::size_t stale = 0;
  std::size_t rpf_targets = 0;
  std::size_t rpf_unreachable = 0;
  Counters counters{};
};

/// What would be amiss if this node forwarded now.
struct StandingModel {
  std::size_t without_way = 0;  ///< routes whose source or RP has no unicast route
  std::size_t by_peer = 0;      ///< routes whose RPF neighbour is the peer
  /// (S,G) that lead out of the scope, standby here, alone, and got no packet for a whole round of
  /// counters; as of the latest round. By scope, those that have any.
  std::map<ScopeId, std::size_t> silent;
};

}  // namespace hotpair::mcast::mrib
