// Routes into the kernel, and back: rates of KernelPlane beside those of bare rtnetlink and bare
// setsockopt in the same run, what one delta of 256 costs the event loop, and the flip of a gate.
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>
#include <vector>

#include "platform/io/clock.h"
#include "platform/kernel/gate.h"
#include "platform/kernel/kernel_plane.h"
#include "platform/kernel/mroute.h"

namespace hotpair {
namespace {

using platform::io::now;
using platform::kernel::GateTable;
using platform::kernel::KernelPlane;
using platform::kernel::RoutingSockets;

constexpr LinkId kUp{1};
constexpr LinkId kDown{2};
constexpr std::size_t kDelta = 256;

double seconds_since(TimePoint start) {
  return std::chrono::duration<double>(now() - start).count();
}

struct Metric {
  std::string name;
  std::string unit;
  std::vector<double> values;
  double baseline = 0;
};

std::string json(const Metric& metric) {
  std::vector<double> sorted = metric.values;
  std::ranges::sort(sorted);
  const double median = sorted[sorted.size() / 2];
  std::string text =
      fmt::format(R"({{"name":"{}","unit":"{}","median":{:.3f},"min":{:.3f},"max":{:.3f},"n":{})",
                  metric.name, metric.unit, median, sorted.front(), sorted.back(), sorted.size());
  if (metric.baseline > 0)
    text += fmt::format(R"(,"baseline":{:.3f},"ratio":{:.3f})", metric.baseline,
                        median / metric.baseline);
  return text + "}";
}

[[noreturn]] void give_up(std::string_view what) {
  fmt::print(stderr, "bench_kernel_plane: {}\n", what);
  std::exit(2);
}

fwd::RouteKey key(Family family, std::uint32_t n) {
  Bytes group;
  Bytes source;
  ByteWriter group_out(group);
  ByteWriter source_out(source);
  if (family == Family::ipv4) {
    group_out.u32(0xef000000U + n);
    source_out.u32(0x0a000002U);
  } else {
    group_out.u32(0xff1e0000U);
    group_out.zeros(8);
    group_out.u32(n + 1);
    source_out.u32(0xfd000000U);
    source_out.zeros(8);
    source_out.u32(2);
  }
  return {VrfId{}, *Group::from(*IpAddress::from_bytes(group)), *IpAddress::from_bytes(source)};
}

std::vector<fwd::RouteChange> changes(Family family, std::size_t count, bool set) {
  std::vector<fwd::RouteChange> delta;
  delta.reserve(count);
  for (std::uint32_t n = 0; n < count; ++n) {
    if (set) {
      delta.emplace_back(fwd::SetRoute{{key(family, n), kUp, {kDown}}});
    } else {
      delta.emplace_back(fwd::RemoveRoute{key(family, n)});
    }
  }
  return delta;
}

/// Applies in deltas of 256; answers the rate, and the time of each delta in `micros`.
double apply_rate(KernelPlane& plane, std::span<const fwd::RouteChange> all,
                  std::vector<double>& micros) {
  const TimePoint start = now();
  for (auto rest = all; !rest.empty(); rest = rest.subspan(std::min(kDelta, rest.size()))) {
    const TimePoint before = now();
    for (const fwd::AppliedChange& applied : plane.apply(rest.first(std::min(kDelta, rest.size()))))
      if (applied.error) give_up(applied.error->detail);
    micros.push_back(seconds_since(before) * 1e6);
  }
  return static_cast<double>(all.size()) / seconds_since(start);
}

/// Bare rtnetlink: the same entries in messages encoded beforehand, 512 to a send.
double bare_netlink_rate(std::uint32_t incoming, std::size_t count) {
  constexpr std::size_t kMessages = 512;
  auto socket = platform::kernel::NetlinkSocket::open();
  if (!socket) give_up(socket.error().detail);
  std::vector<Bytes> sends;
  for (std::size_t done = 0; done < count; done += kMessages) {
    Bytes& buffer = sends.emplace_back(kMessages * 128);
    std::size_t used = 0;
    for (std::size_t n = 0; n < kMessages; ++n) {
      nlmsghdr* message = mnl_nlmsg_put_header(buffer.data() + used);
      message->nlmsg_type = RTM_NEWROUTE;
      message->nlmsg_flags =
          static_cast<std::uint16_t>(NLM_F_REQUEST | (n + 1 == kMessages ? NLM_F_ACK : 0));
      message->nlmsg_seq = static_cast<std::uint32_t>(n);
      auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
      route->rtm_family = RTNL_FAMILY_IPMR;
      route->rtm_dst_len = route->rtm_src_len = 32;
      route->rtm_type = RTN_MULTICAST;
      route->rtm_protocol = RTPROT_MROUTED;
      const fwd::RouteKey entry = key(Family::ipv4, static_cast<std::uint32_t>(done + n));
      mnl_attr_put(message, RTA_SRC, 4, entry.source->bytes().data());
      mnl_attr_put(message, RTA_DST, 4, entry.group.address().bytes().data());
      mnl_attr_put_u32(message, RTA_TABLE, RT_TABLE_DEFAULT);
      mnl_attr_put_u32(message, RTA_IIF, incoming);
      rtnexthop hops[2]{};
      hops[0].rtnh_len = hops[1].rtnh_len = sizeof hops[0];
      hops[1].rtnh_hops = 1;
      mnl_attr_put(message, RTA_MULTIPATH, sizeof hops, hops);
      used += NLMSG_ALIGN(message->nlmsg_len);
    }
    buffer.resize(used);
  }
  const TimePoint start = now();
  for (const Bytes& buffer : sends) {
    const Result<void> sent = socket->batch(buffer, 0, kMessages, [](std::uint32_t, int) {
      give_up("bare rtnetlink was refused an entry");
    });
    if (!sent) give_up(sent.error().detail);
  }
  return static_cast<double>(sends.size() * kMessages) / seconds_since(start);
}

/// Bare setsockopt for IPv6, one call an entry.
double bare_setsockopt_rate(int owner, std::size_t count) {
  std::vector<mf6cctl> entries(count);
  for (std::uint32_t n = 0; n < count; ++n) {
    const fwd::RouteKey entry = key(Family::ipv6, n);
    entries[n].mf6cc_origin.sin6_family = entries[n].mf6cc_mcastgrp.sin6_family = AF_INET6;
    std::memcpy(&entries[n].mf6cc_origin.sin6_addr, entry.source->bytes().data(), 16);
    std::memcpy(&entries[n].mf6cc_mcastgrp.sin6_addr, entry.group.address().bytes().data(), 16);
    entries[n].mf6cc_ifset.ifs_bits[0] = 2;
  }
  const TimePoint start = now();
  for (const mf6cctl& entry : entries)
    if (::setsockopt(owner, IPPROTO_IPV6, MRT6_ADD_MFC, &entry, sizeof entry) != 0)
      give_up("bare setsockopt was refused an entry");
  return static_cast<double>(count) / seconds_since(start);
}

void measure_family(KernelPlane& plane, Family family, std::size_t count, std::size_t rounds,
                    std::uint32_t incoming, std::vector<Metric>& metrics) {
  const std::string name = family == Family::ipv4 ? "ipv4" : "ipv6";
  Metric add{name + "_set", "routes/s", {}};
  Metric replace{name + "_replace", "routes/s", {}};
  Metric remove{name + "_remove", "routes/s", {}};
  Metric delta{name + "_apply_256", "us", {}};
  Metric read{name + "_counters", "routes/s", {}};
  const std::vector<fwd::RouteChange> set = changes(family, count, true);
  const std::vector<fwd::RouteChange> unset = changes(family, count, false);
  std::vector<fwd::RouteKey> keys;
  for (std::uint32_t n = 0; n < count; ++n) keys.push_back(key(family, n));
  for (std::size_t round = 0; round < rounds; ++round) {
    fmt::print(stderr, "{}: {} routes, round {} of {}\n", name, count, round + 1, rounds);
    add.values.push_back(apply_rate(plane, set, delta.values));
    replace.values.push_back(apply_rate(plane, set, delta.values));
    const TimePoint start = now();
    if (plane.counters(keys).size() != count) give_up("counters are missing");
    read.values.push_back(static_cast<double>(count) / seconds_since(start));
    remove.values.push_back(apply_rate(plane, unset, delta.values));
  }
  const std::size_t sends = count / 512 * 512;
  add.baseline = family == Family::ipv4 ? bare_netlink_rate(incoming, sends)
                                        : bare_setsockopt_rate(plane.descriptors().ipv6, count);
  for (auto rest = std::span(unset); !rest.empty();
       rest = rest.subspan(std::min(kDelta, rest.size())))
    static_cast<void>(plane.apply(rest.first(std::min(kDelta, rest.size()))));
  for (Metric* metric : {&add, &replace, &remove, &delta, &read}) metrics.push_back(*metric);
}

void measure_read_back(KernelPlane& plane, std::vector<Metric>& metrics) {
  Metric read{"read_back_10000", "ms", {}};
  std::vector<double> unused;
  apply_rate(plane, changes(Family::ipv4, 10000, true), unused);
  for (int round = 0; round < 5; ++round) {
    const TimePoint start = now();
    const auto routes = plane.read_back();
    if (!routes || routes->size() < 10000) give_up("read_back lost routes");
    read.values.push_back(seconds_since(start) * 1e3);
  }
  metrics.push_back(read);
}

void measure_gate(std::vector<Metric>& metrics) {
  auto table = GateTable::create(16);
  if (!table) give_up(table.error().detail);
  auto words = platform::gate::GateWords::map_writable((*table)->descriptors().words);
  if (!words) give_up(words.error().detail);
  Metric flip{"gate_store", "ns", {}};
  constexpr std::size_t kStores = 100000;
  for (int round = 0; round < 21; ++round) {
    const TimePoint start = now();
    for (std::size_t n = 0; n < kStores; ++n)
      words->store(n % 16, n % 2 == 0 ? platform::gate::kGateOpen : platform::gate::kGateClosed);
    flip.values.push_back(seconds_since(start) * 1e9 / kStores);
  }
  metrics.push_back(flip);
}

int run(std::size_t count, std::size_t rounds) {
  if (::unshare(CLONE_NEWNET) != 0) give_up("needs root: no network namespace of its own");
  if (std::system("ip link add r0 type veth peer name h0 && ip link add r1 type veth peer name h1 "
                  "&& ip link set r0 up && ip link set r1 up") != 0)
    give_up("veth pairs cannot be made");
  auto sockets = RoutingSockets::open();
  if (!sockets) give_up(sockets.error().detail);
  auto plane = KernelPlane::create(std::move(*sockets));
  if (!plane) give_up(plane.error().detail);
  for (const auto& [link, device] : {std::pair(kUp, "r0"), {kDown, "r1"}}) {
    if (const auto added = (*plane)->add_link({link, device, true, true}); !added)
      give_up(added.error().detail);
  }
  const std::uint32_t incoming = ::if_nametoindex("r0");
  std::vector<Metric> metrics;
  measure_family(**plane, Family::ipv4, count, rounds, incoming, metrics);
  measure_family(**plane, Family::ipv6, count, rounds, incoming, metrics);
  measure_read_back(**plane, metrics);
  measure_gate(metrics);
  std::string list;
  for (const Metric& metric : metrics) list += (list.empty() ? "" : ",\n  ") + json(metric);
  fmt::print("{{\"bench\":\"kernel_plane\",\"routes\":{},\"metrics\":[\n  {}]}}\n", count, list);
  return 0;
}

}  // namespace
}  // namespace hotpair

int main(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (option == "--quick") return hotpair::run(10000, 3);
  if (option == "--all") return hotpair::run(1000000, 3);
  return hotpair::run(100000, 5);
}
