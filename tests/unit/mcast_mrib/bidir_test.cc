#include <gtest/gtest.h>

#include "mrib_stand.h"

// Bidirectional groups (RFC 5015). The RP is behind link 1, where 10.0.1.1 acts; routers and hosts
// on 2, 3 and 4.
namespace hotpair::mcast::mrib {
namespace {

constexpr auto kExclude = FilterMode::exclude;
const std::string kRp = "5.5.5.5";
const std::string kGroup = "239.1.1.1";
const std::string kSource = "10.2.0.9";

class BidirTest : public testing::Test {
 protected:
  BidirTest() : stand({}, &plane) {
    for (const std::uint32_t link : {1U, 2U, 3U, 4U}) stand.add_pim_link(link);
    stand.unicast(kRp, 1, "10.0.1.7");
    stand.connect(kSource, 2);
    rp::RpMapping mapping =
        rp::make_static_rp(ip(kRp), IpPrefix::parse("239.0.0.0/8").value()).value();
    mapping.bidir = true;
    stand.set_rps({mapping});
    stand.run();
  }
  /// Who acts on a link: "", "self" or an address.
  void acts(std::uint32_t link, const std::string& who) {
    std::optional<IpAddress> df;
    if (!who.empty()) df = who == "self" ? ip("10.0.0.1") : ip(who);
    stand.mrib.on_df(VrfId{0}, ip(kRp), LinkId{link}, df, who == "self", stand.now);
    stand.run();
  }
  fwd::FakePlane plane;
  Stand stand;
};

TEST_F(BidirTest, JoinsGoToWhoActsUpstream) {
  stand.member(3, kGroup, kExclude);
  EXPECT_EQ(stand.wish(kGroup, "*"), "") << "nobody acts anywhere";
  acts(3, "self");
  EXPECT_EQ(stand.wish(kGroup, "*"), "");
  acts(1, "10.0.1.1");
  EXPECT_EQ(stand.wish(kGroup, "*"), "join 1 10.0.1.1 rp 5.5.5.5") << "not to routing's next hop";
  acts(1, "10.0.1.2");
  EXPECT_EQ(stand.wish(kGroup, "*"), "join 1 10.0.1.2 rp 5.5.5.5");
  acts(3, "10.0.3.3");
  EXPECT_EQ(stand.wish(kGroup, "*"), "") << "its receivers are another router's";
}

TEST_F(BidirTest, PacketsGoUpAndDownOneTree) {
  acts(1, "10.0.1.1");
  acts(2, "self");
  acts(3, "self");
  stand.member(3, kGroup, kExclude);
  stand.member(4, kGroup, kExclude);  // where nobody acts
  stand.packet(2, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "2>1,3");
  EXPECT_EQ(stand.packet(2, kSource, kGroup), "1 3");
  stand.unicast("10.9.9.9", 1, "10.0.1.1");
  stand.packet(1, "10.9.9.9", kGroup);
  EXPECT_EQ(stand.packet(1, "10.9.9.9", kGroup), "3");
  EXPECT_EQ(stand.route(kGroup), "") << "a (*,G) would take them from one link only";
}

TEST_F(BidirTest, SendersWithoutReceiversGoUpstream) {
  acts(1, "10.0.1.1");
  acts(2, "self");
  stand.packet(2, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "2>1");
  EXPECT_EQ(stand.wish(kGroup, "*"), "") << "nobody here wants the group";
  EXPECT_EQ(stand.wish(kGroup, kSource), "") << "no source is ever joined";
}

TEST_F(BidirTest, NothingIsTakenWhereAnotherActs) {
  acts(1, "10.0.1.1");
  acts(2, "10.0.2.2");
  acts(3, "self");
  stand.member(3, kGroup, kExclude);
  stand.packet(2, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "1>3") << "they come down from the RP";
  EXPECT_EQ(stand.packet(2, kSource, kGroup), "");
  EXPECT_EQ(stand.packet(1, kSource, kGroup), "3");
  // The other one dies: the next packet tells where it comes from now.
  acts(2, "self");
  EXPECT_EQ(stand.route(kGroup, kSource), "");
  stand.packet(2, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "2>1,3");
  acts(2, "10.0.2.3");
  EXPECT_EQ(stand.route(kGroup, kSource), "1>3");
}

TEST_F(BidirTest, WhatTheOtherRouterForwardedIsNotTakenFromItsLinkAfterItsDeath) {
  acts(1, "10.0.1.1");
  acts(2, "10.0.2.2");
  acts(3, "self");
  stand.member(2, kGroup, kExclude);
  stand.member(3, kGroup, kExclude);
  stand.unicast("10.9.9.9", 1, "10.0.1.1");
  stand.packet(1, "10.9.9.9", kGroup);
  stand.packet(2, "10.9.9.9", kGroup);  // forwarded by the one that acts there
  EXPECT_EQ(stand.route(kGroup, "10.9.9.9"), "1>3");
  acts(2, "self");
  EXPECT_EQ(stand.route(kGroup, "10.9.9.9"), "");
  stand.packet(1, "10.9.9.9", kGroup);
  EXPECT_EQ(stand.route(kGroup, "10.9.9.9"), "1>2,3");
}

TEST_F(BidirTest, ASourceThatMovesIsFollowed) {
  for (const std::uint32_t link : {2U, 3U, 4U}) acts(link, "self");
  acts(1, "10.0.1.1");
  stand.member(4, kGroup, kExclude);
  stand.packet(2, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "2>1,4");
  stand.packet(3, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "3>1,4");
  stand.packet(1, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "1>4");
}

TEST_F(BidirTest, TheRpLinkTakesAndGivesAll) {
  stand.connect(kRp, 1);
  stand.unicast_changed();
  acts(2, "self");
  acts(3, "self");
  stand.member(3, kGroup, kExclude);
  EXPECT_EQ(stand.wish(kGroup, "*"), "") << "there is nobody to ask on the RP link";
  stand.packet(2, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "2>1,3");
  stand.packet(1, "10.1.0.5", kGroup);
  EXPECT_EQ(stand.route(kGroup, "10.1.0.5"), "1>3");
}

TEST_F(BidirTest, TheRootHasNoUpstream) {
  stand.local(kRp);
  stand.unicast_changed();
  acts(2, "self");
  acts(3, "self");
  stand.packet(2, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "2>") << "nobody wants it";
  stand.member(3, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup, kSource), "2>3");
  EXPECT_EQ(stand.wish(kGroup, "*"), "");
}

TEST_F(BidirTest, HostsThatNameSourcesGetTheGroup) {
  acts(1, "10.0.1.1");
  acts(3, "self");
  stand.member(3, kGroup, FilterMode::include, {"10.7.7.7"});
  EXPECT_EQ(stand.wish(kGroup, "*"), "join 1 10.0.1.1 rp 5.5.5.5");
  EXPECT_EQ(stand.wish(kGroup, "10.7.7.7"), "");
  stand.leave(3, kGroup);
  EXPECT_EQ(stand.wish(kGroup, "*"), "");
  EXPECT_EQ(stand.mrib.statistics().groups, 0U) << "nothing is left of it";
}

TEST_F(BidirTest, NeitherAssertsNorRegistersNorRecords) {
  stand.add_link(9);
  stand.mrib.set_register_link(VrfId{0}, Family::ipv4, LinkId{9}, stand.now);
  acts(1, "10.0.1.1");
  acts(2, "self");
  acts(3, "self");
  stand.member(3, kGroup, kExclude, {}, Origin::shared_tree);
  stand.packet(2, kSource, kGroup);
  EXPECT_EQ(stand.facts(1, kGroup), "");
  EXPECT_EQ(stand.facts(3, kGroup), "");
  EXPECT_EQ(stand.facts(3, kGroup, kSource), "");
  EXPECT_TRUE(stand.registering.empty());
  EXPECT_TRUE(stand.journal.empty());
}

TEST_F(BidirTest, ARestartInPlaceGoesOnFromWhereItWas) {
  stand.mrib.on_read_back(
      std::vector{
          fwd::Route{{VrfId{0}, group(kGroup), ip(kSource)}, LinkId{2}, {LinkId{1}, LinkId{3}}}},
      stand.now);
  stand.run();
  acts(1, "10.0.1.1");
  acts(3, "self");
  stand.member(3, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup, kSource), "") << "the plane was told nothing else";
  acts(2, "self");
  stand.mrib.end_hold(std::chrono::seconds(1), stand.now);
  stand.pass(std::chrono::seconds(2));
  EXPECT_EQ(stand.route(kGroup, kSource), "");
  // After the hold it follows who acts.
  acts(2, "10.0.2.2");
  EXPECT_EQ(stand.route(kGroup, kSource), "1>3");
}

TEST_F(BidirTest, TheRangeMayTurnSparseAndBack) {
  acts(1, "10.0.1.1");
  acts(2, "self");
  acts(3, "self");
  stand.member(3, kGroup, kExclude);
  stand.packet(2, kSource, kGroup);
  rp::RpMapping sparse =
      rp::make_static_rp(ip(kRp), IpPrefix::parse("239.0.0.0/8").value()).value();
  stand.set_rps({sparse});
  stand.run();
  EXPECT_EQ(stand.wish(kGroup, "*"), "join 1 10.0.1.7 rp 5.5.5.5") << "routing's next hop";
  EXPECT_EQ(stand.route(kGroup), "1>3");
  sparse.bidir = true;
  stand.set_rps({sparse});
  stand.run();
  EXPECT_EQ(stand.route(kGroup), "");
  EXPECT_EQ(stand.wish(kGroup, "*"), "") << "who acts has to be told anew";
  acts(1, "10.0.1.1");
  EXPECT_EQ(stand.wish(kGroup, "*"), "");
  acts(3, "self");
  EXPECT_EQ(stand.wish(kGroup, "*"), "join 1 10.0.1.1 rp 5.5.5.5");
}

}  // namespace
}  // namespace hotpair::mcast::mrib
