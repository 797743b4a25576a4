#include "tests/unit/mcast_pim_machine/lan_stand.h"

namespace hotpair::mcast::pim::testing {
namespace {

constexpr ScopeId kScope{1};

/// 1 and 2 are a pair on link 1 with scope, 3 is a router behind it that joins by 1 or 2.
struct PimRoles : ::testing::Test {
  PimRoles() {
    lan.add(1, {1}, kScope);
    lan.add(2, {1}, kScope);
    lan.add(3, {1});
    lan.at(1).pim.activate(kScope, lan.now);
    lan.deliver();
    lan.pass(35s);
  }
  /// What the journal carries from the master to its peer.
  void replicate() {
    for (const auto& record : lan.at(1).pim.snapshot({}, 1000).records)
      lan.at(2).pim.on_record(record, lan.now);
    lan.deliver();
  }
  LanStand lan;
};

TEST_F(PimRoles, ABackupSaysNothingAndIsNobodysNeighbour) {
  EXPECT_TRUE(lan.at(2).sent.empty());
  EXPECT_EQ(lan.at(3).pim.neighbours().neighbour_count(LinkId{1}), 1U);
  EXPECT_TRUE(lan.at(2).pim.show_neighbours(lan.now).size() <= 2);
  lan.wish(3, star(), 1, 1);
  lan.pass(300s);
  EXPECT_TRUE(lan.joined(1, 1));
  EXPECT_FALSE(lan.joined(2, 1));
  EXPECT_TRUE(lan.at(2).sent.empty());
}

TEST_F(PimRoles, TheRecordsOfTheMasterAreTheBackupsView) {
  lan.wish(3, star(), 1, 1);
  lan.pass(1s);
  replicate();
  EXPECT_TRUE(lan.joined(2, 1));
  lan.pass(1000s);
  EXPECT_TRUE(lan.joined(2, 1)) << "replicated state has no timer";
}

TEST_F(PimRoles, ATakeoverSaysHelloFirstAndKeepsWhatRoutersWant) {
  lan.wish(3, star(), 1, 1);
  lan.pass(1s);
  replicate();
  lan.kill(1);
  lan.at(2).pim.activate(kScope, lan.now);
  lan.deliver();
  ASSERT_FALSE(lan.at(2).sent.empty());
  EXPECT_EQ(lan.at(2).sent.front(), "hello");
  EXPECT_TRUE(lan.joined(2, 1));
  lan.wish(3, star(), 1, 2);
  lan.pass(400s);
  EXPECT_TRUE(lan.joined(2, 1));
}

TEST_F(PimRoles, WhoGivesItsScopeAwaySaysGoodbyeIfItIsPlanned) {
  for (const Leaving leaving : {Leaving::goodbye, Leaving::silently}) {
    LanStand other;
    other.add(1, {1}, kScope);
    other.add(3, {1});
    other.at(1).pim.activate(kScope, other.now);
    other.deliver();
    other.pass(35s);
    other.at(1).pim.deactivate(kScope, leaving, other.now);
    other.deliver();
    EXPECT_EQ(other.at(3).pim.neighbours().neighbour_count(LinkId{1}),
              leaving == Leaving::goodbye ? 0U : 1U);
    const auto sent = other.at(1).sent.size();
    other.pass(200s);
    EXPECT_EQ(other.at(1).sent.size(), sent);
  }
}

TEST_F(PimRoles, WishesOfABackupWaitForItsTakeover) {
  lan.wish(2, star(), 1, 3);
  lan.pass(100s);
  EXPECT_FALSE(lan.joined(3, 1));
  lan.kill(1);
  lan.at(2).pim.activate(kScope, lan.now);
  lan.pass(6s);
  EXPECT_TRUE(lan.joined(3, 1));
}

TEST_F(PimRoles, AnAssertOfAMutedLinkIsForgotten) {
  const AssertFacts facts{.could_assert = true, .tracking_desired = true, .metric = {1, 10}};
  lan.at(1).pim.on_assert_facts(LinkId{1}, source_tree(), facts, lan.now);
  lan.at(1).pim.on_data(LinkId{1}, source_tree(), lan.now);
  lan.deliver();
  EXPECT_EQ(lan.at(1).pim.assert_view(LinkId{1}, source_tree()).state, AssertState::winner);
  lan.at(1).pim.deactivate(kScope, Leaving::silently, lan.now);
  lan.deliver();
  EXPECT_EQ(lan.at(1).pim.assert_view(LinkId{1}, source_tree()).state, AssertState::no_info);
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
