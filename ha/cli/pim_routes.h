#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ha/cli/models_pim.h"
#include "mcast/mrib/mrib_show.h"

namespace hotpair::ha::cli {

/// What the engines show of one family.
struct PimTables {
  Family family = Family::ipv4;
  const mcast::mrib::RouteTableModel& routes;
  const mcast::pim::DownstreamModel& downstream;
  const mcast::pim::UpstreamModel& upstream;
  std::function<std::string(LinkId)> name_of;
  std::optional<LinkId> register_link;  ///< absent: no interface has PIM
  std::function<std::optional<IpAddress>(const Group&)> rp_of;
  std::function<bool(const IpAddress&)> is_own;
  std::function<bool(const Group&)> is_ssm;
};

/// The trees of PIM: routes of the MRIB with why their interfaces are outgoing ones and whom their
/// Joins go to. Negative routes are no trees and left out.
[[nodiscard]] PimRoutesModel pim_routes(const PimTables& tables);

}  // namespace hotpair::ha::cli
