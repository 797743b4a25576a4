#include <gtest/gtest.h>

#include "tests/unit/ha_keeper_core/pair.h"

// BFD in the keeper: what a session does to the path it is bound to, and what it must not do.
namespace hotpair::ha::keeper::test {
namespace {

// Slow hellos, so that whatever is quick was BFD: 1 s x 20, BFD 10 ms x 3.
struct Bfd : ::testing::Test {
  Pair pair;
  Bfd() {
    pair.hello_ms = 1000;
    pair.multiplier = 20;
    pair.bfd_us = 10'000;
  }
  bfd::ControlPacket forged(bfd::State state) {
    const bfd::SessionView view = pair.b.keeper->bfd().views().at(0);
    bfd::ControlPacket packet;
    packet.state = state;
    packet.my_discriminator = view.remote_discriminator;
    packet.your_discriminator = view.local_discriminator;
    packet.desired_min_tx_us = packet.required_min_rx_us = 10'000;
    return packet;
  }
  std::size_t lost(const Router& router) {
    std::size_t count = 0;
    for (const PathChanged& change : router.all<PathChanged>()) count += change.up ? 0U : 1U;
    return count;
  }
};

TEST_F(Bfd, SessionsComeUpAndAreTold) {
  pair.bring_up();
  EXPECT_EQ(pair.bfd_state(pair.a), bfd::State::up);
  EXPECT_EQ(pair.bfd_state(pair.b), bfd::State::up);
  EXPECT_EQ(pair.a.last<BfdChanged>()->state, bfd::State::up);
  EXPECT_EQ(pair.a.last<BfdChanged>()->name, "ab");
  pair.kill_daemon(pair.a);
  pair.run_for(seconds(1));
  pair.connect(pair.a);
  EXPECT_EQ(pair.bfd_state(pair.a), bfd::State::up);  // C bit: the daemon is not the control plane
  EXPECT_EQ(pair.b.all<BfdChanged>().size(), 2U);     // Init, Up and nothing since
  EXPECT_EQ(pair.a.last<BfdChanged>()->state, bfd::State::up);
}

TEST_F(Bfd, NodeDeathIsTakenOverInTheDetectionTime) {
  pair.bring_up();
  const TimePoint death = pair.now;
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(31));
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  EXPECT_TRUE(pair.open(pair.b));
  ASSERT_TRUE(pair.b.last<ScopeChanged>());
  EXPECT_LE(pair.b.last<ScopeChanged>()->decided - death, milliseconds(31));
  EXPECT_EQ(pair.b.last<ScopeChanged>()->cause, Cause::paths_down);
  EXPECT_TRUE(pair.b.last<PathChanged>()->detected);
  EXPECT_EQ(pair.b.last<BfdChanged>()->reason, bfd::Reason::detection_timeout);
  EXPECT_TRUE(pair.b.last<BfdChanged>()->is_loss());
}

TEST_F(Bfd, DeathOfTheBackupClosesNothing) {
  pair.bring_up();
  pair.kill_keeper(pair.b);
  for (int i = 0; i < 1000; ++i) {
    pair.run_for(milliseconds(1));
    ASSERT_TRUE(pair.open(pair.a)) << i;
  }
}

TEST_F(Bfd, BfdAloneMakesNoPathUp) {
  pair.a.link[0] = pair.b.link[0] = false;
  pair.bring_up();
  EXPECT_EQ(pair.bfd_state(pair.a), bfd::State::up);
  EXPECT_FALSE(pair.a.last<PathChanged>());
  EXPECT_FALSE(pair.b.last<PathChanged>());
}

TEST_F(Bfd, OtherPathsHoldThePeer) {
  pair.path_count = 2;
  pair.bring_up();
  pair.a.bfd_link = pair.b.bfd_link = false;
  pair.run_for(milliseconds(100));
  EXPECT_EQ(lost(pair.b), 1U);
  EXPECT_EQ(pair.b.last<PathChanged>()->path.value(), 0);
  EXPECT_EQ(pair.state(pair.b).role, Role::backup);
  EXPECT_TRUE(pair.open(pair.a));
}

// The hello that the peer sends on that occasion is enough.
TEST_F(Bfd, APathComesBackByAHelloAlone) {
  pair.path_count = 2;
  pair.bring_up();
  pair.a.bfd_link = pair.b.bfd_link = false;
  pair.run_for(milliseconds(100));
  ASSERT_EQ(lost(pair.b), 1U);
  EXPECT_TRUE(pair.b.last<PathChanged>()->up);
  EXPECT_EQ(pair.bfd_state(pair.b), bfd::State::down);
  pair.run_for(seconds(5));
  EXPECT_EQ(lost(pair.b), 1U);  // no flapping while the session stays down
}

// A forged Down (no key): the session follows RFC 5880, the path does not, nobody takes over and
// no gate closes.
TEST_F(Bfd, AnUnprovenDownMovesNothingWhileHellosCome) {
  pair.bfd_keyed = false;
  pair.bring_up();
  for (int i = 0; i < 4; ++i) {
    if (pair.bfd_state(pair.b) == bfd::State::up)
      pair.give_bfd(pair.b, forged(i % 2 == 0 ? bfd::State::down : bfd::State::admin_down));
    for (int ms = 0; ms < 3000; ++ms) {
      pair.run_for(milliseconds(1));
      ASSERT_TRUE(pair.open(pair.a)) << i << " " << ms;
    }
  }
  EXPECT_GE(pair.b.all<BfdChanged>().size(), 10U);
  EXPECT_EQ(lost(pair.b), 0U);
  EXPECT_EQ(lost(pair.a), 0U);
  EXPECT_EQ(pair.state(pair.b).role, Role::backup);
  EXPECT_EQ(pair.state(pair.a).term, Pair::term(1, pair.a));
}

TEST_F(Bfd, AnUnprovenDownToTheMasterMovesNothing) {
  pair.bfd_keyed = false;
  pair.bring_up();
  bfd::ControlPacket down = forged(bfd::State::down);
  std::swap(down.my_discriminator, down.your_discriminator);
  pair.give_bfd(pair.a, down);
  for (int ms = 0; ms < 5000; ++ms) {
    pair.run_for(milliseconds(1));
    ASSERT_TRUE(pair.open(pair.a)) << ms;
  }
  EXPECT_EQ(lost(pair.a) + lost(pair.b), 0U);
}

TEST_F(Bfd, AnUnprovenDownTogetherWithSilenceTakesThePathDown) {
  pair.bfd_keyed = false;
  pair.bring_up();
  pair.a.link[0] = false;
  pair.a.bfd_link = false;
  pair.run_for(milliseconds(5));
  pair.give_bfd(pair.b, forged(bfd::State::down));
  pair.run_for(milliseconds(1000));
  EXPECT_EQ(lost(pair.b), 0U);
  pair.run_for(milliseconds(15));
  EXPECT_EQ(lost(pair.b), 1U);
}

// A proven Down says that the sender does not hear BFD of ours. It lives, and its hellos hear ours:
// nobody takes over.
TEST_F(Bfd, AProvenDownIsContradictedByHellos) {
  pair.bring_up();
  pair.b.bfd_link = false;
  pair.run_for(milliseconds(60));
  EXPECT_EQ(pair.b.last<BfdChanged>()->reason, bfd::Reason::remote_down);
  EXPECT_TRUE(pair.b.last<BfdChanged>()->authenticated);
  for (int ms = 0; ms < 30'000; ++ms) {
    pair.run_for(milliseconds(1));
    ASSERT_TRUE(pair.open(pair.a)) << ms;
  }
  EXPECT_EQ(lost(pair.a) + lost(pair.b), 0U);
  EXPECT_EQ(pair.state(pair.b).role, Role::backup);
}

// With hellos lost as well a proven Down takes the path down in the detection time. The sender
// counts us as dead and may hold its gate open for long, so nobody takes over.
TEST_F(Bfd, AProvenDownTakesThePathDownButNotThePeer) {
  pair.bring_up();
  pair.b.bfd_link = pair.b.link[0] = false;  // A hears nothing, says so, and is heard
  pair.run_for(milliseconds(15));
  pair.a.link[0] = false;  // its BFD only
  pair.run_for(milliseconds(60));
  EXPECT_EQ(pair.b.last<BfdChanged>()->reason, bfd::Reason::remote_down);
  EXPECT_EQ(lost(pair.b), 1U);
  pair.run_for(seconds(5));
  EXPECT_EQ(pair.state(pair.b).role, Role::backup);
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_EQ(pair.overlap, Duration{});
}

TEST_F(Bfd, AdminDownOfThePeerSaysNothingOfThePath) {
  pair.bring_up();
  ConfigureBfd configure = pair.bfd_configuration(pair.a);
  configure.sessions[0].session.admin_down = true;
  pair.tell(pair.a, configure);
  for (int ms = 0; ms < 3000; ++ms) {
    pair.run_for(milliseconds(1));
    ASSERT_TRUE(pair.open(pair.a)) << ms;
  }
  EXPECT_EQ(pair.b.last<BfdChanged>()->reason, bfd::Reason::remote_admin_down);
  EXPECT_EQ(lost(pair.a) + lost(pair.b), 0U);
  pair.tell(pair.a, pair.bfd_configuration(pair.a));
  pair.run_for(seconds(4));
  EXPECT_EQ(pair.bfd_state(pair.b), bfd::State::up);
}

TEST_F(Bfd, RemovingTheSessionIsNoFailure) {
  pair.bring_up();
  pair.tell(pair.a, ConfigureBfd{});
  for (int ms = 0; ms < 3000; ++ms) {
    pair.run_for(milliseconds(1));
    ASSERT_TRUE(pair.open(pair.a)) << ms;
  }
  EXPECT_EQ(lost(pair.b), 0U);
  EXPECT_EQ(pair.state(pair.b).role, Role::backup);
}

TEST_F(Bfd, LeavingSaysAdminDown) {
  pair.bring_up({Cause::paths_down});
  pair.tell(pair.a, Leave{});
  EXPECT_TRUE(pair.a.exited);
  pair.run_for(milliseconds(1));
  EXPECT_EQ(pair.b.last<BfdChanged>()->reason, bfd::Reason::remote_admin_down);
}

TEST_F(Bfd, APauseOfThisProcessIsNotBlamedOnThePeer) {
  pair.bring_up();
  for (Router* router : {&pair.a, &pair.b}) {
    for (int i = 0; i < 10; ++i) {
      pair.freeze(pair.a);
      pair.freeze(pair.b);
      pair.run_for(milliseconds(45));
      pair.thaw(pair.a);
      pair.thaw(pair.b);
      pair.run_for(milliseconds(300));
    }
    EXPECT_EQ(pair.bfd_state(*router), bfd::State::up);
    EXPECT_EQ(lost(*router), 0U);
  }
  EXPECT_EQ(pair.state(pair.b).role, Role::backup);
}

TEST_F(Bfd, StatusTellsEverySessionInParts) {
  ConfigureBfd many;
  for (std::uint32_t i = 0; i < 150; ++i) {
    BfdSessionConfig config;
    config.session.name = "s" + std::to_string(i);
    config.session.local = IpAddress::v4(0x0b000000 + i);
    config.session.peer = IpAddress::v4(0x0c000000 + i);
    config.session.keys = {{1, "secret"}};
    many.sessions.push_back(config);
  }
  pair.start_keeper(pair.a);
  pair.connect(pair.a);
  many.last = false;
  pair.tell(pair.a, many);
  EXPECT_EQ(pair.a.keeper->bfd().size(), 1U);
  ConfigureBfd rest = pair.bfd_configuration(pair.a);
  rest.first = false;
  pair.tell(pair.a, rest);
  EXPECT_EQ(pair.a.keeper->bfd().size(), 151U);
  pair.tell(pair.a, AskBfd{});
  const auto parts = pair.a.all<BfdStatus>();
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_TRUE(parts[0].first && !parts[0].last && !parts[1].first && parts[2].last);
  std::size_t sessions = 0;
  for (const BfdStatus& part : parts) sessions += part.sessions.size();
  EXPECT_EQ(sessions, 151U);
  EXPECT_TRUE(parts[0].sessions[0].config.keys.empty());
  EXPECT_EQ(parts[2].sessions.back().paths.size(), 1U);
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
