#pragma once

#include <memory>

#include "mcast/rp/auto_rp_machine.h"
#include "mcast/rp/bsr_machine.h"

namespace hotpair::ha::node {

/// What the master of the floating pair has learned of RPs, as its records say it, one family. Used
/// beside this node's own engines, where those know nothing: a muted link hears no Bootstrap
/// message, and the interfaces that float may be the only way to the BSR.
struct SharedRps {
  explicit SharedRps(Family family)
      : bsr({.vrf = VrfId{0}, .family = family}, 0, TimePoint{}, mcast::rp::Mode::standby) {}

  mcast::rp::Bsr bsr;
  mcast::rp::AutoRp auto_rp{{}, TimePoint{}, mcast::rp::Mode::standby};  ///< IPv4 only
};

}  // namespace hotpair::ha::node
