#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/unit/ha_node/node_stand.h"

/// Admission control in a node: limits from the configuration, reservations in its journal, log.
namespace hotpair::ha::node {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using testing::NodeStand;
using ::testing::Pair;

const IpAddress kSource = *IpAddress::parse("10.9.0.9");

StaticGroup channel(int number) {
  return {*Group::parse("232.1.1." + std::to_string(number)), kSource};
}

/// An uplink, and a link of hosts with static channels and room for `max`.
NodeConfig with(const std::vector<int>& channels, std::uint32_t max) {
  NodeConfig config = NodeStand::configuration();
  LinkSettings hosts;
  hosts.name = "GigabitEthernet0/1/2";
  hosts.device = "et2";
  hosts.ipv4 = true;
  hosts.igmp = mcast::gmp::InterfaceConfig{};
  for (const int number : channels) hosts.static_groups.push_back(channel(number));
  hosts.limits_ipv4 = {
      {mcast::mrib::LimitKind::out, {*IpPrefix::parse("232.0.0.0/8"), std::nullopt}, max, 50}};
  LinkSettings uplink;
  uplink.name = "GigabitEthernet0/1/1";
  uplink.device = "et1";
  uplink.ipv4 = true;
  config.links = {hosts, uplink};
  return config;
}

class Stand : public NodeStand {
 public:
  explicit Stand(const NodeConfig& config, checkpoint::store::StoreExecutor* other_store = nullptr)
      : NodeStand(Key::absent, config, other_store) {
    other = [this](NodeEffect& effect) { carry_out(effect); };
    for (const char* device : {"et1", "et2"}) {
      DeviceFacts facts{device, true, true, {}};
      facts.addresses = {*IpPrefix::parse(device[2] == '1' ? "10.9.0.1/24" : "10.8.0.1/24")};
      node.on_device(facts, now);
      settle();
    }
    node.on_unicast_changed(now);
    settle();
    run(std::chrono::milliseconds(10));
  }
  /// Channels that go out to the hosts, by their last number.
  [[nodiscard]] std::set<int> forwarded() const {
    std::set<int> numbers;
    const LinkId hosts = node.find_link("GigabitEthernet0/1/2")->id;
    for (const auto& [key, route] : routes)
      if (std::ranges::count(route.outgoing, hosts) > 0)
        numbers.insert(std::to_integer<int>(key.group.address().bytes()[3]));
    return numbers;
  }

  std::map<fwd::RouteKey, fwd::Route> routes;

 private:
  void carry_out(NodeEffect& effect) {
    if (const auto* ask = std::get_if<AskRpf>(&effect)) {
      node.on_rpf(ask->vrf, ask->target, RpfFacts{.device = "et1", .connected = true}, now);
    } else if (const auto* apply = std::get_if<ApplyRoutes>(&effect)) {
      std::vector<fwd::AppliedChange> results;
      for (const fwd::RouteChange& change : apply->changes) {
        if (const auto* set = std::get_if<fwd::SetRoute>(&change)) {
          routes.insert_or_assign(set->route.key, set->route);
          results.push_back({set->route.key, std::nullopt});
        } else {
          const fwd::RouteKey& key = std::get<fwd::RemoveRoute>(change).key;
          routes.erase(key);
          results.push_back({key, std::nullopt});
        }
      }
      node.on_plane_applied(results, now);
    }
  }
};

TEST(Mcac, ALimitIsKeptJournalledAndTold) {
  Stand stand(with({5, 3, 1, 4}, 2));
  EXPECT_EQ(stand.forwarded().size(), 2U);
  EXPECT_EQ(stand.store.records(), 2U);
  EXPECT_THAT(stand.log, Contains(Pair("HA-NODE-0060", HasSubstr("GigabitEthernet0/1/2"))));
  EXPECT_THAT(stand.log, Contains(Pair("HA-NODE-0061", HasSubstr("1 of 2"))));
  stand.apply(with({5, 3, 1, 4}, 4));
  stand.run(std::chrono::milliseconds(10));
  EXPECT_EQ(stand.forwarded(), (std::set<int>{1, 3, 4, 5}));
  EXPECT_EQ(stand.store.records(), 4U);
  stand.run(std::chrono::seconds(60));  // longer than routes are held after a start
  stand.apply(with({}, 4));
  stand.run(std::chrono::milliseconds(10));
  EXPECT_EQ(stand.forwarded(), std::set<int>{});
  EXPECT_EQ(stand.store.records(), 0U);
}

TEST(Mcac, ARestartInPlaceForwardsTheSame) {
  Stand first(with({1, 2}, 2));
  ASSERT_EQ(first.forwarded(), (std::set<int>{1, 2}));
  first.apply(with({1, 2, 3, 4}, 2));
  ASSERT_EQ(first.forwarded(), (std::set<int>{1, 2}));
  Stand second(with({4, 3, 2, 1}, 2), first.executor);
  EXPECT_EQ(second.forwarded(), (std::set<int>{1, 2}));
  second.run(std::chrono::seconds(60));
  EXPECT_EQ(second.forwarded(), (std::set<int>{1, 2}));
  EXPECT_EQ(first.store.records(), 2U);
  second.apply(with({4, 3, 2}, 2));
  second.run(std::chrono::milliseconds(10));
  EXPECT_EQ(second.forwarded().size(), 2U);
  EXPECT_TRUE(second.forwarded().contains(2)) << "it kept its place";
}

TEST(Mcac, ReservationsWithoutAStateAreReleasedAfterTheHold) {
  Stand first(with({1, 2}, 2));
  Stand second(with({3, 4}, 2), first.executor);
  EXPECT_EQ(second.forwarded(), std::set<int>{}) << "the places are those of 1 and 2";
  second.run(std::chrono::seconds(20));
  EXPECT_EQ(second.forwarded(), (std::set<int>{3, 4}));
  EXPECT_EQ(first.store.records(), 2U);
}

}  // namespace
}  // namespace hotpair::ha::node
