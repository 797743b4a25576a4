#include "platform/probe/flow_account.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace hotpair::platform::probe {
namespace {

using std::chrono::milliseconds;

constexpr Duration interval = milliseconds(10);

/// Packet n is sent at n * 10 ms and arrives 1 ms later.
TimePoint sent(std::uint64_t sequence) {
  return TimePoint(interval * static_cast<std::int64_t>(sequence));
}
TimePoint arrived(std::uint64_t sequence) { return sent(sequence) + milliseconds(1); }

FlowAccount::Config config(ExpectFrom from = ExpectFrom::first_heard) {
  return {.expect_from = from, .interval = interval};
}

void hear(FlowAccount& account, std::initializer_list<std::uint64_t> sequences) {
  for (const std::uint64_t sequence : sequences) {
    account.on_packet(sequence, sent(sequence), arrived(sequence));
  }
}

TEST(FlowAccount, NothingLost) {
  FlowAccount account(config());
  hear(account, {5, 6, 7});
  account.on_end(8, sent(7));
  const FlowSummary flow = account.summary();
  EXPECT_EQ(flow.expected, 3U);
  EXPECT_EQ(flow.received, 3U);
  EXPECT_EQ(flow.lost, 0U);
  EXPECT_TRUE(flow.ended);
  EXPECT_FALSE(flow.longest_loss);
  ASSERT_TRUE(flow.longest_gap);
  EXPECT_EQ(flow.longest_gap->length, interval);
  EXPECT_TRUE(flow.gaps.empty());
}

TEST(FlowAccount, LossInTheMiddleIsMeasuredBetweenSendTimes) {
  FlowAccount account(config());
  hear(account, {0, 1, 5, 6, 8});
  const FlowSummary flow = account.summary();
  EXPECT_EQ(flow.expected, 9U);
  EXPECT_EQ(flow.lost, 4U);
  ASSERT_TRUE(flow.longest_loss);
  EXPECT_EQ(flow.longest_loss->first, 2U);
  EXPECT_EQ(flow.longest_loss->packets, 3U);
  EXPECT_EQ(flow.longest_loss->begin, sent(1));
  EXPECT_EQ(flow.longest_loss->gap(), milliseconds(40));
  EXPECT_FALSE(flow.longest_loss->open);
  EXPECT_EQ(flow.losses.size(), 2U);
  EXPECT_EQ(flow.longest_gap->begin, arrived(1));
  ASSERT_EQ(flow.gaps.size(), 1U) << "40 ms is more than two intervals and 5 ms, 20 ms is not";
}

TEST(FlowAccount, TailIsLostOnlyWhenTheEndIsKnown) {
  FlowAccount account(config());
  hear(account, {0, 1});
  EXPECT_EQ(account.summary().lost, 0U);
  EXPECT_FALSE(account.summary().ended);
  EXPECT_EQ(account.summary().next_sequence, 2U)
      << "who knows the sender's count can tell the tail";
  EXPECT_EQ(account.summary().highest_sent_at, sent(1));
  account.on_end(10, sent(9));
  account.on_end(10, sent(9));
  const FlowSummary flow = account.summary();
  EXPECT_EQ(flow.lost, 8U);
  ASSERT_TRUE(flow.longest_loss);
  EXPECT_TRUE(flow.longest_loss->open);
  EXPECT_EQ(flow.longest_loss->gap(), milliseconds(80));
}

TEST(FlowAccount, PacketAfterTheEndFillsItsHole) {
  FlowAccount account(config());
  hear(account, {0});
  account.on_end(3, sent(2));
  hear(account, {2});
  const FlowSummary flow = account.summary();
  EXPECT_EQ(flow.lost, 1U);
  EXPECT_EQ(flow.reordered, 1U);
  EXPECT_FALSE(flow.losses.front().open);
}

TEST(FlowAccount, ReorderedIsNeitherLostNorDuplicate) {
  FlowAccount account(config());
  hear(account, {0, 3, 2, 1, 4});
  const FlowSummary flow = account.summary();
  EXPECT_EQ(flow.lost, 0U);
  EXPECT_EQ(flow.reordered, 2U);
  EXPECT_EQ(flow.duplicates, 0U);
  EXPECT_EQ(flow.received, 5U);
}

TEST(FlowAccount, DuplicatesAreCountedWithTheirTimes) {
  FlowAccount account(config());
  hear(account, {0, 1, 1, 0, 3, 3, 2, 2});
  const FlowSummary flow = account.summary();
  EXPECT_EQ(flow.duplicates, 4U);
  EXPECT_EQ(flow.received, 4U);
  EXPECT_EQ(flow.lost, 0U);
  ASSERT_EQ(flow.duplicate_times.size(), 4U);
  EXPECT_EQ(flow.duplicate_times[2], arrived(3));
}

TEST(FlowAccount, OvertakenFirstPacketMovesTheBeginning) {
  FlowAccount account(config());
  hear(account, {5, 2, 6});
  const FlowSummary flow = account.summary();
  EXPECT_EQ(flow.expected, 5U);
  EXPECT_EQ(flow.lost, 2U);
  hear(account, {3, 4});
  EXPECT_EQ(account.summary().lost, 0U);
}

TEST(FlowAccount, ExpectFromStartCountsWhatCameBefore) {
  FlowAccount account(config(ExpectFrom::start));
  hear(account, {4});
  EXPECT_EQ(account.summary().lost, 4U);
  EXPECT_EQ(account.summary().expected, 5U);
  FlowAccount silent(config(ExpectFrom::start));
  silent.on_end(7, sent(6));
  EXPECT_EQ(silent.summary().lost, 7U);
  FlowAccount unheard(config());
  unheard.on_end(7, sent(6));
  EXPECT_EQ(unheard.summary().expected, 0U);
}

TEST(FlowAccount, TooManyHolesAreClosedAndStillCounted) {
  FlowAccount::Config small = config();
  small.holes_max = 2;
  FlowAccount account(small);
  hear(account, {0, 5, 7, 9, 11});
  EXPECT_EQ(account.summary().lost, 7U);
  EXPECT_EQ(account.summary().longest_loss->packets, 4U);
  hear(account, {2});  // its run is closed: no longer known as missing
  EXPECT_EQ(account.summary().duplicates, 1U);
}

TEST(FlowAccount, ExactAgainstAPlainSet) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint64_t> sequences;
    for (std::uint64_t n = 0; n < 100; ++n) {
      const std::size_t copies = random() % 10 < 3 ? 0 : random() % 10 < 8 ? 1 : 2;
      sequences.insert(sequences.end(), copies, n);
    }
    for (std::size_t i = 0; i + 4 < sequences.size(); i += 3) {
      std::swap(sequences[i], sequences[i + random() % 4]);
    }
    FlowAccount account(config(ExpectFrom::start));
    std::set<std::uint64_t> different;
    for (const std::uint64_t n : sequences) {
      different.insert(n);
      account.on_packet(n, sent(n), arrived(n));
    }
    account.on_end(100, sent(99));
    std::uint64_t run = 0;
    std::uint64_t longest = 0;
    for (std::uint64_t n = 0; n < 100; ++n) {
      run = different.contains(n) ? 0 : run + 1;
      longest = std::max(longest, run);
    }
    const FlowSummary flow = account.summary();
    EXPECT_EQ(flow.received, different.size());
    EXPECT_EQ(flow.lost, 100 - different.size());
    EXPECT_EQ(flow.duplicates, sequences.size() - different.size());
    EXPECT_EQ(flow.longest_loss ? flow.longest_loss->packets : 0, longest);
  }
}

}  // namespace
}  // namespace hotpair::platform::probe
