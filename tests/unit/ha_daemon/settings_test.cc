#include "ha/daemon/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/ha_daemon/seeds.h"

namespace hotpair::ha::daemon {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::ip;
using testing::seed;
using testing::settings_of;
using ::testing::SizeIs;

const node::LinkSettings& link_of(const node::NodeConfig& settings, const std::string& name) {
  const auto found = std::ranges::find(settings.links, name, &node::LinkSettings::name);
  EXPECT_NE(found, settings.links.end()) << name;
  return *found;
}

TEST(Settings, DeviceAOfSeed003) {
  const node::NodeConfig settings = settings_of(seed("seed003/DeviceA.conf"));
  EXPECT_EQ(settings.sysname, "DeviceA");
  EXPECT_EQ(settings.system_id.to_string(), "00e0-fc12-3455");
  EXPECT_EQ(settings.restart_grace, 10s);
  ASSERT_THAT(settings.etrunks, SizeIs(1));
  const node::EtrunkSettings& etrunk = settings.etrunks.front();
  EXPECT_EQ(etrunk.etrunk.id, etrunk::EtrunkId{1});
  EXPECT_EQ(etrunk.etrunk.hello_ms, 1000U);
  EXPECT_EQ(etrunk.etrunk.multiplier, 20U);
  EXPECT_EQ(etrunk.etrunk.priority, 100U);
  EXPECT_EQ(etrunk.etrunk.order, etrunk::PriorityOrder::larger);
  EXPECT_EQ(etrunk.revert_delay, 120s);
  ASSERT_THAT(etrunk.etrunk.paths, SizeIs(1));
  EXPECT_EQ(etrunk.etrunk.paths.front().local, ip("1.1.1.1"));
  EXPECT_EQ(etrunk.etrunk.paths.front().peer, ip("3.3.3.3"));
  // The other vendor's encrypted text is the key, byte for byte.
  EXPECT_THAT(etrunk.etrunk.keys, ElementsAre("%^%#VQE;E!Dl&Rr]if$F>}w9uk5C>y-4|MS$unQ!#Mb#%^%#"));
  EXPECT_THAT(settings.services,
              ElementsAre(node::ServiceSettings{"service1", ip("1.1.1.1"), ip("3.3.3.3"), 1025}));
  EXPECT_THAT(settings.scopes,
              ElementsAre(node::ScopeSettings{ScopeId{10}, "profile1", "service1",
                                              etrunk::EtrunkId{1}, 1, true, false}));
  EXPECT_THAT(settings.static_rps, SizeIs(1));
}

TEST(Settings, LinksOfSeed003) {
  const node::NodeConfig settings = settings_of(seed("seed003/DeviceA.conf"));
  const node::LinkSettings& trunk = link_of(settings, "Eth-Trunk1");
  EXPECT_EQ(trunk.device, "bond0");
  EXPECT_EQ(trunk.eth_trunk, 1U);
  EXPECT_EQ(trunk.scope, ScopeId{10});
  EXPECT_TRUE(trunk.ipv4);
  EXPECT_FALSE(trunk.ipv6);
  ASSERT_TRUE(trunk.igmp.has_value());
  EXPECT_FALSE(trunk.mld.has_value());
  EXPECT_EQ(trunk.igmp->version, 3U);
  EXPECT_FALSE(trunk.igmp->check_source_subnet);  // hosts sit in one node's subnet
  ASSERT_THAT(trunk.addresses, SizeIs(1));
  EXPECT_EQ(trunk.addresses.front().to_string(), "10.0.15.1/24");
  const node::LinkSettings& uplink = link_of(settings, "GigabitEthernet0/1/3");
  EXPECT_EQ(uplink.device, "ge0-1-3");
  EXPECT_FALSE(uplink.scope.has_value());
  EXPECT_FALSE(uplink.igmp.has_value());
  EXPECT_TRUE(uplink.ipv4);  // multicast comes in here, by its `pim sm`
  EXPECT_EQ(link_of(settings, "LoopBack0").device, "lo");
  EXPECT_FALSE(
      std::ranges::any_of(settings.links, [](const auto& each) { return each.name == "NULL0"; }));
}

TEST(Settings, DeviceBOfSeed004) {
  const node::NodeConfig settings = settings_of(seed("seed004/DeviceB.conf"));
  EXPECT_EQ(settings.system_id.to_string(), "00e0-fc12-3456");
  EXPECT_THAT(settings.services,
              ElementsAre(node::ServiceSettings{"service1", ip("2001:db8:33::33"),
                                                ip("2001:db8:11::11"), 1025}));
  EXPECT_THAT(settings.scopes,
              ElementsAre(node::ScopeSettings{ScopeId{10}, "profile1", "service1",
                                              etrunk::EtrunkId{1}, 1, false, true}));
  const node::LinkSettings& trunk = link_of(settings, "Eth-Trunk1");
  EXPECT_FALSE(trunk.igmp.has_value());
  ASSERT_TRUE(trunk.mld.has_value());
  EXPECT_EQ(trunk.mld->version, 2U);
  EXPECT_TRUE(trunk.ipv6);
  EXPECT_EQ(link_of(settings, "GigabitEthernet0/1/2").device, "ge0-1-2");
}

TEST(Settings, WithoutAKeyTheDerivedOnesSign) {
  config::Config config = seed("seed003/DeviceA.conf");
  config.etrunks.front().security_key = {};
  EXPECT_THAT(settings_of(config).etrunks.front().etrunk.keys, ElementsAre("derived"));
}

TEST(Settings, WithoutASystemIdOneIsMadeOfTheNodeId) {
  config::Config config = seed("seed003/DeviceA.conf");
  config.etrunk_system_id = {};
  // Of the low 48 bits, locally administered and not a group address.
  EXPECT_EQ(settings_of(config).system_id.to_string(), "3244-5566-7788");
}

TEST(Settings, WhatIsHalfConfiguredIsLeftOut) {
  config::Config config = seed("seed003/DeviceA.conf");
  config.profiles.front().backup_id = {};
  const node::NodeConfig settings = settings_of(config);
  EXPECT_TRUE(settings.scopes.empty());
  EXPECT_FALSE(link_of(settings, "Eth-Trunk1").scope.has_value());
}

}  // namespace
}  // namespace hotpair::ha::daemon
