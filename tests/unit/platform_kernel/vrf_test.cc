#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <map>

#include "platform/kernel/kernel_planes.h"
#include "platform/kernel/route_lookup.h"
#include "tests/unit/platform_kernel/lab.h"

/// Several multicast routing tables in one namespace.
namespace hotpair::platform::kernel {
namespace {

using fwd::NoRoute;
using fwd::RemoveRoute;
using fwd::Route;
using fwd::RouteKey;
using fwd::SetRoute;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr VrfId kRed{10};
constexpr LinkId kUp{7};     // r0, red
constexpr LinkId kDown{8};   // r1, red
constexpr LinkId kOther{9};  // r2, the default VRF
constexpr LinkId kRegister{11};

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

/// What a command prints in the namespace of the caller.
std::string said(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 4096> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), pipe))
    text.append(part.data(), size);
  ::pclose(pipe);
  return text;
}

struct Names {
  Family family;
  std::string source;
  std::string group;
};

class VrfTest : public testing::TestWithParam<Names> {
 protected:
  void SetUp() override { ASSERT_TRUE(lab::privileged()) << "root tests need root"; }

  RouteKey key(VrfId vrf) const {
    return {vrf, Group::parse(GetParam().group).value(), address(GetParam().source)};
  }
  static void add_links(KernelPlanes& planes) {
    EXPECT_TRUE(planes.add_link({kDown, "r1", true, true, false, kRed}));
    EXPECT_TRUE(planes.add_link({kUp, "r0", true, true, false, kRed}));
    EXPECT_TRUE(planes.add_link({kOther, "r2", true, true}));
    EXPECT_TRUE(planes.add_link({kRegister, {}, true, true, true, kRed}));
  }
  std::unique_ptr<KernelPlanes> start() const {
    auto planes = KernelPlanes::create(RoutingSockets::open().value()).value();
    EXPECT_TRUE(planes->add_vrf(RoutingSockets::open(kRed).value()));
    add_links(*planes);
    return planes;
  }
  static std::vector<std::optional<ErrorCode>> change(KernelPlanes& planes,
                                                      const std::vector<fwd::RouteChange>& delta) {
    std::vector<std::optional<ErrorCode>> errors;
    for (const fwd::AppliedChange& each : planes.apply(delta))
      errors.push_back(each.error ? std::optional(each.error->code) : std::nullopt);
    return errors;
  }
  Bytes packet(std::string_view marker) const {
    return lab::udp_frame(address(GetParam().source), address(GetParam().group), marker);
  }
  static bool arrives(const lab::Wire& wire, std::string_view marker) {
    return wire.wait_for([&](ByteSpan frame) { return lab::contains(frame, marker); }).has_value();
  }
  static std::optional<NoRoute> upcall(KernelPlanes& planes, VrfId vrf) {
    std::optional<NoRoute> found;
    static_cast<void>(lab::eventually([&] {
      for (const fwd::PlaneEvent& event : planes.poll_events(vrf))
        if (const auto* wanted = std::get_if<NoRoute>(&event)) found = *wanted;
      return found.has_value();
    }));
    return found;
  }
  /// Adopts what another life of the process left.
  static std::unique_ptr<KernelPlanes> adopt(
      const std::map<VrfId, std::pair<FileDescriptor, FileDescriptor>>& kept) {
    std::unique_ptr<KernelPlanes> planes;
    for (const auto& [vrf, pair] : kept) {
      auto sockets = RoutingSockets::adopt(FileDescriptor(::dup(pair.first.get())),
                                           FileDescriptor(::dup(pair.second.get())), vrf);
      EXPECT_TRUE(sockets);
      if (planes)
        EXPECT_TRUE(planes->add_vrf(std::move(*sockets)));
      else
        planes = KernelPlanes::create(std::move(*sockets)).value();
    }
    return planes;
  }

  lab::Topology net_;
  lab::Wire source_{net_.hosts, "h0"};
  lab::Wire down_{net_.hosts, "h1"};
  lab::Wire other_{net_.hosts, "h2"};
};

INSTANTIATE_TEST_SUITE_P(Families, VrfTest,
                         testing::Values(Names{Family::ipv4, "10.0.0.2", "239.1.1.1"},
                                         Names{Family::ipv6, "fd00:0::2", "ff1e::1"}),
                         [](const auto& names) {
                           return names.param.family == Family::ipv4 ? "Ipv4" : "Ipv6";
                         });

TEST_P(VrfTest, AnUpcallNamesItsVrfAndIsAnsweredThereOnly) {
  const lab::Inside inside(net_.router);
  const auto planes = start();
  source_.send(packet("first"));
  const auto event = upcall(*planes, kRed);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->vrf, kRed);
  EXPECT_EQ(event->link, kUp);
  EXPECT_THAT(planes->poll_events(VrfId{}), IsEmpty());
  EXPECT_THAT(change(*planes, {SetRoute{{key(kRed), kUp, {kDown}}}}), ElementsAre(std::nullopt));
  EXPECT_TRUE(arrives(down_, "first")) << "the packet waited for its route";
}

TEST_P(VrfTest, TheSameRouteIsAnotherOneInEachVrf) {
  const lab::Inside inside(net_.router);
  const auto planes = start();
  const Route red{key(kRed), kUp, {kDown}};
  const Route negative{key(VrfId{}), kOther, {}};
  EXPECT_THAT(change(*planes, {SetRoute{red}, SetRoute{negative}}),
              ElementsAre(std::nullopt, std::nullopt));
  EXPECT_THAT(*planes->read_back(), UnorderedElementsAre(negative, red));
  source_.send(packet("red"));
  other_.send(packet("public"));
  EXPECT_TRUE(arrives(down_, "red"));
  const std::vector<RouteKey> keys{key(kRed), key(VrfId{})};
  EXPECT_TRUE(lab::eventually([&] {
    const auto counters = planes->counters(keys);
    return counters[0] && counters[0]->packets == 1 && counters[1] && counters[1]->packets == 1;
  }));
  EXPECT_EQ(down_.count("public"), 0U);
  EXPECT_EQ(other_.count("red"), 0U);
  EXPECT_THAT(change(*planes, {RemoveRoute{key(kRed)}}), ElementsAre(std::nullopt));
  EXPECT_THAT(*planes->read_back(), ElementsAre(negative));
}

TEST_P(VrfTest, ALinkOfOneVrfIsNoneOfAnother) {
  const lab::Inside inside(net_.router);
  const auto planes = start();
  EXPECT_THAT(change(*planes, {SetRoute{{key(kRed), kUp, {kOther}}},
                               SetRoute{{key(VrfId{99}), kUp, {kDown}}}}),
              ElementsAre(ErrorCode::refused, ErrorCode::not_found));
}

TEST_P(VrfTest, WhoAdoptsFindsNumbersAndRules) {
  const lab::Inside inside(net_.router);
  std::map<VrfId, std::pair<FileDescriptor, FileDescriptor>> kept;
  std::map<LinkId, std::optional<unsigned>> numbers;
  {
    const auto planes = start();
    EXPECT_THAT(change(*planes, {SetRoute{{key(kRed), kUp, {kDown}}}}), ElementsAre(std::nullopt));
    for (const auto& [vrf, plane] : planes->planes())
      kept[vrf] = {FileDescriptor(::dup(plane->descriptors().ipv4)),
                   FileDescriptor(::dup(plane->descriptors().ipv6))};
    for (const LinkId link : {kUp, kDown, kRegister})
      numbers[link] = planes->planes().at(kRed)->vif_number(link, GetParam().family);
  }
  source_.send(packet("orphan"));
  EXPECT_TRUE(arrives(down_, "orphan")) << "table and rules live on";
  const auto planes = adopt(kept);
  EXPECT_TRUE(planes->add_link({kUp, "r0", true, true, false, kRed}));
  EXPECT_TRUE(planes->add_link({kDown, "r1", true, true, false, kRed}));
  EXPECT_TRUE(planes->add_link({kRegister, {}, true, true, true, kRed}));
  for (const auto& [link, number] : numbers)
    EXPECT_EQ(planes->planes().at(kRed)->vif_number(link, GetParam().family), number);
  EXPECT_THAT(*planes->read_back(), ElementsAre(Route{key(kRed), kUp, {kDown}}));
  EXPECT_EQ(planes->remove_unclaimed_links(), 2U) << "r2 of the default VRF, both families";
}

TEST_P(VrfTest, RulesOfAnEarlierLifeGoUnlessTheyAreClaimed) {
  const lab::Inside inside(net_.router);
  const auto rules_of = [&](std::string_view device) {
    const std::string list = said("ip mrule show; ip -6 mrule show");
    std::size_t count = 0;
    for (std::size_t at = 0; (at = list.find(device, at)) != std::string::npos; ++at) ++count;
    return count;
  };
  start().reset();
  EXPECT_EQ(rules_of("iif r0 lookup 10"), 2U) << "one a family";
  EXPECT_EQ(rules_of("iif pimreg10"), 1U);
  EXPECT_EQ(rules_of("iif pim6reg10"), 1U);
  net_.router.run("ip mrule add iif r2 lookup 77");
  auto rules = RoutingRules::open();
  ASSERT_TRUE(rules);
  ASSERT_TRUE(rules->add("r0", kRed, Family::ipv4));
  EXPECT_EQ(rules->remove_unclaimed(), 5U);
  EXPECT_EQ(rules_of("iif r0 lookup 10"), 1U);
  EXPECT_EQ(rules_of("iif r2 lookup 77"), 1U) << "an operator's own";
  ASSERT_TRUE(rules->remove("r0", kRed, Family::ipv4));
  EXPECT_EQ(rules_of("lookup 10"), 0U);
}

TEST_P(VrfTest, ADeviceOfOurOwnHasUnicastRulesToo) {
  const lab::Inside inside(net_.router);
  auto rules = RoutingRules::open().value();
  const auto has = [&](const InterfaceRule& rule) {
    std::size_t families = 0;
    for (const Family family : {Family::ipv4, Family::ipv6})
      families += static_cast<std::size_t>(std::ranges::count(*rules.unicast(family), rule));
    return families;
  };
  net_.router.run("ip rule add iif hpf-r0 lookup 10 && ip rule add iif hpf-r0 lookup 77");
  ASSERT_TRUE(rules.set_unicast("hpf-r0", kRed));
  ASSERT_TRUE(rules.set_unicast("hpf-r0", kRed));
  EXPECT_EQ(has({"hpf-r0", 10, false}), 2U) << "one of them is the operator's";
  EXPECT_EQ(has({"hpf-r0", 10, true}), 2U);
  auto later = RoutingRules::open().value();
  EXPECT_EQ(later.remove_unclaimed(), 0U) << "those are for multicast";
  ASSERT_TRUE(later.set_unicast("hpf-r0", VrfId{20}));
  EXPECT_EQ(has({"hpf-r0", 20, true}), 2U);
  EXPECT_EQ(has({"hpf-r0", 10, true}), 0U);
  ASSERT_TRUE(later.set_unicast("hpf-r0", VrfId{}));
  EXPECT_EQ(has({"hpf-r0", 20, false}) + has({"hpf-r0", 20, true}), 0U);
  EXPECT_EQ(has({"hpf-r0", 10, false}), 1U) << "an operator's own stay";
  EXPECT_EQ(has({"hpf-r0", 77, false}), 1U);
}

TEST_P(VrfTest, ALinkThatLeavesTakesItsRulesAlong) {
  const lab::Inside inside(net_.router);
  const auto planes = start();
  EXPECT_TRUE(planes->remove_link(kUp));
  EXPECT_TRUE(planes->add_link({kUp, "r0", true, true}));
  source_.send(packet("moved"));
  const auto event = upcall(*planes, VrfId{});
  ASSERT_TRUE(event) << "the default VRF has it now";
  EXPECT_EQ(event->link, kUp);
}

TEST_P(VrfTest, ASearchReadsTheTableOfItsVrf) {
  const lab::Inside inside(net_.router);
  const bool ipv4 = GetParam().family == Family::ipv4;
  net_.router.run(ipv4 ? "ip route add 172.20.0.0/16 via 10.0.0.2 &&"
                         "ip route add 172.20.0.0/16 via 10.0.1.2 table 10 &&"
                         "ip route add 172.20.5.0/24 via 10.0.1.9 table 10"
                       : "ip -6 route add 2001:db8:20::/48 via fd00:0::2 &&"
                         "ip -6 route add 2001:db8:20::/48 via fd00:1::2 table 10 &&"
                         "ip -6 route add 2001:db8:20:5::/64 via fd00:1::9 table 10");
  RouteLookup lookup = RouteLookup::open().value();
  const IpAddress wide = address(ipv4 ? "172.20.1.1" : "2001:db8:20:1::1");
  const IpAddress narrow = address(ipv4 ? "172.20.5.1" : "2001:db8:20:5::1");
  const std::vector<std::pair<VrfId, IpAddress>> asked{
      {kRed, wide}, {kRed, narrow}, {VrfId{}, wide}, {VrfId{77}, wide}};
  for (const auto& [vrf, target] : asked) lookup.search(vrf, target);
  std::map<std::pair<VrfId, IpAddress>, std::optional<UnicastRoute>> answers;
  ASSERT_TRUE(lab::eventually([&] {
    for (auto& [vrf, target, route] : lookup.poll_searched()) answers[{vrf, target}] = route;
    return answers.size() == asked.size();
  }));
  const auto hop = [&](VrfId vrf, const IpAddress& target) {
    const auto& route = answers.at({vrf, target});
    return route ? route->next_hop : std::nullopt;
  };
  EXPECT_EQ(hop(kRed, wide), address(ipv4 ? "10.0.1.2" : "fd00:1::2"));
  EXPECT_EQ(hop(kRed, narrow), address(ipv4 ? "10.0.1.9" : "fd00:1::9"));
  EXPECT_EQ((answers.at({kRed, narrow})->prefix_length), ipv4 ? 24 : 64);
  EXPECT_EQ(hop(VrfId{}, wide), address(ipv4 ? "10.0.0.2" : "fd00:0::2"));
  EXPECT_EQ((answers.at({VrfId{77}, wide})), std::nullopt) << "there is no such table";
}

}  // namespace
}  // namespace hotpair::platform::kernel
