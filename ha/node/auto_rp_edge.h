#pragma once

#include <array>
#include <cstdint>

#include "mcast/rp/auto_rp_machine.h"
#include "mcast/wire/auto_rp.h"

namespace hotpair::ha::node {

/// Auto-RP of the node (the default VRF, IPv4) and what its edge remembers.
struct AutoRpEdge {
  mcast::rp::AutoRpConfig config;  ///< as given to the engine
  mcast::rp::AutoRp engine{{}, TimePoint{}, mcast::rp::Mode::standby};
  bool stale = false;  ///< links or neighbours changed: where it is heard and flooded is looked at
  std::array<std::uint64_t, mcast::wire::kAutoRpRejectCount> rejected{};
  std::uint64_t wrong_group = 0;  ///< a message of one kind to the other one's group
};

}  // namespace hotpair::ha::node
