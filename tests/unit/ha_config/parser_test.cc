#include "ha/config/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/check.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"

namespace hotpair::ha::config {
namespace {

using testing::all;
using ::testing::ElementsAre;
using testing::errors_in;
using testing::golden;
using ::testing::HasSubstr;
using testing::stripped;

Config parsed(std::string_view text) {
  ParseOutcome outcome = parse_config(text, "test.conf");
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  return std::move(outcome.config);
}

Diagnostics refused(std::string_view text) {
  ParseOutcome outcome = parse_config(text, "test.conf");
  EXPECT_FALSE(outcome.ok()) << text;
  return std::move(outcome.diagnostics);
}

constexpr std::string_view kForeignKey = "%^%#VQE;E!Dl&Rr]if$F>}w9uk5C>y-4|MS$unQ!#Mb#%^%#";

TEST(SeedFiles, DeviceAOf003) {
  const ParseOutcome outcome = parse_config(golden("seed003/DeviceA.conf"), "DeviceA.conf");
  ASSERT_EQ(errors_in(outcome.diagnostics), 0U) << all(outcome.diagnostics);
  ASSERT_EQ(outcome.diagnostics.size(), 1U);  // the foreign key
  EXPECT_THAT(outcome.diagnostics[0].message, HasSubstr("byte"));
  const Config& config = outcome.config;
  EXPECT_EQ(*config.sysname, "DeviceA");
  EXPECT_TRUE(*config.multicast_ipv4);
  EXPECT_FALSE(*config.multicast_ipv6);
  ASSERT_EQ(config.etrunks.size(), 1U);
  const EtrunkConfigModel& etrunk = config.etrunks[0];
  EXPECT_EQ(etrunk.peer->to_string(), "3.3.3.3");
  EXPECT_EQ(etrunk.source->to_string(), "1.1.1.1");
  EXPECT_EQ(etrunk.security_key->text, kForeignKey);
  EXPECT_TRUE(etrunk.security_key->foreign);
  EXPECT_EQ(*etrunk.priority, 100);
  EXPECT_EQ(etrunk.timeout_ms(), 20'000U);
  EXPECT_EQ(config.etrunk_system_id->to_string(), "00e0-fc12-3455");
  ASSERT_EQ(config.services.size(), 1U);
  EXPECT_EQ(*config.services[0].port, 1025);
  EXPECT_EQ(config.services[0].line.number, 13U);
  ASSERT_EQ(config.profiles.size(), 1U);
  const RbpModel& profile = config.profiles[0];
  EXPECT_EQ(*profile.backup_id, 10U);
  EXPECT_EQ(*profile.rbs, "service1");
  EXPECT_TRUE(profile.has_service(ServiceType::igmp));
  EXPECT_FALSE(profile.has_service(ServiceType::mld));
  EXPECT_TRUE(*profile.peer_backup_hot);
  EXPECT_EQ(*profile.track, (RbpTrack{1, 1}));
  ASSERT_EQ(config.interfaces_of(profile).size(), 1U);
  const InterfaceModel& trunk = *config.interfaces_of(profile)[0];
  EXPECT_EQ(trunk.name.name, "Eth-Trunk1");
  EXPECT_EQ(trunk.ipv4_addresses.at(0)->to_string(), "10.0.15.1/24");
  EXPECT_TRUE(*trunk.pim.sm);
  EXPECT_TRUE(*trunk.igmp.enabled);
  EXPECT_EQ(*trunk.etrunk, 1);
  EXPECT_EQ(*config.find_interface("GigabitEthernet0/1/2")->eth_trunk, 1);
  ASSERT_NE(config.find_interface("LoopBack0"), nullptr);
  ASSERT_NE(config.find_interface("NULL0"), nullptr);
  ASSERT_EQ(config.static_rps.size(), 1U);
  EXPECT_EQ(config.static_rps[0].rp.to_string(), "2.2.2.2");
  EXPECT_EQ(config.static_rps[0].groups.to_string(), "224.0.0.0/4");
  ASSERT_EQ(config.foreign.size(), 1U);
  EXPECT_EQ(config.foreign[0].header, "ospf 1");
  EXPECT_THAT(
      config.foreign[0].lines,
      ElementsAre(" area 0.0.0.0", "  network 1.1.1.1 0.0.0.0", "  network 10.0.12.0 0.0.0.255",
                  "  network 10.0.13.0 0.0.0.255", "  network 10.0.15.0 0.0.0.255"));
  EXPECT_THAT(list_inactive(config),
              ElementsAre("ospf 1: for the unicast routing daemon (line 49)"));
}

TEST(SeedFiles, DeviceBOf004) {
  const Config config = parsed(golden("seed004/DeviceB.conf"));
  EXPECT_TRUE(*config.multicast_ipv6);
  EXPECT_EQ(*config.etrunks.at(0).priority, 10);
  EXPECT_EQ(config.etrunks.at(0).peer->to_upper_string(), "2001:DB8:11::11");
  EXPECT_EQ(config.services.at(0).source->to_upper_string(), "2001:DB8:33::33");
  EXPECT_TRUE(config.profiles.at(0).has_service(ServiceType::mld));
  const InterfaceModel& trunk = *config.find_interface("Eth-Trunk1");
  EXPECT_TRUE(*trunk.ipv6_enable);
  EXPECT_TRUE(*trunk.pim_ipv6.sm);
  EXPECT_TRUE(*trunk.mld.enabled);
  EXPECT_EQ(trunk.ipv6_addresses.at(0)->to_string(), "2001:db8:35::3/64");
  ASSERT_EQ(config.foreign.size(), 1U);
  EXPECT_THAT(config.foreign[0].lines, ElementsAre(" network-entity 10.0000.0000.0002.00", " #",
                                                   " ipv6 enable topology ipv6", " #"));
  EXPECT_EQ(config.static_rps.at(0).rp.to_upper_string(), "2001:DB8:22::22");
}

// What the seeds print as their configuration files is what we print, to the letter.
TEST(SeedFiles, PrintedAgain) {
  for (const char* name : {"seed003/DeviceA.conf", "seed003/DeviceB.conf", "seed004/DeviceA.conf",
                           "seed004/DeviceB.conf"}) {
    const std::string text = golden(name);
    EXPECT_EQ(print_config(parsed(text)), stripped(text)) << name;
  }
}

TEST(SeedFiles, PassTheRulesOfCommit) {
  for (const char* name : {"seed003/DeviceA.conf", "seed003/DeviceB.conf", "seed004/DeviceA.conf",
                           "seed004/DeviceB.conf"}) {
    const Diagnostics found = check_config(parsed(golden(name)), {.file = name});
    EXPECT_EQ(errors_in(found), 0U) << all(found);
    EXPECT_THAT(all(found), HasSubstr("no pair key: run hotpair pair init"));
    EXPECT_THAT(all(found), HasSubstr("single path: cutting it makes two masters"));
  }
}

TEST(SeedFiles, AccessAndUpstreamDevicesLoadToo) {
  for (const char* name : {"seed003/DeviceC.conf", "seed003/DeviceD.conf", "seed004/DeviceC.conf",
                           "seed004/DeviceD.conf"}) {
    static_cast<void>(parsed(golden(name)));
  }
}

// The step-by-step part of the seeds has no indentation and a blank in "Eth-Trunk 1".
TEST(Parser, FlatText) {
  const Config config = parsed(
      "e-trunk 1\n"
      "peer-address 3.3.3.3 source-address 1.1.1.1\n"
      "security-key cipher YsHsjx_202206\n"
      "quit\n"
      "lacp e-trunk system-id 00e0-fc12-3455\n"
      "interface Eth-Trunk 1\n"
      "e-trunk 1\n"
      "remote-backup-profile profile1\n"
      "igmp enable\n"
      "quit\n"
      "ospf 1\n"
      "area 0.0.0.0\n"
      "network 1.1.1.1 0.0.0.0\n"
      "multicast routing-enable\n"
      "remote-backup-profile profile1\n"
      "service-type igmp\n"
      "service-type mld\n");
  EXPECT_EQ(config.etrunks.at(0).security_key->text, "YsHsjx_202206");
  EXPECT_FALSE(config.etrunks.at(0).security_key->foreign);
  EXPECT_EQ(*config.find_interface("Eth-Trunk1")->etrunk, 1);
  EXPECT_TRUE(*config.find_interface("Eth-Trunk1")->igmp.enabled);
  EXPECT_EQ(config.foreign.at(0).lines.size(), 2U);
  EXPECT_TRUE(*config.multicast_ipv4);
  EXPECT_EQ(config.profiles.at(0).services.size(), 2U);
}

TEST(Parser, IosWords) {
  const Config config = parsed(
      "hostname R1\n"
      "!\n"
      "ip multicast-routing\n"
      "interface GigabitEthernet0/1\n"
      " ip address 10.0.0.1 255.255.255.0\n"
      " ip address 10.0.1.1 255.255.255.0 secondary\n"
      " ip pim sparse-mode\n"
      " ip igmp query-interval 30\n"
      " no shutdown\n"
      "!\n"
      "ip pim rp-address 2.2.2.2\n"
      "router ospf 1\n"
      " network 10.0.0.0 0.0.0.255 area 0\n"
      "end\n");
  EXPECT_EQ(*config.sysname, "R1");
  const InterfaceModel& port = *config.find_interface("GigabitEthernet0/1");
  EXPECT_EQ(port.ipv4_addresses.size(), 2U);
  EXPECT_EQ(*port.igmp.query_interval_s, 30);
  EXPECT_TRUE(*port.pim.sm);
  EXPECT_EQ(config.foreign.at(0).header, "router ospf 1");
}

TEST(Parser, AbbreviationsAreWrittenOut) {
  const Config config =
      parsed("int ge0/1/2\n igm en\n#\nint eth-trunk 1\n mod lacp-s\n mt 1500\n#\nmulti rout\n");
  EXPECT_TRUE(*config.multicast_ipv4);
  EXPECT_TRUE(*config.find_interface("GigabitEthernet0/1/2")->igmp.enabled);
  EXPECT_EQ(*config.find_interface("Eth-Trunk1")->trunk_mode, TrunkMode::lacp_static);
  EXPECT_EQ(config.inactive.at(0).text, "mtu 1500");
}

TEST(Parser, TrunkLines) {
  const Config config = parsed(
      "lacp priority 100\nlacp e-trunk priority 200\ninterface Eth-Trunk1\n mode lacp-static\n"
      " lacp timeout fast\n least active-linknumber 2\n max active-linknumber 8\n e-trunk 1\n"
      " e-trunk mode force-backup\n#\ninterface GE0/1/2\n eth-trunk 1\n lacp priority 7\n#\n"
      "interface GE0/1/3\n eth-trunk 1\n");
  EXPECT_EQ(*config.lacp_priority, 100);
  EXPECT_EQ(*config.etrunk_lacp_priority, 200);
  const InterfaceModel& trunk = *config.find_interface("Eth-Trunk1");
  EXPECT_EQ(*trunk.trunk_mode, TrunkMode::lacp_static);
  EXPECT_EQ(*trunk.lacp_timeout, LacpTimeout::fast);
  EXPECT_EQ(*trunk.least_active, 2);
  EXPECT_EQ(*trunk.max_active, 8);
  EXPECT_EQ(*trunk.etrunk_mode, EtrunkMode::force_backup);
  EXPECT_EQ(*config.find_interface("GigabitEthernet0/1/2")->lacp_priority, 7);
  EXPECT_EQ(config.members_of(1).size(), 2U);
  EXPECT_TRUE(list_inactive(config).empty());
  EXPECT_EQ(parsed(print_config(config)), config);
}

TEST(Parser, TrunkLinesOnAPortAreRefused) {
  for (const char* line : {"mode lacp-static", "lacp timeout fast", "least active-linknumber 1",
                           "max active-linknumber 1", "e-trunk mode auto", "e-trunk 1"}) {
    const auto outcome = parse_config(std::string("interface GE0/1/2\n ") + line + "\n", "f");
    EXPECT_EQ(errors_in(outcome.diagnostics), 1U) << line;
  }
  const auto outcome = parse_config("interface Eth-Trunk1\n eth-trunk 2\n", "f");
  EXPECT_EQ(errors_in(outcome.diagnostics), 1U);
}

TEST(Parser, UndoTakesBack) {
  const std::string text =
      "e-trunk 1\n priority 20\n timer hello 5\n timer hello-ms 20\n security-key simple a\n"
      " undo priority\n undo timer hello-ms\n"
      "#\ninterface Eth-Trunk1\n ip address 10.0.0.1 24\n ip address 10.0.1.1 24 sub\n"
      " ip address 10.0.2.1 24 sub\n undo ip address 10.0.1.1 24 sub\n mode lacp-static\n undo "
      "mode\n"
      "#\ninterface Eth-Trunk2\n shutdown\n#\nundo interface Eth-Trunk2\n"
      "pim\n static-rp 1.1.1.1\n static-rp 2.2.2.2 239.0.0.0/8\n undo static-rp 1.1.1.1\n";
  const Config config = parsed(text);
  EXPECT_EQ(*config.etrunks.at(0).priority, 100);
  EXPECT_EQ(*config.etrunks.at(0).hello_ms, 1000U);
  EXPECT_EQ(config.interfaces.size(), 1U);
  EXPECT_EQ(config.interfaces[0].ipv4_addresses.size(), 2U);
  EXPECT_TRUE(config.inactive.empty());
  EXPECT_EQ(config.static_rps.size(), 1U);
  EXPECT_EQ(config.static_rps[0].groups.to_string(), "239.0.0.0/8");
}

TEST(Parser, UndoWithoutAnObjectIsRefused) {
  for (const char* line :
       {"undo interface", "undo e-trunk", "undo remote-backup-profile", "undo timer"})
    EXPECT_FALSE(refused(line).empty()) << line;
}

// An error names file, line, column, the word, what was expected and the nearest match.
TEST(Parser, ErrorsSayWhereAndWhat) {
  const Diagnostics found = refused(
      "#\n"
      "e-trunk 1\n"
      " priorty 20\n"
      " priority 300\n"
      " peer-address 3.3.3.3\n"
      "#\n"
      "interface GigabitEthernet0/1/1.100\n"
      "#\n"
      "igmp enable\n");
  ASSERT_EQ(found.size(), 5U) << all(found);
  EXPECT_EQ(found[0].line.number, 3U);
  EXPECT_EQ(found[0].column, 2U);
  EXPECT_EQ(found[0].word, "priorty");
  EXPECT_EQ(found[0].nearest, "priority");
  EXPECT_THAT(to_string(found[0]), ::testing::StartsWith("test.conf:3:2: error: 'priorty'"));
  EXPECT_EQ(found[1].column, 11U);
  EXPECT_EQ(found[1].word, "300");
  EXPECT_EQ(found[1].expected, "<1-254>");
  EXPECT_THAT(found[1].message, HasSubstr("out of range"));
  EXPECT_THAT(found[2].message, HasSubstr("incomplete"));
  EXPECT_EQ(found[2].expected, "source-address");
  EXPECT_THAT(found[3].message, HasSubstr("VLAN sub-interface"));
  EXPECT_THAT(found[4].message, HasSubstr("belongs to view interface"));
}

TEST(Parser, ASubInterfaceIsOneErrorWhateverItsViewHolds) {
  constexpr std::string_view kBefore = "multicast routing-enable\n#\n";
  const std::string view =
      "interface GigabitEthernet0/1/0.1\n"
      " ip address 10.1.1.1 24\n"
      " dot1q termination vid 7\n"
      " igmp enable\n"
      " e-trunk 1\n"
      "#\n";
  const std::string after = "interface GigabitEthernet0/1/2\n igmp enable\n#\n";
  for (const bool flat : {false, true}) {
    std::string text = std::string(kBefore) + view + after;
    if (flat)
      for (std::size_t at = 0; (at = text.find("\n ", at)) != std::string::npos;)
        text.erase(at + 1, 1);
    const ParseOutcome outcome = parse_config(text, "test.conf");
    ASSERT_EQ(outcome.diagnostics.size(), 1U) << all(outcome.diagnostics);
    EXPECT_EQ(to_string(outcome.diagnostics[0]),
              "test.conf:3:11: error: 'GigabitEthernet0/1/0.1' is a VLAN sub-interface, which this "
              "version does not support; use the main interface; the lines of its view were "
              "skipped");
    ASSERT_EQ(outcome.config.interfaces.size(), 1U);
    EXPECT_TRUE(*outcome.config.interfaces[0].igmp.enabled);
    EXPECT_TRUE(outcome.config.etrunks.empty());
  }
}

TEST(Parser, AFlatSubInterfaceEndsAtTheNextLineOfTheSystemView) {
  const ParseOutcome outcome = parse_config(
      "interface ge0.5\nigmp enable\nshutdown\nsysname B\ninterface ge1\nigmp enable\n", "f");
  ASSERT_EQ(outcome.diagnostics.size(), 1U) << all(outcome.diagnostics);
  EXPECT_EQ(*outcome.config.sysname, "B");
  ASSERT_EQ(outcome.config.interfaces.size(), 1U);
}

TEST(Parser, StaticGroupsAreSortedAndEachOnce) {
  const Config config = parsed(
      "interface Eth-Trunk1\n igmp static-group 225.1.1.2\n igmp static-group 225.1.1.1 source "
      "10.0.0.9\n igmp static-group 225.1.1.2\n ip igmp static-group 225.1.1.1\n mld static-group "
      "FF1E::1\n igmp host-limit 100\n");
  const GmpSettings& igmp = config.interfaces.at(0).igmp;
  ASSERT_EQ(igmp.static_groups.size(), 3U);
  EXPECT_EQ(igmp.static_groups[0]->group.to_string(), "225.1.1.1");
  EXPECT_FALSE(igmp.static_groups[0]->source.has_value());
  EXPECT_EQ(igmp.static_groups[1]->source->to_string(), "10.0.0.9");
  EXPECT_EQ(*igmp.host_limit, 100U);
  EXPECT_EQ(config.interfaces[0].mld.static_groups.size(), 1U);
  EXPECT_THAT(print_config(config), HasSubstr(" igmp static-group 225.1.1.1 source 10.0.0.9\n"));
  for (const char* wrong : {"igmp static-group 224.0.0.9", "igmp static-group 10.1.1.1",
                            "igmp static-group 225.1.1.1 source 226.0.0.1",
                            "mld static-group FF02::5", "igmp host-limit 0"})
    EXPECT_EQ(errors_in(refused(std::string("interface Eth-Trunk1\n ") + wrong + "\n")), 1U)
        << wrong;
}

TEST(Parser, ACommentIsSkippedAndSeparatesNothing) {
  const Config config = parsed("# one\ne-trunk 1\n ! two\n# three\n priority 20\n#\nsysname A\n");
  EXPECT_EQ(*config.etrunks.at(0).priority, 20);
  EXPECT_EQ(*config.sysname, "A");
  EXPECT_EQ(errors_in(refused("#sysname B\n")), 1U);
}

TEST(Parser, TheInstalledExampleLoads) {
  std::ifstream file(std::string(HOTPAIR_SOURCE_DIR) + "/scripts/packaging/hotpair.conf");
  std::ostringstream text;
  text << file.rdbuf();
  const Config config = parsed(text.str());
  EXPECT_EQ(config.profiles.size(), 1U);
  EXPECT_EQ(errors_in(check_config(config, {"hotpair.conf", true})), 0U);
}

TEST(Parser, AWrongValueDoesNotPointToAnotherView) {
  const Diagnostics found = refused("e-trunk 1\n timer hello-ms 5\n");
  EXPECT_THAT(all(found), HasSubstr("'5' is out of range in view e-trunk; expected <20-10000>"));
}

TEST(Parser, AmbiguousLine) {
  const Diagnostics found = refused("e-trunk 1\n p 20\n");
  EXPECT_THAT(all(found), HasSubstr("ambiguous"));
  EXPECT_THAT(all(found), HasSubstr("priority <1-254>"));
  EXPECT_THAT(all(found), HasSubstr("port <1-65535>"));
}

TEST(Parser, SeparatorsOnlyAloneOnALine) {
  const Config config = parsed("e-trunk 1\n security-key cipher a#b!c\n#\nsysname #x!\n");
  EXPECT_EQ(config.etrunks.at(0).security_key->text, "a#b!c");
  EXPECT_EQ(*config.sysname, "#x!");
}

TEST(Parser, ReturnEnds) {
  const ParseOutcome outcome = parse_config("sysname A\nreturn\nsysname B\n", "x");
  EXPECT_TRUE(outcome.ok());
  EXPECT_EQ(*outcome.config.sysname, "A");
  EXPECT_EQ(outcome.diagnostics.size(), 1U);
}

TEST(Parser, BadBytesAndSizes) {
  EXPECT_THAT(all(refused(std::string("sysname a\x01\n"))), HasSubstr("0x01"));
  EXPECT_THAT(all(refused("sysname " + std::string(5000, 'a'))), HasSubstr("longer than"));
  EXPECT_THAT(all(refused(std::string(kConfigBytesMax + 1, '\n'))), HasSubstr("bytes"));
  std::string many;
  for (int i = 0; i < 300; ++i) many += "nonsense\n";
  EXPECT_EQ(refused(many).size(), kConfigErrorsMax + 1);
  std::string interfaces;
  for (int i = 0; i < 3000; ++i) interfaces += "interface p" + std::to_string(i) + "\n";
  EXPECT_THAT(all(refused(interfaces)), HasSubstr("2048 interfaces"));
}

TEST(Parser, AddressesThatNoInterfaceHas) {
  for (const char* line :
       {"ip address 224.0.0.1 24", "ip address 0.0.0.0 24", "ip address 1.1.1.1 255.0.255.0",
        "ipv6 address FF02::1/64", "ipv6 address 2001:DB8::1 link-local"})
    EXPECT_FALSE(refused(std::string("interface eth0\n ") + line + "\n").empty()) << line;
  EXPECT_FALSE(refused("interface NULL0\n ip address 1.1.1.1 24\n").empty());
}

TEST(Printer, KeysAreHiddenFromViewers) {
  const Config config = parsed(golden("seed003/DeviceA.conf"));
  const std::string text = print_config(config, {.secrets = false});
  EXPECT_EQ(text.find("VQE"), std::string::npos);
  EXPECT_THAT(text, HasSubstr(" security-key cipher ******\n"));
}

TEST(InterfaceNames, SpellingsAndOrder) {
  const auto name = [](std::string_view text) {
    const auto parsed_name = InterfaceName::parse(text);
    return parsed_name ? parsed_name->name : "error: " + parsed_name.error().detail;
  };
  EXPECT_EQ(name("eth-trunk 1"), "Eth-Trunk1");
  EXPECT_EQ(name("GE0/1/2"), "GigabitEthernet0/1/2");
  EXPECT_EQ(name("gi00/1/02"), "GigabitEthernet0/1/2");
  EXPECT_EQ(name("Loopback0"), "LoopBack0");
  EXPECT_EQ(name("100GE1/0/1"), "100GE1/0/1");
  EXPECT_EQ(name("ge0-1-2"), "ge0-1-2");
  EXPECT_EQ(name("eth0"), "eth0");
  EXPECT_EQ(name("lo"), "lo");
  EXPECT_THAT(name("eth0.5"), HasSubstr("VLAN"));
  EXPECT_THAT(name("Eth-Trunk1.100"), HasSubstr("VLAN"));
  EXPECT_THAT(name("name-longer-than-15"), HasSubstr("not an interface name"));
  EXPECT_LT(*InterfaceName::parse("GE0/1/2"), *InterfaceName::parse("GE0/1/10"));
  EXPECT_LT(*InterfaceName::parse("Eth-Trunk9"), *InterfaceName::parse("GE0/1/1"));
}

}  // namespace
}  // namespace hotpair::ha::config
