#include <set>

#include "bsr_stand.h"

// RFC 5059 3.1.2, the machine of all other routers, row by row; and scope zones (1.3).
namespace hotpair::mcast::rp {
namespace {

const ScopeZone kZone = prefix("239.192.0.0/14");

wire::PimBootstrapRange zone_range(std::vector<Offer> offers = {}) {
  return range_of("239.192.0.0/14", std::move(offers), std::nullopt, true);
}

TEST(OtherBsr312, BeginsInAcceptAnyAndTakesTheFirstBsr) {
  BsrStand stand;
  EXPECT_EQ(stand.zone().state, BsrState::accept_any);
  EXPECT_FALSE(stand.bsr->next_deadline());
  stand.hear(stand.message("10.1.1.1", 0, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}));
  EXPECT_EQ(stand.zone().state, BsrState::accept_preferred);
  EXPECT_EQ(stand.zone().expires, kBootstrapTimeout);
  EXPECT_EQ(stand.take<SendBootstrap>().size(), 1U);
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1(192)");
  EXPECT_EQ(stand.take<RpSetChanged>().size(), 1U);
}

TEST(OtherBsr312, AcceptPreferredTakesEqualOrBetterAndTheSameBsr) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 10));
  stand.hear(stand.message("10.1.1.2", 10));
  EXPECT_EQ(stand.zone().bsr, (BsrWeight{10, ip("10.1.1.2")}));
  stand.hear(stand.message("10.1.1.2", 3));  // the same one, worse than before
  EXPECT_EQ(stand.zone().bsr, (BsrWeight{3, ip("10.1.1.2")}));
  stand.hear(stand.message("10.1.1.1", 4));
  EXPECT_EQ(stand.zone().bsr, (BsrWeight{4, ip("10.1.1.1")}));
  EXPECT_EQ(stand.take<SendBootstrap>().size(), 4U);
}

TEST(OtherBsr312, AcceptPreferredIgnoresAWorseBsr) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 10));
  stand.effects.clear();
  stand.run(1s);
  stand.hear(stand.message("10.1.1.2", 9, {range_of("225.0.0.0/8", {{"10.0.0.1"}})}));
  EXPECT_EQ(stand.zone().bsr, (BsrWeight{10, ip("10.1.1.1")}));
  EXPECT_EQ(stand.zone().expires, kBootstrapTimeout - 1s);
  EXPECT_TRUE(stand.effects.empty());
}

TEST(OtherBsr312, AcceptPreferredFallsBackToAcceptAnyAndRefreshesTheRpSet) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 10, {range_of("225.0.0.0/8", {{"10.0.0.1", 1, 150}})}));
  stand.run(kBootstrapTimeout);
  EXPECT_EQ(stand.zone().state, BsrState::accept_any);
  EXPECT_FALSE(stand.zone().bsr);
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1(1)");
  stand.run(149s);  // a whole holdtime more
  EXPECT_EQ(stand.mappings(), "225.0.0.0/8 10.0.0.1(1)");
  stand.run(1s);
  EXPECT_EQ(stand.mappings(), "");
  stand.hear(stand.message("10.1.1.2", 0));
  EXPECT_EQ(stand.zone().bsr, (BsrWeight{0, ip("10.1.1.2")}));
}

TEST(OtherBsr312, AnUnknownZoneIsTakenUpAndForgottenAtItsTimeout) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 10,
                           {zone_range(), range_of("239.192.1.0/24", {{"10.0.0.1", 1, 65000}})}));
  EXPECT_EQ(stand.zone(kZone).state, BsrState::accept_preferred);
  EXPECT_EQ(stand.zone().state, BsrState::accept_any);  // the domain is another zone
  EXPECT_EQ(stand.mappings(), "239.192.1.0/24 10.0.0.1(1)");
  stand.run(kZoneTimeout - 1s);
  EXPECT_EQ(stand.zone(kZone).state, BsrState::accept_any);
  stand.run(1s);
  EXPECT_EQ(stand.bsr->show(stand.now).zones.size(), 1U);
  EXPECT_EQ(stand.mappings(), "");
  EXPECT_TRUE(std::get<0>(stand.store).empty());
  EXPECT_TRUE(std::get<1>(stand.store).empty() || !std::get<1>(stand.store).begin()->first.zone);
  EXPECT_TRUE(std::get<2>(stand.store).empty());
}

TEST(OtherBsr312, ZonesAreBounded) {
  BsrStand stand({.zones_max = 3});
  for (const char* zone : {"239.1.0.0/16", "239.2.0.0/16", "239.3.0.0/16"})
    stand.hear(stand.message("10.1.1.1", 1, {range_of(zone, {}, std::nullopt, true)}));
  EXPECT_EQ(stand.bsr->show(stand.now).zones.size(), 3U);
  EXPECT_EQ(stand.ignored(BsrIgnored::zone_limit), 1U);
  EXPECT_EQ(stand.take<RpLimitReached>().size(), 1U);
}

TEST(OtherBsr312, Ipv6IsTheSame) {
  BsrStand stand({.family = Family::ipv6});
  stand.hear(stand.message(
      "2001:db8::99", 5,
      {range_of("ff0e::/16", {{"2001:db8::1"}}), range_of("ff1e::/16", {{"2001:db8::2"}})}));
  EXPECT_EQ(stand.mappings(), "ff0e::/16 2001:db8::1(192), ff1e::/16 2001:db8::2(192)");
  EXPECT_EQ(stand.bsr->mappings().at(0).hash_mask_length, 126);
  EXPECT_EQ(stand.take<RpSetChanged>().at(0).family, Family::ipv6);
  BsrConfig config{.family = Family::ipv6};
  config.candidate_bsrs.push_back({.address = ip("2001:db8::9"), .hash_mask_length = 126});
  config.candidate_rps.push_back({.address = ip("2001:db8::7")});
  BsrStand own(config);
  own.run(30s);
  EXPECT_EQ(own.mappings(), "ff00::/8 2001:db8::7(192)");
}

TEST(ScopeZones, ARangeOutsideTheZoneIsNotTaken) {
  BsrStand stand;
  stand.hear(stand.message("10.1.1.1", 1,
                           {zone_range({{"10.0.0.1"}}), range_of("225.0.0.0/8", {{"10.0.0.2"}}),
                            range_of("239.0.0.0/8", {{"10.0.0.2"}})}));
  EXPECT_EQ(stand.mappings(), "239.192.0.0/14 10.0.0.1(192)");
  EXPECT_EQ(stand.ignored(BsrIgnored::bad_range), 2U);
}

TEST(ScopeZones, AMessageStaysWithinItsZone) {
  BsrStand stand;
  stand.bsr->set_link({.link = LinkId{2}, .boundary = {.ranges = {prefix("239.0.0.0/8")}}});
  stand.hear(stand.message("10.1.1.1", 1, {zone_range()}));
  EXPECT_EQ(stand.take<SendBootstrap>().at(0).links, std::vector{LinkId{1}});
  stand.hear(stand.message("10.1.1.1", 1, {range_of("225.0.0.0/8", {{"10.0.0.2"}})}));
  EXPECT_EQ(stand.take<SendBootstrap>().at(0).links.size(), 2U);
  stand.bsr->set_link({.link = LinkId{1}, .boundary = {.ranges = {prefix("239.192.0.0/14")}}});
  stand.hear(stand.message("10.1.1.1", 1, {zone_range()}));
  EXPECT_EQ(stand.ignored(BsrIgnored::border), 1U);
}

TEST(ScopeZones, ACandidateOfAZoneIsElectedThereAndCollectsItsRanges) {
  BsrConfig config = candidate_config();
  config.candidate_bsrs.push_back({.zone = kZone, .address = ip("10.9.9.9"), .priority = 7});
  BsrStand stand(config);
  stand.run(10s);
  EXPECT_EQ(stand.zone(kZone).state, BsrState::elected);
  stand.offer("10.0.0.1", 1, 150, {"225.0.0.0/8", "239.193.0.0/16"});
  stand.run(20s);
  EXPECT_EQ(stand.zone().mappings, 1U);
  EXPECT_EQ(stand.zone(kZone).mappings, 1U);
  bool seen = false;
  for (const SendBootstrap& sent : stand.take<SendBootstrap>()) {
    if (sent.message.ranges.empty() || !sent.message.ranges[0].range.scope_zone) continue;
    EXPECT_EQ(sent.message.ranges[0].range.address, kZone->address);
    EXPECT_EQ(sent.message.ranges[0].range.mask_length, 14);
    EXPECT_EQ(sent.message.bsr_priority, 7);
    if (sent.message.ranges.size() == 2) seen = true;
  }
  EXPECT_TRUE(seen);
}

std::string ranges_of(const SendCandidateRp& sent) {
  std::string text = sent.message.holdtime_s == 0 ? "gone " : "";
  for (const wire::PimGroupRange& range : sent.message.ranges)
    text +=
        IpPrefix{range.address, range.mask_length}.to_string() + (range.scope_zone ? " Z " : " ");
  return text + "to " + sent.destination.to_string();
}
std::set<std::string> offers(BsrStand& stand) {
  std::set<std::string> result;
  for (const SendCandidateRp& sent : stand.take<SendCandidateRp>()) result.insert(ranges_of(sent));
  return result;
}

TEST(ScopeZones, ACandidateOfEveryZoneOffersEachZoneWhatLiesThere) {
  BsrConfig config;
  config.candidate_rps.push_back({.address = ip("10.7.7.7"),
                                  .ranges = {prefix("225.0.0.0/8"), prefix("239.193.0.0/16")},
                                  .in_every_zone = true});
  config.candidate_rps.push_back({.address = ip("10.8.8.8"), .in_every_zone = true});
  BsrStand stand(config);
  stand.hear(stand.message("10.1.1.1", 1));
  stand.run(10s);
  EXPECT_EQ(offers(stand),
            (std::set<std::string>{"225.0.0.0/8 239.193.0.0/16 to 10.1.1.1", "to 10.1.1.1"}));
  stand.hear(stand.message("10.2.2.2", 1, {zone_range()}));
  EXPECT_EQ(offers(stand), std::set<std::string>{"gone 239.193.0.0/16 to 10.1.1.1"});
  stand.run(60s);
  EXPECT_EQ(offers(stand), (std::set<std::string>{"225.0.0.0/8 to 10.1.1.1", "to 10.1.1.1",
                                                  "239.193.0.0/16 Z to 10.2.2.2",
                                                  "239.192.0.0/14 Z to 10.2.2.2"}));
  stand.hear(stand.message("10.1.1.1", 1));
  stand.run(100s);  // the zone's BSR is silent for longer than its timeout
  static_cast<void>(offers(stand));
  stand.hear(stand.message("10.1.1.1", 1));
  stand.run(61s);
  EXPECT_EQ(offers(stand),
            (std::set<std::string>{"225.0.0.0/8 239.193.0.0/16 to 10.1.1.1", "to 10.1.1.1"}));
}

TEST(ScopeZones, WithdrawsFromEachZoneWhatWasOfferedThere) {
  BsrConfig config;
  config.candidate_rps.push_back({.address = ip("10.8.8.8"), .in_every_zone = true});
  BsrStand stand(config);
  stand.hear(stand.message("10.1.1.1", 1));
  stand.hear(stand.message("10.2.2.2", 1, {zone_range()}));
  stand.run(10s);
  static_cast<void>(offers(stand));
  stand.bsr->configure({}, stand.now);
  stand.drain();
  EXPECT_EQ(offers(stand),
            (std::set<std::string>{"gone to 10.1.1.1", "gone 239.192.0.0/14 Z to 10.2.2.2"}));
}

// RFC 7346 2: flags of a group are no part of its scope.
TEST(ScopeZones, AnIpv6ZoneHasGroupsWithAllFlags) {
  BsrConfig config{.family = Family::ipv6};
  config.candidate_bsrs.push_back({.zone = prefix("ff05::/16"), .address = ip("2001:db8::9")});
  config.candidate_rps.push_back({.address = ip("2001:db8::7"),
                                  .ranges = {prefix("ff35::/16"), prefix("ff0e::/16")},
                                  .in_every_zone = true});
  BsrStand own(config);
  own.run(30s);
  EXPECT_EQ(own.mappings(), "ff35::/16 2001:db8::7(192)");
}

}  // namespace
}  // namespace hotpair::mcast::rp
