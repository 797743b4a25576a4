#include "ha/config/frr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/unit/ha_config/config_text.h"

/// `hotpair render frr`: unicast routing for FRR.
namespace hotpair::ha::config {
namespace {

using testing::all;
using testing::golden;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

FrrOutcome rendered(const std::string& text, const std::string& ports = {}) {
  const auto parsed = parse_config(text, "hotpair.conf");
  EXPECT_TRUE(parsed.ok()) << all(parsed.diagnostics);
  return render_frr(parsed.config, parse_ports(ports, "ports.conf").ports, "hotpair.conf");
}

/// The lines of a block, "router ospf" or "interface ge0-1-1", up to its "!".
std::string block(const std::string& text, const std::string& header) {
  const std::size_t begin = text.find(header + "\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find("\n!", begin) - begin + 1);
}

TEST(RenderFrr, TheSeedsFiles) {
  for (const char* name :
       {"seed003/DeviceA", "seed003/DeviceB", "seed003/DeviceC", "seed003/DeviceD",
        "seed004/DeviceA", "seed004/DeviceB", "seed004/DeviceD"}) {
    const FrrOutcome made = rendered(golden(std::string(name) + ".conf"));
    EXPECT_THAT(made.untranslated, IsEmpty()) << name << "\n" << all(made.untranslated);
    const std::string file = std::string(name) + ".frr.conf";
    if (std::getenv("RECORD") != nullptr)
      std::ofstream(std::string(HOTPAIR_SOURCE_DIR) + "/tests/golden/" + file) << made.text;
    EXPECT_EQ(made.text, golden(file)) << name;
  }
}

// The access switch of seed 004 has a line of IS-IS on its loopback and no process for it.
TEST(RenderFrr, AnInterfaceWithoutItsProcessIsTold) {
  const FrrOutcome made = rendered(golden("seed004/DeviceC.conf"));
  ASSERT_EQ(made.untranslated.size(), 1U);
  EXPECT_EQ(to_string(made.untranslated[0]),
            "hotpair.conf:31: warning: interface LoopBack0: there is no section 'isis 1'; expected "
            "that section, or the number of another one");
  EXPECT_THAT(made.text, HasSubstr("! Not translated:\n!  " + to_string(made.untranslated[0])));
  EXPECT_THAT(made.text, Not(HasSubstr("\ninterface")));
}

TEST(RenderFrr, LinesWithoutACounterpartKeepTheirNumber) {
  const FrrOutcome made = rendered(
      "#\nospf 1\n\n area 0\n  network 10.0.0.0 0.0.255.0\n  netwrok 10.0.0.0 0.0.0.255\n"
      " vlink-peer 1.1.1.1\n#\nbgp 65000\n peer 10.0.0.2 as-number 65000\n#\nreturn\n");
  const std::string told = all(made.untranslated);
  EXPECT_EQ(made.untranslated.size(), 4U) << told;
  EXPECT_THAT(told, HasSubstr("hotpair.conf:5: warning: ospf 1: '0.0.255.0' is not the wildcard of "
                              "a prefix; expected ones at its end only, as in 0.0.0.255"));
  EXPECT_THAT(told, HasSubstr("hotpair.conf:6: "));
  EXPECT_THAT(told, HasSubstr("did you mean 'network'?"));
  EXPECT_THAT(told, HasSubstr("hotpair.conf:7: "));
  EXPECT_THAT(told, HasSubstr("hotpair.conf:9: "));
  EXPECT_EQ(block(made.text, "router ospf"), "router ospf\n");
}

TEST(RenderFrr, OspfOfInterfacesAndOfNetworks) {
  const std::string port =
      "#\ninterface GigabitEthernet0/1/1\n ip address 10.0.12.1 24\n ospf cost 7\n"
      " ospf timer hello 1\n ospf network-type p2p\n ospf enable 1 area 0\n#\nreturn\n";
  const FrrOutcome alone = rendered(
      "#\nospf 1 router-id 9.9.9.9\n silent-interface GigabitEthernet0/1/1\n area 0\n" + port,
      "GigabitEthernet0/1/1 uplink\n");
  EXPECT_THAT(alone.untranslated, IsEmpty()) << all(alone.untranslated);
  EXPECT_EQ(block(alone.text, "interface uplink"),
            "interface uplink\n ip ospf area 0\n ip ospf cost 7\n ip ospf hello-interval 1\n"
            " ip ospf network point-to-point\n");
  EXPECT_EQ(block(alone.text, "router ospf"),
            "router ospf\n ospf router-id 9.9.9.9\n passive-interface uplink\n");
  // FRR refuses both ways together: the interface becomes a network.
  const FrrOutcome both =
      rendered("#\nospf 1\n area 0\n  network 10.0.13.0 0.0.0.255\n  stub\n" + port);
  EXPECT_THAT(both.untranslated, IsEmpty()) << all(both.untranslated);
  EXPECT_EQ(block(both.text, "router ospf"),
            "router ospf\n ospf router-id 10.0.12.1\n network 10.0.13.0/24 area 0\n"
            " area 0 stub\n network 10.0.12.0/24 area 0\n");
}

TEST(RenderFrr, OneProcessOfEachProtocol) {
  const FrrOutcome made = rendered(
      "#\nospf 1\n area 0\n  network 10.0.0.0 0.0.0.255\n#\nospf 2\n area 0\n  network "
      "10.1.0.0 0.0.0.255\n#\nreturn\n");
  ASSERT_EQ(made.untranslated.size(), 1U) << all(made.untranslated);
  EXPECT_THAT(all(made.untranslated), HasSubstr("hotpair.conf:6: warning: ospf 2: FRR runs one"));
  EXPECT_THAT(made.text, Not(HasSubstr("10.1.0.0")));
}

TEST(RenderFrr, BothDialectsAndPastedText) {
  const FrrOutcome ios = rendered(
      "#\nrouter ospf 1\n router-id 1.1.1.1\n network 10.0.0.0 0.0.0.255 area 0\n#\nreturn\n");
  EXPECT_EQ(block(ios.text, "router ospf"),
            "router ospf\n ospf router-id 1.1.1.1\n network 10.0.0.0/24 area 0\n")
      << all(ios.untranslated);
  const FrrOutcome pasted = rendered("ospf 1\narea 0.0.0.1\nnetwork 10.0.0.0 0.0.0.255\nstub\n");
  EXPECT_EQ(block(pasted.text, "router ospf"),
            "router ospf\n network 10.0.0.0/24 area 0.0.0.1\n area 0.0.0.1 stub\n")
      << all(pasted.untranslated);
}

TEST(RenderFrr, OspfForIpv6) {
  const FrrOutcome made = rendered(
      "#\ninterface GigabitEthernet0/1/1\n ipv6 enable\n ipv6 address 2001:db8::1/64\n"
      " ospfv3 1 area 0\n ospfv3 cost 3\n#\nospfv3 1\n router-id 1.1.1.1\n area 1\n  stub\n#\n"
      "return\n");
  EXPECT_THAT(made.untranslated, IsEmpty()) << all(made.untranslated);
  EXPECT_EQ(block(made.text, "interface ge0-1-1"),
            "interface ge0-1-1\n ipv6 ospf6 area 0\n ipv6 ospf6 cost 3\n");
  EXPECT_EQ(block(made.text, "router ospf6"),
            "router ospf6\n ospf6 router-id 1.1.1.1\n area 1 stub\n");
}

TEST(RenderFrr, StaticRoutes) {
  const FrrOutcome made = rendered(
      "#\nip route-static 10.9.0.0 255.255.0.0 10.0.12.2 preference 20 tag 5 description up\n"
      "ip route-static 0.0.0.0 0 GigabitEthernet0/1/3 10.0.12.2\n"
      "ip route-static 10.8.0.0 16 NULL0\n"
      "ip route 10.7.0.0 255.255.0.0 10.0.12.2 200\n"
      "ipv6 route-static 2001:db8:9:: 48 GigabitEthernet0/1/3 fe80::1\n"
      "ipv6 route-static :: 0 2001:db8::2\n#\nreturn\n");
  EXPECT_THAT(made.untranslated, IsEmpty()) << all(made.untranslated);
  for (const char* line :
       {"ip route 10.9.0.0/16 10.0.12.2 tag 5 20\n", "ip route 0.0.0.0/0 10.0.12.2 ge0-1-3\n",
        "ip route 10.8.0.0/16 Null0\n", "ip route 10.7.0.0/16 10.0.12.2 200\n",
        "ipv6 route 2001:db8:9::/48 fe80::1 ge0-1-3\n", "ipv6 route ::/0 2001:db8::2\n"})
    EXPECT_THAT(made.text, HasSubstr(line));
}

// Loopbacks are one device; what hotpair itself reads is not FRR's.
TEST(RenderFrr, NothingOfHotpairsOwn) {
  const FrrOutcome made = rendered(golden("seed004/DeviceA.conf"));
  for (const char* word : {"pim", "mld", "2001:db8:15", "eth-trunk 1", "e-trunk"})
    EXPECT_THAT(made.text.substr(made.text.find("frr defaults")), Not(HasSubstr(word)));
  const FrrOutcome two = rendered(
      "#\nisis 1\n network-entity 10.0000.0000.0001.00\n#\ninterface LoopBack0\n isis enable 1\n#\n"
      "interface LoopBack1\n isis enable 1\n isis silent\n#\nreturn\n");
  EXPECT_EQ(block(two.text, "interface lo"), "interface lo\n ip router isis 1\n isis passive\n");
}

}  // namespace
}  // namespace hotpair::ha::config
