#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/check.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"

/// Who is a PIM neighbour of an interface, and what it may say: silence, BFD, generation ids,
/// joins.
namespace hotpair::ha::config {
namespace {

using testing::all;
using ::testing::HasSubstr;
using ::testing::Not;

Config parsed(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  return outcome.config;
}
std::string refused(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_EQ(testing::errors_in(outcome.diagnostics), 1U) << text << all(outcome.diagnostics);
  return all(outcome.diagnostics);
}
std::string checked(const std::string& text) {
  return all(check_config(parsed(text), {.file = "t", .pair_key_present = true}));
}
/// The view of eth0 as it is printed.
std::string eth0(const std::string& text) {
  const std::string printed = print_config(parsed(text), {});
  const std::size_t begin = printed.find("\ninterface eth0\n");
  if (begin == std::string::npos) return {};
  return printed.substr(begin + 1, printed.find("\n#", begin + 1) - begin);
}

TEST(PimNeighbourRows, EveryLineIsPrintedAsItIsWritten) {
  const std::string text =
      "interface eth0\n pim sm\n pim ipv6 sm\n pim silent\n pim bfd enable\n"
      " pim bfd min-tx-interval 50\n pim bfd min-rx-interval 60\n pim bfd detect-multiplier 4\n"
      " pim ipv6 silent\n pim ipv6 bfd enable\n pim ipv6 bfd min-tx-interval 70\n"
      " pim ipv6 bfd min-rx-interval 80\n pim ipv6 bfd detect-multiplier 5\n"
      " pim require-genid\n pim join-policy 238.0.0.0/8\n"
      " pim join-policy 239.0.0.0/8 source 10.0.0.0/8\n pim ipv6 require-genid\n"
      " pim ipv6 join-policy FF1E::/16 source 2001:DB8::/32\n";
  EXPECT_EQ(eth0(text), text);
  EXPECT_EQ(parsed(text + " undo pim sm\n undo pim ipv6 sm\n undo pim silent\n"
                          " undo pim ipv6 silent\n undo pim bfd enable\n"
                          " undo pim bfd min-tx-interval\n undo pim bfd min-rx-interval\n"
                          " undo pim bfd detect-multiplier\n undo pim ipv6 bfd enable\n"
                          " undo pim ipv6 bfd min-tx-interval\n"
                          " undo pim ipv6 bfd min-rx-interval\n"
                          " undo pim ipv6 bfd detect-multiplier\n undo pim require-genid\n"
                          " undo pim join-policy\n undo pim ipv6 require-genid\n"
                          " undo pim ipv6 join-policy\n"),
            parsed("interface eth0\n"));
}

TEST(PimNeighbourRows, IosSaysTheSame) {
  EXPECT_EQ(parsed("interface eth0\n ip pim sparse-mode\n ip pim passive\n ip pim bfd\n"
                   " ipv6 pim\n ipv6 pim passive\n ipv6 pim bfd\n"
                   " bfd interval 50 min_rx 60 multiplier 4\n"
                   " ip pim jp-policy 239.0.0.0/8 source 10.0.0.0/8\n"
                   " ipv6 pim jp-policy FF1E::/16\n"),
            parsed("interface eth0\n pim sm\n pim silent\n pim bfd enable\n"
                   " pim bfd min-tx-interval 50\n pim bfd min-rx-interval 60\n"
                   " pim bfd detect-multiplier 4\n pim ipv6 sm\n pim ipv6 silent\n"
                   " pim ipv6 bfd enable\n pim ipv6 bfd min-tx-interval 50\n"
                   " pim ipv6 bfd min-rx-interval 60\n pim ipv6 bfd detect-multiplier 4\n"
                   " pim join-policy 239.0.0.0/8 source 10.0.0.0/8\n"
                   " pim ipv6 join-policy FF1E::/16\n"));
  EXPECT_EQ(parsed("interface eth0\n ip pim passive\n ip pim bfd\n ipv6 pim passive\n"
                   " bfd interval 50 min_rx 60 multiplier 4\n no ip pim passive\n"
                   " no ip pim bfd\n no ipv6 pim passive\n no bfd interval\n"),
            parsed("interface eth0\n"));
}

TEST(PimNeighbourRows, LinesOfAJoinPolicyAddUpAndGoOneByOne) {
  const std::string text =
      "interface eth0\n pim join-policy 239.1.1.1/8\n pim join-policy 239.0.0.0/8 source "
      "10.1.1.1/8\n pim join-policy 239.0.0.0/8\n";
  const auto policy = parsed(text).find_interface("eth0")->pim.join_policy;
  ASSERT_EQ(policy.size(), 2U);
  EXPECT_EQ(*policy[0], (JoinPolicyModel{*IpPrefix::parse("239.0.0.0/8"), std::nullopt}));
  EXPECT_EQ(policy[1]->sources, *IpPrefix::parse("10.0.0.0/8"));
  const Config one = parsed(text + " undo pim join-policy 239.0.0.0/8\n");
  ASSERT_EQ(one.find_interface("eth0")->pim.join_policy.size(), 1U);
  EXPECT_TRUE(one.find_interface("eth0")->pim.join_policy[0]->sources.has_value());
}

TEST(PimNeighbourRows, MistakesAreRefused) {
  EXPECT_THAT(refused("interface eth0\n pim join-policy 10.0.0.0/8\n"),
              HasSubstr("10.0.0.0/8 is not a range of multicast groups"));
  EXPECT_THAT(refused("interface eth0\n pim join-policy 239.0.0.0/8 source 239.1.0.0/16\n"),
              HasSubstr("239.1.0.0/16 is not a range of sources"));
  EXPECT_THAT(refused("interface eth0\n bfd interval 2 min_rx 60 multiplier 4\n"),
              HasSubstr("'2' is out of range"));
  EXPECT_THAT(refused("interface eth0\n bfd interval 50 min_rx 60 multiplier 51\n"),
              HasSubstr("'51' is out of range"));
  EXPECT_THAT(refused("interface eth0\n bfd interval 50 multiplier 3\n"), HasSubstr("min_rx"));
  EXPECT_THAT(refused("interface eth0\n ip pim pasive\n"), HasSubstr("did you mean 'passive'"));
}

constexpr char kPort[] =
    "multicast routing-enable\nmulticast ipv6 routing-enable\n"
    "interface eth0\n ip address 10.0.0.1 24\n";

TEST(PimNeighbourRows, AnAccessListIsKeptAndSaid) {
  EXPECT_THAT(checked(std::string(kPort) + " pim sm\n pim join-policy ssm 3000\n"),
              HasSubstr("'pim join-policy ssm 3000' is not active"));
  EXPECT_EQ(checked(std::string(kPort) + " pim sm\n pim require-genid\n"
                                         " pim join-policy 239.0.0.0/8\n pim bfd enable\n"),
            "");
}

TEST(PimNeighbourRows, WhatSilenceLeavesWithoutEffectIsSaid) {
  EXPECT_EQ(checked(std::string(kPort) + " pim sm\n pim silent\n"), "");
  EXPECT_THAT(checked(std::string(kPort) + " pim silent\n"),
              HasSubstr("'pim …' has no effect without 'pim sm'"));
  const std::string said = checked(std::string(kPort) +
                                   " pim sm\n pim silent\n pim bfd enable\n pim require-genid\n"
                                   " pim neighbor-policy 10.0.0.0/24\n"
                                   " pim join-policy 239.0.0.0/8\n");
  for (const std::string what : {"bfd enable", "require-genid", "neighbor-policy", "join-policy"})
    EXPECT_THAT(said, HasSubstr("warning: interface eth0: 'pim " + what +
                                "' has no effect on a silent interface"));
}

TEST(PimNeighbourRows, TimersOfBothFamiliesAreNoFaultOfOne) {
  EXPECT_EQ(checked(std::string(kPort) +
                    " pim sm\n ip pim bfd\n bfd interval 50 min_rx 50 multiplier 3\n"),
            "");
  EXPECT_THAT(checked(std::string(kPort) + " pim sm\n ipv6 pim bfd\n"),
              HasSubstr("'pim ipv6 …' has no effect without 'pim ipv6 sm'"));
}

TEST(PimNeighbourRows, ASilentInterfaceHasNoIdentityToFloat) {
  EXPECT_THAT(checked(std::string(kPort) + " pim sm\n pim silent\n pim identity floating\n"),
              HasSubstr("error: interface eth0: 'pim silent' leaves no PIM"));
  EXPECT_THAT(checked(std::string(kPort) + " pim sm\n pim silent\n"), Not(HasSubstr("error")));
}

}  // namespace
}  // namespace hotpair::ha::config
