#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/check.h"
#include "ha/config/diff.h"
#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"

/// Administrative scopes in the configuration: boundaries, and bootstrap routers of zones.
namespace hotpair::ha::config {
namespace {

using testing::all;
using ::testing::HasSubstr;

constexpr std::string_view kPort = "interface GigabitEthernet0/1/1\n";
constexpr std::string_view kLoop =
    "multicast routing-enable\nmulticast ipv6 routing-enable\n#\n"
    "interface LoopBack0\n ip address 1.1.1.1 32\n ipv6 enable\n ipv6 address 2001:db8::1/128\n"
    " pim sm\n pim ipv6 sm\n#\n";

Config parsed(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  return outcome.config;
}
std::string refused(const std::string& text) {
  const ParseOutcome outcome = parse_config(text, "t");
  EXPECT_FALSE(outcome.ok()) << text;
  return all(outcome.diagnostics);
}
std::string checked(const std::string& text) { return all(check_config(parsed(text), {})); }

TEST(Scope, BoundariesInBothDialects) {
  const Config vrp =
      parsed(std::string(kPort) +
             " multicast boundary 239.1.2.3 255.255.0.0\n"
             " multicast boundary 239.0.0.0/10\n"
             " multicast ipv6 boundary FF35:: 16\n multicast ipv6 boundary scope 5\n");
  EXPECT_THAT(print_config(vrp, {}), HasSubstr(" multicast boundary 239.0.0.0 10\n"
                                               " multicast boundary 239.1.0.0 16\n"
                                               " multicast ipv6 boundary FF35:: 16\n"
                                               " multicast ipv6 boundary scope 5\n"));
  const Config ios = parsed(std::string(kPort) +
                            " ip multicast boundary 239.1.0.0/16\n ip multicast boundary "
                            "239.0.0.0/10\n multicast ipv6 boundary FF35::/16\n"
                            " ipv6 multicast boundary scope 5\n");
  EXPECT_EQ(vrp, ios);
  EXPECT_THAT(refused(std::string(kPort) + " multicast boundary 10.0.0.0 8\n"),
              HasSubstr("10.0.0.0/8 is not a range of multicast groups"));
}

TEST(Scope, UndoTakesOneOrAllOfAFamily) {
  const std::string three = std::string(kPort) +
                            " multicast boundary 239.1.0.0 16\n multicast boundary 239.2.0.0 16\n"
                            " multicast ipv6 boundary scope 5\n";
  EXPECT_EQ(parsed(three + " undo multicast boundary 239.1.0.0 16\n")
                .interfaces[0]
                .multicast_boundaries.size(),
            1U);
  const Config ipv6 = parsed(three + " undo multicast boundary\n");
  EXPECT_TRUE(ipv6.interfaces[0].multicast_boundaries.empty());
  EXPECT_EQ(*ipv6.interfaces[0].boundary_scope, 5);
  EXPECT_FALSE(
      parsed(three + " undo multicast ipv6 boundary scope\n").interfaces[0].boundary_scope);
}

TEST(Scope, BootstrapRoutersOfZones) {
  const std::string text =
      std::string(kLoop) +
      "pim\n c-bsr LoopBack0\n c-bsr admin-scope\n"
      " c-bsr group 239.2.0.0/16 priority 9\n"
      " c-bsr group 239.1.0.0 255.255.0.0 hash-length 20\n c-bsr global priority 3\n"
      "#\npim-ipv6\n c-bsr LoopBack0\n c-bsr admin-scope\n"
      " c-bsr scope 8 priority 1\n c-bsr scope 5\n";
  const Config config = parsed(text);
  EXPECT_THAT(print_config(config, {}), HasSubstr(" c-bsr LoopBack0\n"
                                                  " c-bsr admin-scope\n"
                                                  " c-bsr global priority 3\n"
                                                  " c-bsr group 239.1.0.0 16 hash-length 20\n"
                                                  " c-bsr group 239.2.0.0 16 priority 9\n"));
  EXPECT_THAT(print_config(config, {}), HasSubstr(" c-bsr admin-scope\n"
                                                  " c-bsr scope 5\n"
                                                  " c-bsr scope 8 priority 1\n"));
  EXPECT_EQ(parsed(text + " undo c-bsr scope 8\n").pim_ipv6.zone_bsrs.size(), 1U);
  EXPECT_EQ(checked(text), "");
  EXPECT_THAT(refused("pim\n c-bsr group 225.0.0.0 8\n"),
              HasSubstr("225.0.0.0/8 is no administrative scope: those lie in 239.0.0.0/8"));
}

TEST(Scope, WhatHasNoEffectIsTold) {
  EXPECT_THAT(checked(std::string(kLoop) + "pim\n c-bsr LoopBack0\n c-bsr group 239.1.0.0 16\n"),
              HasSubstr("warning: pim: without 'c-bsr admin-scope' this line has no effect"));
  EXPECT_THAT(
      checked("pim\n c-bsr admin-scope\n c-bsr group 239.1.0.0 16\n"),
      HasSubstr("warning: pim: without 'c-bsr ADDRESS' this router is no bootstrap router"));
  EXPECT_THAT(checked(std::string(kPort) + " multicast boundary 239.1.0.0 16\n"),
              HasSubstr("'multicast boundary' has no effect, the interface carries no IPv4"));
}

}  // namespace
}  // namespace hotpair::ha::config
