#include <gtest/gtest.h>

#include "tests/unit/ha_keeper_core/pair.h"

// Design section 7, "Fencing reaches the data plane".
namespace hotpair::ha::keeper::test {
namespace {

// The echo is at most an interval of the peer late, and so is the next one.
TEST(Lease, IsNewestEchoedSendPlusDetectionPlusMargin) {
  Pair pair;
  pair.bring_up();
  for (int i = 0; i < 200; ++i) {
    pair.run_for(milliseconds(1));
    EXPECT_LE(pair.lease(pair.a), milliseconds(150));
    EXPECT_GE(pair.lease(pair.a), milliseconds(109));
  }
}

TEST(Lease, OnlySuccessfulSendsCount) {
  Pair pair;
  pair.bring_up({});
  pair.a.can_send[0] = false;
  pair.run_for(milliseconds(21));  // the last one is echoed
  const std::uint64_t word = pair.word(pair.a);
  pair.run_for(milliseconds(79));
  EXPECT_EQ(pair.word(pair.a), word);
  pair.run_for(milliseconds(60));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.word(pair.a), kGateClosed);
  EXPECT_EQ(pair.a.last<GateChanged>()->cause, Cause::lease_expired);
  pair.a.can_send[0] = true;
  pair.run_for(milliseconds(100));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_TRUE(pair.a.last<GateChanged>()->open);
}

// What the peer did not hear makes it no more patient: it counts from an older hello than we sent.
TEST(Lease, HellosThatWereLostDoNotProlongIt) {
  for (int lost = 1; lost <= 4; ++lost) {
    Pair pair;
    pair.bring_up();
    pair.a.link[0] = false;
    pair.run_for(milliseconds(20 * lost));
    EXPECT_TRUE(pair.open(pair.a)) << lost;
    pair.freeze(pair.a);
    pair.run_for(seconds(1));
    EXPECT_TRUE(pair.open(pair.b)) << lost;
    EXPECT_GT(pair.overlap, Duration{}) << lost;
    EXPECT_LE(pair.overlap, kLeaseMargin) << lost;
  }
}

TEST(Lease, LostHellosInEitherDirectionDoNotCloseTheGateWhileThePeerLives) {
  for (const auto& [lost_there, lost_back] : {std::pair{3, 0}, {0, 4}, {2, 2}}) {
    Pair pair;
    pair.bring_up();
    pair.a.link[0] = lost_there == 0;
    pair.b.link[0] = lost_back == 0;
    pair.run_for(milliseconds(20 * std::max(lost_there, lost_back)));
    pair.a.link[0] = pair.b.link[0] = true;
    pair.run_for(seconds(2));
    EXPECT_TRUE(pair.a.all<GateChanged>().empty()) << lost_there << ", " << lost_back;
    EXPECT_TRUE(pair.open(pair.a));
    EXPECT_FALSE(pair.open(pair.b));
  }
}

// With slow timers the last proof is older than the peer's silence may last.
TEST(Lease, ThePeersDeathDoesNotCloseTheGate) {
  for (const auto& [interval, multiplier] : {std::pair{20U, 5}, {100U, 3}, {1000U, 20}}) {
    Pair pair;
    pair.hello_ms = interval;
    pair.multiplier = static_cast<std::uint16_t>(multiplier);
    pair.bring_up();
    pair.run_for(seconds(5));
    pair.kill_keeper(pair.b);
    pair.run_for(seconds(60));
    EXPECT_TRUE(pair.a.all<GateChanged>().empty()) << interval;
    EXPECT_TRUE(pair.open(pair.a)) << interval;
  }
}

TEST(Lease, APeerWithSlowTimersEchoesSeldomAndThatIsEnough) {
  Pair pair;
  pair.bring_up();
  Configure slow = pair.configuration(pair.b);
  slow.etrunks[0].hello_ms = 1000;
  slow.etrunks[0].multiplier = 20;
  pair.tell(pair.b, slow);
  pair.run_for(seconds(30));
  EXPECT_TRUE(pair.a.all<GateChanged>().empty());
  EXPECT_GE(pair.lease(pair.a), milliseconds(129));
  EXPECT_LE(pair.lease(pair.a), milliseconds(150));
}

TEST(Lease, OnlyPathsThatThePeerReportsUpCount) {
  Pair pair;
  pair.path_count = 2;
  pair.bring_up({});
  pair.a.link[1] = false;  // B no longer hears A there, A still sends
  pair.run_for(milliseconds(150));
  EXPECT_EQ(pair.b.last<PathChanged>()->path.value(), 1);
  pair.a.can_send[0] = false;  // path 1 sends well, and counts for nothing
  pair.run_for(milliseconds(160));
  EXPECT_FALSE(pair.open(pair.a));
}

TEST(Lease, WhileThePeerIsDeadItIsTimerPlusTheLongerOfTimeoutAndGrace) {
  Pair pair;
  pair.bring_up();
  pair.kill_keeper(pair.b);
  pair.run_for(seconds(1));
  EXPECT_GE(pair.lease(pair.a), milliseconds(9'975));
  EXPECT_LE(pair.lease(pair.a), milliseconds(10'000));
}

TEST(Lease, ShrinksWhenTheDeadPeerMayCountOnUsAgain) {
  Pair pair;
  pair.bring_up();
  pair.kill_keeper(pair.b);
  pair.run_for(seconds(1));
  pair.start_keeper(pair.b);
  pair.connect(pair.b);
  pair.b.link[0] = true;
  pair.run_for(milliseconds(2));
  EXPECT_LE(pair.lease(pair.a), milliseconds(150));
}

// fault 10: stopped for 5 s, continued: no second switchover, gates overlap at most 50 ms.
TEST(Lease, FrozenMasterIsFencedAndStaysBackupWhenItWakes) {
  for (const Duration nap :
       {Duration(milliseconds(180)), Duration(seconds(5)), Duration(seconds(60))}) {
    Pair pair;
    pair.bring_up();
    pair.freeze(pair.a);
    pair.run_for(nap);
    EXPECT_FALSE(pair.open(pair.a));
    EXPECT_TRUE(pair.open(pair.b));
    pair.thaw(pair.a);
    pair.run_for(seconds(3));
    EXPECT_FALSE(pair.open(pair.a));
    EXPECT_TRUE(pair.open(pair.b));
    EXPECT_EQ(pair.state(pair.a).role, Role::backup);
    EXPECT_EQ(pair.state(pair.a).term, Pair::term(2, pair.b));
    EXPECT_LE(pair.overlap, milliseconds(50));
    EXPECT_EQ(pair.b.all<ScopeChanged>().size(), 1U);
  }
}

// The socket held only what came before the takeover: what is newest was lost to its limit.
TEST(Lease, AFullSocketOfOldHellosDoesNotReopen) {
  Pair pair;
  pair.bring_up();
  pair.freeze(pair.a);
  pair.run_for(seconds(5));
  ASSERT_GT(pair.a.socket.size(), 10U);
  pair.a.socket.resize(4);
  for (const Hello& hello : pair.a.socket)
    ASSERT_EQ(hello.scopes.at(0).term, Pair::term(1, pair.a));
  pair.b.link[0] = false;  // and nothing new comes for a while
  pair.thaw(pair.a);
  pair.run_for(milliseconds(90));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
  pair.b.link[0] = true;
  pair.run_for(milliseconds(30));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.state(pair.a).role, Role::backup);
  EXPECT_LE(pair.overlap, milliseconds(50));
}

TEST(Lease, FrozenMasterWithoutASuccessorReopensAfterAFreshHello) {
  Pair pair;
  pair.bring_up({});
  pair.freeze(pair.a);
  pair.run_for(seconds(5));
  pair.thaw(pair.a);
  pair.run_for(milliseconds(100));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
  const auto changes = pair.a.all<GateChanged>();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_FALSE(changes[0].open);
  EXPECT_TRUE(changes[1].open);
}

TEST(Lease, FrozenLonelyMasterReopensAfterADetectionTimeOfSilence) {
  Pair pair;
  pair.bring_up();
  pair.kill_keeper(pair.b);
  pair.run_for(seconds(1));
  pair.freeze(pair.a);
  pair.run_for(seconds(15));
  EXPECT_FALSE(pair.open(pair.a));
  pair.thaw(pair.a);
  pair.run_for(milliseconds(90));
  EXPECT_FALSE(pair.open(pair.a));
  pair.run_for(milliseconds(20));
  EXPECT_TRUE(pair.open(pair.a));
}

// It has echoed nothing since, and takes over a detection time after what it heard last: if this
// keeper died now, the lease of its gate must be over by then.
TEST(Lease, TheLongLeaseEndsWithTheFirstHelloOfAPeerThatIsBack) {
  Pair pair;
  pair.bring_up();
  pair.freeze(pair.b);
  pair.run_for(seconds(1));
  ASSERT_GE(pair.lease(pair.a), seconds(1));
  pair.b.socket.clear();
  pair.a.link[0] = false;
  pair.thaw(pair.b);
  pair.run_for(milliseconds(21));
  EXPECT_LE(pair.lease(pair.a), milliseconds(150));
}

TEST(Lease, AFrozenBackupDoesNotTakeOverWhenItWakes) {
  Pair pair;
  pair.bring_up();
  pair.freeze(pair.b);
  pair.run_for(seconds(5));
  pair.thaw(pair.b);
  pair.run_for(seconds(2));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_EQ(pair.overlap, Duration{});
  EXPECT_TRUE(pair.b.all<ScopeChanged>().empty());
}

TEST(Lease, FrozenNodeDoesNotDeclareItsOwnDaemonSilent) {
  Pair pair;
  pair.bring_up();
  pair.freeze(pair.b);
  pair.run_for(seconds(5));
  pair.b.heartbeat_at = pair.now + milliseconds(100);
  pair.thaw(pair.b);
  pair.run_for(milliseconds(1));
  EXPECT_EQ(pair.b.keeper->control(), ControlState::running);
}

TEST(Lease, OpenPostureIsForGood) {
  Pair pair;
  pair.start_keeper(pair.a);
  pair.a.daemon = true;
  pair.a.keeper->on_daemon_connected(pair.now);
  pair.tell(pair.a, DaemonHello{1, 1, pair.a.id, "t"});
  Configure configure;
  configure.scopes.push_back({kScope, kEtrunk, 3, {}});
  pair.tell(pair.a, configure);
  pair.set_scope(pair.a, Role::master, Pair::term(1, pair.a), GatePosture::open);
  EXPECT_EQ(pair.word(pair.a), kGateOpen);
  pair.kill_daemon(pair.a);
  pair.run_for(seconds(100));
  EXPECT_EQ(pair.word(pair.a), kGateOpen);
}

TEST(Lease, AScopeThatIsNoLongerConfiguredIsClosed) {
  Pair pair;
  pair.bring_up();
  Configure configure = pair.configuration(pair.a);
  configure.scopes.clear();
  pair.tell(pair.a, configure);
  EXPECT_EQ(pair.word(pair.a), kGateClosed);
}

TEST(Lease, GateSlotMovesWithTheScope) {
  Pair pair;
  pair.bring_up();
  Configure configure = pair.configuration(pair.a);
  configure.scopes[0].gate_slot = 5;
  pair.tell(pair.a, configure);
  EXPECT_EQ(pair.a.gates[3], kGateClosed);
  EXPECT_NE(pair.a.gates[5], kGateClosed);
  ASSERT_EQ(pair.a.keeper->gate_words().size(), 1U);
  EXPECT_EQ(pair.a.keeper->gate_words()[0].slot, 5U);
}

TEST(Lease, HealAfterAPartitionTheLargerTermStays) {
  Pair pair;
  pair.bring_up();
  pair.a.link[0] = pair.b.link[0] = false;
  pair.run_for(seconds(30));
  EXPECT_TRUE(pair.open(pair.a));  // single path: two masters
  EXPECT_TRUE(pair.open(pair.b));
  pair.a.link[0] = pair.b.link[0] = true;
  pair.run_for(milliseconds(50));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_EQ(pair.a.last<ScopeChanged>()->cause, Cause::larger_term);
}

// The other one counts us as dead and then stops too: its lease is the long one, so ours waits for
// it.
TEST(Lease, BothFrozenOneAfterTheOther) {
  Pair pair;
  pair.bring_up();
  pair.freeze(pair.a);
  pair.run_for(milliseconds(150));
  ASSERT_TRUE(pair.open(pair.b));
  pair.run_for(milliseconds(100));
  pair.freeze(pair.b);
  pair.run_for(milliseconds(500));
  pair.thaw(pair.a);
  pair.run_for(milliseconds(20));
  EXPECT_FALSE(pair.open(pair.a));
  pair.arm(pair.a, Pair::term(2, pair.b), Pair::term(3, pair.a), {Cause::paths_down});
  pair.run_for(seconds(15));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_LE(pair.overlap, kLeaseMargin);
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
