// Two aggregates against each other on a wire that loses, is cut, is deaf in one direction, is
// wired to somebody else; partners that restart.
#include <random>

#include "tests/unit/ha_lacp/rig.h"

namespace hotpair::ha::lacp::testing {
namespace {

using End = Wire::End;

struct Both : Wire {
  explicit Both(std::size_t members = 2, bool fast = true) {
    for (const MacAddress& system : {kOurs, kTheirs}) {
      configs.push_back(trunk_config(system, members));
      configs.back().fast = fast;
      add(configs.back());
    }
    for (std::size_t i = 0; i < members; ++i)
      connect({0, static_cast<MemberIndex>(i)}, {1, static_cast<MemberIndex>(i)});
  }
  std::vector<TrunkConfig> configs;
};

TEST(LacpWire, ComesUpAfterTheAggregateWait) {
  for (const bool fast : {true, false}) {
    Both wire(2, fast);
    wire.run(1900ms);
    EXPECT_EQ(wire.trunks[0]->collecting(), 0U);
    wire.run(1200ms);  // the limit of LACPDUs may delay the news of Collecting by a second
    EXPECT_EQ(wire.trunks[0]->distributing(), 3U);
    EXPECT_EQ(wire.trunks[1]->distributing(), 3U);
    EXPECT_EQ(state_digits(wire.port({0, 0}).partner.state), fast ? "11111100" : "10111100");
  }
}

// 802.3 57A.3 and 6.4.16: never more than three LACPDUs in a second, whatever happens.
TEST(LacpWire, NeverMoreThanThreeInASecond) {
  Both wire;
  std::mt19937 random(7);
  wire.loses = [&](const End&) { return random() % 2 == 0; };
  for (int i = 0; i < 200; ++i) {
    wire.allow(0, random() % 2 == 0);
    if (random() % 8 == 0) wire.cut({0, 0}, random() % 2 == 0);
    wire.run(std::chrono::milliseconds(random() % 400));
  }
  std::map<End, std::vector<TimePoint>> sent;
  for (const auto& [at, end] : wire.frames) sent[end].push_back(at);
  for (const auto& [end, times] : sent)
    for (std::size_t i = 3; i < times.size(); ++i)
      ASSERT_GE(times[i] - times[i - 3], Duration{1s}) << "frame " << i;
}

// One frame in five lost, both ways: with fast timers a member survives two losses in a row, and
// comes back after three.
TEST(LacpWire, LossyLinkComesBack) {
  Both wire(1);
  std::mt19937 random(3);
  wire.loses = [&](const End&) { return random() % 5 == 0; };
  Duration up{};
  for (int i = 0; i < 6000; ++i) {
    wire.run(100ms);
    if (wire.forwards({0, 0})) up += 100ms;
  }
  EXPECT_GE(up, Duration{500s});
  wire.loses = nullptr;
  wire.run(10s);
  EXPECT_TRUE(wire.forwards({0, 0}));
  EXPECT_TRUE(wire.forwards({1, 0}));
}

// One way: who hears nothing expires after 3 s and tells the other, who then stops too.
TEST(LacpWire, UnidirectionalMemberIsTakenOut) {
  Both wire;
  wire.run(5s);
  wire.deaf.insert({0, 0});
  wire.run(3100ms);
  EXPECT_EQ(wire.port({0, 0}).receive, ReceiveState::expired);
  EXPECT_EQ(wire.trunks[0]->collecting(), 2U);
  EXPECT_EQ(wire.trunks[1]->distributing(), 2U);  // told by Collecting = 0
  wire.run(3s);
  EXPECT_EQ(wire.port({0, 0}).receive, ReceiveState::defaulted);
  EXPECT_EQ(wire.port({0, 0}).selected, Selected::unselected);
  EXPECT_EQ(wire.trunks[1]->collecting(), 2U);
  wire.deaf.clear();
  wire.run(6s);
  EXPECT_EQ(wire.trunks[0]->distributing(), 3U);
  EXPECT_EQ(wire.trunks[1]->distributing(), 3U);
}

TEST(LacpWire, SlowTimersTakeNinetySeconds) {
  Both wire(1, false);
  wire.run(40s);
  ASSERT_TRUE(wire.forwards({0, 0}));
  wire.deaf.insert({0, 0});
  const auto heard = wire.port({0, 0}).last_heard_ms;
  ASSERT_TRUE(heard.has_value());
  wire.run(90s - std::chrono::milliseconds(*heard) - 10ms);
  EXPECT_TRUE(wire.forwards({0, 0}));
  wire.run(20ms);
  EXPECT_FALSE(wire.forwards({0, 0}));
}

// The partner's process dies and comes back with nothing: its first LACPDU says that it does not
// know us, so we are out of collecting at once, and in again after its wait.
TEST(LacpWire, PartnerRestarts) {
  Both wire;
  wire.run(5s);
  wire.restart(1, wire.configs[1]);
  wire.run(200us);
  EXPECT_EQ(wire.trunks[0]->collecting(), 0U);
  wire.run(3s);
  EXPECT_EQ(wire.trunks[0]->distributing(), 3U);
  EXPECT_EQ(wire.trunks[1]->distributing(), 3U);
  EXPECT_EQ(wire.port({0, 0}).counters.partner_changes, 0U);
}

TEST(LacpWire, AnotherSystemInThePartnersPlace) {
  Both wire(1);
  wire.run(5s);
  TrunkConfig other = wire.configs[1];
  other.system.octets[5] = 0x77;
  wire.restart(1, other);
  wire.run(200us);
  EXPECT_EQ(wire.trunks[0]->collecting(), 0U);
  EXPECT_EQ(wire.port({0, 0}).counters.partner_changes, 1U);
  wire.run(5s);
  EXPECT_TRUE(wire.forwards({0, 0}));
  EXPECT_EQ(wire.port({0, 0}).partner.system, other.system);
}

// A member that ends in another aggregate of the partner (another key) stays out.
TEST(LacpWire, WrongKeyOnOneMemberStaysOut) {
  Wire wire;
  TrunkConfig ours = trunk_config(kOurs, 3);
  TrunkConfig theirs = trunk_config(kTheirs, 2);
  TrunkConfig wrong = trunk_config(kTheirs, 1, 9);
  wrong.key = 999;
  wire.add(ours);
  wire.add(theirs);
  wire.add(wrong);
  wire.connect({0, 0}, {2, 0});  // the wrong one is there first
  wire.run(3s);
  wire.connect({0, 1}, {1, 0});
  wire.connect({0, 2}, {1, 1});
  wire.run(10s);
  EXPECT_EQ(wire.trunks[0]->distributing(), 6U);
  EXPECT_EQ(wire.port({0, 0}).selected, Selected::unselected);
  EXPECT_EQ(wire.port({0, 0}).receive, ReceiveState::current);
  EXPECT_EQ(wire.trunks[2]->distributing(), 0U);
}

// A cable that is plugged into another of our ports: the partner is one and the same.
TEST(LacpWire, CutAndBack) {
  Both wire;
  wire.run(5s);
  wire.cut({0, 1});
  EXPECT_EQ(wire.trunks[0]->distributing(), 1U);
  EXPECT_EQ(wire.trunks[1]->distributing(), 1U);
  wire.run(20s);
  wire.cut({0, 1}, true);
  wire.run(4s);
  EXPECT_EQ(wire.trunks[0]->distributing(), 3U);
}

// The heart of the pair: one access device, two nodes of one system, one of them allowed.
TEST(LacpWire, TwoNodesOfOneSystemShareAPartner) {
  Wire wire;
  wire.add(trunk_config(kOurs, 1, 1));
  wire.add(trunk_config(kOurs, 1, 0x8001), false);
  wire.add(trunk_config(kTheirs, 2));
  wire.connect({0, 0}, {2, 0});
  wire.connect({1, 0}, {2, 1});
  wire.run(5s);
  EXPECT_TRUE(wire.forwards({0, 0}));
  EXPECT_FALSE(wire.forwards({1, 0}));
  EXPECT_EQ(wire.trunks[2]->distributing(), 1U);
  EXPECT_EQ(wire.port({2, 1}).selected, Selected::selected);  // one LAG for the partner
  wire.run(60s);
  wire.allow(1, true);  // planned: new first, then old
  wire.run(1ms);
  EXPECT_EQ(wire.trunks[2]->distributing(), 3U);
  wire.allow(0, false);
  wire.run(1ms);
  EXPECT_EQ(wire.trunks[2]->distributing(), 2U);
  EXPECT_TRUE(wire.forwards({1, 0}));
}

// Both ends of a link on one aggregate.
TEST(LacpWire, LoopedLinkIsNotUsed) {
  Wire wire;
  wire.add(trunk_config(kOurs, 2));
  wire.connect({0, 0}, {0, 1});
  wire.run(20s);
  EXPECT_EQ(wire.trunks[0]->collecting(), 0U);
  EXPECT_FALSE(wire.trunks[0]->partner_heard());
  const auto looped = static_cast<std::size_t>(PduReject::looped);
  EXPECT_GT(wire.port({0, 0}).counters.rejected[looped], 1U);
}

}  // namespace
}  // namespace hotpair::ha::lacp::testing
