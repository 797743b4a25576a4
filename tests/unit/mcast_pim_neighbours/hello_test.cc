#include "rig.h"

// Hellos sent and heard, neighbours and their addresses: RFC 7761 4.3.1, 4.3.2, 4.3.4.
namespace hotpair::mcast::pim::testing {
namespace {

TEST(Hello, FirstGoesWithinTheTriggeredDelayThenPeriodically) {
  std::set<Duration> firsts;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rig rig(Family::ipv4, seed);
    const TimePoint start = rig.now;
    rig.neighbours.set_link(link_config(), rig.now);
    EXPECT_THAT(rig.told(), ElementsAre("dr 0.0.0.0 10.0.0.5 self"));
    rig.advance(5s);
    ASSERT_EQ(rig.sent.size(), 1U);
    firsts.insert(rig.sent[0].at - start);
    rig.advance(60s);
    ASSERT_EQ(rig.sent.size(), 3U);
    EXPECT_EQ(rig.sent[1].at - rig.sent[0].at, 30s);
    EXPECT_EQ(rig.sent[2].at - rig.sent[1].at, 30s);
  }
  EXPECT_GT(firsts.size(), 15U) << "no jitter";
}

TEST(Hello, TheNextComesWithinAPeriodOfAnEarlyOne) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rig rig(Family::ipv4, seed);
    LinkConfig config = link_config();
    config.hello_period = 1s;
    config.holdtime = 3s;
    rig.neighbours.set_link(config, rig.now);
    rig.neighbours.hello_first(kLink, rig.now);
    rig.advance(10s);
    ASSERT_GE(rig.sent.size(), 10U);
    for (std::size_t i = 1; i < rig.sent.size(); ++i)
      EXPECT_LE(rig.sent[i].at - rig.sent[i - 1].at, 1s) << "Hello " << i;
  }
}

TEST(Hello, SaysWhatIsConfigured) {
  Rig rig;
  LinkConfig config = link_config();
  config.dr_priority = 77;
  config.hello_period = 9s;
  config.propagation_delay = 600ms;
  config.override_interval = 3s;
  config.tracking = true;
  config.secondary = {ip("10.0.0.6"), ip("10.0.1.1")};
  rig.neighbours.set_link(config, rig.now);
  rig.advance(5s);
  ASSERT_EQ(rig.sent.size(), 1U);
  const wire::PimHello& hello = rig.sent[0].hello;
  EXPECT_EQ(hello.holdtime_s, 32) << "3.5 x 9 s, rounded up";
  EXPECT_EQ(hello.dr_priority, 77U);
  EXPECT_EQ(hello.lan_prune_delay,
            (wire::PimLanPruneDelay{
                .tracking = true, .propagation_delay_ms = 600, .override_interval_ms = 3000}));
  EXPECT_EQ(hello.generation_id, rig.neighbours.generation_id(kLink));
  EXPECT_EQ(hello.addresses, config.secondary);
}

TEST(Hello, HoldtimeIsNeverAGoodbyeByAccident) {
  for (const auto& [holdtime, told] : std::vector<std::pair<Duration, int>>{
           {0s, 1}, {1ms, 1}, {200s, 200}, {65535s, 65535}, {100000s, 65535}}) {
    Rig rig;
    LinkConfig config = link_config();
    config.holdtime = holdtime;
    rig.neighbours.set_link(config, rig.now);
    rig.advance(5s);
    ASSERT_FALSE(rig.sent.empty());
    EXPECT_EQ(rig.sent[0].hello.holdtime_s, told);
  }
  Rig rig;
  LinkConfig config = link_config();
  config.hello_period = 40000s;  // 3.5 times that is more than the field holds
  rig.neighbours.set_link(config, rig.now);
  rig.advance(5s);
  EXPECT_EQ(rig.sent.at(0).hello.holdtime_s, 65534) << "not forever";
}

TEST(Hello, NewNeighbourIsAnsweredAndThePeriodStays) {
  SettledRig rig;
  rig.advance(35s);
  ASSERT_EQ(rig.sent.size(), 2U) << "jittered first one and one period";
  const TimePoint periodic = rig.sent[1].at;
  rig.hear("10.0.0.2");
  EXPECT_THAT(rig.told(), ElementsAre("hello 7", "hello 7", "up 10.0.0.2"));
  rig.advance(5s);
  EXPECT_EQ(rig.sent.size(), 3U) << "the triggered one";
  rig.advance(periodic + 30s - rig.now);
  ASSERT_EQ(rig.sent.size(), 4U);
  EXPECT_EQ(rig.sent[3].at, periodic + 30s);
}

TEST(Hello, ManyNewNeighboursAreAnsweredOnce) {
  SettledRig rig;
  rig.advance(5s);
  rig.sent.clear();
  for (int i = 10; i < 60; ++i) rig.hear("10.0.0." + std::to_string(i));
  rig.advance(5s);
  EXPECT_EQ(rig.sent.size(), 1U);
}

TEST(Hello, MoreNewNeighboursDoNotMoveTheAnswer) {
  SettledRig rig;
  rig.advance(5s);
  for (int i = 10; i < 20; ++i) {
    rig.hear("10.0.0." + std::to_string(i));
    const auto due = rig.neighbours.next_deadline();
    rig.hear("10.0.1." + std::to_string(i));
    EXPECT_EQ(rig.neighbours.next_deadline(), due);
    rig.advance(5s);
  }
}

TEST(Hello, GoesBeforeAJoinWhereItIsDue) {
  Rig rig;
  rig.neighbours.set_link(link_config(), rig.now);
  (void)rig.told();
  rig.neighbours.hello_first(kLink, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("hello 7")) << "the first one";
  rig.neighbours.hello_first(kLink, rig.now);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.hear("10.0.0.2");
  rig.neighbours.hello_first(kLink, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("up 10.0.0.2", "hello 7")) << "the triggered one";
  rig.neighbours.hello_first(kLink, rig.now);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.hear("10.0.0.2", peer_hello(2));
  rig.neighbours.hello_first(kLink, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("restarted 10.0.0.2", "hello 7"));
  rig.neighbours.hello_first(LinkId{99}, rig.now);
  EXPECT_THAT(rig.told(), IsEmpty());
}

TEST(Hello, GenerationIdsDifferByLinkAndStart) {
  Rig rig;
  LinkConfig config = link_config();
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 50; ++i) {
    config.address = IpAddress::any(Family::ipv4);
    rig.neighbours.set_link(config, rig.now);
    config.address = kOwn;
    rig.neighbours.set_link(config, rig.now);
    seen.insert(rig.neighbours.generation_id(kLink).value());
  }
  EXPECT_EQ(seen.size(), 50U);
}

TEST(Hello, GenerationIdDiffersFromThatOfAnotherControlPlane) {
  // The same seed gives the same id, unless it is known to be taken.
  Rig first(Family::ipv4, 42);
  first.neighbours.set_link(scoped_config(), first.now);
  first.neighbours.set_mode(kScope, LinkMode::live, Leaving::silently, first.now);
  Rig second(Family::ipv4, 42);
  second.neighbours.set_link(scoped_config(), second.now);
  // Muted links draw nothing, so this is the next id that would be drawn.
  Entropy same(42);
  const auto next = static_cast<std::uint32_t>(same.next());
  second.neighbours.note_generation(kScoped, next);
  second.neighbours.set_mode(kScope, LinkMode::live, Leaving::silently, second.now);
  EXPECT_EQ(first.neighbours.generation_id(kScoped), next);
  EXPECT_NE(second.neighbours.generation_id(kScoped), next);
}

// ---- neighbours come and go ----

TEST(Neighbour, LivesAsLongAsItSays) {
  SettledRig rig;
  wire::PimHello hello = peer_hello();
  hello.holdtime_s = 20;
  rig.hear("10.0.0.2", hello);
  rig.advance(19s);
  rig.hear("10.0.0.2", hello);
  rig.advance(19999ms);
  EXPECT_TRUE(rig.neighbours.is_neighbour(kLink, ip("10.0.0.2")));
  (void)rig.told();
  rig.advance(1ms);
  EXPECT_FALSE(rig.neighbours.is_neighbour(kLink, ip("10.0.0.2")));
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.2 expired"));
}

TEST(Neighbour, DefaultHoldtimeAndForever) {
  SettledRig rig;
  wire::PimHello hello = peer_hello();
  hello.holdtime_s.reset();
  rig.hear("10.0.0.2", hello);
  hello.holdtime_s = wire::kPimHoldtimeForever;
  rig.hear("10.0.0.3", hello);
  rig.advance(104s);
  EXPECT_EQ(rig.neighbours.neighbour_count(kLink), 2U);
  rig.advance(1s);
  EXPECT_EQ(rig.neighbours.neighbour_count(kLink), 1U);
  rig.advance(1000h);
  EXPECT_TRUE(rig.neighbours.is_neighbour(kLink, ip("10.0.0.3")));
  EXPECT_EQ(rig.neighbours.show_neighbours(rig.now).at(0).expires, std::nullopt);
}

TEST(Neighbour, GoodbyeIsAtOnceAndOnlyOfANeighbour) {
  SettledRig rig;
  wire::PimHello goodbye = peer_hello();
  goodbye.holdtime_s = 0;
  rig.hear("10.0.0.2", goodbye);
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_EQ(rig.ignored(HelloIgnored::stranger_bye), 1U);
  rig.hear("10.0.0.9");
  EXPECT_THAT(rig.told(), ElementsAre("up 10.0.0.9", "dr 10.0.0.5 10.0.0.9"));
  rig.hear("10.0.0.9", goodbye);
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.9 goodbye", "dr 10.0.0.9 10.0.0.5 self"));
}

TEST(Neighbour, NewGenerationIsARestart) {
  SettledRig rig;
  rig.advance(5s);
  rig.hear("10.0.0.2", peer_hello(1, 9));
  rig.advance(5s);
  (void)rig.told();
  rig.sent.clear();
  rig.hear("10.0.0.2", peer_hello(1, 9));
  EXPECT_THAT(rig.told(), IsEmpty());
  // The old options are void: without a priority the addresses decide.
  wire::PimHello hello = peer_hello(2);
  hello.dr_priority.reset();
  rig.hear("10.0.0.2", hello);
  EXPECT_THAT(rig.told(), ElementsAre("restarted 10.0.0.2", "dr 10.0.0.2 10.0.0.5 self"));
  rig.advance(5s);
  EXPECT_EQ(rig.sent.size(), 1U) << "a Hello within the triggered delay";
}

TEST(Neighbour, GenerationThatAppearsIsARestartOneThatVanishesIsNot) {
  SettledRig rig;
  wire::PimHello without = peer_hello();
  without.generation_id.reset();
  rig.hear("10.0.0.2", without);
  (void)rig.told();
  rig.hear("10.0.0.2", peer_hello(1));
  EXPECT_THAT(rig.told(), ElementsAre("restarted 10.0.0.2"));
  rig.hear("10.0.0.2", without);
  EXPECT_THAT(rig.told(), IsEmpty());
}

TEST(Neighbour, BfdTakesItAwayByAnyOfItsAddresses) {
  SettledRig rig;
  wire::PimHello hello = peer_hello();
  hello.addresses = {ip("10.0.1.2")};
  rig.hear("10.0.0.2", hello);
  rig.hear("10.0.0.3");
  (void)rig.told();
  rig.neighbours.on_neighbour_bfd_down(kLink, ip("10.0.0.3"), rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.3 bfd"));
  rig.neighbours.on_neighbour_bfd_down(kLink, ip("10.0.1.2"), rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.2 bfd"));
  rig.neighbours.on_neighbour_bfd_down(kLink, ip("10.0.1.2"), rig.now);
  rig.neighbours.on_neighbour_bfd_down(LinkId{99}, ip("10.0.1.2"), rig.now);
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.1.2")), std::nullopt);
}

TEST(Neighbour, FilterAndLimit) {
  SettledRig rig;
  LinkConfig config = link_config();
  config.neighbour_filter = {*IpPrefix::parse("10.0.0.0/29"), *IpPrefix::parse("10.9.0.0/16")};
  config.neighbours_max = 2;
  rig.neighbours.set_link(config, rig.now);
  (void)rig.told();
  rig.hear("10.0.0.9");
  EXPECT_EQ(rig.ignored(HelloIgnored::filtered), 1U);
  rig.hear("10.0.0.2");
  rig.hear("10.0.0.3");
  rig.hear("10.0.0.4");
  EXPECT_THAT(rig.told(), ElementsAre("up 10.0.0.2", "up 10.0.0.3", "limit 10.0.0.4"));
  EXPECT_EQ(rig.ignored(HelloIgnored::neighbours_max), 1U);
  rig.hear("10.0.0.3", peer_hello(2));
  EXPECT_THAT(rig.told(), ElementsAre("restarted 10.0.0.3")) << "who is in stays in";
  config.neighbour_filter = {*IpPrefix::parse("10.0.0.3/32")};
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.2 filtered"));
}

TEST(Neighbour, NeedsAGenerationIdWhereTheLinkRequiresOne) {
  SettledRig rig;
  wire::PimHello without = peer_hello(1);
  without.generation_id.reset();
  rig.hear("10.0.0.2", without);
  rig.hear("10.0.0.3", peer_hello(7));
  EXPECT_THAT(rig.told(), ElementsAre("up 10.0.0.2", "up 10.0.0.3"));
  LinkConfig config = link_config();
  config.require_genid = true;
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.2 filtered"));
  rig.hear("10.0.0.2", without);
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_EQ(rig.ignored(HelloIgnored::no_genid), 1U);
  // Whoever had one and tells it no more is not renewed; a goodbye of it is believed.
  rig.hear("10.0.0.3", without);
  EXPECT_EQ(rig.ignored(HelloIgnored::no_genid), 2U);
  without.holdtime_s = 0;
  rig.hear("10.0.0.3", without);
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.3 goodbye"));
  EXPECT_TRUE(rig.neighbours.show_interfaces(rig.now)[0].require_genid);
  config.require_genid = false;
  rig.neighbours.set_link(config, rig.now);
  without.holdtime_s = 105;
  rig.hear("10.0.0.2", without);
  EXPECT_THAT(rig.told(), ElementsAre("up 10.0.0.2"));
}

TEST(Neighbour, IsNobodyFromAWrongSource) {
  Rig rig(Family::ipv6);
  LinkConfig config = link_config();
  config.address = ip("fe80::5");
  config.secondary = {ip("2001:db8::5")};
  rig.neighbours.set_link(config, rig.now);
  for (const auto* from : {"10.0.0.2", "2001:db8::2", "::", "ff02::d", "::1"}) rig.hear(from);
  EXPECT_EQ(rig.ignored(HelloIgnored::wrong_source), 5U);
  rig.hear("fe80::5");
  EXPECT_EQ(rig.ignored(HelloIgnored::own_address), 1U);
  EXPECT_EQ(rig.neighbours.neighbour_count(kLink), 0U);
  rig.hear("fe80::6");
  EXPECT_TRUE(rig.neighbours.is_neighbour(kLink, ip("fe80::6")));
  EXPECT_EQ(rig.neighbours.dr(kLink), ip("fe80::6")) << "numerically larger";
}

TEST(Neighbour, IsNotBlamedForAPauseOfOurs) {
  SettledRig rig;
  rig.hear("10.0.0.2");
  rig.now += 300s;  // nobody ran the timers
  rig.neighbours.on_timeout(rig.now);
  EXPECT_TRUE(rig.neighbours.is_neighbour(kLink, ip("10.0.0.2"))) << "its Hellos may wait";
  rig.hear("10.0.0.2");
  rig.now += 300s;
  rig.neighbours.on_timeout(rig.now);
  EXPECT_TRUE(rig.neighbours.is_neighbour(kLink, ip("10.0.0.2"))) << "and did";
  rig.now += 300s;
  rig.neighbours.on_timeout(rig.now);
  EXPECT_FALSE(rig.neighbours.is_neighbour(kLink, ip("10.0.0.2"))) << "but only once";
}

// ---- secondary addresses ----

TEST(AddressList, TellsWhoseAnAddressIs) {
  SettledRig rig;
  wire::PimHello hello = peer_hello();
  hello.addresses = {ip("10.0.1.2"), ip("10.0.2.2")};
  rig.hear("10.0.0.2", hello);
  EXPECT_THAT(rig.told(), ElementsAre("up 10.0.0.2"));
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.1.2")), ip("10.0.0.2"));
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.0.2")), ip("10.0.0.2"));
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.3.2")), std::nullopt);
  EXPECT_EQ(rig.neighbours.primary_of(LinkId{99}, ip("10.0.1.2")), std::nullopt);
  EXPECT_FALSE(rig.neighbours.is_neighbour(kLink, ip("10.0.1.2")));
  hello.addresses = {ip("10.0.2.2"), ip("10.0.3.2")};
  rig.hear("10.0.0.2", hello);
  EXPECT_THAT(rig.told(), ElementsAre("addresses 10.0.0.2"));
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.1.2")), std::nullopt);
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.3.2")), ip("10.0.0.2"));
  rig.hear("10.0.0.2", hello);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.hear("10.0.0.2", peer_hello());
  EXPECT_THAT(rig.told(), ElementsAre("addresses 10.0.0.2")) << "no option: no addresses";
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.2.2")), std::nullopt);
}

TEST(AddressList, BelongsToWhoSaidItLast) {
  SettledRig rig;
  wire::PimHello hello = peer_hello();
  hello.addresses = {ip("10.0.1.1"), ip("10.0.1.2")};
  rig.hear("10.0.0.2", hello);
  (void)rig.told();
  hello.addresses = {ip("10.0.1.2"), ip("10.0.1.3")};
  rig.hear("10.0.0.3", hello);
  EXPECT_THAT(rig.told(), ElementsAre("up 10.0.0.3", "conflict 10.0.1.2 10.0.0.2 10.0.0.3",
                                      "addresses 10.0.0.2"));
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.1.2")), ip("10.0.0.3"));
  wire::PimHello goodbye = peer_hello();
  goodbye.holdtime_s = 0;
  rig.hear("10.0.0.2", goodbye);
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.1.1")), std::nullopt);
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.1.2")), ip("10.0.0.3"))
      << "the old owner takes nothing with it";
}

TEST(AddressList, PrimaryAddressesAndOurOwnAreNotToBeClaimed) {
  SettledRig rig;
  LinkConfig config = link_config();
  config.secondary = {ip("10.0.5.5")};
  rig.neighbours.set_link(config, rig.now);
  rig.hear("10.0.0.2");
  wire::PimHello hello = peer_hello();
  hello.addresses = {kOwn,          ip("10.0.5.5"),   ip("10.0.0.2"),
                     ip("fe80::1"), ip("224.0.0.13"), ip("10.0.0.3"),
                     ip("10.0.0.4")};
  rig.hear("10.0.0.3", hello);
  EXPECT_EQ(rig.ignored(HelloIgnored::bad_secondary), 5U);
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.0.2")), ip("10.0.0.2"));
  EXPECT_EQ(rig.neighbours.primary_of(kLink, kOwn), std::nullopt);
  (void)rig.told();
  // A Hello from an address beats a list that has it; then our own new address does.
  rig.hear("10.0.0.4");
  EXPECT_THAT(rig.told(), ElementsAre("addresses 10.0.0.3", "up 10.0.0.4"));
  hello.addresses = {ip("10.0.7.7")};
  rig.hear("10.0.0.3", hello);
  config.secondary = {ip("10.0.7.7")};
  rig.neighbours.set_link(config, rig.now);
  EXPECT_EQ(rig.neighbours.primary_of(kLink, ip("10.0.7.7")), std::nullopt);
}

TEST(AddressList, IsBounded) {
  SettledRig rig;
  wire::PimHello hello = peer_hello();
  hello.addresses.emplace();
  for (std::uint32_t i = 0; i < 5000; ++i)
    hello.addresses->push_back(IpAddress::v4(0x0a010000 + i));
  rig.hear("10.0.0.2", hello);
  EXPECT_EQ(rig.neighbours.show_neighbours(rig.now).at(0).secondary.size(), kSecondaryMax);
  EXPECT_EQ(rig.ignored(HelloIgnored::secondary_max), 5000U - kSecondaryMax);
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
