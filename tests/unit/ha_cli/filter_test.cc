#include "ha/cli/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace hotpair::ha::cli {
namespace {

using ::testing::HasSubstr;

std::string filtered(const std::string& text, const std::string& line) {
  const SplitLine split = split_filter(config::split_words("display x " + line));
  if (!split.filter) return "no filter";
  const auto filter = OutputFilter::parse(*split.filter);
  return filter ? filter->apply(text) : "wrong: " + filter.error().message;
}

constexpr const char* kText = "alpha 1\nbeta 2\ngamma 3\nbeta 4\n";

TEST(Filter, Stages) {
  EXPECT_EQ(filtered(kText, "| include beta"), "beta 2\nbeta 4\n");
  EXPECT_EQ(filtered(kText, "|inc beta"), "beta 2\nbeta 4\n");
  EXPECT_EQ(filtered(kText, "| exclude a 1|4$"), "beta 2\ngamma 3\n");
  EXPECT_EQ(filtered(kText, "| begin ^beta"), "beta 2\ngamma 3\nbeta 4\n");
  EXPECT_EQ(filtered(kText, "| begin beta | exclude beta"), "gamma 3\n");
  EXPECT_EQ(filtered(kText, "| include beta | count"), "Total count: 2\n");
  EXPECT_EQ(filtered(kText, "| count"), "Total count: 4\n");
  EXPECT_EQ(filtered("", "| count"), "Total count: 0\n");
  EXPECT_EQ(filtered("no end", "| include end"), "no end\n");
  EXPECT_EQ(filtered(kText, "| no-more"), kText);
  EXPECT_EQ(filtered("two  blanks\n", "| include two  blanks"), "two  blanks\n");
  EXPECT_EQ(filtered("caf\xc3\xa9\n\xff\xfe\n", "| include caf\xc3\xa9"), "caf\xc3\xa9\n");
}

// A long answer comes in pieces; where they are cut makes no difference.
TEST(Filter, PiecesAreAsTheWhole) {
  const std::string text = std::string(kText) + "\n\nlast";
  for (const char* line : {"| include beta", "| exclude beta | begin gamma", "| count",
                           "| include ^$ | count", "| no-more", "| include last"}) {
    const auto filter =
        OutputFilter::parse(*split_filter(config::split_words(std::string("x ") + line)).filter);
    ASSERT_TRUE(filter.has_value()) << line;
    for (std::size_t size = 1; size <= text.size(); ++size) {
      FilterRun run(*filter);
      std::string out;
      for (std::size_t at = 0; at < text.size(); at += size) out += run.feed(text.substr(at, size));
      out += run.end();
      EXPECT_EQ(out, filter->apply(text)) << line << " by " << size;
    }
  }
}

TEST(Filter, Mistakes) {
  EXPECT_THAT(filtered(kText, "| include ("), HasSubstr("wrong: '(' is no expression"));
  EXPECT_THAT(filtered(kText, "| grep x"), HasSubstr("wrong"));
  EXPECT_THAT(filtered(kText, "|"), HasSubstr("incomplete"));
  EXPECT_THAT(filtered(kText, "| count |"), HasSubstr("incomplete"));
  EXPECT_THAT(filtered(kText, "| include " + std::string(600, 'a')), HasSubstr("more than 512"));
  EXPECT_THAT(filtered(kText, "| include (a{1000}){1000}"), HasSubstr("wrong"));
  std::string many;
  for (int i = 0; i < 9; ++i) many += "| exclude z ";
  EXPECT_THAT(filtered(kText, many), HasSubstr("more than 8 filters"));
  EXPECT_EQ(filtered(kText, ""), "no filter");
}

// Expressions that make a backtracking matcher take years.
TEST(Filter, TakesTimeLinearInTheText) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += std::string(2000, 'a') + "!\n";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(filtered(text, "| include ^(a+)+$ | count"), "Total count: 0\n");
  EXPECT_EQ(filtered(text, "| include (a|aa)*b(a|b)*c | count"), "Total count: 0\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace hotpair::ha::cli
