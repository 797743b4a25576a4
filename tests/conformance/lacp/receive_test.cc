// IEEE 802.1AX-2014 6.4.12, Receive machine, state by state, and the functions of 6.4.9 that it
// calls; 6.5.4, marker responder.
#include "tests/unit/ha_lacp/rig.h"

namespace hotpair::ha::lacp::testing {
namespace {

// BEGIN -> INITIALIZE -> PORT_DISABLED: defaults recorded, not selected, nothing sent.
TEST(LacpReceive, Begin) {
  Rig rig;
  const PortShow port = rig.port();
  EXPECT_EQ(port.receive, ReceiveState::port_disabled);
  EXPECT_EQ(port.selected, Selected::unselected);
  EXPECT_TRUE(port.actor.has(kStateDefaulted));
  EXPECT_FALSE(port.actor.has(kStateExpired));
  EXPECT_EQ(port.partner, PortInfo{});
  rig.run(100s);
  EXPECT_TRUE(rig.said.empty());
}

// PORT_DISABLED -> EXPIRED: short timeout asked of the partner, 3 s, Expired shown.
TEST(LacpReceive, LinkUp) {
  Rig rig;
  rig.link(0);
  const PortShow port = rig.port();
  EXPECT_EQ(port.receive, ReceiveState::expired);
  EXPECT_EQ(port.expires_ms, 3000U);
  EXPECT_TRUE(port.actor.has(kStateExpired));
  EXPECT_TRUE(port.partner.has(kStateTimeout));
  EXPECT_FALSE(port.partner.has(kStateSynchronization));
  ASSERT_EQ(rig.said.size(), 1U);
  EXPECT_TRUE(rig.said[0].pdu.actor.has(kStateExpired));
}

// EXPIRED -> DEFAULTED after 3 s without a LACPDU.
TEST(LacpReceive, NobodyThere) {
  Rig rig;
  rig.link(0);
  rig.run(2999ms);
  EXPECT_EQ(rig.port().receive, ReceiveState::expired);
  rig.run(1ms);
  const PortShow port = rig.port();
  EXPECT_EQ(port.receive, ReceiveState::defaulted);
  EXPECT_TRUE(port.actor.has(kStateDefaulted));
  EXPECT_FALSE(port.actor.has(kStateExpired));
  EXPECT_EQ(port.partner, PortInfo{});
  EXPECT_EQ(port.selected, Selected::unselected);
  EXPECT_EQ(port.counters.defaults, 1U);
}

// EXPIRED -> CURRENT, DEFAULTED -> CURRENT: the PDU's actor is the partner; Defaulted and Expired
// end; the timeout is ours to choose.
TEST(LacpReceive, PartnerHeard) {
  for (const bool late : {false, true}) {
    for (const bool fast : {false, true}) {
      TrunkConfig config = trunk_config(kOurs, 1);
      config.fast = fast;
      Rig rig(config);
      rig.link(0);
      if (late) rig.run(20s);
      rig.hear(0);
      const PortShow port = rig.port();
      EXPECT_EQ(port.receive, ReceiveState::current);
      EXPECT_EQ(port.expires_ms, fast ? 3000U : 90'000U);
      EXPECT_FALSE(port.actor.has(kStateDefaulted));
      EXPECT_FALSE(port.actor.has(kStateExpired));
      EXPECT_EQ(port.partner, rig.peer[0]);
      EXPECT_EQ(port.partner_version, 1);
    }
  }
}

// CURRENT -> EXPIRED -> DEFAULTED: collecting stops with the first, the aggregate is left with the
// second.
TEST(LacpReceive, PartnerFallsSilent) {
  for (const bool fast : {false, true}) {
    TrunkConfig config = trunk_config(kOurs, 1);
    config.fast = fast;
    Rig rig(config);
    rig.bring_up();
    const Duration timeout = fast ? kShortTimeoutTime : kLongTimeoutTime;
    rig.run(timeout - 1ms);
    EXPECT_EQ(rig.trunk.distributing(), 1U);
    rig.run(1ms);
    PortShow port = rig.port();
    EXPECT_EQ(port.receive, ReceiveState::expired);
    EXPECT_EQ(port.mux, MuxState::attached);
    EXPECT_EQ(port.selected, Selected::selected);
    EXPECT_TRUE(port.actor.has(kStateExpired));
    EXPECT_TRUE(port.partner.has(kStateTimeout));
    EXPECT_EQ(rig.partner, (std::vector<bool>{true, false}));
    rig.run(3s);
    port = rig.port();
    EXPECT_EQ(port.receive, ReceiveState::defaulted);
    EXPECT_EQ(port.mux, MuxState::detached);
    EXPECT_EQ(port.counters.expirations, 1U);
  }
}

// A LACPDU in EXPIRED brings CURRENT back without leaving the aggregate.
TEST(LacpReceive, PartnerBackWhileExpired) {
  TrunkConfig config = trunk_config(kOurs, 1);
  config.fast = true;
  Rig rig(config);
  rig.bring_up();
  rig.run(3s);
  ASSERT_EQ(rig.port().receive, ReceiveState::expired);
  rig.hear(0, kStateSynchronization | kStateCollecting);
  EXPECT_EQ(rig.trunk.distributing(), 1U);
}

// Any state -> PORT_DISABLED: the partner is kept and is out of sync; link up again -> EXPIRED.
TEST(LacpReceive, LinkDown) {
  Rig rig;
  rig.bring_up();
  rig.link(0, false);
  PortShow port = rig.port();
  EXPECT_EQ(port.receive, ReceiveState::port_disabled);
  EXPECT_EQ(port.partner.system, kTheirs);
  EXPECT_FALSE(port.partner.has(kStateSynchronization));
  EXPECT_EQ(port.mux, MuxState::detached);
  EXPECT_EQ(rig.trunk.collecting(), 0U);
  static_cast<void>(rig.told());
  rig.run(10s);
  EXPECT_TRUE(rig.said.empty());
  rig.link(0);
  EXPECT_EQ(rig.port().receive, ReceiveState::expired);
}

// PORT_DISABLED -> INITIALIZE by port_moved: the partner turned up at another of our ports.
TEST(LacpReceive, PortMoved) {
  Rig rig(2);
  rig.link(0);
  rig.link(1);
  rig.hear(0, kStateSynchronization);
  rig.link(0, false);
  ASSERT_EQ(rig.port(0).partner.system, kTheirs);
  rig.peer[1].port = rig.peer[0].port;
  rig.hear(1, kStateSynchronization);
  EXPECT_EQ(rig.port(0).partner, PortInfo{});
  EXPECT_EQ(rig.port(0).receive, ReceiveState::port_disabled);
  EXPECT_TRUE(rig.port(0).actor.has(kStateDefaulted));
  EXPECT_EQ(rig.port(1).partner.port, 1);
}

// update_Selected: port, its priority, system, its priority, key and Aggregation name a partner.
TEST(LacpReceive, UpdateSelected) {
  struct Row {
    const char* name;
    void (*change)(PortInfo&);
    bool leaves;
  };
  const Row rows[] = {
      {"port", [](PortInfo& p) { p.port = 77; }, true},
      {"port priority", [](PortInfo& p) { p.port_priority = 1; }, true},
      {"system", [](PortInfo& p) { p.system.octets[5] = 1; }, true},
      {"system priority", [](PortInfo& p) { p.system_priority = 1; }, true},
      {"key", [](PortInfo& p) { p.key = 1; }, true},
      {"aggregation", [](PortInfo& p) { p.set(kStateAggregation, false); }, true},
      {"timeout", [](PortInfo& p) { p.set(kStateTimeout, true); }, false},
      {"distributing", [](PortInfo& p) { p.set(kStateDistributing, true); }, false},
  };
  for (const Row& row : rows) {
    Rig rig;
    rig.bring_up();
    rig.run(5s);
    row.change(rig.peer[0]);
    rig.hear(0, kStateSynchronization | kStateCollecting);
    EXPECT_EQ(rig.trunk.collecting(), row.leaves ? 0U : 1U) << row.name;
    EXPECT_EQ(rig.port().counters.partner_changes, row.leaves ? 1U : 0U) << row.name;
    EXPECT_EQ(rig.port().mux, row.leaves ? MuxState::waiting : MuxState::distributing) << row.name;
  }
}

// update_NTT: what the partner believes of us is answered when it is wrong, and only then.
TEST(LacpReceive, UpdateNtt) {
  struct Row {
    const char* name;
    void (*change)(PortInfo&);
    bool answered;
  };
  const Row rows[] = {
      {"nothing", [](PortInfo&) {}, false},
      {"port", [](PortInfo& p) { p.port = 77; }, true},
      {"port priority", [](PortInfo& p) { p.port_priority = 1; }, true},
      {"system", [](PortInfo& p) { p.system.octets[5] = 1; }, true},
      {"system priority", [](PortInfo& p) { p.system_priority = 1; }, true},
      {"key", [](PortInfo& p) { p.key = 1; }, true},
      {"activity", [](PortInfo& p) { p.set(kStateActivity, false); }, true},
      {"timeout", [](PortInfo& p) { p.set(kStateTimeout, true); }, true},
      {"aggregation", [](PortInfo& p) { p.set(kStateAggregation, false); }, true},
      {"synchronization", [](PortInfo& p) { p.set(kStateSynchronization, false); }, true},
      {"collecting", [](PortInfo& p) { p.set(kStateCollecting, false); }, false},
      {"distributing", [](PortInfo& p) { p.set(kStateDistributing, false); }, false},
      {"defaulted", [](PortInfo& p) { p.set(kStateDefaulted, true); }, false},
      {"expired", [](PortInfo& p) { p.set(kStateExpired, true); }, false},
  };
  for (const Row& row : rows) {
    Rig rig;
    rig.bring_up();
    rig.run(5s);
    static_cast<void>(rig.told());
    Lacpdu pdu;
    pdu.actor = rig.peer[0];
    pdu.actor.set(kStateSynchronization | kStateCollecting | kStateDistributing, true);
    pdu.partner = rig.port().actor;
    row.change(pdu.partner);
    rig.hear(0, pdu);
    EXPECT_EQ(rig.told().size(), row.answered ? 1U : 0U) << row.name;
  }
}

// recordPDU: when the partner counts as in sync.
TEST(LacpReceive, PartnerSynchronization) {
  struct Row {
    const char* name;
    bool our_activity;
    std::uint8_t actor_bits;    // of the PDU, beside Synchronization
    std::uint8_t partner_bits;  // what the PDU says of us, beside Aggregation
    bool knows_us;
    bool in_sync;
  };
  const Row rows[] = {
      {"active partner that knows us", true, kStateActivity | kStateAggregation, kStateActivity,
       true, true},
      {"passive partner, we are active and it knows", true, kStateAggregation, kStateActivity, true,
       true},
      {"passive partner that thinks us passive", true, kStateAggregation, 0, true, false},
      {"partner that does not know us", true, kStateActivity | kStateAggregation, kStateActivity,
       false, false},
      {"individual partner that does not know us", true, kStateActivity, kStateActivity, false,
       true},
      {"active partner, we are passive", false, kStateActivity | kStateAggregation, 0, true, true},
  };
  for (const Row& row : rows) {
    TrunkConfig config = trunk_config(kOurs, 1);
    config.active = row.our_activity;
    Rig rig(config);
    rig.link(0);
    Lacpdu pdu;
    pdu.actor = rig.peer[0];
    pdu.actor.state = static_cast<std::uint8_t>(kStateSynchronization | row.actor_bits);
    pdu.partner = rig.port().actor;
    pdu.partner.state = static_cast<std::uint8_t>(kStateAggregation | row.partner_bits);
    if (!row.knows_us) pdu.partner.port = 99;
    rig.hear(0, pdu);
    EXPECT_EQ(rig.port().partner.has(kStateSynchronization), row.in_sync) << row.name;
    pdu.actor.set(kStateSynchronization, false);
    rig.hear(0, pdu);
    EXPECT_FALSE(rig.port().partner.has(kStateSynchronization)) << row.name;
  }
}

// 6.5.4.1: a marker is answered with its own contents, at most five a second; a response is not.
TEST(LacpMarker, Responder) {
  Rig rig;
  rig.link(0);
  rig.hear(0, encode_pdu(Marker{false, 7, kTheirs, 0xdeadbeef}));
  ASSERT_EQ(rig.markers.size(), 1U);
  EXPECT_EQ(rig.markers[0], (Marker{true, 7, kTheirs, 0xdeadbeef}));
  rig.hear(0, encode_pdu(Marker{true, 7, kTheirs, 1}));
  EXPECT_EQ(rig.markers.size(), 1U);
  for (int i = 0; i < 15; ++i) rig.hear(0, encode_pdu(Marker{false, 7, kTheirs, 2}));
  EXPECT_EQ(rig.markers.size(), 5U);
  EXPECT_EQ(rig.port().counters.markers_received, 16U);
  EXPECT_EQ(rig.port().counters.marker_responses_sent, 5U);
  rig.run(1s);
  rig.hear(0, encode_pdu(Marker{false, 7, kTheirs, 3}));
  EXPECT_EQ(rig.markers.size(), 6U);
}

// 802.3 57A.3: more than ten slow protocol frames a second, past what a pause gathers, are dropped.
TEST(LacpReceive, FloodIsPoliced) {
  Rig rig;
  rig.link(0);
  for (int i = 0; i < 100; ++i) rig.hear(0);
  EXPECT_EQ(rig.port().counters.lacpdus_received, 20U);
  EXPECT_EQ(rig.port().counters.rejected[static_cast<std::size_t>(PduReject::over_rate)], 80U);
  rig.run(1s);
  for (int i = 0; i < 100; ++i) rig.hear(0);
  EXPECT_EQ(rig.port().counters.lacpdus_received, 30U);
}

TEST(LacpReceive, RejectsAreCountedByReason) {
  Rig rig;
  const auto count = [&](PduReject reason) {
    return rig.port().counters.rejected[static_cast<std::size_t>(reason)];
  };
  rig.hear(0);
  EXPECT_EQ(count(PduReject::port_down), 1U);
  rig.link(0);
  rig.hear(0, Bytes(kPduLength - 1));
  EXPECT_EQ(count(PduReject::too_short), 1U);
  rig.hear(0, Bytes(kPduLength));
  EXPECT_EQ(count(PduReject::other_subtype), 1U);
  Lacpdu own;
  own.actor = rig.port().actor;
  rig.hear(0, own);
  EXPECT_EQ(count(PduReject::looped), 1U);
  EXPECT_EQ(rig.port().receive, ReceiveState::expired);
}

}  // namespace
}  // namespace hotpair::ha::lacp::testing
