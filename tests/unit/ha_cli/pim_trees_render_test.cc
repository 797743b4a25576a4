#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ha_cli/pim_samples.h"

/// The displays of PIM's trees, of the way to a source and of RPs, in both dialects and as JSON.
namespace hotpair::ha::cli {
namespace {

using namespace std::chrono_literals;
using testing::a_bsr;
using testing::group;
using ::testing::HasSubstr;
using testing::ip;
using testing::kDown;
using testing::kLan;
using testing::kTunnel;
using testing::kUp;
using ::testing::SizeIs;
using testing::some_rps;
using testing::Tables;

TEST(PimRoutes, AreJoinedFromWhatTheEnginesShow) {
  const PimRoutesModel model = Tables().joined();
  EXPECT_EQ(model.total, 2U);  // a negative route is no tree
  ASSERT_THAT(model.routes, SizeIs(2));
  const PimRoute& star = model.routes[0];
  EXPECT_FALSE(star.source.has_value());
  EXPECT_TRUE(star.rp_is_local);
  EXPECT_EQ(star.rpf_prime, ip("10.0.13.3"));
  ASSERT_THAT(star.downstreams, SizeIs(2));
  EXPECT_EQ(star.downstreams[0].of, PimDownstreamOf::hosts);  // no_info: hosts want it
  EXPECT_FALSE(star.downstreams[0].gate_open);
  EXPECT_EQ(star.downstreams[1].of, PimDownstreamOf::routers);
  EXPECT_EQ(star.downstreams[1].expires, 167s);
  const PimRoute& tree = model.routes[1];
  EXPECT_EQ(tree.rp, ip("2.2.2.2"));
  EXPECT_TRUE(tree.on_source_tree());
  EXPECT_TRUE(tree.by_assert);
  EXPECT_TRUE(tree.pruned_off_shared_tree);
  EXPECT_EQ(tree.downstreams[1].of, PimDownstreamOf::routers);  // inherited from the shared tree
}

TEST(PimRoutes, ARegisteredSourceGoesToTheRegisterTunnel) {
  Tables tables;
  tables.routes.rows.erase(tables.routes.rows.begin());
  tables.routes.rows[0].outgoing = {{kTunnel, std::nullopt, false}};
  const PimRoutesModel model = tables.joined();
  EXPECT_EQ(model.routes[0].downstreams[0].of, PimDownstreamOf::register_tunnel);
  EXPECT_THAT(to_text(model, {}),
              HasSubstr("         1: Register\n"
                        "             Protocol: pim-sm, UpTime: -, Expires: -\n"));
  EXPECT_THAT(ios_text(model), AllOf(HasSubstr("flags: SFT\n"),
                                     HasSubstr("    Register, Forward/Sparse, stopped\n")));
  const Json json = to_json(model);
  const Json& row = json.find("routes")->elements()->at(0).find("downstreams")->elements()->at(0);
  EXPECT_EQ(*row.find("interface")->string(), "Register");
  EXPECT_EQ(*row.find("by")->string(), "register");
}

TEST(PimRoutes, ASourceSpecificGroupHasNoRp) {
  Tables tables;
  tables.routes.rows.erase(tables.routes.rows.begin() + 1, tables.routes.rows.end());
  tables.routes.rows[0].group = group("232.1.1.1");
  tables.routes.rows[0].source = ip("10.110.1.10");
  tables.routes.rows[0].rp.reset();
  const PimRoutesModel model = tables.joined();
  EXPECT_FALSE(model.routes[0].rp.has_value());
  EXPECT_TRUE(model.routes[0].source_specific);
  EXPECT_THAT(to_text(model, {}), Not(HasSubstr("RP:")));
  EXPECT_THAT(to_text(model, {}), HasSubstr("Protocol: pim-ssm, Flag: RPT\n"));
}

TEST(PimRoutes, AsTextOfTheVendor) {
  EXPECT_EQ(to_text(Tables().joined(), {}),
            " VPN-Instance: public net\n"
            " Total 1 (*, G) entry; 1 (S, G) entry\n"
            "\n"
            " (*, 225.1.1.1)\n"
            "     RP: 2.2.2.2 (local)\n"
            "     Protocol: pim-sm, Flag: WC\n"
            "     UpTime: 00:01:43\n"
            "     Upstream interface: GE0/1/3\n"
            "         Upstream neighbor: 10.0.13.3\n"
            "         RPF prime neighbor: 10.0.13.3\n"
            "     Downstream interface(s) information:\n"
            "     Total number of downstreams: 2\n"
            "         1: Eth-Trunk1\n"
            "             Protocol: igmp, UpTime: -, Expires: -, slave forwarding\n"
            "         2: GE0/1/4\n"
            "             Protocol: pim-sm, UpTime: -, Expires: 00:02:47\n"
            "\n"
            " (10.110.1.10, 225.1.1.1)\n"
            "     RP: 2.2.2.2 (local)\n"
            "     Protocol: pim-sm, Flag: SPT ACT\n"
            "     UpTime: 00:01:43\n"
            "     Upstream interface: GE0/1/3\n"
            "         Upstream neighbor: 10.0.13.3\n"
            "         RPF prime neighbor: 10.0.13.4 (assert winner)\n"
            "     Downstream interface(s) information:\n"
            "     Total number of downstreams: 2\n"
            "         1: Eth-Trunk1\n"
            "             Protocol: igmp, UpTime: -, Expires: -, slave forwarding\n"
            "         2: GE0/1/4\n"
            "             Protocol: pim-sm, UpTime: -, Expires: 00:02:47\n");
  const std::string verbose = to_text(Tables().joined(), {.verbose = true});
  EXPECT_THAT(verbose, HasSubstr("         Upstream state: joined, next message in 00:00:34\n"));
  EXPECT_THAT(verbose, HasSubstr("         Pruned off the shared tree\n"));
}

TEST(PimRoutes, WithoutAWayOrATaker) {
  PimRoute lost;
  lost.group = ip("ff0e::1");
  PimRoutesModel model{Family::ipv6, {lost}, 7};
  EXPECT_EQ(to_text(model, {}),
            " VPN-Instance: public net\n"
            " Total 1 (*, G) entry; 0 (S, G) entries\n"
            "\n"
            " (*, FF0E::1)\n"
            "     RP: none\n"
            "     Protocol: pim-sm, Flag: WC\n"
            "     UpTime: -\n"
            "     Upstream interface: NULL\n"
            "         Upstream neighbor: NULL\n"
            "         RPF prime neighbor: NULL\n"
            "     Downstream interface(s) information: None\n"
            "The first 1 of 7 entries are shown.\n");
}

TEST(PimRoutes, InTheWordsOfIos) {
  EXPECT_EQ(ios_text(Tables().joined()),
            "IP Multicast Routing Table\n"
            "Flags: S - Sparse, B - Bidir Group, s - SSM Group, C - Connected, P - Pruned,\n"
            "       R - RP-bit set, F - Register flag, T - SPT-bit set\n"
            " Timers: Uptime/Expires\n"
            " Interface state: Interface, Next-Hop or VCD, State/Mode\n"
            "\n"
            "(*, 225.1.1.1), 00:01:43/stopped, RP 2.2.2.2, flags: SC\n"
            "  Incoming interface: GE0/1/3, RPF nbr 10.0.13.3\n"
            "  Outgoing interface list:\n"
            "    Eth-Trunk1, Backup/Sparse, by hosts\n"
            "    GE0/1/4, Forward/Sparse, 00:02:47\n"
            "\n"
            "(10.110.1.10, 225.1.1.1), 00:01:43/stopped, flags: SCT\n"
            "  Incoming interface: GE0/1/3, RPF nbr 10.0.13.4\n"
            "  Outgoing interface list:\n"
            "    Eth-Trunk1, Backup/Sparse, by hosts\n"
            "    GE0/1/4, Forward/Sparse, 00:02:47\n");
}

TEST(PimRoutes, AsJson) {
  const Json json = to_json(Tables().joined());
  EXPECT_EQ(json.find("total")->number(), 2U);
  const Json& tree = json.find("routes")->elements()->at(1);
  EXPECT_EQ(*tree.find("source")->string(), "10.110.1.10");
  EXPECT_EQ(*tree.find("upstream_state")->string(), "joined");
  EXPECT_EQ(tree.find("on_source_tree")->boolean(), true);
  EXPECT_EQ(tree.find("next_join_ms")->number(), 35'000U);
  const Json& out = tree.find("downstreams")->elements()->at(1);
  EXPECT_EQ(*out.find("by")->string(), "routers");
  EXPECT_EQ(out.find("expires_ms")->number(), 167'000U);
}

TEST(PimRpf, OfWhatTreesUse) {
  const PimRoutesModel routes = Tables().joined();
  const auto rp = rpf_of(routes, ip("2.2.2.2"));
  ASSERT_TRUE(rp.has_value());
  EXPECT_TRUE(rp->is_rp);
  EXPECT_EQ(ios_text(*rpf_of(routes, ip("10.110.1.10"))),
            "RPF information for 10.110.1.10\n"
            "  RPF interface: GE0/1/3\n"
            "  RPF neighbor: 10.0.13.3\n"
            "  RPF' neighbor: 10.0.13.4\n"
            "  RPF type: unicast\n");
  EXPECT_FALSE(rpf_of(routes, ip("10.9.9.9")).has_value());
}

TEST(PimRps, AsTextOfTheVendor) {
  EXPECT_EQ(to_text(some_rps()),
            " VPN-Instance: public net\n"
            " PIM-SM BSR RP information:\n"
            " Group/MaskLen: 224.0.0.0/4\n"
            "     RP: 10.1.1.2 (local)\n"
            "     Priority: 3\n"
            "     Told by: 10.1.1.1\n"
            "     Uptime: 00:01:10\n"
            "     Expires: 00:01:50\n"
            " PIM-SM static RP Number: 1\n"
            "     Static RP: 2.2.2.2, group 239.0.0.0/8\n");
  PimRpModel one = some_rps();
  one.group = mcast::rp::GroupRpModel{ip("225.1.1.1"), one.info.rows[1].mapping};
  EXPECT_EQ(to_text(one),
            " VPN-Instance: public net\n RP Address for this group is: 10.1.1.2\n"
            "     Learned by: bootstrap\n     Range: 224.0.0.0/4\n");
  one.group->mapping.reset();
  EXPECT_EQ(to_text(one), " VPN-Instance: public net\n No RP serves group 225.1.1.1.\n");
}

TEST(PimRps, InTheWordsOfIosAndAsJson) {
  EXPECT_EQ(ios_text(some_rps()),
            "PIM Group-to-RP Mappings\n"
            "\n"
            "Group(s) 239.0.0.0/8, Static\n"
            "  RP 2.2.2.2, v2\n"
            "\n"
            "Group(s) 224.0.0.0/4\n"
            "  RP 10.1.1.2, v2, local\n"
            "    Info source: 10.1.1.1, via bootstrap, priority 3, holdtime 150\n"
            "         Uptime: 00:01:10, expires: 00:01:50\n");
  const Json json = to_json(some_rps());
  EXPECT_EQ(*json.find("mappings")->elements()->at(0).find("source")->string(), "configuration");
  EXPECT_EQ(json.find("mappings")->elements()->at(1).find("expires_ms")->number(), 110'000U);
}

TEST(PimBsr, HeardAndElected) {
  EXPECT_EQ(to_text(a_bsr()),
            " VPN-Instance: public net\n"
            " Elected BSR Address: 10.1.1.1\n"
            "     Priority: 64\n"
            "     Hash mask length: 30\n"
            "     State: Accept Preferred\n"
            "     Scope: Not scoped\n"
            "     Uptime: 00:01:10\n"
            "     Expires: 00:01:50\n"
            "     C-RP Count: 2\n");
  EXPECT_EQ(ios_text(a_bsr()),
            "PIMv2 Bootstrap information\n"
            "  BSR address: 10.1.1.1\n"
            "  Uptime:      00:01:10, BSR Priority: 64, Hash mask length: 30\n"
            "  Expires:     00:01:50\n");
  PimBsrModel own = a_bsr();
  own.zones[0].state = mcast::rp::BsrState::elected;
  own.zones[0].expires.reset();
  own.zones[0].next_bootstrap = 3s;
  own.zones[0].candidate = mcast::rp::CandidateBsr{std::nullopt, ip("10.1.1.1"), 64, 30};
  EXPECT_THAT(to_text(own), HasSubstr("     Next BSR message scheduled at: 00:00:03\n"));
  EXPECT_THAT(to_text(own), HasSubstr(" Candidate BSR Address: 10.1.1.1\n     Priority: 64\n"));
  EXPECT_THAT(ios_text(own), HasSubstr("This system is the Bootstrap Router (BSR)\n"));
  EXPECT_EQ(*to_json(own).find("zones")->elements()->at(0).find("state")->string(), "elected");
}

TEST(PimAutoRp, TellsTheAgentAndTheOwnPart) {
  EXPECT_EQ(to_text(PimAutoRpModel{}), "Auto-RP is not enabled.\n");
  EXPECT_THAT(ios_text(PimAutoRpModel{}), HasSubstr("  AutoRP is disabled.\n"));
  PimAutoRpModel model;
  model.listening = true;
  model.own_agent = ip("1.1.1.1");
  model.agent = ip("9.9.9.9");
  model.announced = {ip("1.1.1.1")};
  model.announcements_sent = 3;
  model.discoveries_heard = 4;
  model.ignored = {{"truncated", 2}};
  EXPECT_EQ(to_text(model),
            " VPN-Instance: public net\n"
            " Listening: enabled\n"
            " Mapping agent: 9.9.9.9\n"
            " This router is a mapping agent: 1.1.1.1 (silent)\n"
            " This router is a candidate RP: 1.1.1.1\n"
            " Announcements: sent 3, heard 0\n"
            " Discovery messages: sent 0, heard 4\n"
            "     Ignored, truncated: 2\n");
  EXPECT_EQ(ios_text(model),
            "AutoRP Information:\n"
            "  AutoRP is enabled.\n"
            "  RP-mapping agent is 9.9.9.9\n"
            "  This system is an RP-mapping agent (1.1.1.1)\n"
            "  This system is an RP (1.1.1.1)\n\n"
            "PIM AutoRP Statistics: Sent/Received\n"
            "  RP Announce: 3/0, RP Discovery: 0/4\n");
  EXPECT_EQ(*to_json(model).find("mapping_agent")->string(), "9.9.9.9");
}

TEST(PimAutoRp, AMappingOfItNamesItsSource) {
  PimRpModel model;
  mcast::rp::RpInfoRow& row = model.info.rows.emplace_back();
  row.mapping = {.range = *IpPrefix::parse("224.0.0.0/4"),
                 .rp = ip("5.5.5.5"),
                 .source = mcast::rp::RpSource::auto_rp,
                 .holdtime = 180s};
  row.told_by = ip("9.9.9.9");
  row.uptime = 61s;
  row.expires = 119s;
  EXPECT_EQ(ios_text(model),
            "PIM Group-to-RP Mappings\n\nGroup(s) 224.0.0.0/4\n  RP 5.5.5.5, v2\n"
            "    Info source: 9.9.9.9, elected via Auto-RP, holdtime 180\n"
            "         Uptime: 00:01:01, expires: 00:01:59\n");
}

}  // namespace
}  // namespace hotpair::ha::cli
