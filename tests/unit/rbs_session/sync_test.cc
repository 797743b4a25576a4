#include <gtest/gtest.h>

#include "pair.h"

/// Two ends that work: steady state, bulk, delta, repair, digests, flow.
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

void expect_equal(Pair& pair) {
  EXPECT_EQ(pair.a.stored(), pair.b.stored());
  EXPECT_EQ(pair.a.engine, pair.b.engine);
  EXPECT_EQ(pair.a.engine, pair.a.stored());
  EXPECT_EQ(pair.a.stored_meta().digests, pair.b.stored_meta().digests);
}

TEST(Session, ConnectsAndTellsWhoThePeerIs) {
  Pair pair;
  pair.connect();
  pair.run();
  EXPECT_TRUE(pair.a.session->up());
  EXPECT_TRUE(pair.b.session->up());
  EXPECT_EQ(pair.a.session->show(pair.now).peer.node, NodeId{2});
  EXPECT_EQ(pair.b.ups, 1U);
}

TEST(Session, FirstContactIsABulkAndEndsWithEqualDigests) {
  Pair pair(small_slices());
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < 100; ++i) pair.a.put(i, i, pair.now);
  pair.run();
  pair.connect();
  pair.run();
  EXPECT_TRUE(pair.a.complete);
  EXPECT_TRUE(pair.b.complete);
  expect_equal(pair);
  EXPECT_EQ(pair.b.show(pair.now).bulks, 1U);
  EXPECT_EQ(pair.a.show(pair.now).digest, DigestState::equal);
  EXPECT_EQ(pair.a.show(pair.now).state, SyncState::synced);
  EXPECT_FALSE(pair.b.stored_meta().incomplete);
  // The copy holds no index entry of the bulk: its floor says so.
  EXPECT_EQ(pair.b.stored_meta().floor, pair.b.stored_meta().last);
}

TEST(Session, SteadyStateAcknowledgesWhatIsCommitted) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  pair.a.put(1, 1, pair.now);
  while (pair.a.step_store(pair.now)) {
  }
  // Delivered, but the copy's store has not answered: not acknowledged.
  while (pair.step_frame(pair.a, pair.b)) {
  }
  EXPECT_TRUE(pair.b.out.empty());
  EXPECT_TRUE(pair.b.engine.empty());
  EXPECT_EQ(pair.a.show(pair.now).lag_records, 1U);
  pair.run();
  EXPECT_EQ(pair.a.show(pair.now).acked, Sequence{1});
  EXPECT_EQ(pair.b.engine.size(), 1U);
  const auto rows = pair.a.show(pair.now).statistics;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].updates, 1U);
  EXPECT_EQ(rows[0].syncs, 1U);
  EXPECT_EQ(rows[0].awaiting_ack, 0U);
}

TEST(Session, NothingAboveTheCommittedWatermarkIsSent) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  pair.a.put(1, 1, pair.now);
  EXPECT_TRUE(pair.a.out.empty());
  EXPECT_TRUE(pair.a.step_store(pair.now));
  EXPECT_EQ(pair.a.out.size(), 1U);
}

TEST(Session, BulkWhileUpdatesGoOn) {
  Pair pair(small_slices());
  pair.random.emplace(7);
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < 300; ++i) pair.a.put(i * 3, i, pair.now);
  pair.run();
  pair.connect();
  for (unsigned i = 0; i < 600; ++i) {
    for (int steps = 0; steps < 3; ++steps) pair.step();
    if (i % 3 == 0)
      pair.a.erase((i * 7) % 900, pair.now);
    else
      pair.a.put((i * 11) % 1000, 5000 + i, pair.now);
  }
  pair.run();
  EXPECT_TRUE(pair.b.complete);
  expect_equal(pair);
}

TEST(Session, DeltaAfterReconnectSendsOnlyWhatChanged) {
  Pair pair(small_slices());
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < 200; ++i) pair.a.put(i, i, pair.now);
  pair.connect();
  pair.run();
  pair.cut();
  EXPECT_TRUE(pair.b.complete) << "a lost stream says nothing about the copy";
  pair.a.put(5, 1005, pair.now);
  pair.a.erase(6, pair.now);
  pair.run();
  pair.bytes = 0;
  pair.connect();
  pair.run();
  expect_equal(pair);
  EXPECT_EQ(pair.b.show(pair.now).bulks, 1U);
  EXPECT_TRUE(pair.b.complete);
  EXPECT_LT(pair.bytes, 4000U);
}

TEST(Session, DeltaBeyondTheWindowComesFromTheStore) {
  checkpoint::journal::JournalConfig journal;
  journal.window_records = 4;
  Pair pair(small_slices(), journal);
  pair.be_master(pair.a, pair.b, 1);
  pair.a.put(0, 0, pair.now);
  pair.connect();
  pair.run();
  pair.cut();
  for (unsigned i = 0; i < 100; ++i) {
    pair.a.put(i, i + 1, pair.now);
    pair.run();
  }
  pair.a.erase(50, pair.now);
  pair.run();
  EXPECT_LE(pair.a.journal->window_records(), 5U);
  pair.connect();
  pair.run();
  expect_equal(pair);
  EXPECT_EQ(pair.b.show(pair.now).bulks, 1U);
}

TEST(Session, TombstonesSurviveEveryWayOfSync) {
  Pair pair(small_slices());
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < 20; ++i) pair.a.put(i, i, pair.now);
  pair.connect();
  pair.run();
  pair.a.erase(3, pair.now);  // live
  pair.run();
  expect_equal(pair);
  pair.cut();
  pair.a.erase(4, pair.now);  // delta
  pair.run();
  pair.connect();
  pair.run();
  expect_equal(pair);
  // The index forgets: below the floor it is a bulk, which deletes what did not come.
  pair.cut();
  pair.a.erase(5, pair.now);
  pair.run();
  pair.a.journal->reset(pair.now);
  const Table state = pair.a.engine;
  for (const auto& [key, value] : state) pair.a.journal->append({key, value}, pair.now);
  pair.a.drain(pair.now);
  pair.run();
  pair.connect();
  pair.run();
  expect_equal(pair);
  EXPECT_EQ(pair.b.show(pair.now).bulks, 2U);
}

TEST(Session, UnacknowledgedTailIsRepairedNeverMerged) {
  Pair pair(small_slices());
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < 200; ++i) pair.a.put(i, i, pair.now);
  pair.connect();
  pair.run();
  pair.cut();
  pair.a.put(1000, 1, pair.now);  // a tail that the peer never saw
  pair.a.erase(7, pair.now);
  pair.a.put(8, 888, pair.now);
  pair.run();
  pair.be_master(pair.b, pair.a, 2);
  pair.run();
  ASSERT_TRUE(pair.b.taken);
  EXPECT_TRUE(pair.b.taken->complete);
  pair.b.put(9, 999, pair.now);
  pair.run();
  pair.bytes = 0;
  pair.connect();
  pair.run();
  expect_equal(pair);
  EXPECT_FALSE(pair.a.stored().contains(key_of(1000)));
  EXPECT_EQ(pair.b.show(pair.now).repairs, 1U);
  EXPECT_EQ(pair.b.show(pair.now).bulks, 1U) << "only the first contact was a bulk";
  EXPECT_LT(pair.bytes, 12'000U);
}

TEST(Session, DamagedRecordIsFoundByDigestAndRepaired) {
  Pair pair(small_slices());
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < 200; ++i) pair.a.put(i, i, pair.now);
  pair.connect();
  pair.run();
  // A record disappears from the copy, as one with a bad checksum would.
  const auto key = key_of(77);
  static_cast<void>(
      pair.b.store.execute_one({999'999, checkpoint::ReplaceRange{kScope, key_of(76), key, {}}}));
  ASSERT_EQ(pair.b.stored().size(), 199U);
  pair.advance(seconds(40));
  EXPECT_EQ(pair.a.mismatches, 1U);
  EXPECT_EQ(pair.b.mismatches, 1U);
  EXPECT_EQ(pair.a.show(pair.now).repairs, 1U);
  EXPECT_EQ(pair.a.show(pair.now).bulks, 1U);
  EXPECT_EQ(pair.a.show(pair.now).digest, DigestState::equal);
  expect_equal(pair);
}

TEST(Session, DigestOnRequest) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.a.put(1, 1, pair.now);
  pair.connect();
  pair.run();
  pair.a.others.clear();
  ASSERT_TRUE(pair.a.session->check_digest(kScope, pair.now));
  pair.a.drain(pair.now);
  pair.run();
  ASSERT_EQ(pair.a.others.size(), 1U);
  EXPECT_TRUE(std::get<DigestChecked>(pair.a.others[0]).equal);
  EXPECT_FALSE(pair.b.session->check_digest(kScope, pair.now));
}

TEST(Session, SlowPeerBoundsOutputAndIsCaughtUpLater) {
  checkpoint::journal::JournalConfig journal;
  journal.window_records = 256;
  Pair pair({}, journal);
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  for (unsigned i = 0; i < 20'000; ++i) {  // nothing is delivered meanwhile
    pair.a.put(i, i, pair.now);
    while (pair.a.step_store(pair.now)) {
    }
  }
  EXPECT_LT(pair.a.out_bytes_max, pair.a.config.output_bytes + 128 * 1024);
  EXPECT_LE(pair.a.journal->window_records(), 257U);
  EXPECT_GT(pair.a.show(pair.now).lag_records, 10'000U);
  pair.run();
  expect_equal(pair);
}

TEST(Session, ReceiverStopsReadingWhenItsStoreIsBehind) {
  SessionConfig config;
  config.store_requests = 4;
  Pair pair(config);
  pair.be_master(pair.a, pair.b, 1);
  pair.connect();
  pair.run();
  for (unsigned i = 0; i < 50; ++i) {
    pair.a.put(i, i, pair.now);
    while (pair.a.step_store(pair.now)) {
    }
    static_cast<void>(pair.step_frame(pair.a, pair.b));
    static_cast<void>(pair.step_frame(pair.b, pair.a));
  }
  EXPECT_FALSE(pair.b.reading);
  EXPECT_TRUE(pair.a.peer_flow) << "CHKPT_STATUS_IPC_FLOW_ON";
  EXPECT_TRUE(pair.a.session->show(pair.now).peer_flow);
  EXPECT_LE(pair.b.store_requests_max, 5U);
  pair.run();
  EXPECT_TRUE(pair.b.reading);
  EXPECT_FALSE(pair.a.peer_flow);
  expect_equal(pair);
}

TEST(Session, BackupWhoseStoreFailsGoesOnAndIsFilledAgain) {
  Pair pair(small_slices());
  pair.be_master(pair.a, pair.b, 1);
  for (unsigned i = 0; i < 50; ++i) pair.a.put(i, i, pair.now);
  pair.connect();
  pair.run();
  pair.b.store_fails = true;
  const Sequence acked = pair.a.show(pair.now).acked;
  for (unsigned i = 0; i < 20; ++i) {
    pair.a.put(i, i + 100, pair.now);
    pair.run();
  }
  EXPECT_EQ(pair.b.engine, pair.a.engine) << "the engines go on without a disk";
  EXPECT_EQ(pair.a.show(pair.now).acked, acked);
  EXPECT_EQ(pair.b.degraded, 1U);
  EXPECT_FALSE(pair.b.complete);
  pair.advance(seconds(7));
  EXPECT_EQ(pair.b.healed, 0U);
  EXPECT_TRUE(pair.b.session->up());
  pair.b.store_fails = false;
  pair.advance(seconds(4));
  EXPECT_EQ(pair.b.healed, 1U);
  EXPECT_TRUE(pair.b.complete);
  expect_equal(pair);
}

TEST(Session, MasterWhoseStoreFailsStillReplicates) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.a.put(1, 1, pair.now);
  pair.connect();
  pair.run();
  pair.a.store_fails = true;
  for (unsigned i = 0; i < 20; ++i) pair.a.put(i, i + 100, pair.now);
  pair.run();
  EXPECT_EQ(pair.b.engine, pair.a.engine);
  EXPECT_TRUE(pair.a.show(pair.now).store_degraded);
  pair.a.store_fails = false;
  pair.advance(seconds(2));
  EXPECT_FALSE(pair.a.show(pair.now).store_degraded);
  expect_equal(pair);
}

TEST(Session, EpochsCrossInTheDeltaWithTheirRecords) {
  Pair pair;
  pair.be_master(pair.a, pair.b, 1);
  pair.a.put(1, 1, pair.now);
  pair.connect();
  pair.run();
  pair.cut();
  pair.a.put(2, 2, pair.now);
  pair.run();
  pair.a.restart();  // its own second life
  pair.be_master(pair.a, pair.b, 1);
  pair.a.put(3, 3, pair.now);
  pair.run();
  EXPECT_EQ(pair.a.journal->epoch().restarts, 1U);
  pair.connect();
  pair.run();
  expect_equal(pair);
  EXPECT_EQ(pair.a.stored_meta().history, pair.b.stored_meta().history);
  EXPECT_EQ(pair.b.show(pair.now).bulks, 1U);
}

}  // namespace
}  // namespace hotpair::rbs::session::test
