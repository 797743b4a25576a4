#include <random>

#include "upstream_stand.h"

/// RFC 7761 4.5.6 (S,G,rpt), row by row, and what goes with a Join(*,G).
namespace hotpair::mcast::pim::testing {
namespace {

class UpstreamRpt : public ::testing::Test {
 protected:
  UpstreamRpt() {
    stand.up(2);
    stand.up(3);
  }
  void join_star() {
    stand.join("*");
    ASSERT_EQ(stand.sent(), "2: +*");
  }
  UpStand stand;
};

TEST_F(UpstreamRpt, NotJoinedPruneDesiredSendsNothing) {
  stand.prune("1r");
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.state("1r"), "NotJoined");
  stand.leave("1r");
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.engine.tree_count(), 0U);
}

TEST_F(UpstreamRpt, NotJoinedBecomesPrunedWithTheJoin) {
  stand.prune("1r");
  stand.join("*");
  EXPECT_EQ(stand.sent(), "2: +* -1r");
  EXPECT_EQ(stand.state("1r"), "Pruned 2");
}

TEST_F(UpstreamRpt, JoinAndPruneOfOneTurnShareASet) {
  stand.ask("*", UpstreamKind::join);
  stand.ask("2r", UpstreamKind::prune);
  stand.ask("1r", UpstreamKind::prune);
  stand.drain();
  EXPECT_EQ(stand.sent(), "2: +* -1r -2r");
}

TEST_F(UpstreamRpt, NotPrunedPruneDesiredBecomesTrue) {
  join_star();
  stand.prune("1r");
  EXPECT_EQ(stand.sent(), "2: -1r");
  EXPECT_EQ(stand.state("1r"), "Pruned 2");
}

TEST_F(UpstreamRpt, PrunedPruneDesiredBecomesFalse) {
  join_star();
  stand.prune("1r");
  stand.leave("1r");
  EXPECT_EQ(stand.sent(), "2: -1r; 2: +1r");
  EXPECT_EQ(stand.state("1r"), "none");
  stand.pass(60s);
  EXPECT_EQ(stand.sent(), "2: +*");
}

TEST_F(UpstreamRpt, PrunedTheSharedTreeIsLeft) {
  join_star();
  stand.prune("1r");
  EXPECT_EQ(stand.sent(), "2: -1r");
  stand.leave("*");
  EXPECT_EQ(stand.sent(), "2: -*");
  EXPECT_EQ(stand.state("1r"), "NotJoined");
  stand.leave("1r");
  EXPECT_EQ(stand.sent(), "");
}

TEST_F(UpstreamRpt, LeavingBothInOneTurnSendsThePruneOnly) {
  join_star();
  stand.prune("1r");
  (void)stand.sent();
  stand.ask("1r", UpstreamKind::none);
  stand.ask("*", UpstreamKind::none);
  stand.drain();
  EXPECT_EQ(stand.sent(), "2: -*");
  EXPECT_EQ(stand.engine.tree_count(), 0U);
}

TEST_F(UpstreamRpt, PeriodicPrunesGoWithTheJoin) {
  join_star();
  stand.prune("2r");
  stand.prune("1r");
  (void)stand.sent();
  stand.pass(60s);
  EXPECT_EQ(stand.sent(), "2: +* -1r -2r");
  stand.pass(60s);
  EXPECT_EQ(stand.sent(), "2: +* -1r -2r");
}

TEST_F(UpstreamRpt, AnOverridingJoinTakesThePrunesAlong) {
  join_star();
  stand.prune("1r");
  (void)stand.sent();
  stand.overhear("-*");
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), "2: +* -1r");
}

TEST_F(UpstreamRpt, ANewRpfPrimeHearsAboutAll) {
  join_star();
  stand.prune("1r");
  (void)stand.sent();
  stand.ask("*", UpstreamKind::join, 3);
  stand.ask("2r", UpstreamKind::prune);
  stand.drain();
  EXPECT_EQ(stand.sent(), "3: +* -1r -2r; 2: -*");
}

TEST_F(UpstreamRpt, NotPrunedSeePrune) {
  join_star();
  stand.overhear("-1r");
  EXPECT_EQ(stand.state("1r"), "NotPruned 2");
  EXPECT_LE(stand.timer("1r"), 2500ms);
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), "2: +1r");
  EXPECT_EQ(stand.state("1r"), "none");
}

TEST_F(UpstreamRpt, NotPrunedSeePruneOfTheSourceTree) {
  join_star();
  stand.overhear("-1");
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), "2: +1r");
}

TEST_F(UpstreamRpt, NotPrunedSeeJoinCancelsTheOverride) {
  join_star();
  stand.overhear("-1r -2r");
  stand.overhear("+1r");
  EXPECT_EQ(stand.state("1r"), "none");
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), "2: +2r");
}

TEST_F(UpstreamRpt, NotPrunedTheJoinOfTheSharedTreeOverridesAsWell) {
  join_star();
  stand.pass(stand.timer("*") - 1ms);
  stand.overhear("-1r");
  stand.pass(1ms);
  EXPECT_EQ(stand.sent(), "2: +*");
  EXPECT_EQ(stand.state("1r"), "none");
  stand.pass(10s);
  EXPECT_EQ(stand.sent(), "");
}

TEST_F(UpstreamRpt, NotPrunedTheSharedTreeIsLeft) {
  join_star();
  stand.overhear("-1r");
  stand.leave("*");
  EXPECT_EQ(stand.sent(), "2: -*");
  stand.pass(10s);
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.engine.tree_count(), 0U);
}

TEST_F(UpstreamRpt, NotPrunedPruneDesiredCancelsTheOverride) {
  join_star();
  stand.overhear("-1r");
  stand.prune("1r");
  EXPECT_EQ(stand.sent(), "2: -1r");
  stand.pass(10s);
  EXPECT_EQ(stand.sent(), "");
}

TEST_F(UpstreamRpt, NotPrunedOnAnotherLinkOrToAnotherRouter) {
  join_star();
  stand.overhear("-1r", 3);
  stand.pass(10s);
  EXPECT_EQ(stand.sent(), "");
}

TEST_F(UpstreamRpt, PrunedSeePruneIsNoReasonToJoin) {
  join_star();
  stand.prune("1r");
  (void)stand.sent();
  stand.overhear("-1r");
  stand.overhear("+1r");
  stand.pass(10s);
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.state("1r"), "Pruned 2");
}

// RPF'(S,G,rpt) is the winner of an (S,G) assert: our Join(*,G) goes elsewhere and must not draw S.
TEST_F(UpstreamRpt, ASourceWhoseAssertAnotherRouterWon) {
  join_star();
  stand.engine.on_rpf_prime(kLink, Stand::key("1"), router(3), stand.now);
  stand.pass(60s);
  EXPECT_EQ(stand.sent(), "2: +* -1r");
  stand.engine.on_rpf_prime(kLink, Stand::key("1"), std::nullopt, stand.now);
  stand.drain();
  EXPECT_EQ(stand.sent(), "2: +1r");
  stand.pass(60s);
  EXPECT_EQ(stand.sent(), "2: +*");
}

TEST_F(UpstreamRpt, AnyMessageOfOthers) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    wire::PimJoinPrune message = any_message(random);
    if (random() % 2 == 0) message.upstream_neighbor = router(2);
    stand.engine.on_foreign_join_prune(kLink, message, stand.now);
    static const std::vector<std::string> kWords{"*", "1", "2", "1r", "2r"};
    if (random() % 8 == 0)
      stand.ask(kWords[random() % 5], static_cast<UpstreamKind>(random() % 3),
                static_cast<unsigned>(random() % 4));
    stand.drain();
    if (random() % 4 == 0) stand.pass(std::chrono::milliseconds(random() % 5000));
  }
  EXPECT_GT(stand.engine.counters(kLink)->overridden, 100U);
  for (const char* word : {"*", "1", "2", "1r", "2r"}) stand.leave(word);
  stand.pass(5s);
  EXPECT_EQ(stand.engine.tree_count(), 0U);
  EXPECT_EQ(stand.engine.next_deadline(), std::nullopt);
}

TEST_F(UpstreamRpt, OverridesAreBounded) {
  join_star();
  for (unsigned block = 0; block < 30; ++block) {
    wire::PimGroupSet set{.group = wire::PimGroupRange::single(kGroup), .joined = {}, .pruned = {}};
    for (unsigned i = 0; i < 500; ++i)
      set.pruned.push_back(
          wire::PimSource::source_rpt(IpAddress::v4(0x0a010000U + block * 500 + i)));
    stand.engine.on_foreign_join_prune(kLink, {router(2), 210, {set}}, stand.now);
  }
  EXPECT_EQ(stand.engine.tree_count(), 10'001U);
  EXPECT_EQ(stand.engine.counters(kLink)->work_limit, 5000U);
  stand.pass(5s);
  EXPECT_EQ(stand.engine.tree_count(), 1U);
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
