#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ha/cli/control_protocol.h"

namespace hotpair::ha::cli {

inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;
inline constexpr int kNoDaemon = 2;

struct ShellOptions {
  std::string control = "/run/hotpair/control";
  std::string pair_key = "/etc/hotpair/pair.key";
  bool json = false;
};

/// An error for the caller: one line on stderr, or with JSON a document on stdout.
void print_error(const ErrorChunk& error, bool json);
/// Reads a file, `-` is the standard input, for the daemon.
[[nodiscard]] Result<InputFile> read_input(const std::string& name);
/// `pair …`, which needs no daemon.
[[nodiscard]] int run_pair(const ShellOptions& options, const std::vector<std::string>& words);

/// A shell for a person at a terminal, or a script from a file or a pipe, or the given lines. A
/// script ends at its first error. The exit code.
[[nodiscard]] int run_shell(const ShellOptions& options,
                            const std::optional<std::vector<std::string>>& lines);

}  // namespace hotpair::ha::cli
