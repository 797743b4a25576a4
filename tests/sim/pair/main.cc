#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "tests/sim/pair/scenario.h"

namespace {

using hotpair::sim::Bug;

constexpr std::pair<std::string_view, Bug> kBugs[] = {
    {"none", Bug::none},
    {"ack-before-commit", Bug::ack_before_commit},
    {"no-fencing", Bug::no_fencing},
    {"skipped-tombstone", Bug::skipped_tombstone},
    {"ready-not-awaited", Bug::ready_not_awaited},
};

struct Options {
  std::uint64_t seeds = 100;
  std::uint64_t from = 1;
  Bug bug = Bug::none;
  bool trace = false;
};

bool parse_number(const char* text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  return error == std::errc{} && *end == '\0';
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (word == "--trace") {
      options.trace = true;
      continue;
    }
    if (value == nullptr) return false;
    ++i;
    if (word == "--seeds" && parse_number(value, options.seeds)) continue;
    if (word == "--from" && parse_number(value, options.from)) continue;
    bool found = false;
    for (const auto& [name, bug] : kBugs) {
      if (word != "--bug" || name != value) continue;
      options.bug = bug;
      found = true;
    }
    if (!found) return false;
  }
  return true;
}

}  // namespace

/// hotpair-sim: plays seeds. With --bug it succeeds when some seed finds the bug.
int main(int argc, char** argv) {
  Options options;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (!parse(argc, argv, options)) {
    fmt::print(stderr,
               "usage: hotpair-sim [--seeds N] [--from S] [--trace] [--bug none|"
               "ack-before-commit|no-fencing|skipped-tombstone|ready-not-awaited]\n");
    return 2;
  }
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t acked = 0;
  std::uint64_t forgotten = 0;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = options.from; seed < options.from + options.seeds; ++seed) {
    const auto outcome = hotpair::sim::play({seed, options.bug, options.trace});
    events += outcome.events;
    faults += outcome.faults;
    acked += outcome.acked;
    forgotten += outcome.forgotten;
    if (outcome.ok()) continue;
    ++failed;
    if (options.bug != Bug::none) {
      fmt::print("seed {} finds the planted bug: {}\n", seed, outcome.failures.front());
      return 0;
    }
    if (!options.trace) {
      const std::size_t begin = outcome.trace.size() > 120 ? outcome.trace.size() - 120 : 0;
      for (std::size_t i = begin; i < outcome.trace.size(); ++i)
        fmt::print("{}\n", outcome.trace[i]);
    }
    for (const std::string& failure : outcome.failures)
      fmt::print("seed {} FAILED: {}\n", seed, failure);
    if (failed >= 5) break;
  }
  fmt::print(
      "{} seeds, {} events, {} faults, {} changes acknowledged, {} times all lost, {} failed\n",
      options.seeds, events, faults, acked, forgotten, failed);
  return failed == 0 && options.bug == Bug::none ? 0 : 1;
}
