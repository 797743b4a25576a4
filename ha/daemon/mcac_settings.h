#pragma once

#include <vector>

#include "ha/config/config_model.h"
#include "mcast/mrib/mrib_admission.h"

namespace hotpair::ha::daemon {

/// Admission control from a configuration that passed its check.
[[nodiscard]] mcast::mrib::AdmissionSettings admission_settings(const config::Config& config,
                                                                Family family);
[[nodiscard]] std::vector<mcast::mrib::Limit> limit_settings(
    const config::InterfaceModel& interface, Family family);

}  // namespace hotpair::ha::daemon
