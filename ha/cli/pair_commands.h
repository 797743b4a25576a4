#pragma once

#include <functional>
#include <string>
#include <vector>

/// `hotpair pair …`: keys and certificates of the pair. They need no daemon.
namespace hotpair::ha::cli {

struct PairOptions {
  std::string pair_key = "/etc/hotpair/pair.key";
  std::string tls_dir = "/etc/hotpair/tls";
  bool json = false;
  /// The daemon's `display remote-backup-service` as JSON; empty without a daemon.
  std::function<std::string()> ask_services;
};

/// Runs `pair WORDS…`; prints, and returns the exit code: 0 done, 1 refused.
[[nodiscard]] int run_pair(const PairOptions& options, const std::vector<std::string>& words);

}  // namespace hotpair::ha::cli
