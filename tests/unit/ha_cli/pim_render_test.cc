#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/cli/interpreter.h"
#include "ha/cli/pim_routes.h"
#include "ha/cli/render_pim.h"
#include "ha/config/grammar_syntax.h"
#include "tests/unit/ha_cli/fake_node.h"
#include "tests/unit/ha_cli/golden.h"

/// The displays of PIM, in both dialects and as JSON.
namespace hotpair::ha::cli {
namespace {

using namespace std::chrono_literals;
using testing::FakeNode;
using testing::golden;
using ::testing::HasSubstr;
using testing::ip;
using ::testing::Not;
using ::testing::SizeIs;

IpPrefix prefix(std::string_view text) { return *IpPrefix::parse(text); }
Group group(std::string_view text) { return *Group::from(ip(text)); }

/// The neighbor that seed 002 prints.
PimNeighborsModel seed_neighbors() {
  PimNeighbor one;
  one.interface = "GigabitEthernet0/1";
  one.row.address = ip("192.168.10.5");
  one.row.uptime = 95s;
  one.row.expires = 97s;
  one.row.dr_priority = 1;
  one.row.generation_id = 0x8e6b0c51;
  one.row.is_dr = one.row.bidirectional = one.row.proxy = one.row.state_refresh = true;
  return {Family::ipv4, {one}};
}

PimInterface an_interface() {
  PimInterface one;
  one.name = "GigabitEthernet0/1/3";
  one.propagation_delay = 500ms;
  one.override_interval = 2500ms;
  one.row.address = ip("10.0.13.1");
  one.row.dr = ip("10.0.13.3");
  one.row.mode = mcast::pim::LinkMode::live;
  one.row.neighbours = 1;
  one.row.dr_priority = 1;
  one.row.generation_id = 0x12345678;
  one.row.hello_period = 30s;
  one.row.next_hello = 12s;
  one.row.holdtime = 105s;
  one.row.propagation_delay = 700ms;
  one.row.override_interval = 3000ms;
  one.row.join_prune_period = 60s;
  one.messages = {{"Hello", 12, 13}, {"Join/Prune", 0, 4}};
  one.ignored = {{"not from a neighbor", 2}};
  return one;
}

TEST(PimNeighbors, InTheWordsOfIosAsSeed002PrintsThem) {
  EXPECT_EQ(ios_text(seed_neighbors()), golden("seed002/show-ip-pim-neighbor.txt"));
  PimNeighborsModel plain = seed_neighbors();
  auto& row = plain.neighbors[0].row;
  row.dr_priority.reset();
  row.generation_id.reset();
  row.expires.reset();
  row.is_dr = row.bidirectional = row.proxy = row.state_refresh = false;
  EXPECT_THAT(ios_text(plain), HasSubstr("00:01:35/never v2    1 / N\n"));
}

TEST(PimNeighbors, InShortAndAtLength) {
  EXPECT_EQ(to_text(seed_neighbors(), {}),
            " VPN-Instance: public net\n"
            " Total Number of Neighbors = 1\n"
            "\n"
            " Neighbor      Interface           Uptime    Expires   Dr-Priority  DR\n"
            " 192.168.10.5  GigabitEthernet0/1  00:01:35  00:01:37  1            Y\n");
  PimNeighborsModel model = seed_neighbors();
  model.neighbors[0].row.secondary = {ip("10.0.0.1"), ip("10.0.0.2")};
  model.neighbors[0].row.lan_prune_delay = mcast::wire::PimLanPruneDelay{true, 500, 2500};
  EXPECT_EQ(to_text(model, {.verbose = true}),
            " VPN-Instance: public net\n"
            " Total Number of Neighbors = 1\n"
            "\n"
            " Neighbor: 192.168.10.5 (DR)\n"
            "     Interface: GigabitEthernet0/1\n"
            "     Uptime: 00:01:35\n"
            "     Expiry time: 00:01:37\n"
            "     DR Priority: 1\n"
            "     Generation ID: 0x8E6B0C51\n"
            "     LAN delay: 500 ms\n"
            "     Override interval: 2500 ms\n"
            "     Neighbor tracking: enabled\n"
            "     Secondary address(es): 10.0.0.1\n"
            "                            10.0.0.2\n");
  EXPECT_EQ(to_text(PimNeighborsModel{}, {}),
            " VPN-Instance: public net\n Total Number of Neighbors = 0\n");
}

TEST(PimInterfaces, InShortAndAtLength) {
  PimInterfacesModel model{Family::ipv4, {an_interface(), an_interface()}};
  model.interfaces[1].name = "Eth-Trunk1";
  model.interfaces[1].row.am_dr = true;
  EXPECT_EQ(to_text(model, {}),
            " VPN-Instance: public net\n"
            " Interface             State  NbrCnt  HelloInt  DR-Pri  DR-Address\n"
            " GigabitEthernet0/1/3  up     1       30        1       10.0.13.3\n"
            " Eth-Trunk1            up     1       30        1       10.0.13.3 (local)\n");
  model.interfaces.pop_back();
  model.interfaces[0].row.scope = ScopeId{10};
  model.interfaces[0].row.mode = mcast::pim::LinkMode::muted;
  model.interfaces[0].row.next_hello.reset();
  EXPECT_EQ(to_text(model, {.verbose = true}),
            " VPN-Instance: public net\n"
            " Interface: GigabitEthernet0/1/3, 10.0.13.1\n"
            "     PIM version: 2\n"
            "     PIM mode: Sparse\n"
            "     PIM state: up\n"
            "     Backed up with backup-id 10: muted\n"
            "     PIM DR: 10.0.13.3\n"
            "     PIM DR Priority (configured): 1\n"
            "     PIM neighbor count: 1\n"
            "     PIM hello interval: 30 s\n"
            "     Next hello in: off\n"
            "     PIM LAN delay (negotiated): 700 ms\n"
            "     PIM LAN delay (configured): 500 ms\n"
            "     PIM hello override interval (negotiated): 3000 ms\n"
            "     PIM hello override interval (configured): 2500 ms\n"
            "     PIM neighbor tracking (negotiated): disabled\n"
            "     PIM neighbor tracking (configured): disabled\n"
            "     PIM generation ID: 0x12345678\n"
            "     PIM hello hold interval: 105 s\n"
            "     PIM J/P interval: 60 s\n"
            "     PIM require-GenID: disabled\n"
            "     PIM BSR domain border: disabled\n");
  EXPECT_EQ(to_text(PimInterfacesModel{Family::ipv6, {}}, {}), "No interface has IPv6 PIM.\n");
}

TEST(PimInterfaces, InTheWordsOfIos) {
  EXPECT_EQ(
      ios_text(PimInterfacesModel{Family::ipv4, {an_interface()}}),
      "Address          Interface                Ver/   Nbr    Query  DR         DR\n"
      "                                          Mode   Count  Intvl  Prior\n"
      "10.0.13.1        GigabitEthernet0/1/3     v2/S   1      30     1          10.0.13.3\n");
}

TEST(PimInterfaces, SayThatTheyAreSilentAndWhatTheyRequire) {
  PimInterfacesModel model{Family::ipv4, {an_interface()}};
  model.interfaces[0].row.silent = true;
  EXPECT_THAT(to_text(model, {}), HasSubstr("GigabitEthernet0/1/3  silent  1"));
  EXPECT_THAT(to_text(model, {.verbose = true}), HasSubstr("     PIM state: silent\n"));
  EXPECT_THAT(ios_text(model), HasSubstr("10.0.13.3 (passive)\n"));
  EXPECT_THAT(to_json(model).dump(), HasSubstr("\"silent\":true"));
  model.interfaces[0].row.silent = false;
  model.interfaces[0].row.require_genid = true;
  model.interfaces[0].row.join_policy = 2;
  const std::string text = to_text(model, {.verbose = true});
  EXPECT_THAT(text,
              HasSubstr("     PIM require-GenID: enabled\n     PIM join policy: 2 line(s)\n"));
  EXPECT_THAT(to_json(model).dump(), HasSubstr("\"join_policy_lines\":2"));
}

TEST(PimCounters, OfMessages) {
  PimBsrModel bsr;
  bsr.counters.bootstraps_heard = 3;
  bsr.counters.ignored[static_cast<std::size_t>(mcast::rp::BsrIgnored::rpf)] = 5;
  EXPECT_EQ(counters_text({Family::ipv4, {an_interface()}}, bsr),
            " VPN-Instance: public net\n"
            " Bootstrap: accepted 3, forwarded 0, originated 0\n"
            " Candidate-RP-Advertisement: accepted 0, sent 0\n"
            "     Ignored, not from the RPF neighbor: 5\n"
            " PIM control-message counters for interface: GigabitEthernet0/1/3\n"
            "     Message     Received  Sent\n"
            "     Hello       12        13\n"
            "     Join/Prune  0         4\n"
            "     Ignored, not from a neighbor: 2\n");
  const PimInterfacesModel model{
      Family::ipv4, {an_interface()}, {{"refused, not the RP of the group", 3}}};
  EXPECT_NE(
      counters_text(model, bsr).find("Register, ignored, refused, not the RP of the group: 3"),
      std::string::npos);
  const Json json = counters_json(model, bsr);
  EXPECT_EQ(json.find("registers_ignored")->find("refused_not_the_rp_of_the_group")->number(), 3U);
  const Json& one = json.find("interfaces")->elements()->at(0);
  EXPECT_EQ(one.find("sent")->find("join_prune")->number(), 4U);
  EXPECT_EQ(one.find("ignored")->find("not_from_a_neighbor")->number(), 2U);
  EXPECT_EQ(json.find("bootstrap")->find("ignored")->find("not_from_the_rpf_neighbor")->number(),
            5U);
}

// ---- trees ----

constexpr LinkId kUp{1};
constexpr LinkId kLan{2};
constexpr LinkId kDown{3};
constexpr LinkId kTunnel{4};

/// What MRIB and PIM show of a group with one source: routers on one link, hosts on another, whose
/// gate is closed here.
struct Tables {
  mcast::mrib::RouteTableModel routes;
  mcast::pim::DownstreamModel downstream;
  mcast::pim::UpstreamModel upstream;

  Tables() {
    using mcast::pim::DownstreamState;
    using mcast::pim::UpstreamState;
    mcast::mrib::RouteModel shared{.vrf = VrfId{0}, .group = group("225.1.1.1")};
    shared.rp = ip("2.2.2.2");
    shared.incoming = kUp;
    shared.rpf_neighbour = ip("10.0.13.3");
    shared.uptime = 103s;
    shared.outgoing = {{kLan, ScopeId{10}, true}, {kDown, std::nullopt, false}};
    mcast::mrib::RouteModel source = shared;
    source.source = ip("10.110.1.10");
    source.rp.reset();
    source.data_driven = true;
    mcast::mrib::RouteModel dropped = source;
    dropped.source = ip("10.110.1.11");
    dropped.negative = true;
    routes.rows = {shared, source, dropped};
    routes.rows_total = 3;
    const mcast::pim::TreeKey star{group("225.1.1.1"), std::nullopt, false};
    const mcast::pim::TreeKey tree{group("225.1.1.1"), ip("10.110.1.10"), false};
    const mcast::pim::TreeKey rpt{group("225.1.1.1"), ip("10.110.1.10"), true};
    downstream.rows = {{kDown, star, DownstreamState::join, 167s, std::nullopt},
                       {kLan, star, DownstreamState::no_info, std::nullopt, std::nullopt}};
    upstream.rows = {
        {VrfId{0}, star, UpstreamState::joined, kUp, ip("10.0.13.3"), false, 34s},
        {VrfId{0}, tree, UpstreamState::joined, kUp, ip("10.0.13.4"), true, 35s},
        {VrfId{0}, rpt, UpstreamState::pruned, kUp, ip("10.0.13.3"), false, std::nullopt}};
  }
  [[nodiscard]] PimRoutesModel joined() const {
    return pim_routes({
        .family = Family::ipv4,
        .routes = routes,
        .downstream = downstream,
        .upstream = upstream,
        .name_of =
            [](LinkId link) {
              return link == kUp ? "GE0/1/3" : link == kLan ? "Eth-Trunk1" : "GE0/1/4";
            },
        .register_link = kTunnel,
        .rp_of = [](const Group&) { return std::optional(ip("2.2.2.2")); },
        .is_own = [](const IpAddress& address) { return address == ip("2.2.2.2"); },
        .is_ssm = [](const Group& of) { return of.is_default_ssm(); },
    });
  }
};

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

// ---- rendezvous points ----

PimRpModel some_rps() {
  using mcast::rp::RpSource;
  PimRpModel model;
  mcast::rp::RpInfoRow learned;
  learned.mapping = {
      prefix("224.0.0.0/4"), ip("10.1.1.2"), RpSource::bootstrap, 3, 30, 150s, false};
  learned.told_by = ip("10.1.1.1");
  learned.uptime = 70s;
  learned.expires = 110s;
  learned.local = true;
  mcast::rp::RpInfoRow fixed;
  fixed.mapping = {prefix("239.0.0.0/8"), ip("2.2.2.2"), RpSource::configured, 0, {}, {}, false};
  model.info.rows = {fixed, learned};
  return model;
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

PimBsrModel a_bsr() {
  PimBsrModel model;
  mcast::rp::BsrZoneModel zone;
  zone.state = mcast::rp::BsrState::accept_preferred;
  zone.bsr = mcast::rp::BsrWeight{64, ip("10.1.1.1")};
  zone.hash_mask_length = 30;
  zone.uptime = 70s;
  zone.expires = 110s;
  zone.mappings = 2;
  model.zones = {zone};
  return model;
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

// ---- commands ----

class PimCommands : public ::testing::Test {
 protected:
  PimCommands() {
    node.pim_model.interfaces = {an_interface()};
    node.neighbor_model = seed_neighbors();
    node.neighbor_model.neighbors[0].interface = "GigabitEthernet0/1/3";
    node.tree_model = Tables().joined();
    node.rp_model = some_rps();
    node.bsr_model = a_bsr();
  }
  Response run(const std::string& line) {
    Request request;
    for (const auto& word : config::split_words(line)) request.argv.push_back(word.text);
    request.json = json;
    return CommandInterpreter(node, node, transactions)
        .run(request, {AccessRole::view, "anna", 1000, 0}, {});
  }
  std::string refused(const std::string& line) {
    const Response response = run(line);
    EXPECT_EQ(response.exit_code, 1) << line;
    return response.error ? response.error->detail : "not refused";
  }
  FakeNode node;
  testing::MemoryCommits commits;
  Transactions transactions{node, node, commits};
  bool json = false;
};

TEST_F(PimCommands, OfBothDialectsAndFamilies) {
  EXPECT_THAT(run("display pim neighbor verbose").text, HasSubstr(" Neighbor: 192.168.10.5"));
  EXPECT_THAT(run("show ip pim neighbor").text, HasSubstr("PIM Neighbor Table"));
  EXPECT_THAT(run("show ip pim interface GE0/1/3").text, HasSubstr("v2/S"));
  EXPECT_THAT(run("display pim ipv6 interface verbose").text, HasSubstr("PIM DR: 10.0.13.3"));
  EXPECT_THAT(run("display pim routing-table 225.1.1.1 source 10.110.1.10").text,
              HasSubstr("(10.110.1.10, 225.1.1.1)"));
  EXPECT_EQ(node.asked_trees.group, ip("225.1.1.1"));
  EXPECT_EQ(node.asked_trees.source, ip("10.110.1.10"));
  EXPECT_THAT(run("show ipv6 mroute").text, HasSubstr("IP Multicast Routing Table"));
  EXPECT_EQ(node.asked_trees.family, Family::ipv6);
  EXPECT_THAT(run("show ip pim rp mapping").text, HasSubstr("Group-to-RP"));
  EXPECT_THAT(run("display pim rp-info 225.1.1.1").text, HasSubstr("RP"));
  EXPECT_EQ(node.asked_group, ip("225.1.1.1"));
  EXPECT_THAT(run("show ip pim bsr-router").text, HasSubstr("PIMv2 Bootstrap"));
  EXPECT_THAT(run("show ip rpf 2.2.2.2").text, HasSubstr("(RP)"));
  EXPECT_THAT(run("display pim control-message counters").text, HasSubstr("Join/Prune  0"));
  json = true;
  EXPECT_TRUE(Json::parse(run("show ip pim neighbor").text, 16).has_value());
  EXPECT_TRUE(Json::parse(run("display pim ipv6 bsr-info").text, 16).has_value());
}

TEST_F(PimCommands, WhatIsNotThereIsSaid) {
  EXPECT_THAT(refused("display pim interface GE0/1/4"),
              HasSubstr("there is no interface with PIM GigabitEthernet0/1/4; did you mean "
                        "'GigabitEthernet0/1/3'?"));
  EXPECT_THAT(refused("display pim neighbor 10.9.9.9"), HasSubstr("no neighbor 10.9.9.9"));
  EXPECT_THAT(refused("display pim routing-table 10.0.0.1"), HasSubstr("not a multicast group"));
  EXPECT_THAT(refused("show ip rpf 10.9.9.9"), HasSubstr("neither a source nor an RP in use"));
}

}  // namespace
}  // namespace hotpair::ha::cli
