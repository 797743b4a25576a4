#include "checkpoint/journal/history.h"

#include <gtest/gtest.h>

#include "checkpoint/journal/statistics.h"

namespace hotpair::checkpoint::journal {
namespace {

Epoch epoch(std::uint64_t counter, std::uint64_t node = 1, std::uint32_t restarts = 0) {
  return {{counter, NodeId{node}}, restarts};
}

struct StandingRow {
  const char* what;
  EpochHistory theirs;
  std::uint64_t last;
  Standing expected;
};

TEST(History, WhereAReturnerStands) {
  // Our line: term 1 wrote 1 to 100, term 2 wrote 101 to 150, term 4 since.
  const EpochHistory ours{
      {epoch(1), Sequence{0}}, {epoch(2, 2), Sequence{100}}, {epoch(4), Sequence{150}}};
  const std::vector<StandingRow> rows{
      {"nothing ever", {}, 0, Standing::unknown},
      {"early in the first epoch", {{epoch(1), Sequence{0}}}, 7, Standing::on_line},
      {"at the end of the first epoch", {{epoch(1), Sequence{0}}}, 100, Standing::on_line},
      {"a tail of the first epoch", {{epoch(1), Sequence{0}}}, 101, Standing::beyond},
      {"in the second",
       {{epoch(1), Sequence{0}}, {epoch(2, 2), Sequence{90}}},
       150,
       Standing::on_line},
      {"a tail of the second", {{epoch(2, 2), Sequence{100}}}, 151, Standing::beyond},
      {"in ours", {{epoch(4), Sequence{150}}}, 200, Standing::on_line},
      {"ahead of ours", {{epoch(4), Sequence{150}}}, 201, Standing::beyond},
      {"an own epoch that forked off",
       {{epoch(1), Sequence{0}}, {epoch(3, 2), Sequence{80}}},
       90,
       Standing::beyond},
      {"another line altogether", {{epoch(9, 9), Sequence{0}}}, 5, Standing::unknown},
      {"same term, another restart", {{epoch(4, 1, 1), Sequence{0}}}, 5, Standing::unknown},
  };
  for (const StandingRow& row : rows)
    EXPECT_EQ(standing(ours, Sequence{200}, row.theirs, Sequence{row.last}), row.expected)
        << row.what;
  EXPECT_EQ(standing({}, Sequence{0}, ours, Sequence{200}), Standing::unknown);
}

TEST(History, EpochOfASequence) {
  const EpochHistory history{{epoch(1), Sequence{0}}, {epoch(2), Sequence{100}}};
  EXPECT_EQ(epoch_at(history, Sequence{1}), epoch(1));
  EXPECT_EQ(epoch_at(history, Sequence{100}), epoch(1));
  EXPECT_EQ(epoch_at(history, Sequence{101}), epoch(2));
  EXPECT_EQ(epoch_at({}, Sequence{1}), Epoch{});
}

TEST(History, KeepsAtMost64) {
  EpochHistory history;
  for (std::uint64_t i = 1; i <= 100; ++i) begin_epoch(history, epoch(i), Sequence{i});
  EXPECT_EQ(history.size(), kHistoryMax);
  EXPECT_EQ(history.back().epoch, epoch(100));
  begin_epoch(history, epoch(100), Sequence{500});
  EXPECT_EQ(history.back().begins_after, Sequence{100}) << "the newest is not begun twice";
  truncate_history(history, Sequence{90});
  EXPECT_EQ(history.back().epoch, epoch(90));
}

TEST(History, WhatAPeerMaySend) {
  EXPECT_TRUE(is_valid({}));
  EXPECT_TRUE(is_valid({{epoch(1), Sequence{0}}, {epoch(2), Sequence{0}}}));
  EXPECT_FALSE(is_valid({{epoch(2), Sequence{0}}, {epoch(2), Sequence{3}}}));
  EXPECT_FALSE(is_valid({{epoch(2), Sequence{0}}, {epoch(1), Sequence{3}}}));
  EXPECT_FALSE(is_valid({{epoch(1), Sequence{4}}, {epoch(2), Sequence{3}}}));
  EpochHistory many;
  for (std::uint64_t i = 1; i <= 65; ++i) many.push_back({epoch(i), Sequence{i}});
  EXPECT_FALSE(is_valid(many));
}

TEST(Histogram, PercentilesWithinABucket) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(0.5), Duration::zero());
  for (int i = 1; i <= 1000; ++i) histogram.add(std::chrono::microseconds(i));
  const auto us = [&](double fraction) {
    return std::chrono::duration<double, std::micro>(histogram.percentile(fraction)).count();
  };
  EXPECT_NEAR(us(0.5), 500, 70);
  EXPECT_NEAR(us(0.99), 990, 130);
  EXPECT_GT(histogram.average(), std::chrono::microseconds(499));
  EXPECT_LT(histogram.average(), std::chrono::microseconds(502));
  histogram.add(std::chrono::hours(100));  // the last bucket takes all
  EXPECT_EQ(histogram.count(), 1001U);
  histogram.add(Duration(-5));
  EXPECT_GT(histogram.percentile(0.0001), Duration::zero());
}

}  // namespace
}  // namespace hotpair::checkpoint::journal
