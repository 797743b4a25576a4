#include "rig.h"

// What goes beyond the tables: both machines of a group, metrics, modes, changes, bounds.
namespace hotpair::mcast::pim::testing {
namespace {

// ---- 4.6.3 ----

TEST(Metric, IsComparedInOrder) {
  const auto made = [](bool rpt, std::uint32_t preference, std::uint32_t metric, const char* from) {
    return AssertMetric{
        .rpt = rpt, .route = {.preference = preference, .metric = metric}, .address = ip(from)};
  };
  const std::vector<AssertMetric> best_first{made(false, 1, 50, "10.0.0.1"),
                                             made(false, 2, 10, "10.0.0.9"),
                                             made(false, 2, 10, "10.0.0.8"),
                                             made(false, 2, 11, "10.0.0.9"),
                                             made(true, 0, 0, "10.0.0.9"),
                                             made(true, 0, 0, "10.0.0.1"),
                                             AssertMetric{}};
  for (std::size_t a = 0; a < best_first.size(); ++a)
    for (std::size_t b = 0; b < best_first.size(); ++b)
      EXPECT_EQ(best_first[a].is_better_than(best_first[b]), a < b) << a << " " << b;
  EXPECT_TRUE(AssertMetric{}.is_infinite());
  EXPECT_FALSE(best_first[0].is_infinite());
  EXPECT_TRUE(made(true, 0, 0, "fe80::2").is_better_than(made(true, 0, 0, "fe80::1")));
}

TEST(Metric, WorstRouteIsNoCancel) {
  Rig rig;
  AssertFacts facts = downstream();
  facts.metric = {.preference = 0xffffffff, .metric = 0xffffffff};
  rig.facts(kSourceTree, facts);
  rig.data(kSourceTree);
  EXPECT_THAT(rig.told(), ElementsAre("send 2147483646/4294967295 192.0.2.1",
                                      "(S,G) winner 2147483646/4294967295"));
}

// my_assert_metric(S,G,I) falls back to the shared tree's.
TEST(Metric, OfTheSharedTreeStandsInForTheSources) {
  Rig rig;
  rig.facts(kStar, downstream());
  rig.facts(kSourceTree, {.tracking_desired = true, .metric = {.preference = 100, .metric = 20}});
  rig.hear(assertion(100, 30));
  EXPECT_THAT(rig.told(), ElementsAre("(S,G) loser 10.0.0.9 100/30"))
      << "it has the RPT bit clear; but our way to S would be better, so the link is not lost";
  AssertFacts facts = upstream();
  facts.rpf_interface = false;
  facts.metric.metric = 31;
  rig.facts(kSourceTree, facts);
  EXPECT_THAT(rig.told(), ElementsAre("(S,G) loser 10.0.0.9 100/30 lost"));
}

// ---- 4.6.2: both machines ----

TEST(BothTrees, MessageThatTheSourcesMachineTookIsNotForTheShared) {
  Rig rig;
  rig.facts(kStar, downstream());
  rig.facts(kSourceTree, downstream());
  rig.hear(star_assertion(100, 1, kSource));
  EXPECT_THAT(rig.told(), ElementsAre("send 100/20 192.0.2.1", "(S,G) winner 100/20"));
  rig.hear(star_assertion(100, 1, kSource));
  EXPECT_THAT(rig.told(), ElementsAre("send 100/20 192.0.2.1"));
  EXPECT_EQ(rig.state(kStar), AssertState::no_info);
  rig.hear(star_assertion(100, 1, ip("192.0.2.77")));
  EXPECT_THAT(rig.told(), ElementsAre("(*,G) loser 10.0.0.9 100/1 lost"));
}

TEST(BothTrees, SourcesMachineWithStateShieldsTheShared) {
  Rig rig;
  rig.facts(kStar, downstream());
  rig.facts(kSourceTree, upstream());
  rig.hear(assertion(100, 10));
  (void)rig.told();
  rig.hear(star_assertion(100, 1, kSource));
  EXPECT_THAT(rig.told(), IsEmpty()) << "no row for a loser of (S,G), none for (*,G)";
  EXPECT_EQ(rig.ignored(AssertIgnored::no_row), 1U);
  rig.data(kOnSharedTree);
  EXPECT_THAT(rig.told(), IsEmpty());
}

TEST(BothTrees, SourcesMachineAssertsNothingOnTheSharedTreesBehalf) {
  Rig rig;
  rig.facts(kStar, downstream());
  rig.facts(kSourceTree, {.tracking_desired = true});
  rig.hear(star_assertion(100, 30, kSource));
  EXPECT_THAT(rig.told(), ElementsAre("send 100/20 rpt 192.0.2.1", "(*,G) winner 100/20"));
}

TEST(BothTrees, SharedTreesForwarderYieldsToTheSources) {
  // Two routers forward the same source onto a link, one from each tree.
  Rig shared;
  Rig source;
  source.config.address = ip("10.0.0.1");
  source.asserts.set_link(source.config, source.now);
  shared.facts(kStar, downstream());
  shared.facts(kSourceTree, {.tracking_desired = true, .metric = {.preference = 200}});
  source.facts(kSourceTree, downstream());
  shared.data(kOnSharedTree);
  EXPECT_THAT(shared.told(), ElementsAre("send 100/20 rpt 192.0.2.1", "(*,G) winner 100/20"));
  source.hear(star_assertion(100, 20, kSource), kOwn);
  EXPECT_THAT(source.told(), ElementsAre("send 100/20 192.0.2.1", "(S,G) winner 100/20"));
  shared.hear(assertion(100, 20), ip("10.0.0.1"));
  EXPECT_THAT(shared.told(), ElementsAre("(S,G) loser 10.0.0.1 100/20 lost"));
  EXPECT_EQ(shared.state(kStar), AssertState::winner);
}

// ---- facts, timers ----

TEST(Facts, NewMetricOfAWinnerIsToldAndSentWithTheNextAssert) {
  Rig rig;
  rig.facts(kSourceTree, downstream());
  rig.data(kSourceTree);
  (void)rig.told();
  AssertFacts facts = downstream();
  facts.metric.metric = 40;
  rig.facts(kSourceTree, facts);
  EXPECT_THAT(rig.told(), ElementsAre("(S,G) winner 100/40"));
  rig.facts(kSourceTree, facts);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.hear(assertion(100, 30));
  EXPECT_THAT(rig.told(), ElementsAre("(S,G) loser 10.0.0.9 100/30 lost"));
}

TEST(Facts, NothingIsKeptOfATreeWithoutFacts) {
  Rig rig;
  rig.hear(assertion(1, 1));
  rig.hear(star_assertion(1, 1));
  rig.data(kSourceTree);
  EXPECT_EQ(rig.asserts.entry_count(kLink), 0U);
  rig.facts(kSourceTree, downstream());
  rig.facts(kStar, downstream());
  rig.data(kSourceTree);
  rig.facts(kSourceTree, {});
  EXPECT_THAT(rig.told(), ElementsAre("send 100/20 192.0.2.1", "(S,G) winner 100/20",
                                      "send cancel rpt 192.0.2.1", "(S,G) none"));
  EXPECT_EQ(rig.asserts.entry_count(kLink), 1U);
  EXPECT_EQ(rig.asserts.next_deadline(), std::nullopt) << "its timer went with it";
  rig.facts(kStar, {});
  EXPECT_EQ(rig.asserts.entry_count(kLink), 0U);
}

TEST(Facts, LimitPerLink) {
  Rig rig;
  rig.config.entries_max = 1;
  rig.asserts.set_link(rig.config, rig.now);
  rig.facts(kSourceTree, downstream());
  rig.facts(kStar, downstream());
  EXPECT_THAT(rig.told(), ElementsAre("limit 7"));
  EXPECT_EQ(rig.ignored(AssertIgnored::entries_max), 1U);
  EXPECT_EQ(rig.asserts.entry_count(kLink), 1U);
  rig.facts(kSourceTree, upstream());
  EXPECT_THAT(rig.told(), IsEmpty()) << "what is there may change";
}

TEST(Timer, LoserThatWinsAssertsBeforeTheOthersForget) {
  Rig rig;
  rig.facts(kSourceTree, downstream());
  rig.hear(assertion(100, 10));
  rig.hear(cancel_of(kSource));  // its timer of 180 s is armed still
  rig.data(kSourceTree);
  (void)rig.told();
  rig.advance(176999ms);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.advance(1ms);
  EXPECT_THAT(rig.told(), ElementsAre("send 100/20 192.0.2.1"));
}

TEST(Timer, WinnerKeepsAsserting) {
  Rig rig;
  rig.facts(kStar, downstream());
  rig.data(kStar);
  (void)rig.told();
  rig.advance(10 * 177s);
  EXPECT_EQ(rig.told(), Words(10, "send 100/20 rpt *"));
}

TEST(Input, OurOwnAndForeignOnesAreIgnored) {
  Rig rig;
  rig.facts(kSourceTree, downstream());
  rig.hear(assertion(1, 1), kOwn);
  rig.hear(assertion(1, 1), ip("fe80::1"));
  rig.hear(wire::PimAssert{.group = *Group::parse("ff1e::1"), .source = ip("2001:db8::1")});
  EXPECT_EQ(rig.ignored(AssertIgnored::wrong_source), 3U);
  rig.asserts.on_assert(LinkId{99}, kPeer, assertion(1, 1), rig.now);
  rig.asserts.set_facts(LinkId{99}, kStar, downstream(), rig.now);
  rig.asserts.on_data(LinkId{99}, kStar, rig.now);
  EXPECT_THAT(rig.told(), IsEmpty());
}

// ---- modes and changes of the link ----

TEST(Mode, MutedLinkAssertsNothingAndKeepsFacts) {
  Rig rig;
  rig.config.scope = kScope;
  rig.asserts.set_link(rig.config, rig.now);
  rig.facts(kSourceTree, downstream());
  rig.data(kSourceTree);
  rig.hear(assertion(1, 1));
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_EQ(rig.ignored(AssertIgnored::muted), 2U);
  rig.asserts.set_mode(kScope, LinkMode::live, rig.now);
  rig.data(kSourceTree);
  EXPECT_THAT(rig.told(), ElementsAre("send 100/20 192.0.2.1", "(S,G) winner 100/20"));
  rig.asserts.set_mode(kScope, LinkMode::muted, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("flushed 7")) << "and no cancel";
  EXPECT_EQ(rig.state(kSourceTree), AssertState::no_info);
  rig.facts(kSourceTree, upstream());
  rig.advance(200s);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.asserts.set_mode(kScope, LinkMode::live, rig.now);
  rig.hear(assertion(100, 10));
  EXPECT_THAT(rig.told(), ElementsAre("(S,G) loser 10.0.0.9 100/10"));
}

TEST(Mode, FlushLeavesNoTraceInTimersAndCounts) {
  Rig rig;
  rig.config.scope = kScope;
  rig.asserts.set_link(rig.config, rig.now);
  rig.asserts.set_mode(kScope, LinkMode::live, rig.now);
  rig.facts(kSourceTree, downstream());
  rig.hear(assertion(100, 10));
  EXPECT_EQ(rig.asserts.asserted_count(kLink), 1U);
  rig.asserts.set_mode(kScope, LinkMode::muted, rig.now);
  EXPECT_EQ(rig.asserts.asserted_count(kLink), 0U);
  rig.asserts.set_mode(kScope, LinkMode::live, rig.now);
  rig.advance(60s);
  rig.hear(assertion(100, 10));
  (void)rig.told();
  rig.advance(179s);
  EXPECT_THAT(rig.told(), IsEmpty()) << "the old timer, which ended meanwhile, is void";
  rig.advance(1s);
  EXPECT_THAT(rig.told(), ElementsAre("(S,G) none"));
  EXPECT_EQ(rig.asserts.asserted_count(kLink), 0U);
}

TEST(Change, LinkDownOrRemovedOrInAnotherVrfFlushes) {
  for (int way = 0; way < 3; ++way) {
    Rig rig;
    rig.facts(kSourceTree, downstream());
    rig.data(kSourceTree);
    (void)rig.told();
    if (way == 0) {
      rig.config.address = kNone;
      rig.asserts.set_link(rig.config, rig.now);
    } else if (way == 1) {
      rig.asserts.remove_link(kLink, rig.now);
      EXPECT_EQ(rig.asserts.entry_count(kLink), 0U);
    } else {
      rig.config.vrf = VrfId{4};
      rig.asserts.set_link(rig.config, rig.now);
    }
    EXPECT_THAT(rig.told(), ElementsAre("flushed 7"));
    rig.advance(400s);
    EXPECT_THAT(rig.told(), IsEmpty());
    EXPECT_EQ(rig.asserts.next_deadline(), std::nullopt);
  }
}

TEST(Change, NewOwnAddressIsAssertedAndMayWin) {
  Rig rig;
  const TreeKey other{.group = kGroup, .source = ip("192.0.2.2")};
  rig.facts(kSourceTree, downstream());
  rig.facts(other, downstream());
  rig.data(kSourceTree);
  rig.hear(assertion(100, 20, *other.source), kPeer);  // lost by the address alone
  (void)rig.told();
  rig.config.address = ip("10.0.0.77");
  rig.asserts.set_link(rig.config, rig.now);
  rig.advance(0s);
  EXPECT_THAT(rig.told(),
              ElementsAre("send 100/20 192.0.2.1", "(S,G) winner 100/20", "(S,G) none"));
  EXPECT_EQ(rig.asserts.view(kLink, kSourceTree).winner.address, ip("10.0.0.77"));
}

// ---- slices ----

TEST(Slices, LostWinnerIsForgottenInSlicesAndANewStateIsNot) {
  Rig rig;
  constexpr std::uint32_t kTrees = 5000;
  const auto key = [](std::uint32_t i) {
    return TreeKey{.group = kGroup, .source = IpAddress::v4(0xc0000000 + i)};
  };
  for (std::uint32_t i = 0; i < kTrees; ++i) {
    rig.facts(key(i), downstream());
    rig.hear(assertion(100, 10, *key(i).source));
  }
  EXPECT_EQ(rig.told().size(), kTrees);
  rig.asserts.on_neighbour_lost(kLink, kPeer, rig.now);
  rig.asserts.on_neighbour_lost(kLink, kThird, rig.now);
  rig.hear(assertion(100, 9, *key(kTrees - 1).source));  // of its new life
  (void)rig.told();
  EXPECT_EQ(rig.asserts.next_deadline(), rig.now);
  rig.asserts.on_timeout(rig.now);
  EXPECT_EQ(rig.told().size(), 1000U);
  rig.advance(0s);
  EXPECT_EQ(rig.told().size(), kTrees - 1001U);
  EXPECT_EQ(rig.asserts.asserted_count(kLink), 1U);
  EXPECT_EQ(rig.state(key(kTrees - 1)), AssertState::loser);
  rig.asserts.remove_link(kLink, rig.now);
  rig.advance(200s);
  EXPECT_EQ(rig.asserts.next_deadline(), std::nullopt);
}

TEST(Slices, WinnersOfOneMomentAssertInSlices) {
  Rig rig;
  for (std::uint32_t i = 0; i < 2500; ++i) {
    const TreeKey key{.group = kGroup, .source = IpAddress::v4(0xc0000000 + i)};
    rig.facts(key, downstream());
    rig.data(key);
  }
  (void)rig.told();
  rig.now += 177s;
  for (const std::size_t expected : {1000U, 1000U, 500U, 0U}) {
    rig.asserts.on_timeout(rig.now);
    EXPECT_EQ(rig.told().size(), expected);
  }
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
