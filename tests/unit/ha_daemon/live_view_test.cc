#include "ha/daemon/live_view.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/ha_daemon/seeds.h"

namespace hotpair::ha::daemon {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::ip;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

/// A node with the configuration of a seed, without keeper, store and peer.
class LiveViewTest : public ::testing::Test {
 protected:
  explicit LiveViewTest(const std::string& name = "seed003/DeviceA.conf")
      : config(testing::seed(name)) {
    node.apply(testing::settings_of(config), start);
    while (node.poll_effect()) {
    }
    view.at(start + 90s, WallTime{1'000'000s});
  }

  config::Config config;
  TimePoint start{1h};
  node::Node node{{NodeId{0x1122334455667788}, "0.1.0", 1}, start};
  LiveView view{node,
                config,
                {"boot", "/run/hotpair/keeper", start},
                [](std::span<const fwd::RouteKey> keys) {
                  return std::vector<std::optional<fwd::RouteCounters>>(keys.size());
                }};
};

TEST_F(LiveViewTest, AServiceWithoutAPairKeySaysSo) {
  const auto model = view.remote_backup_services();
  ASSERT_THAT(model.services, SizeIs(1));
  const cli::RemoteBackupService& service = model.services.front();
  EXPECT_EQ(service.name, "service1");
  EXPECT_EQ(service.tcp_state, "down");
  EXPECT_EQ(service.peer, ip("3.3.3.3"));
  EXPECT_EQ(service.source, ip("1.1.1.1"));
  EXPECT_EQ(service.port, 1025);
  EXPECT_FALSE(service.last_up_time.has_value());
  EXPECT_EQ(service.last_error, "no pair key: run hotpair pair init");
}

/// The seed's node with 250 groups more on its Eth-Trunk.
class ManyGroups : public ::testing::Test {
 protected:
  ManyGroups() : config(parsed()) {
    const node::NodeConfig settings = testing::settings_of(config);
    for (const node::LinkSettings& link : settings.links)
      node.on_device({.device = link.device, .present = true, .up = true}, start);
    node.apply(settings, start);
    while (node.poll_effect()) {
    }
    view.at(start, WallTime{1'000'000s});
  }
  /// And 201 groups on an interface of a VPN instance.
  static config::Config parsed() {
    std::string text = "interface Eth-Trunk1\n";
    for (int n = 0; n < 250; ++n) text += fmt::format(" igmp static-group 225.1.1.{}\n", n);
    text +=
        "#\nip vpn-instance red\n route-table 10\n multicast routing-enable\n#\ninterface eth7\n"
        " ip binding vpn-instance red\n ip address 10.7.0.1 24\n igmp enable\n";
    for (int n = 0; n < 201; ++n) text += fmt::format(" igmp static-group 225.2.2.{}\n", n);
    return config::parse_config(text, "more", testing::seed("seed003/DeviceA.conf")).config;
  }
  config::Config config;
  TimePoint start{1h};
  node::Node node{{NodeId{0x1122334455667788}, "0.1.0", 1}, start};
  LiveView view{node, config, {"boot", "/run/hotpair/keeper", start}, {}};
};

TEST_F(ManyGroups, AreReadInSlices) {
  cli::GmpGroupQuery query;
  const auto whole = view.gmp_groups(query);
  ASSERT_THAT(whole.groups, SizeIs(250));
  auto reader = view.gmp_group_reader(query);
  ASSERT_NE(reader, nullptr);
  std::vector<std::string> groups;
  for (bool done = false; !done;) {
    const auto slice = reader->next();
    done = slice.done;
    for (const auto& each : slice.groups) {
      EXPECT_EQ(each.interface, "Eth-Trunk1");
      groups.push_back(each.row.group.to_string());
    }
  }
  ASSERT_EQ(groups.size(), whole.groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i)
    EXPECT_EQ(groups[i], whole.groups[i].row.group.to_string());
  EXPECT_EQ(reader->total(), 250U);
  EXPECT_EQ(reader->total("Eth-Trunk1"), 250U);
  EXPECT_EQ(reader->total("Eth-Trunk9"), 0U);
}

TEST_F(ManyGroups, AreThoseOfTheInstanceThatIsShown) {
  const auto names = [](const cli::GmpInterfacesModel& model) {
    std::vector<std::string> found;
    for (const auto& each : model.interfaces) found.push_back(each.name);
    return found;
  };
  EXPECT_THAT(names(view.gmp_interfaces(Family::ipv4)), Not(Contains("eth7")));
  cli::GmpGroupQuery query;
  std::unique_ptr<cli::GmpGroupReader> reader;
  {
    const auto red = view.of_instance("red");
    ASSERT_NE(red, nullptr);
    EXPECT_THAT(names(red->gmp_interfaces(Family::ipv4)), ElementsAre("eth7"));
    EXPECT_EQ(red->gmp_groups(query).instance, "red");
    EXPECT_THAT(red->gmp_groups(query).groups, SizeIs(201));
    reader = red->gmp_group_reader(query);
    query.interface = "Eth-Trunk1";
    EXPECT_THAT(red->gmp_groups(query).groups, SizeIs(0)) << "an interface of another instance";
  }
  ASSERT_NE(reader, nullptr);
  std::size_t groups = 0;
  for (bool done = false; !done;) {
    const auto slice = reader->next();
    done = slice.done;
    groups += slice.groups.size();
    for (const auto& each : slice.groups) EXPECT_EQ(each.interface, "eth7");
  }
  EXPECT_EQ(groups, 201U);
}

TEST_F(ManyGroups, OneGroupOfOneInterfaceIsLookedUp) {
  cli::GmpGroupQuery query;
  query.interface = "Eth-Trunk1";
  query.group = ip("225.1.1.7");
  EXPECT_EQ(view.gmp_group_reader(query), nullptr);
  EXPECT_THAT(view.gmp_groups(query).groups, SizeIs(1));
  query.interface = "no-such";
  EXPECT_THAT(view.gmp_groups(query).groups, SizeIs(0));
}

TEST_F(LiveViewTest, TheRpIsThatOfTheSeed) {
  const auto all = view.pim_rps(Family::ipv4, std::nullopt);
  ASSERT_THAT(all.info.rows, SizeIs(1));
  EXPECT_EQ(all.info.rows[0].mapping.rp, ip("2.2.2.2"));
  EXPECT_EQ(all.info.rows[0].mapping.source, mcast::rp::RpSource::configured);
  EXPECT_FALSE(all.info.rows[0].local);
  const auto one = view.pim_rps(Family::ipv4, ip("225.1.1.1"));
  ASSERT_TRUE(one.group && one.group->mapping);
  EXPECT_EQ(one.group->mapping->rp, ip("2.2.2.2"));
  EXPECT_FALSE(view.pim_rps(Family::ipv4, ip("232.1.1.1")).group->mapping.has_value());
  EXPECT_THAT(view.pim_rps(Family::ipv6, std::nullopt).info.rows, SizeIs(0));
}

TEST_F(LiveViewTest, PimRunsOnTheInterfacesOfTheSeed) {
  const auto model = view.pim_interfaces(Family::ipv4);
  ASSERT_THAT(model.interfaces, SizeIs(3));
  std::vector<std::string> names;
  for (const auto& each : model.interfaces) {
    names.push_back(each.name);
    EXPECT_EQ(each.row.dr_priority, 1U);
    EXPECT_EQ(each.override_interval, 2500ms);
    ASSERT_THAT(each.messages, SizeIs(8));
    EXPECT_EQ(each.messages[3].name, "Join/Prune");
  }
  EXPECT_THAT(names,
              UnorderedElementsAre("Eth-Trunk1", "GigabitEthernet0/1/1", "GigabitEthernet0/1/3"));
  EXPECT_THAT(view.pim_interfaces(Family::ipv6).interfaces, SizeIs(0));
  EXPECT_THAT(view.pim_neighbors(Family::ipv4).neighbors, SizeIs(0));
  EXPECT_EQ(view.pim_bsr(Family::ipv4).family, Family::ipv4);
}

TEST_F(ManyGroups, AreTreesOfHosts) {
  cli::PimRoutesQuery query;
  query.group = ip("225.1.1.7");
  const auto model = view.pim_routes(query);
  ASSERT_THAT(model.routes, SizeIs(1));
  EXPECT_EQ(model.total, 1U);
  EXPECT_EQ(model.routes[0].rp, ip("2.2.2.2"));
  ASSERT_THAT(model.routes[0].downstreams, SizeIs(1));
  EXPECT_EQ(model.routes[0].downstreams[0].interface, "Eth-Trunk1");
  EXPECT_EQ(model.routes[0].downstreams[0].of, cli::PimDownstreamOf::hosts);
  EXPECT_FALSE(model.routes[0].downstreams[0].gate_open);  // no master yet
}

TEST_F(LiveViewTest, TheLowerAddressConnects) {
  node.set_pair_key(true, start);
  EXPECT_EQ(view.remote_backup_services().services.front().tcp_state, "connecting");
}

TEST_F(LiveViewTest, TheProfileIsTheSeeds) {
  const auto model = view.remote_backup_profiles();
  ASSERT_THAT(model.profiles, SizeIs(1));
  const cli::RemoteBackupProfile& profile = model.profiles.front();
  EXPECT_EQ(profile.index, 0x1000U);
  EXPECT_THAT(profile.services, ElementsAre(config::ServiceType::igmp));
  EXPECT_EQ(profile.service_name, "service1");
  EXPECT_EQ(profile.backup_id, 10U);
  EXPECT_THAT(profile.interfaces, ElementsAre("Eth-Trunk1"));
  EXPECT_TRUE(profile.hot);
  EXPECT_EQ(profile.role, etrunk::Role::init);
  EXPECT_FALSE(profile.gate_open);
  EXPECT_THAT(profile.notes, ElementsAre("no pair key: run hotpair pair init"));
}

TEST_F(LiveViewTest, TheEtrunkWarnsOfItsSinglePath) {
  const auto model = view.etrunks();
  ASSERT_THAT(model.etrunks, SizeIs(1));
  const cli::Etrunk& etrunk = model.etrunks.front();
  EXPECT_EQ(etrunk.timeout_ms, 20'000U);
  EXPECT_EQ(etrunk.revert_delay_s, 120U);
  EXPECT_EQ(etrunk.state, etrunk::Role::init);
  EXPECT_FALSE(etrunk.peer_heard.has_value());
  ASSERT_THAT(etrunk.paths, SizeIs(1));
  EXPECT_FALSE(etrunk.paths.front().up);
  ASSERT_THAT(etrunk.members, SizeIs(1));
  EXPECT_EQ(etrunk.members.front().scope, ScopeId{10});
  EXPECT_THAT(etrunk.notes, Contains("single path: cutting it makes two masters"));
}

TEST_F(LiveViewTest, EntriesAreThoseOfTheNewestAnswerOfTheStore) {
  const auto memberships = [&] {
    for (const cli::ScopeDatabases& scope : view.databases().scopes) {
      if (scope.scope != ScopeId{10}) continue;
      for (const cli::DatabaseRow& row : scope.databases)
        if (row.name == "IGMP membership") return row.entries;
    }
    return std::uint64_t{99};
  };
  EXPECT_EQ(memberships(), 0U);
  view.on_store({1, checkpoint::Committed{ScopeId{10}, {}, {{16, 201, {}}}}});
  EXPECT_EQ(memberships(), 201U);
  view.on_store({2, checkpoint::RangeReplaced{ScopeId{10}, {}, {{16, 7, {}}}}});
  EXPECT_EQ(memberships(), 7U);
  view.on_store({3, checkpoint::Committed{ScopeId{11}, {}, {{16, 5, {}}}}});
  EXPECT_EQ(memberships(), 7U);
  view.on_store({4, checkpoint::Committed{ScopeId{10}, {}, {}}});
  EXPECT_EQ(memberships(), 0U);
}

TEST_F(LiveViewTest, DatabasesOfScopeZeroOnlyAreNotShownForAProfile) {
  for (const cli::ScopeDatabases& scope : view.databases().scopes) {
    EXPECT_EQ(std::ranges::any_of(scope.databases,
                                  [](const auto& row) { return row.name == "RP mapping"; }),
              scope.scope == kWholeNode);
    EXPECT_TRUE(std::ranges::is_sorted(scope.databases, {}, &cli::DatabaseRow::database));
  }
}

TEST_F(LiveViewTest, AgesCountFromTheClocksOfTheDisplay) {
  EXPECT_EQ(view.version().uptime_s, 90U);
  EXPECT_EQ(view.version().sysname, "DeviceA");
  EXPECT_EQ(view.version().boot_id, "boot");
  const auto alarms = view.alarms().alarms;
  ASSERT_FALSE(alarms.empty());
  for (const cli::Alarm& alarm : alarms) {
    EXPECT_EQ(alarm.since, WallTime{1'000'000s} - 90s);
    EXPECT_FALSE(alarm.next_step.empty());
  }
}

TEST_F(LiveViewTest, AnInterfaceThatIsNotThereHasNoGroups) {
  cli::GmpGroupQuery query;
  query.interface = "Eth-Trunk9";
  EXPECT_TRUE(view.gmp_groups(query).groups.empty());
  EXPECT_TRUE(view.forwarding_table({}).routes.empty());
  EXPECT_TRUE(view.switchover_history().switchovers.empty());
  EXPECT_FALSE(view.keeper().connected);
}

}  // namespace
}  // namespace hotpair::ha::daemon
