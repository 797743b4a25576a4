#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ha/node/auto_rp_edge.h"
#include "ha/node/shared_rps.h"
#include "mcast/mrib/mrib_machine.h"
#include "mcast/pim/pim_machine.h"
#include "mcast/pim/pim_records.h"
#include "mcast/pim/pim_register.h"
#include "mcast/pim/pim_register_rp.h"
#include "mcast/rp/bsr_machine.h"
#include "mcast/rp/rp_types.h"

namespace hotpair::ha::node {

/// What MRIB knows of the trees of a source.
struct MribTrees final : mcast::pim::TreeFacts {
  explicit MribTrees(const mcast::mrib::Mrib& routes) : mrib(routes) {}
  [[nodiscard]] bool spt_bit(VrfId vrf, const Group& group,
                             const IpAddress& source) const override {
    return mrib.spt_bit(vrf, group, source);
  }
  [[nodiscard]] bool has_receivers(VrfId vrf, const Group& group,
                                   const IpAddress& source) const override {
    return mrib.has_receivers(vrf, group, source);
  }
  const mcast::mrib::Mrib& mrib;
};

/// Where unicast of a VRF leaves, as its routes say; of the default VRF Linux finds it by itself.
struct UnicastWays {
  struct Parked {
    IpAddress source;
    mcast::wire::PimMessage message;
  };
  std::map<IpAddress, std::string> device;           ///< by destination
  std::map<IpAddress, std::vector<Parked>> waiting;  ///< for an answer
  std::uint64_t dropped = 0;                         ///< too many waited, or there is no route
};

/// PIM and RP information of one family in one VRF.
struct PimFamily final : mcast::pim::RpDirectory {
  /// `mrib` outlives this.
  PimFamily(VrfId in, Family which, std::uint64_t seed, const mcast::mrib::Mrib& mrib,
            TimePoint now)
      : vrf(in),
        family(which),
        entropy(seed + 2),
        trees(mrib),
        tunnels(entropy),
        auto_rp(in),
        bsr({.vrf = in, .family = which}, seed, now, mcast::rp::Mode::standby),
        pim(which, seed + 1, *this) {}

  /// A source-specific group, by RFC 4607 or by configuration.
  [[nodiscard]] bool is_ssm(const Group& group) const {
    const auto contains = [&](const IpPrefix& range) { return range.contains(group.address()); };
    return group.is_default_ssm() || std::ranges::any_of(ssm_ranges, contains);
  }
  /// None of a source-specific or a dense group.
  [[nodiscard]] std::optional<IpAddress> rp_of(VrfId, const Group& group) const override {
    if (is_ssm(group) || std::ranges::count(dense, group) != 0) return std::nullopt;
    const auto mapping = rps.rp_of(group);
    return mapping ? std::optional(mapping->rp) : std::nullopt;
  }

  VrfId vrf;
  Family family;
  Entropy entropy;
  MribTrees trees;
  mcast::pim::RegisterTunnels tunnels;
  mcast::pim::RegisterReceiver receiver;
  AutoRpEdge auto_rp;    ///< IPv4 only: of IPv6 it is never configured
  mcast::rp::RpSet rps;  ///< in force: configured and learned
  std::vector<IpPrefix> ssm_ranges;
  std::vector<Group> dense;  ///< flooded to all PIM neighbours
  mcast::rp::Bsr bsr;
  mcast::pim::Pim pim;
  std::unique_ptr<SharedRps> shared = std::make_unique<SharedRps>(vrf, family);  ///< never null
  std::set<IpAddress> asked;  ///< BSRs whose unicast route was asked for
  std::map<IpAddress, mcast::pim::BidirRouteValue> bidir_ways;  ///< RPs and the way as recorded
  std::map<IpAddress, std::map<LinkId, IpAddress>> forwarders;  ///< RP -> link -> who acts
  std::set<std::pair<IpAddress, LinkId>> acting;  ///< RP and link where this router forwards
  std::set<std::string> conflicts;                ///< subjects of alarms: ranges with two RPs
  std::map<LinkId, std::string> without_bidir;    ///< and of links that bidirectional groups shun
  UnicastWays ways;
};

}  // namespace hotpair::ha::node
