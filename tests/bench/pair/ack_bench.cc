// How long an IGMP report takes from a host's socket until the peer has acknowledged the record,
// which means: committed there. Two nodes in one process, each with a loop of its own, its LMDB
// store and store thread, and TLS on loopback between them; the master hears its LAN, a veth pair
// into the hosts' network namespace, through the daemon's group socket. Reports are sent at their
// times whether or not those before are done. Arguments: [--quick | --all]. Needs root.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "platform/io/clock.h"
#include "tests/bench/pair/bare_lmdb.h"
#include "tests/bench/pair/bench_node.h"
#include "tests/bench/pair/bench_report.h"
#include "tests/bench/pair/report_lan.h"

namespace hotpair::bench {
namespace {

using namespace std::chrono_literals;
using platform::io::now;

double us(Duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

/// Times in microseconds: p50, p99, max.
std::vector<double> acknowledged(std::uint32_t preloaded, std::uint32_t rate, Duration length) {
  ReportLan lan;
  BenchPair pair(PlaneKind::memory);
  pair.master.start();
  pair.master.fill(preloaded, true);
  pair.sync(preloaded);
  const auto count = static_cast<std::uint32_t>(rate * (length / 1ms) / 1000);
  std::vector<std::atomic<TimePoint>> sent_at(count);
  // All of it in the master's loop only.
  std::vector<double> times;
  std::deque<std::pair<Sequence, std::uint32_t>> waiting;
  std::uint64_t received = 0;
  pair.master.run([&] {
    pair.master.settled = [&] {
      if (waiting.empty() || pair.master.bytes_received() == received) return;
      received = pair.master.bytes_received();
      const Sequence acked = pair.master.acked();
      const TimePoint at = now();
      for (; !waiting.empty() && waiting.front().first <= acked; waiting.pop_front())
        times.push_back(us(at - sent_at[waiting.front().second].load()));
    };
    pair.master.listen(lan.node(), [&](ByteSpan message) {
      const std::uint32_t n = group_number(message) - preloaded;
      if (n < count) waiting.emplace_back(pair.master.scope().journal.last(), n);
    });
  });
  lan.send(preloaded, rate, sent_at);
  const TimePoint give_up_at = now() + 30s;
  while (pair.master.run([&] { return times.size(); }) < count) {
    if (now() > give_up_at)
      give_up(fmt::format("of {} reports {} were acknowledged; {} lost at the socket", count,
                          pair.master.run([&] { return times.size(); }),
                          lan.node().statistics(Family::ipv4).kernel_drops));
    std::this_thread::sleep_for(1ms);
  }
  pair.master.run([&] {
    pair.master.settled = [] {};
    pair.master.unlisten();
  });
  // The journal of the master gives one record a report.
  if (pair.master.groups() != preloaded + count) give_up("reports were not taken");
  return {quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1)};
}

// ---- the machine's own limit: LMDB, a datagram, LMDB, and its echo, one at a time ----

std::pair<int, int> udp_pair() {
  int sockets[2];
  sockaddr_in addresses[2]{};
  for (int i = 0; i < 2; ++i) {
    addresses[i].sin_family = AF_INET;
    addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof addresses[i];
    auto* generic = reinterpret_cast<sockaddr*>(&addresses[i]);
    sockets[i] = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (::bind(sockets[i], generic, length) != 0 ||
        ::getsockname(sockets[i], generic, &length) != 0)
      give_up("no UDP on loopback");
  }
  for (int i = 0; i < 2; ++i)
    if (::connect(sockets[i], reinterpret_cast<const sockaddr*>(&addresses[1 - i]),
                  sizeof addresses[0]) != 0)
      give_up("no UDP on loopback");
  return {sockets[0], sockets[1]};
}

void transfer(int socket, bool out) {
  char body[112] = {};
  const ssize_t done =
      out ? ::send(socket, body, sizeof body, 0) : ::recv(socket, body, sizeof body, 0);
  if (done != static_cast<ssize_t>(sizeof body)) give_up("the datagrams of the baseline");
}

/// p50, p99, max in microseconds of a bare UDP echo with a commit of LMDB at each end.
std::vector<double> machine_limit(std::uint32_t preloaded, std::uint32_t count) {
  const Workspace workspace;
  BareLmdb here(workspace.path() / "here.mdb");
  BareLmdb there(workspace.path() / "there.mdb");
  for (BareLmdb* store : {&here, &there}) store->put(0, preloaded);
  const auto [near, far] = udp_pair();
  std::vector<double> times;
  std::thread peer([&, far = far] {
    for (std::uint32_t n = 0; n < count; ++n) {
      transfer(far, false);
      there.put(n * 7919 % preloaded, 1);
      transfer(far, true);
    }
  });
  for (std::uint32_t n = 0; n < count; ++n) {
    sleep_until(now() + 500us);
    const TimePoint start = now();
    here.put(n * 7919 % preloaded, 1);
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
    metrics.push_back({std::string("udp_echo_and_two_commits_") + names[i], "us", limit[i], {}});
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
