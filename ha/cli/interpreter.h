#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ha/cli/control_protocol.h"
#include "ha/cli/node_view.h"
#include "ha/cli/text_source.h"

namespace hotpair::ha::cli {

/// What a caller may do; taken from the socket's peer credentials by the daemon. Each includes the
/// ones before.
enum class AccessRole : std::uint8_t { view, operate, admin };

/// The answer to a request: finished, or waiting for an action.
struct Response {
  std::string text;  ///< rendered text, or one JSON document
  std::optional<Error> error;
  int exit_code = 0;                    ///< 0 done, 1 refused
  std::optional<ActionTicket> pending;  ///< set: text so far; call finish() when the action ends
  bool changes = false;                 ///< it changes something, which is worth a log line
  std::unique_ptr<TextSource> more;     ///< text that follows `text`, made piece by piece
};

/// Runs one command line against a node. Holds no state of its own: parse, query, render.
class CommandInterpreter {
 public:
  CommandInterpreter(const NodeView& view, Actions& actions) : view_(view), actions_(actions) {}

  [[nodiscard]] Response run(const Request& request, AccessRole role) const;
  /// The end of a deferred action: what is left to tell the caller.
  [[nodiscard]] Response finish(const Request& request, const ActionOutcome& outcome) const;

 private:
  const NodeView& view_;
  Actions& actions_;
};

/// Every command with its help, one per line: `hotpair help`.
[[nodiscard]] std::string help_text();
/// The manual page hotpair(1) in roff, made from the command rows.
[[nodiscard]] std::string manual_page();

}  // namespace hotpair::ha::cli
