#include <gtest/gtest.h>

#include "tests/unit/ha_keeper_core/pair.h"

// Design section 8, "Planned", in its shared-LAN form: the commit stores 0. First as the daemons
// alone do it, then with the keeper of the new side, whose hello says that it has opened.
namespace hotpair::ha::keeper::test {
namespace {

class Handover : public ::testing::Test {
 protected:
  Handover() : next_(Pair::term(2, pair.b)) {
    pair.marks = false;
    pair.bring_up({Cause::paths_down});
  }
  std::uint64_t offer() {
    pair.tell(pair.a, HandoverOffer{kScope, next_});
    const auto offered = pair.a.last<HandoverOffered>();
    EXPECT_TRUE(offered && offered->offered);
    return offered ? offered->hello_counter : 0;
  }
  void open(std::uint64_t counter) {
    pair.tell(pair.b, HandoverOpen{kScope, next_, counter});
    EXPECT_TRUE(pair.b.last<HandoverOpened>().has_value());
  }
  /// The new side's keeper is master of the offered term.
  [[nodiscard]] bool taken() {
    return pair.state(pair.b).role == Role::master && pair.state(pair.b).term == next_;
  }
  void expect_only_b_open() {
    EXPECT_TRUE(pair.open(pair.b));
    EXPECT_FALSE(pair.open(pair.a));
  }
  Pair pair;
  Term next_;
};

TEST_F(Handover, MovesTheScopeWithoutAGap) {
  const std::uint64_t counter = offer();
  open(counter);
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_TRUE(pair.open(pair.b));
  pair.run_for(milliseconds(60));  // periodic hellos say `offering`: they do not revoke
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_EQ(pair.b.last<PeerHello>()->hello.scopes.at(0).offering, true);
  EXPECT_EQ(pair.state(pair.b).role, Role::backup);
  pair.tell(pair.a, HandoverCommit{kScope, next_});
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.word(pair.a), kGateClosed);
  ASSERT_TRUE(pair.a.last<HandoverCommitted>().has_value());
  EXPECT_EQ(pair.state(pair.a).role, Role::backup);
  pair.run_for(milliseconds(1));
  EXPECT_TRUE(taken());
  EXPECT_EQ(pair.b.last<ScopeChanged>()->cause, Cause::handover);
  pair.tell(pair.b, HandoverConfirm{kScope, next_});
  pair.run_for(seconds(2));
  expect_only_b_open();
  EXPECT_FALSE(pair.a.last<PeerHello>()->hello.scopes.at(0).handed_over);
  EXPECT_FALSE(pair.b.last<PeerHello>()->hello.scopes.at(0).handed_over);
  EXPECT_LE(pair.overlap, milliseconds(300));
}

TEST_F(Handover, TermIsInNoHelloBeforeTheCommit) {
  const std::size_t mark_a = pair.a.journal.size();
  const std::size_t mark_b = pair.b.journal.size();
  open(offer());
  pair.run_for(milliseconds(100));
  for (const auto& [router, mark] : {std::pair{&pair.a, mark_a}, std::pair{&pair.b, mark_b}})
    for (std::size_t i = mark; i < router->journal.size(); ++i)
      if (const auto* send = std::get_if<SendHello>(&router->journal[i])) {
        EXPECT_EQ(send->hello.scopes.at(0).term, Pair::term(1, pair.a));
      }
}

TEST_F(Handover, AbortRevokesTheNewSide) {
  open(offer());
  pair.tell(pair.a, HandoverAbort{kScope});
  pair.run_for(milliseconds(1));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_EQ(pair.state(pair.b).term, Pair::term(1, pair.a));
  pair.tell(pair.a, HandoverOffer{kScope, next_});  // an aborted term is burnt
  EXPECT_FALSE(pair.a.last<HandoverOffered>()->offered);
}

// The next keeper is back before its silence is noticed, and counts its hellos from one.
TEST_F(Handover, AKeeperThatTookThePlaceOfTheOldOneRevokes) {
  pair.run_for(seconds(10));
  open(offer());
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(50));
  pair.start_keeper(pair.a);
  pair.connect(pair.a);
  pair.set_scope(pair.a, Role::master, Pair::term(1, pair.a), GatePosture::leased);
  pair.run_for(milliseconds(30));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_EQ(pair.state(pair.b).role, Role::backup);
}

TEST_F(Handover, AnOfferEndsWithoutADaemon) {
  open(offer());
  pair.kill_daemon(pair.a);
  pair.kill_daemon(pair.b);
  pair.run_for(milliseconds(260));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_LE(pair.overlap, milliseconds(300));
  pair.connect(pair.a);
  pair.tell(pair.a, HandoverCommit{kScope, next_});  // too late
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
}

TEST_F(Handover, WithoutAnOfferAnyNewerHelloRevokes) {
  open(pair.a.keeper->status(pair.now).hello_counter);
  pair.run_for(milliseconds(25));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_EQ(pair.b.last<ScopeChanged>()->cause, Cause::handover);
}

TEST_F(Handover, RevokeByTheDaemonCloses) {
  open(offer());
  pair.tell(pair.b, HandoverRevoke{kScope, next_});
  EXPECT_FALSE(pair.open(pair.b));
}

TEST_F(Handover, OldSideDiesBeforeTheCommit) {
  open(offer());
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(130));
  EXPECT_TRUE(taken());
  EXPECT_TRUE(pair.open(pair.b));
  pair.run_for(seconds(2));
  expect_only_b_open();
}

TEST_F(Handover, NewSideDiesAfterItOpened) {
  open(offer());
  pair.kill_keeper(pair.b);
  pair.run_for(milliseconds(300));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
  pair.run_for(seconds(3));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
}

TEST_F(Handover, CommittedHelloLostDoneArrives) {
  open(offer());
  pair.a.link[0] = false;
  pair.tell(pair.a, HandoverCommit{kScope, next_});
  pair.run_for(milliseconds(5));
  pair.tell(pair.b, HandoverConfirm{kScope, next_});
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  pair.run_for(milliseconds(20));
  EXPECT_TRUE(pair.open(pair.b));
}

TEST_F(Handover, RevokedTooEarlyButCommittedAllTheSame) {
  open(pair.a.keeper->status(pair.now).hello_counter);  // no offer: the next hello revokes
  pair.run_for(milliseconds(25));
  ASSERT_FALSE(pair.open(pair.b));
  pair.tell(pair.a, HandoverCommit{kScope, next_});
  pair.run_for(milliseconds(1));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  EXPECT_FALSE(pair.open(pair.a));
}

TEST_F(Handover, BackAgain) {
  open(offer());
  pair.tell(pair.a, HandoverCommit{kScope, next_});
  pair.run_for(milliseconds(50));
  const Term third = Pair::term(3, pair.a);
  pair.tell(pair.b, HandoverOffer{kScope, third});
  pair.tell(pair.a, HandoverOpen{kScope, third, pair.b.last<HandoverOffered>()->hello_counter});
  EXPECT_TRUE(pair.open(pair.a));
  pair.tell(pair.b, HandoverCommit{kScope, third});
  pair.run_for(milliseconds(50));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
}

class MarkedHandover : public Handover {
 protected:
  MarkedHandover() { pair.marks = true; }
};

TEST_F(MarkedHandover, TwoGatesAreOpenForOneHello) {
  open(offer());
  EXPECT_TRUE(pair.open(pair.a) && pair.open(pair.b));
  pair.run_for(3 * kDelay);
  EXPECT_FALSE(pair.open(pair.a));
  ASSERT_TRUE(pair.a.last<HandoverCommitted>().has_value());
  EXPECT_EQ(pair.a.last<HandoverCommitted>()->term, next_);
  EXPECT_EQ(pair.state(pair.a).role, Role::backup);
  EXPECT_TRUE(taken());
  EXPECT_LE(pair.overlap, 2 * kDelay);
  pair.tell(pair.a, HandoverCommit{kScope, next_});  // the daemons are late
  pair.tell(pair.b, HandoverConfirm{kScope, next_});
  pair.run_for(seconds(2));
  expect_only_b_open();
}

TEST_F(MarkedHandover, GoesThroughWithoutDaemonsOnceTheNewSideHasOpened) {
  open(offer());
  pair.kill_daemon(pair.a);
  pair.kill_daemon(pair.b);
  pair.run_for(milliseconds(50));
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  expect_only_b_open();
}

TEST_F(MarkedHandover, ALostHelloIsMadeUpByTheNext) {
  const std::uint64_t counter = offer();
  pair.b.link[0] = false;
  open(counter);
  pair.b.link[0] = true;
  pair.run_for(milliseconds(1));
  EXPECT_TRUE(pair.open(pair.a));
  pair.run_for(milliseconds(21));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
}

// The new side has heard of no abort and still has its gate open for the first offer.
TEST_F(MarkedHandover, AMarkOfAnEarlierOfferCommitsNothing) {
  const std::uint64_t counter = offer();
  pair.b.link[0] = false;
  open(counter);
  pair.a.link[0] = false;
  pair.tell(pair.a, HandoverAbort{kScope});
  pair.tell(pair.a, HandoverOffer{kScope, Pair::term(3, pair.b)});
  ASSERT_TRUE(pair.a.last<HandoverOffered>()->offered);
  pair.a.link[0] = pair.b.link[0] = true;
  pair.run_for(milliseconds(60));
  EXPECT_NE(pair.a.last<PeerHello>()->hello.scopes.at(0).opened, 0);
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
  EXPECT_TRUE(pair.open(pair.a));
  pair.run_for(milliseconds(250));  // the offer ends, and a hello without one revokes
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_LE(pair.overlap, milliseconds(350));
}

TEST_F(MarkedHandover, AnAbortThatCameFirstHolds) {
  open(offer());
  pair.tell(pair.a, HandoverAbort{kScope});
  pair.run_for(milliseconds(60));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_FALSE(pair.a.last<HandoverCommitted>().has_value());
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
