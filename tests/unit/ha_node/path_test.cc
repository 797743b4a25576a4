#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kTrunk;
using testing::NodeStand;

constexpr std::uint8_t kPaths = 3;

NodeConfig three_paths() {
  NodeConfig config = NodeStand::configuration();
  auto& paths = config.etrunks.front().etrunk.paths;
  for (std::uint8_t number = 1; number < kPaths; ++number) {
    const std::uint32_t net = 0x0a000000U + 256U * number;
    paths.push_back(
        {etrunk::PathId{number}, IpAddress::v4(net + 1), IpAddress::v4(net + 2), "eth"});
  }
  return config;
}

/// A backup that hears its master on three paths.
class Paths : public ::testing::Test {
 protected:
  Paths() {
    stand.connect_keeper();
    for (std::uint8_t number = 0; number < kPaths; ++number) tell(number, true);
    stand.hear(role::Role::master, Term{1, testing::kPeer});
    stand.run(5s);
  }
  void tell(std::uint8_t number, bool up) {
    stand.keeper(keeper::PathChanged{kTrunk, etrunk::PathId{number}, up, 0});
  }
  /// Alarms of paths.
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    for (const ActiveAlarm& alarm : stand.node.alarms().active())
      if (alarm.message->id == "HA-NODE-0024" || alarm.message->id == "HA-NODE-0015")
        lines.push_back(alarm.text);
    return lines;
  }
  NodeStand stand{NodeStand::Key::absent, three_paths()};
  static constexpr const char* kSingle = "e-trunk 1: single path: cutting it makes two masters";
  static constexpr const char* kSecond = "e-trunk 1: path 1 from 10.0.1.1 to 10.0.1.2 is down";
  static constexpr const char* kThird = "e-trunk 1: path 2 from 10.0.2.1 to 10.0.2.2 is down";
};

TEST_F(Paths, OneThatStaysDownIsNamed) {
  EXPECT_THAT(told(), IsEmpty());
  tell(1, false);
  stand.run(2900ms);
  EXPECT_THAT(told(), IsEmpty());
  stand.run(200ms);
  EXPECT_THAT(told(), ElementsAre(kSecond));
  tell(1, true);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(Paths, OneThatIsBackAtOnceIsNoAlarm) {
  tell(1, false);
  stand.run(1s);
  tell(1, true);
  stand.run(5s);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(Paths, TheLastOneOfSeveralIsASinglePath) {
  tell(1, false);
  tell(2, false);
  stand.run(4s);
  EXPECT_THAT(told(), ElementsAre(kSingle, kSecond, kThird));
  tell(2, true);
  EXPECT_THAT(told(), ElementsAre(kSecond));
}

TEST_F(Paths, ASilentPeerIsOneAlarmNotThree) {
  tell(1, false);
  stand.run(4s);
  for (std::uint8_t number = 0; number < kPaths; ++number) tell(number, false);
  stand.keeper(keeper::PeerChanged{kTrunk, false});
  stand.run(5s);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0002"));
  // One path is back, the others are not.
  tell(0, true);
  stand.hear(role::Role::master, Term{2, testing::kPeer});
  stand.run(4s);
  EXPECT_THAT(told(), ElementsAre(kSingle, kSecond, kThird));
}

// A way to the peer is there again: what was lost with it does not wait for its back-off.
TEST_F(Paths, AWayThatIsBackDialsAChannelThatIsLost) {
  stand.dials = 0;
  tell(1, false);
  EXPECT_EQ(stand.dials, 0);
  tell(1, true);
  EXPECT_EQ(stand.dials, 1);
  stand.keeper(keeper::PeerChanged{kTrunk, false});
  EXPECT_EQ(stand.dials, 1);
  stand.hear(role::Role::master, Term{2, testing::kPeer});
  EXPECT_EQ(stand.dials, 2);
  stand.hear(role::Role::master, Term{2, testing::kPeer});
  EXPECT_EQ(stand.dials, 2);
  stand.node.on_transport_up(testing::kTransport, stand.now);
  stand.settle();
  tell(1, true);
  EXPECT_EQ(stand.dials, 2);
}

TEST_F(Paths, WhatIsNoLongerConfiguredIsNoAlarm) {
  tell(1, false);
  tell(2, false);
  stand.run(4s);
  NodeConfig config = three_paths();
  config.etrunks.front().etrunk.paths.resize(2);
  stand.apply(config);
  EXPECT_THAT(told(), ElementsAre(kSingle, kSecond));
  config.etrunks.clear();
  config.scopes.clear();
  stand.apply(config);
  EXPECT_THAT(told(), IsEmpty());
}

}  // namespace
}  // namespace hotpair::ha::node
