#pragma once

#include "ha/config/check.h"

namespace hotpair::ha::config {

/// The rules of PIM: interfaces, candidates, static RPs.
[[nodiscard]] Diagnostics check_pim(const Config& config, const CheckContext& context);

}  // namespace hotpair::ha::config
