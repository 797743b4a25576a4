#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/cli/render_json.h"
#include "ha/cli/render_text.h"
#include "tests/unit/ha_cli/golden.h"

namespace hotpair::ha::cli {
namespace {

using testing::golden;
using ::testing::HasSubstr;

MacAddress system_id(std::uint8_t last) { return {{0x00, 0xe0, 0xfc, 0x12, 0x34, last}}; }

/// What DeviceA or DeviceB of a seed shows. The samples give the partner DeviceA's own system id in
/// seed 003 and another one in seed 004.
EthTrunk seed_trunk(bool ipv6, bool device_a) {
  EthTrunk trunk;
  trunk.id = 1;
  trunk.system_id = system_id(device_a ? 0x55 : 0x56);
  trunk.up = device_a;
  trunk.up_ports = device_a ? 1 : 0;
  trunk.reference = lacp::MemberIndex{0};
  EthTrunkPort row;
  row.name = device_a ? "GigabitEthernet0/1/2" : "GigabitEthernet0/1/3";
  row.type = "1GE";
  row.high = true;
  row.port.selected = device_a ? lacp::Selected::selected : lacp::Selected::standby;
  row.port.actor = {32768,
                    trunk.system_id,
                    305,
                    32768,
                    static_cast<std::uint16_t>(device_a ? 1 : 0x8001),
                    static_cast<std::uint8_t>(device_a ? 0x3d : 0x05)};
  const std::uint8_t partner = ipv6 ? (device_a ? 0x60 : 0x61) : (device_a ? 0x55 : 0x56);
  row.port.partner = {32768,
                      system_id(partner),
                      305,
                      32768,
                      static_cast<std::uint16_t>(device_a ? 1 : 2),
                      static_cast<std::uint8_t>(device_a ? 0x3d : 0x05)};
  trunk.ports.push_back(row);
  return trunk;
}

// Runs of blanks as one, none before a bracket: the samples space the same display in four ways.
std::string unspaced(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' && (out.empty() || out.back() == ' ' || out.back() == '\n')) continue;
    if ((c == '(' || c == '\n') && !out.empty() && out.back() == ' ') out.pop_back();
    out += c;
  }
  return out;
}

// Live value: the backup shows Sync = 0 where the samples print 1 (semantics: it is not in sync).
std::string live(std::string text) {
  const auto at = text.find("10110000");
  if (at != std::string::npos) text.replace(at, 8, "10100000");
  return text;
}

TEST(Seeds, EthTrunkOfDeviceAToTheLetter) {
  EXPECT_EQ(to_text(EthTrunksModel{{seed_trunk(false, true)}}, {}),
            golden("seed003/DeviceA.display-eth-trunk.txt"));
}

TEST(Seeds, EthTrunkOfTheOthersWordForWord) {
  for (const bool ipv6 : {false, true}) {
    for (const bool a : {true, false}) {
      const std::string file =
          std::string(ipv6 ? "seed004" : "seed003") + (a ? "/DeviceA" : "/DeviceB");
      EXPECT_EQ(unspaced(to_text(EthTrunksModel{{seed_trunk(ipv6, a)}}, {})),
                unspaced(live(golden(file + ".display-eth-trunk.txt"))));
    }
  }
}

TEST(EthTrunk, ChangedInputsChangeTheRightCells) {
  EthTrunk trunk = seed_trunk(false, true);
  trunk.fast = true;
  trunk.least_active = 2;
  trunk.max_active = 8;
  trunk.up = false;
  trunk.reference.reset();
  trunk.ports[0].high = false;
  trunk.ports[0].port.partner = {};
  const std::string text = to_text(EthTrunksModel{{trunk}}, {});
  EXPECT_THAT(text, HasSubstr("Timeout Period: Fast\n"));
  EXPECT_THAT(text, HasSubstr("Least Active-linknumber: 2      Max Active-linknumber: 8\n"));
  EXPECT_THAT(text, HasSubstr("Operate status: down            Number"));
  EXPECT_THAT(text, HasSubstr("\nGigabitEthernet0/1/2      Selected 1GE      32768       1 "));
  EXPECT_THAT(text, HasSubstr("\nGigabitEthernet0/1/2  0        0000-0000-0000  0        0"));
}

TEST(EthTrunk, VerboseShowsMachinesAndCounters) {
  EthTrunk trunk = seed_trunk(false, false);
  lacp::PortShow& port = trunk.ports[0].port;
  port.receive = lacp::ReceiveState::current;
  port.mux = lacp::MuxState::waiting;
  port.last_heard_ms = 1250;
  port.counters.lacpdus_sent = 7;
  port.counters.rejected[static_cast<std::size_t>(lacp::PduReject::looped)] = 3;
  const std::string text = to_text(EthTrunksModel{{trunk}}, {.verbose = true});
  EXPECT_THAT(text, HasSubstr("Sync: kept out (backup)"));
  EXPECT_THAT(text, HasSubstr("  Selection                   : STANDBY\n"));
  EXPECT_THAT(text, HasSubstr("  Receive machine             : CURRENT\n"));
  EXPECT_THAT(text, HasSubstr("  Mux machine                 : WAITING\n"));
  EXPECT_THAT(text, HasSubstr("1.250 s ago / --"));
  EXPECT_THAT(text, HasSubstr("  LACPDUs sent / received     : 7 / 0\n"));
  EXPECT_THAT(text, HasSubstr("  Dropped, looped back        : 3\n"));
}

TEST(EthTrunk, Json) {
  EthTrunk trunk = seed_trunk(true, true);
  trunk.collecting = trunk.distributing = 1;
  const std::string text = to_json(EthTrunksModel{{trunk}}).dump(0);
  EXPECT_THAT(text, HasSubstr("\"system_id\""));
  EXPECT_THAT(text, HasSubstr("\"10111100\""));
  EXPECT_THAT(text, HasSubstr("\"reference\""));
  EXPECT_THAT(text, HasSubstr("\"mux\""));
}

}  // namespace
}  // namespace hotpair::ha::cli
