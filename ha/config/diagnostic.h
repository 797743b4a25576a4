#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ha/config/config_model.h"

namespace hotpair::ha::config {

enum class Severity : std::uint8_t { warning, error };

/// One thing that is wrong with a configuration, or worth knowing, with the place and the way out.
struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  SourceLine line;
  std::uint32_t column = 0;  ///< of `word`, first is 1; 0: the whole line
  std::string word;          ///< the offending word
  std::string message;       ///< what is wrong
  std::string expected;      ///< what would be right; may be empty
  std::string nearest;       ///< nearest known word; may be empty
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

using Diagnostics = std::vector<Diagnostic>;

/// "hotpair.conf:12:2: error: 'priorty' …; expected …; did you mean 'priority'?"
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic);
[[nodiscard]] bool has_errors(const Diagnostics& diagnostics);

/// What a rule of commit is derived from: gathers what it finds in one file.
class Findings {
 protected:
  explicit Findings(std::string file) : file_(std::move(file)) {}
  void error(SourceLine line, std::string message) {
    add(Severity::error, line, std::move(message));
  }
  void warn(SourceLine line, std::string message) {
    add(Severity::warning, line, std::move(message));
  }
  void add(Severity severity, SourceLine line, std::string message);
  void add(Diagnostic diagnostic) { found_.push_back(std::move(diagnostic)); }
  [[nodiscard]] Diagnostics take() { return std::move(found_); }

 private:
  std::string file_;
  Diagnostics found_;
};

}  // namespace hotpair::ha::config
