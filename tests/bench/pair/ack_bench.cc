// How long a host's report takes from the master's node until the peer has acknowledged the record,
// which means: committed there. Reports come at their times whether or not those before are done.
// Arguments: [--quick | --all].
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "checkpoint/store/lmdb_store.h"
#include "platform/io/clock.h"
#include "tests/bench/pair/bench_node.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

using namespace std::chrono_literals;
using platform::io::now;
namespace ckpt = hotpair::checkpoint;

double us(Duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

void sleep_until(TimePoint time) {
  const auto since = time.time_since_epoch();
  const timespec at{since / 1s, (since % 1s).count()};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {
  }
}

/// Times, in microseconds, of reports that are due at `rate` a second: p50, p99, max.
std::vector<double> acknowledged(std::uint32_t preloaded, std::uint32_t rate, Duration length) {
  BenchPair pair(PlaneKind::memory);
  pair.master.start();
  pair.master.fill(preloaded, true);
  pair.sync(preloaded);
  std::vector<double> times;
  std::deque<std::pair<Sequence, TimePoint>> waiting;  // in the master's loop only
  std::uint64_t received = 0;
  pair.master.run([&] {
    pair.master.settled = [&] {
      if (waiting.empty() || pair.master.bytes_received() == received) return;
      received = pair.master.bytes_received();
      const Sequence acked = pair.master.acked();
      const TimePoint at = now();
      for (; !waiting.empty() && waiting.front().first <= acked; waiting.pop_front())
        times.push_back(us(at - waiting.front().second));
    };
  });
  const auto count = static_cast<std::uint32_t>(rate * (length / 1ms) / 1000);
  const TimePoint begin = now() + 10ms;
  for (std::uint32_t n = 0; n < count; ++n) {
    const TimePoint due = begin + Duration(1s) * n / rate;
    if (now() < due) sleep_until(due);
    pair.master.post([&, n, due] {
      pair.master.report(preloaded + n, true);
      waiting.emplace_back(pair.master.scope().journal.last(), due);
    });
  }
  const TimePoint give_up_at = now() + 30s;
  while (pair.master.run([&] { return times.size(); }) < count) {
    if (now() > give_up_at) give_up("reports were never acknowledged");
    std::this_thread::sleep_for(1ms);
  }
  pair.master.run([&] { pair.master.settled = [] {}; });
  // The journal of the master gives one record a report.
  if (pair.master.groups() != preloaded + count) give_up("reports were not taken");
  return {quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1)};
}

// ---- the machine's own limit: store, one way over TCP, store, and back, one at a time ----

struct BareStore {
  explicit BareStore(const std::filesystem::path& directory) {
    ckpt::store::StoreOptions options;
    options.directory = directory;
    options.boot_id = "bench";
    options.node = NodeId(1);
    options.since_boot = 1s;
    auto opened = ckpt::store::LmdbStore::open(options);
    if (!opened) give_up(opened.error().detail);
    thread.emplace(std::move(*opened));
  }
  void put(std::uint32_t n) {
    ckpt::RecordKey key{16, VrfId(0), Family::ipv4, {}};
    ByteWriter writer(key.key);
    writer.u32(17);
    writer.u32(1);
    writer.u32(0xe1000000U + n);
    ckpt::PutChanges changes{kScope, {{1, NodeId(1)}, 0}, {}};
    changes.changes.push_back({Sequence(++sequence), {key, ckpt::RecordValue{1, Bytes(32)}}});
    thread->submit({n, std::move(changes)});
    pollfd wait{thread->event_fd(), POLLIN, 0};
    if (::poll(&wait, 1, 10'000) != 1 || thread->drain().size() != 1)
      give_up("the store thread does not answer");
  }
  std::optional<ckpt::store::StoreThread> thread;
  std::uint64_t sequence = 0;
};

void transfer(int socket, bool out) {
  char body[112] = {};
  const ssize_t done =
      out ? ::send(socket, body, sizeof body, 0) : ::recv(socket, body, sizeof body, MSG_WAITALL);
  if (done != static_cast<ssize_t>(sizeof body)) give_up("the TCP connection of the baseline");
}

std::pair<int, int> tcp_pair() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int dialler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener, generic, length) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, generic, &length) != 0 || ::connect(dialler, generic, length) != 0)
    give_up("no TCP on loopback");
  const int accepted = ::accept(listener, nullptr, nullptr);
  ::close(listener);
  const int one = 1;
  ::setsockopt(dialler, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return {dialler, accepted};
}

/// p50, p99, max in microseconds of one record at a time through two stores and TCP on loopback.
std::vector<double> machine_limit(std::uint32_t preloaded, std::uint32_t count) {
  const Workspace workspace;
  BareStore here(workspace.path() / "here");
  BareStore there(workspace.path() / "there");
  const auto [near, far] = tcp_pair();
  std::vector<double> times;
  std::thread peer([&, far = far] {
    for (std::uint32_t n = 0; n < count; ++n) {
      transfer(far, false);
      there.put(n * 7919 % preloaded);
      transfer(far, true);
    }
  });
  for (std::uint32_t n = 0; n < count; ++n) {
    sleep_until(now() + 500us);
    const TimePoint start = now();
    here.put(n * 7919 % preloaded);
    transfer(near, true);
    transfer(near, false);
    times.push_back(us(now() - start));
  }
  peer.join();
  ::close(near);
  ::close(far);
  return {quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1)};
}

}  // namespace
}  // namespace hotpair::bench

int main(int argc, char** argv) {
  using namespace hotpair::bench;
  const Size size = size_of(argc, argv);
  const int runs = size == Size::quick ? 2 : 5;
  const std::uint32_t preloaded = size == Size::quick ? 10'000
                                  : size == Size::all ? 1'000'000
                                                      : 100'000;
  const hotpair::Duration length = std::chrono::seconds(size == Size::quick ? 1 : 4);
  const char* const names[] = {"p50", "p99", "max"};
  std::vector<std::vector<double>> limit(3);
  for (int run = 0; run < runs; ++run) {
    const auto row = apart([&] { return machine_limit(preloaded, 4'000); });
    for (std::size_t i = 0; i < limit.size(); ++i) limit[i].push_back(row.at(i));
  }
  std::vector<Metric> metrics;
  for (std::size_t i = 0; i < limit.size(); ++i)
    metrics.push_back({std::string("two_stores_and_tcp_") + names[i], "us", limit[i], {}});
  for (const std::uint32_t rate : {1'000U, 20'000U}) {
    std::vector<std::vector<double>> columns(3);
    for (int run = 0; run < runs; ++run) {
      fmt::print(stderr, "{} reports/s over {} records, run {} of {}\n", rate, preloaded, run + 1,
                 runs);
      const auto row = apart([&] { return acknowledged(preloaded, rate, length); });
      for (std::size_t i = 0; i < columns.size(); ++i) columns[i].push_back(row.at(i));
    }
    for (std::size_t i = 0; i < columns.size(); ++i)
      metrics.push_back({fmt::format("report_to_ack_{}_at_{}_per_s", names[i], short_number(rate)),
                         "us", columns[i], limit[i]});
  }
  print_document("ack", metrics);
  return 0;
}
