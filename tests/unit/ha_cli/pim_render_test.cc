#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/cli/interpreter.h"
#include "ha/config/grammar_syntax.h"
#include "tests/unit/ha_cli/fake_node.h"
#include "tests/unit/ha_cli/golden.h"
#include "tests/unit/ha_cli/pim_samples.h"

/// The displays of PIM's interfaces and neighbors, in both dialects and as JSON; all its commands.
namespace hotpair::ha::cli {
namespace {

using namespace std::chrono_literals;
using testing::a_bsr;
using testing::an_interface;
using testing::FakeNode;
using testing::golden;
using ::testing::HasSubstr;
using testing::ip;
using ::testing::Not;
using testing::seed_neighbors;
using ::testing::SizeIs;
using testing::some_rps;
using testing::Tables;

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
