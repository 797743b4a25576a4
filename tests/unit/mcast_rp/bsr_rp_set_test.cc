#include "bsr_stand.h"

// RFC 5059 3.2 (candidate RP), 3.3 (the BSR makes the RP-Set), 3.4 (semantic fragments).
namespace hotpair::mcast::rp {
namespace {

TEST(Fragments34, ARangeIsReplacedWhenAllItsRpsCameWithOneTag) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 1, {range_of("225.0.0.0/8", {{"10.0.0.9"}})}, 1));
  stand.hear(stand.message("10.1.1.1", 1, {range_of("225.0.0.0/8", {{"10.0.0.2"}}, 2)}, 2));
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.9(192)");
  stand.hear(stand.message("10.1.1.1", 1, {range_of("225.0.0.0/8", {{"10.0.0.2"}}, 2)}, 2));
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.9(192)");  // the same one twice
  stand.hear(stand.message("10.1.1.1", 1, {range_of("225.0.0.0/8", {{"10.0.0.1"}}, 2)}, 2));
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.2(192), 225.0.0.0/8 10.0.0.1(192)");
}

TEST(Fragments34, ANewTagOrBsrDropsWhatWasNotComplete) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 1, {range_of("225.0.0.0/8", {{"10.0.0.1"}}, 2)}, 1));
  stand.hear(stand.message("10.1.1.1", 1, {range_of("225.0.0.0/8", {{"10.0.0.2"}}, 2)}, 2));
  EXPECT_EQ(stand.mappings(), "");
  stand.hear(stand.message("10.1.1.2", 1, {range_of("225.0.0.0/8", {{"10.0.0.1"}}, 2)}, 2));
  EXPECT_EQ(stand.mappings(), "");
}

TEST(Fragments34, RangesThatAreNotMentionedStayUntilTheyExpire) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 1, {range_of("225.0.0.0/8", {{"10.0.0.1", 0, 100}})}));
  stand.run(60s);
  stand.hear(stand.message("10.1.1.1", 1, {range_of("226.0.0.0/8", {{"10.0.0.2", 0, 150}})}));
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1(0), 226.0.0.0/8 10.0.0.2(0)");
  stand.run(40s);
  EXPECT_EQ(stand.mappings(), "226.0.0.0/8 10.0.0.2(0)");
}

TEST(Fragments34, NoRpWithdrawsAndHoldtimeZeroIsNoRp) {
  BsrStand stand;
  stand.hear(stand.message(
      "10.1.1.1", 1,
      {range_of("225.0.0.0/8", {{"10.0.0.1"}}), range_of("226.0.0.0/8", {{"10.0.0.1"}})}));
  stand.effects.clear();
  stand.hear(stand.message(
      "10.1.1.1", 1, {range_of("225.0.0.0/8", {}), range_of("226.0.0.0/8", {{"10.0.0.1", 1, 0}})}));
  EXPECT_EQ(stand.mappings(), "");
  EXPECT_EQ(stand.take<RpSetChanged>().size(), 1U);
  EXPECT_TRUE(std::get<0>(stand.store).empty());
}

TEST(Fragments34, ARefreshIsNoChange) {
  BsrStand stand;
  const auto say = [&] {
    stand.hear(stand.message("10.1.1.1", 1, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}));
  };
  say();
  stand.run(60s);
  stand.effects.clear();
  stand.history.clear();
  say();
  EXPECT_TRUE(stand.take<RpSetChanged>().empty());
  EXPECT_TRUE(stand.history.empty());
  stand.run(149s);
  EXPECT_NE(stand.mappings(), "");
}

TEST(Fragments34, BadRangesAreLeftOut) {
  BsrStand stand;
  stand.hear(stand.message(
      "10.1.1.1", 1,
      {range_of("10.0.0.0/8", {{"10.0.0.1"}}), range_of("224.0.0.0/3", {{"10.0.0.1"}}),
       range_of("226.1.1.1/8", {{"10.0.0.1"}})}));
  EXPECT_EQ(stand.mappings(), "226.0.0.0/8 10.0.0.1(192)");
  EXPECT_EQ(stand.ignored(BsrIgnored::bad_range), 2U);
}

wire::PimBootstrapRange bidir_range(std::string_view groups, std::vector<Offer> offers) {
  auto range = range_of(groups, std::move(offers));
  range.range.bidirectional = true;
  return range;
}

TEST(Bidirectional, ARangeIsLearnedAndItsKindFollowed) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 1, {bidir_range("227.0.0.0/8", {{"10.0.0.1"}})}));
  ASSERT_EQ(stand.bsr->mappings().size(), 1U);
  EXPECT_TRUE(stand.bsr->mappings()[0].bidir);
  EXPECT_TRUE(std::get<RpMappingRecord>(stand.take<RecordChanged>().at(0).record).value->bidir);
  stand.hear(stand.message("10.1.1.1", 1, {range_of("227.0.0.0/8", {{"10.0.0.1"}})}));
  ASSERT_EQ(stand.bsr->mappings().size(), 1U);
  EXPECT_FALSE(stand.bsr->mappings()[0].bidir) << "the same range and RP of the other kind";
  EXPECT_FALSE(stand.take<RpSetChanged>().empty());
}

TEST(Bidirectional, OffersAreToldWithTheKindOfTheBest) {
  BsrStand stand(candidate_config());
  stand.run(5s);
  const auto offer = [&](std::string_view rp, std::uint8_t priority, bool bidir) {
    wire::PimCandidateRp advert{
        .priority = priority, .holdtime_s = 150, .rp = ip(rp), .ranges = {}};
    advert.ranges.push_back({.address = ip("227.0.0.0"), .mask_length = 8, .bidirectional = bidir});
    stand.bsr->on_candidate_rp(advert, stand.now);
    stand.run(60s);
  };
  const auto told = [&] {
    std::vector<std::pair<std::string, bool>> rps;
    for (const RpMapping& mapping : stand.bsr->mappings())
      rps.emplace_back(mapping.rp.to_string(), mapping.bidir);
    return rps;
  };
  using Told = std::vector<std::pair<std::string, bool>>;
  offer("10.0.0.1", 20, true);
  EXPECT_EQ(told(), (Told{{"10.0.0.1", true}}));
  offer("10.0.0.2", 30, false);
  EXPECT_EQ(told(), (Told{{"10.0.0.1", true}})) << "one range is of one kind";
  offer("10.0.0.3", 10, false);
  EXPECT_EQ(told(), (Told{{"10.0.0.2", false}, {"10.0.0.3", false}}));
}

TEST(Fragments34, MappingsAreBounded) {
  BsrStand stand({.rps_max = 4});
  std::vector<wire::PimBootstrapRange> ranges;
  for (int i = 0; i < 8; ++i)
    ranges.push_back(range_of("225.0." + std::to_string(i) + ".0/24", {{"10.0.0.1"}}));
  stand.hear(stand.message("10.1.1.1", 1, ranges));
  EXPECT_EQ(stand.zone().mappings, 4U);
  EXPECT_EQ(stand.ignored(BsrIgnored::mapping_limit), 4U);
  EXPECT_EQ(stand.take<RpLimitReached>().at(0).limit, RpLimit::mappings);
  // What is never completed does not add up either.
  for (int i = 0; i < 100; ++i)
    stand.hear(stand.message("10.1.1.1", 1,
                             {range_of("226.0." + std::to_string(i) + ".0/24", {}, 2)}, 77));
  EXPECT_EQ(stand.ignored(BsrIgnored::mapping_limit), 4U + 92U);
  stand.hear(stand.message("10.1.1.1", 1, ranges));
  EXPECT_EQ(stand.zone().mappings, 4U);
}

TEST(Bsr33, CollectsOffersAndTellsThemAfterTheMinimumInterval) {
  BsrStand stand(candidate_config());
  stand.run(5s);
  stand.effects.clear();
  stand.offer("10.0.0.1", 10, 150, {"225.0.0.0/8"});
  stand.offer("10.0.0.2", 20, 150, {});  // all groups
  stand.offer("10.0.0.2", 20, 150, {"225.0.0.0/8"});
  EXPECT_TRUE(stand.take<SendBootstrap>().empty());
  EXPECT_EQ(stand.zone().offers, 3U);
  EXPECT_EQ(stand.mappings(), "");
  stand.run(10s);
  const auto sent = stand.take<SendBootstrap>();
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_EQ(sent[0].message.ranges.size(), 2U);
  EXPECT_EQ(sent[0].message.ranges[0].range.mask_length, 4);
  EXPECT_EQ(sent[0].message.ranges[1].rps.size(), 2U);
  EXPECT_EQ(stand.mappings(),
            "225.0.0.0/8 10.0.0.1(10), 225.0.0.0/8 10.0.0.2(20), "
            "224.0.0.0/4 10.0.0.2(20)");
}

TEST(Bsr33, WithdrawsByThreeMessagesWithoutRps) {
  BsrStand stand(candidate_config());
  stand.run(5s);
  stand.offer("10.0.0.1", 10, 150, {"225.0.0.0/8"});
  stand.run(10s);
  EXPECT_NE(stand.mappings(), "");
  stand.run(150s);  // no refresh
  EXPECT_EQ(stand.zone().offers, 0U);
  stand.effects.clear();
  stand.run(10s);
  EXPECT_EQ(stand.mappings(), "");
  stand.run(5 * kBootstrapPeriod);
  std::size_t told = 0;
  for (const SendBootstrap& sent : stand.take<SendBootstrap>())
    if (!sent.message.ranges.empty()) {
      EXPECT_EQ(sent.message.ranges[0].rp_count, 0);
      ++told;
    }
  EXPECT_LE(told, 3U);
  EXPECT_GE(told, 2U);  // one may have gone out within the time above
}

TEST(Bsr33, HoldtimeZeroWithdrawsAtOnce) {
  BsrStand stand(candidate_config());
  stand.run(5s);
  stand.offer("10.0.0.1", 10, 150, {"225.0.0.0/8"});
  stand.run(30s);
  stand.effects.clear();
  stand.offer("10.0.0.1", 10, 0, {"225.0.0.0/8"});
  EXPECT_EQ(stand.take<SendBootstrap>().size(), 1U);
  EXPECT_EQ(stand.mappings(), "");
}

TEST(Bsr33, RefusesOffersOverTheLimitOrWhileNotElected) {
  BsrConfig config = candidate_config();
  config.rps_max = 4;
  config.rp_filter = {prefix("10.0.0.0/24")};
  BsrStand stand(config);
  stand.offer("10.0.0.1", 10, 150, {"225.0.0.0/8"});
  EXPECT_EQ(stand.ignored(BsrIgnored::not_elected), 1U);
  stand.run(10s);
  for (int i = 1; i <= 9; ++i) stand.offer("10.0.0." + std::to_string(i), 10, 150, {"225.0.0.0/8"});
  EXPECT_EQ(stand.zone().offers, 4U);
  EXPECT_EQ(stand.ignored(BsrIgnored::mapping_limit), 5U);
  EXPECT_EQ(stand.take<RpLimitReached>().at(0).limit, RpLimit::candidates);
  stand.offer("10.0.1.1", 10, 150, {"225.0.0.0/8"});
  EXPECT_EQ(stand.ignored(BsrIgnored::filtered), 1U);
  stand.offer("10.0.0.4", 10, 150, {"10.0.0.0/8"});
  EXPECT_EQ(stand.ignored(BsrIgnored::bad_range), 1U);
}

TEST(Bsr33, ALargeRpSetGoesOutInFragmentsThatAreTakenWhole) {
  BsrStand stand(candidate_config());
  stand.bsr->set_link({.link = LinkId{2}, .mtu = 600});
  stand.run(5s);
  for (int i = 0; i < 120; ++i) {
    const std::string rp = "10.0.0." + std::to_string(i + 1);
    stand.offer(rp, 10, 150, {i % 2 == 0 ? "225.0.0.0/8" : "226.0.0.0/8"});
  }
  stand.effects.clear();
  stand.run(10s);
  const auto sent = stand.take<SendBootstrap>();
  EXPECT_GT(sent.size(), 2U);
  BsrStand other;
  for (const SendBootstrap& one : sent) {
    EXPECT_EQ(one.message.fragment_tag, sent[0].message.fragment_tag);
    other.hear(one.message);
  }
  EXPECT_EQ(other.zone().mappings, 120U);
  EXPECT_EQ(other.mappings(), stand.mappings());
}

BsrConfig rp_config() {
  BsrConfig config;
  config.candidate_rps.push_back(
      {.address = ip("10.7.7.7"), .ranges = {prefix("225.0.0.0/8"), prefix("226.0.0.0/8")}});
  return config;
}

TEST(CandidateRp32, AdvertisesThriceToANewBsrAndThenEveryPeriod) {
  BsrStand stand(rp_config());
  stand.run(300s);
  EXPECT_TRUE(stand.take<SendCandidateRp>().empty());
  stand.hear(stand.message("10.1.1.1", 1));
  stand.run(3 * kCandidateRpBackoff);
  const auto sent = stand.take<SendCandidateRp>();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0].destination, ip("10.1.1.1"));
  EXPECT_EQ(sent[0].source, ip("10.7.7.7"));
  EXPECT_EQ(sent[0].message.rp, ip("10.7.7.7"));
  EXPECT_EQ(sent[0].message.priority, 192);
  EXPECT_EQ(sent[0].message.holdtime_s, 150);
  EXPECT_EQ(sent[0].message.ranges.size(), 2U);
  stand.run(60s);
  EXPECT_EQ(stand.take<SendCandidateRp>().size(), 1U);
  stand.hear(stand.message("10.1.1.2", 2));
  stand.run(3 * kCandidateRpBackoff);
  EXPECT_EQ(stand.take<SendCandidateRp>().size(), 3U);
  stand.run(kBootstrapTimeout);  // that BSR falls silent
  stand.effects.clear();
  stand.run(300s);
  EXPECT_TRUE(stand.take<SendCandidateRp>().empty());
}

TEST(CandidateRp32, WithdrawsWhatIsNoLongerOffered) {
  BsrStand stand(rp_config());
  stand.hear(stand.message("10.1.1.1", 1));
  stand.effects.clear();
  BsrConfig less = rp_config();
  less.candidate_rps[0].ranges.pop_back();
  stand.bsr->configure(less, stand.now);
  stand.drain();
  auto sent = stand.take<SendCandidateRp>();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].message.holdtime_s, 0);
  ASSERT_EQ(sent[0].message.ranges.size(), 1U);
  EXPECT_EQ(sent[0].message.ranges[0].address, ip("226.0.0.0"));
  stand.bsr->leave(stand.now);
  stand.drain();
  sent = stand.take<SendCandidateRp>();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].message.ranges[0].address, ip("225.0.0.0"));
  stand.run(100s);
  EXPECT_TRUE(stand.take<SendCandidateRp>().empty());
}

TEST(CandidateRp32, TheBsrHearsItsOwnCandidatesWithoutThePacket) {
  BsrConfig config = candidate_config();
  config.candidate_rps = rp_config().candidate_rps;
  BsrStand stand(config);
  stand.run(30s);
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.7.7.7(192), 226.0.0.0/8 10.7.7.7(192)");
  EXPECT_TRUE(stand.take<SendCandidateRp>().empty());
  stand.run(1000s);
  EXPECT_EQ(stand.zone().mappings, 2U);
}

}  // namespace
}  // namespace hotpair::mcast::rp
