#pragma once

#include <optional>
#include <set>
#include <string>

#include "mcast/mrib/mrib_machine.h"
#include "mcast/pim/pim_machine.h"
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

/// PIM and RP information of one family. There is one VRF.
struct PimFamily final : mcast::pim::RpDirectory {
  /// `mrib` outlives this.
  PimFamily(Family which, std::uint64_t seed, const mcast::mrib::Mrib& mrib, TimePoint now)
      : family(which),
        entropy(seed + 2),
        trees(mrib),
        tunnels(entropy),
        bsr({.vrf = VrfId{0}, .family = which}, seed, now, mcast::rp::Mode::standby),
        pim(which, seed + 1, *this) {}

  [[nodiscard]] std::optional<IpAddress> rp_of(VrfId, const Group& group) const override {
    const auto mapping = rps.rp_of(group);
    return mapping ? std::optional(mapping->rp) : std::nullopt;
  }

  Family family;
  Entropy entropy;
  MribTrees trees;
  mcast::pim::RegisterTunnels tunnels;
  mcast::pim::RegisterReceiver receiver;
  mcast::rp::RpSet rps;  ///< in force: configured and learned
  mcast::rp::Bsr bsr;
  mcast::pim::Pim pim;
  std::set<IpAddress> asked;        ///< BSRs whose unicast route was asked for
  std::set<std::string> conflicts;  ///< subjects of alarms: ranges with two RPs
};

}  // namespace hotpair::ha::node
