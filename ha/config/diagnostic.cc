#include "ha/config/diagnostic.h"

#include <fmt/core.h>

#include <algorithm>

namespace hotpair::ha::config {

std::string to_string(const Diagnostic& diagnostic) {
  std::string text = diagnostic.file;
  if (diagnostic.line.number != 0) text += fmt::format(":{}", diagnostic.line.number);
  if (diagnostic.column != 0) text += fmt::format(":{}", diagnostic.column);
  if (!text.empty()) text += ": ";
  text += diagnostic.severity == Severity::error ? "error: " : "warning: ";
  text += diagnostic.message;
  if (!diagnostic.expected.empty()) text += "; expected " + diagnostic.expected;
  if (!diagnostic.nearest.empty()) text += fmt::format("; did you mean '{}'?", diagnostic.nearest);
  return text;
}

bool has_errors(const Diagnostics& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& each) { return each.severity == Severity::error; });
}

void Findings::add(Severity severity, SourceLine line, std::string message) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.file = file_;
  diagnostic.line = line;
  diagnostic.message = std::move(message);
  add(std::move(diagnostic));
}

}  // namespace hotpair::ha::config
