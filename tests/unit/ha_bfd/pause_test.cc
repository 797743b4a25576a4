// Own pauses (design 4), lateness, and what a gate's lease may count on.
#include "tests/unit/ha_bfd/link.h"

namespace hotpair::ha::bfd::testing {
namespace {

std::uint64_t count(const BfdSession& session, Verdict verdict) {
  return session.view().verdicts[static_cast<std::size_t>(verdict)];
}

TEST(BfdPause, ALateTimerDrainsAndExtendsOnceByOneInterval) {
  Single one;
  one.bring_up();
  one.wake_after(45ms);
  EXPECT_EQ(one.session.state(), State::up);
  EXPECT_EQ(one.drains, 1U);
  EXPECT_EQ(one.session.view().extensions, 1U);
  one.run(9ms);
  EXPECT_EQ(one.session.state(), State::up);
  one.run(2ms);
  EXPECT_EQ(one.session.state(), State::down);
  ASSERT_EQ(one.changes.size(), 1U);
  EXPECT_EQ(one.changes[0].reason, Reason::detection_timeout);
  EXPECT_TRUE(one.changes[0].authenticated);
}

TEST(BfdPause, WhatWasInTheSocketSavesTheSession) {
  Single one;
  one.bring_up();
  one.wake_after(45ms);
  one.hear(one.packet(State::up));
  one.run(29ms);
  EXPECT_EQ(one.session.state(), State::up);
  one.wake_after(20ms);  // the extension is granted anew after a packet
  EXPECT_EQ(one.session.state(), State::up);
  EXPECT_EQ(one.drains, 2U);
}

TEST(BfdPause, ATimerInTimeIsNotForgiven) {
  Single one;
  one.bring_up();
  one.run(29ms);
  EXPECT_EQ(one.session.state(), State::up);
  one.run(2ms);
  EXPECT_EQ(one.session.state(), State::down);
  EXPECT_EQ(one.drains, 0U);
}

TEST(BfdPause, BothPausedAtOnceStayUp) {
  Link link(session_config(1, 2), session_config(2, 1));
  link.run(5s);
  ASSERT_EQ(link.a().state(), State::up);
  ASSERT_EQ(link.b().state(), State::up);
  const std::size_t changes = link.ends[0].changes.size() + link.ends[1].changes.size();
  for (int i = 0; i < 20; ++i) {
    link.ends[0].frozen = link.ends[1].frozen = true;
    link.run(45ms);
    link.ends[0].frozen = link.ends[1].frozen = false;
    link.run(500ms);
  }
  EXPECT_EQ(link.ends[0].changes.size() + link.ends[1].changes.size(), changes);
}

TEST(BfdPause, LatenessIsCounted) {
  Single one;
  one.bring_up();
  one.run(20ms);
  const auto before = one.session.view().lateness;
  one.hear(one.packet(State::up));
  const TimePoint due = *one.session.next_deadline();
  one.now = due + 5ms;
  one.session.on_timeout(one.now);
  one.drain();
  const auto after = one.session.view().lateness;
  EXPECT_EQ(after.counts()[5], before.counts()[5] + 1);
  EXPECT_EQ(after.worst(), Duration{5ms});
  EXPECT_GT(after.counts()[0], 0U);
}

TEST(BfdPause, LatenessBucketsHaveTheirEnds) {
  LatenessHistogram histogram;
  for (const std::uint32_t us : LatenessHistogram::kUpperUs) histogram.add(microseconds(us));
  histogram.add(101ms);
  for (const std::uint64_t bucket : histogram.counts()) EXPECT_EQ(bucket, 1U);
}

// ---- peer_detects_at ----

TEST(BfdPeerDetects, NothingBeforeThePeerCanBeUp) {
  Single one;
  one.run(10s);
  EXPECT_FALSE(one.session.peer_detects_at());
  one.hear(one.packet(State::down, false));
  // Init: the peer may come up by this packet, and then waits 3 x 1 s.
  ASSERT_TRUE(one.session.peer_detects_at());
  EXPECT_EQ(*one.session.peer_detects_at(), one.now + 3s);
}

TEST(BfdPeerDetects, AShorterTimeCountsAtOnceALongerOneAfterTheFinal) {
  Single one;
  one.bring_up();
  one.run(10ms);
  const auto lease = [&] { return *one.session.peer_detects_at() - one.sent_at.back(); };
  EXPECT_EQ(lease(), Duration{30ms});
  SessionConfig config = one.session.config();
  config.min_tx_us = 50'000;
  config.multiplier = 5;
  one.session.reconfigure(config, one.now);
  one.drain();
  one.hear(one.packet(State::up));
  one.run(10ms);
  EXPECT_TRUE(one.sent.back().poll);
  EXPECT_EQ(lease(), Duration{30ms});
  ControlPacket final = one.packet(State::up);
  final.final = true;
  one.hear(final);
  one.run(20ms);
  one.hear(one.packet(State::up));
  one.run(29ms);
  EXPECT_EQ(lease(), Duration{250ms});
  config.min_tx_us = 10'000;
  one.session.reconfigure(config, one.now);
  one.drain();
  one.hear(one.packet(State::up));
  one.run(20ms);
  EXPECT_EQ(lease(), Duration{50ms});
}

TEST(BfdPeerDetects, AFailedSendDoesNotCount) {
  Single one;
  one.bring_up();
  one.run(10ms);
  const auto before = one.session.peer_detects_at();
  one.can_send = false;
  one.run(15ms);
  EXPECT_EQ(one.session.peer_detects_at(), before);
  EXPECT_GT(one.session.view().send_failures, 0U);
}

TEST(BfdPeerDetects, PacketsThatSayDownDoNotCount) {
  Single one;
  one.bring_up();
  one.run(10ms);
  const auto before = one.session.peer_detects_at();
  one.run(25ms);
  ASSERT_EQ(one.session.state(), State::down);
  const auto at_down = one.session.peer_detects_at();
  EXPECT_GE(at_down, before);
  one.run(5s);
  EXPECT_EQ(one.session.peer_detects_at(), at_down);
  EXPECT_EQ(count(one.session, Verdict::ttl), 0U);
}

// A real peer never notices silence before that instant, whatever the timers do meanwhile.
TEST(BfdPeerDetects, HoldsThroughEveryTimerChange) {
  const std::uint32_t intervals[] = {3'000, 10'000, 50'000, 300'000};
  for (const std::uint32_t first : intervals) {
    for (const std::uint32_t second : intervals) {
      for (int when = 0; when < 40; ++when) {
        SessionConfig a = session_config(1, 2);
        a.min_tx_us = first;
        SessionConfig b = session_config(2, 1);
        b.min_rx_us = second;
        Link link(a, b);
        link.run(6s);
        ASSERT_EQ(link.a().state(), State::up);
        a.min_tx_us = second;
        a.multiplier = 2;
        link.reconfigure(0, a);
        b.min_rx_us = first;
        link.reconfigure(1, b);
        link.run(milliseconds(5) * when);
        link.ends[0].frozen = true;
        const TimePoint earliest_loss = *link.a().peer_detects_at();
        link.ends[1].changes.clear();
        while (link.ends[1].changes.empty()) link.run(100us);
        EXPECT_GE(link.now, earliest_loss) << first << " " << second << " " << when;
        EXPECT_EQ(link.ends[1].changes[0].reason, Reason::detection_timeout);
      }
    }
  }
}

}  // namespace
}  // namespace hotpair::ha::bfd::testing
