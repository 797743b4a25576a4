#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <map>

#include "platform/kernel/link_monitor.h"
#include "platform/kernel/route_lookup.h"
#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::platform::kernel {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

class NetlinkTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(lab::privileged()) << "root tests need root"; }
  LinkMonitor monitor() const {
    const lab::Inside inside(net_.router);
    Result<LinkMonitor> opened = LinkMonitor::open();
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }
  /// Collects events until one satisfies the condition.
  static bool until(LinkMonitor& monitor, const std::function<bool(const LinkEvent&)>& condition) {
    return lab::eventually([&] {
      const auto events = monitor.poll();
      EXPECT_TRUE(events);
      return events && std::ranges::any_of(*events, condition);
    });
  }
  static std::vector<std::string> ours(const Link& link) {
    std::vector<std::string> names;
    for (const InterfaceAddress& each : link.addresses)
      if (each.ours) names.push_back(each.prefix.to_string());
    return names;
  }
  lab::Topology net_{2};
};

template <typename Event>
std::function<bool(const LinkEvent&)> about(std::function<bool(const Event&)> condition) {
  return [condition](const LinkEvent& event) {
    const auto* wanted = std::get_if<Event>(&event);
    return wanted != nullptr && condition(*wanted);
  };
}

TEST_F(NetlinkTest, FirstReadKnowsLinksAndAddresses) {
  const LinkMonitor links = monitor();
  const Link* r0 = links.find("r0");
  ASSERT_NE(r0, nullptr);
  EXPECT_EQ(r0->index, net_.router_index("r0"));
  EXPECT_TRUE(r0->up());
  EXPECT_FALSE(r0->loopback);
  EXPECT_EQ(r0->mtu, 1500U);
  EXPECT_NE(r0->mac, MacAddress{});
  EXPECT_TRUE(r0->link_local());
  const auto has = [&](const char* text) {
    return std::ranges::any_of(r0->addresses,
                               [&](const auto& each) { return each.prefix == prefix(text); });
  };
  EXPECT_TRUE(has("10.0.0.1/24"));
  EXPECT_TRUE(has("fd00:0::1/64"));
  EXPECT_THAT(ours(*r0), IsEmpty());
  EXPECT_TRUE(links.find("lo")->loopback);
  EXPECT_EQ(links.find("nowhere"), nullptr);
  EXPECT_EQ(links.find(Ifindex(4000)), nullptr);
}

TEST_F(NetlinkTest, CarrierNamesAndRemovalAreEvents) {
  LinkMonitor links = monitor();
  net_.hosts.run("ip link set h1 down");
  EXPECT_TRUE(until(links, about<LinkChanged>([](const LinkChanged& change) {
                      return change.link.name == "r1" && change.link.admin_up &&
                             !change.link.carrier;
                    })));
  net_.router.run("ip link set r1 down && ip link set r1 name renamed1");
  EXPECT_TRUE(until(links, about<LinkChanged>([](const LinkChanged& change) {
                      return change.link.name == "renamed1" && !change.link.admin_up;
                    })));
  const Ifindex index = links.find("renamed1")->index;
  net_.router.run("ip link del renamed1");
  EXPECT_TRUE(until(links, about<LinkGone>([&](const LinkGone& gone) {
                      return gone.name == "renamed1" && gone.index == index;
                    })));
  EXPECT_EQ(links.find("renamed1"), nullptr);
}

TEST_F(NetlinkTest, AddressesOfOthersAreEventsAndNeverRemoved) {
  LinkMonitor links = monitor();
  net_.router.run("ip addr add 192.0.2.1/24 dev r0");
  EXPECT_TRUE(until(
      links, about<AddressesChanged>([](const AddressesChanged& change) {
        return change.link.name == "r0" && change.link.addresses.back().prefix.address.is_v6() &&
               std::ranges::any_of(change.link.addresses, [](const InterfaceAddress& each) {
                 return each.prefix == prefix("192.0.2.1/24") && !each.ours;
               });
      })));
  const lab::Inside inside(net_.router);
  auto editor = AddressEditor::open();
  ASSERT_TRUE(editor);
  const Ifindex r0 = net_.router_index("r0");
  EXPECT_EQ(editor->add(r0, prefix("192.0.2.1/24")).value(), AddressAdded::present);
  const Result<void> removed = editor->remove(r0, prefix("192.0.2.1/24"));
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, ErrorCode::refused);
  EXPECT_THAT(removed.error().detail, HasSubstr("another program"));
  ASSERT_TRUE(links.refresh());
  EXPECT_THAT(links.find("r0")->addresses,
              testing::Contains(testing::Field(&InterfaceAddress::prefix, prefix("192.0.2.1/24"))));
}

TEST_F(NetlinkTest, OwnAddressesAreMarkedAndRemoved) {
  LinkMonitor links = monitor();
  const lab::Inside inside(net_.router);
  auto editor = AddressEditor::open();
  ASSERT_TRUE(editor);
  const Ifindex r0 = net_.router_index("r0");
  const Ifindex lo = net_.router_index("lo");
  EXPECT_EQ(editor->add(r0, prefix("198.51.100.1/24")).value(), AddressAdded::added);
  EXPECT_EQ(editor->add(r0, prefix("2001:db8:1::1/64")).value(), AddressAdded::added);
  EXPECT_EQ(editor->add(lo, prefix("10.255.0.1/32")).value(), AddressAdded::added);
  EXPECT_EQ(editor->add(lo, prefix("2001:db8::1/128")).value(), AddressAdded::added);
  EXPECT_EQ(editor->add(lo, prefix("2001:db8::1/128")).value(), AddressAdded::present);
  ASSERT_TRUE(until(links, about<AddressesChanged>([](const AddressesChanged& change) {
                      return change.link.loopback && ours(change.link).size() == 2;
                    })));
  EXPECT_THAT(ours(*links.find("r0")), SizeIs(2));
  for (const InterfaceAddress& each : links.find("lo")->addresses)
    EXPECT_FALSE(each.tentative) << each.prefix.to_string();
  net_.router.run("ip addr show dev r0 | grep -q '198.51.100.1/24 brd 198.51.100.255'");
  EXPECT_TRUE(editor->remove(lo, prefix("2001:db8::1/128")));
  EXPECT_TRUE(editor->remove(r0, prefix("198.51.100.1/24")));
  EXPECT_EQ(editor->remove(r0, prefix("198.51.100.1/24")).error().code, ErrorCode::not_found);
  EXPECT_EQ(editor->add(Ifindex(4000), prefix("198.51.100.1/24")).error().code,
            ErrorCode::not_found);
  EXPECT_TRUE(until(links, about<AddressesChanged>([](const AddressesChanged& change) {
                      return change.link.name == "r0" && ours(change.link).size() == 1;
                    })));
}

TEST_F(NetlinkTest, OverrunIsMadeGoodByAFullRead) {
  LinkMonitor links = monitor();
  const int tiny = 1;
  ASSERT_EQ(::setsockopt(links.descriptor(), SOL_SOCKET, SO_RCVBUFFORCE, &tiny, sizeof tiny), 0);
  net_.router.run("for i in $(seq 1 20); do ip addr add 203.0.113.$i/32 dev r0; done");
  std::size_t known = 0;
  EXPECT_TRUE(lab::eventually([&] {
    const auto events = links.poll();
    EXPECT_TRUE(events);
    known = links.find("r0")->addresses.size();
    return known >= 22;
  }));
  EXPECT_GE(links.overruns(), 1U);
}

class RouteLookupTest : public NetlinkTest {
 protected:
  RouteLookup open() const {
    const lab::Inside inside(net_.router);
    Result<RouteLookup> opened = RouteLookup::open();
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }
  UnicastRoute route(RouteLookup& lookup, std::string_view to) const {
    const Result<UnicastRoute> found = lookup.lookup(address(to));
    EXPECT_TRUE(found) << found.error().detail;
    return found ? *found : UnicastRoute{};
  }
};

TEST_F(RouteLookupTest, ConnectedLocalAndNextHop) {
  net_.router.run(
      "ip route add 172.16.0.0/16 via 10.0.1.2 metric 50 && "
      "ip -6 route add 2001:db8:2::/48 via fd00:1::2 metric 60");
  RouteLookup lookup = open();
  const Ifindex r0 = net_.router_index("r0");
  const Ifindex r1 = net_.router_index("r1");
  EXPECT_EQ(route(lookup, "10.0.0.2"), (UnicastRoute{r0, std::nullopt, 0, false, 0, 24}));
  EXPECT_TRUE(route(lookup, "10.0.0.2").connected());
  const UnicastRoute own = route(lookup, "10.0.1.1");
  EXPECT_TRUE(own.local);
  EXPECT_EQ(own.interface, r1);
  EXPECT_EQ(route(lookup, "172.16.9.9"), (UnicastRoute{r1, address("10.0.1.2"), 50, false, 1, 16}));
  EXPECT_EQ(route(lookup, "2001:db8:2::9"),
            (UnicastRoute{r1, address("fd00:1::2"), 60, false, 1, 48}));
  EXPECT_TRUE(route(lookup, "fd00:0::2").connected());
  EXPECT_EQ(route(lookup, "fd00:0::2").interface, r0);
  EXPECT_TRUE(route(lookup, "fd00:0::1").local);
}

TEST_F(RouteLookupTest, NoRouteBlackholeAndProhibitAreNotFound) {
  net_.router.run(
      "ip route add blackhole 172.17.0.0/16 && ip route add unreachable 172.18.0.0/16 "
      "&& ip route add prohibit 172.19.0.0/16 && ip -6 route add blackhole 2001:db8:3::/48");
  RouteLookup lookup = open();
  for (const char* to : {"192.0.2.77", "2001:db8:77::1", "172.17.0.1", "172.18.0.1", "172.19.0.1",
                         "2001:db8:3::1"}) {
    const Result<UnicastRoute> found = lookup.lookup(address(to));
    ASSERT_FALSE(found) << to;
    EXPECT_EQ(found.error().code, ErrorCode::not_found) << to << ": " << found.error().detail;
  }
}

TEST_F(RouteLookupTest, EqualCostPathsAnswerTheLargestNeighbourEveryTime) {
  net_.router.run(
      "ip route add 172.20.0.0/16 nexthop via 10.0.1.2 nexthop via 10.0.0.2 && "
      "ip -6 route add 2001:db8:4::/48 nexthop via fd00:0::2 nexthop via fd00:1::2");
  RouteLookup lookup = open();
  for (int host = 1; host < 20; ++host) {
    const std::string n = std::to_string(host);
    EXPECT_EQ(route(lookup, "172.20.0." + n).next_hop, address("10.0.1.2"));
    EXPECT_EQ(route(lookup, "2001:db8:4::" + n).next_hop, address("fd00:1::2"));
  }
  net_.hosts.run("ip link set h1 down");
  EXPECT_TRUE(lab::eventually([&] {
    return route(lookup, "172.20.0.1").next_hop == address("10.0.0.2");
  })) << "a next hop without carrier is not chosen";
}

TEST_F(RouteLookupTest, IPv4ByAnIPv6NeighbourKeepsTheNeighbour) {
  net_.router.run("ip route add 172.21.0.0/16 via inet6 fe80::77 dev r1");
  RouteLookup lookup = open();
  EXPECT_EQ(route(lookup, "172.21.0.1").next_hop, address("fe80::77"));
}

// Linux 6.18: what is cached with a nexthop object is void with the route that it was looked up for
// first, and answers "unreachable" from then on for every other route of the object.
TEST_F(RouteLookupTest, ASearchFindsWhatTheKernelMissesBehindANexthopObject) {
  net_.router.run(
      "ip nexthop add id 15 via fd00:0::2 dev r0 &&"
      "ip -6 route add 2001:db8:20::/64 nhid 15 && ip -6 route add 2001:db8:40::/64 nhid 15 &&"
      "ip -6 route add default via fd00:1::2 dev r1 metric 50 &&"
      "ip -6 route add blackhole 2001:db8:40:0:1::/80 &&"
      "for cpu in $(seq 0 $(($(nproc --all) - 1))); do"
      " taskset -c $cpu ip -6 route get 2001:db8:20::1 >/dev/null; done &&"
      "ip -6 route del 2001:db8:20::/64");
  RouteLookup lookup = open();
  const auto searched = [&lookup](const std::vector<IpAddress>& all) {
    for (const IpAddress& one : all) lookup.search(one);
    std::map<IpAddress, std::optional<UnicastRoute>> answers;
    EXPECT_TRUE(lab::eventually([&] {
      for (auto& [vrf, target, route] : lookup.poll_searched()) answers[target] = route;
      return answers.size() == all.size();
    }));
    return answers;
  };
  // A kernel without the fault answers by itself; the search answers the same.
  if (const auto direct = lookup.lookup(address("2001:db8:40::1")))
    EXPECT_EQ(direct->next_hop, address("fd00:0::2"));
  const auto answers = searched({address("2001:db8:40::1"), address("2001:db8:20::1"),
                                 address("2001:db8:40:0:1::1"), address("fd00:1::7")});
  ASSERT_TRUE(answers.at(address("2001:db8:40::1")));
  EXPECT_EQ(answers.at(address("2001:db8:40::1"))->next_hop, address("fd00:0::2"));
  EXPECT_EQ(answers.at(address("2001:db8:40::1"))->interface, net_.router_index("r0"));
  ASSERT_TRUE(answers.at(address("2001:db8:20::1"))) << "by the default route";
  EXPECT_EQ(answers.at(address("2001:db8:20::1"))->next_hop, address("fd00:1::2"));
  EXPECT_EQ(answers.at(address("2001:db8:40:0:1::1")), std::nullopt) << "a blackhole";
  ASSERT_TRUE(answers.at(address("fd00:1::7")));
  EXPECT_TRUE(answers.at(address("fd00:1::7"))->connected());
  net_.router.run("ip -6 route del default");
  EXPECT_EQ(searched({address("2001:db8:20::1")}).at(address("2001:db8:20::1")), std::nullopt);
}

// The same cache: what was looked up by a group of objects is answered for the routes of each.
TEST_F(RouteLookupTest, ARouteThatPacketsDoNotFollowIsNoAnswer) {
  net_.router.run(
      "ip nexthop add id 15 via fd00:0::2 dev r0 && ip nexthop add id 17 via fd00:1::2 dev r1 &&"
      "ip nexthop add id 16 group 15/17 &&"
      "ip -6 route add 2001:db8:30::/64 nhid 16 && ip -6 route add 2001:db8:40::/64 nhid 15 &&"
      "for cpu in $(seq 0 $(($(nproc --all) - 1))); do for host in 1 2 3 4 5 6 7 8 9; do"
      " taskset -c $cpu ip -6 route get 2001:db8:30::$host >/dev/null; done; done");
  RouteLookup lookup = open();
  if (const auto direct = lookup.lookup(address("2001:db8:40::1"))) {
    EXPECT_EQ(direct->next_hop, address("fd00:0::2"));
  } else {
    EXPECT_EQ(direct.error().code, ErrorCode::not_found);
  }
  // A route without doubt is answered at once.
  EXPECT_EQ(route(lookup, "2001:db8:30::1").next_hop, address("fd00:1::2"));
}

TEST_F(RouteLookupTest, ASearchThatIsAskedForMeanwhileIsAnsweredToo) {
  RouteLookup lookup = open();
  lookup.search(address("fd00:0::5"));
  lookup.search(address("fd00:1::5"));
  lookup.search(address("fd00:1::5"));
  std::vector<IpAddress> answered;
  EXPECT_TRUE(lab::eventually([&] {
    for (const auto& [vrf, target, route] : lookup.poll_searched(1)) {
      EXPECT_TRUE(route && route->connected());
      answered.push_back(target);
    }
    return answered.size() == 2;
  }));
  EXPECT_THAT(answered, testing::ElementsAre(address("fd00:0::5"), address("fd00:1::5")));
}

TEST_F(RouteLookupTest, ChangesAreToldOnceForMany) {
  RouteLookup lookup = open();
  static_cast<void>(lookup.poll_changed());
  EXPECT_FALSE(lookup.poll_changed());
  net_.router.run("for i in 1 2 3; do ip route add 172.3$i.0.0/16 via 10.0.1.2; done");
  pollfd wait{lookup.descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 10000), 1);
  EXPECT_TRUE(lookup.poll_changed());
  EXPECT_FALSE(lookup.poll_changed()) << "three routes, one answer";
  net_.router.run("ip -6 route add 2001:db8:5::/48 via fd00:1::2");
  EXPECT_TRUE(lab::eventually([&] { return lookup.poll_changed(); }));
}

}  // namespace
}  // namespace hotpair::platform::kernel
