#include <algorithm>
#include <utility>

#include "ha/daemon/live_view.h"

/// Admission control of the running node.
namespace hotpair::ha::daemon {

cli::MulticastLimitsModel LiveView::multicast_limits(Family family, bool with_states) const {
  cli::MulticastLimitsModel model;
  model.family = family;
  for (auto& row : node_.mrib().admission().show(family, with_states)) {
    std::string name = link_name(row.link);
    const auto at =
        std::ranges::upper_bound(model.limits, name, {}, &cli::MulticastLimit::interface);
    model.limits.insert(at, {std::move(name), std::move(row)});
  }
  return model;
}

}  // namespace hotpair::ha::daemon
