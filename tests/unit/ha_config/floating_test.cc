#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/check.h"
#include "ha/config/diff.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"

/// Floating addresses and `pim identity`: rows and rules.
namespace hotpair::ha::config {
namespace {

using testing::all;
using testing::errors_in;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kPair =
    "multicast routing-enable\nmulticast ipv6 routing-enable\n"
    "e-trunk 1\n peer-address 3.3.3.3 source-address 1.1.1.1\n security-key cipher k\n#\n"
    "remote-backup-service s\n peer 3.3.3.3 source 1.1.1.1 port 1025\n#\n"
    "interface LoopBack0\n ip address 1.1.1.1 32\n#\n";
const std::string kPort = "interface GigabitEthernet0/1/5\n ip address 10.0.50.1 24\n";

Config parsed(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  return outcome.config;
}
Diagnostics checked(const std::string& text) {
  return check_config(parsed(text), {.file = "t", .pair_key_present = true});
}
/// The one error that the rules have.
std::string refused(const std::string& lines, const std::string& pair = kPair) {
  const Diagnostics found = checked(pair + kPort + lines);
  EXPECT_EQ(errors_in(found), 1U) << lines << all(found);
  return all(found);
}

TEST(Floating, LinesAreReadInBothDialectsAndPrintedInOne) {
  const std::string printed = print_config(
      parsed(kPort +
             " ip address 10.0.50.254/24 floating\n ip address 10.0.50.253 255.255.255.0 floating\n"
             " ipv6 address 2001:db8::fe/64 floating\n ipv6 address fe80::1 64 floating\n"
             " ip pim identity floating\n ip pim sparse-mode\n"),
      {});
  EXPECT_THAT(printed, HasSubstr(" ip address 10.0.50.253 255.255.255.0 floating\n"
                                 " ip address 10.0.50.254 255.255.255.0 floating\n"
                                 " ipv6 address 2001:DB8::FE/64 floating\n"
                                 " ipv6 address FE80::1/64 floating\n"
                                 " pim identity floating\n pim sm\n"));
  EXPECT_EQ(print_config(parsed(printed), {}), printed);
}

TEST(Floating, UndoTakesOneBack) {
  const Config config = parsed(kPort +
                               " ip address 10.0.50.254 24 floating\n"
                               " ip address 10.0.50.253 24 floating\n"
                               " undo ip address 10.0.50.254 24 floating\n"
                               " pim identity floating\n pim identity separate\n");
  ASSERT_EQ(config.interfaces.size(), 1U);
  const InterfaceModel& interface = config.interfaces[0];
  ASSERT_EQ(interface.floating.size(), 1U);
  EXPECT_EQ(interface.floating[0]->address, IpAddress::parse("10.0.50.253").value());
  EXPECT_EQ(interface.ipv4_addresses.size(), 1U) << "its own stays";
  EXPECT_FALSE(*interface.pim_floating);
}

TEST(Floating, ADifferenceIsAppliedByLines) {
  const Config before = parsed(kPort + " pim sm\n");
  const Config after =
      parsed(kPort + " ip address 10.0.50.254 24 floating\n pim identity floating\n pim sm\n");
  for (const auto& [from, to] : {std::pair(before, after), std::pair(after, before)}) {
    std::string text = print_config(from, {});
    text = text.substr(0, text.rfind("return"));
    for (const std::string& line : diff_config(from, to)) text += line + "\n";
    EXPECT_EQ(parsed(text), to) << text;
  }
}

TEST(Floating, APairThatIsWholeIsTaken) {
  const Diagnostics found = checked(
      kPair + kPort + " ip address 10.0.50.254 24 floating\n pim identity floating\n pim sm\n");
  EXPECT_EQ(errors_in(found), 0U) << all(found);
}

TEST(Floating, WhatIsRefused) {
  const std::string address = " ip address 10.0.50.254 24 floating\n";
  const std::string identity = " pim identity floating\n pim sm\n";
  EXPECT_THAT(refused(" ip address 10.0.51.254 24 floating\n" + identity),
              HasSubstr("10.0.51.254/24 is in no subnet of an own address"));
  EXPECT_THAT(refused(" ip address 10.0.50.254 25 floating\n" + identity),
              HasSubstr("is in no subnet"));
  EXPECT_THAT(refused(" ip address 10.0.50.1 24 floating\n" + identity),
              HasSubstr("is this node's own address on GigabitEthernet0/1/5"));
  EXPECT_THAT(refused(address), HasSubstr("follows a scope"));
  EXPECT_THAT(refused(identity), HasSubstr("needs an address to speak from: 'ip address"));
  EXPECT_THAT(refused(address + " pim identity floating\n"),
              HasSubstr("no effect without 'pim sm'"));
  EXPECT_THAT(refused(address + identity + " ipv6 enable\n pim ipv6 sm\n"),
              HasSubstr("'ipv6 address … floating'"));
}

TEST(Floating, BothABindingAndAFloatingIdentityAreRefused) {
  const std::string profile =
      kPair +
      "remote-backup-profile p\n service-type igmp\n"
      " backup-id 10 remote-backup-service s\n peer-backup hot\n e-trunk 1 eth-trunk 1\n#\n"
      "interface Eth-Trunk1\n ip address 10.0.15.1 24\n mode lacp-static\n e-trunk 1\n"
      " igmp enable\n remote-backup-profile p\n";
  EXPECT_EQ(errors_in(checked(profile + " ip address 10.0.15.254 24 floating\n")), 0U)
      << "the gateway of hosts follows the profile";
  const std::string both = all(
      checked(profile + " ip address 10.0.15.254 24 floating\n pim sm\n pim identity floating\n"));
  EXPECT_THAT(both, HasSubstr("'pim identity floating' and 'remote-backup-profile p' exclude each "
                              "other"));
}

TEST(Floating, OneETrunkAndOneChannelAreNeeded) {
  const std::string lines =
      " ip address 10.0.50.254 24 floating\n pim identity floating\n pim sm\n";
  const std::string bare = "multicast routing-enable\n";
  const std::string without = all(checked(bare + kPort + lines));
  EXPECT_THAT(without, HasSubstr("needs one e-trunk"));
  EXPECT_THAT(without, HasSubstr("needs one remote-backup-service"));
  EXPECT_THAT(refused(lines, kPair + "e-trunk 2\n peer-address 4.4.4.4 source-address 1.1.1.1\n"
                                     " security-key cipher k\n port 1028\n#\n"),
              HasSubstr("there are 2"));
}

TEST(Floating, AnAddressOfThePeerOrOfTwoInterfacesIsRefused) {
  const std::string pair =
      "multicast routing-enable\n"
      "e-trunk 1\n peer-address 10.0.50.2 source-address 10.0.50.1\n"
      " security-key cipher k\n#\n"
      "remote-backup-service s\n peer 10.0.50.2 source 10.0.50.1 port 1025\n#\n";
  EXPECT_THAT(refused(" ip address 10.0.50.2 24 floating\n pim identity floating\n pim sm\n", pair),
              HasSubstr("is an address of the peer's own"));
  const std::string other =
      "#\ninterface GigabitEthernet0/1/6\n ip address 10.0.50.7 24\n"
      " ip address 10.0.50.254 24 floating\n pim identity floating\n pim sm\n";
  const std::string twice = all(
      checked(kPair + kPort +
              " ip address 10.0.50.254 24 floating\n pim identity floating\n pim sm\n" + other));
  EXPECT_THAT(twice, HasSubstr("10.0.50.254/24 floats on GigabitEthernet0/1/5 too"));
}

TEST(Floating, NoAddressOfNobody) {
  for (const char* line :
       {" ip address 224.0.0.1 24 floating\n", " ip address 0.0.0.0 24 floating\n",
        " ip address 127.0.0.1 8 floating\n"}) {
    const ParseOutcome outcome = parse_config(kPort + line, "t");
    EXPECT_EQ(errors_in(outcome.diagnostics), 1U) << line;
    EXPECT_THAT(all(outcome.diagnostics), HasSubstr("cannot be the address of an interface"));
  }
}

}  // namespace
}  // namespace hotpair::ha::config
