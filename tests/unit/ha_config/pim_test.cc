#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/check.h"
#include "ha/config/diff.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"

/// PIM in the configuration: views, interfaces, both dialects.
namespace hotpair::ha::config {
namespace {

using testing::all;
using ::testing::ElementsAre;
using testing::errors_in;
using ::testing::HasSubstr;
using ::testing::Not;

Config parsed(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  return outcome.config;
}
std::string refused(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_EQ(errors_in(outcome.diagnostics), 1U) << text << all(outcome.diagnostics);
  return all(outcome.diagnostics);
}
/// What the rules say to it.
std::string checked(const std::string& text) {
  return all(check_config(parsed(text), {.file = "t", .pair_key_present = true}));
}
/// The lines of a view as they are printed.
std::string view_of(const std::string& text, const std::string& header) {
  const std::string printed = print_config(parsed(text), {});
  const std::size_t begin = printed.find("\n" + header + "\n");
  if (begin == std::string::npos) return {};
  return printed.substr(begin + 1, printed.find("\n#", begin + 1) - begin);
}

TEST(PimView, EveryLineIsPrintedAsItIsWritten) {
  const std::string text =
      "pim\n static-rp 2.2.2.2\n static-rp 3.3.3.3 239.0.0.0/8 preferred\n"
      " spt-switch-threshold 500\n register-policy 10.0.0.0/8\n register-policy 11.0.0.0/8\n"
      " c-bsr LoopBack0 hash-length 24 priority 200\n"
      " c-rp 1.1.1.1 group-policy 225.0.0.0/8 226.0.0.0/8 priority 10 holdtime 120"
      " advertisement-interval 30\n"
      " c-rp 2.2.2.2 priority 4 bidir\n c-rp LoopBack0\n bsr-policy 1.0.0.0/8\n crp-policy "
      "1.1.0.0/16\n"
      " auto-rp listening enable\n auto-rp announce 1.1.1.1 scope 9 interval 20\n"
      " auto-rp announce LoopBack0 group-policy 239.1.0.0/16\n"
      " auto-rp discovery LoopBack0 scope 16 interval 30\n timer hello 20\n timer join-prune 50\n"
      " hello-option dr-priority 7\n hello-option holdtime 90\n hello-option lan-delay 300\n"
      " hello-option override-interval 2000\n hello-option neighbor-tracking\n";
  EXPECT_EQ(view_of(text, "pim"), text);
}

TEST(PimView, WhatItMeans) {
  const PimModel pim = parsed(
                           "pim\n c-bsr LoopBack 0 30 5\n spt-switch-threshold infinity\n"
                           " c-rp LoopBack0 group-policy 226.1.1.1/8 225.0.0.0/8 226.0.0.0/8\n")
                           .pim;
  EXPECT_EQ(pim.c_bsr->address.interface, "LoopBack0");
  EXPECT_EQ(pim.c_bsr->hash_length, 30);
  EXPECT_EQ(pim.c_bsr->priority, 5);
  EXPECT_TRUE(pim.spt->infinity);
  ASSERT_EQ(pim.c_rps.size(), 1U);
  EXPECT_THAT(pim.c_rps[0]->groups,
              ElementsAre(*IpPrefix::parse("225.0.0.0/8"), *IpPrefix::parse("226.0.0.0/8")));
  EXPECT_FALSE(pim.c_rps[0]->priority.has_value());
}

TEST(PimView, Ipv6HasEmbeddedRpUnlessItIsUndone) {
  EXPECT_TRUE(*parsed("pim-ipv6\n embedded-rp\n").pim_ipv6.embedded_rp);
  EXPECT_EQ(view_of("pim-ipv6\n embedded-rp\n", "pim-ipv6"), "");
  const std::string off = "pim-ipv6\n undo embedded-rp\n";
  EXPECT_FALSE(*parsed(off).pim_ipv6.embedded_rp);
  EXPECT_EQ(view_of(off, "pim-ipv6"), off);
  EXPECT_EQ(parsed(off + " embedded-rp\n"), parsed(""));
  EXPECT_THAT(diff_config(parsed(off + " timer hello 9\n"), parsed("pim-ipv6\n timer hello 9\n")),
              ElementsAre("pim-ipv6", " embedded-rp", "#"));
}

TEST(PimView, UndoTakesEachBack) {
  const std::string full =
      "pim\n c-bsr 1.1.1.1\n c-rp 1.1.1.1\n c-rp LoopBack0\n register-policy 10.0.0.0/8 "
      "11.0.0.0/8\n"
      " spt-switch-threshold 5\n auto-rp listening enable\n timer hello 9\n"
      " hello-option neighbor-tracking\n static-rp 2.2.2.2 preferred\n";
  EXPECT_EQ(parsed(full + "#\nundo pim\n"), parsed(""));
  EXPECT_EQ(parsed(full + " undo c-bsr\n undo c-rp\n undo register-policy\n"
                          " undo spt-switch-threshold\n undo auto-rp listening\n undo timer hello\n"
                          " undo hello-option neighbor-tracking\n undo static-rp 2.2.2.2\n"),
            parsed(""));
  const Config one = parsed(full + " undo c-rp 1.1.1.1\n undo register-policy 11.0.0.0/8\n");
  EXPECT_EQ(one.pim.c_rps.size(), 1U);
  EXPECT_EQ(one.pim.register_policy.size(), 1U);
}

TEST(PimView, AnAccessListIsKeptAndSaid) {
  const std::string text =
      "pim\n register-policy 3000\n c-rp LoopBack0 group-policy 2000 priority 3\n";
  EXPECT_EQ(view_of(text, "pim"), text);
  EXPECT_THAT(checked(text), HasSubstr("pim: 'register-policy 3000' is not active"));
  EXPECT_TRUE(parsed(text).pim.c_rps.empty());
}

TEST(PimView, MistakesAreSaidWithWhatWasExpected) {
  EXPECT_THAT(refused("pim\n c-bsr LoopBack0 priority 256\n"),
              HasSubstr("t:2:27: error: '256' is out of range"));
  EXPECT_THAT(refused("pim\n c-rp LoopBack0 group-policy 10.0.0.0/8\n"),
              HasSubstr("10.0.0.0/8 is not a range of multicast groups"));
  EXPECT_THAT(refused("pim\n c-rp LoopBack0 group-policy 225.0.0.0/8 226.0.0.0/40\n"),
              HasSubstr("'226.0.0.0/40' is not X.X.X.X/L"));
  EXPECT_THAT(refused("pim\n c-rp 225.1.1.1\n"),
              HasSubstr("225.1.1.1 is no routable unicast address"));
  EXPECT_THAT(refused("pim\n c-rp 1.1.1.300\n"),
              HasSubstr("t:2:7: error: '1.1.1.300' is not X.X.X.X in view pim; expected one of: "
                        "INTERFACE, X.X.X.X"));
  EXPECT_THAT(refused("pim\n spt-switch-threshold never\n"), HasSubstr("infinity"));
  EXPECT_THAT(refused("pim\n c-rp LoopBack0 prority 3\n"), HasSubstr("did you mean 'priority'"));
  EXPECT_THAT(refused("interface eth0\n pim timer hello 0\n"), HasSubstr("'0' is out of range"));
}

TEST(PimInterface, EveryLineIsPrintedAsItIsWritten) {
  const std::string text =
      "interface Eth-Trunk1\n pim sm\n pim ipv6 sm\n pim hello-option dr-priority 100\n"
      " pim hello-option holdtime 65535\n pim hello-option lan-delay 100\n"
      " pim hello-option override-interval 900\n pim hello-option neighbor-tracking\n"
      " pim timer hello 10\n pim timer join-prune 20\n pim neighbor-policy 10.0.0.0/24\n"
      " pim neighbor-policy 10.1.0.0/24\n pim bsr-boundary\n"
      " pim ipv6 hello-option dr-priority 4294967295\n pim ipv6 timer hello 11\n"
      " pim ipv6 neighbor-policy FE80::/64\n pim ipv6 bsr-boundary\n";
  EXPECT_EQ(view_of(text, "interface Eth-Trunk1"), text);
  EXPECT_EQ(parsed(text + " undo pim sm\n undo pim ipv6 sm\n undo pim hello-option dr-priority\n"
                          " undo pim hello-option holdtime\n undo pim hello-option lan-delay\n"
                          " undo pim hello-option override-interval\n"
                          " undo pim hello-option neighbor-tracking\n undo pim timer hello\n"
                          " undo pim timer join-prune\n undo pim neighbor-policy\n"
                          " undo pim bsr-boundary\n undo pim ipv6 hello-option dr-priority\n"
                          " undo pim ipv6 timer hello\n undo pim ipv6 neighbor-policy\n"
                          " undo pim ipv6 bsr-boundary\n"),
            parsed("interface Eth-Trunk1\n"));
}

TEST(PimInterface, WhatItDoesNotSayTheViewSays) {
  const Config config = parsed(
      "pim\n timer hello 20\n hello-option dr-priority 7\n#\n"
      "interface eth0\n pim sm\n pim timer hello 10\n");
  const PimHelloModel hello = in_force(config.find_interface("eth0")->pim.hello, config.pim.hello);
  EXPECT_EQ(*hello.hello_s, 10);
  EXPECT_EQ(*hello.dr_priority, 7U);
  EXPECT_EQ(*hello.join_prune_s, 60);
  EXPECT_FALSE(hello.holdtime_s.configured);
}

TEST(PimInterface, NothingOfItIsInactive) {
  EXPECT_THAT(
      checked("multicast routing-enable\ninterface eth0\n ip address 10.0.0.1 24\n pim sm\n"),
      Not(HasSubstr("not active")));
}

TEST(PimIos, SaysTheSame) {
  EXPECT_EQ(parsed("interface eth0\n ip pim sparse-mode\n ip pim dr-priority 5\n"
                   " ip pim query-interval 9\n ip pim bsr-border\n"
                   " ip pim neighbor-filter 10.0.0.0/24\n ipv6 pim\n ipv6 pim hello-interval 7\n"
                   " ipv6 pim dr-priority 6\n ipv6 pim join-prune-interval 40\n"
                   " ipv6 pim bsr border\n"),
            parsed("interface eth0\n pim sm\n pim hello-option dr-priority 5\n pim timer hello 9\n"
                   " pim bsr-boundary\n pim neighbor-policy 10.0.0.0/24\n pim ipv6 sm\n"
                   " pim ipv6 timer hello 7\n pim ipv6 hello-option dr-priority 6\n"
                   " pim ipv6 timer join-prune 40\n pim ipv6 bsr-boundary\n"));
  EXPECT_EQ(parsed("ip pim rp-address 2.2.2.2 override\nip pim bsr-candidate LoopBack0 30 5\n"
                   "ip pim rp-candidate LoopBack0 group-list 239.0.0.0/8 interval 30 priority 3\n"
                   "ip pim spt-threshold infinity\nip pim autorp listener\n"
                   "ip pim send-rp-announce LoopBack0 scope 16 group-list 239.0.0.0/8\n"
                   "ip pim send-rp-discovery LoopBack0 scope 16 interval 30\n"
                   "ipv6 pim bsr candidate bsr 2001:DB8::1 126 priority 2\n"
                   "ipv6 pim bsr candidate rp 2001:DB8::1 priority 2\nno ipv6 pim rp embedded\n"
                   "ipv6 pim spt-threshold infinity\n"),
            parsed("pim\n static-rp 2.2.2.2 preferred\n c-bsr LoopBack0 hash-length 30 priority 5\n"
                   " c-rp LoopBack0 group-policy 239.0.0.0/8 priority 3 advertisement-interval 30\n"
                   " spt-switch-threshold infinity\n auto-rp listening enable\n"
                   " auto-rp announce LoopBack0 group-policy 239.0.0.0/8 scope 16\n"
                   " auto-rp discovery LoopBack0 scope 16 interval 30\n#\n"
                   "pim-ipv6\n c-bsr 2001:DB8::1 hash-length 126 priority 2\n"
                   " c-rp 2001:DB8::1 priority 2\n undo embedded-rp\n"
                   " spt-switch-threshold infinity\n"));
}

constexpr char kLoop[] =
    "multicast routing-enable\ninterface LoopBack0\n ip address 1.1.1.1 32\n pim sm\n#\n";

TEST(PimCheck, CandidatesAreOfThisRouter) {
  EXPECT_EQ(checked(std::string(kLoop) + "pim\n c-bsr LoopBack0\n c-rp 1.1.1.1\n"), "");
  EXPECT_THAT(
      checked(std::string(kLoop) + "pim\n c-bsr 1.1.1.2\n"),
      HasSubstr("t:7: error: pim: c-bsr 1.1.1.2: no configured interface has this address"));
  EXPECT_THAT(checked(std::string(kLoop) + "pim\n c-rp LoopBack7\n"),
              HasSubstr("error: pim: c-rp LoopBack7: there is no such interface"));
  EXPECT_THAT(checked(std::string(kLoop) + "pim-ipv6\n c-rp LoopBack0\n"),
              HasSubstr("error: pim-ipv6: c-rp LoopBack0: LoopBack0 has no IPv6 address"));
  EXPECT_THAT(checked("interface LoopBack0\n ip address 1.1.1.1 32\n#\npim\n c-bsr LoopBack0\n"),
              HasSubstr("warning: pim: c-bsr LoopBack0: there is no 'pim sm' on LoopBack0"));
}

TEST(PimCheck, NothingOfAutoRpIsInactive) {
  EXPECT_EQ(
      checked(std::string(kLoop) + "pim\n auto-rp listening enable\n"
                                   " auto-rp announce LoopBack0\n auto-rp discovery 1.1.1.1\n"),
      "");
  EXPECT_THAT(checked(std::string(kLoop) + "pim\n auto-rp discovery LoopBack1\n"),
              HasSubstr("error: pim: auto-rp discovery LoopBack1: there is no such interface"));
}

TEST(PimCheck, TimesFit) {
  EXPECT_THAT(checked(std::string(kLoop) + "pim\n c-rp LoopBack0 holdtime 60\n"),
              HasSubstr("error: pim: c-rp LoopBack0: holdtime 60 must be more than the 60 s"));
  EXPECT_THAT(
      checked(std::string(kLoop) + "pim\n c-rp LoopBack0 holdtime 50 advertisement-interval 20\n"),
      HasSubstr("warning: pim: c-rp LoopBack0: with holdtime 50 routers forget it between two "
                "bootstrap messages, which are 60 s apart"));
  EXPECT_THAT(checked(std::string(kLoop) + "pim\n hello-option holdtime 30\n"),
              HasSubstr("error: pim: hello-option holdtime 30 must be more than the 30 s"));
  EXPECT_THAT(
      checked(std::string(kLoop) + "pim\n hello-option holdtime 50\n#\n"
                                   "interface LoopBack0\n pim timer hello 50\n"),
      HasSubstr("error: interface LoopBack0: pim hello-option holdtime 50 must be more than the "
                "50 s"));
}

TEST(PimCheck, WhatHasNoEffectIsSaid) {
  EXPECT_THAT(checked("interface eth0\n pim timer hello 9\n"),
              HasSubstr("warning: interface eth0: 'pim …' has no effect without 'pim sm'"));
  EXPECT_THAT(checked("interface eth0\n pim sm\n"),
              HasSubstr("warning: interface eth0: PIM needs an IPv4 address"));
  EXPECT_THAT(checked("pim\n static-rp 2.2.2.2 preferred\n static-rp 3.3.3.3\n"),
              HasSubstr("warning: pim: 'preferred' of static-rp 2.2.2.2 counts for static-rp "
                        "3.3.3.3 too"));
  EXPECT_THAT(checked("pim\n static-rp 2.2.2.2 239.0.0.0/8 bidir\n"),
              HasSubstr("warning: pim: 'bidir' of static-rp 2.2.2.2 has no effect without "
                        "'bidir-pim enable'"));
}

TEST(PimBidir, BothDialectsSayTheSame) {
  const std::string vrp =
      "pim\n bidir-pim enable\n static-rp 2.2.2.2 239.0.0.0/8 bidir\n"
      " static-rp 3.3.3.3 238.0.0.0/8 preferred bidir\n";
  const std::string ios =
      "ip pim bidir-enable\nip pim rp-address 2.2.2.2 239.0.0.0/8 bidir\n"
      "ip pim rp-address 3.3.3.3 238.0.0.0/8 override bidir\n";
  for (const std::string& text : {vrp, ios}) {
    const Config config = parsed(text);
    EXPECT_TRUE(*config.pim_of(Family::ipv4).bidir);
    ASSERT_EQ(config.static_rps.size(), 2U);
    EXPECT_TRUE(config.static_rps[0].bidir && !config.static_rps[0].preferred);
    EXPECT_TRUE(config.static_rps[1].bidir && config.static_rps[1].preferred);
  }
  const std::string offers =
      "interface LoopBack0\n ip address 1.1.1.1 32\n pim sm\n#\npim\n bidir-pim enable\n";
  const Config vendor =
      parsed(offers + " c-rp LoopBack0 group-policy 239.0.0.0/8 priority 7 bidir\n");
  const Config other = parsed(offers +
                              "#\nip pim rp-candidate LoopBack0 group-list 239.0.0.0/8 priority "
                              "7 bidir\n");
  ASSERT_EQ(vendor.pim.c_rps.size(), 1U);
  EXPECT_TRUE(vendor.pim.c_rps[0]->bidir);
  EXPECT_EQ(vendor, other);
  EXPECT_THAT(checked("interface LoopBack0\n ip address 1.1.1.1 32\n pim sm\n#\npim\n"
                      " c-rp LoopBack0 bidir\n"),
              HasSubstr("warning: pim: c-rp LoopBack0: without 'bidir-pim enable'"));
  EXPECT_THAT(refused("pim-ipv6\n bidir-pim enable\n"),
              HasSubstr("bidirectional PIM runs for IPv4 only"));
  // A line for the same RP and range replaces the one before, whatever its kind.
  const Config plain = parsed("pim\n static-rp 2.2.2.2 bidir\n static-rp 2.2.2.2\n");
  ASSERT_EQ(plain.static_rps.size(), 1U);
  EXPECT_FALSE(plain.static_rps[0].bidir);
}

}  // namespace
}  // namespace hotpair::ha::config
