// A bulk of memberships between two nodes: TLS on loopback, both stores on disk, routes in a kernel
// of their own. Arguments: [--quick | --all]. Without root the routes go into memory.
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "platform/io/clock.h"
#include "tests/bench/pair/bare_lmdb.h"
#include "tests/bench/pair/bare_routes.h"
#include "tests/bench/pair/bench_node.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

using namespace std::chrono_literals;
using platform::io::now;

enum Column : std::size_t {
  records,
  committed_ms,
  applied_ms,
  routed_ms,
  bare_routes_ms,
  bare_lmdb_ms,
  backup_loop_committed_ms,
  master_rss,
  backup_rss,
  file_bytes,
  master_loop_ms,
  master_store_ms,
  backup_loop_ms,
  backup_store_ms,
  master_turn_us,
  backup_turn_us,
  column_count,
};

double ms(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// One bulk of `groups` memberships, with any source (one record) or one source.
std::vector<double> bulk(std::uint32_t groups, bool any_source, PlaneKind kind) {
  std::vector<double> row(column_count);
  const std::size_t rss_before = anonymous_rss();
  BenchPair pair(kind);
  pair.master.start();
  TimePoint committed;
  TimePoint applied;
  TimePoint routed;
  std::atomic<TimePoint> up{};
  // The master's loop writes `up` and `committed`, the backup's `applied` and `routed`; the pair
  // has stopped before they are read, all but `up`.
  pair.master.run([&] {
    pair.master.settled = [&] {
      const auto& service = *pair.master.node().services().at("service1");
      if (service.up && up.load() == TimePoint{}) up = now();
      if (committed != TimePoint{} || !pair.master.scope().peer_complete) return;
      committed = now();
      row[backup_loop_committed_ms] = pair.backup.loop_processor_ms();
    };
  });
  pair.master.fill(groups, any_source);
  const std::size_t rss_master = anonymous_rss();
  row[records] = static_cast<double>(pair.master.run([&] {
    std::uint64_t sum = 0;
    for (const auto& digest : pair.master.scope().journal.digests()) sum += digest.records;
    return sum;
  }));
  if (row[records] != groups * (any_source ? 1.0 : 2.0))
    give_up("the master's store lacks records");
  pair.backup.settled = [&] {
    if (applied == TimePoint{} && pair.backup.groups() == groups) applied = now();
    if (routed == TimePoint{} && pair.backup.routes() == groups) routed = now();
  };
  pair.master.forget_longest_turn();
  const double before[] = {pair.master.loop_processor_ms(), pair.master.store_processor_ms(),
                           pair.backup.store_processor_ms()};
  pair.sync(groups);
  row[master_loop_ms] = pair.master.loop_processor_ms() - before[0];
  row[master_store_ms] = pair.master.store_processor_ms() - before[1];
  row[backup_loop_ms] = pair.backup.loop_processor_ms();
  row[backup_store_ms] = pair.backup.store_processor_ms() - before[2];
  row[master_turn_us] = pair.master.longest_turn_us();
  row[backup_turn_us] = pair.backup.longest_turn_us();
  pair.backup.run([&] { pair.backup.settled = [] {}; });
  pair.master.run([&] { pair.master.settled = [] {}; });
  row[committed_ms] = ms(committed - up.load());
  row[applied_ms] = ms(applied - up.load());
  row[routed_ms] = ms(routed - up.load());
  row[master_rss] = static_cast<double>(rss_master - rss_before) / row[records];
  row[backup_rss] = static_cast<double>(anonymous_rss() - rss_master) / row[records];
  row[file_bytes] = static_cast<double>(pair.backup.store_bytes()) / row[records];
  return row;
}

void measure(std::uint32_t groups, bool any_source, int runs, std::vector<Metric>& metrics) {
  const bool root = ::geteuid() == 0;
  const PlaneKind kind = root ? PlaneKind::kernel : PlaneKind::memory;
  const std::string tail =
      fmt::format("_{}_{}", short_number(groups), any_source ? "any_source" : "one_source");
  const std::string plane = root ? "kernel" : "memory";
  std::vector<std::vector<double>> columns(column_count);
  for (int run = 0; run < runs; ++run) {
    fmt::print(stderr, "bulk of {} groups, {}, run {} of {}\n", groups,
               any_source ? "any source" : "one source", run + 1, runs);
    auto row = apart([&] { return bulk(groups, any_source, kind); });
    if (row.size() != column_count) give_up("a run said nothing");
    if (root)
      row[bare_routes_ms] =
          apart([&] { return std::vector<double>{bare_routes(groups, any_source)}; }).at(0);
    row[bare_lmdb_ms] =
        apart([&] {
          return std::vector<double>{bare_lmdb(static_cast<std::uint32_t>(row[records]))};
        }).at(0);
    for (std::size_t i = 0; i < column_count; ++i) columns[i].push_back(row[i]);
  }
  const auto add = [&](const std::string& name, const char* unit, Column column,
                       std::vector<double> baseline = {}) {
    metrics.push_back({name + tail, unit, columns[column], std::move(baseline)});
  };
  add("bulk_records", "records", records);
  add("bulk_committed_at_peer", "ms", committed_ms, columns[bare_lmdb_ms]);
  add("bulk_applied_to_engine", "ms", applied_ms);
  add("bulk_routes_in_" + plane, "ms", routed_ms,
      root ? columns[bare_routes_ms] : std::vector<double>{});
  add("bulk_processor_master_loop", "ms", master_loop_ms);
  add("bulk_processor_master_store", "ms", master_store_ms);
  add("bulk_processor_backup_loop_until_committed", "ms", backup_loop_committed_ms);
  add("bulk_processor_backup_loop", "ms", backup_loop_ms);
  add("bulk_processor_backup_store", "ms", backup_store_ms);
  add("master_memory_per_record", "bytes", master_rss);
  add("backup_memory_per_record", "bytes", backup_rss);
  add("backup_file_per_record", "bytes", file_bytes);
  add("master_longest_turn", "us", master_turn_us);
  add("backup_longest_turn", "us", backup_turn_us);
}

}  // namespace
}  // namespace hotpair::bench

int main(int argc, char** argv) {
  using namespace hotpair::bench;
  const Size size = size_of(argc, argv);
  std::vector<Metric> metrics;
  const int runs = size == Size::quick ? 2 : 5;
  const std::uint32_t groups = size == Size::quick ? 10'000 : 100'000;
  measure(groups, true, runs, metrics);
  measure(groups / 2, false, runs, metrics);
  if (size == Size::all) measure(1'000'000, true, 3, metrics);
  print_document("bulk", metrics);
  return 0;
}
