#pragma once

#include "ha/config/check.h"

namespace hotpair::ha::config {

/// The rules of VPN instances and of the interfaces that belong to them.
[[nodiscard]] Diagnostics check_vrf(const Config& config, const CheckContext& context);

}  // namespace hotpair::ha::config
