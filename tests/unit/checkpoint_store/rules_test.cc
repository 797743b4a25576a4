#include "checkpoint/store/store_rules.h"

#include <gtest/gtest.h>

namespace hotpair::checkpoint::store {
namespace {

RecordKey numbered(std::uint8_t number) {
  return {16, VrfId(0), Family::ipv4, {std::byte{number}}};
}

TEST(RangeSummer, one_part_takes_all) {
  RangeSummer summer(1, std::nullopt);
  for (std::uint8_t i = 0; i < 9; ++i) summer.add(numbered(i), {i, 0});
  const auto sums = std::move(summer).finish();
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums[0].records, 9U);
  EXPECT_EQ(sums[0].digest, (Digest{36, 0}));
}

TEST(RangeSummer, never_more_than_asked_and_all_but_the_last_alike) {
  for (std::uint32_t parts = 1; parts < 9; ++parts) {
    for (std::uint8_t count = 0; count < 70; ++count) {
      RangeSummer summer(parts, std::nullopt);
      for (std::uint8_t i = 0; i < count; ++i) summer.add(numbered(i), {1, 0});
      const auto sums = std::move(summer).finish();
      ASSERT_LE(sums.size(), parts);
      std::uint64_t total = 0;
      for (std::size_t i = 0; i < sums.size(); ++i) {
        total += sums[i].records;
        if (i + 1 < sums.size()) {
          ASSERT_EQ(sums[i].records, sums[0].records);
          ASSERT_EQ(sums[i].through, numbered(static_cast<std::uint8_t>(total - 1)));
        }
        ASSERT_EQ(sums[i].digest.low, sums[i].records);
      }
      ASSERT_EQ(total, count);
    }
  }
}

TEST(RangeSummer, no_parts_are_one) {
  RangeSummer summer(0, numbered(5));
  summer.add(numbered(1), {1, 0});
  const auto sums = std::move(summer).finish();
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums[0].through, numbered(5));
}

TEST(ScopeState, subtracting_the_last_record_removes_the_row) {
  ScopeState state;
  const RecordValue value{1, {std::byte{7}}};
  state.add_record(numbered(1), value);
  state.add_record(numbered(2), value);
  state.subtract_record(numbered(1), value);
  ASSERT_EQ(state.digest_list().size(), 1U);
  EXPECT_EQ(state.digest_list()[0].records, 1U);
  state.subtract_record(numbered(2), value);
  EXPECT_TRUE(state.digest_list().empty());
}

}  // namespace
}  // namespace hotpair::checkpoint::store
