#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/check.h"
#include "ha/config/diff.h"
#include "ha/config/merge.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"

/// VPN instances in the configuration, both dialects.
namespace hotpair::ha::config {
namespace {

using testing::all;
using testing::errors_in;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kTwo =
    "ip vpn-instance blue\n route-table 20\n multicast routing-enable\n#\n"
    "ip vpn-instance red\n route-table 10\n multicast routing-enable\n"
    " multicast ipv6 routing-enable\n#\n"
    "pim\n static-rp 9.9.9.9\n#\n"
    "pim vpn-instance blue\n static-rp 2.2.2.2\n ssm-range 233.0.0.0/8\n#\n"
    "pim vpn-instance red\n static-rp 2.2.2.2 239.0.0.0/8\n spt-switch-threshold infinity\n"
    " timer hello 20\n#\n"
    "pim-ipv6 vpn-instance red\n static-rp 2001:DB8::1\n#\n"
    "interface GigabitEthernet0/1/0\n undo shutdown\n ip binding vpn-instance red\n"
    " ip address 10.1.1.1 255.255.255.0\n pim sm\n#\n"
    "interface GigabitEthernet0/1/1\n undo shutdown\n ip binding vpn-instance blue\n"
    " ip address 10.1.2.1 255.255.255.0\n pim sm\n#\nreturn\n";

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
std::string checked(const std::string& text) {
  return all(check_config(parsed(text), {.file = "t", .pair_key_present = true}));
}

TEST(VpnInstance, EachHasItsOwnTableAndRps) {
  const Config config = parsed(kTwo);
  ASSERT_EQ(config.vrfs.size(), 2U);
  const VrfModel* red = config.find_vrf("red");
  ASSERT_NE(red, nullptr);
  EXPECT_EQ(*red->table, 10U);
  EXPECT_TRUE(*red->multicast_ipv4 && *red->multicast_ipv6);
  ASSERT_EQ(red->static_rps.size(), 2U);
  EXPECT_EQ(red->static_rps[0].groups.to_string(), "239.0.0.0/8");
  EXPECT_TRUE(red->pim.spt->infinity);
  EXPECT_EQ(*red->pim.hello.hello_s, 20);
  EXPECT_EQ(config.static_rps.size(), 1U) << "the public instance keeps its own";
  EXPECT_FALSE(config.pim.spt);
  EXPECT_EQ(config.find_vrf("blue")->ssm_ranges.size(), 1U);
  EXPECT_TRUE(config.ssm_ranges.empty());
  EXPECT_EQ(*config.interfaces[0].vrf, "red");
  EXPECT_EQ(&config.instance_of(config.interfaces[0]), red);
  EXPECT_THAT(checked(kTwo), IsEmpty());
}

TEST(VpnInstance, IsPrintedAsItIsRead) {
  const Config config = parsed(kTwo);
  EXPECT_EQ(parsed(print_config(config, {})), config) << print_config(config, {});
  for (const std::string& line : {"ip vpn-instance red\n route-table 10\n",
                                  "pim vpn-instance blue\n", " ip binding vpn-instance blue\n"})
    EXPECT_THAT(print_config(config, {}), HasSubstr(line));
}

TEST(VpnInstance, TheWordsOfIosMeanTheSame) {
  const std::string ios =
      "vrf definition red\n route-table 10\n!\nip multicast-routing vrf red\n"
      "ip pim vrf red rp-address 2.2.2.2 239.0.0.0/8\nip pim vrf red spt-threshold infinity\n"
      "ip pim vrf red ssm range 233.0.0.0/8\nipv6 pim vrf red rp-address 2001:db8::1\n"
      "ip pim vrf red bsr-candidate GigabitEthernet0/1/0 30 5\n"
      "interface GigabitEthernet0/1/0\n vrf forwarding red\n ip address 10.1.1.1 24\n"
      " ip pim sparse-mode\n!\n";
  const std::string vrp =
      "ip vpn-instance red\n route-table 10\n multicast routing-enable\n#\n"
      "pim vpn-instance red\n static-rp 2.2.2.2 239.0.0.0/8\n spt-switch-threshold infinity\n"
      " ssm-range 233.0.0.0/8\n c-bsr GigabitEthernet0/1/0 30 5\n#\n"
      "pim-ipv6 vpn-instance red\n static-rp 2001:db8::1\n#\n"
      "interface GigabitEthernet0/1/0\n ip binding vpn-instance red\n ip address 10.1.1.1 24\n"
      " pim sm\n#\n";
  EXPECT_EQ(parsed(ios), parsed(vrp));
  EXPECT_THAT(checked(ios), IsEmpty());
}

TEST(VpnInstance, WhatCannotBeIsRefused) {
  EXPECT_THAT(refused("ip vpn-instance red\n route-table 254\n"), HasSubstr("254 main"));
  EXPECT_THAT(refused("ip vpn-instance red\n route-table 0\n"), HasSubstr("1"));
}

TEST(VpnInstance, AutoRpIsThatOfItsInstance) {
  const std::string red =
      "ip vpn-instance red\n route-table 10\n multicast routing-enable\n#\n"
      "interface LoopBack1\n ip binding vpn-instance red\n ip address 1.1.1.1 32\n pim sm\n#\n";
  const std::string lines =
      " auto-rp listening enable\n auto-rp announce LoopBack1 scope 9\n"
      " auto-rp discovery LoopBack1\n#\n";
  EXPECT_THAT(checked(red + "pim vpn-instance red\n" + lines), IsEmpty());
  EXPECT_THAT(checked(red + "pim\n" + lines), HasSubstr("LoopBack1 belongs to VPN instance red"));
  const Config both = parsed(red + "pim vpn-instance red\n" + lines);
  EXPECT_FALSE(*both.pim.auto_rp_listening);
  EXPECT_TRUE(*both.find_vrf("red")->pim.auto_rp_listening);
  EXPECT_EQ(parsed(print_config(both, {})), both);
  EXPECT_EQ(parsed(red + "ip pim vrf red autorp listener\n"),
            parsed(red + "pim vpn-instance red\n auto-rp listening enable\n"));
}

TEST(VpnInstance, WhatDoesNotFitTogetherIsFound) {
  EXPECT_THAT(checked("pim vpn-instance green\n static-rp 2.2.2.2\n"),
              HasSubstr("there is no 'ip vpn-instance green'"));
  EXPECT_THAT(checked("ip vpn-instance red\n multicast routing-enable\n"),
              HasSubstr("'route-table N'"));
  EXPECT_THAT(checked("ip vpn-instance red\n route-table 10\n#\nip vpn-instance tomato\n"
                      " route-table 10\n"),
              HasSubstr("route-table 10 is that of VPN instance red already"));
  EXPECT_THAT(checked("interface GigabitEthernet0/1/0\n ip binding vpn-instance green\n"),
              HasSubstr("there is no VPN instance green"));
  EXPECT_THAT(checked("ip vpn-instance red\n route-table 10\n multicast routing-enable\n#\n"
                      "pim vpn-instance red\n c-bsr LoopBack0\n#\n"
                      "interface LoopBack0\n ip address 1.1.1.1 32\n pim sm\n"),
              HasSubstr("c-bsr LoopBack0: LoopBack0 belongs to the public instance"));
  EXPECT_THAT(checked("multicast routing-enable\n#\nip vpn-instance red\n route-table 10\n#\n"
                      "interface GigabitEthernet0/1/0\n ip binding vpn-instance red\n"
                      " ip address 10.1.1.1 24\n pim sm\n"),
              HasSubstr("without 'multicast routing-enable'"));
}

TEST(VpnInstance, FloatingAddressesAreThoseOfItsInstance) {
  const std::string instances =
      "ip vpn-instance blue\n route-table 20\n multicast routing-enable\n#\n"
      "ip vpn-instance red\n route-table 10\n multicast routing-enable\n#\n"
      "e-trunk 1\n peer-address 10.1.1.9 source-address 10.7.7.7\n#\n"
      "remote-backup-service s\n peer 10.1.1.9 source 10.7.7.7 port 1025\n#\n"
      "interface LoopBack0\n ip address 10.7.7.7 32\n#\n";
  const auto port = [](int number, const std::string& vrf, const std::string& floating) {
    return "interface GigabitEthernet0/1/" + std::to_string(number) + "\n" + vrf +
           " ip address 10.1.1.2 24\n ip address " + floating +
           " 24 floating\n pim sm\n pim identity floating\n#\n";
  };
  const std::string red = " ip binding vpn-instance red\n";
  const std::string blue = " ip binding vpn-instance blue\n";
  EXPECT_THAT(checked(instances + port(0, red, "10.1.1.1") + port(1, blue, "10.1.1.1")),
              Not(HasSubstr("error")));
  EXPECT_THAT(checked(instances + port(0, red, "10.1.1.9")), Not(HasSubstr("error")))
      << "the peer has it in the public instance";
  EXPECT_THAT(checked(instances + port(0, "", "10.1.1.9")), HasSubstr("address of the peer's own"));
  EXPECT_THAT(checked(instances + port(0, red, "10.1.1.2")), HasSubstr("this node's own address"));
  EXPECT_THAT(checked(instances + port(0, red, "10.1.1.1") + port(1, red, "10.1.1.1")),
              HasSubstr("floats on GigabitEthernet0/1/0 too"));
}

TEST(VpnInstance, InstancesMayHaveTheSameAddresses) {
  const std::string text =
      "multicast routing-enable\n#\nip vpn-instance red\n route-table 10\n"
      " multicast routing-enable\n#\n"
      "interface GigabitEthernet0/1/0\n ip address 10.1.1.1 24\n pim sm\n#\n"
      "interface GigabitEthernet0/1/1\n ip binding vpn-instance red\n ip address 10.1.1.1 24\n"
      " pim sm\n#\n";
  EXPECT_THAT(checked(text + "pim vpn-instance red\n c-bsr 10.1.1.1\n#\npim\n c-rp 10.1.1.1\n"),
              IsEmpty());
  EXPECT_THAT(checked(text + "interface GigabitEthernet0/1/2\n ip binding vpn-instance red\n"
                             " ip address 10.1.1.1 24\n"),
              HasSubstr("10.1.1.1 is on GigabitEthernet0/1/1 already"));
  EXPECT_THAT(checked(text + "interface GigabitEthernet0/1/2\n ip address 10.2.2.2 24\n#\n"
                             "pim vpn-instance red\n c-bsr 10.2.2.2\n"),
              HasSubstr("no configured interface of VPN instance red has this address"));
}

TEST(VpnInstance, NoMoreThanTheKeeperHoldsDescriptorsFor) {
  std::string text;
  for (std::size_t i = 0; i <= kVrfsMax; ++i)
    text += "ip vpn-instance v" + std::to_string(i) + "\n route-table " + std::to_string(i + 1) +
            "\n#\n";
  EXPECT_THAT(all(parse_config(text, "t").diagnostics), HasSubstr("more are refused"));
}

TEST(VpnInstance, UndoTakesViewAndPimAlong) {
  const Config config = parsed(kTwo);
  const ParseOutcome outcome =
      parse_config("undo pim vpn-instance red\nundo ip vpn-instance blue\n", "t", config);
  ASSERT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  ASSERT_EQ(outcome.config.vrfs.size(), 1U);
  EXPECT_EQ(outcome.config.vrfs[0].name, "red");
  EXPECT_EQ(outcome.config.vrfs[0].pim, PimModel{});
  EXPECT_EQ(outcome.config.vrfs[0].static_rps.size(), 1U) << "that of IPv6 stays";
}

TEST(VpnInstance, ADifferenceLeadsFromOneToTheOther) {
  const Config two = parsed(kTwo);
  const Config none = parsed("pim\n static-rp 9.9.9.9\n");
  for (const auto& [from, to] : {std::pair(two, none), std::pair(none, two)}) {
    std::string lines;
    for (const std::string& line : diff_config(from, to)) lines += line + "\n";
    const ParseOutcome outcome = parse_config(lines, "d", from);
    ASSERT_TRUE(outcome.ok()) << lines << all(outcome.diagnostics);
    EXPECT_EQ(outcome.config, to) << lines;
  }
}

TEST(VpnInstance, ChangesOfTwoInstancesMerge) {
  const Config red = parsed(kTwo);
  const ParseOutcome a = parse_config("pim vpn-instance red\n timer hello 25\n", "a", red);
  const ParseOutcome b = parse_config("pim vpn-instance blue\n timer hello 26\n", "b", red);
  const auto merged = merge_config(red, a.config, b.config);
  ASSERT_TRUE(merged.has_value());
  EXPECT_EQ(*merged->find_vrf("red")->pim.hello.hello_s, 25);
  EXPECT_EQ(*merged->find_vrf("blue")->pim.hello.hello_s, 26);
  EXPECT_FALSE(merged->pim.hello.hello_s.configured);
}

}  // namespace
}  // namespace hotpair::ha::config
