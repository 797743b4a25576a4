#pragma once

#include <string>
#include <vector>

#include "ha/config/config_model.h"

namespace hotpair::ha::config {

/// The lines that turn `from` into `to`, with the view headers they need: what an operator would
/// type, "undo …" first. Empty when nothing changes. parse_config(lines, "", from) gives `to`.
[[nodiscard]] std::vector<std::string> diff_config(const Config& from, const Config& to);

}  // namespace hotpair::ha::config
