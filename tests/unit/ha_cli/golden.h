#pragma once

#include <fstream>
#include <sstream>
#include <string>

namespace hotpair::ha::cli::testing {

/// A file of tests/golden.
inline std::string golden(const std::string& name) {
  std::ifstream file(std::string(HOTPAIR_SOURCE_DIR) + "/tests/golden/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace hotpair::ha::cli::testing
