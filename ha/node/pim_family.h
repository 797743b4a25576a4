#pragma once

#include <optional>
#include <set>
#include <string>

#include "mcast/pim/pim_machine.h"
#include "mcast/rp/bsr_machine.h"
#include "mcast/rp/rp_types.h"

namespace hotpair::ha::node {

/// PIM and RP information of one family. There is one VRF.
struct PimFamily final : mcast::pim::RpDirectory {
  PimFamily(Family which, std::uint64_t seed, TimePoint now)
      : family(which),
        bsr({.vrf = VrfId{0}, .family = which}, seed, now, mcast::rp::Mode::standby),
        pim(which, seed + 1, *this) {}

  [[nodiscard]] std::optional<IpAddress> rp_of(VrfId, const Group& group) const override {
    const auto mapping = rps.rp_of(group);
    return mapping ? std::optional(mapping->rp) : std::nullopt;
  }

  Family family;
  mcast::rp::RpSet rps;  ///< in force: configured and learned
  mcast::rp::Bsr bsr;
  mcast::pim::Pim pim;
  std::set<IpAddress> asked;        ///< BSRs whose unicast route was asked for
  std::set<std::string> conflicts;  ///< subjects of alarms: ranges with two RPs
};

}  // namespace hotpair::ha::node
