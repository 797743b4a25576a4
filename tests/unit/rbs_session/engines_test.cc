#include <gtest/gtest.h>

#include "pair.h"

/// The engines of a backup: behind its store, in slices, and never left out.
namespace hotpair::rbs::session::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SessionConfig small_slices() {
  SessionConfig config;
  config.slice_records = 16;
  config.apply_records = 4;
  return config;
}

/// Everything runs but the backup's timer, which is what gives its engines their turn.
void run_without_engines(Pair& pair) {
  while (pair.a.step_store(pair.now) || pair.b.step_store(pair.now) ||
         pair.step_frame(pair.a, pair.b) || pair.step_frame(pair.b, pair.a) ||
         pair.a.step_timer(pair.now)) {
  }
}

void fill(Pair& pair, unsigned records) {
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < records; ++i) pair.a.put(i, i, pair.now);
  pair.run();
}

TEST(SessionEngines, BulkIsAcknowledgedByTheStoreAndCompleteWithTheEngines) {
  Pair pair(small_slices());
  fill(pair, 100);
  pair.connect();
  run_without_engines(pair);
  EXPECT_TRUE(pair.a.complete) << "the peer's store has all of it";
  EXPECT_EQ(pair.b.stored(), pair.a.stored());
  EXPECT_FALSE(pair.b.stored_meta().incomplete);
  EXPECT_LT(pair.b.engine.size(), 5U);
  EXPECT_FALSE(pair.b.complete);
  pair.run();
  EXPECT_EQ(pair.b.engine, pair.a.engine);
  EXPECT_TRUE(pair.b.complete);
}

TEST(SessionEngines, NoTurnIsLongerThanASlice) {
  Pair pair(small_slices());
  fill(pair, 100);
  pair.connect();
  std::size_t before = pair.b.engine.size();
  while (pair.step()) {
    EXPECT_LE(pair.b.engine.size(), before + 4);
    before = pair.b.engine.size();
  }
  EXPECT_EQ(before, 100U);
}

TEST(SessionEngines, LiveRecordsAreAcknowledgedBeforeTheEnginesHaveThem) {
  Pair pair(small_slices());
  fill(pair, 1);
  pair.connect();
  pair.run();
  for (unsigned i = 0; i < 30; ++i) pair.a.put(i, i + 50, pair.now);
  run_without_engines(pair);
  EXPECT_EQ(pair.a.show(pair.now).acked, pair.a.journal->last());
  EXPECT_NE(pair.b.engine, pair.a.engine);
  pair.run();
  EXPECT_EQ(pair.b.engine, pair.a.engine);
}

TEST(SessionEngines, LiveRecordsAndTheFeedKeepTheOrderOfTheStore) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Pair pair(small_slices());
    pair.random.emplace(seed);
    fill(pair, 120);
    pair.connect();
    for (unsigned i = 0; i < 400; ++i) {
      static_cast<void>(pair.step());
      if (i % 3 == 0) pair.a.erase((i * 7) % 130, pair.now);
      if (i % 3 == 1) pair.a.put((i * 11) % 130, 1000 + i, pair.now);
    }
    pair.run();
    ASSERT_TRUE(pair.b.complete) << seed;
    ASSERT_EQ(pair.b.engine, pair.a.engine) << seed;
    ASSERT_EQ(pair.b.stored(), pair.a.stored()) << seed;
  }
}

TEST(SessionEngines, TakeoverFeedsFirstWhatTheStoreHasOfABulk) {
  Pair pair(small_slices());
  fill(pair, 400);
  pair.connect();
  while (pair.b.stored().size() < 200) {
    ASSERT_TRUE(pair.a.step_store(pair.now) || pair.b.step_store(pair.now) ||
                pair.step_frame(pair.a, pair.b) || pair.step_frame(pair.b, pair.a));
  }
  pair.cut();
  const std::size_t stored = pair.b.stored().size();
  ASSERT_LT(stored, 400U);
  ASSERT_LT(pair.b.engine.size(), stored);
  pair.b.set_role(Role::master, Term{2, NodeId{2}}, pair.now);
  EXPECT_FALSE(pair.b.taken);
  // It takes longer than a takeover waits for a store that is silent; this one is at work.
  while (!pair.b.taken) {
    pair.now += milliseconds(300);
    ASSERT_TRUE(pair.b.step_store(pair.now) || pair.b.step_timer(pair.now));
  }
  EXPECT_FALSE(pair.b.taken->torn);
  EXPECT_GE(pair.b.engine.size(), stored);
  pair.run();
  EXPECT_EQ(pair.b.engine, pair.b.stored());
}

TEST(SessionEngines, LostStreamAfterTheBulkLeavesNothingUnfed) {
  Pair pair(small_slices());
  fill(pair, 100);
  pair.connect();
  run_without_engines(pair);
  pair.cut();
  pair.a.put(7, 777, pair.now);
  while (pair.a.step_store(pair.now)) {
  }
  pair.connect();  // a delta begins while the engines are still behind
  run_without_engines(pair);
  EXPECT_LT(pair.b.engine.size(), 100U);
  pair.run();
  EXPECT_EQ(pair.b.show(pair.now).bulks, 1U);
  EXPECT_EQ(pair.b.engine, pair.a.engine);
  EXPECT_TRUE(pair.b.complete);
}

TEST(SessionEngines, StoreThatFailsInABulkDoesNotKeepItFromTheEngines) {
  for (unsigned steps = 0; steps < 120; steps += 3) {
    Pair pair(small_slices());
    fill(pair, 100);
    pair.connect();
    for (unsigned i = 0; i < steps; ++i) static_cast<void>(pair.step());
    pair.b.store_fails = true;
    pair.a.put(500, 1, pair.now);
    pair.run();
    ASSERT_EQ(pair.b.engine, pair.a.engine) << steps;
    ASSERT_FALSE(pair.b.complete) << steps;
    pair.b.store_fails = false;
    pair.advance(seconds(4));
    ASSERT_TRUE(pair.b.complete) << steps;
    ASSERT_EQ(pair.b.engine, pair.a.engine) << steps;
    ASSERT_EQ(pair.b.stored(), pair.a.stored()) << steps;
  }
}

TEST(SessionEngines, EnginesFarBehindStopTheBulk) {
  SessionConfig config = small_slices();
  config.unfed_records = 64;
  Pair pair(config);
  fill(pair, 400);
  pair.connect();
  run_without_engines(pair);
  EXPECT_FALSE(pair.b.reading);
  EXPECT_TRUE(pair.a.peer_flow);
  EXPECT_LT(pair.b.stored().size(), 64U + 64U * 16U);
  EXPECT_LT(pair.b.stored().size(), 400U);
  pair.advance(seconds(1));
  EXPECT_TRUE(pair.b.reading);
  EXPECT_TRUE(pair.b.complete);
  EXPECT_EQ(pair.b.engine, pair.a.engine);
}

TEST(SessionEngines, RemovedScopeKnowsThatItsEnginesLackRecords) {
  Pair pair(small_slices());
  fill(pair, 100);
  pair.connect();
  run_without_engines(pair);
  pair.b.session->remove_scope(kScope, pair.now);
  pair.b.drain(pair.now);
  EXPECT_TRUE(pair.b.journal->torn());
  pair.b.set_role(Role::backup, Term{1, NodeId{1}}, pair.now);
  pair.run();
  EXPECT_EQ(pair.b.show(pair.now).bulks, 1U) << "counted anew with the scope";
  EXPECT_EQ(pair.b.engine, pair.a.engine);
  EXPECT_TRUE(pair.b.complete);
}

}  // namespace
}  // namespace hotpair::rbs::session::test
