#include "tests/bench/eth_trunk/traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "platform/io/clock.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

constexpr std::size_t kGroups = 16;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kPayload = 64;

FileDescriptor own_namespace() {
  return FileDescriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

FileDescriptor sender(const std::string& device) {
  FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ip_mreqn interface {};
  interface.imr_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
  const int hops = 8;
  const int off = 0;
  if (::setsockopt(socket.get(), IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface) != 0 ||
      ::setsockopt(socket.get(), IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops) != 0 ||
      ::setsockopt(socket.get(), IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off) != 0)
    give_up("no multicast sender on " + device);
  return socket;
}

}  // namespace

Space::Space() {
  const FileDescriptor before = own_namespace();
  if (::unshare(CLONE_NEWNET) != 0) give_up("needs root: no network namespace of its own");
  fd_ = own_namespace();
  if (std::system("ip link set lo up; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; "
                  "echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter; "
                  "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6") != 0 ||
      ::setns(before.get(), CLONE_NEWNET) != 0)
    give_up("no namespace");
}

void Space::enter() const {
  if (::setns(fd_.get(), CLONE_NEWNET) != 0) give_up("namespace cannot be entered");
}

void Space::run(const std::string& command) const {
  const FileDescriptor before = own_namespace();
  enter();
  if (std::system(command.c_str()) != 0) give_up(command);
  if (::setns(before.get(), CLONE_NEWNET) != 0) give_up("no way back");
}

double Space::packets_in() const {
  const FileDescriptor before = own_namespace();
  enter();
  std::ifstream file("/proc/thread-self/net/snmp");
  std::string line;
  double value = -1;
  bool header = true;
  while (value < 0 && std::getline(file, line)) {
    if (!line.starts_with("Ip:")) continue;
    if (std::exchange(header, false)) continue;  // the first such line has the names
    std::istringstream fields(line);
    std::string label;
    double forwarding = 0;
    double ttl = 0;
    fields >> label >> forwarding >> ttl >> value;
  }
  if (value < 0 || ::setns(before.get(), CLONE_NEWNET) != 0) give_up("no packet counters");
  return value;
}

double packets_per_second(const Space& from, const std::string& device, const Space& to,
                          double seconds) {
  from.enter();
  const FileDescriptor socket = sender(device);
  std::array<char, kPayload> payload{};
  iovec data{payload.data(), payload.size()};
  std::array<sockaddr_in, kGroups> groups{};
  std::array<mmsghdr, kBatch> batch{};
  for (std::size_t n = 0; n < kGroups; ++n) {
    groups[n].sin_family = AF_INET;
    groups[n].sin_port = htons(5000);
    groups[n].sin_addr.s_addr = htonl(0xef010100U + static_cast<std::uint32_t>(n));
  }
  for (std::size_t n = 0; n < kBatch; ++n)
    batch[n].msg_hdr = {&groups[n % kGroups], sizeof groups[0], &data, 1, nullptr, 0, 0};
  const double before = to.packets_in();
  const TimePoint start = platform::io::now();
  double elapsed = 0;
  do {
    for (int n = 0; n < 16; ++n)
      if (::sendmmsg(socket.get(), batch.data(), batch.size(), 0) <= 0)
        give_up("nothing can be sent on " + device);
    elapsed = std::chrono::duration<double>(platform::io::now() - start).count();
  } while (elapsed < seconds);
  // What still waits in a backlog is processed by the time a system call ends on this CPU.
  return (to.packets_in() - before) / elapsed;
}

}  // namespace hotpair::bench
