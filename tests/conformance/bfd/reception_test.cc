// RFC 5880 6.3 (discriminators) and 6.8.6, the checks before the state machine.
#include "tests/unit/ha_bfd/link.h"

namespace hotpair::ha::bfd::testing {
namespace {

TEST(Rfc5880_6_8_6, ADiscardedPacketDoesNotProlongTheSession) {
  Single one;
  one.bring_up();
  Arrival far = one.arrival();
  far.ttl = 254;
  for (int i = 0; i < 3; ++i) {
    one.run(9ms);
    EXPECT_EQ(one.hear(one.packet(State::up), far), Verdict::ttl);
  }
  one.run(4ms);
  EXPECT_EQ(one.session.state(), State::down);
}

TEST(Rfc5880_6_8_6, WhatThePeerSaysIsKept) {
  Single one;
  ControlPacket packet = one.packet(State::down, false);
  packet.diag = 19;
  packet.detect_mult = 7;
  packet.desired_min_tx_us = 123'000;
  packet.demand = true;
  packet.control_plane_independent = true;
  one.hear(packet);
  const SessionView view = one.session.view();
  EXPECT_EQ(view.remote_diag, 19);
  EXPECT_EQ(view.remote_multiplier, 7);
  EXPECT_EQ(view.rx_interval, Duration{123ms});
  EXPECT_TRUE(view.remote_demand);
  EXPECT_TRUE(view.remote_control_plane_independent);
  EXPECT_EQ(view.remote_discriminator, Discriminator(22));
  EXPECT_EQ(one.sent.back().your_discriminator, Discriminator(22));
}

// 6.3: a peer that started anew has another discriminator; it says Down, so we follow.
TEST(Rfc5880_6_3, APeerThatStartedAnew) {
  Single one;
  one.bring_up();
  ControlPacket anew = one.packet(State::down, false);
  anew.my_discriminator = Discriminator(77);
  one.hear(anew);
  EXPECT_EQ(one.session.state(), State::down);
  one.hear(anew);
  EXPECT_EQ(one.session.state(), State::init);
  EXPECT_EQ(one.sent.back().your_discriminator, Discriminator(77));
}

TEST(Rfc5880_6_3, AConfiguredRemoteDiscriminatorIsRequired) {
  SessionConfig config = session_config(1, 2);
  config.remote_discriminator = Discriminator(22);
  Single one(config);
  ControlPacket other = one.packet(State::down, false);
  other.my_discriminator = Discriminator(23);
  EXPECT_EQ(one.hear(other), Verdict::wrong_remote_discriminator);
  EXPECT_EQ(one.hear(one.packet(State::down, false)), Verdict::received);
}

TEST(Rfc5880_6_8_6, EveryVerdictIsCounted) {
  SessionConfig config = session_config(1, 2);
  config.keys = {{1, "secret"}};
  config.remote_discriminator = Discriminator(22);
  Single one(config);
  const auto count = [&](Verdict verdict) {
    return one.session.view().verdicts[static_cast<std::size_t>(verdict)];
  };
  Arrival how = one.arrival();
  how.multihop = true;
  one.hear(one.packet(State::down, false), how);
  EXPECT_EQ(count(Verdict::wrong_hops), 1U);
  how = one.arrival();
  how.destination = IpAddress::v4(1);
  one.hear(one.packet(State::down, false), how);
  EXPECT_EQ(count(Verdict::wrong_address), 1U);
  how = one.arrival();
  how.device = "eth9";
  one.hear(one.packet(State::down, false), how);
  EXPECT_EQ(count(Verdict::wrong_address), 2U);
  one.hear(one.packet(State::down, false));
  EXPECT_EQ(count(Verdict::auth_missing), 1U);
  for (std::size_t i = 0; i < static_cast<std::size_t>(Verdict::count); ++i)
    EXPECT_STRNE(to_string(static_cast<Verdict>(i)), "unknown");
}

}  // namespace
}  // namespace hotpair::ha::bfd::testing
