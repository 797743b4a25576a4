#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/check.h"
#include "ha/config/diff.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"

// Rows of BFD sessions and of what follows them.
namespace hotpair::ha::config {
namespace {

using testing::all;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kSessions =
    "bfd\n#\n"
    "bfd ab bind peer-ip 10.0.0.2 interface GigabitEthernet0/1/1 source-ip 10.0.0.1\n"
    " discriminator local 11\n discriminator remote 22\n min-tx-interval 10\n"
    " min-rx-interval 20\n detect-multiplier 5\n"
    " authentication-mode met-sha1 key-id 7 cipher secret\n commit\n#\n"
    "bfd loop bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1\n minimum-ttl 254\n shutdown\n#\n"
    "interface GigabitEthernet0/1/1\n ip address 10.0.0.1 24\n#\n"
    "interface LoopBack0\n ip address 1.1.1.1 32\n ipv6 enable\n ipv6 address 2001:db8::1/128\n#\n"
    "e-trunk 1\n peer-address 3.3.3.3 source-address 1.1.1.1\n security-key simple k\n"
    " path source 10.0.0.1 peer 10.0.0.2 bfd-session ab\n"
    " e-trunk track bfd-session session-name loop\n#\n"
    "remote-backup-service s1\n peer 3.3.3.3 source 1.1.1.1 port 1025\n track bfd-session 11\n#\n";

Config parsed(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  return outcome.config;
}

TEST(BfdRows, EveryValueIsRead) {
  const Config config = parsed(std::string(kSessions));
  EXPECT_TRUE(*config.bfd_enabled);
  ASSERT_EQ(config.bfd_sessions.size(), 2U);
  const BfdSessionModel& ab = config.bfd_sessions[0];
  EXPECT_EQ(ab.name, "ab");
  EXPECT_EQ(ab.peer->to_string(), "10.0.0.2");
  EXPECT_EQ(ab.source->to_string(), "10.0.0.1");
  EXPECT_EQ(ab.interface->name, "GigabitEthernet0/1/1");
  EXPECT_FALSE(ab.is_multihop());
  EXPECT_EQ(*ab.local_discriminator, 11U);
  EXPECT_EQ(*ab.remote_discriminator, 22U);
  EXPECT_EQ(*ab.min_tx_ms, 10U);
  EXPECT_EQ(*ab.min_rx_ms, 20U);
  EXPECT_EQ(*ab.multiplier, 5);
  EXPECT_EQ(ab.authentication->key_id, 7);
  EXPECT_EQ(ab.authentication->key.text, "secret");
  EXPECT_FALSE(*ab.shutdown);
  const BfdSessionModel& loop = config.bfd_sessions[1];
  EXPECT_TRUE(loop.is_multihop());
  EXPECT_TRUE(loop.peer->is_v6());
  EXPECT_EQ(*loop.minimum_ttl, 254);
  EXPECT_TRUE(*loop.shutdown);
  EXPECT_EQ(*config.etrunks[0].bfd_session, "loop");
  ASSERT_EQ(config.etrunks[0].paths.size(), 1U);
  EXPECT_EQ(config.etrunks[0].paths[0]->bfd_session, "ab");
  EXPECT_EQ(*config.services[0].track_bfd, 11);
  EXPECT_EQ(config.find_bfd_session(11U)->name, "ab");
  EXPECT_EQ(config.find_bfd_session(12U), nullptr);
}

TEST(BfdRows, PrintedAsTheyWereRead) {
  const Config config = parsed(std::string(kSessions));
  const std::string text = print_config(config);
  EXPECT_THAT(text, HasSubstr("bfd ab bind peer-ip 10.0.0.2 interface GigabitEthernet0/1/1 "
                              "source-ip 10.0.0.1\n discriminator local 11\n"));
  EXPECT_THAT(text, HasSubstr(" authentication-mode met-sha1 key-id 7 cipher secret\n"));
  EXPECT_THAT(text, HasSubstr("bfd loop bind peer-ipv6 2001:DB8::2 source-ipv6 2001:DB8::1\n"));
  EXPECT_EQ(parsed(text), config);
  EXPECT_THAT(print_config(config, {.secrets = false}), Not(HasSubstr("secret")));
}

TEST(BfdRows, ASessionIsEnteredAgainByItsNameAndRemovedByIt) {
  const Config config =
      parsed(std::string(kSessions) + "bfd ab\n undo min-tx-interval\n#\n" + "undo bfd loop\n");
  ASSERT_EQ(config.bfd_sessions.size(), 1U);
  EXPECT_EQ(*config.bfd_sessions[0].min_tx_ms, 1000U);
  EXPECT_EQ(*config.bfd_sessions[0].min_rx_ms, 20U);
  EXPECT_FALSE(*parsed(std::string(kSessions) + "undo bfd\n").bfd_enabled);
  EXPECT_EQ(parsed(std::string(kSessions) + "undo bfd\n").bfd_sessions.size(), 2U);
}

TEST(BfdRows, ANewBindingKeepsTheRest) {
  const Config config =
      parsed(std::string(kSessions) + "bfd ab bind peer-ip 10.0.0.3 source-ip 10.0.0.1\n#\n");
  const BfdSessionModel& ab = config.bfd_sessions[0];
  EXPECT_TRUE(ab.is_multihop());
  EXPECT_EQ(*ab.min_tx_ms, 10U);
  EXPECT_EQ(parsed(print_config(config)), config);
}

TEST(BfdRows, Refusals) {
  const auto refused = [](const std::string& text) {
    return all(parse_config(text, "t").diagnostics);
  };
  EXPECT_THAT(refused("bfd nobody\n"), HasSubstr("there is no bfd session nobody"));
  EXPECT_THAT(refused("bfd x bind peer-ip 1.1.1.1\n min-tx-interval 2\n"), HasSubstr("error"));
  EXPECT_THAT(refused("bfd x bind peer-ip 1.1.1.1\n authentication-mode met-sha1 key-id 1 plain "
                      "123456789012345678901\n"),
              HasSubstr("1 to 20 bytes"));
}

std::string checked(const std::string& more) {
  return all(check_config(parsed(std::string(kSessions) + more), {.file = "t"}));
}

TEST(BfdCheck, AGoodConfigurationHasNothingToSay) {
  const std::string text = checked("");
  EXPECT_THAT(text, Not(HasSubstr("bfd")));
  EXPECT_THAT(text, Not(HasSubstr("single path")));
}

TEST(BfdCheck, WhatIsRefusedAndWhatIsWarnedOf) {
  EXPECT_THAT(checked("undo bfd ab\n"), HasSubstr("error: e-trunk 1: there is no bfd session ab"));
  EXPECT_THAT(checked("undo bfd ab\n"),
              HasSubstr("error: remote-backup-service s1: no bfd session has 'discriminator "
                        "local 11'"));
  EXPECT_THAT(checked("undo bfd\n"), HasSubstr("warning: bfd ab: not active without 'bfd'"));
  EXPECT_THAT(checked("bfd ab\n detect-multiplier 1\n min-rx-interval 3\n"),
              HasSubstr("warning: bfd ab: a detection time of 10 ms"));
  EXPECT_THAT(checked("bfd loop\n undo minimum-ttl\n"),
              HasSubstr("warning: bfd loop: multihop without authentication"));
  EXPECT_THAT(checked("bfd loop\n discriminator local 11\n"),
              HasSubstr("error: bfd loop: discriminator 11 is that of ab already"));
  EXPECT_THAT(checked("bfd x bind peer-ip 9.9.9.9\n"), HasSubstr("error: bfd x: no source"));
  EXPECT_THAT(checked("bfd x bind peer-ip 10.0.0.2 interface GigabitEthernet0/1/1\n"),
              HasSubstr("error: bfd x: ab has the same addresses already"));
  EXPECT_THAT(checked("bfd x bind peer-ipv6 fe80::2 source-ipv6 fe80::1\n"),
              HasSubstr("error: bfd x: a link-local peer needs an 'interface'"));
}

}  // namespace
}  // namespace hotpair::ha::config
