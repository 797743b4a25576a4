#pragma once

#include <fstream>
#include <sstream>
#include <string>

#include "ha/config/parser.h"

namespace hotpair::ha::config::testing {

/// A file of tests/golden.
inline std::string golden(const std::string& name) {
  std::ifstream file(std::string(HOTPAIR_SOURCE_DIR) + "/tests/golden/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::string all(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& each : diagnostics) text += to_string(each) + "\n";
  return text;
}

inline std::size_t errors_in(const Diagnostics& diagnostics) {
  std::size_t count = 0;
  for (const Diagnostic& each : diagnostics) count += each.severity == Severity::error ? 1 : 0;
  return count;
}

/// Lines without trailing blanks, as the seeds' documents have them here and there.
inline std::string stripped(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out += line + "\n";
  }
  return out;
}

}  // namespace hotpair::ha::config::testing
