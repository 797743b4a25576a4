#pragma once

#include <optional>

#include "ha/config/config_model.h"
#include "ha/node/node_config.h"

namespace hotpair::ha::daemon {

/// PIM of one family from a configuration that passed its check.
[[nodiscard]] node::PimSettings pim_settings(const config::PimInstance& instance,
                                             const config::Config& config, Family family);

/// PIM of an interface; nullopt: it has none of the family.
[[nodiscard]] std::optional<node::PimLinkSettings> pim_link_settings(
    const config::InterfaceModel& interface, Family family, const config::Config& config);

}  // namespace hotpair::ha::daemon
