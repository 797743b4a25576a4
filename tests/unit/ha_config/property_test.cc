#include <gtest/gtest.h>

#include "ha/config/check.h"
#include "ha/config/diff.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"
#include "tests/unit/ha_config/random_config.h"

/// parse(print(x)) == x and parse(diff(a, b), a) == b for random configurations.
namespace hotpair::ha::config {
namespace {

using testing::all;
using testing::joined;
using testing::random_config;

TEST(Properties, PrintedAndParsedIsTheSame) {
  for (unsigned seed = 1; seed <= 250; ++seed) {
    const Config config = random_config(seed);
    const std::string text = print_config(config);
    const ParseOutcome again = parse_config(text, "printed");
    ASSERT_TRUE(again.ok()) << "seed " << seed << "\n" << all(again.diagnostics) << text;
    ASSERT_EQ(again.config, config) << "seed " << seed << "\n"
                                    << text << print_config(again.config);
    ASSERT_EQ(print_config(again.config), text) << "seed " << seed;
    static_cast<void>(check_config(config, {}));
  }
}

TEST(Properties, TheDiffLeadsFromOneToTheOther) {
  for (unsigned seed = 1; seed <= 250; ++seed) {
    const Config from = random_config(seed);
    const Config to = random_config(seed + 10'000);
    const std::string lines = joined(diff_config(from, to));
    const ParseOutcome result = parse_config(lines, "diff", from);
    ASSERT_TRUE(result.ok()) << "seed " << seed << "\n" << all(result.diagnostics) << lines;
    ASSERT_EQ(print_config(result.config), print_config(to)) << "seed " << seed << "\n" << lines;
    ASSERT_EQ(result.config, to) << "seed " << seed << "\n" << lines;
    ASSERT_TRUE(diff_config(to, to).empty());
  }
}

TEST(Properties, AChangeOfOneValueIsOneLine) {
  const auto from = parse_config("e-trunk 1\n priority 10\n timer hello 10\n", "a").config;
  const auto to = parse_config("e-trunk 1\n priority 20\n timer hello-ms 50\n", "b").config;
  EXPECT_EQ(joined(diff_config(from, to)),
            "e-trunk 1\n undo timer hello 10\n priority 20\n timer hello-ms 50\n#\n");
}

}  // namespace
}  // namespace hotpair::ha::config
