#include "ha/role/role_machine.h"

#include <gtest/gtest.h>

namespace hotpair::ha::role {
namespace {

using namespace std::chrono_literals;
using etrunk::ControlState;
using etrunk::Hello;
using etrunk::PriorityOrder;
using etrunk::ScopeReport;

constexpr ScopeId kScope{10};
constexpr NodeId kOwn{0x1111};
constexpr NodeId kPeer{0x2222};

struct Seen {
  std::optional<keeper::SetScope> set;
  std::optional<keeper::ArmedPlan> armed;
  std::optional<std::uint64_t> reserve;
  std::optional<RoleChanged> changed;
  bool revert = false;
  std::optional<bool> conflict;
};

class RoleTest : public testing::Test {
 protected:
  static RoleConfig config() {
    return {.scope = kScope,
            .node = kOwn,
            .rank = 100,
            .system_id = *MacAddress::parse("0000-0000-0001"),
            .source = *IpAddress::parse("1.1.1.1"),
            .revert_delay = 5s};
  }
  Seen drain() {
    Seen seen;
    while (auto effect = machine_.poll_effect()) {
      if (auto* to_keeper = std::get_if<ToKeeper>(&*effect)) {
        if (auto* set = std::get_if<keeper::SetScope>(to_keeper)) seen.set = *set;
        if (auto* arm = std::get_if<keeper::Arm>(to_keeper)) seen.armed = arm->plan;
      } else if (auto* reserve = std::get_if<ReserveTerm>(&*effect)) {
        seen.reserve = reserve->counter;
        machine_.on_reserved(reserve->counter, now_);
      } else if (auto* changed = std::get_if<RoleChanged>(&*effect)) {
        seen.changed = *changed;
      } else if (auto* conflict = std::get_if<ConventionConflict>(&*effect)) {
        seen.conflict = conflict->raised;
      } else {
        seen.revert = true;
      }
    }
    return seen;
  }
  static Hello hello(Role role, Term term, bool complete = false, std::uint8_t rank = 100) {
    Hello hello;
    hello.node = kPeer;
    hello.rank = rank;
    hello.system_id = *MacAddress::parse("0000-0000-0002");
    hello.source = *IpAddress::parse("3.3.3.3");
    hello.scopes.push_back({.scope = kScope, .role = role, .term = term, .complete = complete});
    return hello;
  }
  Seen start(std::uint64_t reserved = 0) {
    machine_.on_reserved(reserved, now_);
    machine_.on_keeper(std::nullopt, now_);
    return drain();
  }
  Seen hear(const Hello& heard) {
    machine_.on_peer_hello(heard, now_);
    return drain();
  }
  keeper::ScopeChanged keeper_says(Role role, Term term, Cause cause) {
    keeper::ScopeChanged change;
    change.state.scope = kScope;
    change.state.role = role;
    change.state.term = term;
    change.cause = cause;
    return change;
  }

  TimePoint now_{1h};
  RoleMachine machine_{config(), now_};
};

TEST_F(RoleTest, DecidesNothingBeforeKeeperAndReservationAreKnown) {
  machine_.on_alone(now_);
  EXPECT_FALSE(drain().changed);
  machine_.on_keeper(std::nullopt, now_);
  EXPECT_FALSE(drain().changed);
  machine_.on_reserved(500, now_);
  const Seen seen = drain();
  ASSERT_TRUE(seen.changed);
  EXPECT_EQ(seen.changed->role, Role::master);
  EXPECT_EQ(seen.changed->cause, Cause::alone);
  EXPECT_EQ(seen.changed->term, (Term{501, kOwn}));  // above everything of an earlier life
  EXPECT_EQ(seen.set->posture, keeper::GatePosture::leased);
}

// The peer took the scope a moment before; what it said as a backup is not to elect this node.
TEST_F(RoleTest, ANewKeeperThatHearsThePeerDecidesNothingBeforeItsHello) {
  start();
  hear(hello(Role::backup, {}, false, 50));
  ASSERT_EQ(machine_.role(), Role::master);
  hear(hello(Role::backup, machine_.term(), true, 50));
  const Term theirs{machine_.term().counter + 1, kPeer};
  machine_.on_scope_changed(keeper_says(Role::backup, theirs, Cause::handover), now_);
  drain();
  machine_.on_keeper_lost();
  machine_.on_keeper(std::nullopt, now_);
  machine_.on_complete(true, now_);
  machine_.on_peer_heard(true, now_);
  EXPECT_FALSE(drain().changed);
  EXPECT_FALSE(hear(hello(Role::master, theirs, true, 50)).changed);
  EXPECT_EQ(machine_.role(), Role::backup);
  EXPECT_EQ(machine_.term(), theirs);
}

TEST_F(RoleTest, SmallerSystemIdWinsATie) {
  start();
  EXPECT_EQ(hear(hello(Role::init, {})).changed->role, Role::master);
}

TEST_F(RoleTest, LargerRankWinsAndTheLoserWaitsThenObeysAndArms) {
  start();
  EXPECT_EQ(hear(hello(Role::init, {}, false, 200)).changed->role, Role::backup);
  const Seen seen = hear(hello(Role::master, {7, kPeer}, true, 200));
  EXPECT_EQ(machine_.term(), (Term{7, kPeer}));
  ASSERT_TRUE(seen.armed);
  EXPECT_EQ(seen.armed->against, (Term{7, kPeer}));
  EXPECT_EQ(seen.armed->term, (Term{8, kOwn}));
  EXPECT_EQ(seen.armed->causes, std::vector<Cause>{Cause::paths_down});
  machine_.on_complete(true, now_);
  EXPECT_EQ(drain().armed->causes.size(), 4U);
}

TEST_F(RoleTest, SmallerConventionAndConflict) {
  RoleConfig smaller = config();
  smaller.order = PriorityOrder::smaller;
  machine_ = RoleMachine(smaller, now_);
  start();
  Hello agreeing = hello(Role::init, {}, false, 200);
  agreeing.order = PriorityOrder::smaller;
  EXPECT_EQ(hear(agreeing).changed->role, Role::master);
  machine_ = RoleMachine(smaller, now_);
  start();
  const Seen seen = hear(hello(Role::init, {}, false, 200));  // both use larger
  EXPECT_EQ(seen.conflict, true);
  EXPECT_EQ(seen.changed->role, Role::backup);
}

TEST_F(RoleTest, AChangeOfTheOwnConventionIsJudgedAtOnce) {
  start();
  hear(hello(Role::init, {}, false, 10));
  RoleConfig smaller = config();
  smaller.order = PriorityOrder::smaller;
  machine_.configure(smaller, now_);
  EXPECT_EQ(drain().conflict, true);
  machine_.configure(config(), now_);
  EXPECT_EQ(drain().conflict, false);
}

TEST_F(RoleTest, ASittingMasterIsObeyedWhateverTheRank) {
  start();
  const Seen seen = hear(hello(Role::master, {3, kPeer}, true, 1));
  EXPECT_EQ(seen.changed->role, Role::backup);
  EXPECT_TRUE(machine_.better_than_peer().value());
}

TEST_F(RoleTest, CompleteCopyBeatsAnEmptyReturner) {
  start();
  hear(hello(Role::master, {3, kPeer}, true, 200));
  machine_.on_complete(true, now_);
  drain();
  // The better-ranked master died and came back empty within the detection time.
  const Seen seen = hear(hello(Role::init, {}, false, 200));
  EXPECT_EQ(seen.changed->role, Role::master);
  EXPECT_EQ(seen.changed->term, (Term{4, kOwn}));
}

TEST_F(RoleTest, KeeperExecutedItsPlan) {
  start();
  hear(hello(Role::master, {3, kPeer}, true, 200));
  machine_.on_scope_changed(keeper_says(Role::master, {4, kOwn}, Cause::paths_down), now_);
  Seen seen = drain();
  EXPECT_EQ(seen.changed->cause, Cause::paths_down);
  machine_.on_peer_heard(false, now_);
  EXPECT_FALSE(drain().changed);
  EXPECT_EQ(machine_.role(), Role::master);
}

TEST_F(RoleTest, SilenceWhileNotArmedIsTakenOverByTheBrain) {
  machine_.on_keeper(std::nullopt, now_);
  machine_.on_reserved(0, now_);
  // Reservation still on its way to the disk: role known, nothing armed.
  machine_.on_peer_hello(hello(Role::master, {3, kPeer}, true), now_);
  std::uint64_t asked = 0;
  while (auto effect = machine_.poll_effect())
    if (auto* reserve = std::get_if<ReserveTerm>(&*effect)) asked = reserve->counter;
  machine_.on_peer_heard(false, now_);
  EXPECT_EQ(machine_.role(), Role::backup);
  machine_.on_reserved(asked, now_);
  const Seen seen = drain();
  ASSERT_TRUE(seen.changed);
  EXPECT_EQ(seen.changed->term, (Term{4, kOwn}));
}

TEST_F(RoleTest, RevertIsAskedByTheMasterAfterTheDelay) {
  start();
  hear(hello(Role::init, {}));  // master
  EXPECT_FALSE(machine_.next_deadline());
  hear(hello(Role::backup, machine_.term(), true, 200));
  machine_.on_peer_complete(true, now_);
  ASSERT_TRUE(machine_.next_deadline());
  EXPECT_EQ(*machine_.next_deadline(), now_ + 5s);
  now_ += 4s;
  machine_.on_timeout(now_);
  EXPECT_FALSE(drain().revert);
  now_ += 1s;
  machine_.on_timeout(now_);
  EXPECT_TRUE(drain().revert);
  // Nothing came of it: it is tried again later, not at once.
  hear(hello(Role::backup, machine_.term(), true, 200));
  EXPECT_EQ(machine_.next_deadline(), now_ + 10s);
}

TEST_F(RoleTest, ARankLoweredByTrackingHandsOverWithoutTheDelay) {
  start();
  hear(hello(Role::init, {}));  // master, ranks equal
  hear(hello(Role::backup, machine_.term(), true));
  machine_.on_peer_complete(true, now_);
  EXPECT_FALSE(machine_.next_deadline());
  RoleConfig lowered = config();
  lowered.rank = 60;
  lowered.lowered = true;
  machine_.configure(lowered, now_);
  EXPECT_EQ(machine_.next_deadline(), now_);
  machine_.on_timeout(now_);
  EXPECT_TRUE(drain().revert);
  EXPECT_EQ(machine_.next_deadline(), now_ + 10s);
  machine_.configure(config(), now_);  // the uplink is back
  EXPECT_FALSE(machine_.next_deadline());
}

TEST_F(RoleTest, RevertStartsAgainWhenThePeerWasGone) {
  start();
  hear(hello(Role::init, {}));
  hear(hello(Role::backup, machine_.term(), true, 200));
  machine_.on_peer_complete(true, now_);
  EXPECT_TRUE(machine_.next_deadline());
  machine_.on_peer_heard(false, now_);
  EXPECT_FALSE(machine_.next_deadline());
}

TEST_F(RoleTest, ADaemonThatConnectsTakesRoleAndTermFromTheKeeper) {
  machine_.on_reserved(64, now_);
  keeper::ScopeState state;
  state.scope = kScope;
  state.role = Role::master;
  state.term = {9, kOwn};
  machine_.on_keeper(state, now_);
  const Seen seen = drain();
  EXPECT_EQ(seen.changed->role, Role::master);
  EXPECT_EQ(machine_.term(), (Term{9, kOwn}));
}

TEST_F(RoleTest, AFreshKeeperUnderALivingMasterIsToldAgain) {
  start();
  hear(hello(Role::init, {}));
  const Term term = machine_.term();
  machine_.on_keeper_lost();
  machine_.on_keeper(std::nullopt, now_);
  const Seen seen = drain();
  EXPECT_FALSE(seen.changed);
  ASSERT_TRUE(seen.set);
  EXPECT_EQ(seen.set->role, Role::master);
  EXPECT_EQ(seen.set->term, term);
}

TEST_F(RoleTest, LargerTermDemotesAndTheCopyCountsAsIncomplete) {
  start();
  hear(hello(Role::init, {}));
  machine_.on_scope_changed(keeper_says(Role::backup, {12, kPeer}, Cause::larger_term), now_);
  const Seen seen = drain();
  EXPECT_EQ(seen.changed->role, Role::backup);
  EXPECT_FALSE(machine_.complete());
  EXPECT_EQ(machine_.next_term(), (Term{13, kOwn}));
}

TEST_F(RoleTest, ALargerTermAfterALongSilenceStays) {
  start();
  hear(hello(Role::master, {3, kPeer}, true, 200));
  machine_.on_peer_heard(false, now_);
  machine_.on_scope_changed(keeper_says(Role::master, {4, kOwn}, Cause::paths_down), now_);
  drain();
  machine_.on_scope_changed(keeper_says(Role::backup, {9, kPeer}, Cause::larger_term), now_);
  EXPECT_EQ(machine_.role(), Role::backup);
  machine_.on_peer_heard(true, now_);
  hear(hello(Role::master, {9, kPeer}, true, 200));
  EXPECT_EQ(machine_.role(), Role::backup);
  EXPECT_EQ(machine_.term(), (Term{9, kPeer}));
}

TEST_F(RoleTest, ARefusedWordOfABackupRaisesTheTermAndKeepsTheRole) {
  start();
  hear(hello(Role::init, {}, false, 200));
  machine_.on_scope_changed(keeper_says(Role::init, {5, kPeer}, Cause::none), now_);
  EXPECT_EQ(machine_.role(), Role::backup);
  EXPECT_EQ(machine_.term(), (Term{5, kPeer}));
  EXPECT_EQ(drain().set->role, Role::backup);
}

TEST_F(RoleTest, HandedOverToUsWithTheHandoverForgottenIsTaken) {
  start();
  hear(hello(Role::master, {3, kPeer}, true, 200));
  Hello given = hello(Role::backup, {4, kOwn}, false, 200);
  given.scopes[0].handed_over = true;
  EXPECT_EQ(hear(given).changed->term, (Term{5, kOwn}));
}

TEST_F(RoleTest, ALeavingPeerIsNoCandidate) {
  start();
  Hello leaving = hello(Role::init, {}, true, 200);
  leaving.control = ControlState::leaving;
  EXPECT_EQ(hear(leaving).changed->role, Role::master);
}

TEST_F(RoleTest, APeerThatDoesNotServeTheScopeYetIsWaitedFor) {
  start();
  Hello silent = hello(Role::init, {});
  silent.scopes.clear();
  EXPECT_FALSE(hear(silent).changed);
  EXPECT_EQ(machine_.role(), Role::init);
}

}  // namespace
}  // namespace hotpair::ha::role
