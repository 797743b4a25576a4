// What the Eth-Trunk costs: packets a second sent, received and routed through it beside the bare
// veth and a bridge port in the same run; the flip of 1, 16 and 64 trunks; setting them up and
// taking them over.
#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "platform/gate/gate_words.h"
#include "platform/io/clock.h"
#include "platform/kernel/eth_trunk.h"
#include "platform/kernel/gate.h"
#include "platform/kernel/kernel_plane.h"
#include "tests/bench/eth_trunk/traffic.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

using namespace platform::kernel;
using platform::io::now;

constexpr std::uint32_t kTrunks = 64;
constexpr std::size_t kWordsHeader = 8;
constexpr LinkId kUplink{1};
constexpr LinkId kOut{2};

double micros_since(TimePoint start) {
  return std::chrono::duration<double, std::micro>(now() - start).count();
}

template <typename T>
T value_of(Result<T> result) {
  if (!result) give_up(result.error().detail);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// The router with an uplink u0 and four ways to the access namespace.
struct Bed {
  Bed();
  ~Bed();
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;
  void pair(const std::string& near, const std::string& far) const;
  void trunk(std::uint32_t slot, const std::vector<std::string>& members);

  Space router;
  Space access;
  Space source;
  std::unique_ptr<GateTable> gates;
  std::optional<platform::gate::GateWords> gate_words;
  std::unique_ptr<EthTrunks> trunks;
  std::uint64_t* words = nullptr;
};

Bed::Bed() {
  router.enter();
  gates = value_of(GateTable::create(kTrunks));
  gate_words.emplace(value_of(platform::gate::GateWords::map_writable(gates->descriptors().words)));
  trunks = value_of(EthTrunks::create(gates->descriptors().words, kTrunks));
  void* base =
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, trunks->descriptors().words, 0);
  if (base == MAP_FAILED) give_up("trunk words cannot be mapped");
  words = static_cast<std::uint64_t*>(base);
  for (const char* n : {"0", "1", "2", "3", "4"})
    pair(fmt::format("x{}", n), fmt::format("y{}", n));
  router.run(
      "ip link add br0 type bridge mcast_snooping 0 && ip link set x1 master br0 && "
      "ip link set br0 up && ip addr add 10.1.0.1/24 dev x0 && ip addr add 10.2.0.1/24 dev br0");
  router.run(
      fmt::format("ip link add u0 type veth peer name s0 netns /proc/{}/fd/{} && "
                  "ip link set u0 up && ip addr add 10.9.0.1/24 dev u0",
                  ::getpid(), source.descriptor()));
  source.run("ip link set s0 up && ip addr add 10.9.0.2/24 dev s0");
  trunk(0, {"x2"});
  trunk(1, {"x3", "x4"});
  router.run("ip addr add 10.3.0.1/24 dev Eth-Trunk0 && ip addr add 10.4.0.1/24 dev Eth-Trunk1");
  for (int n = 0; n < 5; ++n) access.run(fmt::format("ip addr add 10.{}.0.2/24 dev y{}", n + 1, n));
}

Bed::~Bed() { static_cast<void>(::munmap(words, 4096)); }

void Bed::pair(const std::string& near, const std::string& far) const {
  router.run(
      fmt::format("ip link add {} type veth peer name {} netns /proc/{}/fd/{} && "
                  "ip link set {} up",
                  near, far, ::getpid(), access.descriptor(), near));
  access.run(fmt::format("ip link set {} up", far));
}

void Bed::trunk(std::uint32_t slot, const std::vector<std::string>& members) {
  router.enter();
  EthTrunkConfig config;
  config.slot = slot;
  config.gate_slot = slot;
  config.device = fmt::format("Eth-Trunk{}", slot);
  for (const std::string& name : members)
    config.members.push_back({static_cast<std::uint32_t>(config.members.size()),
                              Ifindex(::if_nametoindex(name.c_str()))});
  static_cast<void>(value_of(trunks->ensure(config)));
  const std::uint64_t mask = (1U << members.size()) - 1;
  std::atomic_ref(words[kWordsHeader + slot]).store(mask << 32U | mask);
  gate_words->store(slot, platform::gate::kGateOpen);
}

struct Way {
  std::string name;
  std::string near;  ///< in the router
  std::string far;   ///< in the access namespace
  Metric sent;
  Metric received;
  Metric routed;
};

/// Routed multicast: from the source by the uplink out of `device`.
double routed(Bed& bed, KernelPlane& plane, const std::string& device, double seconds) {
  bed.router.enter();
  value_of(plane.add_link({kOut, device, true, true}));
  std::vector<fwd::RouteChange> set;
  std::vector<fwd::RouteChange> unset;
  for (int n = 0; n < 16; ++n) {
    const fwd::RouteKey key{VrfId{}, *Group::parse(fmt::format("239.1.1.{}", n)),
                            *IpAddress::parse("10.9.0.2")};
    set.emplace_back(fwd::SetRoute{{key, kUplink, {kOut}}});
    unset.emplace_back(fwd::RemoveRoute{key});
  }
  for (const auto& applied : plane.apply(set))
    if (applied.error) give_up(applied.error->detail);
  const double rate = packets_per_second(bed.source, "s0", bed.access, seconds);
  bed.router.enter();
  static_cast<void>(plane.apply(unset));
  value_of(plane.remove_link(kOut));
  return rate;
}

void measure_throughput(Bed& bed, std::size_t rounds, double seconds,
                        std::vector<Metric>& metrics) {
  std::vector<Way> ways{{"veth", "x0", "y0", {}, {}, {}},
                        {"bridge_port", "br0", "y1", {}, {}, {}},
                        {"trunk_1_member", "Eth-Trunk0", "y2", {}, {}, {}},
                        {"trunk_2_members", "Eth-Trunk1", "y3", {}, {}, {}}};
  bed.router.enter();
  const auto plane = value_of(KernelPlane::create(value_of(RoutingSockets::open())));
  value_of(plane->add_link({kUplink, "u0", true, true}));
  for (std::size_t round = 0; round < rounds; ++round) {
    fmt::print(stderr, "throughput: round {} of {}\n", round + 1, rounds);
    for (Way& way : ways) {
      way.sent.values.push_back(packets_per_second(bed.router, way.near, bed.access, seconds));
      way.received.values.push_back(packets_per_second(bed.access, way.far, bed.router, seconds));
      way.routed.values.push_back(routed(bed, *plane, way.near, seconds));
    }
  }
  for (const auto& [name, values] :
       {std::pair("sent", &Way::sent), {"received", &Way::received}, {"routed", &Way::routed}})
    for (Way& way : ways) {
      Metric metric = way.*values;
      metric.name = fmt::format("{}_{}", name, way.name);
      metric.unit = "packets/s";
      metric.baseline = (ways.front().*values).values;
      metrics.push_back(metric);
    }
}

/// Gate word and trunk word of `count` trunks: what a takeover stores.
void measure_flip(Bed& bed, std::uint32_t count, std::vector<Metric>& metrics) {
  Metric flip{fmt::format("flip_{}_trunks", count), "ns", {}, {}};
  constexpr int kTimes = 2000;
  for (int round = 0; round < 21; ++round) {
    const TimePoint start = now();
    for (int n = 0; n < kTimes; ++n)
      for (std::uint32_t slot = 0; slot < count; ++slot) {
        std::atomic_ref(bed.words[kWordsHeader + slot]).store(n % 2 == 0 ? 1ULL << 32U | 1U : 1U);
        bed.gate_words->store(slot,
                              n % 2 == 0 ? platform::gate::kGateOpen : platform::gate::kGateClosed);
      }
    flip.values.push_back(micros_since(start) * 1e3 / kTimes);
  }
  metrics.push_back(flip);
}

FileDescriptor copy(int fd) { return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

/// 64 trunks of one member each: made, and taken over by the next daemon.
void measure_set_up(Bed& bed, std::vector<Metric>& metrics) {
  Metric made{"ensure_new_trunk", "us", {}, {}};
  Metric adopted{"adopt_64_trunks", "us", {}, {}};
  for (std::uint32_t slot = 2; slot < kTrunks; ++slot) {
    bed.pair(fmt::format("m{}", slot), fmt::format("n{}", slot));
    const TimePoint start = now();
    bed.trunk(slot, {fmt::format("m{}", slot)});
    made.values.push_back(micros_since(start));
  }
  bed.router.enter();
  for (int round = 0; round < 3; ++round) {
    const EthTrunkDescriptors maps = bed.trunks->descriptors();
    EthTrunks::KeptMaps kept{copy(maps.words), copy(maps.ports), copy(maps.trunks),
                             copy(maps.counters)};
    bed.trunks.reset();
    const TimePoint start = now();
    bed.trunks = value_of(EthTrunks::adopt(bed.gates->descriptors().words, std::move(kept)));
    for (const EthTrunkDevice& device : bed.trunks->devices()) {
      EthTrunkConfig config;
      config.slot = device.slot;
      config.gate_slot = device.gate_slot;
      config.device = fmt::format("Eth-Trunk{}", device.slot);
      config.members = device.members;
      static_cast<void>(value_of(bed.trunks->ensure(config)));
    }
    adopted.values.push_back(micros_since(start));
  }
  metrics.push_back(made);
  metrics.push_back(adopted);
}

int run(Size size) {
  Bed bed;
  std::vector<Metric> metrics;
  measure_throughput(bed, size == Size::quick ? 5 : 25, size == Size::quick ? 0.1 : 0.2, metrics);
  measure_set_up(bed, metrics);
  for (const std::uint32_t count : {1U, 16U, 64U}) measure_flip(bed, count, metrics);
  print_document("eth_trunk", metrics);
  return 0;
}

}  // namespace
}  // namespace hotpair::bench

int main(int argc, char** argv) { return hotpair::bench::run(hotpair::bench::size_of(argc, argv)); }
