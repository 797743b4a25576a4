#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ha/cli/interpreter.h"
#include "ha/config/grammar.h"

/// The rows of the operator's commands.
namespace hotpair::ha::cli {

/// One call of a command.
struct Call {
  const config::Values& values;
  const Request& request;
  const Caller& caller;
  const Instant& instant;
  const NodeView& view;
  Actions& actions;
  Transactions& transactions;
  bool verbose = false;
};

using RunCommand = Response (*)(const Call&);

struct CommandRow {
  std::string_view syntax;
  std::string_view help;
  AccessRole role = AccessRole::view;
  RunCommand run = nullptr;  ///< none: `hotpair` runs it itself, without a daemon
};

[[nodiscard]] std::span<const CommandRow> command_rows();
[[nodiscard]] const config::Grammar& command_grammar();
[[nodiscard]] std::string_view name_of(AccessRole role);

/// `show` is `display`, `clear` is `reset` (but for `clear configuration candidate`).
void use_own_words(std::vector<config::Word>& words);
/// `| include …` may follow this command.
[[nodiscard]] bool may_be_filtered(const config::Match& match);

/// The parts of the table, each with the code of its commands.
[[nodiscard]] std::span<const CommandRow> display_rows();
[[nodiscard]] std::span<const CommandRow> pim_rows();
[[nodiscard]] std::span<const CommandRow> pim_vrf_rows();
[[nodiscard]] std::span<const CommandRow> mcac_rows();
[[nodiscard]] std::span<const CommandRow> scope_rows();
[[nodiscard]] std::span<const CommandRow> commit_rows();
[[nodiscard]] std::span<const CommandRow> action_rows();

}  // namespace hotpair::ha::cli
