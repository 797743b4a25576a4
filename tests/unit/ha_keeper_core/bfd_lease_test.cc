#include <gtest/gtest.h>

#include <random>

#include "tests/unit/ha_keeper_core/pair.h"

// Design section 7: two gates are open together at most 50 ms in an unplanned change, also when the
// peer gives a path up by BFD, long before the hellos would tell.
namespace hotpair::ha::keeper::test {
namespace {

struct Fast : Pair {
  explicit Fast(std::uint32_t us = 10'000, bool keyed = true) {
    hello_ms = 1000;
    multiplier = 20;
    bfd_us = us;
    bfd_keyed = keyed;
  }
};

// 30 ms and the margin of 50, less what a hello, its echo and the way between them take.
TEST(BfdLease, IsAsShortAsTheDetectionTime) {
  Fast pair;
  pair.bring_up();
  for (int i = 0; i < 100; ++i) {
    pair.run_for(milliseconds(1));
    ASSERT_LE(pair.lease(pair.a), milliseconds(80));
    ASSERT_GE(pair.lease(pair.a), milliseconds(60));
  }
}

// Without BFD hellos hold the path, and leases are theirs again; the gate never closes meanwhile.
TEST(BfdLease, BfdThatDoesNotLeaveIsNoLoss) {
  Fast pair;
  pair.bring_up();
  pair.a.bfd_can_send = false;
  for (int i = 0; i < 5000; ++i) {
    pair.run_for(milliseconds(1));
    ASSERT_TRUE(pair.open(pair.a)) << i;
  }
  EXPECT_GE(pair.lease(pair.a), seconds(10));
  EXPECT_FALSE(pair.open(pair.b));
}

// Bound by one node only: its hellos do not let the other one be impatient, so nobody is quick, and
// nobody is open beside the other.
TEST(BfdLease, ABindingOfOneNodeMakesNothingFaster) {
  for (const bool master_binds : {true, false}) {
    Fast pair;
    pair.bring_up();
    Router& unbinds = master_binds ? pair.b : pair.a;
    ConfigureBfd configure = pair.bfd_configuration(unbinds);
    configure.sessions[0].paths.clear();
    pair.tell(unbinds, configure);
    for (int i = 0; i < 4000; ++i) {
      pair.run_for(milliseconds(1));
      ASSERT_TRUE(pair.open(pair.a)) << i;
    }
    EXPECT_GE(pair.lease(pair.a), seconds(10));
    pair.freeze(pair.a);
    pair.run_for(seconds(15));
    EXPECT_FALSE(pair.open(pair.b));
    pair.run_for(seconds(10));
    EXPECT_TRUE(pair.open(pair.b));
    EXPECT_LE(pair.overlap, milliseconds(50));
  }
}

// BFD comes, goes and comes again; the gate stays open through every change of pace.
TEST(BfdLease, NoChangeOfPaceClosesTheGate) {
  for (const std::uint32_t us : {3'000U, 10'000U, 50'000U, 300'000U}) {
    Fast pair(us);
    pair.bring_up({});
    for (int i = 0; i < 12'000; ++i) {
      if (i == 1000) pair.b.bfd_link = false;
      if (i == 3000) pair.b.bfd_link = true;
      if (i == 7000) pair.tell(pair.b, ConfigureBfd{});
      if (i == 9000) pair.tell(pair.b, pair.bfd_configuration(pair.b));
      pair.run_for(milliseconds(1));
      ASSERT_TRUE(pair.open(pair.a)) << us << " " << i;
    }
  }
}

// One path has no BFD: the peer may count on that one, so nothing is fast.
TEST(BfdLease, APathWithoutBfdHoldsThePeerAndTheLease) {
  Fast pair;
  pair.path_count = 2;
  pair.bring_up();
  EXPECT_GE(pair.lease(pair.a), seconds(10));
  pair.kill_keeper(pair.b);
  for (int i = 0; i < 15'000; ++i) {
    pair.run_for(milliseconds(1));
    ASSERT_TRUE(pair.open(pair.a)) << i;
  }
}

TEST(BfdLease, AFrozenMasterIsFencedInTime) {
  for (const std::uint32_t us : {3'000U, 10'000U, 20'000U, 50'000U}) {
    for (const bool keyed : {true, false}) {
      for (int offset = 0; offset < 40; offset += 13) {
        Fast pair(us, keyed);
        pair.bring_up();
        pair.run_for(milliseconds(offset) + std::chrono::microseconds(37 * offset));
        const TimePoint frozen = pair.now;
        pair.freeze(pair.a);
        pair.run_for(seconds(3));
        ASSERT_TRUE(pair.open(pair.b)) << us << " " << offset;
        ASSERT_FALSE(pair.open(pair.a));
        ASSERT_LE(pair.b.last<ScopeChanged>()->decided - frozen,
                  std::chrono::microseconds(3 * us) + milliseconds(1));
        ASSERT_LE(pair.overlap, milliseconds(50)) << us << " " << offset;
        pair.thaw(pair.a);
        pair.run_for(seconds(3));
        ASSERT_FALSE(pair.open(pair.a));
        ASSERT_EQ(pair.state(pair.a).role, Role::backup);
        ASSERT_LE(pair.overlap, milliseconds(50));
      }
    }
  }
}

// The direction from the master is lost: the backup takes over, its hello closes the master.
TEST(BfdLease, OneWayLossFromTheMaster) {
  Fast pair;
  pair.bring_up();
  pair.a.bfd_link = pair.a.link[0] = false;
  pair.run_for(seconds(3));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_LE(pair.overlap, milliseconds(50));
}

// The other direction: the master counts the backup as dead, takes a long lease, says so, and then
// stops running. The backup must wait for that lease.
TEST(BfdLease, OneWayLossToTheMasterThenItFreezes) {
  for (const bool keyed : {true, false}) {
    for (int later_ms = 31; later_ms < 100; later_ms += 9) {
      Fast pair(10'000, keyed);
      pair.bring_up();
      pair.b.bfd_link = pair.b.link[0] = false;
      pair.run_for(milliseconds(later_ms));
      ASSERT_EQ(pair.bfd_state(pair.a), bfd::State::down);
      pair.freeze(pair.a);
      pair.run_for(seconds(60));
      EXPECT_TRUE(pair.open(pair.b));
      EXPECT_LE(pair.overlap, milliseconds(50)) << keyed << " " << later_ms;
    }
  }
}

// BFD alone is lost, in one direction: hellos say that all is well.
TEST(BfdLease, BfdAloneIsLost) {
  for (const bool from_master : {true, false}) {
    for (const bool keyed : {true, false}) {
      Fast pair(10'000, keyed);
      pair.bring_up();
      (from_master ? pair.a : pair.b).bfd_link = false;
      for (int i = 0; i < 5000; ++i) {
        pair.run_for(milliseconds(1));
        ASSERT_TRUE(pair.open(pair.a)) << from_master << " " << keyed << " " << i;
      }
      EXPECT_FALSE(pair.open(pair.b));
    }
  }
}

TEST(BfdLease, WithoutBfdLeasesAreThoseOfHellosAgain) {
  Fast pair;
  pair.bring_up({});
  pair.b.bfd_link = false;
  pair.run_for(seconds(5));
  EXPECT_GE(pair.lease(pair.a), seconds(10));
  EXPECT_TRUE(pair.open(pair.a));
}

TEST(BfdLease, TimersThatGetShorterShortenTheLease) {
  Fast pair(300'000);
  pair.bring_up();
  EXPECT_GE(pair.lease(pair.a), milliseconds(600));
  pair.bfd_us = 10'000;
  pair.tell(pair.a, pair.bfd_configuration(pair.a));
  pair.tell(pair.b, pair.bfd_configuration(pair.b));
  pair.run_for(seconds(2));
  EXPECT_LE(pair.lease(pair.a), milliseconds(80));
  for (int i = 0; i < 40; i += 3) {
    Fast other(300'000);
    other.bring_up();
    other.bfd_us = 10'000;
    other.tell(other.a, other.bfd_configuration(other.a));
    other.tell(other.b, other.bfd_configuration(other.b));
    other.run_for(milliseconds(15 * i));
    other.freeze(other.a);
    other.run_for(seconds(5));
    ASSERT_TRUE(other.open(other.b));
    ASSERT_LE(other.overlap, milliseconds(50)) << i;
  }
}

// Random faults on links and processes, never both directions of everything at once for long: the
// bound holds, and at most one gate is open when all is well again.
TEST(BfdLease, RandomFaults) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    const std::uint32_t intervals[] = {3'000, 10'000, 20'000, 50'000};
    Fast pair(intervals[random() % 4], random() % 2 == 0);
    pair.path_count = 1 + random() % 2;
    pair.bring_up({Cause::paths_down});
    for (int step = 0; step < 12; ++step) {
      Router& one = pair.routers[random() % 2];
      switch (random() % 5) {
        case 4:
          one.link = {false, false};  // hellos only
          break;
        case 0:
          one.bfd_link = false;
          break;
        case 1:
          one.bfd_link = one.link[0] = false;
          break;  // path 0, this direction
        case 2:
          one.bfd_can_send = false;
          break;
        default:
          pair.freeze(one);
          break;
      }
      pair.run_for(std::chrono::microseconds(random() % 200'000));
      for (Router& router : pair.routers) {
        router.bfd_link = router.bfd_can_send = true;
        router.link = {true, true};
        pair.thaw(router);
      }
      pair.run_for(std::chrono::microseconds(random() % 4'000'000));
      ASSERT_LE(pair.overlap, milliseconds(50)) << "seed " << seed << " step " << step;
    }
    pair.run_for(seconds(45));
    EXPECT_EQ(pair.open(pair.a) + pair.open(pair.b), 1) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
