#pragma once

#include <vector>

#include "ha/config/config_model.h"
#include "ha/config/ports.h"
#include "ha/keeper/wire/keeper_bfd.h"

namespace hotpair::ha::daemon {

/// Every session of the configuration with the paths that follow it; none while BFD is not enabled.
[[nodiscard]] std::vector<keeper::BfdSessionConfig> bfd_settings(const config::Config& config,
                                                                 const config::PortMap& ports);

}  // namespace hotpair::ha::daemon
