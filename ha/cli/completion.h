#pragma once

#include <string>
#include <vector>

#include "ha/cli/control_protocol.h"
#include "ha/cli/node_view.h"
#include "ha/config/grammar.h"

namespace hotpair::ha::cli {

/// What exists and may be named: interfaces, profiles, services, groups, …
struct Names {
  const NodeView& view;
  const config::Config& config;  ///< running, or the candidate
};

/// Gives words that several rows share, and parameters, a help of their own.
void explain_words(std::vector<config::Candidate>& candidates);
/// The candidates of a grammar with the names that exist; `typed` is what the last word begins
/// with. Bounded: at most a hundred names of a kind.
[[nodiscard]] std::vector<Completion> completions_of(std::vector<config::Candidate> candidates,
                                                     const Names& names, const std::string& typed);
/// As `?` lists them.
[[nodiscard]] std::string help_text_of(const std::vector<Completion>& completions);

}  // namespace hotpair::ha::cli
