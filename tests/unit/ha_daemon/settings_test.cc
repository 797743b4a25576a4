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

TEST(Settings, PimOfSeeds) {
  const node::NodeConfig seed003 = settings_of(seed("seed003/DeviceA.conf"));
  const node::LinkSettings& uplink = link_of(seed003, "GigabitEthernet0/1/3");
  ASSERT_TRUE(uplink.pim_ipv4.has_value());
  EXPECT_EQ(*uplink.pim_ipv4, node::PimLinkSettings{});  // the defaults of RFC 7761
  EXPECT_FALSE(uplink.pim_ipv6.has_value());
  EXPECT_FALSE(link_of(seed003, "LoopBack0").pim_ipv4.has_value());
  const node::NodeConfig seed004 = settings_of(seed("seed004/DeviceB.conf"));
  EXPECT_TRUE(link_of(seed004, "Eth-Trunk1").pim_ipv6.has_value());
  EXPECT_FALSE(link_of(seed004, "Eth-Trunk1").pim_ipv4.has_value());
  EXPECT_EQ(seed004.pim_ipv6.bsr.family, Family::ipv6);
}

TEST(Settings, PimOfALink) {
  const auto parsed = config::parse_config(
      "multicast routing-enable\npim\n timer hello 20\n hello-option dr-priority 7\n#\n"
      "interface eth0\n ip address 10.0.0.1 24\n pim sm\n pim timer hello 10\n"
      " pim hello-option holdtime 65535\n pim hello-option lan-delay 100\n"
      " pim hello-option override-interval 900\n pim hello-option neighbor-tracking\n"
      " pim timer join-prune 20\n pim neighbor-policy 10.0.0.0/24\n pim bsr-boundary\n"
      " pim require-genid\n pim join-policy 239.0.0.0/8 source 10.0.0.0/8\n"
      "interface eth1\n pim sm\n ip pim passive\n ip pim bfd\n"
      " bfd interval 50 min_rx 60 multiplier 4\n",
      "t");
  ASSERT_TRUE(parsed.ok());
  const node::NodeConfig settings = settings_of(parsed.config);
  const node::PimLinkSettings& pim = *link_of(settings, "eth0").pim_ipv4;
  EXPECT_EQ(pim.link.hello_period, 10s);
  EXPECT_EQ(pim.link.dr_priority, 7U);
  EXPECT_EQ(pim.link.holdtime, 65535s);
  EXPECT_EQ(pim.link.propagation_delay, 100ms);
  EXPECT_EQ(pim.link.override_interval, 900ms);
  EXPECT_EQ(pim.link.join_prune_period, 20s);
  EXPECT_TRUE(pim.link.tracking);
  EXPECT_THAT(pim.link.neighbour_filter, ElementsAre(*IpPrefix::parse("10.0.0.0/24")));
  EXPECT_TRUE(pim.bsr_border);
  EXPECT_TRUE(pim.link.require_genid);
  EXPECT_THAT(pim.link.join_policy,
              ElementsAre(mcast::pim::JoinPermit{*IpPrefix::parse("239.0.0.0/8"),
                                                 *IpPrefix::parse("10.0.0.0/8")}));
  EXPECT_FALSE(pim.link.silent);
  const node::PimLinkSettings& other = *link_of(settings, "eth1").pim_ipv4;
  EXPECT_EQ(other.link.hello_period, 20s);
  EXPECT_FALSE(other.link.holdtime.has_value());
  EXPECT_FALSE(other.bsr_border);
  EXPECT_TRUE(other.link.silent);
  EXPECT_FALSE(other.link.require_genid);
  EXPECT_EQ(other.bfd, (node::PimBfd{50'000, 60'000, 4}));
}

TEST(Settings, PimOfTheNode) {
  const auto parsed = config::parse_config(
      "interface LoopBack0\n ip address 1.1.1.1 32\n ipv6 address fe80::1 link-local\n"
      " ipv6 address 2001:db8::1/128\n#\n"
      "pim\n static-rp 2.2.2.2 preferred\n c-bsr LoopBack0 priority 9\n"
      " c-rp LoopBack0 group-policy 239.0.0.0/8 priority 3 advertisement-interval 90\n"
      " c-rp 1.1.1.1 holdtime 99\n spt-switch-threshold 500\n register-policy 10.0.0.0/8\n"
      " bsr-policy 1.0.0.0/8\n crp-policy 1.1.0.0/16\n auto-rp listening enable\n"
      " auto-rp announce 1.1.1.1 scope 5 interval 20\n auto-rp announce LoopBack0\n"
      " auto-rp discovery 1.1.1.1 scope 7 interval 10\n#\n"
      "pim-ipv6\n undo embedded-rp\n c-bsr LoopBack0\n spt-switch-threshold infinity\n",
      "t");
  ASSERT_TRUE(parsed.ok());
  const node::NodeConfig settings = settings_of(parsed.config);
  const node::PimSettings& pim = settings.pim_ipv4;
  EXPECT_EQ(pim.rp_rules, (mcast::rp::RpRules{.static_preferred = true, .embedded = true}));
  ASSERT_THAT(pim.bsr.candidate_bsrs, SizeIs(1));
  EXPECT_EQ(pim.bsr.candidate_bsrs[0],
            (mcast::rp::CandidateBsr{std::nullopt, ip("1.1.1.1"), 9, 30}));
  ASSERT_THAT(pim.bsr.candidate_rps, SizeIs(2));
  EXPECT_EQ(pim.bsr.candidate_rps[0],
            (mcast::rp::CandidateRp{std::nullopt, ip("1.1.1.1"), 192, 99, 60s, {}, false, true}));
  EXPECT_EQ(pim.bsr.candidate_rps[1], (mcast::rp::CandidateRp{std::nullopt,
                                                              ip("1.1.1.1"),
                                                              3,
                                                              225,
                                                              90s,
                                                              {*IpPrefix::parse("239.0.0.0/8")},
                                                              false,
                                                              true}));
  EXPECT_EQ(pim.spt, (mcast::mrib::SptPolicy{false, 500}));
  EXPECT_THAT(pim.register_filter, ElementsAre(*IpPrefix::parse("10.0.0.0/8")));
  EXPECT_THAT(pim.bsr.bsr_filter, ElementsAre(*IpPrefix::parse("1.0.0.0/8")));
  EXPECT_THAT(pim.bsr.rp_filter, ElementsAre(*IpPrefix::parse("1.1.0.0/16")));
  EXPECT_TRUE(pim.auto_rp.listen);
  EXPECT_EQ(pim.auto_rp.mapping_agent, ip("1.1.1.1"));
  EXPECT_EQ(pim.auto_rp.agent_ttl, 7);
  EXPECT_EQ(pim.auto_rp.period, 10s);
  EXPECT_EQ(pim.auto_rp.holdtime_s, 30);
  EXPECT_THAT(pim.auto_rp.announced,
              ElementsAre(mcast::rp::AnnouncedRp{ip("1.1.1.1"), {}, {}, 5, 20s, 60},
                          mcast::rp::AnnouncedRp{ip("1.1.1.1"), {}, {}, 31, 60s, 180}));
  const node::PimSettings& pim6 = settings.pim_ipv6;
  EXPECT_EQ(pim6.rp_rules, (mcast::rp::RpRules{.static_preferred = false, .embedded = false}));
  EXPECT_EQ(pim6.bsr.candidate_bsrs.at(0),
            (mcast::rp::CandidateBsr{std::nullopt, ip("2001:db8::1"), 64, 126}));
  EXPECT_TRUE(pim6.spt.never);
}

TEST(Settings, AdministrativeScopes) {
  const auto parsed = config::parse_config(
      "interface LoopBack0\n ip address 1.1.1.1 32\n pim sm\n multicast boundary 239.1.0.0 16\n"
      " multicast ipv6 boundary scope 5\n#\n"
      "pim\n c-bsr LoopBack0 hash-length 24 priority 9\n c-bsr admin-scope\n c-bsr global priority "
      "3\n c-bsr group 239.1.0.0 16 hash-length 20\n c-rp LoopBack0\n",
      "t");
  ASSERT_TRUE(parsed.ok());
  const node::NodeConfig settings = settings_of(parsed.config);
  const IpPrefix zone = IpPrefix::parse("239.1.0.0/16").value();
  EXPECT_EQ(settings.links.at(0).boundary, (mcast::wire::ScopeBoundary{{zone}, 5}));
  EXPECT_THAT(settings.pim_ipv4.bsr.candidate_bsrs,
              ElementsAre(mcast::rp::CandidateBsr{std::nullopt, ip("1.1.1.1"), 3, 24},
                          mcast::rp::CandidateBsr{zone, ip("1.1.1.1"), 9, 20}));
  EXPECT_TRUE(settings.pim_ipv4.bsr.candidate_rps.at(0).in_every_zone);
}

TEST(Settings, CandidateRpIsTiedToBootstrapMessagesToo) {
  const auto parsed = config::parse_config(
      "interface LoopBack0\n ip address 1.1.1.1 32\n#\n"
      "pim\n c-rp LoopBack0 advertisement-interval 5\n",
      "t");
  const node::NodeConfig settings = settings_of(parsed.config);
  ASSERT_THAT(settings.pim_ipv4.bsr.candidate_rps, SizeIs(1));
  EXPECT_EQ(settings.pim_ipv4.bsr.candidate_rps[0].period, 5s);
  EXPECT_EQ(settings.pim_ipv4.bsr.candidate_rps[0].holdtime_s, 150);
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
