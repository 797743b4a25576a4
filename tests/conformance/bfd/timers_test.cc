// RFC 5880 6.5 (poll sequence), 6.6 (demand), 6.8.2, 6.8.3, 6.8.4, 6.8.7.
#include "tests/unit/ha_bfd/link.h"

namespace hotpair::ha::bfd::testing {
namespace {

std::vector<Duration> gaps(const std::vector<TimePoint>& times) {
  std::vector<Duration> out;
  for (std::size_t i = 1; i < times.size(); ++i) out.push_back(times[i] - times[i - 1]);
  return out;
}

/// The peer answers every `interval` for `span`.
void keep_alive(Single& one, Duration span, Duration interval, ControlPacket packet) {
  for (Duration past{}; past < span; past += interval) {
    one.run(interval);
    one.hear(packet);
  }
}

TEST(Rfc5880_6_8_3, NoFasterThanASecondWhileNotUp) {
  Single one;
  one.run(20s);
  for (const Duration gap : gaps(one.sent_at)) {
    EXPECT_GE(gap, Duration{750ms});
    EXPECT_LE(gap, Duration{1s});
  }
  for (const ControlPacket& packet : one.sent) EXPECT_EQ(packet.desired_min_tx_us, 1'000'000U);
}

TEST(Rfc5880_6_8_3, ASlowerConfigurationStaysSlow) {
  SessionConfig config = session_config(1, 2);
  config.min_tx_us = 5'000'000;
  Single one(config);
  one.run(30s);
  for (const Duration gap : gaps(one.sent_at)) EXPECT_GE(gap, Duration{3750ms});
}

// Becoming Up changes DesiredMinTxInterval: P until F, at the new rate at once.
TEST(Rfc5880_6_8_3, ComingUpPollsWithTheConfiguredInterval) {
  Single one;
  one.hear(one.packet(State::down, false));
  one.sent.clear();
  one.sent_at.clear();
  one.hear(one.packet(State::init));
  ASSERT_EQ(one.sent.size(), 1U);
  EXPECT_EQ(one.sent[0].state, State::up);
  EXPECT_TRUE(one.sent[0].poll);
  EXPECT_EQ(one.sent[0].desired_min_tx_us, 10'000U);
  keep_alive(one, 100ms, 10ms, one.packet(State::up));
  for (const ControlPacket& packet : one.sent) EXPECT_TRUE(packet.poll);
  for (const Duration gap : gaps(one.sent_at)) EXPECT_LE(gap, Duration{10ms});
  ControlPacket final = one.packet(State::up);
  final.final = true;
  one.hear(final);
  one.sent.clear();
  keep_alive(one, 100ms, 10ms, one.packet(State::up));
  for (const ControlPacket& packet : one.sent) EXPECT_FALSE(packet.poll);
}

// "the actual transmission interval used MUST NOT change until the Poll Sequence ... terminated"
TEST(Rfc5880_6_8_3, AnIncreasedTransmitIntervalWaitsForTheFinal) {
  Single one;
  one.bring_up();
  SessionConfig config = one.session.config();
  config.min_tx_us = 100'000;
  one.session.reconfigure(config, one.now);
  one.drain();
  one.sent.clear();
  one.sent_at.clear();
  keep_alive(one, 200ms, 10ms, one.packet(State::up));
  EXPECT_GE(one.sent.size(), 20U);
  EXPECT_EQ(one.sent.back().desired_min_tx_us, 100'000U);
  EXPECT_TRUE(one.sent.back().poll);
  ControlPacket final = one.packet(State::up);
  final.final = true;
  one.hear(final);
  one.run(10ms);
  one.sent_at.clear();
  keep_alive(one, 2s, 10ms, one.packet(State::up));
  for (const Duration gap : gaps(one.sent_at)) EXPECT_GE(gap, Duration{75ms});
}

TEST(Rfc5880_6_8_3, AReducedReceiveIntervalWaitsForTheFinal) {
  SessionConfig config = session_config(1, 2);
  config.min_rx_us = 100'000;
  Single one(config);
  one.bring_up();
  EXPECT_EQ(one.session.view().detection_time, Duration{300ms});
  config.min_rx_us = 20'000;
  one.session.reconfigure(config, one.now);
  one.drain();
  one.run(10ms);
  EXPECT_EQ(one.sent.back().required_min_rx_us, 20'000U);
  EXPECT_TRUE(one.sent.back().poll);
  one.hear(one.packet(State::up));
  EXPECT_EQ(one.session.view().detection_time, Duration{300ms});
  ControlPacket final = one.packet(State::up);
  final.final = true;
  one.hear(final);
  EXPECT_EQ(one.session.view().detection_time, Duration{60ms});
}

TEST(Rfc5880_6_8_3, AnIncreasedReceiveIntervalCountsAtOnce) {
  Single one;
  one.bring_up();
  SessionConfig config = one.session.config();
  config.min_rx_us = 100'000;
  one.session.reconfigure(config, one.now);
  one.drain();
  EXPECT_EQ(one.session.view().detection_time, Duration{300ms});
  one.run(200ms);
  EXPECT_EQ(one.session.state(), State::up);
  EXPECT_TRUE(one.sent.back().poll);
}

// The peer allows faster packets: "MUST be honored immediately".
TEST(Rfc5880_6_8_3, AShorterIntervalOfThePeerIsHonouredAtOnce) {
  Single one;
  ControlPacket slow = one.packet(State::up);
  one.bring_up();
  slow.required_min_rx_us = 1'000'000;
  one.hear(slow);
  one.run(20ms);
  one.hear(slow);
  one.sent_at.clear();
  ControlPacket fast = one.packet(State::up);
  fast.desired_min_tx_us = 1'000'000;
  one.hear(fast);
  const TimePoint from = one.now;
  one.run(10ms);
  ASSERT_FALSE(one.sent_at.empty());
  EXPECT_LE(one.sent_at[0] - from, Duration{10ms});
}

TEST(Rfc5880_6_5, APollIsAnsweredAtOnceByAFinal) {
  Single one;
  one.bring_up();
  ControlPacket poll = one.packet(State::up);
  poll.poll = true;
  one.hear(poll);
  ASSERT_EQ(one.sent.size(), 1U);
  EXPECT_TRUE(one.sent[0].final);
  EXPECT_FALSE(one.sent[0].poll);
}

// 6.5: "A BFD Control packet MUST NOT have both the Poll (P) and Final (F) bits set."
TEST(Rfc5880_6_5, NeverPollAndFinalTogether) {
  Single one;
  one.bring_up();
  SessionConfig config = one.session.config();
  config.min_tx_us = 50'000;
  one.session.reconfigure(config, one.now);
  ControlPacket poll = one.packet(State::up);
  poll.poll = true;
  for (int i = 0; i < 20; ++i) {
    one.hear(poll);
    one.run(5ms);
  }
  std::size_t polls = 0;
  std::size_t finals = 0;
  for (const ControlPacket& packet : one.sent) {
    EXPECT_FALSE(packet.poll && packet.final);
    polls += packet.poll ? 1 : 0;
    finals += packet.final ? 1 : 0;
  }
  EXPECT_GT(polls, 0U);
  EXPECT_EQ(finals, 20U);
}

// 6.5: no additional packets for a poll while packets are sent anyway.
TEST(Rfc5880_6_5, APollUsesThePeriodicPackets) {
  Single one;
  one.bring_up();
  one.run(5ms);
  one.sent.clear();
  SessionConfig config = one.session.config();
  config.min_rx_us = 50'000;
  one.session.reconfigure(config, one.now);
  one.drain();
  EXPECT_TRUE(one.sent.empty());
}

TEST(Rfc5880_6_5, AChangeDuringAPollStartsAnotherAfterIt) {
  Single one;
  one.bring_up();
  SessionConfig config = one.session.config();
  config.min_rx_us = 40'000;
  one.session.reconfigure(config, one.now);
  one.drain();
  one.run(10ms);
  config.min_rx_us = 20'000;
  one.session.reconfigure(config, one.now);
  one.drain();
  one.hear(one.packet(State::up));
  one.run(10ms);
  EXPECT_EQ(one.sent.back().required_min_rx_us, 40'000U);
  ControlPacket final = one.packet(State::up);
  final.final = true;
  one.hear(final);
  one.hear(final);  // a second answer to the first poll ends nothing
  one.run(10ms);
  EXPECT_FALSE(one.sent.back().poll);
  one.hear(one.packet(State::up));
  one.run(10ms);
  EXPECT_TRUE(one.sent.back().poll);
  EXPECT_EQ(one.sent.back().required_min_rx_us, 20'000U);
  EXPECT_EQ(one.session.view().detection_time, Duration{120ms});
  one.hear(final);
  EXPECT_EQ(one.session.view().detection_time, Duration{60ms});
}

TEST(Rfc5880_6_5, AFinalThatNobodyAskedForIsNothing) {
  Single one;
  one.bring_up();
  ControlPacket final = one.packet(State::up);
  final.final = true;
  one.hear(final);
  EXPECT_EQ(one.session.state(), State::up);
  EXPECT_TRUE(one.sent.empty());
}

// 6.8.4: remote Detect Mult x max(RequiredMinRx here, DesiredMinTx there).
TEST(Rfc5880_6_8_4, DetectionTime) {
  struct Row {
    std::uint32_t own_rx, peer_tx;
    std::uint8_t peer_multiplier;
    Duration expected;
  };
  for (const Row& row :
       {Row{10'000, 10'000, 3, 30ms}, Row{10'000, 50'000, 3, 150ms}, Row{50'000, 10'000, 2, 100ms},
        Row{3'000, 3'000, 3, 9ms}, Row{3'000, 1'000, 255, 765ms}}) {
    SessionConfig config = session_config(1, 2);
    config.min_rx_us = row.own_rx;
    config.multiplier = 9;  // the own one plays no part
    Single one(config);
    one.bring_up();
    ControlPacket packet = one.packet(State::up);
    packet.desired_min_tx_us = row.peer_tx;
    packet.detect_mult = row.peer_multiplier;
    one.hear(packet);
    EXPECT_EQ(one.session.view().detection_time, row.expected);
    one.run(row.expected - 1us);
    EXPECT_EQ(one.session.state(), State::up);
    one.run(1us);
    EXPECT_EQ(one.session.state(), State::down);
  }
}

// 6.8.7: the larger of what is wanted here and what is allowed there, less 0 to 25 %.
TEST(Rfc5880_6_8_7, Jitter) {
  for (const std::uint8_t multiplier : {std::uint8_t{3}, std::uint8_t{1}}) {
    SessionConfig config = session_config(1, 2);
    config.multiplier = multiplier;
    Single one(config);
    one.bring_up();
    ControlPacket packet = one.packet(State::up);
    packet.required_min_rx_us = 20'000;
    one.hear(packet);
    keep_alive(one, 40ms, 10ms, packet);
    one.sent_at.clear();
    keep_alive(one, 20s, 10ms, packet);
    const auto all = gaps(one.sent_at);
    ASSERT_GT(all.size(), 900U);
    const Duration most = multiplier == 1 ? 18ms : 20ms;
    EXPECT_GE(*std::min_element(all.begin(), all.end()), Duration{15ms});
    EXPECT_LT(*std::min_element(all.begin(), all.end()), Duration{15200us});
    EXPECT_LE(*std::max_element(all.begin(), all.end()), most);
    EXPECT_GT(*std::max_element(all.begin(), all.end()), most - 200us);
  }
}

TEST(Rfc5880_6_8_7, RequiredMinRxOfZeroStopsPeriodicPackets) {
  Single one;
  one.bring_up();
  ControlPacket mute = one.packet(State::up);
  mute.required_min_rx_us = 0;
  one.hear(mute);
  one.sent.clear();
  keep_alive(one, 1s, 10ms, mute);
  EXPECT_TRUE(one.sent.empty());
  ControlPacket poll = mute;
  poll.poll = true;
  one.hear(poll);
  ASSERT_EQ(one.sent.size(), 1U);
  EXPECT_TRUE(one.sent[0].final);
  one.hear(one.packet(State::up));
  one.run(10ms);
  EXPECT_GE(one.sent.size(), 2U);
}

TEST(Rfc5880_6_8_7, AChangeOfStateIsSentAtOnce) {
  Single one;
  one.bring_up();
  one.hear(one.packet(State::down));
  ASSERT_EQ(one.sent.size(), 1U);
  EXPECT_EQ(one.sent[0].state, State::down);
  EXPECT_EQ(one.sent[0].diag, 3);
}

TEST(Rfc5880_6_8_7, TheControlPlaneIndependentBitIsSet) {
  Single one;
  one.run(5s);
  for (const ControlPacket& packet : one.sent) {
    EXPECT_TRUE(packet.control_plane_independent);
    EXPECT_FALSE(packet.demand);
    EXPECT_EQ(packet.required_min_echo_rx_us, 0U);
  }
}

// 6.6, 6.8.7: a peer in demand mode gets packets during polls only, once both are Up.
TEST(Rfc5880_6_6, DemandModeOfThePeer) {
  Single one;
  one.bring_up();
  ControlPacket demand = one.packet(State::up);
  demand.demand = true;
  one.hear(demand);
  one.sent.clear();
  keep_alive(one, 1s, 10ms, demand);
  EXPECT_TRUE(one.sent.empty());
  ControlPacket poll = demand;
  poll.poll = true;
  one.hear(poll);
  EXPECT_EQ(one.sent.size(), 1U);
  one.sent.clear();
  SessionConfig config = one.session.config();
  config.min_rx_us = 30'000;
  one.session.reconfigure(config, one.now);
  one.drain();
  one.run(10ms);
  ASSERT_FALSE(one.sent.empty());
  EXPECT_TRUE(one.sent.back().poll);
  one.hear(one.packet(State::up));
  one.sent.clear();
  one.run(10ms);
  EXPECT_FALSE(one.sent.empty());
}

TEST(Rfc5880_6_6, DemandModeCountsOnlyWhileBothAreUp) {
  Single one;
  ControlPacket demand = one.packet(State::down, false);
  demand.demand = true;
  one.hear(demand);
  one.sent.clear();
  one.run(2500ms);
  EXPECT_GE(one.sent.size(), 2U);
}

// The smallest interval that is supported, in both directions, for ten minutes without a flap.
TEST(Rfc5880_6_8_4, ThreeMillisecondsTimesThree) {
  SessionConfig a = session_config(1, 2);
  SessionConfig b = session_config(2, 1);
  a.min_tx_us = a.min_rx_us = b.min_tx_us = b.min_rx_us = 3'000;
  Link link(a, b);
  link.run(600s);
  EXPECT_EQ(link.a().view().times_up, 1U);
  EXPECT_EQ(link.b().view().times_down, 0U);
  link.ends[0].cut = true;
  const TimePoint cut = link.now;
  link.ends[1].changes.clear();
  while (link.ends[1].changes.empty()) link.run(100us);
  EXPECT_LE(link.now - cut, Duration{9200us});
}

}  // namespace
}  // namespace hotpair::ha::bfd::testing
