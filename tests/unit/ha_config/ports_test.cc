#include "ha/config/ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ha_config/config_text.h"

namespace hotpair::ha::config {
namespace {

using testing::all;
using ::testing::HasSubstr;

std::string device(const PortMap& ports, std::string_view name) {
  return ports.device_of(*InterfaceName::parse(name));
}

TEST(Ports, Defaults) {
  const PortMap ports;
  EXPECT_EQ(device(ports, "GigabitEthernet0/1/2"), "ge0-1-2");
  EXPECT_EQ(device(ports, "Loopback7"), "lo");
  EXPECT_EQ(device(ports, "Eth-Trunk1"), "eth-trunk1");
  EXPECT_EQ(device(ports, "100GE1/0/1"), "100ge1-0-1");
  EXPECT_EQ(device(ports, "veth-a"), "veth-a");
}

TEST(Ports, File) {
  const PortsOutcome outcome = parse_ports(
      "# the lab\nEth-Trunk 1  acc0\nGE0/1/1 up0 # uplink\n\r\nLoopBack0 lo\nLoopBack1 lo\n",
      "ports.conf");
  ASSERT_TRUE(outcome.ok()) << all(outcome.diagnostics);
  EXPECT_EQ(device(outcome.ports, "Eth-Trunk1"), "acc0");
  EXPECT_EQ(device(outcome.ports, "GigabitEthernet0/1/1"), "up0");
  EXPECT_EQ(outcome.ports.mapped().size(), 4U);
}

TEST(Ports, EveryErrorWithItsPlace) {
  const PortsOutcome outcome = parse_ports(
      "Eth-Trunk1 acc0\nEth-Trunk2 acc0\nEth-Trunk1 acc1\nGE0/1/1 a-name-that-is-too-long\nlonely\n"
      "GE0/1/1.5 x\na b c d\n",
      "ports.conf");
  ASSERT_EQ(outcome.diagnostics.size(), 6U) << all(outcome.diagnostics);
  EXPECT_THAT(to_string(outcome.diagnostics[0]),
              HasSubstr("ports.conf:2:12: error: device acc0 is that of Eth-Trunk1 already"));
  EXPECT_THAT(outcome.diagnostics[1].message, HasSubstr("mapped already"));
  EXPECT_THAT(outcome.diagnostics[2].message, HasSubstr("15 characters"));
  EXPECT_EQ(outcome.diagnostics[3].line.number, 5U);
  EXPECT_THAT(outcome.diagnostics[4].message, HasSubstr("VLAN"));
}

TEST(Ports, AgainstAConfiguration) {
  const auto config = parse_config(
      "interface Eth-Trunk1\n#\ninterface p0\n#\ninterface LoopBack0\n#\ninterface LoopBack1\n#\n"
      "interface NULL0\n#\ninterface GigabitEthernet1000/1000/1000\n#\n",
      "c");
  ASSERT_TRUE(config.ok());
  const PortsOutcome outcome = parse_ports("Eth-Trunk1 p0\n", "ports.conf");
  const Diagnostics found = check_ports(config.config, outcome.ports, "c");
  ASSERT_EQ(found.size(), 2U) << all(found);
  EXPECT_THAT(found[0].message, HasSubstr("cannot be a Linux device"));
  EXPECT_THAT(found[1].message, HasSubstr("interface p0: device p0 is that of Eth-Trunk1 already"));
}

}  // namespace
}  // namespace hotpair::ha::config
