#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "tests/sim/pair/cuts.h"
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
    {"commit-not-awaited", Bug::commit_not_awaited},
    {"carrier-kept", Bug::carrier_kept},
    {"sync-kept", Bug::sync_kept},
};

struct Options {
  std::uint64_t seeds = 100;
  std::uint64_t from = 1;
  Bug bug = Bug::none;
  bool trace = false;
  bool cuts = false;
  bool floating = false;
  std::uint64_t every = 1;
  std::optional<std::uint64_t> only;
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
    if (word == "--floating") {
      options.cuts = options.floating = true;
      continue;
    }
    if (word == "--cuts") {
      options.cuts = true;
      continue;
    }
    if (value == nullptr) return false;
    ++i;
    if (word == "--seeds" && parse_number(value, options.seeds)) continue;
    if (word == "--every" && parse_number(value, options.every) && options.every > 0) continue;
    if (word == "--only" && parse_number(value, options.only.emplace())) continue;
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

double ms(hotpair::Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void show(const hotpair::sim::CutsOutcome& all, bool table) {
  using namespace hotpair::sim;
  fmt::print(
      "seed {}: {} steps, {} runs, {} events; without a fault {:.3f} ms without a way, {:.3f} ms "
      "with two, hosts' frames lost for {:.3f} ms\n",
      all.worst.seed, all.steps, all.runs, all.events, ms(all.clean.dark), ms(all.clean.doubled),
      ms(all.clean.lost));
  if (!table) return;
  for (std::size_t cut = 0; cut < kCuts; ++cut)
    fmt::print("  {:<23} no way {:8.1f}, two {:7.1f}, lost {:8.1f}, last trouble {:8.1f} ms\n",
               to_string(static_cast<Cut>(cut)), ms(all.longest.at(cut).dark),
               ms(all.longest.at(cut).doubled), ms(all.longest.at(cut).lost),
               ms(all.settled.at(cut)));
}

int play_cuts(const Options& options) {
  std::uint64_t failed = 0;
  for (std::uint64_t seed = options.from; seed < options.from + options.seeds; ++seed) {
    const auto all = hotpair::sim::play_cuts(
        {seed, options.every, options.bug, options.trace, options.only, options.floating});
    if (!all.worst.ok() && options.bug != Bug::none) {
      fmt::print("seed {} finds the planted bug: {}\n", seed, all.worst.failures.front());
      return 0;
    }
    if (!all.worst.ok()) {
      show(all.worst, options.trace);
      ++failed;
    }
    show(all, options.seeds == 1);
  }
  return failed == 0 && options.bug == Bug::none ? 0 : 1;
}

}  // namespace

/// hotpair-sim: plays seeds, each a scenario of faults and a split brain; with --cuts each a
/// planned switchover that is cut at every step (of all these cases every n-th, or one only), with
/// --floating one of addresses that move between the nodes of a LAN. With
/// --bug it succeeds when some seed finds the bug.
int main(int argc, char** argv) {
  Options options;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (!parse(argc, argv, options)) {
    fmt::print(stderr,
               "usage: hotpair-sim [--seeds N] [--from S] [--trace] [--cuts|--floating [--every N] "
               "[--only N]]"
               " [--bug none|ack-before-commit|no-fencing|skipped-tombstone|ready-not-awaited|"
               "commit-not-awaited|carrier-kept|sync-kept]\n");
    return 2;
  }
  if (options.cuts) return play_cuts(options);
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
