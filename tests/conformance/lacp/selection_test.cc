// IEEE 802.1AX-2014 6.4.14, selection: LAG IDs, priorities, limits.
#include "tests/unit/ha_lacp/rig.h"

namespace hotpair::ha::lacp::testing {
namespace {

constexpr std::uint8_t kSync = kStateSynchronization;

std::string selection(const Rig& rig) {
  std::string text;
  for (const PortShow& port : rig.trunk.show(rig.now).ports)
    text += port.selected == Selected::selected  ? 'S'
            : port.selected == Selected::standby ? 's'
                                                 : '-';
  return text;
}

Rig with(const TrunkConfig& config) {
  Rig rig(config);
  for (const MemberConfig& member : config.members) rig.link(member.index);
  return rig;
}

// Links with the same LAG ID, and only those, are in the aggregate.
TEST(LacpSelection, LagId) {
  Rig rig = with(trunk_config(kOurs, 5));
  rig.peer[1].key = 10;
  rig.peer[2].system.octets[5] = 1;
  rig.peer[3].system_priority = 1;
  rig.peer[4].port_priority = 1;  // not part of the LAG ID of an aggregatable link
  for (MemberIndex i = 0; i < 5; ++i) rig.hear(i, kSync);
  EXPECT_EQ(selection(rig), "S---S");
  EXPECT_EQ(rig.trunk.show(rig.now).reference, MemberIndex{0});
}

// A link whose partner cannot aggregate is an aggregate of its own.
TEST(LacpSelection, Individual) {
  Rig rig = with(trunk_config(kOurs, 3));
  for (MemberIndex i = 0; i < 3; ++i) {
    rig.peer[i].set(kStateAggregation, false);
    rig.hear(i, kSync);
  }
  EXPECT_EQ(selection(rig), "S--");
  rig.run(3s);
  EXPECT_EQ(rig.trunk.collecting(), 1U);
}

// The LAG with most links; the present one if others are only as good.
TEST(LacpSelection, MajorityThenPresent) {
  Rig rig = with(trunk_config(kOurs, 4));
  rig.peer[1].key = rig.peer[2].key = rig.peer[3].key = 10;
  rig.hear(0, kSync);
  EXPECT_EQ(selection(rig), "S---");
  rig.hear(1, kSync);
  EXPECT_EQ(selection(rig), "S---");
  rig.hear(2, kSync);
  EXPECT_EQ(selection(rig), "-SS-");
  rig.hear(3, kSync);
  EXPECT_EQ(selection(rig), "-SSS");
}

// Without a partner a member is not used.
TEST(LacpSelection, DefaultedIsNotSelected) {
  Rig rig = with(trunk_config(kOurs, 2));
  rig.hear(1, kSync);
  rig.run(60s);
  EXPECT_EQ(selection(rig), "-S");
}

// max active-linknumber: the best by our port priority when our system identifier is the better.
TEST(LacpSelection, MaxActiveByOurPriority) {
  TrunkConfig config = trunk_config(kOurs, 4);
  config.system_priority = 100;
  config.max_active = 2;
  config.members[3].priority = 10;
  config.members[1].priority = 20;
  Rig rig = with(config);
  for (MemberIndex i = 0; i < 4; ++i) {
    rig.peer[i].port_priority = static_cast<std::uint16_t>(100 - i);
    rig.hear(i, kSync);
  }
  EXPECT_EQ(selection(rig), "SSss");  // no preemption: the first two were there first
  rig.run(3s);
  rig.link(0, false);
  EXPECT_EQ(selection(rig), "-SsS");
  EXPECT_EQ(rig.port(3).mux, MuxState::collecting);  // its wait was over
  EXPECT_TRUE(rig.port(3).actor.has(kSync));
  EXPECT_FALSE(rig.port(2).actor.has(kSync));
  rig.link(0);
  rig.hear(0, kSync);
  EXPECT_EQ(selection(rig), "sSsS");
}

// The partner's port priorities decide when its system identifier is the better.
TEST(LacpSelection, MaxActiveByPartnersPriority) {
  TrunkConfig config = trunk_config(kOurs, 3);
  config.max_active = 1;
  Rig rig(config, false);
  for (MemberIndex i = 0; i < 3; ++i) {
    rig.peer[i].system_priority = 1;
    rig.peer[i].port_priority = static_cast<std::uint16_t>(100 - i);
    rig.link(i);
    rig.hear(i, kSync);
  }
  rig.allow(true);
  EXPECT_EQ(selection(rig), "ssS");
  EXPECT_EQ(rig.trunk.show(rig.now).reference, MemberIndex{2});
}

// least active-linknumber: below it no link is in sync, so the partner sends into none.
TEST(LacpSelection, LeastActive) {
  TrunkConfig config = trunk_config(kOurs, 3);
  config.least_active = 2;
  Rig rig = with(config);
  rig.hear(0, kSync);
  rig.run(5s);
  EXPECT_EQ(selection(rig), "s--");
  EXPECT_FALSE(rig.port(0).actor.has(kSync));
  rig.hear(2, kSync);
  EXPECT_EQ(selection(rig), "S-S");
  rig.run(2s);
  EXPECT_EQ(rig.trunk.collecting(), 5U);
  rig.link(0, false);
  EXPECT_EQ(selection(rig), "--s");
  EXPECT_EQ(rig.trunk.collecting(), 0U);
}

// Members with index or port number out of range, or the same index twice, do no harm.
TEST(LacpSelection, OddMembers) {
  TrunkConfig config = trunk_config(kOurs, 2);
  config.members.push_back({40, "ge9", 9, 1});
  config.members.push_back({3, "ge8", 0, 1});
  config.members.push_back({1, "ge7", 7, 1});
  Rig rig(config);
  EXPECT_EQ(rig.trunk.show(rig.now).ports.size(), 2U);
  rig.link(1);
  rig.hear(1, kSync);
  EXPECT_EQ(selection(rig), "-S");
}

}  // namespace
}  // namespace hotpair::ha::lacp::testing
