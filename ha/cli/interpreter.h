#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ha/cli/control_protocol.h"
#include "ha/cli/filter.h"
#include "ha/cli/node_view.h"
#include "ha/cli/text_source.h"
#include "ha/cli/transactions.h"
#include "ha/config/grammar.h"

namespace hotpair::ha::cli {

/// The answer to a request: finished, or waiting for an action.
struct Response {
  std::string text;  ///< rendered text, or one JSON document
  std::optional<Error> error;
  int exit_code = 0;                    ///< 0 done, 1 refused
  std::optional<ActionTicket> pending;  ///< set: text so far; call finish() when the action ends
  bool changes = false;                 ///< it changes something, which is worth a log line
  std::unique_ptr<TextSource> more;     ///< text that follows `text`, made piece by piece
  std::uint32_t column = 0;             ///< of the error, in a session's line; 0: none
  std::optional<CompletionChunk> completion;
  std::optional<SessionChunk> session;  ///< how the session stands then
};

[[nodiscard]] Response refuse_with(ErrorCode code, std::string detail);

/// What is left of an answer, a long one too.
void filter_response(Response& response, OutputFilter filter);

/// Runs one command line against a node. Holds no state of its own: parse, query, render.
class CommandInterpreter {
 public:
  CommandInterpreter(const NodeView& view, Actions& actions, Transactions& transactions)
      : view_(view), actions_(actions), transactions_(transactions) {}

  [[nodiscard]] Response run(const Request& request, const Caller& caller,
                             const Instant& instant) const;
  /// Runs a command row that matched, for a session too.
  [[nodiscard]] Response run_row(std::size_t row, const config::Match& match,
                                 const Request& request, const Caller& caller,
                                 const Instant& instant) const;
  /// The end of a deferred action: what is left to tell the caller.
  [[nodiscard]] Response finish(const Request& request, const ActionOutcome& outcome) const;

 private:
  [[nodiscard]] Response question(std::vector<config::Word> words, bool json) const;

  const NodeView& view_;
  Actions& actions_;
  Transactions& transactions_;
};

/// Every command with its help, one per line: `hotpair help`.
[[nodiscard]] std::string help_text();
/// The manual page hotpair(1) in roff, made from the command rows.
[[nodiscard]] std::string manual_page();

}  // namespace hotpair::ha::cli
