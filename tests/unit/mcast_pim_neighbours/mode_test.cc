#include "rig.h"

// Muted and live scopes, changes of the interface.
namespace hotpair::mcast::pim::testing {
namespace {

TEST(Mode, MutedLinkHearsAndIsSilent) {
  Rig rig;
  rig.neighbours.set_link(scoped_config(), rig.now);
  rig.hear("10.0.0.2", peer_hello(), kScoped);
  rig.hear("10.0.0.2", peer_hello(2), kScoped);
  rig.neighbours.hello_first(kScoped, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("up 10.0.0.2", "dr 0.0.0.0 10.0.0.2", "restarted 10.0.0.2"));
  EXPECT_TRUE(rig.neighbours.is_neighbour(kScoped, ip("10.0.0.2")));
  EXPECT_FALSE(rig.neighbours.is_live(kScoped));
  EXPECT_FALSE(rig.neighbours.am_dr(kScoped));
  rig.advance(104s);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.advance(1s);
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.2 expired", "dr 10.0.0.2 0.0.0.0"));
  rig.neighbours.remove_link(kScoped, rig.now);
  EXPECT_THAT(rig.told(), IsEmpty());
}

TEST(Mode, ActivationSaysHelloAtOnceAndKnowsTheNeighbours) {
  Rig rig;
  rig.neighbours.set_link(scoped_config(), rig.now);
  rig.hear("10.0.0.2", peer_hello(), kScoped);
  (void)rig.told();
  rig.neighbours.set_mode(kScope, LinkMode::live, Leaving::silently, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("hello 8", "dr 10.0.0.2 10.0.0.5 self"));
  rig.neighbours.hello_first(kScoped, rig.now);
  EXPECT_THAT(rig.told(), IsEmpty()) << "it has gone";
  rig.neighbours.set_mode(kScope, LinkMode::live, Leaving::silently, rig.now);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.advance(30s);
  EXPECT_THAT(rig.told(), ElementsAre("hello 8"));
}

TEST(Mode, OnlyTheScopesLinksFollow) {
  SettledRig rig;
  rig.neighbours.set_link(scoped_config(), rig.now);
  LinkConfig other = link_config(LinkId{9});
  other.scope = ScopeId{2};
  rig.neighbours.set_link(other, rig.now);
  rig.neighbours.set_mode(kScope, LinkMode::live, Leaving::silently, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("hello 8", "dr 0.0.0.0 10.0.0.5 self"));
  EXPECT_FALSE(rig.neighbours.is_live(LinkId{9}));
  EXPECT_TRUE(rig.neighbours.is_live(kLink));
}

TEST(Mode, DeactivationSaysGoodbyeOnlyIfTold) {
  for (const Leaving leaving : {Leaving::goodbye, Leaving::silently}) {
    Rig rig;
    rig.neighbours.set_mode(kScope, LinkMode::live, Leaving::silently, rig.now);
    rig.neighbours.set_link(scoped_config(), rig.now);
    rig.hear("10.0.0.2", peer_hello(), kScoped);
    rig.advance(5s);
    (void)rig.told();
    const auto generation = rig.neighbours.generation_id(kScoped);
    rig.neighbours.set_mode(kScope, LinkMode::muted, leaving, rig.now);
    if (leaving == Leaving::goodbye) {
      EXPECT_THAT(rig.told(), ElementsAre("goodbye 8", "dr 10.0.0.5 10.0.0.2"));
    } else {
      EXPECT_THAT(rig.told(), ElementsAre("dr 10.0.0.5 10.0.0.2"));
    }
    EXPECT_TRUE(rig.neighbours.is_neighbour(kScoped, ip("10.0.0.2"))) << "kept";
    rig.advance(50s);
    EXPECT_THAT(rig.told(), IsEmpty());
    rig.neighbours.set_mode(kScope, LinkMode::live, Leaving::silently, rig.now);
    EXPECT_NE(rig.neighbours.generation_id(kScoped), generation) << "PIM restarted here";
  }
}

TEST(Mode, NoGoodbyeOfWhoNeverSaidHello) {
  Rig rig;
  rig.neighbours.set_mode(kScope, LinkMode::live, Leaving::silently, rig.now);
  rig.neighbours.set_link(scoped_config(), rig.now);
  rig.neighbours.set_mode(kScope, LinkMode::muted, Leaving::goodbye, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("dr 0.0.0.0 10.0.0.5 self", "dr 10.0.0.5 0.0.0.0"));
}

TEST(Change, InterfaceDownTakesTheNeighbours) {
  SettledRig rig;
  rig.hear("10.0.0.2");
  rig.hear("10.0.0.9");
  rig.advance(5s);
  (void)rig.told();
  rig.sent.clear();
  LinkConfig config = link_config();
  config.address = IpAddress::any(Family::ipv4);
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.2 interface", "down 10.0.0.9 interface",
                                      "dr 10.0.0.9 0.0.0.0"));
  rig.hear("10.0.0.2");
  EXPECT_EQ(rig.ignored(HelloIgnored::link_down), 1U);
  rig.advance(100s);
  EXPECT_TRUE(rig.sent.empty());
  EXPECT_EQ(rig.neighbours.next_deadline(), std::nullopt);
  rig.neighbours.set_link(link_config(), rig.now);
  rig.advance(5s);
  EXPECT_THAT(rig.told(), ElementsAre("dr 0.0.0.0 10.0.0.5 self", "hello 7"));
}

TEST(Change, NewOwnAddressIsANewGenerationSaidAtOnce) {
  SettledRig rig;
  rig.hear("10.0.0.2");
  rig.advance(5s);
  (void)rig.told();
  const auto generation = rig.neighbours.generation_id(kLink);
  LinkConfig config = link_config();
  config.address = ip("10.0.0.1");
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("hello 7", "dr 10.0.0.5 10.0.0.2"));
  EXPECT_NE(rig.neighbours.generation_id(kLink), generation);
  EXPECT_EQ(rig.sent.back().hello.generation_id, rig.neighbours.generation_id(kLink));
  EXPECT_NE(rig.sent.back().hello.holdtime_s, 0);
}

TEST(Change, OwnAddressOfANeighbourEndsIt) {
  SettledRig rig;
  rig.hear("10.0.0.2");
  (void)rig.told();
  LinkConfig config = link_config();
  config.address = ip("10.0.0.2");
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(),
              ElementsAre("down 10.0.0.2 filtered", "hello 7", "dr 10.0.0.5 10.0.0.2 self"));
}

TEST(Change, WhatTheHelloSaysIsSaidAtOnce) {
  SettledRig rig;
  LinkConfig config = link_config();
  const auto generation = rig.neighbours.generation_id(kLink);
  config.secondary = {ip("10.0.1.5")};
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("hello 7"));
  EXPECT_EQ(rig.sent.back().hello.addresses, config.secondary);
  config.dr_priority = 9;
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("hello 7"));
  config.entries_max = 5;
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), IsEmpty()) << "nobody else's matter";
  EXPECT_EQ(rig.neighbours.generation_id(kLink), generation);
  config.hello_period = 1s;
  rig.neighbours.set_link(config, rig.now);
  (void)rig.told();
  rig.advance(1s);
  EXPECT_THAT(rig.told(), ElementsAre("hello 7")) << "the shorter period holds at once";
}

TEST(Change, RemovalSaysGoodbye) {
  SettledRig rig;
  rig.hear("10.0.0.2");
  (void)rig.told();
  rig.neighbours.remove_link(kLink, rig.now);
  EXPECT_THAT(rig.told(),
              ElementsAre("goodbye 7", "down 10.0.0.2 interface", "dr 10.0.0.5 0.0.0.0"));
  EXPECT_EQ(rig.neighbours.next_deadline(), std::nullopt);
  EXPECT_EQ(rig.neighbours.generation_id(kLink), std::nullopt);
  rig.neighbours.remove_link(kLink, rig.now);
  rig.hear("10.0.0.2");
  EXPECT_THAT(rig.told(), IsEmpty());
}

TEST(Change, AnotherVrfIsAnotherLink) {
  SettledRig rig;
  rig.hear("10.0.0.2");
  (void)rig.told();
  LinkConfig config = link_config();
  config.vrf = VrfId{3};
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("down 10.0.0.2 interface", "hello 7"));
}

TEST(Change, ScopeOfALinkDecidesItsMode) {
  SettledRig rig;
  LinkConfig config = link_config();
  config.scope = kScope;
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("dr 10.0.0.5 0.0.0.0")) << "the scope is muted";
  config.scope.reset();
  rig.neighbours.set_link(config, rig.now);
  EXPECT_THAT(rig.told(), ElementsAre("dr 0.0.0.0 10.0.0.5 self"));
}

TEST(Show, RowsOfNeighboursAndInterfaces) {
  SettledRig rig;
  rig.neighbours.set_link(scoped_config(), rig.now);
  wire::PimHello hello = peer_hello(4, 8);
  hello.bidirectional = true;
  hello.state_refresh_s = 60;
  hello.addresses = {ip("10.0.1.9")};
  rig.hear("10.0.0.9", hello);
  wire::PimHello plain;
  plain.unknown_options = 2;
  rig.hear("10.0.0.2", plain, kScoped);
  rig.advance(10s);
  const auto rows = rig.neighbours.show_neighbours(rig.now);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].address, ip("10.0.0.9"));
  EXPECT_EQ(rows[0].uptime, 10s);
  EXPECT_EQ(rows[0].expires, 95s);
  EXPECT_EQ(rows[0].version, 2);
  EXPECT_EQ(rows[0].dr_priority, 8U);
  EXPECT_EQ(rows[0].generation_id, 4U);
  EXPECT_TRUE(rows[0].is_dr && rows[0].bidirectional && rows[0].state_refresh);
  EXPECT_THAT(rows[0].secondary, ElementsAre(ip("10.0.1.9")));
  EXPECT_EQ(rows[1].link, kScoped);
  EXPECT_EQ(rows[1].dr_priority, std::nullopt);
  EXPECT_EQ(rows[1].generation_id, std::nullopt);
  const auto links = rig.neighbours.show_interfaces(rig.now);
  ASSERT_EQ(links.size(), 2U);
  EXPECT_EQ(links[0].dr, ip("10.0.0.9"));
  EXPECT_FALSE(links[0].am_dr);
  EXPECT_EQ(links[0].neighbours, 1U);
  EXPECT_EQ(links[0].mode, LinkMode::live);
  EXPECT_EQ(links[0].holdtime, 105s);
  EXPECT_TRUE(links[0].next_hello.has_value());
  EXPECT_EQ(links[0].counters.received, 1U);
  EXPECT_GE(links[0].counters.sent, 2U);
  EXPECT_EQ(links[1].mode, LinkMode::muted);
  EXPECT_EQ(links[1].next_hello, std::nullopt);
  EXPECT_EQ(links[1].counters.sent, 0U);
  EXPECT_EQ(links[1].counters.unknown_options, 2U);
  rig.neighbours.reset_counters(kLink);
  EXPECT_EQ(rig.neighbours.show_interfaces(rig.now)[0].counters, HelloCounters{});
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
