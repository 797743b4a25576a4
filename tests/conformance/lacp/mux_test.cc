// IEEE 802.1AX-2014 6.4.15, Mux machine with independent control (figure 6-21), state by state;
// 6.4.17, churn detection.
#include "tests/unit/ha_lacp/rig.h"

namespace hotpair::ha::lacp::testing {
namespace {

constexpr std::uint8_t kSync = kStateSynchronization;
constexpr std::uint8_t kCollects = kStateSynchronization | kStateCollecting;

/// One member in the state asked for.
Rig in_state(MuxState state) {
  Rig rig;
  rig.link(0);
  if (state == MuxState::detached) return rig;
  rig.hear(0, state >= MuxState::collecting ? kSync : 0);
  if (state == MuxState::waiting) return rig;
  rig.run(kAggregateWaitTime);
  if (state == MuxState::distributing) rig.hear(0, kCollects);
  rig.run(5s);
  static_cast<void>(rig.told());
  rig.masks.clear();
  return rig;
}

TEST(LacpMux, Detached) {
  Rig rig = in_state(MuxState::detached);
  EXPECT_EQ(rig.port().mux, MuxState::detached);
  EXPECT_EQ(rig.port().actor.state & 0x38, 0);
  rig.hear(0);  // Selected == SELECTED
  EXPECT_EQ(rig.port().mux, MuxState::waiting);
}

// DETACHED -> WAITING for STANDBY too.
TEST(LacpMux, DetachedStandby) {
  Rig rig(1, false);
  rig.link(0);
  rig.hear(0);
  EXPECT_EQ(rig.port().selected, Selected::standby);
  EXPECT_EQ(rig.port().mux, MuxState::waiting);
  rig.run(60s);
  EXPECT_EQ(rig.port().mux, MuxState::waiting);
}

// WAITING: wait_while_timer, Ready; nothing is shown.
TEST(LacpMux, WaitingTakesTheAggregateWait) {
  Rig rig = in_state(MuxState::waiting);
  rig.run(1999ms);
  EXPECT_EQ(rig.port().mux, MuxState::waiting);
  EXPECT_FALSE(rig.port().actor.has(kSync));
  rig.run(1ms);
  EXPECT_EQ(rig.port().mux, MuxState::attached);
}

// Ready is for the aggregator: who came later holds those that wait with it.
TEST(LacpMux, WaitingForTheOthers) {
  Rig rig(2);
  rig.link(0);
  rig.hear(0);
  rig.run(1500ms);
  rig.link(1);
  rig.hear(1);
  rig.run(1s);
  EXPECT_EQ(rig.port(0).mux, MuxState::waiting);
  rig.run(1s);
  EXPECT_EQ(rig.port(0).mux, MuxState::attached);
  EXPECT_EQ(rig.port(1).mux, MuxState::attached);
}

TEST(LacpMux, WaitingUnselected) {
  Rig rig = in_state(MuxState::waiting);
  rig.link(0, false);
  EXPECT_EQ(rig.port().mux, MuxState::detached);
}

// ATTACHED: Sync = 1 and NTT; out by UNSELECTED or STANDBY, on by the partner's Sync.
TEST(LacpMux, Attached) {
  Rig rig = in_state(MuxState::attached);
  EXPECT_EQ(rig.port().mux, MuxState::attached);
  EXPECT_EQ(rig.port().actor.state & 0x38, kSync);
  EXPECT_EQ(rig.trunk.collecting(), 0U);
  rig.hear(0, kSync);
  EXPECT_EQ(rig.port().mux, MuxState::collecting);
  rig = in_state(MuxState::attached);
  rig.allow(false);  // STANDBY
  EXPECT_EQ(rig.port().mux, MuxState::waiting);
  EXPECT_FALSE(rig.port().actor.has(kSync));
  ASSERT_EQ(rig.said.size(), 1U);
  rig = in_state(MuxState::attached);
  rig.peer[0].key = 1;
  rig.hear(0, kCollects);  // UNSELECTED, then selected anew
  EXPECT_EQ(rig.port().mux, MuxState::waiting);
}

TEST(LacpMux, AttachedSaysSo) {
  Rig rig;
  rig.link(0);
  rig.hear(0);
  rig.run(1999ms);
  static_cast<void>(rig.told());
  rig.run(1ms);
  const auto told = rig.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(state_digits(told[0].pdu.actor.state), "10110000");
}

// COLLECTING: collects and says so; does not distribute before the partner collects.
TEST(LacpMux, Collecting) {
  Rig rig = in_state(MuxState::collecting);
  EXPECT_EQ(rig.port().actor.state & 0x38, kSync | kStateCollecting);
  EXPECT_EQ(rig.trunk.collecting(), 1U);
  EXPECT_EQ(rig.trunk.distributing(), 0U);
  rig.hear(0, kCollects);
  EXPECT_EQ(rig.port().mux, MuxState::distributing);
  EXPECT_EQ(rig.trunk.distributing(), 1U);
  ASSERT_EQ(rig.said.size(), 1U);
  EXPECT_EQ(state_digits(rig.said[0].pdu.actor.state), "10111100");
  rig = in_state(MuxState::collecting);
  rig.hear(0, 0);  // the partner is out of sync
  EXPECT_EQ(rig.port().mux, MuxState::attached);
  EXPECT_EQ(rig.trunk.collecting(), 0U);
}

// DISTRIBUTING: back to COLLECTING when the partner stops collecting, further when out of sync.
TEST(LacpMux, Distributing) {
  Rig rig = in_state(MuxState::distributing);
  EXPECT_EQ(rig.port().actor.state & 0x38, 0x38);
  rig.hear(0, kSync);
  EXPECT_EQ(rig.port().mux, MuxState::collecting);
  EXPECT_EQ(rig.trunk.collecting(), 1U);
  EXPECT_EQ(rig.trunk.distributing(), 0U);
  rig = in_state(MuxState::distributing);
  rig.hear(0, 0);
  EXPECT_EQ(rig.port().mux, MuxState::attached);
  EXPECT_TRUE(rig.port().actor.has(kSync));
  rig = in_state(MuxState::distributing);
  rig.link(0, false);
  EXPECT_EQ(rig.port().mux, MuxState::detached);
  ASSERT_EQ(rig.masks.size(), 1U);
  EXPECT_EQ(rig.masks[0].collecting, 0U);
}

// 6.4.17: out of sync for 60 s is churn, of the actor and of the partner apart.
TEST(LacpChurn, ActorAndPartner) {
  Rig rig;
  rig.link(0);
  EXPECT_EQ(rig.port().actor_churn, ChurnState::monitor);
  rig.run(59'999ms);
  EXPECT_EQ(rig.port().actor_churn, ChurnState::monitor);
  rig.run(1ms);
  EXPECT_EQ(rig.port().actor_churn, ChurnState::churn);
  EXPECT_EQ(rig.port().partner_churn, ChurnState::churn);
  EXPECT_EQ(rig.port().counters.actor_churns, 1U);
  rig.hear(0);
  rig.run(kAggregateWaitTime);
  EXPECT_EQ(rig.port().actor_churn, ChurnState::no_churn);
  EXPECT_EQ(rig.port().partner_churn, ChurnState::churn);
  rig.hear(0, kSync);
  EXPECT_EQ(rig.port().partner_churn, ChurnState::no_churn);
  rig.hear(0);
  EXPECT_EQ(rig.port().partner_churn, ChurnState::monitor);
  rig.run(60s);
  EXPECT_EQ(rig.port().partner_churn, ChurnState::churn);
  EXPECT_EQ(rig.port().counters.partner_churns, 2U);
}

TEST(LacpChurn, NotWithoutALinkAndNotInStandby) {
  Rig rig;
  rig.run(200s);
  EXPECT_EQ(rig.port().actor_churn, ChurnState::monitor);
  EXPECT_EQ(rig.port().counters.actor_churns, 0U);
  Rig backup(1, false);
  backup.link(0);
  for (int i = 0; i < 20; ++i) {
    backup.hear(0, kSync);
    backup.run(10s);
  }
  EXPECT_EQ(backup.port().counters.actor_churns, 0U);
}

}  // namespace
}  // namespace hotpair::ha::lacp::testing
