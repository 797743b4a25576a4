#include <gtest/gtest.h>

#include <cstdlib>

#include "pair.h"

/// Deaths, cuts, takeovers at every step, and random runs of all of them.
namespace hotpair::rbs::session::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SessionConfig small_slices() {
  SessionConfig config;
  config.slice_records = 8;
  config.range_parts = 16;
  return config;
}

void expect_equal(Pair& pair, const std::string& where) {
  EXPECT_EQ(pair.a.stored(), pair.b.stored()) << where;
  EXPECT_EQ(pair.a.engine, pair.b.engine) << where;
  EXPECT_EQ(pair.a.engine, pair.a.stored()) << where;
  EXPECT_EQ(pair.a.stored_meta().digests, pair.b.stored_meta().digests) << where;
}

TEST(SessionFaults, BackupKilledAtEveryFrameOfABulk) {
  for (std::uint64_t kill_at = 1;; ++kill_at) {
    Pair pair(small_slices());
    pair.be_master(pair.a, pair.b, 1);
    for (unsigned i = 0; i < 60; ++i) pair.a.put(i, i, pair.now);
    pair.run();
    pair.connect();
    unsigned update = 0;
    while (pair.frames < kill_at && pair.step()) {
      if (pair.frames % 5 != 0 || update == 20) continue;
      ++update;
      pair.a.put(update, 700 + update, pair.now);
    }
    const bool over = pair.b.complete;
    pair.cut();
    pair.b.restart();
    pair.b.set_role(Role::backup, Term{1, NodeId{1}}, pair.now);
    EXPECT_FALSE(pair.b.complete) << "partial or old: not promotable, frame " << kill_at;
    pair.a.erase(30, pair.now);
    pair.run();
    pair.connect();
    pair.run();
    EXPECT_TRUE(pair.b.complete) << kill_at;
    expect_equal(pair, "killed at frame " + std::to_string(kill_at));
    if (over) break;
    ASSERT_LT(kill_at, 500U);
  }
}

/// What the master did, by sequence, so that one can tell what an acknowledgement promised.
struct Promise {
  std::map<RecordKey, std::pair<Sequence, std::optional<RecordValue>>> newest;

  void note(End& end, unsigned key, std::optional<unsigned> value, TimePoint now) {
    if (value)
      end.put(key, *value, now);
    else
      end.erase(key, now);
    newest[key_of(key)] = {end.journal->last(),
                           value ? std::optional(value_of(*value)) : std::nullopt};
  }
  /// Every key whose newest change was acknowledged is there as it was.
  void expect_kept(const Table& table, Sequence acked, const std::string& where) const {
    for (const auto& [key, change] : newest) {
      if (change.first > acked) continue;
      const auto found = table.find(key);
      if (change.second) {
        ASSERT_TRUE(found != table.end()) << where;
        EXPECT_TRUE(found->second == *change.second) << where;
      } else {
        EXPECT_TRUE(found == table.end()) << where;
      }
    }
  }
};

/// Runs `steps` steps of a pair under load, then the backup takes over. With `alive` the session
/// lives on and the old master learns of it; else the old master is cut off and comes back later.
void takeover_after(unsigned steps, bool alive, bool& finished) {
  const std::string where =
      "after step " + std::to_string(steps) + (alive ? ", session alive" : ", session dead");
  Pair pair(small_slices());
  Promise promise;
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < 40; ++i) promise.note(pair.a, i, i, pair.now);
  pair.run();
  pair.connect();
  finished = false;
  for (unsigned i = 0; i < steps; ++i) {
    if (i % 4 == 1)
      promise.note(pair.a, (i * 5) % 50, i % 3 == 0 ? std::nullopt : std::optional(i), pair.now);
    if (!pair.step()) finished = true;
  }
  const Sequence acked = pair.a.complete ? pair.a.show(pair.now).acked : Sequence{};
  const bool complete = pair.a.complete;
  if (!alive) pair.cut();
  const Term term{2, NodeId{2}};
  pair.b.set_role(Role::master, term, pair.now);
  if (!alive) {
    while (pair.b.step_store(pair.now)) {
    }
  }
  for (unsigned i = 0; i < 500 && !pair.b.taken; ++i) static_cast<void>(pair.step());
  ASSERT_TRUE(pair.b.taken) << where;
  EXPECT_EQ(pair.b.taken->epoch.term, term);
  if (complete) {
    EXPECT_TRUE(pair.b.taken->complete) << where;
    promise.expect_kept(pair.b.engine, acked, where);
  }
  // The old master goes on for a while before it learns; that is its dead tail.
  pair.a.put(999, 1, pair.now);
  pair.b.put(3, 12'345, pair.now);
  pair.a.set_role(Role::backup, term, pair.now);
  pair.run();
  if (!pair.connected) pair.connect();
  pair.run();
  EXPECT_TRUE(pair.a.complete) << where;
  expect_equal(pair, where);
  EXPECT_TRUE(pair.a.stored().contains(key_of(3))) << where;
  EXPECT_FALSE(pair.a.stored().contains(key_of(999))) << where;
  EXPECT_EQ(pair.a.session->show(pair.now).rejected[static_cast<std::size_t>(Reason::out_of_order)],
            0U)
      << where;
  EXPECT_EQ(pair.b.session->show(pair.now).rejected[static_cast<std::size_t>(Reason::out_of_order)],
            0U)
      << where;
}

TEST(SessionFaults, TakeoverBetweenAnyTwoStepsWithTheSessionAlive) {
  bool finished = false;
  for (unsigned steps = 0; !finished && steps < 150; ++steps) {
    takeover_after(steps, true, finished);
    if (HasFailure()) return;
  }
}

TEST(SessionFaults, TakeoverBetweenAnyTwoStepsWithTheSessionDead) {
  bool finished = false;
  for (unsigned steps = 0; !finished && steps < 150; ++steps) {
    takeover_after(steps, false, finished);
    if (HasFailure()) return;
  }
}

TEST(SessionFaults, TakeoverAppliesWhatWasReadAndDoesNotWaitForTheStore) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  pair.a.put(1, 1, pair.now);
  while (pair.a.step_store(pair.now)) {
  }
  ASSERT_TRUE(pair.step_frame(pair.a, pair.b));
  EXPECT_TRUE(pair.b.engine.empty());
  pair.b.set_role(Role::master, Term{2, NodeId{2}}, pair.now);
  EXPECT_EQ(pair.b.engine.size(), 1U);
  ASSERT_TRUE(pair.b.taken);
  EXPECT_TRUE(pair.b.taken->complete);
  EXPECT_EQ(pair.b.journal->last(), Sequence{1});
  pair.b.put(2, 2, pair.now);
  while (pair.b.step_store(pair.now)) {
  }
  EXPECT_EQ(pair.b.stored(), pair.b.engine);
  EXPECT_EQ(pair.b.stored_meta().history.back().begins_after, Sequence{1});
}

TEST(SessionFaults, TakeoverWaitsForASliceButNotForEver) {
  Pair pair(small_slices());
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < 20; ++i) pair.a.put(i, i, pair.now);
  pair.connect();
  // Frames flow, but the backup's store stands still.
  while (pair.a.step_store(pair.now) || pair.step_frame(pair.a, pair.b) ||
         pair.step_frame(pair.b, pair.a)) {
  }
  pair.b.set_role(Role::master, Term{2, NodeId{2}}, pair.now);
  EXPECT_FALSE(pair.b.taken);
  pair.now += seconds(1);
  ASSERT_LE(*pair.b.session->next_deadline(), pair.now);
  pair.b.session->on_timeout(pair.now);
  pair.b.drain(pair.now);
  ASSERT_TRUE(pair.b.taken);
  EXPECT_FALSE(pair.b.taken->complete);
  EXPECT_TRUE(pair.b.taken->torn) << "what the store has of the slices is not known";
}

TEST(SessionFaults, DataOfAnOlderTermIsRefusedAndCounted) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  // The backup heard of a newer term by hello; the old master does not know yet.
  pair.b.set_role(Role::backup, Term{5, NodeId{1}}, pair.now);
  pair.a.put(1, 1, pair.now);
  pair.run();
  EXPECT_TRUE(pair.b.engine.empty());
  EXPECT_TRUE(pair.b.stored().empty());
  EXPECT_GE(pair.b.session->show(pair.now).rejected[static_cast<std::size_t>(Reason::stale_term)],
            1U);
  EXPECT_TRUE(pair.b.session->up());
  // Once the master has risen to that term the records come.
  pair.a.set_role(Role::master, Term{5, NodeId{1}}, pair.now);
  pair.run();
  expect_equal(pair, "after the term rose");
  EXPECT_EQ(pair.b.engine.size(), 1U);
}

TEST(SessionFaults, TermRisesWithoutAChangeOfMaster) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  pair.a.put(1, 1, pair.now);
  pair.a.set_role(Role::master, Term{9, NodeId{1}}, pair.now);
  pair.a.put(2, 2, pair.now);
  pair.run();
  pair.b.set_role(Role::backup, Term{9, NodeId{1}}, pair.now);
  pair.a.put(3, 3, pair.now);
  pair.run();
  expect_equal(pair, "");
  EXPECT_EQ(pair.b.engine.size(), 3U);
  EXPECT_TRUE(pair.b.complete);
}

TEST(SessionFaults, HalfOpenStreamEndsByOwnKeepalive) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  pair.advance(seconds(60));
  EXPECT_TRUE(pair.a.session->up()) << "keepalives keep it";
  // Nothing arrives any more, and nobody says so.
  for (int i = 0; i < 40 && pair.a.session->up(); ++i) {
    pair.now = *pair.a.session->next_deadline();
    pair.a.session->on_timeout(pair.now);
    pair.a.drain(pair.now);
  }
  ASSERT_TRUE(pair.a.closed);
  EXPECT_EQ(pair.a.closed->reason, Reason::peer_silent);
  EXPECT_EQ(pair.a.role, Role::master) << "nobody's role changed";
}

TEST(SessionFaults, OwnPauseIsNotBlamedOnThePeer) {
  Pair pair;
  pair.connect();
  pair.run();
  pair.now += seconds(25);  // this process slept
  pair.a.session->on_timeout(pair.now);
  pair.a.drain(pair.now);
  EXPECT_TRUE(pair.a.session->up());
  pair.now += seconds(4);
  pair.a.session->on_timeout(pair.now);
  pair.a.drain(pair.now);
  EXPECT_FALSE(pair.a.session->up()) << "extended once, by one interval";
}

TEST(SessionFaults, PeerThatDoesNotReadIsGivenUp) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  pair.a.put(1, 1, pair.now);
  while (pair.a.step_store(pair.now)) {
  }
  for (int i = 0; i < 12; ++i) {
    pair.now += seconds(3);
    pair.a.session->on_frame(Keepalive{}, pair.now);
    pair.a.session->on_timeout(pair.now);
    pair.a.drain(pair.now);
  }
  ASSERT_TRUE(pair.a.closed);
  EXPECT_EQ(pair.a.closed->reason, Reason::peer_not_reading);
}

TEST(SessionFaults, HandoverFramesReachTheOtherSide) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  const Term granted{2, NodeId{2}};
  EXPECT_FALSE(pair.b.session->send_handover(Handover{kScope, granted, 1}, pair.now));
  pair.a.others.clear();
  pair.b.others.clear();
  ASSERT_TRUE(pair.a.session->send_handover(Handover{kScope, granted, 17}, pair.now));
  pair.a.drain(pair.now);
  pair.run();
  ASSERT_EQ(pair.b.others.size(), 1U);
  EXPECT_EQ(std::get<HandoverRequested>(pair.b.others[0]).hello_counter, 17U);
  ASSERT_TRUE(pair.b.session->send_handover(HandoverReady{kScope, granted}, pair.now));
  pair.b.drain(pair.now);
  pair.run();
  ASSERT_EQ(pair.a.others.size(), 1U);
  EXPECT_EQ(std::get<HandoverIsReady>(pair.a.others[0]).term, granted);
  ASSERT_TRUE(pair.a.session->send_handover(HandoverDone{kScope, granted, 18}, pair.now));
  pair.a.drain(pair.now);
  pair.a.set_role(Role::backup, granted, pair.now);
  pair.run();
  EXPECT_EQ(std::get<HandoverIsDone>(pair.b.others.back()).hello_counter, 18U);
  pair.b.set_role(Role::master, granted, pair.now);
  pair.b.put(1, 1, pair.now);
  pair.run();
  expect_equal(pair, "after the handover");
  EXPECT_EQ(pair.a.show(pair.now).bulks, 1U) << "the first contact; the handover is a delta";
  // A late abort of that term is stale and closes nothing.
  ASSERT_TRUE(pair.b.session->send_handover(HandoverAbort{kScope, granted}, pair.now));
  pair.b.drain(pair.now);
  pair.run();
  EXPECT_TRUE(pair.a.session->up());
}

struct Chaos {
  explicit Chaos(unsigned the_seed) : random(the_seed), pair(small_slices(), journal()) {
    pair.random.emplace(the_seed + 1);
  }
  static checkpoint::journal::JournalConfig journal() {
    checkpoint::journal::JournalConfig config;
    config.window_records = 16;
    config.sweep_every = 24;
    config.deletions_max = 12;
    return config;
  }
  unsigned draw(unsigned below) { return static_cast<unsigned>(random() % below); }

  End& master() { return a_is_master ? pair.a : pair.b; }
  End& backup() { return a_is_master ? pair.b : pair.a; }

  void take_over() {
    const Sequence acked = master().complete ? master().show(pair.now).acked : Sequence{};
    End& old = master();
    a_is_master = !a_is_master;
    const Term term{++counter, NodeId{master().node}};
    master().set_role(Role::master, term, pair.now);
    for (unsigned i = 0; i < 2000 && !master().taken; ++i) static_cast<void>(pair.step());
    ASSERT_TRUE(master().taken);
    promise.expect_kept(master().engine, acked, "takeover " + std::to_string(counter));
    // From here on the new master's state is what counts.
    promise.newest.clear();
    for (unsigned i = draw(4); i > 0; --i) static_cast<void>(pair.step());
    if (draw(2) == 0) old.put(draw(64), 7, pair.now);  // not knowing it yet
    old.set_role(Role::backup, term, pair.now);
  }

  void restart_master() {
    const Sequence acked = master().complete ? master().show(pair.now).acked : Sequence{};
    if (pair.connected) pair.cut();
    master().restart();
    master().set_role(Role::master, Term{counter, NodeId{master().node}}, pair.now);
    promise.expect_kept(master().engine, acked, "restart in place");
    promise.newest.clear();
  }

  void act() {
    const unsigned what = draw(100);
    if (what < 45) {
      promise.note(master(), draw(64), draw(3) == 0 ? std::nullopt : std::optional(draw(100'000)),
                   pair.now);
    } else if (what < 90) {
      for (unsigned i = draw(8); i > 0; --i) static_cast<void>(pair.step());
    } else if (what < 93) {
      pair.connected ? pair.cut() : pair.connect();
    } else if (what < 95) {
      if (!pair.connected) pair.connect();
    } else if (what < 96) {
      if (pair.connected) pair.cut();
      backup().restart();
      backup().set_role(Role::backup, Term{counter, NodeId{master().node}}, pair.now);
    } else if (what < 97) {
      End& end = draw(3) == 0 ? master() : backup();
      end.store_fails = !end.store_fails;
    } else if (what < 98) {
      pair.now += milliseconds(draw(3000));
      for (End* end : {&pair.a, &pair.b}) {
        end->session->on_timeout(pair.now);
        end->journal->on_timeout(pair.now);
        end->drain(pair.now);
      }
    } else if (draw(3) == 0 && !master().journal->degraded() && !master().journal->torn()) {
      restart_master();
    } else if (backup().complete && !backup().store_fails) {
      take_over();
    }
  }

  void settle() {
    pair.a.store_fails = pair.b.store_fails = false;
    pair.run();
    if (!pair.connected) pair.connect();
    pair.advance(seconds(12));
    if (!pair.connected) pair.connect();
    pair.advance(seconds(40));
  }

  std::mt19937 random;
  Pair pair;
  Promise promise;
  bool a_is_master = true;
  std::uint64_t counter = 1;
};

TEST(SessionFaults, RandomRunsEndWithEqualDigestsAndNothingAcknowledgedLost) {
  const char* more = std::getenv("HOTPAIR_SEEDS");
  const unsigned seeds = more != nullptr ? static_cast<unsigned>(std::atoi(more)) : 150;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Chaos chaos(seed);
    chaos.pair.be_master(chaos.pair.a, chaos.pair.b, 1);
    chaos.pair.connect();
    for (unsigned i = 0; i < 400 && !HasFatalFailure(); ++i) chaos.act();
    chaos.settle();
    expect_equal(chaos.pair, "");
    EXPECT_TRUE(chaos.backup().complete);
    for (End* end : {&chaos.pair.a, &chaos.pair.b}) {
      const auto& rejected = end->session->show(chaos.pair.now).rejected;
      for (const Reason fault : {Reason::out_of_order, Reason::wrong_direction, Reason::limit})
        EXPECT_EQ(rejected[static_cast<std::size_t>(fault)], 0U)
            << name_of(fault) << ": " << end->session->show(chaos.pair.now).last_text;
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace hotpair::rbs::session::test
