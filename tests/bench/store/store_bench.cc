// What the store costs: a bulk received, changes with their index, scans, and the way through the
// store thread. Prints one JSON document. Arguments: [--quick | --all].
#include <fmt/format.h>
#include <lmdb.h>
#include <poll.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/store/lmdb_store.h"
#include "checkpoint/store/store_thread.h"

namespace {

using namespace hotpair;
using namespace hotpair::checkpoint;
using namespace hotpair::checkpoint::store;
namespace fs = std::filesystem;
using Wall = std::chrono::steady_clock;

const ScopeId kScope{17};
const Epoch kEpoch{{1, NodeId(1)}, 0};
constexpr std::uint32_t kSlice = 512;  // records of one request, as the bulk sends them

double milliseconds_since(Wall::time_point start) {
  return std::chrono::duration<double, std::milli>(Wall::now() - start).count();
}

[[noreturn]] void stop_with(std::string_view what) {
  fmt::print(stderr, "bench_store: {}\n", what);
  std::exit(1);
}

class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "hotpair-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) stop_with("no temporary directory");
    path_ = name;
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::unique_ptr<LmdbStore> open_store(const fs::path& directory) {
  StoreOptions options;
  options.directory = directory;
  options.boot_id = "bench";
  options.node = NodeId(1);
  options.since_boot = std::chrono::seconds(1);
  auto store = LmdbStore::open(options);
  if (!store) stop_with(store.error().detail);
  return std::move(*store);
}

/// As large as an IGMP membership: a key of 14 bytes, a value of 32.
RecordKey key_of(std::uint32_t n) {
  RecordKey key{16, VrfId(0), Family::ipv4, {}};
  key.key.reserve(14);
  ByteWriter writer(key.key);
  writer.u8(1);
  writer.u32(17);
  writer.u32(1);
  writer.u32(0xe1000000U + n);
  writer.u8(0);
  return key;
}
RecordValue value_of(std::uint32_t n) {
  RecordValue value{1, Bytes(32)};
  value.bytes[20] = static_cast<std::byte>(n & 0xffU);
  return value;
}

void run_all(StoreExecutor& store, const std::vector<StoreRequest>& requests) {
  for (const StoreReply& reply : store.execute(requests))
    if (const auto* failed = std::get_if<StoreFailed>(&reply.body))
      stop_with(failed->error.detail);
}

/// The bulk as a standby gets it: slices of 512 in key order, eight of them in a transaction.
double bulk(LmdbStore& store, std::uint32_t count) {
  double spent = 0;
  std::optional<RecordKey> after;
  std::vector<StoreRequest> group;
  for (std::uint32_t n = 0; n < count;) {
    ReplaceRange slice{kScope, after, {}, {}};
    for (; n < count && slice.records.size() < kSlice; ++n)
      slice.records.push_back({key_of(n), value_of(n)});
    slice.through = slice.records.back().key;
    after = slice.through;
    group.push_back({n, std::move(slice)});
    if (group.size() < 8 && n < count) continue;
    const auto start = Wall::now();
    run_all(store, group);
    spent += milliseconds_since(start);
    group.clear();
  }
  return spent;
}

/// The same bytes put by LMDB alone through one cursor, sorted, 4096 in a transaction.
double bare_lmdb(const fs::path& directory, std::uint32_t count) {
  MDB_env* env = nullptr;
  MDB_dbi dbi = 0;
  const std::string file = (directory / "bare.mdb").string();
  if (mdb_env_create(&env) != 0 || mdb_env_set_mapsize(env, std::size_t{1} << 34U) != 0 ||
      mdb_env_open(env, file.c_str(), MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOLOCK, 0600) != 0)
    stop_with("LMDB does not open");
  double spent = 0;
  for (std::uint32_t n = 0; n < count;) {
    std::vector<Bytes> keys;
    for (; n < count && keys.size() < 4096; ++n) {
      const RecordKey key = key_of(n);
      Bytes& bytes = keys.emplace_back(8);
      bytes.insert(bytes.end(), key.key.begin(), key.key.end());
    }
    Bytes value(46);
    const auto start = Wall::now();
    MDB_txn* txn = nullptr;
    MDB_cursor* cursor = nullptr;
    int rc = mdb_txn_begin(env, nullptr, 0, &txn);
    if (rc == 0) rc = mdb_dbi_open(txn, nullptr, 0, &dbi);
    if (rc == 0) rc = mdb_cursor_open(txn, dbi, &cursor);
    for (Bytes& key : keys) {
      MDB_val k{key.size(), key.data()};
      MDB_val v{value.size(), value.data()};
      if (rc == 0) rc = mdb_cursor_put(cursor, &k, &v, 0);
    }
    if (rc == 0) rc = mdb_txn_commit(txn);
    if (rc != 0) stop_with(mdb_strerror(rc));
    spent += milliseconds_since(start);
  }
  mdb_env_close(env);
  return spent;
}

/// Random updates of stored keys, `batch` of them in a request and transaction; changes a second.
double updates(LmdbStore& store, std::uint32_t keys, std::uint32_t count, std::uint32_t batch,
               std::uint64_t& sequence) {
  std::mt19937 random(1);
  double spent = 0;
  for (std::uint32_t done = 0; done < count; done += batch) {
    PutChanges put{kScope, kEpoch, {}};
    for (std::uint32_t i = 0; i < batch; ++i) {
      const auto n = static_cast<std::uint32_t>(random() % keys);
      put.changes.push_back({Sequence(++sequence), {key_of(n), value_of(n + done)}});
    }
    const std::vector<StoreRequest> request{{done, std::move(put)}};
    const auto start = Wall::now();
    run_all(store, request);
    spent += milliseconds_since(start);
  }
  return count / spent * 1000;
}

double scan_records(LmdbStore& store, std::uint32_t expected) {
  const auto start = Wall::now();
  std::optional<RecordKey> after;
  std::uint32_t seen = 0;
  for (bool done = false; !done;) {
    const StoreRequest request{1, ScanRecords{kScope, after, {}, kSlice, 64 * 1024}};
    auto replies = store.execute({&request, 1});
    const auto* slice = std::get_if<RecordSlice>(&replies.front().body);
    if (slice == nullptr || slice->records.empty()) stop_with("a scan failed");
    seen += static_cast<std::uint32_t>(slice->records.size());
    after = slice->records.back().key;
    done = slice->done;
  }
  if (seen != expected) stop_with("a scan lost records");
  return expected / milliseconds_since(start) * 1000;
}

double scan_changes(LmdbStore& store) {
  const auto start = Wall::now();
  Sequence after;
  std::uint32_t seen = 0;
  for (bool done = false; !done;) {
    const StoreRequest request{1, ScanChanges{kScope, after, kSlice, 64 * 1024}};
    auto replies = store.execute({&request, 1});
    const auto* slice = std::get_if<ChangeSlice>(&replies.front().body);
    if (slice == nullptr || slice->changes.empty()) stop_with("a scan failed");
    seen += static_cast<std::uint32_t>(slice->changes.size());
    after = slice->changes.back().sequence;
    done = slice->done;
  }
  return seen / milliseconds_since(start) * 1000;
}

double sums(LmdbStore& store, std::uint32_t expected) {
  const auto start = Wall::now();
  const StoreRequest request{1, SumRanges{kScope, {}, {}, 256}};
  run_all(store, {request});
  return expected / milliseconds_since(start) * 1000;
}

/// One change at a time through the store thread, in microseconds: submit to answer.
std::vector<double> through_thread(StoreThread& thread, std::uint32_t count,
                                   std::uint64_t& sequence) {
  std::vector<double> times;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto start = Wall::now();
    PutChanges put{kScope, kEpoch, {}};
    put.changes.push_back({Sequence(++sequence), {key_of(i * 7919 % 100'000), value_of(i)}});
    thread.submit({i, std::move(put)});
    pollfd wait{thread.event_fd(), POLLIN, 0};
    if (::poll(&wait, 1, 10'000) != 1 || thread.drain().size() != 1)
      stop_with("the store thread does not answer");
    times.push_back(milliseconds_since(start) * 1000);
  }
  std::sort(times.begin(), times.end());
  return times;
}

struct Metric {
  std::string name;
  std::string unit;
  std::vector<double> values;
  std::vector<double> baseline;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string json(const Metric& metric) {
  const auto [low, high] = std::minmax_element(metric.values.begin(), metric.values.end());
  std::string text = fmt::format(
      R"({{"name":"{}","unit":"{}","median":{:.1f},"min":{:.1f},"max":{:.1f},"n":{})", metric.name,
      metric.unit, median(metric.values), *low, *high, metric.values.size());
  if (!metric.baseline.empty())
    text += fmt::format(R"(,"baseline":{:.1f},"ratio":{:.2f})", median(metric.baseline),
                        median(metric.values) / median(metric.baseline));
  return text + "}";
}

std::vector<Metric> measure(std::uint32_t count, int runs) {
  const std::string size = count >= 1'000'000 ? fmt::format("{}m", count / 1'000'000)
                                              : fmt::format("{}k", count / 1000);
  std::vector<Metric> metrics{
      {"bulk_received_" + size, "ms", {}, {}},   {"bulk_repeated_" + size, "ms", {}, {}},
      {"file_per_record_" + size, "bytes", {}, {}}, {"scan_records_" + size, "1/s", {}, {}},
      {"sum_ranges_" + size, "1/s", {}, {}},     {"updates_by_100_" + size, "1/s", {}, {}},
      {"updates_by_1_" + size, "1/s", {}, {}},   {"scan_changes_" + size, "1/s", {}, {}},
      {"thread_answer_p50_" + size, "us", {}, {}}, {"thread_answer_p99_" + size, "us", {}, {}},
  };
  for (int run = 0; run < runs; ++run) {
    fmt::print(stderr, "{} records, run {} of {}\n", count, run + 1, runs);
    const Directory directory;
    auto store = open_store(directory.path());
    std::uint64_t sequence = 0;
    metrics[0].values.push_back(bulk(*store, count));
    metrics[0].baseline.push_back(bare_lmdb(directory.path(), count));
    metrics[1].values.push_back(bulk(*store, count));
    metrics[2].values.push_back(static_cast<double>(store->counters().bytes_used) / count);
    metrics[3].values.push_back(scan_records(*store, count));
    metrics[4].values.push_back(sums(*store, count));
    metrics[5].values.push_back(updates(*store, count, 100'000, 100, sequence));
    metrics[6].values.push_back(updates(*store, count, 10'000, 1, sequence));
    metrics[7].values.push_back(scan_changes(*store));
    StoreThread thread(std::move(store));
    const auto times = through_thread(thread, 10'000, sequence);
    metrics[8].values.push_back(times[times.size() / 2]);
    metrics[9].values.push_back(times[times.size() * 99 / 100]);
  }
  return metrics;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (argc > 2 || (!option.empty() && option != "--quick" && option != "--all")) {
    std::fputs("usage: bench_store [--quick | --all]\n", stderr);
    return 2;
  }
  std::vector<Metric> metrics = measure(100'000, option == "--quick" ? 1 : 5);
  if (option == "--all")
    for (Metric& metric : measure(1'000'000, 3)) metrics.push_back(std::move(metric));
  std::string rows;
  for (const Metric& metric : metrics) rows += (rows.empty() ? "" : ",") + json(metric);
  fmt::print("{{\"bench\":\"store\",\"metrics\":[{}]}}\n", rows);
  return 0;
}
