#pragma once

#include <string>
#include <string_view>

#include "ha/config/config_model.h"
#include "ha/config/diagnostic.h"

namespace hotpair::ha::config {

inline constexpr std::size_t kConfigBytesMax = 1024 * 1024;
inline constexpr std::size_t kConfigLinesMax = 20'000;
inline constexpr std::size_t kConfigErrorsMax = 100;  ///< parsing stops after that many

/// What a file says. With errors `config` holds the lines that were understood and must not be
/// used.
struct ParseOutcome {
  Config config;
  Diagnostics diagnostics;
  [[nodiscard]] bool ok() const { return !has_errors(diagnostics); }
};

/// Parses a whole file and collects every error. `file` is only the name in messages. `base` is
/// what the lines change: empty for a whole file, the running configuration for a list of changes.
[[nodiscard]] ParseOutcome parse_config(std::string_view text, std::string_view file,
                                        Config base = {});

}  // namespace hotpair::ha::config
