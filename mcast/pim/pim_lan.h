#pragma once

#include <cstddef>

#include "mcast/pim/pim_types.h"

namespace hotpair::mcast::pim {

/// What the Hellos of all neighbours, and our own, make of a link (RFC 7761 4.3.3).
struct LanState {
  Duration propagation_delay = kPropagationDelay;  ///< Effective_Propagation_Delay(I)
  Duration override_interval = kOverrideInterval;  ///< Effective_Override_Interval(I)
  bool suppression = true;                         ///< Suppression_Enabled(I)
  std::size_t neighbours = 0;

  /// J/P_Override_Interval(I). With one neighbour nobody is there to override (4.5.1).
  [[nodiscard]] Duration prune_delay() const {
    return neighbours > 1 ? propagation_delay + override_interval : Duration::zero();
  }
  friend bool operator==(const LanState&, const LanState&) = default;
};

}  // namespace hotpair::mcast::pim
