#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ha/cli/control_protocol.h"

namespace hotpair::ha::cli {

/// Reads lines from a person: editing, history, Tab, `?`, Ctrl-C. The only place that knows the
/// line editing library.
class Terminal {
 public:
  struct Events {
    /// What may stand at the end of the line up to the cursor.
    std::function<CompletionChunk(const std::string&)> complete;
    /// The same as text, for `?`.
    std::function<std::string(const std::string&)> help;
  };

  explicit Terminal(Events events);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// SIGINT is to be blocked by the caller. A line without its end; nothing at the end of the input
  /// (Ctrl-D on an empty line).
  [[nodiscard]] std::optional<std::string> read(const std::string& prompt);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hotpair::ha::cli
