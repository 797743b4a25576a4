#include <gtest/gtest.h>

#include "mrib_stand.h"

// Asserts and who serves hosts (RFC 7761 4.1.6, 4.6). Link 1 leads to the RP, link 3 to the source,
// links 2 and 4 are shared with other routers, link 5 has none.
namespace hotpair::mcast::mrib {
namespace {

constexpr auto kExclude = FilterMode::exclude;
constexpr auto kInclude = FilterMode::include;
const std::string kGroup = "225.1.1.1";
const std::string kSource = "10.9.0.1";

class Assert : public testing::Test {
 protected:
  Assert() {
    for (const std::uint32_t link : {1U, 2U, 3U, 4U}) stand.add_pim_link(link);
    stand.add_link(5);
    stand.unicast("5.5.5.5", 1, "10.0.1.1");
    stand.unicast(kSource, 3, "10.0.3.1");
    stand.rp("5.5.5.5");
  }
  [[nodiscard]] static AssertState lost_to(std::string_view winner) {
    return {.lost = true, .winner = ip(winner)};
  }
  /// The link, whether we serve its hosts.
  void serve(std::uint32_t link, bool serves, std::optional<ScopeId> scope = std::nullopt) {
    stand.mrib.set_link({LinkId{link}, VrfId{0}, true, true, scope, true, true, serves, serves},
                        stand.now);
    stand.run();
  }
  Stand stand;
};

TEST_F(Assert, TheSharedTreeLeavesALostLink) {
  stand.member(2, kGroup, kExclude, {}, Origin::shared_tree);
  stand.member(4, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup), "1>2,4");
  stand.asserted(2, kGroup, std::nullopt, lost_to("10.0.2.9"));
  EXPECT_EQ(stand.route(kGroup), "1>4");
  stand.asserted(4, kGroup, std::nullopt, lost_to("10.0.4.9"));
  EXPECT_EQ(stand.route(kGroup), "");
  EXPECT_EQ(stand.wish(kGroup, "*"), "");
  stand.asserted(2, kGroup, std::nullopt, {});
  EXPECT_EQ(stand.route(kGroup), "1>2");
  stand.mrib.on_asserts_flushed(LinkId{4}, Family::ipv4, stand.now);
  stand.run();
  EXPECT_EQ(stand.route(kGroup), "1>2,4");
}

TEST_F(Assert, ASourceTreeLeavesALostLinkAlone) {
  stand.member(2, kGroup, kExclude, {}, Origin::shared_tree);
  stand.member(2, kGroup, kInclude, {kSource}, Origin::source_trees);
  stand.member(4, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup, kSource), "1>2,4");
  stand.asserted(2, kGroup, kSource, lost_to("10.0.2.9"));
  EXPECT_EQ(stand.route(kGroup, kSource), "1>4");
  EXPECT_EQ(stand.route(kGroup), "1>2,4");
  stand.asserted(2, kGroup, kSource, {});
  EXPECT_EQ(stand.route(kGroup, kSource), "1>2,4");
}

// lost_assert(S,G,rpt) without lost_assert(S,G): the winner's metric is worse than ours.
TEST_F(Assert, AWinnerOfTheSourceEndsTheSharedTreeThere) {
  stand.member(2, kGroup, kExclude, {}, Origin::shared_tree);
  stand.member(4, kGroup, kInclude, {kSource}, Origin::source_trees);
  stand.asserted(2, kGroup, kSource, {.winner = ip("10.0.2.9")});
  EXPECT_EQ(stand.route(kGroup, kSource), "3>4");
  EXPECT_EQ(stand.wish(kGroup, kSource + "/rpt"), "prune 1 10.0.1.1 rp 5.5.5.5");
  stand.member(2, kGroup, kInclude, {kSource}, Origin::source_trees);
  EXPECT_EQ(stand.route(kGroup, kSource), "3>2,4") << "it is joined by name";
}

TEST_F(Assert, WhereTheOnlyLinkIsLostTheSourceIsBlocked) {
  stand.member(2, kGroup, kExclude, {}, Origin::shared_tree);
  stand.member(4, kGroup, kExclude, {kSource});
  EXPECT_EQ(stand.route(kGroup, kSource), "1>2");
  stand.asserted(2, kGroup, kSource, lost_to("10.0.2.9"));
  EXPECT_EQ(stand.route(kGroup, kSource), "3>");
  stand.pass(std::chrono::hours(1));
  EXPECT_EQ(stand.route(kGroup, kSource), "3>") << "no timed negative";
}

TEST_F(Assert, HostsCountWhereWeServeThem) {
  serve(2, false);
  stand.member(2, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup), "");
  stand.member(2, "232.1.1.1", kInclude, {kSource});
  EXPECT_EQ(stand.route("232.1.1.1", kSource), "");
  stand.asserted(2, kGroup, std::nullopt, {.winner_is_us = true});
  EXPECT_EQ(stand.route(kGroup), "1>2");
  stand.asserted(2, "232.1.1.1", kSource, {.winner_is_us = true});
  EXPECT_EQ(stand.route("232.1.1.1", kSource), "3>2");
  stand.mrib.on_asserts_flushed(LinkId{2}, Family::ipv4, stand.now);
  stand.run();
  EXPECT_TRUE(stand.plane().routes().empty());
  serve(2, true);
  EXPECT_EQ(stand.route(kGroup), "1>2");
  EXPECT_EQ(stand.route("232.1.1.1", kSource), "3>2");
}

TEST_F(Assert, RoutersAndScopesCountWhoeverIsDesignated) {
  serve(2, false);
  serve(4, false, ScopeId{1});
  stand.member(2, kGroup, kExclude, {}, Origin::shared_tree);
  stand.member(4, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup), "1>2,4");
}

TEST_F(Assert, FactsOfTheSharedTree) {
  stand.metric = 20;
  stand.unicast_changed();
  stand.member(2, kGroup, kExclude);
  stand.member(5, kGroup, kExclude);
  EXPECT_EQ(stand.facts(2, kGroup), "could track");
  EXPECT_EQ(stand.facts(1, kGroup), "track rpf");
  EXPECT_EQ(stand.told_facts.size(), 2U) << "link 5 has no PIM";
  EXPECT_EQ(stand.told_facts.begin()->second.metric, 20U);
  stand.metric = 30;
  stand.unicast_changed();
  EXPECT_EQ(stand.told_facts.begin()->second.metric, 30U);
  stand.asserted(2, kGroup, std::nullopt, lost_to("10.0.2.9"));
  EXPECT_EQ(stand.facts(2, kGroup), "track") << "pim_include is what we serve";
  stand.leave(2, kGroup);
  stand.leave(5, kGroup);
  EXPECT_TRUE(stand.told_facts.empty());
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
}

TEST_F(Assert, FactsOfASourceTreeFollowItsSptBit) {
  stand.member(2, kGroup, kInclude, {kSource}, Origin::source_trees);
  EXPECT_EQ(stand.facts(2, kGroup, kSource), "track");
  EXPECT_EQ(stand.facts(3, kGroup, kSource), "track rpf");
  EXPECT_FALSE(stand.mrib.spt_bit(VrfId{0}, group(kGroup), ip(kSource)));
  EXPECT_EQ(stand.packet(3, kSource, kGroup), "2");
  stand.wrong_interface(2, kSource, kGroup);  // somebody else forwards it there, too
  EXPECT_TRUE(stand.mrib.spt_bit(VrfId{0}, group(kGroup), ip(kSource)));
  EXPECT_EQ(stand.facts(2, kGroup, kSource), "could track");
  stand.unicast(kSource, 4, "10.0.4.1");
  stand.unicast_changed();
  EXPECT_FALSE(stand.mrib.spt_bit(VrfId{0}, group(kGroup), ip(kSource)));
  EXPECT_EQ(stand.facts(2, kGroup, kSource), "track");
  EXPECT_EQ(stand.facts(3, kGroup, kSource), "");
  EXPECT_EQ(stand.facts(4, kGroup, kSource), "track rpf");
}

TEST_F(Assert, ALostAssertOnTheRpfInterfaceSetsTheSptBit) {
  stand.member(2, kGroup, kExclude, {}, Origin::shared_tree);
  stand.member(4, kGroup, kInclude, {kSource}, Origin::source_trees);
  EXPECT_EQ(stand.route(kGroup, kSource), "1>2,4");
  stand.asserted(3, kGroup, kSource, {.winner = ip("10.0.3.9"), .sets_spt = true});
  EXPECT_EQ(stand.route(kGroup, kSource), "3>2,4");
  EXPECT_EQ(stand.wish(kGroup, kSource), "join 3 10.0.3.1") << "next hop as routing names it";
  EXPECT_EQ(stand.wish(kGroup, kSource + "/rpt"), "prune 1 10.0.1.1 rp 5.5.5.5");
}

// 4.2.2: on one link the packets of both trees look alike, unless one router sends them.
TEST_F(Assert, OnTheLinkOfBothTreesTheNextHopsDecide) {
  stand.unicast(kSource, 1, "10.0.1.2");
  stand.member(2, kGroup, kExclude, {}, Origin::shared_tree);
  stand.member(2, kGroup, kInclude, {kSource}, Origin::source_trees);
  EXPECT_EQ(stand.packet(1, kSource, kGroup), "2");
  stand.wrong_interface(2, kSource, kGroup);
  EXPECT_FALSE(stand.mrib.spt_bit(VrfId{0}, group(kGroup), ip(kSource)));
  EXPECT_EQ(stand.wish(kGroup, kSource + "/rpt"), "");
  // The routers settle it among themselves: who sends by the source's tree wins.
  stand.asserted(1, kGroup, kSource, {.winner = ip("10.0.1.2"), .sets_spt = true});
  EXPECT_TRUE(stand.mrib.spt_bit(VrfId{0}, group(kGroup), ip(kSource)));
  EXPECT_EQ(stand.wish(kGroup, kSource + "/rpt"), "prune 1 10.0.1.1 rp 5.5.5.5");
}

TEST_F(Assert, APimThatCameBackIsToldAnew) {
  stand.member(2, kGroup, kExclude);
  stand.asserted(2, kGroup, std::nullopt, lost_to("10.0.2.9"));
  stand.told_facts.erase({2U, kGroup, "*"});
  for (const bool pim : {false, true})
    stand.mrib.set_link({LinkId{2}, VrfId{0}, true, true, std::nullopt, pim, pim}, stand.now);
  stand.run();
  EXPECT_EQ(stand.facts(2, kGroup), "could track");
  EXPECT_EQ(stand.facts(1, kGroup), "track rpf");
  EXPECT_EQ(stand.route(kGroup), "1>2");
}

TEST_F(Assert, OfUnknownTreesIsNothing) {
  stand.asserted(2, kGroup, std::nullopt, lost_to("10.0.2.9"));
  stand.asserted(2, kGroup, kSource, lost_to("10.0.2.9"));
  stand.asserted(9, kGroup, kSource, lost_to("10.0.2.9"));
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
  stand.member(2, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup), "1>2");
}

}  // namespace
}  // namespace hotpair::mcast::mrib
