#include <gtest/gtest.h>

#include "tests/unit/ha_keeper_core/pair.h"

// Design section 4, "Deaths" and "Leaving": one test for each row.
namespace hotpair::ha::keeper::test {
namespace {

TEST(Deaths, MastersDaemonComesBackWithinItsGrace) {
  Pair pair;
  pair.bring_up();
  pair.kill_daemon(pair.a);
  pair.run_for(milliseconds(5));
  EXPECT_EQ(pair.b.last<PeerHello>()->hello.control, ControlState::restarting);
  pair.run_for(seconds(9));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  pair.connect(pair.a);
  ASSERT_TRUE(pair.a.last<Welcome>().has_value());
  EXPECT_EQ(pair.a.last<Welcome>()->scopes.at(0).role, Role::master);
  EXPECT_EQ(pair.a.last<Welcome>()->scopes.at(0).term, Pair::term(1, pair.a));
  pair.run_for(seconds(5));
  EXPECT_EQ(pair.b.last<PeerHello>()->hello.control, ControlState::running);
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_TRUE(pair.b.all<ScopeChanged>().empty());
}

TEST(Deaths, MastersDaemonNeverReturns) {
  Pair pair;
  pair.bring_up();
  pair.kill_daemon(pair.a);
  pair.run_for(milliseconds(9'990));
  EXPECT_TRUE(pair.open(pair.a));
  pair.run_for(milliseconds(20));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.b.last<ScopeChanged>()->cause, Cause::peer_control_dead);
  EXPECT_LE(pair.overlap, milliseconds(1));
}

// It would go on beside us until it hears of the larger term.
TEST(Deaths, ADeadBrainWhoseKeeperDoesNotHearUsIsNotReplacedUntilItDoes) {
  Pair pair;
  pair.grace_ms = 3'000;
  pair.bring_up();
  pair.kill_daemon(pair.a);
  pair.run_for(milliseconds(500));
  pair.b.link[0] = false;
  pair.run_for(seconds(6));
  EXPECT_EQ(pair.b.last<PeerHello>()->hello.control, ControlState::dead);
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  pair.b.link[0] = true;
  pair.run_for(milliseconds(100));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_LE(pair.overlap, milliseconds(1));
}

TEST(Deaths, ADeadBrainWithoutASuccessorGoesOnForwarding) {
  Pair pair;
  pair.bring_up({Cause::paths_down});  // incomplete
  pair.kill_daemon(pair.a);
  pair.run_for(seconds(60));
  EXPECT_EQ(pair.b.last<PeerHello>()->hello.control, ControlState::dead);
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
}

TEST(Deaths, MissingHeartbeatsCountLikeAClosedSocket) {
  Pair pair;
  pair.bring_up();
  pair.a.heartbeat_at.reset();
  pair.run_for(milliseconds(1'400));
  EXPECT_EQ(pair.b.last<PeerHello>()->hello.control, ControlState::running);
  pair.run_for(milliseconds(700));
  EXPECT_EQ(pair.b.last<PeerHello>()->hello.control, ControlState::restarting);
  pair.tell(pair.a, Heartbeat{});
  pair.run_for(milliseconds(5));
  EXPECT_EQ(pair.b.last<PeerHello>()->hello.control, ControlState::running);
}

TEST(Deaths, WithinTheGraceSilenceAndAccessLossActAsAlways) {
  {
    Pair pair;
    pair.bring_up();
    pair.kill_daemon(pair.a);
    pair.run_for(milliseconds(50));
    pair.carrier(pair.a, false);
    pair.run_for(milliseconds(2));
    EXPECT_TRUE(pair.open(pair.b));
    EXPECT_FALSE(pair.open(pair.a));
  }
  Pair pair;
  pair.bring_up();
  pair.kill_daemon(pair.a);
  pair.run_for(milliseconds(50));
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(130));
  EXPECT_TRUE(pair.open(pair.b));
}

// The daemon starts a new keeper within the detection time: nothing is lost.
TEST(Deaths, MastersKeeperRestartedInTime) {
  Pair pair;
  pair.bring_up();
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(30));
  EXPECT_TRUE(pair.open(pair.a));  // the lease goes on in the map
  pair.start_keeper(pair.a);
  pair.connect(pair.a);
  EXPECT_TRUE(pair.a.last<Welcome>()->scopes.empty());
  pair.set_scope(pair.a, Role::master, Pair::term(1, pair.a), GatePosture::leased);
  pair.run_for(seconds(3));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_TRUE(pair.b.all<ScopeChanged>().empty());
  EXPECT_TRUE(pair.state(pair.b).armed.has_value());
  EXPECT_EQ(pair.overlap, Duration{});
}

TEST(Deaths, MastersKeeperNotRestartedIsANodeDeath) {
  Pair pair;
  pair.bring_up();
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(200));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_FALSE(pair.open(pair.a));  // by its lease
  EXPECT_LE(pair.overlap, milliseconds(50));
}

TEST(Deaths, BothProcessesOfTheMasterDie) {
  Pair pair;
  pair.bring_up();
  pair.kill_daemon(pair.a);
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(200));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_LE(pair.overlap, milliseconds(50));
}

TEST(Deaths, BackupsDaemonDiesItsKeeperStaysArmed) {
  Pair pair;
  pair.bring_up();
  pair.kill_daemon(pair.b);
  pair.run_for(seconds(60));
  EXPECT_TRUE(pair.open(pair.a));
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(130));
  EXPECT_TRUE(pair.open(pair.b));
  pair.connect(pair.b);
  EXPECT_EQ(pair.b.last<Welcome>()->scopes.at(0).role, Role::master);
  EXPECT_EQ(pair.b.last<Welcome>()->scopes.at(0).term, Pair::term(2, pair.b));
}

TEST(Deaths, BackupsKeeperDiesTheMasterGoesOn) {
  Pair pair;
  pair.bring_up();
  pair.kill_keeper(pair.b);
  pair.run_for(milliseconds(300));
  EXPECT_EQ(pair.a.last<PeerChanged>()->heard, false);
  EXPECT_TRUE(pair.open(pair.a));
  pair.run_for(seconds(60));
  EXPECT_TRUE(pair.open(pair.a));
  pair.start_keeper(pair.b);
  pair.connect(pair.b);
  pair.set_scope(pair.b, Role::backup, Pair::term(1, pair.a), GatePosture::closed);
  pair.arm(pair.b, Pair::term(1, pair.a), Pair::term(2, pair.b), {Cause::paths_down});
  pair.run_for(milliseconds(200));
  EXPECT_EQ(pair.a.last<PeerChanged>()->heard, true);
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_LE(pair.lease(pair.a), milliseconds(150));  // the peer counts on us again
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(200));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_LE(pair.overlap, milliseconds(50));
}

TEST(Deaths, DaemonsOnBothNodesNoRoleChange) {
  Pair pair;
  pair.bring_up();
  pair.kill_daemon(pair.b);
  pair.run_for(milliseconds(500));
  pair.kill_daemon(pair.a);
  pair.run_for(seconds(60));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  pair.connect(pair.b);  // alive again first: it takes over
  pair.run_for(milliseconds(50));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_FALSE(pair.open(pair.a));
}

TEST(Leaving, GoodbyeClosesAndThePeerTakesOver) {
  Pair pair;
  pair.bring_up();
  pair.tell(pair.a, Leave{});
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_TRUE(pair.a.exited);
  pair.run_for(milliseconds(1));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_EQ(pair.b.last<ScopeChanged>()->cause, Cause::peer_leaving);
}

TEST(Leaving, SigtermAsksTheDaemonFirst) {
  Pair pair;
  pair.bring_up();
  pair.request_leave(pair.a);
  pair.run_for(milliseconds(50));
  EXPECT_TRUE(pair.a.last<LeaveRequested>().has_value());
  EXPECT_TRUE(pair.open(pair.a));
  pair.run_for(milliseconds(9'900));
  EXPECT_FALSE(pair.a.exited);
  pair.run_for(milliseconds(100));
  EXPECT_TRUE(pair.a.exited);
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_TRUE(pair.open(pair.b));
}

TEST(Leaving, SigtermWithoutADaemonIsGoodbyeAtOnce) {
  Pair pair;
  pair.bring_up();
  pair.kill_daemon(pair.a);
  pair.request_leave(pair.a);
  pair.run_for(milliseconds(1));
  EXPECT_TRUE(pair.a.exited);
  EXPECT_TRUE(pair.open(pair.b));
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
