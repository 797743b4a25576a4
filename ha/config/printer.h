#pragma once

#include <string>
#include <vector>

#include "ha/config/config_model.h"

namespace hotpair::ha::config {

struct PrintOptions {
  bool secrets = true;  ///< false: keys are printed as ****** (for those who may only look)
};

/// The configuration as VRP text with `#` between sections and `return` at the end, in the order of
/// the seeds. parse_config(print_config(x)) gives x.
[[nodiscard]] std::string print_config(const Config& config, PrintOptions options = {});
/// One line each, "interface Eth-Trunk1: mode lacp-static (line 41)", for `--check` and display.
[[nodiscard]] std::vector<std::string> list_inactive(const Config& config);

}  // namespace hotpair::ha::config
