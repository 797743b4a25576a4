#include "tests/unit/mcast_pim_machine/lan_stand.h"

namespace hotpair::mcast::pim::testing {
namespace {

TEST(PimLan, ANewRouterIsJoinedAsSoonAsItSaysHello) {
  LanStand lan;
  lan.add(1, {1});
  lan.wish(1, star(), 1, 2);
  lan.pass(100s);
  lan.add(2, {1});
  lan.pass(6s);
  ASSERT_TRUE(lan.joined(2, 1));
  EXPECT_TRUE(lan.at(2).views.at({LinkId{1}, kGroup}).shared_tree);
}

TEST(PimLan, TheHelloGoesBeforeTheFirstJoin) {
  LanStand lan;
  lan.add(2, {1});
  lan.pass(6s);
  lan.add(1, {1});
  lan.wish(1, star(), 1, 2);
  lan.pass(40s);
  ASSERT_TRUE(lan.joined(2, 1));
  const auto& sent = lan.at(1).sent;
  EXPECT_EQ(sent.front(), "hello");
  EXPECT_NE(std::ranges::find(sent, "join-prune"), sent.end());
}

TEST(PimLan, ALeaveEndsTheTreeAtOnceBetweenTwoAndAfterTheDelayAmongThree) {
  for (const bool third : {false, true}) {
    LanStand lan;
    lan.add(1, {1});
    lan.add(2, {1});
    if (third) lan.add(3, {1});
    lan.pass(35s);
    lan.wish(1, star(), 1, 2);
    lan.pass(1s);
    ASSERT_TRUE(lan.joined(2, 1));
    lan.wish(1, star(), 1, 0);
    EXPECT_EQ(lan.joined(2, 1), third);
    lan.pass(4s);
    EXPECT_FALSE(lan.joined(2, 1));
  }
}

TEST(PimLan, AnotherRouterOverridesThePrune) {
  LanStand lan;
  for (const unsigned number : {1U, 2U, 3U}) lan.add(number, {1});
  lan.pass(35s);
  lan.wish(1, star(), 1, 2);
  lan.wish(3, star(), 1, 2);
  lan.pass(1s);
  lan.wish(1, star(), 1, 0);
  for (int i = 0; i < 400; ++i) {
    lan.pass(1s);
    ASSERT_TRUE(lan.joined(2, 1)) << i;
  }
}

TEST(PimLan, ARestartedUpstreamIsJoinedAgainWithinTheOverrideInterval) {
  LanStand lan;
  lan.add(1, {1});
  lan.add(2, {1});
  lan.pass(35s);
  lan.wish(1, star(), 1, 2);
  lan.wish(1, source_tree(), 1, 2);
  lan.pass(1s);
  ASSERT_TRUE(lan.joined(2, 1));
  lan.kill(2);
  lan.add(2, {1});
  lan.pass(5s + 2500ms);
  EXPECT_TRUE(lan.joined(2, 1));
  const auto& told = lan.at(1).told;
  EXPECT_TRUE(std::ranges::any_of(
      told, [](const auto& one) { return std::holds_alternative<NeighbourRestarted>(one); }));
}

TEST(PimLan, ADeadUpstreamExpiresAndItsStateWithIt) {
  LanStand lan;
  lan.add(1, {1});
  lan.add(2, {1});
  lan.pass(35s);
  lan.kill(2);
  lan.pass(106s);
  EXPECT_EQ(lan.at(1).pim.neighbours().neighbour_count(LinkId{1}), 0U);
  EXPECT_TRUE(lan.at(1).pim.neighbours().am_dr(LinkId{1}));
}

TEST(PimLan, TheLoserOfAnAssertIsJoinedByTheWinner) {
  LanStand lan;
  // 1 and 2 forward onto link 1, where 3 wants the source by 1, whose route is worse.
  for (const unsigned number : {1U, 2U, 3U}) lan.add(number, {1});
  lan.pass(35s);
  const auto forwards = [&](unsigned number, std::uint32_t metric) {
    lan.at(number).pim.on_assert_facts(LinkId{1}, source_tree(),
                                       {.could_assert = true,
                                        .tracking_desired = true,
                                        .metric = {.preference = 1, .metric = metric}},
                                       lan.now);
    lan.deliver();
  };
  forwards(1, 20);
  forwards(2, 10);
  lan.at(3).pim.on_assert_facts(LinkId{1}, source_tree(),
                                {.tracking_desired = true, .rpf_interface = true}, lan.now);
  lan.wish(3, source_tree(), 1, 1);
  lan.pass(1s);
  ASSERT_TRUE(lan.joined(1, 1));
  ASSERT_FALSE(lan.joined(2, 1));
  lan.at(1).pim.on_data(LinkId{1}, source_tree(), lan.now);  // what 2 forwards there
  lan.deliver();
  lan.pass(4s);
  EXPECT_TRUE(lan.joined(2, 1));
  EXPECT_TRUE(lan.at(1).pim.assert_view(LinkId{1}, source_tree()).lost);
  EXPECT_EQ(lan.at(2).pim.assert_view(LinkId{1}, source_tree()).state, AssertState::winner);
  lan.kill(2);
  lan.pass(200s);
  EXPECT_TRUE(lan.joined(1, 1));
  EXPECT_FALSE(lan.at(1).pim.assert_view(LinkId{1}, source_tree()).lost);
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
