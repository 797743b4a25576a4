#pragma once

#include "ha/config/check.h"

namespace hotpair::ha::config {

/// The rules of BFD sessions and of what follows them.
[[nodiscard]] Diagnostics check_bfd(const Config& config, const CheckContext& context);

}  // namespace hotpair::ha::config
