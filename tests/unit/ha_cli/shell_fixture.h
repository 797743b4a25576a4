#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "ha/cli/session.h"
#include "ha/cli/transactions.h"
#include "tests/unit/ha_cli/fake_node.h"
#include "tests/unit/ha_cli/golden.h"

namespace hotpair::ha::cli::testing {

/// A node with its commits and a virtual clock that begins on 2026-11-22 at noon, UTC.
struct ShellWorld {
  FakeNode node;
  MemoryCommits commits;
  Transactions transactions{node, node, commits};
  Instant instant{TimePoint(std::chrono::hours(1)), wall(2026, 11, 22, 12, 0, 0), 0};

  explicit ShellWorld(const std::string& config_text = "sysname DeviceA\n") {
    node.config = config::parse_config(config_text, "start").config;
    transactions.start({}, "load start", instant);
  }
  void advance(Duration by) {
    instant.now += by;
    instant.wall += by;
    static_cast<void>(transactions.on_timeout(instant));
  }
};

/// One operator's shell, as seen on his terminal.
class Operator {
 public:
  Operator(ShellWorld& world, std::uint64_t id, std::string user = "anna",
           AccessRole role = AccessRole::admin, bool terminal = true)
      : world_(world),
        terminal_(terminal),
        caller_{role, std::move(user), static_cast<std::uint32_t>(1000 + id), id},
        session_(
            std::make_unique<ShellSession>(world.node, world.node, world.transactions, caller_)) {
    static_cast<void>(ask(SessionVerb::open, {}));
  }

  Response ask(SessionVerb verb, const std::string& text) {
    Request request;
    request.version = kSessionVersion;
    request.verb = verb;
    request.line = text;
    request.terminal = terminal_;
    request.json = json;
    Response response = session_->run(request, caller_, world_.instant);
    if (!response.pending) return response;
    Response end = session_->finish(request, {}, world_.instant);
    end.text.insert(0, response.text);
    end.changes = response.changes;
    return end;
  }
  Response run(const std::string& line) { return ask(SessionVerb::line, line); }
  /// Prompt, line and what comes back, the mark under a wrong word too.
  std::string type(const std::string& line) {
    const std::string prompt = session_->prompt() + " ";
    const Response response = run(line);
    std::string text = prompt + line + "\n" + response.text;
    if (response.error)
      text += marked({"", response.error->detail, response.column}, prompt.size());
    return text;
  }
  [[nodiscard]] std::string prompt() const { return session_->prompt(); }
  [[nodiscard]] const ShellSession& session() const { return *session_; }

  bool json = false;

 private:
  ShellWorld& world_;
  bool terminal_;
  Caller caller_;
  std::unique_ptr<ShellSession> session_;
};

}  // namespace hotpair::ha::cli::testing
