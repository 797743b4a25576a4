#include "ha/config/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/diff.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"
#include "tests/unit/ha_config/random_config.h"

namespace hotpair::ha::config {
namespace {

using testing::joined;
using testing::random_config;

Config parsed(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "test");
  EXPECT_TRUE(outcome.ok()) << testing::all(outcome.diagnostics);
  return outcome.config;
}

std::vector<std::string> conflicts(const std::string& base, const std::string& mine,
                                   const std::string& theirs) {
  const auto merged = merge_config(parsed(base), parsed(mine), parsed(theirs));
  if (merged) return {"merged: " + print_config(*merged)};
  std::vector<std::string> list;
  for (const MergeConflict& each : merged.error()) list.push_back(to_string(each));
  return list;
}

TEST(Merge, DisjointChangesMeet) {
  const auto merged = merge_config(
      parsed("sysname A\ne-trunk 1\n priority 10\ninterface Eth-Trunk1\n igmp enable\n"),
      parsed("sysname A\ne-trunk 1\n priority 20\ninterface Eth-Trunk1\n igmp enable\n"),
      parsed("sysname B\ne-trunk 1\n priority 10\n port 1030\ninterface Eth-Trunk1\n"));
  ASSERT_TRUE(merged.has_value());
  EXPECT_EQ(*merged,
            parsed("sysname B\ne-trunk 1\n priority 20\n port 1030\ninterface Eth-Trunk1\n"));
}

TEST(Merge, TheSameChangeOnBothSidesIsNone) {
  const auto merged = merge_config(
      parsed("sysname A\n"), parsed("sysname B\npim\n c-bsr LoopBack0"), parsed("sysname B\n"));
  ASSERT_TRUE(merged.has_value());
  EXPECT_EQ(*merged, parsed("sysname B\npim\n c-bsr LoopBack0"));
}

TEST(Merge, OneValueTwoWays) {
  EXPECT_THAT(conflicts("e-trunk 1\n priority 10\n", "e-trunk 1\n priority 20\n",
                        "e-trunk 1\n priority 30\n"),
              ::testing::ElementsAre("e-trunk 1: 'priority 20' here, 'priority 30' there"));
  EXPECT_THAT(conflicts("sysname A\n", "sysname B\n", "multicast routing-enable\n"),
              ::testing::ElementsAre("'sysname B' here, nothing there"));
}

TEST(Merge, TwoSpellingsOfOneValue) {
  EXPECT_THAT(
      conflicts("e-trunk 1\n", "e-trunk 1\n timer hello 10\n", "e-trunk 1\n timer hello-ms 50\n"),
      ::testing::Contains(::testing::HasSubstr("timer hello-ms 50")));
}

TEST(Merge, AViewThatOneSideRemoved) {
  const std::string base = "interface Eth-Trunk1\n igmp enable\n";
  EXPECT_THAT(conflicts(base, "#\n", base + " igmp version 2\n"),
              ::testing::ElementsAre("interface Eth-Trunk1: nothing here, 'igmp version 2' there"));
  EXPECT_THAT(conflicts(base, base + " igmp version 2\n", "#\n"),
              ::testing::ElementsAre("interface Eth-Trunk1: 'igmp version 2' here, nothing there"));
}

TEST(Merge, ConflictsDoNotTellKeys) {
  for (const std::string& each :
       conflicts("e-trunk 1\n security-key simple old\n", "e-trunk 1\n security-key simple mine\n",
                 "e-trunk 1\n security-key simple yours\n"))
    EXPECT_THAT(each, ::testing::Not(::testing::ContainsRegex("mine|yours|old")));
}

// Whatever was changed on both sides is in the outcome, or it is refused.
TEST(Merge, RandomChanges) {
  unsigned merged_count = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    const Config base = random_config(seed);
    const auto changed = [&](unsigned by) {
      return parse_config(testing::Writer(by).text(3), "change", base).config;
    };
    const Config mine = changed(seed + 1'000);
    const Config theirs = changed(seed + 2'000);
    ASSERT_EQ(*merge_config(base, mine, base), mine) << "seed " << seed;
    ASSERT_EQ(*merge_config(base, base, theirs), theirs) << "seed " << seed;
    const auto one = merge_config(base, mine, theirs);
    const auto other = merge_config(base, theirs, mine);
    ASSERT_EQ(one.has_value(), other.has_value()) << "seed " << seed;
    if (!one) continue;
    ++merged_count;
    ASSERT_EQ(print_config(*one), print_config(*other)) << "seed " << seed;
    ASSERT_EQ(parse_config(print_config(*one), "merged").config, *one) << "seed " << seed;
  }
  EXPECT_GT(merged_count, 100U);
}

}  // namespace
}  // namespace hotpair::ha::config
