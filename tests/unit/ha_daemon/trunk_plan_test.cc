#include "ha/daemon/trunk_plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/parser.h"

namespace hotpair::ha::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<WantedTrunk> wanted_of(std::string_view text, std::string_view ports = "") {
  const auto parsed = config::parse_config(text, "test.conf");
  EXPECT_FALSE(config::has_errors(parsed.diagnostics));
  return wanted_trunks(parsed.config, config::parse_ports(ports, "ports.conf").ports);
}

WantedTrunk trunk(std::uint16_t id, std::vector<std::string> members) {
  return {id, fmt::format("eth-trunk{}", id), false, std::move(members)};
}

TEST(TrunkPlan, TrunksOfAConfiguration) {
  const auto wanted = wanted_of(
      "interface Eth-Trunk 20\n"
      " mode lacp-static\n"
      "interface GigabitEthernet0/1/3\n"
      " eth-trunk 20\n"
      "interface Eth-Trunk 3\n"
      "interface GigabitEthernet0/1/2\n"
      " eth-trunk 20\n"
      "interface GigabitEthernet0/1/1\n"
      " eth-trunk 4\n",
      "GigabitEthernet0/1/2 eno2\n");
  // Eth-Trunk3 has no member; Eth-Trunk4 is no interface.
  EXPECT_THAT(wanted, ElementsAre(WantedTrunk{20, "eth-trunk20", false, {"eno2", "ge0-1-3"}}));
}

TEST(TrunkPlan, WhatTheOperatorMadeIsNotOurs) {
  const std::string_view text =
      "interface Eth-Trunk 1\n mode lacp-static\n"
      "interface GigabitEthernet0/1/1\n eth-trunk 1\n";
  EXPECT_THAT(wanted_of(text), SizeIs(1));
  EXPECT_THAT(wanted_of(text, "Eth-Trunk1 bond0\n"), IsEmpty());
  EXPECT_THAT(wanted_of("interface Eth-Trunk 1\n"
                        "interface GigabitEthernet0/1/1\n eth-trunk 1\n"),
              IsEmpty());
}

TEST(TrunkPlan, NewOnesTakeTheLowestFreePlace) {
  const TrunkPlan plan = plan_trunks({trunk(1, {"a", "b"}), trunk(7, {"c"})}, {}, 4);
  EXPECT_THAT(plan.left_out, IsEmpty());
  EXPECT_THAT(plan.trunks,
              ElementsAre(PlannedTrunk{1, 0, "eth-trunk1", false, {{0, "a"}, {1, "b"}}},
                          PlannedTrunk{7, 1, "eth-trunk7", false, {{0, "c"}}}));
}

TEST(TrunkPlan, WhatStaysKeepsItsPlace) {
  const TrunkPlan first =
      plan_trunks({trunk(1, {"a", "b", "c"}), trunk(2, {"d"}), trunk(3, {"e"})}, {}, 4);
  const TrunkPlan second =
      plan_trunks({trunk(1, {"x", "c", "b"}), trunk(3, {"e"}), trunk(9, {"f"})}, first.trunks, 4);
  EXPECT_THAT(second.trunks,
              ElementsAre(PlannedTrunk{1, 0, "eth-trunk1", false, {{0, "x"}, {1, "b"}, {2, "c"}}},
                          PlannedTrunk{3, 2, "eth-trunk3", false, {{0, "e"}}},
                          PlannedTrunk{9, 1, "eth-trunk9", false, {{0, "f"}}}));
}

TEST(TrunkPlan, WhatFindsNoPlaceIsNamed) {
  std::vector<std::string> many;
  for (int n = 0; n < 34; ++n) many.push_back(fmt::format("p{}", n));
  const TrunkPlan plan = plan_trunks({trunk(1, many), trunk(2, {"q"})}, {}, 1);
  ASSERT_THAT(plan.trunks, SizeIs(1));
  EXPECT_THAT(plan.trunks[0].members, SizeIs(32));
  EXPECT_THAT(plan.left_out, ElementsAre("eth-trunk1: no place for p32 among 32 members",
                                         "eth-trunk1: no place for p33 among 32 members",
                                         "eth-trunk2: there is room for 1 Eth-Trunks"));
}

}  // namespace
}  // namespace hotpair::ha::daemon
