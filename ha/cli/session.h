#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ha/cli/interpreter.h"
#include "ha/cli/transactions.h"
#include "ha/config/config_rows.h"
#include "ha/config/line_editor.h"
#include "ha/config/merge.h"

namespace hotpair::ha::cli {

/// One operator's shell: where he stands, and his candidate configuration. VRP views and IOS verbs
/// are one language here; the prompts are VRP's.
class ShellSession {
 public:
  /// More lines are not taken between two commits.
  static constexpr std::size_t kCandidateLinesMax = 20'000;
  static constexpr std::size_t kLineBytesMax = 4096;

  ShellSession(const NodeView& view, Actions& actions, Transactions& transactions,
               const Caller& caller);
  ~ShellSession();
  ShellSession(const ShellSession&) = delete;
  ShellSession& operator=(const ShellSession&) = delete;

  /// Any request of a session. Every answer carries how the session stands then.
  [[nodiscard]] Response run(const Request& request, const Caller& caller, const Instant& instant);
  /// The end of a deferred action.
  [[nodiscard]] Response finish(const Request& request, const ActionOutcome& outcome,
                                const Instant& instant);
  [[nodiscard]] bool has_changes() const { return changes_; }
  /// Syntax and help of the shell's own commands, for the manual.
  [[nodiscard]] static std::vector<std::pair<std::string_view, std::string_view>> described();
  /// "[*DeviceA-e-trunk-1]"
  [[nodiscard]] std::string prompt() const;

 private:
  struct Call {
    const config::Values& values;
    const Request& request;
    const Caller& caller;
    const Instant& instant;
    std::string_view text;  ///< of the line, abbreviations written out
  };
  using RunRow = Response (ShellSession::*)(const Call&);
  /// A command of the shell itself: in which views it stands and what it does.
  struct Row {
    std::uint8_t where;
    std::string_view syntax;
    std::string_view help;
    AccessRole role;
    RunRow run;
  };
  /// What a row of the session's grammar stands for.
  struct Target {
    enum class Kind : std::uint8_t { config, command, shell } kind;
    std::size_t index;
  };
  /// The grammar of every view, with the targets of its rows.
  struct Language {
    config::Grammar grammar;
    std::vector<Target> targets;
  };
  static constexpr std::uint8_t kUserView = config::kViewCount;
  static constexpr std::uint8_t kSectionView =
      kUserView + 1;  ///< a section that is kept and not read
  [[nodiscard]] static std::span<const Row> rows();
  [[nodiscard]] static const Language& language();

  // reading a line
  /// One line with what belongs to it.
  struct Ask {
    const Request& request;
    const Caller& caller;
    const Instant& instant;
  };
  Response line(const Ask& ask);
  Response words(std::vector<config::Word> typed, const Ask& ask);
  std::optional<Response> section_line(const std::vector<config::Word>& typed,
                                       const std::string& text, const Ask& ask);
  Response unmatched(std::vector<config::Word> typed, const config::MatchError& error,
                     const Ask& ask);
  std::optional<Response> display(const std::vector<config::Word>& typed, std::uint8_t here,
                                  const Ask& ask);
  Response matched(const config::Match& match, std::vector<config::Word> typed, const Ask& ask);
  Response command(const config::Match& match,
                   const std::optional<std::vector<config::Word>>& filter, const Ask& ask);
  Response shell(const config::Match& match, const Ask& ask);
  Response edit(std::vector<config::Word> typed, const Ask& ask);
  [[nodiscard]] Response complete(const Request& request) const;
  [[nodiscard]] std::uint8_t view() const;
  [[nodiscard]] std::string view_name() const;

  // the candidate
  void refresh();
  void edited();
  void take_over(const config::Config& running);
  [[nodiscard]] std::expected<config::Config, std::vector<config::MergeConflict>> effective() const;
  Response commit_with(const Call& call, std::optional<Duration> confirm_within);
  [[nodiscard]] Response conflicts(const std::vector<config::MergeConflict>& list) const;

  // answers
  Response report(const Transactions::Outcome& outcome) const;
  void notices(Response& response, const Instant& instant);
  void state(Response& response) const;

  // rows
  Response configure(const Call& call);
  Response enable(const Call& call);
  Response quit(const Call& call);
  Response to_user_view(const Call& call);
  Response commit(const Call& call);
  Response commit_confirmed(const Call& call);
  Response commit_check(const Call& call);
  Response abort(const Call& call);
  Response clear_candidate(const Call& call);
  Response show_candidate(const Call& call);
  Response show_diff(const Call& call);
  Response show_this(const Call& call);
  Response lock(const Call& call);
  Response unlock(const Call& call);
  Response page_length(const Call& call);

  const NodeView& view_;
  Transactions& transactions_;
  CommandInterpreter interpreter_;
  std::uint64_t id_;
  config::Config base_;             ///< what ran when the candidate began
  std::uint64_t base_version_ = 0;  ///< of Transactions
  config::LineEditor editor_;       ///< holds the candidate
  bool configuring_ = false;
  bool changes_ = false;  ///< candidate != base
  std::size_t lines_ = 0;
  bool leaving_ = false;  ///< the last line was a quit that was warned of
  bool acting_ = false;   ///< the last line began an action that takes time
  bool ended_ = false;
  bool terminal_ = false;
  std::uint64_t seen_event_ = 0;
  std::optional<std::uint16_t> page_lines_;
};

/// What a person sees of an error: a mark under the word, then the sentence. `before`: characters
/// in front of the line, the prompt's.
[[nodiscard]] std::string marked(const ErrorChunk& error, std::size_t before);

}  // namespace hotpair::ha::cli
