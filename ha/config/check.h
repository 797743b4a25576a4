#pragma once

#include <string>

#include "ha/config/config_model.h"
#include "ha/config/diagnostic.h"

namespace hotpair::ha::config {

/// What the rules need to know beside the configuration.
struct CheckContext {
  std::string file;               ///< name in messages
  bool pair_key_present = false;  ///< a usable pair key exists
};

/// Every rule of order and consistency. Errors refuse the commit, warnings do not.
[[nodiscard]] Diagnostics check_config(const Config& config, const CheckContext& context);

}  // namespace hotpair::ha::config
