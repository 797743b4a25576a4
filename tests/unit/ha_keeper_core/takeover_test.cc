#include <gtest/gtest.h>

#include "tests/unit/ha_keeper_core/pair.h"

namespace hotpair::ha::keeper::test {
namespace {

template <typename T>
std::optional<std::size_t> first_after(const std::vector<Effect>& journal, std::size_t from) {
  for (std::size_t i = from; i < journal.size(); ++i)
    if (std::holds_alternative<T>(journal[i])) return i;
  return std::nullopt;
}

TEST(Takeover, BringUpOpensOnlyTheMaster) {
  Pair pair;
  pair.bring_up();
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
  EXPECT_TRUE(pair.state(pair.b).armed.has_value());
  ASSERT_TRUE(pair.b.last<PeerHello>().has_value());
  EXPECT_EQ(pair.b.last<PeerHello>()->hello.scopes.at(0).term, Pair::term(1, pair.a));
  EXPECT_EQ(pair.a.last<PeerChanged>()->heard, true);
}

// Design 8: raise the term, open the gate, hello; then the daemon is told.
TEST(Takeover, SilenceOnAllPathsExecutesThePlanInOrder) {
  Pair pair;
  pair.bring_up();
  const std::size_t mark = pair.b.journal.size();
  const TimePoint heard_at = pair.now;
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(130));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_EQ(pair.state(pair.b).term, Pair::term(2, pair.b));
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  EXPECT_FALSE(pair.state(pair.b).armed.has_value());
  const auto changed = pair.b.last<ScopeChanged>();
  ASSERT_TRUE(changed.has_value());
  EXPECT_EQ(changed->cause, Cause::paths_down);
  EXPECT_LE(changed->decided - heard_at, milliseconds(100));
  EXPECT_EQ(changed->decided - changed->last_heard, milliseconds(100));
  const auto store = first_after<StoreGate>(pair.b.journal, mark);
  ASSERT_TRUE(store.has_value());
  ASSERT_GT(pair.b.journal.size(), *store + 1);
  const auto* hello = std::get_if<SendHello>(&pair.b.journal[*store + 1]);
  ASSERT_NE(hello, nullptr);
  EXPECT_EQ(hello->hello.scopes.at(0).role, Role::master);
  EXPECT_EQ(hello->hello.scopes.at(0).term, Pair::term(2, pair.b));
  EXPECT_EQ(hello->hello.paths_up, 0U);
}

// What the daemon's next life shows as the reason of its role.
TEST(Takeover, TheCauseOutlivesTheDaemon) {
  Pair pair;
  pair.bring_up();
  pair.tell(pair.a, SetScope{kScope, Role::master, Pair::term(1, pair.a), GatePosture::leased, true,
                             Cause::election});
  pair.kill_daemon(pair.a);
  pair.connect(pair.a);
  EXPECT_EQ(pair.state(pair.a).cause, Cause::election);
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(130));
  pair.kill_daemon(pair.b);
  pair.connect(pair.b);
  ASSERT_EQ(pair.b.last<Welcome>()->scopes.size(), 1U);
  EXPECT_EQ(pair.b.last<Welcome>()->scopes[0].cause, Cause::paths_down);
  // The daemon says what it was told; a word without a reason changes none.
  pair.set_scope(pair.b, Role::master, Pair::term(2, pair.b), GatePosture::leased);
  EXPECT_EQ(pair.state(pair.b).cause, Cause::paths_down);
}

TEST(Takeover, OneOfTwoPathsDownIsNoTakeover) {
  Pair pair;
  pair.path_count = 2;
  pair.bring_up();
  pair.a.link[0] = pair.b.link[0] = false;
  pair.run_for(seconds(2));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  const auto down = pair.b.last<PathChanged>();
  ASSERT_TRUE(down.has_value());
  EXPECT_FALSE(down->up);
  EXPECT_EQ(down->path.value(), 0);
  EXPECT_EQ(down->silent_ms, 100U);
  pair.a.link[1] = pair.b.link[1] = false;
  pair.run_for(milliseconds(130));
  EXPECT_TRUE(pair.open(pair.b));
}

TEST(Takeover, PlanIsVoidWhenAHelloShowsAnotherTerm) {
  Pair pair;
  pair.bring_up();
  pair.set_scope(pair.a, Role::master, Pair::term(7, pair.a), GatePosture::leased);
  pair.run_for(milliseconds(5));
  EXPECT_FALSE(pair.state(pair.b).armed.has_value());
  EXPECT_EQ(pair.state(pair.b).term, Pair::term(7, pair.a));
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(300));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_EQ(pair.state(pair.b).role, Role::backup);
}

TEST(Takeover, APlanArmedAgainstAnotherTermThanHeardIsNotTaken) {
  Pair pair;
  pair.bring_up();
  pair.tell(pair.b, Disarm{kScope});
  pair.arm(pair.b, Pair::term(4, pair.a), Pair::term(5, pair.b), {Cause::paths_down});
  EXPECT_FALSE(pair.state(pair.b).armed.has_value());
}

TEST(Takeover, IncompleteScopeArmedForSilenceOnlyIgnoresAccessLoss) {
  Pair pair;
  pair.bring_up({Cause::paths_down});
  pair.carrier(pair.a, false);
  pair.run_for(milliseconds(300));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_TRUE(pair.open(pair.a));  // nobody else would forward
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(130));
  EXPECT_TRUE(pair.open(pair.b));
}

TEST(Takeover, ReportedAccessLossActsAtOnce) {
  Pair pair;
  pair.bring_up();
  pair.carrier(pair.a, false);
  const TimePoint lost = pair.now;
  pair.run_for(milliseconds(1));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.b.last<ScopeChanged>()->cause, Cause::peer_access_lost);
  EXPECT_LE(pair.b.last<ScopeChanged>()->decided - lost, milliseconds(1));
  EXPECT_EQ(pair.a.last<ScopeChanged>()->cause, Cause::larger_term);
  EXPECT_EQ(pair.a.last<AccessChanged>()->up, false);
  EXPECT_LE(pair.overlap, milliseconds(1));
  pair.run_for(seconds(3));
  EXPECT_TRUE(pair.open(pair.b));
}

TEST(Takeover, NoGainWhenBothLostTheirAccess) {
  Pair pair;
  pair.bring_up();
  pair.carrier(pair.b, false);
  pair.carrier(pair.a, false);
  pair.run_for(milliseconds(300));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  pair.carrier(pair.b, true);  // now it helps
  pair.run_for(milliseconds(5));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_FALSE(pair.open(pair.a));
}

TEST(Takeover, LargerTermClosesTheGateBeforeAnythingElse) {
  Pair pair;
  pair.bring_up();
  const std::size_t mark = pair.a.journal.size();
  pair.set_scope(pair.b, Role::master, Pair::term(9, pair.b), GatePosture::leased);
  pair.run_for(milliseconds(1));
  ASSERT_GT(pair.a.journal.size(), mark);
  const auto* store = std::get_if<StoreGate>(&pair.a.journal[mark]);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->word, kGateClosed);
  EXPECT_EQ(pair.state(pair.a).role, Role::backup);
  EXPECT_EQ(pair.state(pair.a).term, Pair::term(9, pair.b));
  EXPECT_EQ(pair.a.last<ScopeChanged>()->cause, Cause::larger_term);
}

TEST(Takeover, OlderTermFromTheDaemonIsAnsweredWithTheTruth) {
  Pair pair;
  pair.bring_up();
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(130));
  pair.b.told.clear();
  pair.set_scope(pair.b, Role::backup, Pair::term(1, pair.a), GatePosture::closed);
  ASSERT_TRUE(pair.b.last<ScopeChanged>().has_value());
  EXPECT_EQ(pair.b.last<ScopeChanged>()->state.role, Role::master);
  EXPECT_EQ(pair.b.last<ScopeChanged>()->state.term, Pair::term(2, pair.b));
  EXPECT_TRUE(pair.open(pair.b));
}

TEST(Takeover, AloneAfterTheLongerOfTimeoutAndGrace) {
  Pair pair;
  pair.start_keeper(pair.a);
  pair.connect(pair.a);
  pair.run_for(milliseconds(9'990));
  EXPECT_FALSE(pair.a.last<Alone>().has_value());
  pair.run_for(milliseconds(20));
  ASSERT_TRUE(pair.a.last<Alone>().has_value());
  pair.connect(pair.a);  // a new daemon is told, too
  EXPECT_TRUE(pair.a.last<Alone>().has_value());
}

TEST(Takeover, HelloWithoutEchoProlongsInitOnce) {
  Pair pair;
  pair.grace_ms = 0;
  pair.start_keeper(pair.a);
  pair.connect(pair.a);
  Hello stray;
  stray.etrunk = kEtrunk;
  stray.session = 77;
  for (int i = 0; i < 30; ++i) {
    pair.run_for(milliseconds(9));
    ++stray.counter;
    pair.a.keeper->on_hello(kEtrunk, etrunk::PathId(0), stray, pair.now);
    while (auto effect = pair.a.keeper->poll_effect())
      if (auto* told = std::get_if<ToDaemon>(&*effect)) pair.a.told.push_back(told->message);
    if (i == 11) {
      EXPECT_FALSE(pair.a.last<Alone>().has_value());  // 108 ms: would have been at 100
    }
  }
  EXPECT_TRUE(pair.a.last<Alone>().has_value());
}

TEST(Takeover, PathEventsAreReplayedToADaemonThatConnects) {
  Pair pair;
  pair.bring_up();
  pair.kill_daemon(pair.b);
  pair.run_for(milliseconds(100));
  pair.connect(pair.b);
  const auto welcome = pair.b.last<Welcome>();
  ASSERT_TRUE(welcome.has_value());
  ASSERT_EQ(welcome->scopes.size(), 1U);
  EXPECT_EQ(welcome->scopes[0].role, Role::backup);
  EXPECT_TRUE(welcome->scopes[0].armed.has_value());
  EXPECT_TRUE(pair.b.last<PathChanged>()->up);
  EXPECT_TRUE(pair.b.last<PeerHello>().has_value());
  EXPECT_TRUE(pair.b.last<PeerChanged>()->heard);
}

TEST(Takeover, VersionsThatDoNotMeetAreRefused) {
  Pair pair;
  pair.start_keeper(pair.a);
  pair.a.daemon = true;
  pair.a.keeper->on_daemon_connected(pair.now);
  pair.tell(pair.a, DaemonHello{2, 3, pair.a.id, "later"});
  EXPECT_TRUE(pair.a.last<Refused>().has_value());
  EXPECT_FALSE(pair.a.last<Welcome>().has_value());
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
