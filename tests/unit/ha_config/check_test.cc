#include "ha/config/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ha_config/config_text.h"

namespace hotpair::ha::config {
namespace {

using testing::all;
using ::testing::HasSubstr;

// A pair's node that passes without an error; each case breaks one thing of it.
constexpr std::string_view kGood =
    "multicast routing-enable\n"
    "e-trunk 1\n peer-address 3.3.3.3 source-address 1.1.1.1\n security-key simple k\n#\n"
    "remote-backup-service s1\n peer 3.3.3.3 source 1.1.1.1 port 1025\n#\n"
    "remote-backup-profile p1\n service-type igmp\n backup-id 10 remote-backup-service s1\n"
    " peer-backup hot\n e-trunk 1 eth-trunk 1\n#\n"
    "interface Eth-Trunk1\n ip address 10.0.0.1 24\n igmp enable\n e-trunk 1\n"
    " remote-backup-profile p1\n#\n"
    "interface LoopBack0\n ip address 1.1.1.1 32\n#\n";

Diagnostics checked(const std::string& more, bool pair_key = true) {
  const ParseOutcome outcome = parse_config(std::string(kGood) + more, "t");
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  return check_config(outcome.config, {.file = "t", .pair_key_present = pair_key});
}

TEST(Check, AGoodNodeHasOnlyTheSinglePath) {
  const Diagnostics found = checked("");
  ASSERT_EQ(found.size(), 1U) << all(found);
  EXPECT_EQ(found[0].message, "e-trunk 1: single path: cutting it makes two masters");
  EXPECT_EQ(found[0].line.number, 3U);
}

struct Case {
  const char* change;
  const char* message;
};

class Errors : public ::testing::TestWithParam<Case> {};
TEST_P(Errors, Refused) {
  const Diagnostics found = checked(GetParam().change);
  EXPECT_TRUE(has_errors(found)) << GetParam().change;
  EXPECT_THAT(all(found), HasSubstr(std::string("error: ") + GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    Rules, Errors,
    ::testing::Values(
        Case{"remote-backup-profile p1\n undo backup-id\n",
             "remote-backup-profile p1: no 'backup-id"},
        Case{"undo remote-backup-service s1\n",
             "remote-backup-profile p1: there is no remote-backup-service s1"},
        Case{"undo e-trunk 1\n", "remote-backup-profile p1: there is no e-trunk 1"},
        Case{"remote-backup-profile p1\n undo e-trunk\n",
             "remote-backup-profile p1: no 'e-trunk N eth-trunk M'"},
        Case{"undo interface Eth-Trunk1\n",
             "remote-backup-profile p1: there is no interface Eth-Trunk1"},
        Case{"interface Eth-Trunk1\n undo e-trunk\n",
             "remote-backup-profile p1: interface Eth-Trunk1 is not in e-trunk 1"},
        Case{"interface Eth-Trunk2\n remote-backup-profile p1\n",
             "interface Eth-Trunk2: remote-backup-profile p1 follows Eth-Trunk1"},
        Case{"interface eth9\n remote-backup-profile p9\n",
             "interface eth9: there is no remote-backup-profile p9"},
        Case{"interface Eth-Trunk1\n igmp static-group 232.1.1.1\n",
             "interface Eth-Trunk1: 232.1.1.1 is a source-specific group, 'igmp static-group'"},
        Case{"pim\n ssm-range 239.0.0.0/8\n#\ninterface Eth-Trunk1\n"
             " igmp static-group 239.1.1.1\n",
             "interface Eth-Trunk1: 239.1.1.1 is a source-specific group"},
        Case{"interface Eth-Trunk7\n e-trunk 7\n", "interface Eth-Trunk7: there is no e-trunk 7"},
        Case{"remote-backup-profile p2\n backup-id 10 remote-backup-service s1\n peer-backup hot\n",
             "remote-backup-profile p2: backup-id 10 is that of p1 already"},
        Case{"remote-backup-profile p2\n e-trunk 1 eth-trunk 1\n",
             "remote-backup-profile p2: Eth-Trunk1 is followed by p1 already"},
        Case{"remote-backup-service s1\n peer 1.1.1.1 source 1.1.1.1 port 1\n",
             "remote-backup-service s1: peer and source are the same"},
        Case{"remote-backup-service s2\n", "remote-backup-service s2: no peer"},
        Case{"remote-backup-service s1\n peer 3.3.3.3 source 1.1.1.1 port 49152\n",
             "remote-backup-service s1: port 49152 is refused"},
        Case{"e-trunk 1\n port 65535\n", "e-trunk 1: port 65535 is refused"},
        Case{"e-trunk 2\n", "e-trunk 2: no peer"},
        Case{"e-trunk 1\n peer-address 1.1.1.1 source-address 1.1.1.1\n",
             "e-trunk 1: peer and source are the same"},
        Case{"interface eth9\n ip address 10.0.0.1 24\n",
             "interface eth9: 10.0.0.1 is on Eth-Trunk1 already"},
        Case{"interface Eth-Trunk1\n least active-linknumber 3\n max active-linknumber 2\n",
             "interface Eth-Trunk1: 'least active-linknumber 3' is more than"},
        Case{"interface GE0/1/1\n eth-trunk 1\n igmp enable\n",
             "interface GigabitEthernet0/1/1: a member of Eth-Trunk1 has no addresses"},
        Case{"interface NULL0\n igmp enable\n", "interface NULL0: it cannot carry multicast"},
        Case{"e-trunk 1\n path source 1.1.1.1 peer 10.0.0.2\n",
             "e-trunk 1: path source 1.1.1.1: that is the source of the first path"},
        Case{"e-trunk 1\n path source 10.9.9.9 peer 10.0.0.2\n",
             "e-trunk 1: path source 10.9.9.9: no configured interface has this address"},
        Case{"interface LoopBack1\n ip address 7.7.7.7 32\n#\ne-trunk 1\n"
             " path source 7.7.7.7 peer 8.8.8.8\n",
             "e-trunk 1: path source 7.7.7.7: LoopBack1 is a loopback"},
        Case{"e-trunk 1\n path source 10.0.0.1 peer 10.0.0.1\n",
             "e-trunk 1: path source 10.0.0.1: source and peer are the same"},
        Case{"e-trunk 1\n path source 10.0.0.1 peer 2001:db8::1\n",
             "e-trunk 1: path source 10.0.0.1: source and peer are of different families"},
        Case{"e-trunk 1\n track interface GigabitEthernet0/1/9 reduced 10\n",
             "e-trunk 1: there is no interface GigabitEthernet0/1/9 to track"},
        Case{"e-trunk 1\n undo security-key\n security-key accept simple n\n",
             "e-trunk 1: 'security-key accept' needs a 'security-key'"}));

class Warnings : public ::testing::TestWithParam<Case> {};
TEST_P(Warnings, NotRefused) {
  const Diagnostics found = checked(GetParam().change);
  EXPECT_FALSE(has_errors(found)) << all(found);
  EXPECT_THAT(all(found), HasSubstr(std::string("warning: ") + GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    Rules, Warnings,
    ::testing::Values(Case{"remote-backup-profile p1\n undo peer-backup hot\n",
                           "remote-backup-profile p1: no 'peer-backup hot'"},
                      Case{"remote-backup-profile p2\n",
                           "remote-backup-profile p2: no 'e-trunk N eth-trunk M'"},
                      Case{"remote-backup-profile p2\n", "remote-backup-profile p2: no 'backup-id"},
                      Case{"interface LoopBack0\n undo ip address\n",
                           "e-trunk 1: source address 1.1.1.1 is not on any configured interface"},
                      Case{"interface Eth-Trunk1\n undo igmp enable\n",
                           "interface Eth-Trunk1: profile p1 backs up IGMP, but"},
                      Case{"interface Eth-Trunk1\n mld enable\n ipv6 enable\n",
                           "interface Eth-Trunk1: MLD is enabled, but profile p1"},
                      Case{"remote-backup-profile p1\n service-type mld\n",
                           "interface Eth-Trunk1: profile p1 backs up MLD, but"},
                      Case{"undo multicast routing-enable\n",
                           "interface Eth-Trunk1: IPv4 multicast is used without"},
                      Case{"interface Eth-Trunk1\n undo ip address\n",
                           "interface Eth-Trunk1: IGMP needs an IPv4 address"},
                      Case{"e-trunk 1\n timer hello-ms 20\n timer hold-on-failure multiplier 3\n",
                           "e-trunk 1: a timeout of 60 ms takes ordinary pauses"},
                      Case{"interface Eth-Trunk1\n mode lacp-static\n",
                           "interface Eth-Trunk1: no port is a member: 'eth-trunk 1' on a port"},
                      Case{"interface GE0/1/2\n eth-trunk 1\n",
                           "interface Eth-Trunk1: without 'mode lacp-static' its members do not"},
                      Case{"interface Eth-Trunk1\n mode manual\n",
                           "interface Eth-Trunk1: only 'mode lacp-static' is active"},
                      Case{"interface Eth-Trunk1\n mode lacp-static\n",
                           "interface Eth-Trunk1: without 'lacp e-trunk system-id', the same on"},
                      Case{"lacp priority 100\n#\ninterface Eth-Trunk1\n mode lacp-static\n",
                           "'lacp priority' does not count for Eth-Trunk1"},
                      Case{"interface Eth-Trunk1\n e-trunk mode force-master\n",
                           "interface Eth-Trunk1: 'force-master' takes"},
                      Case{"interface Eth-Trunk3\n e-trunk mode auto\n",
                           "interface Eth-Trunk3: 'e-trunk mode' without 'e-trunk N'"},
                      Case{"interface GE0/1/2\n lacp priority 3\n",
                           "interface GigabitEthernet0/1/2: 'lacp priority' counts only"},
                      Case{"interface Eth-Trunk1\n least active-linknumber 2\n"
                           "#\ninterface GE0/1/2\n eth-trunk 1\n",
                           "interface Eth-Trunk1: it needs 2 links and has 1 members"},
                      Case{"interface Eth-Trunk1\n undo remote-backup-profile\n",
                           "remote-backup-profile p1: no interface binds it"}));

TEST(Check, ASecondPathEndsTheWarning) {
  EXPECT_EQ(all(checked("e-trunk 1\n path source 10.0.0.1 peer 10.0.0.2\n")), "");
}

TEST(Check, HmacSha1IsRefusedWithTheReason) {
  const ParseOutcome outcome =
      parse_config(std::string(kGood) + "e-trunk 1\n authentication-mode hmac-sha1\n", "t");
  EXPECT_FALSE(outcome.ok());
  EXPECT_THAT(all(outcome.diagnostics), HasSubstr("HMAC-SHA1 is not offered"));
}

TEST(Check, HellosNeedSomeKey) {
  EXPECT_FALSE(has_errors(checked("", false)));
  EXPECT_THAT(all(checked("", false)), HasSubstr("no pair key: run hotpair pair init"));
  EXPECT_TRUE(has_errors(checked("e-trunk 1\n undo security-key\n", false)));
  EXPECT_FALSE(has_errors(checked("e-trunk 1\n undo security-key\n", true)));
}

TEST(Check, TheKernelHasRoomFor31) {
  std::string more;
  for (int i = 0; i < 30; ++i) more += "interface p" + std::to_string(i) + "\n pim sm\n";
  EXPECT_FALSE(has_errors(checked(more)));
  EXPECT_THAT(all(checked(more + "interface p30\n pim sm\n")),
              HasSubstr("more than 31 interfaces"));
}

constexpr std::string_view kPolicy =
    "ssl policy p\n certificate load pem-cert a.pem key-pair ecdsa key-file a.key\n"
    " trusted-ca load pem-ca ca.pem\n peer-identity hotpair:node:B\n#\n"
    "remote-backup-service s1\n ssl-policy p\n#\n";

Diagnostics checked_with_files(const std::string& text, const std::string& problem,
                               bool must_be_good = true) {
  const ParseOutcome outcome = parse_config(std::string(kGood) + text, "t");
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  return check_config(outcome.config,
                      {.file = "t",
                       .pair_key_present = false,
                       .policy_problem = [&](const SslPolicyModel&) { return problem; },
                       .files_must_be_good = must_be_good});
}

TEST(SslPolicy, AChannelWithCertificatesNeedsNoPairKey) {
  const Diagnostics found = checked_with_files(std::string(kPolicy), "");
  ASSERT_EQ(found.size(), 1U) << all(found);
  EXPECT_THAT(all(found), HasSubstr("single path"));
}

TEST(SslPolicy, AChannelNamesAPolicyThatIsThere) {
  const Diagnostics found = checked("remote-backup-service s1\n ssl-policy p\n#\n");
  EXPECT_THAT(all(found), HasSubstr("error: remote-backup-service s1: there is no ssl policy p"));
}

TEST(SslPolicy, EachLineIsNeeded) {
  const std::string base = "remote-backup-service s1\n ssl-policy p\n#\nssl policy p\n";
  const std::string text = all(checked(base));
  EXPECT_THAT(text, HasSubstr("error: ssl policy p: no 'certificate load pem-cert FILE"));
  EXPECT_THAT(text, HasSubstr("error: ssl policy p: no 'trusted-ca load pem-ca FILE'"));
  EXPECT_THAT(text, HasSubstr("error: ssl policy p: no 'peer-identity URI'"));
}

TEST(SslPolicy, TheFilesAreLookedAt) {
  const std::string problem = "own certificate expired on 2026-01-01";
  EXPECT_THAT(all(checked_with_files(std::string(kPolicy), problem)),
              HasSubstr("error: ssl policy p: " + problem));
  const Diagnostics start = checked_with_files(std::string(kPolicy), problem, false);
  EXPECT_FALSE(has_errors(start));
  EXPECT_THAT(all(start), HasSubstr("warning: ssl policy p: " + problem));
  const Diagnostics unused = checked_with_files(
      std::string(kPolicy) + "remote-backup-service s1\n undo ssl-policy\n", problem);
  EXPECT_FALSE(has_errors(unused));
  EXPECT_THAT(all(unused), HasSubstr("warning: ssl policy p: no remote-backup-service uses it"));
}

}  // namespace
}  // namespace hotpair::ha::config
