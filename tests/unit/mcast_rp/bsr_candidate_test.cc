#include "bsr_stand.h"

// RFC 5059 3.1.1, the machine of a candidate BSR, row by row. Own weight: (64, 10.9.9.9).
namespace hotpair::mcast::rp {
namespace {

BsrStand pending() { return BsrStand(candidate_config()); }

BsrStand elected() {
  BsrStand stand = pending();
  stand.run(10s);
  stand.effects.clear();
  return stand;
}

BsrStand candidate() {
  BsrStand stand = pending();
  stand.hear(stand.message("10.1.1.1", 100));
  stand.effects.clear();
  return stand;
}

TEST(CandidateBsr311, BeginsPendingAndWaitsTheOverrideDelay) {
  BsrStand stand = pending();
  EXPECT_EQ(stand.zone().state, BsrState::pending);
  EXPECT_EQ(stand.zone().expires, override_delay({64, ip("10.9.9.9")}, std::nullopt));
  EXPECT_TRUE(stand.take<SendBootstrap>().empty());
}

TEST(CandidateBsr311, CandidateTakesAPreferredMessage) {
  BsrStand stand = candidate();
  stand.run(100s);
  stand.hear(stand.message("10.1.1.1", 100, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}));
  EXPECT_EQ(stand.zone().state, BsrState::candidate);
  EXPECT_EQ(stand.zone().expires, kBootstrapTimeout);
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1(192)");
  const auto sent = stand.take<SendBootstrap>();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].links, (std::vector{LinkId{1}, LinkId{2}}));  // also where it came from
}

TEST(CandidateBsr311, CandidateBecomesPendingWhenTheTimerExpires) {
  BsrStand stand = candidate();
  stand.run(kBootstrapTimeout);
  EXPECT_EQ(stand.zone().state, BsrState::pending);
  EXPECT_EQ(stand.zone().expires,
            override_delay({64, ip("10.9.9.9")}, BsrWeight{100, ip("10.1.1.1")}));
  EXPECT_TRUE(stand.take<SendBootstrap>().empty());
}

TEST(CandidateBsr311, CandidateBecomesPendingWhenTheElectedBsrGetsWorseThanItself) {
  BsrStand stand = candidate();
  stand.hear(stand.message("10.1.1.1", 63, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}));
  EXPECT_EQ(stand.zone().state, BsrState::pending);
  EXPECT_EQ(stand.take<SendBootstrap>().size(), 1U);  // forwarded
  EXPECT_EQ(stand.mappings(), "");                    // and not stored
  stand.run(6s);
  EXPECT_EQ(stand.zone().state, BsrState::elected);
}

TEST(CandidateBsr311, CandidateTakesTheElectedBsrThatGetsWorseButStaysBetter) {
  BsrStand stand = candidate();
  stand.hear(stand.message("10.1.1.1", 65));
  EXPECT_EQ(stand.zone().state, BsrState::candidate);
  EXPECT_EQ(stand.zone().bsr, (BsrWeight{65, ip("10.1.1.1")}));
}

TEST(CandidateBsr311, CandidateIgnoresAnotherNonPreferredMessage) {
  BsrStand stand = candidate();
  stand.run(5s);
  stand.hear(stand.message("10.1.1.2", 99));
  EXPECT_EQ(stand.zone().state, BsrState::candidate);
  EXPECT_EQ(stand.zone().expires, kBootstrapTimeout - 5s);
  EXPECT_TRUE(stand.take<SendBootstrap>().empty());
  EXPECT_EQ(stand.ignored(BsrIgnored::not_preferred), 1U);
}

TEST(CandidateBsr311, PendingTakesAPreferredMessage) {
  BsrStand stand = pending();
  stand.hear(stand.message("10.9.9.10", 64));  // equal priority, higher address
  EXPECT_EQ(stand.zone().state, BsrState::candidate);
  EXPECT_EQ(stand.zone().expires, kBootstrapTimeout);
  EXPECT_EQ(stand.take<SendBootstrap>().size(), 1U);
  const auto changed = stand.take<BsrChanged>();
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].now, ip("10.9.9.10"));
  EXPECT_FALSE(changed[0].self);
}

TEST(CandidateBsr311, PendingBecomesElectedWhenTheTimerExpires) {
  BsrStand stand = pending();
  stand.run(*stand.zone().expires);
  EXPECT_EQ(stand.zone().state, BsrState::elected);
  EXPECT_EQ(stand.zone().next_bootstrap, kBootstrapPeriod);
  const auto sent = stand.take<SendBootstrap>();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].message.bsr, ip("10.9.9.9"));
  EXPECT_EQ(sent[0].message.bsr_priority, 64);
  EXPECT_EQ(sent[0].message.hash_mask_length, 30);
  EXPECT_TRUE(sent[0].message.ranges.empty());
  EXPECT_TRUE(stand.take<BsrChanged>().at(0).self);
}

TEST(CandidateBsr311, PendingForwardsAndForgetsANonPreferredMessage) {
  BsrStand stand = pending();
  const auto before = stand.zone().expires;
  stand.hear(stand.message("10.9.9.8", 64, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}));
  EXPECT_EQ(stand.zone().state, BsrState::pending);
  EXPECT_EQ(stand.zone().expires, before);
  EXPECT_EQ(stand.take<SendBootstrap>().size(), 1U);
  EXPECT_EQ(stand.mappings(), "");
}

TEST(CandidateBsr311, ElectedYieldsToAPreferredMessage) {
  BsrStand stand = elected();
  stand.offer("10.0.0.7", 1, 150, {"226.0.0.0/8"});
  stand.hear(stand.message("10.1.1.1", 65, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}));
  EXPECT_EQ(stand.zone().state, BsrState::candidate);
  EXPECT_EQ(stand.zone().expires, kBootstrapTimeout);
  EXPECT_EQ(stand.zone().offers, 0U);
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1(192)");
}

TEST(CandidateBsr311, ElectedSpeaksEveryPeriod) {
  BsrStand stand = elected();
  stand.run(3 * kBootstrapPeriod);
  const auto sent = stand.take<SendBootstrap>();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_NE(sent[0].message.fragment_tag, sent[1].message.fragment_tag);
}

TEST(CandidateBsr311, ElectedAnswersANonPreferredMessageNoMoreOftenThanTheMinimumInterval) {
  BsrStand stand = elected();
  stand.run(20s);
  for (int i = 0; i < 5; ++i) stand.hear(stand.message("10.9.9.8", 64));
  EXPECT_EQ(stand.zone().state, BsrState::elected);
  EXPECT_EQ(stand.take<SendBootstrap>().size(), 1U);
  EXPECT_EQ(stand.zone().next_bootstrap, kBootstrapPeriod);
  stand.run(kBootstrapMinInterval - 1ms);
  EXPECT_EQ(stand.take<SendBootstrap>().size(), 0U);
  stand.run(1ms);
  EXPECT_EQ(stand.take<SendBootstrap>().size(), 1U);
}

TEST(CandidateBsr311, AnElectedBsrThatIsNoCandidateAnyMoreSaysSo) {
  BsrStand stand = elected();
  stand.offer("10.0.0.7", 1, 150, {"226.0.0.0/8"});
  stand.run(20s);
  stand.effects.clear();
  stand.bsr->configure({}, stand.now);
  stand.drain();
  const auto sent = stand.take<SendBootstrap>();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].message.bsr_priority, 0);
  ASSERT_EQ(sent[0].message.ranges.size(), 1U);
  EXPECT_EQ(stand.zone().state, BsrState::accept_any);
  EXPECT_EQ(stand.mappings(), "226.0.0.0/8 10.0.0.7(1)");  // until it expires
  stand.run(150s);
  EXPECT_EQ(stand.mappings(), "");
}

TEST(CandidateBsr311, ACandidateThatIsNoneAnyMoreKeepsTheBsr) {
  BsrStand stand = candidate();
  stand.bsr->configure({}, stand.now);
  EXPECT_EQ(stand.zone().state, BsrState::accept_preferred);
  EXPECT_EQ(stand.zone().bsr, (BsrWeight{100, ip("10.1.1.1")}));
}

TEST(CandidateBsr311, AnewCandidateThatKnowsABetterBsrNeedNotAsk) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 100));
  stand.bsr->configure(candidate_config(), stand.now);
  EXPECT_EQ(stand.zone().state, BsrState::candidate);
  BsrConfig better = candidate_config();
  better.candidate_bsrs[0].priority = 101;
  stand.bsr->configure(better, stand.now);
  EXPECT_EQ(stand.zone().state, BsrState::pending);
}

TEST(OverrideDelay5, IsTheFormulaOfTheRfc) {
  const auto seconds = [](const BsrWeight& own, const std::optional<BsrWeight>& best) {
    return std::chrono::duration<double>(override_delay(own, best)).count();
  };
  EXPECT_DOUBLE_EQ(seconds({64, ip("10.0.0.1")}, std::nullopt), 5.0);
  // log2(1 + 3) / 16
  EXPECT_NEAR(seconds({64, ip("10.0.0.1")}, BsrWeight{64, ip("10.0.0.4")}), 5.125, 1e-6);
  // 2 * log2(1 + 3) + 2 - 2^29 / 2^31
  EXPECT_NEAR(seconds({64, ip("32.0.0.0")}, BsrWeight{67, ip("1.0.0.0")}), 10.75, 1e-6);
  EXPECT_NEAR(seconds({0, ip("0.0.0.1")}, BsrWeight{255, ip("1.0.0.0")}), 23.0, 1e-6);
  // log2(1 + 2^64 - 1) / 64, and 2 * log2(2) + 2 - 2^125 / 2^127
  EXPECT_NEAR(seconds({1, ip("::1:0:0:0:0")}, BsrWeight{1, ip("::2:0:0:0:0")}), 6.0, 1e-6);
  EXPECT_NEAR(seconds({1, ip("2000::")}, BsrWeight{2, ip("::1")}), 8.75, 1e-6);
  EXPECT_LT(override_delay({64, ip("10.0.0.9")}, BsrWeight{64, ip("10.0.1.0")}),
            override_delay({64, ip("10.0.0.8")}, BsrWeight{64, ip("10.0.1.0")}));
}

}  // namespace
}  // namespace hotpair::mcast::rp
