#include "downstream_stand.h"

/// RFC 7761 4.5.3 (S,G,rpt), row by row. PruneTmp and Prune-Pending-Tmp last for one message, so
/// their rows are messages with a Join(*,G).
namespace hotpair::mcast::pim::testing {
namespace {

class Rpt : public ::testing::Test {
 protected:
  Rpt() { stand.hear("+*"); }
  void to_prune() {
    stand.hear("-1r");
    stand.pass(3s);
    ASSERT_EQ(stand.state("1r"), "Prune 207");
  }
  Stand stand;
};

TEST_F(Rpt, NoInfoJoinStar) {
  stand.hear("+*");
  EXPECT_EQ(stand.state("1r"), "NoInfo");
}

TEST_F(Rpt, NoInfoJoin) {
  stand.hear("+1r");
  EXPECT_EQ(stand.state("1r"), "NoInfo");
}

TEST_F(Rpt, NoInfoPrune) {
  stand.hear("-1r");
  EXPECT_EQ(stand.state("1r"), "Prune-Pending 210 3");
  EXPECT_EQ(stand.view(), "E{}");
}

TEST_F(Rpt, NoInfoPruneOfTheOnlyNeighbour) {
  stand.lan.neighbours = 1;
  stand.hear("-1r");
  EXPECT_EQ(stand.state("1r"), "Prune 210");
  EXPECT_EQ(stand.view(), "E{1}");
}

TEST_F(Rpt, PrunePendingTimerExpires) {
  to_prune();
  EXPECT_EQ(stand.view(), "E{1}");
  EXPECT_EQ(stand.echoes(), "");  // 4.5.3 has no PruneEcho
}

TEST_F(Rpt, PrunePendingJoin) {
  stand.hear("-1r");
  stand.hear("+1r");
  EXPECT_EQ(stand.state("1r"), "NoInfo");
  stand.pass(4s);
  EXPECT_EQ(stand.view(), "E{}");
}

TEST_F(Rpt, PrunePendingPrune) {
  stand.hear("-1r");
  stand.pass(2s);
  stand.hear("-1r");
  EXPECT_EQ(stand.state("1r"), "Prune-Pending 208 1");
}

TEST_F(Rpt, PrunePendingJoinStarThenEndOfMessage) {
  stand.hear("-1r");
  stand.hear("+*");
  EXPECT_EQ(stand.state("1r"), "NoInfo");
  stand.pass(4s);
  EXPECT_EQ(stand.view(), "E{}");
}

TEST_F(Rpt, PrunePendingJoinStarThenPrune) {
  stand.hear("-1r");
  stand.pass(2s);
  stand.hear("+* -1r");
  EXPECT_EQ(stand.state("1r"), "Prune-Pending 210 1");  // PPT runs on, ET is restarted
  stand.pass(1s);
  EXPECT_EQ(stand.view(), "E{1}");
}

TEST_F(Rpt, PruneJoin) {
  to_prune();
  stand.hear("+1r");
  EXPECT_EQ(stand.state("1r"), "NoInfo");
  EXPECT_EQ(stand.view(), "E{}");
}

TEST_F(Rpt, PrunePrune) {
  to_prune();
  stand.hear("-1r");
  EXPECT_EQ(stand.state("1r"), "Prune 210");
  stand.hear("-1r", 30);
  EXPECT_EQ(stand.state("1r"), "Prune 210");
}

TEST_F(Rpt, PruneExpiryTimerExpires) {
  to_prune();
  stand.hear("+* -2r", 300);  // gives source 1 back as well
  stand.pass(3s);
  EXPECT_EQ(stand.view(), "E{2}");
  stand.hear("-3r", 100);
  stand.pass(3s);
  EXPECT_EQ(stand.view(), "E{2,3}");
  stand.pass(97s);
  EXPECT_EQ(stand.state("3r"), "NoInfo");
  EXPECT_EQ(stand.view(), "E{2}");
}

TEST_F(Rpt, PruneJoinStarThenEndOfMessage) {
  to_prune();
  stand.hear("+*");
  EXPECT_EQ(stand.state("1r"), "NoInfo");
  EXPECT_EQ(stand.view(), "E{}");
}

TEST_F(Rpt, PruneJoinStarThenPrune) {
  to_prune();
  const std::size_t told = stand.views_told;
  stand.hear("+* -1r");
  EXPECT_EQ(stand.state("1r"), "Prune 210");
  EXPECT_EQ(stand.view(), "E{1}");
  EXPECT_EQ(stand.views_told, told);
}

TEST_F(Rpt, PruneTmpJoinWaitsForTheEndOfTheMessage) {
  to_prune();
  stand.hear("+* +1r");
  EXPECT_EQ(stand.state("1r"), "NoInfo");
}

TEST_F(Rpt, JoinStarInALaterSetOfTheMessage) {
  to_prune();
  stand.hear({set_of(kGroup, "-1r"), set_of(kGroup, "+*")});
  EXPECT_EQ(stand.state("1r"), "NoInfo");
  stand.hear("-1r");
  stand.pass(3s);
  stand.hear({set_of(kGroup, "+*"), set_of(kGroup, "-1r")});
  EXPECT_EQ(stand.state("1r"), "Prune 210");
}

TEST_F(Rpt, JoinStarOfAnotherGroup) {
  to_prune();
  stand.hear({set_of(grp("225.0.0.2"), "+*")});
  EXPECT_EQ(stand.state("1r"), "Prune 207");
}

TEST_F(Rpt, ADroppedJoinStarGivesNothingBack) {
  to_prune();
  stand.hear({set_of(kGroup, "+*", ip("8.8.8.8"))});
  EXPECT_EQ(stand.state("1r"), "Prune 207");
}

TEST_F(Rpt, JoinedOnItsOwnTreeIsNotPruned) {
  to_prune();
  stand.hear("+1");
  EXPECT_EQ(stand.view(), "E{}+{1}");
  stand.lan.neighbours = 1;
  stand.hear("-1");
  EXPECT_EQ(stand.view(), "E{1}");
}

TEST_F(Rpt, StandsInNoViewWithoutTheSharedTree) {
  stand.lan.neighbours = 1;
  stand.hear("-*");
  const std::size_t told = stand.views_told;
  stand.hear("-1r");
  EXPECT_EQ(stand.state("1r"), "Prune 210");
  EXPECT_EQ(stand.views_told, told);
  stand.hear("+* -1r");
  EXPECT_EQ(stand.view(), "E{1}");
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
