// What an E-Trunk asks of LACP beyond the standard: design sections 7 and 8.
#include "tests/unit/ha_lacp/rig.h"

namespace hotpair::ha::lacp::testing {
namespace {

// Seeds 003 and 004, DeviceB: in the trunk, heard, not in sync. The sample prints 10110000; what it
// stands for is 10100000.
TEST(LacpEtrunk, TheBackupShowsSyncZeroAndKnowsItsPartner) {
  Rig rig(2, false);
  for (MemberIndex member : {MemberIndex{0}, MemberIndex{1}}) {
    rig.link(member);
    rig.hear(member, kStateSynchronization);
    EXPECT_EQ(state_digits(rig.port(member).actor.state), "10100000");
    EXPECT_EQ(rig.port(member).mux, MuxState::waiting);
    EXPECT_EQ(rig.port(member).selected, Selected::standby);
  }
  EXPECT_TRUE(rig.trunk.partner_heard());
  EXPECT_EQ(rig.trunk.collecting(), 0U);
}

// Takeover: no aggregate wait; the word first, then the LACPDUs with Sync = 1, in one step.
TEST(LacpEtrunk, TakeoverIsOneStep) {
  Rig rig(2, false);
  for (MemberIndex member : {MemberIndex{0}, MemberIndex{1}}) {
    rig.link(member);
    rig.hear(member, kStateSynchronization | kStateCollecting | kStateDistributing);
  }
  rig.run(10s);
  rig.hear(0, kStateSynchronization | kStateCollecting | kStateDistributing);
  rig.hear(1, kStateSynchronization | kStateCollecting | kStateDistributing);
  static_cast<void>(rig.told());
  rig.trunk.set_sync_allowed(true, rig.now);
  const auto first = rig.trunk.poll_effect();
  ASSERT_TRUE(first && std::holds_alternative<MasksChanged>(*first));
  EXPECT_EQ(std::get<MasksChanged>(*first).collecting, 3U);
  EXPECT_EQ(std::get<MasksChanged>(*first).distributing, 3U);
  std::size_t sent = 0;
  while (const auto effect = rig.trunk.poll_effect()) {
    const auto* send = std::get_if<SendPdu>(&*effect);
    if (send == nullptr) continue;
    ++sent;
    EXPECT_EQ(state_digits(std::get<Lacpdu>(*decode_pdu(send->bytes)).actor.state), "10111100");
  }
  EXPECT_EQ(sent, 2U);
}

// A LACPDU that waits for its turn when silence begins waits for the end of it: its time is no
// deadline meanwhile, which the owner would meet again and again.
TEST(LacpEtrunk, ASilentTrunkHasNoLacpduThatIsDue) {
  for (const bool carrier : {true, false}) {
    Rig rig(1);
    rig.link(0);
    for (int i = 0; i < 6; ++i) {  // more changes in one instant than LACPDUs may be sent
      rig.hear(0, i % 2 == 0 ? kStateSynchronization : 0);
      rig.allow(i % 2 == 0);
    }
    rig.trunk.set_silent(true, rig.now);
    if (!carrier) rig.trunk.set_enabled(0, false, rig.now);
    for (int i = 0; i < 100; ++i) {
      const auto due = rig.trunk.next_deadline();
      if (!due || *due > rig.now + 60s) break;
      ASSERT_GT(*due, rig.now) << "deadline " << i << ", carrier " << carrier;
      rig.now = *due;
      rig.trunk.on_timeout(rig.now);
    }
  }
}

// A partner that shows Sync only to a member in sync (a kernel bond) costs one exchange, no wait.
TEST(LacpEtrunk, TakeoverWithAPartnerThatWaitsForUs) {
  Rig rig(1, false);
  rig.link(0);
  rig.hear(0);
  rig.run(5s);
  static_cast<void>(rig.told());
  rig.allow(true);
  EXPECT_EQ(rig.port().mux, MuxState::attached);
  ASSERT_EQ(rig.told().size(), 1U);
  rig.hear(0, kStateSynchronization | kStateCollecting | kStateDistributing);
  EXPECT_EQ(rig.trunk.distributing(), 1U);
}

TEST(LacpEtrunk, GivingUpIsOneStepAndTakingBackToo) {
  Rig rig;
  rig.bring_up();
  ASSERT_EQ(rig.trunk.distributing(), 1U);
  rig.run(10s);
  rig.hear(0, kStateSynchronization | kStateCollecting | kStateDistributing);
  static_cast<void>(rig.told());
  rig.allow(false);
  EXPECT_EQ(rig.trunk.collecting(), 0U);
  auto told = rig.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(state_digits(told[0].pdu.actor.state), "10100000");
  rig.run(1s);
  rig.hear(0, kStateSynchronization | kStateCollecting);
  rig.allow(true);
  EXPECT_EQ(rig.trunk.distributing(), 1U);  // within the 2 s that a new member would wait
  told = rig.told();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(state_digits(told.back().pdu.actor.state), "10111100");
}

// One of three credits is kept for Sync: news of it leaves at once whatever was sent before.
TEST(LacpEtrunk, SyncLeavesAtOnceAfterABurst) {
  Rig rig(1, false);
  rig.link(0);
  for (int i = 0; i < 8; ++i) {  // the partner asks again and again
    Lacpdu pdu;
    pdu.actor = rig.peer[0];
    pdu.actor.set(kStateSynchronization, true);
    rig.hear(0, pdu);  // says nothing of us: NTT
    rig.run(10ms);
  }
  rig.hear(0, kStateSynchronization | kStateCollecting);
  EXPECT_EQ(rig.told().size(), 2U);
  rig.allow(true);
  const auto told = rig.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].at, rig.now);
  EXPECT_TRUE(told[0].pdu.actor.has(kStateSynchronization));
  EXPECT_GE(rig.port().counters.sends_delayed, 1U);
}

// A trunk that had no time to wait before it is let in does not wait afterwards either.
TEST(LacpEtrunk, ALinkThatCameUpOnTheBackupIsReady) {
  Rig rig(1, false);
  rig.link(0);
  rig.hear(0, kStateSynchronization | kStateCollecting);
  rig.allow(true);
  EXPECT_EQ(rig.trunk.distributing(), 1U);
}

TEST(LacpEtrunk, PartnerLostIsToldOnceForTheWholeTrunk) {
  TrunkConfig config = trunk_config(kOurs, 2);
  config.fast = true;
  Rig rig(config);
  rig.link(0);
  rig.link(1);
  rig.hear(0, kStateSynchronization);
  rig.hear(1, kStateSynchronization);
  EXPECT_EQ(rig.partner, std::vector<bool>{true});
  rig.run(2s);
  rig.hear(1, kStateSynchronization);
  rig.run(1500ms);
  EXPECT_EQ(rig.partner.size(), 1U);  // member 0 has expired, member 1 has not
  rig.run(1500ms);
  EXPECT_EQ(rig.partner, (std::vector<bool>{true, false}));
  rig.hear(0, kStateSynchronization);
  EXPECT_TRUE(rig.trunk.partner_heard());
  rig.link(0, false);
  EXPECT_FALSE(rig.trunk.partner_heard());
}

// A new system id or key while running: the member leaves its aggregate, says so, and comes back.
TEST(LacpEtrunk, AnotherSystemIdIsAnotherAggregate) {
  Rig rig;
  rig.bring_up();
  rig.run(5s);
  static_cast<void>(rig.told());
  TrunkConfig config = trunk_config(kOurs, 1);
  config.system.octets[5] = 0x56;
  rig.trunk.reconfigure(config, rig.now);
  EXPECT_EQ(rig.trunk.collecting(), 0U);
  EXPECT_EQ(rig.port().actor.system, config.system);
  EXPECT_FALSE(rig.port().actor.has(kStateSynchronization));
  rig.hear(0, kStateSynchronization | kStateCollecting);
  rig.run(kAggregateWaitTime);
  EXPECT_EQ(rig.trunk.distributing(), 1U);
}

TEST(LacpEtrunk, TimeoutChangesWithoutLeavingTheAggregate) {
  Rig rig;
  rig.bring_up();
  rig.run(5s);
  static_cast<void>(rig.told());
  TrunkConfig config = trunk_config(kOurs, 1);
  config.fast = true;
  rig.trunk.reconfigure(config, rig.now);
  EXPECT_EQ(rig.trunk.distributing(), 1U);
  rig.hear(0, kStateSynchronization | kStateCollecting);
  EXPECT_EQ(rig.port().expires_ms, 3000U);
}

TEST(LacpEtrunk, RemovedMembersAreForgotten) {
  Rig rig(2);
  rig.bring_up(0);
  rig.bring_up(1);
  rig.run(3s);
  ASSERT_EQ(rig.trunk.distributing(), 3U);
  rig.trunk.reconfigure(trunk_config(kOurs, 1), rig.now);
  EXPECT_EQ(rig.trunk.distributing(), 1U);
  EXPECT_EQ(rig.trunk.show(rig.now).ports.size(), 1U);
}

}  // namespace
}  // namespace hotpair::ha::lacp::testing
