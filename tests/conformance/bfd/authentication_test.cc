// RFC 5880 6.7 and 6.7.4: meticulous keyed SHA-1.
#include "tests/unit/ha_bfd/link.h"

namespace hotpair::ha::bfd::testing {
namespace {

SessionConfig keyed(std::uint32_t own = 1, std::uint32_t other = 2) {
  SessionConfig config = session_config(own, other);
  config.keys = {{9, "secret"}};
  return config;
}

struct Authentication : ::testing::Test {
  Single one{keyed()};
  Verdict hear(State state, std::uint32_t sequence, DigestCheck digest = DigestCheck::verified) {
    ControlPacket packet = one.packet(state);
    packet.auth = AuthSection{9, sequence, {}};
    Arrival how = one.arrival();
    how.digest = digest;
    return one.hear(packet, how);
  }
};

TEST_F(Authentication, EveryPacketHasTheNextSequenceNumber) {
  one.run(20s);
  ASSERT_GT(one.sent.size(), 10U);
  std::uint32_t expected = 0xffffffff;  // the first after the start; wraps
  for (const ControlPacket& packet : one.sent) {
    ASSERT_TRUE(packet.auth);
    EXPECT_EQ(packet.auth->key_id, 9);
    EXPECT_EQ(packet.auth->sequence, expected++);
  }
}

TEST_F(Authentication, MissingOrNotExpected) {
  EXPECT_EQ(one.hear(one.packet(State::down, false)), Verdict::auth_missing);
  Single plain;
  ControlPacket packet = plain.packet(State::down, false);
  packet.auth = AuthSection{9, 1, {}};
  EXPECT_EQ(plain.hear(packet), Verdict::auth_unexpected);
}

TEST_F(Authentication, DigestAndKey) {
  EXPECT_EQ(hear(State::down, 1, DigestCheck::wrong), Verdict::auth_digest);
  EXPECT_EQ(hear(State::down, 1, DigestCheck::none), Verdict::auth_digest);
  EXPECT_EQ(hear(State::down, 1, DigestCheck::unknown_key), Verdict::auth_key);
  EXPECT_EQ(one.session.state(), State::down);
  EXPECT_EQ(hear(State::down, 1), Verdict::received);
}

// 6.7.4: RcvAuthSeq + 1 to RcvAuthSeq + 3 x Detect Mult, circular.
TEST_F(Authentication, TheWindow) {
  EXPECT_EQ(hear(State::down, 0xfffffffe), Verdict::received);  // any, while none is known
  EXPECT_EQ(hear(State::down, 0xfffffffe), Verdict::auth_sequence);
  EXPECT_EQ(hear(State::down, 0xfffffffd), Verdict::auth_sequence);
  EXPECT_EQ(hear(State::down, 8), Verdict::auth_sequence);  // 10 ahead
  EXPECT_EQ(hear(State::down, 7), Verdict::received);       // 9 ahead
  EXPECT_EQ(hear(State::down, 8), Verdict::received);
}

TEST_F(Authentication, ARefusedPacketMovesNoWindow) {
  EXPECT_EQ(hear(State::down, 100), Verdict::received);
  EXPECT_EQ(hear(State::down, 105, DigestCheck::wrong), Verdict::auth_digest);
  EXPECT_EQ(hear(State::down, 101), Verdict::received);
}

// 6.8.1: AuthSeqKnown is cleared after twice the detection time.
TEST_F(Authentication, TheSequenceIsForgottenAfterTwiceTheDetectionTime) {
  EXPECT_EQ(hear(State::down, 100), Verdict::received);
  const Duration detection = one.session.view().detection_time;
  one.run(2 * detection - 1ms);
  EXPECT_EQ(hear(State::down, 50), Verdict::auth_sequence);
  one.run(1ms);
  EXPECT_EQ(hear(State::down, 50), Verdict::received);
}

TEST_F(Authentication, AReplayedDownDoesNothing) {
  EXPECT_EQ(hear(State::down, 1), Verdict::received);
  EXPECT_EQ(hear(State::up, 2), Verdict::received);
  ASSERT_EQ(one.session.state(), State::up);
  EXPECT_EQ(hear(State::down, 1), Verdict::auth_sequence);
  EXPECT_EQ(one.session.state(), State::up);
}

TEST_F(Authentication, ADownIsMarkedAsProven) {
  hear(State::down, 1);
  hear(State::up, 2);
  hear(State::down, 3);
  ASSERT_EQ(one.changes.back().reason, Reason::remote_down);
  EXPECT_TRUE(one.changes.back().authenticated);
  Single plain;
  plain.bring_up();
  plain.hear(plain.packet(State::down));
  ASSERT_EQ(plain.changes.back().reason, Reason::remote_down);
  EXPECT_FALSE(plain.changes.back().authenticated);
}

TEST_F(Authentication, TwoKeyedSessionsComeUpAndKeysRotate) {
  Link link(keyed(1, 2), keyed(2, 1));
  link.run(3s);
  ASSERT_EQ(link.a().state(), State::up);
  SessionConfig both = keyed(1, 2);
  both.keys = {{10, "other"}, {9, "secret"}};
  link.reconfigure(0, both);
  link.run(1s);
  EXPECT_EQ(link.ends[0].sent.back().auth->key_id, 10);
  EXPECT_EQ(link.a().view().times_down, 0U);
}

}  // namespace
}  // namespace hotpair::ha::bfd::testing
