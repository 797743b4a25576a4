#pragma once

#include <string>
#include <vector>

#include "platform/base/address.h"

/// What `display multicast boundary` shows, as plain structs; see models.h.
namespace hotpair::ha::cli {

/// One boundary of one interface.
struct MulticastBoundary {
  std::string interface;
  std::string boundary;  ///< a range of groups, or "scope N"
};
struct MulticastBoundariesModel {
  Family family = Family::ipv4;
  std::vector<MulticastBoundary> boundaries;  ///< by interface
};

}  // namespace hotpair::ha::cli
