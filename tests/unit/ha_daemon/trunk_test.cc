// Eth-Trunks from the configuration to the keeper, and from its word to the display.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ha/cli/render_text.h"
#include "ha/daemon/live_view.h"
#include "tests/unit/ha_daemon/seeds.h"

namespace hotpair::ha::daemon {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::seed;
using ::testing::SizeIs;

// No ports.conf: the Eth-Trunk is ours.
node::NodeConfig settings_with(const config::Config& config) {
  const auto ports = config::parse_ports("", "ports").ports;
  return to_node_config(config, ports, {NodeId{0x1122334455667788}, {"derived"}});
}

node::NodeConfig settings_of_text(const std::string& text) {
  return settings_with(config::parse_config(text, "text").config);
}

TEST(TrunkSettings, TheSeedsNumbers) {
  const auto a = settings_with(seed("seed003/DeviceA.conf")).trunks;
  ASSERT_THAT(a, SizeIs(1));
  EXPECT_EQ(a[0].name, "Eth-Trunk1");
  EXPECT_EQ(a[0].device, "eth-trunk1");
  EXPECT_EQ(a[0].scope, ScopeId{10});
  EXPECT_EQ(a[0].lacp.key, 305);
  EXPECT_EQ(a[0].lacp.system_priority, 32768);  // not 100: that is for ordinary trunks
  EXPECT_EQ(a[0].lacp.system.to_string(), "00e0-fc12-3455");
  ASSERT_THAT(a[0].lacp.members, SizeIs(1));
  EXPECT_EQ(a[0].lacp.members[0], (lacp::MemberConfig{0, "ge0-1-2", 1, 32768}));
  EXPECT_EQ(a[0].member_names[0], "GigabitEthernet0/1/2");
  for (const char* name : {"seed003/DeviceB.conf", "seed004/DeviceB.conf"}) {
    const auto b = settings_with(seed(name)).trunks;
    ASSERT_THAT(b, SizeIs(1));
    EXPECT_EQ(b[0].lacp.members[0].port, 32769) << name;
    EXPECT_EQ(b[0].lacp.members[0].device, "ge0-1-3") << name;
  }
}

// A device that the operator names in ports.conf is his: a shared LAN, a bond.
TEST(TrunkSettings, MappedTrunksAreOrdinaryDevices) {
  EXPECT_THAT(testing::settings_of(seed("seed003/DeviceA.conf")).trunks, IsEmpty());
}

TEST(TrunkSettings, WhatIsConfigured) {
  const auto trunks = settings_of_text(
                          "lacp priority 100\ninterface Eth-Trunk300\n mode lacp-static\n"
                          " lacp timeout fast\n least active-linknumber 2\n"
                          " max active-linknumber 4\n#\ninterface Eth-Trunk301\n#\n"
                          "interface GE0/1/1\n eth-trunk 300\n lacp priority 5\n#\n"
                          "interface GE0/1/2\n eth-trunk 300\n shutdown\n#\n"
                          "interface GE0/1/3\n eth-trunk 300\n")
                          .trunks;
  ASSERT_THAT(trunks, SizeIs(1));
  const lacp::TrunkConfig& lacp = trunks[0].lacp;
  EXPECT_EQ(lacp.system_priority, 100);
  EXPECT_EQ(lacp.system, system_id_of(NodeId{0x1122334455667788}));
  EXPECT_TRUE(lacp.fast);
  EXPECT_EQ(lacp.least_active, 2);
  EXPECT_EQ(lacp.max_active, 4);
  EXPECT_FALSE(trunks[0].scope.has_value());
  ASSERT_THAT(lacp.members, SizeIs(2));
  EXPECT_EQ(lacp.members[0].priority, 5);
  EXPECT_EQ(lacp.members[1].device, "ge0-1-3");
  EXPECT_NE(lacp.members[0].port, lacp.members[1].port);
}

// The data plane's numbers count; what it left out is left out.
TEST(TrunkSettings, NumbersOfTheDataPlane) {
  const auto config = config::parse_config(
                          "interface Eth-Trunk1\n mode lacp-static\n#\ninterface Eth-Trunk2\n"
                          " mode lacp-static\n#\ninterface GE0/1/1\n eth-trunk 2\n#\n"
                          "interface GE0/1/2\n eth-trunk 2\n",
                          "text")
                          .config;
  SettingsContext context{NodeId{1}, {}, {{2, 7, {{"ge0-1-2", lacp::MemberIndex{5}}}}}};
  const auto trunks = to_node_config(config, {}, context).trunks;
  ASSERT_THAT(trunks, SizeIs(1));
  EXPECT_EQ(trunks[0].name, "Eth-Trunk2");
  EXPECT_EQ(trunks[0].slot, 7U);
  ASSERT_THAT(trunks[0].lacp.members, SizeIs(1));
  EXPECT_EQ(trunks[0].lacp.members[0], (lacp::MemberConfig{5, "ge0-1-2", 38, 32768}));
}

TEST(TrunkSettings, KeysDiffer) {
  std::set<std::uint16_t> keys;
  for (unsigned id = 1; id <= 1024; ++id) {
    const auto trunks =
        settings_of_text("interface Eth-Trunk" + std::to_string(id) + "\n mode lacp-static\n")
            .trunks;
    ASSERT_THAT(trunks, SizeIs(1));
    keys.insert(trunks[0].lacp.key);
  }
  EXPECT_THAT(keys, SizeIs(1024));
}

TEST(TrunkSettings, ForceModesAndShutdown) {
  const std::string pair = "e-trunk 1\n peer-address 2.2.2.2 source-address 1.1.1.1\n#\n";
  const auto mode = [&](const std::string& lines) {
    return settings_of_text(pair + "interface Eth-Trunk1\n mode lacp-static\n" + lines)
        .trunks.at(0)
        .mode;
  };
  EXPECT_EQ(mode(" e-trunk 1\n"), keeper::TrunkMode::automatic);
  EXPECT_EQ(mode(" e-trunk 1\n e-trunk mode force-backup\n"), keeper::TrunkMode::force_backup);
  EXPECT_EQ(mode(" e-trunk 1\n e-trunk mode force-master\n"), keeper::TrunkMode::force_master);
  EXPECT_EQ(mode(" e-trunk mode force-backup\n"), keeper::TrunkMode::automatic);
  EXPECT_EQ(mode(" shutdown\n"), keeper::TrunkMode::force_backup);
}

/// A node with a keeper, by the seed.
class TrunkTest : public ::testing::Test {
 protected:
  TrunkTest() : config(seed("seed003/DeviceA.conf")) {
    node.apply(settings_with(config), now);
    node.on_keeper_connected(now);
    node.on_keeper(keeper::Welcome{}, now);
    while (auto effect = node.poll_effect()) {
      const auto* send = std::get_if<node::SendToKeeper>(&*effect);
      if (send == nullptr) continue;
      if (const auto* message = std::get_if<keeper::Configure>(&send->message))
        configured = *message;
    }
    view.at(now, WallTime{1'000'000s});
  }
  [[nodiscard]] bool alarmed() const {
    for (const auto& alarm : view.alarms().alarms)
      if (alarm.id == "HA-NODE-0022") return true;
    return false;
  }

  config::Config config;
  TimePoint now{1h};
  node::Node node{{NodeId{0x1122334455667788}, "0.1.0", 1}, now};
  std::optional<keeper::Configure> configured;
  LiveView view{
      node, config, {"boot", "/run/hotpair/keeper", now}, [](std::span<const fwd::RouteKey> keys) {
        return std::vector<std::optional<fwd::RouteCounters>>(keys.size());
      }};
};

TEST_F(TrunkTest, TheKeeperIsTold) {
  ASSERT_TRUE(configured.has_value());
  ASSERT_THAT(configured->trunks, SizeIs(1));
  const keeper::TrunkSetup& trunk = configured->trunks[0];
  EXPECT_EQ(trunk.lacp.id, lacp::TrunkId{1});
  EXPECT_EQ(trunk.slot, 0U);
  EXPECT_EQ(trunk.scope, ScopeId{10});
  ASSERT_THAT(configured->scopes, SizeIs(1));
  EXPECT_THAT(configured->scopes[0].access_devices, IsEmpty());  // LACP says it
}

TEST_F(TrunkTest, BeforeTheKeepersWordTheConfigurationIsShown) {
  const std::string text = cli::to_text(view.eth_trunks(), {});
  EXPECT_THAT(text, HasSubstr("System ID: 00e0-fc12-3455(Local)"));
  EXPECT_THAT(text, HasSubstr("Operate status: down"));
  EXPECT_THAT(text, HasSubstr("GigabitEthernet0/1/2      Unselect 1GE      32768       1"));
}

TEST_F(TrunkTest, TheKeepersWordIsShown) {
  keeper::TrunkStatus status;
  status.trunk.id = lacp::TrunkId{1};
  status.trunk.sync_allowed = status.trunk.partner_heard = true;
  status.trunk.collecting = status.trunk.distributing = 1;
  status.trunk.reference = lacp::MemberIndex{0};
  lacp::PortShow port;
  port.device = "ge0-1-2";
  port.selected = lacp::Selected::selected;
  port.actor = {32768, MacAddress{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x55}}, 305, 32768, 1, 0x3d};
  port.partner = port.actor;
  status.trunk.ports.push_back(port);
  node.on_keeper(status, now);
  std::ifstream file(std::string(HOTPAIR_SOURCE_DIR) +
                     "/tests/golden/seed003/DeviceA.display-eth-trunk.txt");
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(cli::to_text(view.eth_trunks(), {}), golden.str());
}

TEST_F(TrunkTest, ALostPartnerIsAnAlarm) {
  node.on_keeper(keeper::TrunkChanged{lacp::TrunkId{1}, true, true, 1, 1}, now);
  EXPECT_FALSE(alarmed());
  node.on_keeper(keeper::TrunkChanged{lacp::TrunkId{1}, true, false, 0, 0}, now);
  EXPECT_TRUE(alarmed());
  node.on_keeper(keeper::TrunkChanged{lacp::TrunkId{1}, true, true, 1, 1}, now);
  EXPECT_FALSE(alarmed());
  node.on_keeper(keeper::TrunkChanged{lacp::TrunkId{9}, true, false, 0, 0}, now);
  EXPECT_FALSE(alarmed());
}

}  // namespace
}  // namespace hotpair::ha::daemon
