// The daemon's part of a takeover: from the keeper's word that this node is master now until the
// engines are active and the first query has left, with few and with many routes. The gate is open
// before that (bench_kernel_plane has its flip). Arguments: [--quick | --all].
#include <chrono>
#include <thread>
#include <vector>

#include "platform/io/clock.h"
#include "tests/bench/pair/bench_node.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

using namespace std::chrono_literals;
using platform::io::now;
namespace keeper = hotpair::ha::keeper;

double us(Duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

/// Microseconds: until the query has left, until the turn is over, and the processor time of the
/// longest turn of the loop in the two seconds that follow.
std::vector<double> takeover(std::uint32_t groups) {
  BenchPair pair(PlaneKind::memory);
  pair.master.start();
  pair.master.fill(groups, true);
  pair.sync(groups);
  std::this_thread::sleep_for(100ms);
  keeper::ScopeChanged change;
  change.state.scope = kScope;
  change.state.role = ha::etrunk::Role::master;
  change.state.term = Term{2, NodeId{2}};
  change.state.gate_open = true;
  change.cause = keeper::Cause::paths_down;
  TimePoint begin;
  TimePoint end;
  pair.backup.run([&] {
    pair.backup.forget_query();
    begin = now();
    change.last_heard = change.decided = change.gate_stored = begin;
    pair.backup.node().on_keeper(change, begin);
    pair.backup.settle();
    end = now();
  });
  const TimePoint give_up_at = now() + 5s;
  while (pair.backup.run(
      [&] { return !pair.backup.scope().active || pair.backup.query_sent() == TimePoint{}; }))
    if (now() > give_up_at) give_up("the takeover did not end");
  const TimePoint query = pair.backup.run([&] { return pair.backup.query_sent(); });
  pair.backup.forget_longest_turn();
  std::this_thread::sleep_for(2s);
  return {us(query - begin), us(end - begin), pair.backup.longest_turn_us()};
}

}  // namespace
}  // namespace hotpair::bench

int main(int argc, char** argv) {
  using namespace hotpair::bench;
  const Size size = size_of(argc, argv);
  const int runs = size == Size::quick ? 3 : 9;
  std::vector<std::uint32_t> sizes{10, 10'000, 100'000};
  if (size == Size::quick) sizes = {10, 10'000};
  if (size == Size::all) sizes.push_back(1'000'000);
  std::vector<Metric> metrics;
  std::vector<double> smallest;
  for (const std::uint32_t routes : sizes) {
    std::vector<std::vector<double>> columns(3);
    for (int run = 0; run < runs; ++run) {
      fmt::print(stderr, "takeover with {} routes, run {} of {}\n", routes, run + 1, runs);
      const auto row = apart([&] { return takeover(routes); });
      for (std::size_t i = 0; i < columns.size(); ++i) columns[i].push_back(row.at(i));
    }
    if (smallest.empty()) smallest = columns[0];
    const std::string tail = fmt::format("_{}_routes", short_number(routes));
    metrics.push_back({"keeper_word_to_query" + tail, "us", columns[0], smallest});
    metrics.push_back({"takeover_turn" + tail, "us", columns[1], {}});
    metrics.push_back({"longest_turn_after" + tail, "us", columns[2], {}});
  }
  print_document("takeover", metrics);
  return 0;
}
