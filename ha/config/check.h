#pragma once

#include <functional>
#include <string>

#include "ha/config/config_model.h"
#include "ha/config/diagnostic.h"

namespace hotpair::ha::config {

/// What the rules need to know beside the configuration.
struct CheckContext {
  std::string file;               ///< name in messages
  bool pair_key_present = false;  ///< a usable pair key exists
  /// What is wrong with the files of a complete policy; empty: nothing. None: they are not looked
  /// at.
  std::function<std::string(const SslPolicyModel&)> policy_problem{};
  /// A node that starts serves without its channel; whoever changes the configuration is refused.
  bool files_must_be_good = true;
};

/// Every rule of order and consistency. Errors refuse the commit, warnings do not.
[[nodiscard]] Diagnostics check_config(const Config& config, const CheckContext& context);

/// Of these, the rules of Eth-Trunks and LACP.
[[nodiscard]] Diagnostics check_trunks(const Config& config, const CheckContext& context);

}  // namespace hotpair::ha::config
