// Own pauses (design 4), lateness, and how long silence takes to be noticed.
#include "tests/unit/ha_bfd/link.h"

namespace hotpair::ha::bfd::testing {
namespace {

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

// ---- longer_detection_time ----

TEST(BfdDetection, ALongerTimeCountsAtOnceAShorterOneAfterTheFinal) {
  Single one;
  one.bring_up();
  one.run(10ms);
  const auto finish_poll = [&] {
    ControlPacket final = one.packet(State::up);
    final.final = true;
    one.hear(final);
    one.run(10ms);
    one.hear(one.packet(State::up));
  };
  EXPECT_EQ(one.session.longer_detection_time(), Duration{30ms});
  SessionConfig config = one.session.config();
  config.min_tx_us = 50'000;
  config.multiplier = 5;
  one.session.reconfigure(config, one.now);
  one.drain();
  EXPECT_EQ(one.session.longer_detection_time(), Duration{250ms});
  one.hear(one.packet(State::up));
  one.run(10ms);
  ASSERT_TRUE(one.sent.back().poll);
  finish_poll();
  one.run(20ms);
  one.hear(one.packet(State::up));
  config.min_tx_us = 10'000;
  config.multiplier = 3;
  one.session.reconfigure(config, one.now);
  one.drain();
  EXPECT_EQ(one.session.longer_detection_time(), Duration{250ms});
  one.hear(one.packet(State::up));
  one.run(10ms);
  finish_poll();
  EXPECT_EQ(one.session.longer_detection_time(), Duration{30ms});
}

// The peer's side counts too: here it detects slower than this one.
TEST(BfdDetection, TheSlowerDirectionCounts) {
  Single one;
  one.bring_up();
  SessionConfig config = one.session.config();
  config.multiplier = 10;
  one.session.reconfigure(config, one.now);
  one.drain();
  EXPECT_EQ(one.session.view().detection_time, Duration{30ms});
  EXPECT_EQ(one.session.longer_detection_time(), Duration{100ms});
}

}  // namespace
}  // namespace hotpair::ha::bfd::testing
