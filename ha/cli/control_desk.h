#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "ha/cli/interpreter.h"
#include "ha/cli/session.h"
#include "ha/cli/transactions.h"

namespace hotpair::ha::cli {

/// Whatever comes over the control socket: single commands, and the sessions of connections.
class ControlDesk {
 public:
  ControlDesk(const NodeView& view, Actions& actions, Transactions& transactions)
      : view_(view),
        actions_(actions),
        transactions_(transactions),
        interpreter_(view, actions, transactions) {}

  /// One request of a connection. `caller.session` is the connection, for single commands too.
  [[nodiscard]] Response run(const Request& request, const Caller& caller, const Instant& instant);
  /// The end of a deferred action of that connection.
  [[nodiscard]] Response finish(const Request& request, std::uint64_t connection,
                                const ActionOutcome& outcome, const Instant& instant);
  /// The connection is gone, and with it session, candidate and lock.
  void closed(std::uint64_t connection) { sessions_.erase(connection); }

 private:
  const NodeView& view_;
  Actions& actions_;
  Transactions& transactions_;
  CommandInterpreter interpreter_;
  std::map<std::uint64_t, std::unique_ptr<ShellSession>> sessions_;
};

}  // namespace hotpair::ha::cli
