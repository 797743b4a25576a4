#pragma once

#include "ha/config/check.h"

namespace hotpair::ha::config {

/// The rules of floating addresses and of `pim identity floating`.
[[nodiscard]] Diagnostics check_floating(const Config& config, const CheckContext& context);

}  // namespace hotpair::ha::config
