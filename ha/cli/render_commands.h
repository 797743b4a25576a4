#pragma once

#include <string>
#include <vector>

/// `hotpair render frr …`: what other programs are to do for the configuration. Needs no daemon.
namespace hotpair::ha::cli {

struct RenderOptions {
  std::string config = "/etc/hotpair/hotpair.conf";
  std::string ports = "/etc/hotpair/ports.conf";  ///< need not exist unless it is named
};

/// Runs `render WORDS…`; prints to the standard output, complaints to the standard error. Returns
/// the exit code: 0 done, 1 refused, or with --strict if a line has no counterpart.
[[nodiscard]] int run_render(const RenderOptions& defaults, const std::vector<std::string>& words);

}  // namespace hotpair::ha::cli
