#pragma once

#include <string>

#include "ha/cli/json.h"
#include "ha/cli/models_floating.h"
#include "ha/cli/render_text.h"

/// Floating addresses as text and as JSON; see render_text.h and render_json.h.
namespace hotpair::ha::cli {

[[nodiscard]] std::string to_text(const FloatingAddressesModel& model, TextOptions options);
/// In the words of IOS.
[[nodiscard]] std::string ios_text(const FloatingAddressesModel& model);
[[nodiscard]] Json to_json(const FloatingAddressesModel& model);

}  // namespace hotpair::ha::cli
