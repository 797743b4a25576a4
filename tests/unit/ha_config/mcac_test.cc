#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/check.h"
#include "ha/config/diff.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"

/// Admission control in the configuration, both dialects.
namespace hotpair::ha::config {
namespace {

using testing::all;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kHead = "interface GigabitEthernet0/1/1\n";

Config parsed(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  return outcome.config;
}
std::string on_interface(const std::string& lines) { return std::string(kHead) + lines; }
std::string refused(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_FALSE(outcome.ok()) << text;
  return all(outcome.diagnostics);
}

TEST(MulticastLimit, LinesArePrintedInTheOrderOfMatch) {
  const Config config = parsed(on_interface(
      " multicast limit 239.1.2.0/24 7\n multicast limit out 239.0.0.0/8 100 threshold 80\n"
      " multicast limit out 239.1.1.1/16 20\n multicast limit out 239.1.0.0/16 source 10.9.9.9/8 "
      "5\n"
      " multicast limit connected 239.1.0.0/16 3\n multicast ipv6 limit rpf FF1E::/32 4\n"));
  EXPECT_THAT(print_config(config, {}),
              HasSubstr(" multicast limit out 239.1.0.0/16 source 10.0.0.0/8 5\n"
                        " multicast limit connected 239.1.0.0/16 3\n"
                        " multicast limit out 239.1.0.0/16 20\n"
                        " multicast limit out 239.0.0.0/8 100 threshold 80\n"
                        " multicast limit 239.1.2.0/24 7\n"
                        " multicast ipv6 limit rpf FF1E::/32 4\n"));
  const auto& limits = config.interfaces.at(0).multicast_limits;
  ASSERT_EQ(limits.size(), 6U);
  EXPECT_EQ(limits[0]->direction, LimitDirection::both) << "the longest range decides first";
  EXPECT_EQ(limits[4]->threshold_percent, 80);
  EXPECT_TRUE(limits[5]->channels.groups.address.is_v6());
}

TEST(MulticastLimit, TheWordsOfIosSayTheSame) {
  const Config ios = parsed(
      "ip multicast limit cost 239.1.0.0/16 4\nip multicast limit rate 9\n"
      "ipv6 multicast limit cost FF1E::/32 source 2001:DB8::/32 2\nipv6 multicast limit rate 0\n" +
      on_interface(" ip multicast limit out 239.1.0.0/16 20 threshold 50\n"
                   " ip multicast limit 239.0.0.0/8 9\n ipv6 multicast limit connected FF00::/8 1\n"
                   " ipv6 multicast limit FF1E::/32 2\n"));
  const Config vrp = parsed(
      "multicast limit cost 239.1.0.0/16 4\nmulticast limit rate 9\n"
      "multicast ipv6 limit cost FF1E::/32 source 2001:DB8::/32 2\nmulticast ipv6 limit rate 0\n" +
      on_interface(" multicast limit out 239.1.0.0/16 20 threshold 50\n"
                   " multicast limit 239.0.0.0/8 9\n multicast ipv6 limit connected FF00::/8 1\n"
                   " multicast ipv6 limit FF1E::/32 2\n"));
  EXPECT_EQ(ios, vrp);
  EXPECT_EQ(parsed(print_config(ios, {})), ios);
  EXPECT_EQ(*ios.multicast_limit_rate, 9U);
  EXPECT_EQ(*ios.multicast_limit_rate_ipv6, 0U);
}

TEST(MulticastLimit, ALineAgainChangesTheNumberAndUndoTakesItOut) {
  const std::string one = on_interface(" multicast limit out 239.1.0.0/16 20\n");
  const Config config = parsed(one + " multicast limit out 239.1.0.0/16 30\n");
  ASSERT_EQ(config.interfaces[0].multicast_limits.size(), 1U);
  EXPECT_EQ(config.interfaces[0].multicast_limits[0]->max, 30U);
  for (const char* undo :
       {" undo multicast limit out 239.1.0.0/16 20\n", " undo multicast limit out 239.1.0.0/16\n",
        " undo multicast limit out\n"})
    EXPECT_TRUE(parsed(one + undo).interfaces[0].multicast_limits.empty()) << undo;
  EXPECT_EQ(parsed(one + " undo multicast limit rpf 239.1.0.0/16\n")
                .interfaces[0]
                .multicast_limits.size(),
            1U);
  EXPECT_TRUE(parsed("multicast limit cost 239.1.0.0/16 4\n"
                     "undo multicast limit cost 239.1.0.0/16\nmulticast limit rate 5\n"
                     "undo multicast limit rate\n") == parsed(""));
}

TEST(MulticastLimit, WhatCannotBeIsRefused) {
  EXPECT_THAT(refused(on_interface(" multicast limit out 10.0.0.0/8 5\n")), HasSubstr("10.0.0.0"));
  EXPECT_THAT(refused(on_interface(" multicast limit out 239.0.0.0/8 source 239.0.0.0/8 5\n")),
              HasSubstr("no sources"));
  EXPECT_THAT(refused(on_interface(" ip multicast limit out channels 5\n")), HasSubstr("channels"));
  EXPECT_THAT(refused(on_interface(" multicast limit in 239.0.0.0/8 5\n")), HasSubstr("in"));
  EXPECT_THAT(refused(on_interface(" multicast limit out 239.0.0.0/8 5 threshold 101\n")),
              HasSubstr("101"));
  std::string many;
  for (int i = 0; i < 129; ++i)
    many += " multicast limit out 239.1." + std::to_string(i) + ".0/24 1\n";
  EXPECT_THAT(refused(on_interface(many)), HasSubstr("more are refused"));
}

TEST(MulticastLimit, WithoutMulticastItIsWarnedOf) {
  const auto warnings = [](const std::string& text) {
    return all(check_config(parsed(text), {.file = "t", .pair_key_present = true}));
  };
  EXPECT_THAT(warnings(on_interface(" multicast limit out 239.0.0.0/8 5\n")),
              HasSubstr("no effect"));
  EXPECT_THAT(warnings(on_interface(" igmp enable\n multicast limit out 239.0.0.0/8 5\n")),
              Not(HasSubstr("no effect")));
}

TEST(MulticastLimit, ADiffLeadsFromOneToTheOther) {
  const Config from = parsed("multicast limit cost 239.1.0.0/16 4\n" +
                             on_interface(" multicast limit out 239.1.0.0/16 20\n"
                                          " multicast limit 239.1.0.0/16 5\n"));
  const Config to = parsed("multicast limit cost 239.1.0.0/16 5\n" +
                           on_interface(" multicast limit out 239.1.0.0/16 21 threshold 9\n"
                                        " multicast limit rpf 239.1.0.0/16 5\n"));
  std::string lines;
  for (const std::string& line : diff_config(from, to)) lines += line + "\n";
  const ParseOutcome outcome = parse_config(lines, "t", from);
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  EXPECT_EQ(outcome.config, to);
}

}  // namespace
}  // namespace hotpair::ha::config
