#include "upstream_stand.h"

/// RFC 7761 4.5.4 (*,G) and 4.5.5 (S,G), row by row, and RPF'.
namespace hotpair::mcast::pim::testing {
namespace {

class Upstreams : public ::testing::TestWithParam<const char*> {
 protected:
  Upstreams() {
    stand.up(2);
    stand.up(3);
  }
  [[nodiscard]] std::string tree() const { return GetParam(); }
  [[nodiscard]] std::string told(unsigned n, char sign) const {
    return std::to_string(n) + ": " + sign + tree();
  }
  void joined() {
    stand.join(tree());
    ASSERT_EQ(stand.sent(), told(2, '+'));
  }
  UpStand stand;
};
INSTANTIATE_TEST_SUITE_P(Trees, Upstreams, ::testing::Values("*", "1"));

TEST_P(Upstreams, JoinDesiredBecomesTrue) {
  stand.join(tree());
  EXPECT_EQ(stand.sent(), told(2, '+'));
  EXPECT_EQ(stand.state(tree()), "Joined 2");
  EXPECT_EQ(stand.messages.back().second.holdtime_s, 210);
  EXPECT_GT(stand.timer(tree()), 0s);
  EXPECT_LE(stand.timer(tree()), 60s);
}

TEST_P(Upstreams, JoinDesiredBecomesFalse) {
  joined();
  stand.leave(tree());
  EXPECT_EQ(stand.sent(), told(2, '-'));
  stand.pass(200s);
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.engine.next_deadline(), std::nullopt);
  EXPECT_EQ(stand.engine.tree_count(), 0U);
}

TEST_P(Upstreams, JoinTimerExpires) {
  joined();
  stand.pass(60s);
  EXPECT_EQ(stand.sent(), told(2, '+'));
  const Duration rest = stand.timer(tree());
  stand.pass(rest - 1ms);
  EXPECT_EQ(stand.sent(), "");
  stand.pass(1ms);
  EXPECT_EQ(stand.sent(), told(2, '+'));
  EXPECT_EQ(stand.timer(tree()), 60s);
}

TEST_P(Upstreams, SeeJoinIncreasesTheTimerToSuppress) {
  joined();
  stand.pass(stand.timer(tree()));
  EXPECT_EQ(stand.sent(), told(2, '+'));
  stand.overhear("+" + tree());
  EXPECT_GE(stand.timer(tree()), 66s);  // 1.1 to 1.4 times t_periodic
  EXPECT_LE(stand.timer(tree()), 84s);
  EXPECT_EQ(stand.engine.counters(kLink)->suppressed, 1U);
  stand.pass(65s);
  EXPECT_EQ(stand.sent(), "");
  stand.pass(19s);
  EXPECT_EQ(stand.sent(), told(2, '+'));
}

TEST_P(Upstreams, SeeJoinSuppressesNoLongerThanItsHoldtime) {
  joined();
  stand.pass(stand.timer(tree()) - 1s);
  stand.overhear("+" + tree(), 2, 20);
  EXPECT_EQ(stand.timer(tree()), 20s);
}

TEST_P(Upstreams, SeeJoinNeverLowersTheTimer) {
  joined();
  stand.pass(stand.timer(tree()));
  stand.overhear("+" + tree(), 2, 20);
  EXPECT_EQ(stand.timer(tree()), 60s);
}

TEST_P(Upstreams, SeeJoinWithSuppressionDisabled) {
  stand.engine.set_lan(kLink, {.suppression = false, .neighbours = 3});
  joined();
  const Duration before = stand.timer(tree());
  stand.overhear("+" + tree());
  EXPECT_EQ(stand.timer(tree()), before);
}

TEST_P(Upstreams, SeeJoinToAnotherUpstreamNeighbour) {
  joined();
  const Duration before = stand.timer(tree());
  stand.overhear("+" + tree(), 3);
  EXPECT_EQ(stand.timer(tree()), before);
}

TEST_P(Upstreams, SeePruneDecreasesTheTimerToOverride) {
  joined();
  stand.overhear("-" + tree());
  EXPECT_LE(stand.timer(tree()), 2500ms);
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), told(2, '+'));
  EXPECT_EQ(stand.engine.counters(kLink)->overridden, 1U);
}

TEST_P(Upstreams, SeePruneNeverRaisesTheTimer) {
  joined();
  for (int i = 0; i < 50; ++i) {
    const Duration before = stand.timer(tree());
    stand.overhear("-" + tree());
    ASSERT_LE(stand.timer(tree()), before);
  }
}

TEST_P(Upstreams, SeePruneTakesTheOverrideIntervalOfTheLink) {
  stand.engine.set_lan(kLink, {.override_interval = 10ms, .neighbours = 3});
  joined();
  stand.overhear("-" + tree());
  EXPECT_LE(stand.timer(tree()), 10ms);
}

TEST_P(Upstreams, SeePruneToAnotherUpstreamNeighbour) {
  joined();
  stand.overhear("-" + tree(), 3);
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), "");
}

TEST_P(Upstreams, RpfPrimeChangesNotByAnAssert) {
  joined();
  stand.join(tree(), 3);
  EXPECT_EQ(stand.sent(), told(3, '+') + "; " + told(2, '-'));
  EXPECT_EQ(stand.state(tree()), "Joined 3");
  stand.leave(tree());
  EXPECT_EQ(stand.sent(), told(3, '-'));
}

TEST_P(Upstreams, RpfPrimeChangesByAnAssert) {
  joined();
  stand.engine.on_rpf_prime(kLink, Stand::key(tree()), router(3), stand.now);
  stand.drain();
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.state(tree()), "Joined 3 assert");
  EXPECT_LE(stand.timer(tree()), 2500ms);
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), told(3, '+'));
  stand.engine.on_rpf_prime(kLink, Stand::key(tree()), std::nullopt, stand.now);
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), told(2, '+'));
  EXPECT_EQ(stand.state(tree()), "Joined 2");
}

TEST_P(Upstreams, AnAssertBeforeTheWish) {
  stand.engine.on_rpf_prime(kLink, Stand::key(tree()), router(3), stand.now);
  stand.join(tree());
  EXPECT_EQ(stand.sent(), told(3, '+'));
  stand.leave(tree());
  EXPECT_EQ(stand.sent(), told(3, '-'));
}

TEST_P(Upstreams, GenerationIdChangesDecreasesTheTimerToOverride) {
  joined();
  stand.engine.on_neighbour_restarted(kLink, router(2), stand.now);
  stand.drain();
  EXPECT_EQ(stand.sent(), "");
  EXPECT_LE(stand.timer(tree()), 2500ms);
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), told(2, '+'));
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), "");
}

TEST_P(Upstreams, SeePruneAfterANewGenerationIdKeepsTheEarlierTime) {
  joined();
  stand.engine.on_neighbour_restarted(kLink, router(2), stand.now);
  stand.drain();
  const Duration before = stand.timer(tree());
  stand.engine.set_lan(kLink, {.override_interval = 30s, .neighbours = 3});
  stand.overhear("-" + tree());
  EXPECT_EQ(stand.timer(tree()), before);
}

TEST_P(Upstreams, AJoinSuppressesTheAnswerToANewGenerationId) {
  joined();
  stand.pass(stand.timer(tree()));
  EXPECT_EQ(stand.sent(), told(2, '+'));
  stand.engine.on_neighbour_restarted(kLink, router(2), stand.now);
  stand.drain();
  stand.overhear("+" + tree());
  stand.pass(65s);
  EXPECT_EQ(stand.sent(), "");
}

TEST_P(Upstreams, ANeighbourWithoutHelloIsWaitedFor) {
  stand.join(tree(), 4);
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.state(tree()), "Waiting 4");
  EXPECT_EQ(stand.engine.next_deadline(), std::nullopt);
  stand.pass(10s);
  stand.up(4);
  EXPECT_EQ(stand.sent(), "4: +" + tree());
  EXPECT_EQ(stand.state(tree()), "Joined 4");
}

TEST_P(Upstreams, ANextHopThatIsASecondaryAddress) {
  stand.join(tree(), 40);
  EXPECT_EQ(stand.sent(), "");
  stand.up(4, {router(40)});
  EXPECT_EQ(stand.sent(), "4: +" + tree());
  stand.overhear("-" + tree(), 4);
  stand.pass(3s);
  EXPECT_EQ(stand.sent(), "4: +" + tree());
  stand.up(4);  // the Hello does not name it any more
  EXPECT_EQ(stand.state(tree()), "Waiting 40");
}

TEST_P(Upstreams, TwoNextHopsOfOneRouter) {
  stand.up(2, {router(40)});
  joined();
  stand.join(tree(), 40);
  EXPECT_EQ(stand.sent(), told(2, '+'));  // and no Prune after it
  stand.ask(tree(), UpstreamKind::none);
  stand.ask(tree(), UpstreamKind::join, 2);
  stand.drain();
  EXPECT_EQ(stand.sent(), told(2, '+'));
  stand.leave(tree());
  EXPECT_EQ(stand.sent(), told(2, '-'));
}

TEST_P(Upstreams, ANeighbourThatGoesAndComesBack) {
  joined();
  stand.down(2);
  stand.pass(500s);
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.state(tree()), "Waiting 2");
  stand.up(2);
  EXPECT_EQ(stand.sent(), told(2, '+'));
  stand.down(2);
  stand.leave(tree());
  stand.up(2);
  EXPECT_EQ(stand.sent(), "");
}

TEST_P(Upstreams, ANeighbourThatCameBackKnowsNothingToPrune) {
  joined();
  stand.engine.on_neighbour_down(kLink, router(2), stand.now);
  stand.engine.on_neighbour_up(kLink, router(2), {}, stand.now);
  stand.ask(tree(), UpstreamKind::none);
  stand.drain();
  EXPECT_EQ(stand.sent(), "");
}

TEST_P(Upstreams, LeavingADeadNeighbourPrunesNothing) {
  joined();
  stand.down(2);
  stand.join(tree(), 3);
  EXPECT_EQ(stand.sent(), told(3, '+'));
}

TEST_P(Upstreams, DirectlyConnected) {
  stand.join(tree(), 0);
  EXPECT_EQ(stand.state(tree()), "Direct");
  stand.pass(100s);
  EXPECT_EQ(stand.sent(), "");
  stand.join(tree(), 2);
  EXPECT_EQ(stand.sent(), told(2, '+'));
  stand.join(tree(), 0);
  EXPECT_EQ(stand.sent(), told(2, '-'));
}

TEST_P(Upstreams, WhatChangesBackInOneTurnIsNotSent) {
  stand.ask(tree(), UpstreamKind::join);
  stand.ask(tree(), UpstreamKind::none);
  stand.drain();
  EXPECT_EQ(stand.sent(), "");
  joined();
  stand.join(tree());
  EXPECT_EQ(stand.sent(), "");
  stand.ask(tree(), UpstreamKind::join, 3);
  stand.ask(tree(), UpstreamKind::join, 2);
  stand.drain();
  EXPECT_EQ(stand.sent(), told(2, '+'));  // once too often, and no Prune
}

// 4.5.5 only.
TEST(SourceTree, SeePruneOfTheSharedTreeOrOfTheSourceOnIt) {
  UpStand stand;
  stand.up(2);
  stand.join("1");
  stand.join("2");
  EXPECT_EQ(stand.sent(), "2: +1; 2: +2");
  stand.overhear("-*");
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), "2: +1 +2");
  stand.overhear("-1r");
  stand.pass(2500ms);
  EXPECT_EQ(stand.sent(), "2: +1");
}

TEST(SharedTree, ANewRpIsToldAtOnce) {
  UpStand stand;
  stand.up(2);
  stand.join("*");
  UpstreamWish wish{.vrf = VrfId{},
                    .key = Stand::key("*"),
                    .kind = UpstreamKind::join,
                    .link = kLink,
                    .neighbour = router(2),
                    .rp = ip("8.8.8.8")};
  stand.engine.on_wish(wish, stand.now);
  stand.drain();
  EXPECT_EQ(stand.sent(), "2: +*; 2: +*");
  EXPECT_EQ(stand.messages.back().second.groups[0].joined[0].address, ip("8.8.8.8"));
}

TEST(Muted, SendsNothingUntilActivated) {
  UpStand stand(kScope);
  stand.up(2);
  stand.join("*");
  stand.join("1");
  stand.leave("1");
  stand.overhear("-*");
  stand.pass(200s);
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.state("*"), "Waiting 2");
  stand.engine.activate(kScope, stand.now);
  stand.drain();
  EXPECT_EQ(stand.sent(), "2: +*");
  stand.engine.deactivate(kScope, stand.now);
  stand.leave("*");
  stand.pass(200s);
  EXPECT_EQ(stand.sent(), "");
}

TEST(Muted, AScopeInTheConfiguration) {
  UpStand stand;
  stand.up(2);
  stand.join("*");
  stand.config.scope = kScope;
  stand.engine.configure(stand.config, stand.now);
  stand.drain();
  EXPECT_EQ(stand.sent(), "2: +*");
  stand.pass(100s);
  EXPECT_EQ(stand.sent(), "");
  stand.config.scope.reset();
  stand.engine.configure(stand.config, stand.now);
  stand.drain();
  EXPECT_EQ(stand.sent(), "2: +*");
}

TEST(Links, ARemovedLink) {
  UpStand stand;
  stand.up(2);
  stand.join("*");
  EXPECT_EQ(stand.sent(), "2: +*");
  stand.engine.remove_link(kLink, stand.now);
  stand.pass(100s);
  EXPECT_EQ(stand.sent(), "");
  EXPECT_EQ(stand.state("*"), "Waiting 2");
  stand.engine.configure(stand.config, stand.now);
  stand.up(2);
  EXPECT_EQ(stand.sent(), "2: +*");
  stand.engine.remove_link(kLink, stand.now);
  stand.leave("*");
  EXPECT_EQ(stand.engine.tree_count(), 0U);
  EXPECT_EQ(stand.engine.next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
