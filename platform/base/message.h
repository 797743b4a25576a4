#pragma once

#include <string_view>

namespace hotpair {

enum class LogLevel { debug, info, warning, error };

/// One log message of the catalogue: a row in some `<p>_messages.h`. `text` is an fmt format
/// string; the manual is generated from the rows.
struct Message {
  std::string_view id;  ///< stable, e.g. "HA-PEER-0002"
  LogLevel level;
  std::string_view text;     ///< what happened, with {} for the values
  std::string_view meaning;  ///< why it happens
  std::string_view action;   ///< what the operator does next
};

}  // namespace hotpair
