#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "tests/sim/pair/scenario.h"
#include "tests/sim/pair/split.h"

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

void show(const hotpair::sim::Outcome& outcome, bool traced) {
  if (!traced) {
    const std::size_t begin = outcome.trace.size() > 120 ? outcome.trace.size() - 120 : 0;
    for (std::size_t i = begin; i < outcome.trace.size(); ++i) fmt::print("{}\n", outcome.trace[i]);
  }
  for (const std::string& failure : outcome.failures)
    fmt::print("seed {} FAILED: {}\n", outcome.seed, failure);
}

}  // namespace

/// hotpair-sim: plays seeds, each a scenario of faults and a split brain. With --bug it succeeds
/// when some seed finds the bug.
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
  std::uint64_t united = 0;
  hotpair::Duration gap{};
  for (std::uint64_t seed = options.from; seed < options.from + options.seeds; ++seed) {
    const auto outcome = hotpair::sim::play({seed, options.bug, options.trace});
    events += outcome.events;
    faults += outcome.faults;
    acked += outcome.acked;
    forgotten += outcome.forgotten;
    if (!outcome.ok() && options.bug != Bug::none) {
      fmt::print("seed {} finds the planted bug: {}\n", seed, outcome.failures.front());
      return 0;
    }
    if (!outcome.ok()) {
      show(outcome, options.trace);
      ++failed;
    }
    if (options.bug == Bug::none) {
      const auto healed = hotpair::sim::play_split(seed, options.trace);
      events += healed.events;
      united += healed.united;
      gap = std::max(gap, healed.longest_gap);
      if (!healed.ok()) {
        show(healed, options.trace);
        ++failed;
      }
    }
    if (failed >= 5) break;
  }
  fmt::print(
      "{} seeds, {} events, {} faults, {} changes acknowledged, {} times all lost, {} lines united "
      "after a split, longest gap {:.1f} ms, {} failed\n",
      options.seeds, events, faults, acked, forgotten, united,
      std::chrono::duration<double, std::milli>(gap).count(), failed);
  return failed == 0 && options.bug == Bug::none ? 0 : 1;
}
