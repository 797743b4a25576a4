#pragma once

#include <array>
#include <cstdint>

#include "mcast/rp/auto_rp_machine.h"
#include "mcast/wire/auto_rp.h"

namespace hotpair::ha::node {

/// Auto-RP of one VRF and what its edge remembers.
struct AutoRpEdge {
  explicit AutoRpEdge(VrfId vrf) : engine({.vrf = vrf}, TimePoint{}, mcast::rp::Mode::standby) {}

  mcast::rp::AutoRpConfig config;  ///< as given to the engine, which knows its VRF
  mcast::rp::AutoRp engine;
  bool stale = false;  ///< links or neighbours changed: where it is heard and flooded is looked at
  std::array<std::uint64_t, mcast::wire::kAutoRpRejectCount> rejected{};
  std::uint64_t wrong_group = 0;  ///< a message of one kind to the other one's group
};

}  // namespace hotpair::ha::node
