#pragma once

#include <string>

#include "ha/cli/json.h"
#include "ha/cli/models_mcac.h"
#include "ha/cli/render_text.h"

/// Admission control as text and as JSON; see render_text.h and render_json.h.
namespace hotpair::ha::cli {

[[nodiscard]] std::string to_text(const MulticastLimitsModel& model, TextOptions options);
/// In the words of IOS.
[[nodiscard]] std::string ios_text(const MulticastLimitsModel& model, TextOptions options);
[[nodiscard]] Json to_json(const MulticastLimitsModel& model);

}  // namespace hotpair::ha::cli
