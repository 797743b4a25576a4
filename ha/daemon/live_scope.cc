#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "ha/cli/words.h"
#include "ha/daemon/live_view.h"

/// Administrative scopes of the running node.
namespace hotpair::ha::daemon {

cli::MulticastBoundariesModel LiveView::multicast_boundaries(Family family) const {
  cli::MulticastBoundariesModel model;
  model.family = family;
  for (const auto& [id, link] : node_.links()) {
    const auto add = [&](std::string text) {
      const auto at = std::ranges::upper_bound(model.boundaries, link.settings.name, {},
                                               &cli::MulticastBoundary::interface);
      model.boundaries.insert(at, {link.settings.name, std::move(text)});
    };
    for (const IpPrefix& range : link.settings.boundary.ranges)
      if (range.address.family() == family)
        add(fmt::format("{}/{}", cli::shown(range.address), range.length));
    if (family == Family::ipv6 && link.settings.boundary.ipv6_scope != 0)
      add(fmt::format("scope {}", link.settings.boundary.ipv6_scope));
  }
  return model;
}

}  // namespace hotpair::ha::daemon
