// `display floating-address`, in both dialects and as JSON.
#include <gtest/gtest.h>

#include "ha/cli/render_floating.h"
#include "ha/cli/render_pim.h"

namespace hotpair::ha::cli {
namespace {

FloatingAddressesModel model() {
  FloatingInterface pair;
  pair.name = "GigabitEthernet0/1/5";
  pair.device = "hpf-ge0-1-5";
  pair.device_up = true;
  pair.mac = MacAddress{{0x02, 0x68, 10, 0, 50, 254}};
  pair.addresses = {IpPrefix::parse("10.0.50.254/24").value(),
                    IpPrefix::parse("2001:db8::fe/64").value()};
  pair.identity = true;
  pair.profile = "floating";
  pair.role = etrunk::Role::master;
  pair.owner = FloatingOwner::here;
  pair.since = std::chrono::seconds(62);
  pair.announced = 12;
  FloatingInterface gateway;
  gateway.name = "Eth-Trunk1";
  gateway.instance = "red";
  gateway.device = "hpf-eth-trunk1";
  gateway.mac = MacAddress{{0x02, 0x68, 10, 0, 15, 254}};
  gateway.addresses = {IpPrefix::parse("10.0.15.254/24").value()};
  gateway.backup_id = ScopeId(10);
  gateway.profile = "profile1";
  gateway.role = etrunk::Role::backup;
  gateway.owner = FloatingOwner::peer;
  return {{pair, gateway}};
}

TEST(FloatingRender, OneRowAnAddress) {
  EXPECT_EQ(to_text(model(), {}),
            "Interface             Address          Virtual MAC     Follows        Owner      "
            "Since     Announced\n"
            "GigabitEthernet0/1/5  10.0.50.254/24   0268-0a00-32fe  floating pair  this node  "
            "00:01:02  12\n"
            "GigabitEthernet0/1/5  2001:DB8::FE/64  0268-0a00-32fe  floating pair  this node  "
            "00:01:02  12\n"
            "Eth-Trunk1            10.0.15.254/24   0268-0a00-0ffe  backup-id 10   peer       "
            "-         0\n");
  EXPECT_EQ(to_text(FloatingAddressesModel{}, {}), "No interface has a floating address.\n");
}

TEST(FloatingRender, Verbose) {
  const std::string text = to_text(model(), {.verbose = true});
  EXPECT_NE(text.find("     Follows: backup-id 10 (profile1), backup here\n     Owner: peer\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("     Owner: this node, for 00:01:02\n     PIM identity: floating\n"
                      "     Device: hpf-ge0-1-5, up\n"),
            std::string::npos)
      << text;
}

TEST(FloatingRender, TheInstanceOfEach) {
  const std::string text = to_text(model(), {.verbose = true});
  EXPECT_NE(text.find(" Interface: GigabitEthernet0/1/5\n     VPN-Instance: public net\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(" Interface: Eth-Trunk1\n     VPN-Instance: red\n"), std::string::npos);
  const std::string json = to_json(model()).dump();
  EXPECT_NE(json.find(R"("interface":"GigabitEthernet0/1/5","vrf":null)"), std::string::npos)
      << json;
  EXPECT_NE(json.find(R"("interface":"Eth-Trunk1","vrf":"red")"), std::string::npos) << json;
}

TEST(FloatingRender, InTheWordsOfIos) {
  EXPECT_EQ(ios_text(FloatingAddressesModel{{model().interfaces[1]}}),
            "Eth-Trunk1 - backup-id 10\n"
            "  State is Standby\n"
            "  Virtual IP address is 10.0.15.254\n"
            "  Active virtual MAC address is 0268-0a00-0ffe\n"
            "  Active router is peer\n"
            "  PIM identity is separate\n");
}

TEST(FloatingRender, Json) {
  const std::string json = to_json(FloatingAddressesModel{{model().interfaces[0]}}).dump();
  EXPECT_NE(json.find(R"("virtual_mac":"0268-0a00-32fe")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("owner":"self","owned_ms":62000,"announcements":12)"), std::string::npos)
      << json;
  EXPECT_NE(json.find(R"("scope":"floating-pair","backup_id":null)"), std::string::npos) << json;
}

// Told where it floats, and nothing else is shown otherwise.
TEST(FloatingRender, ThePimInterfaceTellsItsIdentity) {
  PimInterfacesModel pim;
  PimInterface interface;
  interface.name = "GigabitEthernet0/1/5";
  interface.row.address = IpAddress::parse("10.0.50.254").value();
  interface.row.scope = ScopeId(65536);
  interface.floating = true;
  pim.interfaces = {interface};
  EXPECT_NE(to_text(pim, {.verbose = true}).find("     PIM identity: floating, muted\n"),
            std::string::npos);
  EXPECT_NE(ios_text(pim).find(" (floating)\n"), std::string::npos);
  pim.interfaces[0].floating = false;
  EXPECT_EQ(to_text(pim, {.verbose = true}).find("identity"), std::string::npos);
  EXPECT_EQ(ios_text(pim).find("floating"), std::string::npos);
}

}  // namespace
}  // namespace hotpair::ha::cli
