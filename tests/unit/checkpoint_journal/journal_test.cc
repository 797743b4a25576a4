#include "checkpoint/journal/journal.h"

#include <gtest/gtest.h>

#include <deque>

#include "checkpoint/store/memory_store.h"

namespace hotpair::checkpoint::journal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const ScopeId kScope{10};
const Term kTerm{1, NodeId{1}};

RecordKey key(unsigned number, std::uint8_t database = 16) {
  Bytes bytes;
  ByteWriter(bytes).u32(number);
  return {database, VrfId{0}, Family::ipv4, bytes};
}
RecordChange put(unsigned number, std::uint8_t fill = 1) {
  return {key(number), RecordValue{1, Bytes(8, std::byte{fill})}};
}

class JournalTest : public testing::Test {
 protected:
  explicit JournalTest(JournalConfig config = small()) : journal(kScope, config, ids) {}
  static JournalConfig small() {
    JournalConfig config;
    config.window_records = 8;
    config.batch_records = 4;
    config.unstored_records = 32;
    config.sweep_every = 8;
    config.deletions_max = 16;
    return config;
  }
  /// Takes the requests that are due.
  std::size_t poll() {
    while (auto request = journal.poll_request()) requests.push_back(std::move(*request));
    return requests.size();
  }
  bool answer(bool works = true) {
    if (poll() == 0) return false;
    const StoreRequest request = std::move(requests.front());
    requests.pop_front();
    const StoreReply reply =
        works ? store.execute_one(request)
              : StoreReply{request.id, StoreFailed{kScope, {ErrorCode::exhausted, "no space"}}};
    EXPECT_TRUE(journal.on_store_reply(reply, now));
    return true;
  }
  void settle() {
    while (answer()) {
    }
  }
  std::vector<SequencedChange> all(std::uint64_t after) {
    return *journal.changes_after(Sequence{after}, journal.last(), 1000, 1U << 20U);
  }
  ScopeMeta stored() {
    return std::get<MetaRead>(store.execute_one({1U << 30U, ReadMeta{kScope}}).body).meta;
  }

  RequestIds ids;
  Journal journal;
  store::MemoryStore store;
  std::deque<StoreRequest> requests;
  TimePoint now{seconds(100)};
};

TEST_F(JournalTest, SequencesGoOnAcrossEpochs) {
  EXPECT_EQ(journal.begin(kTerm, now), (Epoch{kTerm, 0}));
  EXPECT_EQ(journal.append(put(1), now), Sequence{1});
  EXPECT_EQ(journal.append(put(2), now), Sequence{2});
  settle();
  Journal next(kScope, small(), ids);
  next.restore(stored());
  EXPECT_EQ(next.begin(kTerm, now), (Epoch{kTerm, 1})) << "a second life of the same term";
  EXPECT_EQ(next.append(put(3), now), Sequence{3});
  EXPECT_EQ(next.history().back().begins_after, Sequence{2});
}

TEST_F(JournalTest, GroupsWhatComesWhileTheStoreIsBusy) {
  journal.begin(kTerm, now);
  settle();
  for (unsigned i = 0; i < 7; ++i) journal.append(put(i), now);
  ASSERT_EQ(poll(), 1U);
  EXPECT_EQ(std::get<PutChanges>(requests[0].body).changes.size(), 1U)
      << "at once, without a timer";
  EXPECT_EQ(journal.committed(), Sequence{0});
  answer();
  EXPECT_EQ(journal.committed(), Sequence{1});
  ASSERT_EQ(poll(), 1U);
  EXPECT_EQ(std::get<PutChanges>(requests[0].body).changes.size(), 4U) << "bounded";
  settle();
  EXPECT_EQ(journal.committed(), Sequence{7});
  EXPECT_EQ(journal.sendable(), Sequence{7});
}

TEST_F(JournalTest, AnUpdateReplacesTheOlderEntryOfItsKey) {
  journal.begin(kTerm, now);
  journal.append(put(1, 1), now);
  journal.append(put(2), now);
  journal.append(put(1, 9), now);
  const auto changes = all(0);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].change.key, key(2));
  EXPECT_EQ(changes[1].sequence, Sequence{3});
  EXPECT_EQ(changes[1].change.value->bytes[0], std::byte{9});
  settle();
  EXPECT_EQ(stored().last, Sequence{3});
}

TEST_F(JournalTest, WindowIsBoundedAndSaysWhenToAskTheStore) {
  journal.begin(kTerm, now);
  for (unsigned i = 0; i < 30; ++i) journal.append(put(i), now);
  settle();
  EXPECT_EQ(journal.window_records(), 8U);
  EXPECT_FALSE(journal.changes_after(Sequence{10}, journal.last(), 100, 100'000));
  EXPECT_EQ(all(22).size(), 8U);
  EXPECT_EQ(journal.changes_after(Sequence{22}, Sequence{25}, 100, 100'000)->size(), 3U);
  EXPECT_EQ(journal.changes_after(Sequence{22}, journal.last(), 2, 100'000)->size(), 2U);
  EXPECT_TRUE(journal.changes_after(Sequence{30}, Sequence{30}, 100, 100'000)->empty());
}

struct UnreadJournalTest : JournalTest {
  UnreadJournalTest() : JournalTest(JournalConfig::unread()) {}
};

TEST_F(UnreadJournalTest, WhatTheStoreHasIsNotKept) {
  journal.begin(kTerm, now);
  for (unsigned i = 0; i < 30; ++i) journal.append(put(i), now);
  settle();
  EXPECT_EQ(journal.window_records(), 0U);
  EXPECT_EQ(journal.window_bytes(), 0U);
  journal.append(put(7, 9), now);
  EXPECT_EQ(journal.window_records(), 1U) << "until it has";
  answer(false);
  EXPECT_EQ(journal.window_records(), 1U);
  now += seconds(1);
  journal.on_timeout(now);
  settle();
  EXPECT_EQ(journal.window_records(), 0U);
  EXPECT_EQ(store.records(), 30U);
  EXPECT_EQ(journal.committed(), Sequence{31});
}

TEST_F(JournalTest, KeepsWhatAFailingStoreHasNotGotAndTriesAgain) {
  journal.begin(kTerm, now);
  settle();
  for (unsigned i = 0; i < 20; ++i) journal.append(put(i), now);
  answer(false);
  EXPECT_TRUE(journal.degraded());
  EXPECT_EQ(journal.committed(), Sequence{0});
  EXPECT_EQ(journal.sendable(), Sequence{20}) << "the peer's memory is the only second copy";
  EXPECT_EQ(poll(), 0U) << "not before its time";
  EXPECT_EQ(journal.window_records(), 20U);
  EXPECT_EQ(journal.next_deadline(), now + seconds(1));
  now += seconds(1);
  journal.on_timeout(now);
  settle();
  EXPECT_FALSE(journal.degraded());
  EXPECT_EQ(journal.committed(), Sequence{20});
  EXPECT_EQ(store.records(), 20U);
  EXPECT_EQ(journal.statistics()[0].failures, 1U);
}

TEST_F(JournalTest, BeyondItsLimitItIsTornAndResetFillsItAgain) {
  journal.begin(kTerm, now);
  settle();
  for (unsigned i = 0; i < 40; ++i) journal.append(put(i), now);
  EXPECT_TRUE(journal.torn());
  EXPECT_EQ(journal.window_records(), 32U);
  EXPECT_EQ(journal.statistics()[0].failures, 8U);
  journal.reset(now);
  EXPECT_FALSE(journal.torn());
  EXPECT_GT(journal.floor(), Sequence{32});
  for (unsigned i = 0; i < 20; ++i) journal.append(put(i), now);
  settle();
  EXPECT_EQ(store.records(), 20U);
  EXPECT_EQ(journal.committed(), journal.last());
  EXPECT_EQ(stored().floor, journal.floor());
}

TEST_F(JournalTest, ResetThatFailsLeavesItTorn) {
  journal.begin(kTerm, now);
  settle();
  journal.reset(now);
  answer(false);
  EXPECT_TRUE(journal.torn());
}

TEST_F(JournalTest, EndHandsTheTailToTheStore) {
  journal.begin(kTerm, now);
  settle();
  for (unsigned i = 0; i < 10; ++i) journal.append(put(i), now);
  journal.end();
  EXPECT_FALSE(journal.writing());
  EXPECT_EQ(journal.last(), Sequence{10});
  settle();
  EXPECT_EQ(store.records(), 10U);
  EXPECT_FALSE(journal.take_tail_lost());
}

TEST_F(JournalTest, ATailThatTheStoreRefusesIsReported) {
  journal.begin(kTerm, now);
  settle();
  journal.append(put(1), now);
  journal.end();
  answer(false);
  EXPECT_TRUE(journal.torn());
  EXPECT_TRUE(journal.take_tail_lost());
  EXPECT_FALSE(journal.take_tail_lost()) << "once";
}

TEST_F(JournalTest, TermMayRiseWhileChangesWait) {
  journal.begin(kTerm, now);
  settle();
  for (unsigned i = 0; i < 10; ++i) journal.append(put(i), now);
  journal.begin(Term{5, NodeId{1}}, now);
  journal.append(put(50), now);
  settle();
  EXPECT_EQ(store.records(), 11U);
  EXPECT_EQ(stored().history.back().epoch.term.counter, 5U);
  EXPECT_EQ(stored().last, Sequence{11});
}

TEST_F(JournalTest, FloorFollowsThePeerAndLeavesItBehindOneDay) {
  journal.begin(kTerm, now);
  for (unsigned i = 0; i < 20; ++i) {
    journal.append(put(i), now);
    journal.append({key(i), std::nullopt}, now);
    settle();
    if (i == 5) journal.on_acked(Sequence{9}, now);
  }
  EXPECT_EQ(journal.floor(), Sequence{9}) << "the peer needs what it has not acknowledged";
  for (unsigned i = 0; i < 80; ++i) {
    journal.append({key(100 + i), std::nullopt}, now);
    settle();
  }
  EXPECT_GT(journal.floor(), Sequence{40}) << "deletions are not kept for ever";
  EXPECT_LT(journal.floor(), journal.last());
  EXPECT_EQ(stored().floor, journal.floor());
}

TEST_F(JournalTest, RecordsOverTheirLimitAreCountedAndDropped) {
  journal.begin(kTerm, now);
  RecordChange huge{key(1), RecordValue{1, Bytes(kRecordBytesMax)}};
  EXPECT_EQ(journal.append(std::move(huge), now), Sequence{0});
  EXPECT_EQ(journal.statistics()[0].failures, 1U);
  EXPECT_FALSE(journal.torn());
}

TEST_F(JournalTest, AsBackupItFollowsWhatWasReceived) {
  journal.adopt({{{{{3, NodeId{2}}, 0}, Sequence{0}}}, Sequence{40}, Sequence{40}, true, {}});
  EXPECT_TRUE(journal.incomplete());
  journal.set_incomplete(false);
  journal.received(Epoch{{4, NodeId{2}}, 0}, Sequence{45}, 0);
  EXPECT_EQ(journal.last(), Sequence{45});
  ASSERT_EQ(journal.history().size(), 2U);
  EXPECT_EQ(journal.history().back().begins_after, Sequence{40});
  journal.begin(Term{5, NodeId{1}}, now);
  EXPECT_EQ(journal.append(put(1), now), Sequence{46});
}

TEST_F(JournalTest, TakenOverIncompleteItsIndexBeginsAnew) {
  journal.adopt({{{{{3, NodeId{2}}, 0}, Sequence{0}}}, Sequence{40}, Sequence{40}, true, {}});
  journal.received(Epoch{{3, NodeId{2}}, 0}, Sequence{50}, 0);
  journal.begin(Term{5, NodeId{1}}, now);
  EXPECT_FALSE(journal.incomplete()) << "what a master holds is the truth";
  EXPECT_EQ(journal.floor(), Sequence{50});
  // Whoever is whole at the same number of that line must not be taken for equal.
  const EpochHistory theirs{{{{3, NodeId{2}}, 0}, Sequence{0}}};
  EXPECT_EQ(standing(journal.history(), journal.last(), theirs, Sequence{50}), Standing::unknown);
}

TEST_F(JournalTest, StatisticsOfWaitAndAcknowledgement) {
  journal.begin(kTerm, now);
  journal.append(put(1), now);
  journal.append(put(2), now);
  EXPECT_EQ(journal.statistics()[0].awaiting_send, 2U);
  now += milliseconds(4);
  const auto changes = all(0);
  journal.on_sent(changes, now);
  EXPECT_EQ(journal.statistics()[0].awaiting_send, 0U);
  EXPECT_EQ(journal.statistics()[0].awaiting_ack, 2U);
  EXPECT_EQ(journal.oldest_unacked(), now);
  now += milliseconds(7);
  journal.on_acked(Sequence{2}, now);
  const StatisticsRow row = journal.statistics()[0];
  EXPECT_EQ(row.updates, 2U);
  EXPECT_EQ(row.syncs, 2U);
  EXPECT_EQ(row.awaiting_ack, 0U);
  EXPECT_EQ(row.wait_average, milliseconds(4));
  EXPECT_EQ(row.ack_average, milliseconds(7));
  EXPECT_GE(row.ack_p99, milliseconds(7));
  journal.reset_statistics();
  EXPECT_EQ(journal.statistics()[0].syncs, 0U);
}

TEST_F(JournalTest, ALineThatEndedHasNothingOnItsWay) {
  journal.begin(kTerm, now);
  for (unsigned i = 0; i < 3; ++i) journal.append(put(i), now);
  journal.on_sent(all(0), now);
  journal.append(put(7), now);
  journal.end();
  const StatisticsRow row = journal.statistics()[0];
  EXPECT_EQ(row.updates, 4U);
  EXPECT_EQ(row.awaiting_send + row.awaiting_ack, 0U);
  EXPECT_EQ(journal.oldest_unacked(), std::nullopt);
}

TEST_F(JournalTest, OthersAnswersAreNotItsOwn) {
  EXPECT_FALSE(journal.on_store_reply({4711, Committed{kScope, {}, {}}}, now));
}

}  // namespace
}  // namespace hotpair::checkpoint::journal
