#pragma once

#include "ha/config/check.h"

namespace hotpair::ha::config {

/// The rules about ssl policies and about who uses them.
[[nodiscard]] Diagnostics check_ssl(const Config& config, const CheckContext& context);

}  // namespace hotpair::ha::config
