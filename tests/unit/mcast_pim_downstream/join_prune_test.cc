#include "downstream_stand.h"

/// RFC 7761 4.5.1 (*,G) and 4.5.2 (S,G), row by row: both have the same table.
namespace hotpair::mcast::pim::testing {
namespace {

class JoinPrune : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::string tree() const { return GetParam(); }
  [[nodiscard]] std::string joined() const { return tree() == "*" ? "E{}" : "I{1}"; }
  void join(std::uint16_t holdtime_s = 210) { stand.hear("+" + tree(), holdtime_s); }
  void prune() { stand.hear("-" + tree()); }
  Stand stand;
};
INSTANTIATE_TEST_SUITE_P(Trees, JoinPrune, ::testing::Values("*", "1"));

TEST_P(JoinPrune, NoInfoJoin) {
  join();
  EXPECT_EQ(stand.state(tree()), "Join 210");
  EXPECT_EQ(stand.view(), joined());
}

TEST_P(JoinPrune, NoInfoPrune) {
  prune();
  EXPECT_EQ(stand.state(tree()), "NoInfo");
  EXPECT_EQ(stand.views_told, 0U);
}

TEST_P(JoinPrune, JoinJoinRestartsTheExpiryTimer) {
  join();
  stand.pass(100s);
  join();
  EXPECT_EQ(stand.state(tree()), "Join 210");
  EXPECT_EQ(stand.views_told, 1U);
}

TEST_P(JoinPrune, JoinJoinKeepsALongerExpiryTimer) {
  join(300);
  join(30);
  EXPECT_EQ(stand.state(tree()), "Join 300");
  stand.pass(299s);
  EXPECT_EQ(stand.view(), joined());
}

TEST_P(JoinPrune, JoinPruneWaitsForAnOverride) {
  join();
  prune();
  EXPECT_EQ(stand.state(tree()), "Prune-Pending 210 3");
  EXPECT_EQ(stand.view(), joined());
  EXPECT_EQ(stand.echoes(), "");
}

TEST_P(JoinPrune, JoinPruneTakesTheDelaysOfTheLink) {
  stand.lan.override_interval = 5s;
  stand.lan.propagation_delay = 1s;
  join();
  prune();
  EXPECT_EQ(stand.state(tree()), "Prune-Pending 210 6");
}

TEST_P(JoinPrune, JoinPruneOfTheOnlyNeighbourIsCarriedOutAtOnce) {
  stand.lan.neighbours = 1;
  join();
  prune();
  EXPECT_EQ(stand.state(tree()), "NoInfo");
  EXPECT_EQ(stand.view(), "-");
  EXPECT_EQ(stand.echoes(), "");
}

TEST_P(JoinPrune, JoinExpiryTimerExpires) {
  join();
  stand.pass(209s);
  EXPECT_EQ(stand.view(), joined());
  stand.pass(1s);
  EXPECT_EQ(stand.state(tree()), "NoInfo");
  EXPECT_EQ(stand.view(), "-");
  EXPECT_EQ(stand.echoes(), "");
}

TEST_P(JoinPrune, PrunePendingJoin) {
  join();
  prune();
  stand.pass(2s);
  join();
  EXPECT_EQ(stand.state(tree()), "Join 210");
  stand.pass(10s);
  EXPECT_EQ(stand.state(tree()), "Join 200");
  EXPECT_EQ(stand.echoes(), "");
  EXPECT_EQ(stand.views_told, 1U);
}

TEST_P(JoinPrune, PrunePendingPruneChangesNothing) {
  join();
  prune();
  stand.pass(2s);
  prune();
  EXPECT_EQ(stand.state(tree()), "Prune-Pending 208 1");
}

TEST_P(JoinPrune, PrunePendingTimerExpires) {
  join();
  prune();
  stand.pass(2999ms);
  EXPECT_EQ(stand.view(), joined());
  stand.pass(1ms);
  EXPECT_EQ(stand.state(tree()), "NoInfo");
  EXPECT_EQ(stand.view(), "-");
  EXPECT_EQ(stand.echoes(), "-" + tree());
}

TEST_P(JoinPrune, PrunePendingExpiryTimerExpires) {
  join(2);
  prune();
  stand.pass(2s);
  EXPECT_EQ(stand.state(tree()), "NoInfo");
  EXPECT_EQ(stand.view(), "-");
  stand.pass(5s);
  EXPECT_EQ(stand.echoes(), "");
}

TEST_P(JoinPrune, HoldtimeThatNeverEnds) {
  join(0xffff);
  EXPECT_EQ(stand.state(tree()), "Join never");
  stand.pass(100h);
  EXPECT_EQ(stand.view(), joined());
  prune();
  stand.pass(3s);
  EXPECT_EQ(stand.view(), "-");
}

TEST_P(JoinPrune, HoldtimeZeroEndsAtOnce) {
  join(0);
  EXPECT_EQ(stand.state(tree()), "NoInfo");
  join();
  join(0);  // the timer is the larger of its value and the holdtime
  EXPECT_EQ(stand.state(tree()), "Join 210");
}

TEST(Views, ASourceJoinedBesideTheSharedTree) {
  Stand stand;
  stand.hear("+1");
  EXPECT_EQ(stand.view(), "I{1}");
  stand.hear("+*");
  EXPECT_EQ(stand.view(), "E{}+{1}");
  stand.lan.neighbours = 1;
  stand.hear("-*");
  EXPECT_EQ(stand.view(), "I{1}");
  stand.hear("-1");
  EXPECT_EQ(stand.view(), "-");
}

TEST(Views, OncePerMessage) {
  Stand stand;
  stand.hear("+1 +2 +3 +4");
  EXPECT_EQ(stand.view(), "I{1,2,3,4}");
  EXPECT_EQ(stand.views_told, 1U);
}

TEST(Echoes, OfOneInstantShareAMessage) {
  Stand stand;
  stand.hear("+* +1 +2");
  stand.hear("-* -1 -2");
  stand.pass(3s);
  EXPECT_EQ(stand.sent.size(), 1U);
  EXPECT_EQ(stand.echoes(), "-* -1 -2");
  EXPECT_EQ(stand.engine.counters(kLink)->echoes, 3U);
}

TEST(Echoes, OfAPruneThatAnotherOneFindsDue) {
  Stand stand;
  stand.hear("+1");
  stand.hear("-1");
  stand.now += 3s;
  stand.hear("-1");
  EXPECT_EQ(stand.echoes(), "-1");
}

TEST(Echoes, FitTheLink) {
  Stand stand;
  stand.config.mtu = 100;
  stand.engine.configure(stand.config, stand.now);
  std::string joins;
  std::string prunes;
  for (unsigned n = 1; n <= 40; ++n) {
    joins += "+" + std::to_string(n) + " ";
    prunes += "-" + std::to_string(n) + " ";
  }
  stand.hear(joins);
  stand.hear(prunes);
  stand.pass(3s);
  EXPECT_GT(stand.sent.size(), 5U);
  std::size_t entries = 0;
  for (const auto& message : stand.sent)
    for (const auto& set : message.groups) entries += set.pruned.size();
  EXPECT_EQ(entries, 40U);
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
