// IEEE 802.1AX-2014 6.4.13, Periodic Transmission machine, and 6.4.16, Transmit machine.
#include "tests/unit/ha_lacp/rig.h"

namespace hotpair::ha::lacp::testing {
namespace {

std::vector<std::int64_t> times_of(const std::vector<Said>& told, TimePoint from) {
  std::vector<std::int64_t> list;
  for (const Said& one : told)
    list.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(one.at - from).count());
  return list;
}

// NO_PERIODIC: without a link, or when both ends are passive.
TEST(LacpPeriodic, NoPeriodic) {
  Rig rig;
  EXPECT_EQ(rig.port().periodic, PeriodicState::no_periodic);
  TrunkConfig config = trunk_config(kOurs, 1);
  config.active = false;
  Rig passive(config);
  passive.link(0);
  EXPECT_EQ(passive.port().periodic, PeriodicState::no_periodic);
  passive.run(100s);
  EXPECT_TRUE(passive.said.empty());
  passive.hear(0);  // an active partner
  EXPECT_EQ(passive.port().periodic, PeriodicState::slow_periodic);
  passive.run(kAggregateWaitTime);
  EXPECT_EQ(passive.said.size(), 1U);
}

// FAST_PERIODIC while the partner asks for it, and while it is not known (EXPIRED).
TEST(LacpPeriodic, Fast) {
  Rig rig;
  rig.link(0);
  EXPECT_EQ(rig.port().periodic, PeriodicState::fast_periodic);
  const TimePoint from = rig.now;
  rig.run(2500ms);
  EXPECT_EQ(times_of(rig.told(), from), (std::vector<std::int64_t>{0, 1000, 2000}));
  rig.peer[0].set(kStateTimeout, true);
  rig.bring_up();
  rig.run(2s);
  static_cast<void>(rig.told());
  rig.hear(0, kStateSynchronization | kStateCollecting);
  rig.run(5s);
  EXPECT_EQ(rig.told().size(), 5U);
}

// SLOW_PERIODIC: every 30 s; a partner that turns fast gets one at once.
TEST(LacpPeriodic, SlowThenFast) {
  Rig rig;
  rig.bring_up();
  rig.run(3s);
  static_cast<void>(rig.told());
  EXPECT_EQ(rig.port().periodic, PeriodicState::slow_periodic);
  rig.run(60s);
  EXPECT_EQ(rig.told().size(), 2U);
  rig.peer[0].set(kStateTimeout, true);
  rig.hear(0, kStateSynchronization | kStateCollecting);
  EXPECT_EQ(rig.port().periodic, PeriodicState::fast_periodic);
  EXPECT_EQ(rig.told().size(), 1U);
  rig.peer[0].set(kStateTimeout, false);
  rig.hear(0, kStateSynchronization | kStateCollecting);
  EXPECT_EQ(rig.port().periodic, PeriodicState::slow_periodic);
}

// DEFAULTED: the partner is nobody, who asks for long timeouts.
TEST(LacpPeriodic, SlowWhileDefaulted) {
  Rig rig;
  rig.link(0);
  rig.run(3s);
  ASSERT_EQ(rig.port().receive, ReceiveState::defaulted);
  EXPECT_EQ(rig.port().periodic, PeriodicState::slow_periodic);
  rig.run(1s);
  static_cast<void>(rig.told());
  rig.run(90s);
  EXPECT_EQ(rig.told().size(), 3U);
}

// 6.4.16: NTT is answered at once as long as the limit allows, and not forgotten when it does not.
TEST(LacpTransmit, LimitDelaysAndDoesNotLose) {
  Rig rig;
  rig.bring_up();
  rig.run(5s);
  static_cast<void>(rig.told());
  const TimePoint from = rig.now;
  Lacpdu wrong;
  wrong.actor = rig.peer[0];
  wrong.actor.set(kStateSynchronization | kStateCollecting, true);
  wrong.partner = rig.port().actor;
  wrong.partner.set(kStateTimeout, true);
  for (int i = 0; i < 6; ++i) {
    rig.hear(0, wrong);
    rig.run(10ms);
  }
  EXPECT_EQ(times_of(rig.said, from), (std::vector<std::int64_t>{0, 10}));
  rig.run(3s);
  EXPECT_EQ(times_of(rig.told(), from), (std::vector<std::int64_t>{0, 10, 1000}));
  EXPECT_EQ(rig.port().counters.sends_delayed, 1U);
}

// A LACPDU holds the newest state, not that of the moment when it was asked for.
TEST(LacpTransmit, CarriesTheNewestState) {
  Rig rig;
  rig.bring_up();
  rig.run(5s);
  static_cast<void>(rig.told());
  for (int i = 0; i < 4; ++i) rig.allow(i % 2 != 0);
  EXPECT_EQ(rig.said.size(), 3U);
  rig.run(1s);
  ASSERT_EQ(rig.said.size(), 4U);
  EXPECT_EQ(rig.said.back().pdu.actor.state, rig.port().actor.state);
  EXPECT_TRUE(rig.said.back().pdu.actor.has(kStateSynchronization));
}

}  // namespace
}  // namespace hotpair::ha::lacp::testing
