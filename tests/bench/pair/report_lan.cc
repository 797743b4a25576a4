#include "tests/bench/pair/report_lan.h"

#include <net/if.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>
#include <utility>

#include "mcast/wire/igmp.h"
#include "platform/io/clock.h"
#include "tests/bench/pair/bench_node.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

using namespace std::chrono_literals;
using platform::io::GroupSocket;
using platform::io::now;
namespace wire = mcast::wire;

constexpr std::uint32_t kFirstGroup = 0xe1000000U;
const IpAddress kHost = IpAddress::v4(0x0a000f64U);  // 10.0.15.100

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) give_up("failed: " + command);
}

void new_namespace() {
  if (::unshare(CLONE_NEWNET) != 0) give_up("needs root: no network namespace of its own");
}

GroupSocket open_socket() {
  auto socket = GroupSocket::open();
  if (!socket) give_up(socket.error().detail);
  return std::move(*socket);
}

GroupSocket open_node_end() {
  new_namespace();
  run("ip link set lo up && ip link add tr1 type veth peer name h0 && "
      "ip address add 10.0.15.1/24 dev tr1 && ip link set tr1 up");
  GroupSocket socket = open_socket();
  if (const auto added = socket.add_interface(Ifindex(::if_nametoindex("tr1")), true, false);
      !added)
    give_up(added.error().detail);
  return socket;
}

}  // namespace

void sleep_until(TimePoint time) {
  const auto since = time.time_since_epoch();
  const timespec at{since / 1s, (since % 1s).count()};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {
  }
}

ReportLan::ReportLan() : node_(open_node_end()), host_(open_socket()) {
  std::promise<pid_t> there;
  std::promise<void> linked;
  // The namespace lives as long as the socket that is opened in it.
  std::thread hosts([&] {
    new_namespace();
    there.set_value(::gettid());
    linked.get_future().wait();
    run("ip link set lo up && ip address add 10.0.15.100/24 dev h0 && ip link set h0 up");
    host_ = open_socket();
    host_link_ = Ifindex(::if_nametoindex("h0"));
  });
  run(fmt::format("ip link set h0 netns {}", there.get_future().get()));
  linked.set_value();
  hosts.join();
  // Carrier comes a moment after both ends are up.
  sleep_until(now() + 200ms);
}

void ReportLan::send(std::uint32_t first, std::uint32_t rate,
                     std::vector<std::atomic<TimePoint>>& sent_at) {
  const TimePoint begin = now() + 10ms;
  for (std::uint32_t n = 0; n < sent_at.size(); ++n) {
    const Group group = *Group::from(IpAddress::v4(kFirstGroup + first + n));
    wire::SourceReport report;
    report.records.push_back({wire::RecordType::mode_is_exclude, group, {}});
    const Bytes message = wire::encode_igmp(report);
    const TimePoint due = begin + Duration(1s) * n / rate;
    if (now() < due) sleep_until(due);
    sent_at[n] = now();
    const auto sent = host_.send(host_link_, kHost, wire::all_gmp_routers(Family::ipv4), message);
    if (!sent) give_up(sent.error().detail);
  }
}

std::uint32_t group_number(ByteSpan message) {
  // RFC 3376 4.2: the first record follows 8 bytes, its group 4 bytes of its own.
  ByteReader reader(message);
  reader.skip(12);
  const std::uint32_t group = reader.u32();
  return reader.ok() ? group - kFirstGroup : UINT32_MAX;
}

}  // namespace hotpair::bench
