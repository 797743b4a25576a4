#pragma once

#include <string>
#include <vector>

#include "mcast/mrib/mrib_admission.h"
#include "platform/base/address.h"

/// What `display multicast limit` shows, as plain structs; see models.h.
namespace hotpair::ha::cli {

/// One limit of one interface.
struct MulticastLimit {
  std::string interface;
  mcast::mrib::LimitRow row;
};
struct MulticastLimitsModel {
  Family family = Family::ipv4;
  std::vector<MulticastLimit> limits;
};

}  // namespace hotpair::ha::cli
