#include <gtest/gtest.h>

#include <vector>

#include "ha/etrunk/etrunk_session.h"

namespace hotpair::ha::etrunk {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr PathId kP0{0};
constexpr PathId kP1{1};

EtrunkConfig config(std::size_t paths = 2) {
  EtrunkConfig etrunk;
  etrunk.id = EtrunkId(1);
  etrunk.hello_ms = 20;
  etrunk.multiplier = 5;
  for (std::size_t i = 0; i < paths; ++i)
    etrunk.paths.push_back({PathId(static_cast<std::uint8_t>(i)), IpAddress::v4(0x0a000001),
                            IpAddress::v4(0x0a000002), ""});
  return etrunk;
}

class SessionTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kOwn = 100;
  static constexpr std::uint64_t kPeer = 200;

  SessionTest() : session_(config(), {NodeId(1), kOwn}, seconds(10), counter_, now_) { tick(); }

  void take() {
    session_.flush(now_);
    while (auto effect = session_.poll_effect()) effects_.push_back(*effect);
  }
  void tick() {
    session_.on_timeout(now_);
    take();
  }
  void run(Duration span) {
    const TimePoint end = now_ + span;
    while (auto due = session_.next_deadline()) {
      if (*due > end) break;
      now_ = std::max(now_, *due);
      tick();
    }
    now_ = end;
  }
  template <typename T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const SessionEffect& effect : effects_)
      if (const T* body = std::get_if<T>(&effect)) found.push_back(*body);
    return found;
  }
  Hello hello(PathId path, std::uint64_t counter) const {
    Hello peer;
    peer.etrunk = EtrunkId(1);
    peer.path = path;
    peer.node = NodeId(2);
    peer.session = kPeer;
    peer.counter = counter;
    peer.echo = kOwn;
    peer.echo_counter = counter_.last();
    peer.interval_ms = 30;
    peer.multiplier = 4;
    return peer;
  }
  HelloVerdict give(const Hello& hello) {
    const HelloVerdict verdict = session_.on_hello(hello.path, hello, now_);
    take();
    return verdict;
  }
  /// The peer is first seen, answered, and proves itself.
  void meet(PathId path = kP0) {
    Hello first = hello(path, ++peer_counter_);
    first.echo = 0;
    EXPECT_EQ(give(first), HelloVerdict::not_echoed);
    EXPECT_EQ(give(hello(path, ++peer_counter_)), HelloVerdict::heard);
  }

  TimePoint now_{seconds(100)};
  HelloCounter counter_;
  EtrunkSession session_;
  std::vector<SessionEffect> effects_;
  std::uint64_t peer_counter_ = 0;
};

TEST_F(SessionTest, SendsOnEveryPathEachIntervalWithARisingCounter) {
  run(milliseconds(45));
  const auto sent = all<SendHello>();
  ASSERT_EQ(sent.size(), 6U);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].hello.counter, i + 1);
    EXPECT_EQ(sent[i].hello.path.value(), i % 2);
    EXPECT_EQ(sent[i].hello.echo, 0U);
  }
}

TEST_F(SessionTest, ANewPeerIsAnsweredAtOnceAndHeardOnceItEchoes) {
  effects_.clear();
  Hello first = hello(kP1, 1);
  first.echo = 0;
  EXPECT_EQ(give(first), HelloVerdict::not_echoed);
  ASSERT_EQ(all<SendHello>().size(), 1U);
  const Hello answer = all<SendHello>()[0].hello;
  EXPECT_EQ(answer.path, kP1);
  EXPECT_EQ(answer.echo, kPeer);
  EXPECT_EQ(answer.echo_counter, 1U);
  EXPECT_FALSE(session_.peer_heard());
  effects_.clear();
  EXPECT_EQ(give(hello(kP1, 2)), HelloVerdict::heard);
  EXPECT_TRUE(session_.peer_heard());
  EXPECT_EQ(session_.paths_up(), 2U);
  ASSERT_EQ(all<PathUp>().size(), 1U);
  EXPECT_EQ(all<PeerUp>().size(), 1U);
  EXPECT_EQ(all<PeerReport>().size(), 1U);
  ASSERT_EQ(all<SendHello>().size(), 2U);  // paths_up changed: said at once
  EXPECT_EQ(all<SendHello>()[0].hello.paths_up, 2U);
}

TEST_F(SessionTest, VerdictTable) {
  meet();
  Hello wrong = hello(kP0, 50);
  wrong.etrunk = EtrunkId(9);
  EXPECT_EQ(give(wrong), HelloVerdict::wrong_etrunk);
  Hello own = hello(kP0, 50);
  own.session = kOwn;
  EXPECT_EQ(give(own), HelloVerdict::own_session);
  EXPECT_EQ(give(hello(kP0, 2)), HelloVerdict::replayed);
  EXPECT_EQ(give(hello(kP1, 2)), HelloVerdict::heard);  // each path counts by itself
  EXPECT_EQ(give(hello(kP1, 1)), HelloVerdict::replayed);
  Hello elsewhere = hello(kP1, 60);
  EXPECT_EQ(session_.on_hello(kP0, elsewhere, now_), HelloVerdict::unknown_path);
  EXPECT_EQ(session_.on_hello(PathId(5), hello(PathId(5), 60), now_), HelloVerdict::unknown_path);
  Hello deaf = hello(kP0, 61);
  deaf.echo = 12345;
  EXPECT_EQ(give(deaf), HelloVerdict::not_echoed);
  const auto paths = session_.paths();
  EXPECT_EQ(paths[0].verdicts[static_cast<std::size_t>(HelloVerdict::replayed)], 1U);
  EXPECT_EQ(paths[0].verdicts[static_cast<std::size_t>(HelloVerdict::heard)], 1U);
}

TEST_F(SessionTest, TheSendersTimersCount) {
  meet();
  effects_.clear();
  run(milliseconds(119));
  EXPECT_TRUE(session_.peer_heard());
  run(milliseconds(2));
  EXPECT_FALSE(session_.peer_heard());
  EXPECT_TRUE(session_.peer_dead());
  ASSERT_EQ(all<PathDown>().size(), 1U);
  EXPECT_EQ(all<PathDown>()[0].silent, milliseconds(120));
  EXPECT_EQ(all<PeerDown>().size(), 1U);
}

TEST_F(SessionTest, PeerIsDownWithItsLastPathOnly) {
  meet();
  EXPECT_EQ(give(hello(kP1, ++peer_counter_)), HelloVerdict::heard);
  for (int i = 0; i < 20; ++i) {
    run(milliseconds(20));
    give(hello(kP1, ++peer_counter_));
  }
  EXPECT_EQ(session_.paths_up(), 2U);
  EXPECT_EQ(all<PathDown>().size(), 1U);
  EXPECT_TRUE(all<PeerDown>().empty());
}

TEST_F(SessionTest, ContentsAreTakenFromTheNewestAndOnlyChangesAreTold) {
  meet();
  effects_.clear();
  give(hello(kP0, ++peer_counter_));
  EXPECT_TRUE(all<PeerReport>().empty());
  Hello ranked = hello(kP1, 100);
  ranked.rank = 7;
  give(ranked);
  EXPECT_EQ(all<PeerReport>().size(), 1U);
  Hello late = hello(kP0, 99);  // overtaken on the way
  late.rank = 8;
  EXPECT_EQ(give(late), HelloVerdict::heard);
  EXPECT_EQ(session_.peer()->rank, 7);
}

TEST_F(SessionTest, ARestartedPeerIsBelievedAfterItAnswersUs) {
  meet();
  effects_.clear();
  Hello reborn = hello(kP0, 1);
  reborn.session = 300;
  EXPECT_EQ(give(reborn), HelloVerdict::not_echoed);  // echoes a hello from before we saw it
  ASSERT_EQ(all<SendHello>().size(), 1U);
  EXPECT_EQ(all<SendHello>()[0].hello.echo, 300U);
  reborn.counter = 2;
  reborn.echo_counter = counter_.last();
  EXPECT_EQ(give(reborn), HelloVerdict::heard);
  ASSERT_EQ(all<PeerUp>().size(), 1U);
  EXPECT_TRUE(all<PeerUp>()[0].restarted);
}

// A recording of the peer's earlier life that echoes our present session.
TEST_F(SessionTest, RecordingsOfAnEarlierLifeAreUseless) {
  meet();
  std::vector<Hello> tape;
  for (int i = 0; i < 10; ++i) {
    run(milliseconds(20));
    tape.push_back(hello(kP0, ++peer_counter_));
    EXPECT_EQ(give(tape.back()), HelloVerdict::heard);
  }
  Hello reborn = hello(kP0, 1);
  reborn.session = 300;
  give(reborn);
  reborn.counter = 2;
  reborn.echo_counter = counter_.last();
  ASSERT_EQ(give(reborn), HelloVerdict::heard);
  run(seconds(1));
  ASSERT_FALSE(session_.peer_heard());
  for (int round = 0; round < 3; ++round) {
    for (const Hello& recorded : tape) {
      run(milliseconds(3));
      EXPECT_EQ(give(recorded), HelloVerdict::not_echoed);
    }
  }
  EXPECT_FALSE(session_.peer_heard());
}

TEST_F(SessionTest, AnswersAreRateLimited) {
  effects_.clear();
  Hello deaf = hello(kP0, 0);
  deaf.echo = 0;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    deaf.counter = i;
    give(deaf);
  }
  EXPECT_LE(all<SendHello>().size(), 5U);
  EXPECT_GE(all<SendHello>().size(), 3U);
  run(milliseconds(200));
  effects_.clear();
  deaf.counter = 2000;
  give(deaf);
  EXPECT_EQ(all<SendHello>().size(), 1U);
}

TEST_F(SessionTest, AChangedReportGoesOutAtOnceAndOnce) {
  meet();
  effects_.clear();
  Report report;
  report.control = ControlState::restarting;
  session_.set_report(report);
  take();
  EXPECT_EQ(all<SendHello>().size(), 2U);
  EXPECT_EQ(all<SendHello>()[1].hello.control, ControlState::restarting);
  session_.set_report(report);
  take();
  EXPECT_EQ(all<SendHello>().size(), 2U);
}

TEST_F(SessionTest, OwnPauseDrainsAndExtendsOnceByOneInterval) {
  meet();
  effects_.clear();
  now_ += milliseconds(500);
  tick();
  EXPECT_EQ(all<Drain>().size(), 1U);
  EXPECT_TRUE(session_.peer_heard());
  run(milliseconds(29));
  EXPECT_TRUE(session_.peer_heard());
  run(milliseconds(2));
  EXPECT_FALSE(session_.peer_heard());
  EXPECT_EQ(all<Drain>().size(), 1U);
}

TEST_F(SessionTest, ATimerLateByUpToAMillisecondIsInTime) {
  meet();
  effects_.clear();
  now_ += milliseconds(120) + std::chrono::microseconds(1000);
  tick();
  EXPECT_TRUE(all<Drain>().empty());
  EXPECT_FALSE(session_.peer_heard());
}

TEST_F(SessionTest, PeerGivesUpCountsSuccessfulSendsOnTheGivenPaths) {
  EXPECT_FALSE(session_.peer_gives_up(3).has_value());
  session_.on_sent(kP0, now_);
  now_ += milliseconds(10);
  session_.on_sent(kP1, now_);
  EXPECT_EQ(session_.peer_gives_up(1), now_ + milliseconds(90));
  EXPECT_EQ(session_.peer_gives_up(3), now_ + milliseconds(100));
  EXPECT_FALSE(session_.peer_gives_up(4).has_value());
  session_.on_send_failed(kP0);
  EXPECT_EQ(session_.paths()[0].send_failures, 1U);
  EXPECT_EQ(session_.paths()[0].sent, 1U);
}

TEST_F(SessionTest, AbsentAfterTheWholeTimeAndNotWhenHeard) {
  run(milliseconds(9'999));
  EXPECT_TRUE(all<PeerAbsent>().empty());
  EXPECT_FALSE(session_.peer_dead());
  run(milliseconds(2));
  EXPECT_EQ(all<PeerAbsent>().size(), 1U);
  EXPECT_TRUE(session_.peer_dead());
  meet();
  EXPECT_FALSE(session_.absent());
  EXPECT_FALSE(session_.peer_dead());
}

TEST_F(SessionTest, ReconfigurationKeepsPathsThatStayAndDropsOthers) {
  meet();
  give(hello(kP1, ++peer_counter_));
  effects_.clear();
  EtrunkConfig fewer = config(1);
  fewer.hello_ms = 50;
  session_.reconfigure(fewer, seconds(10), now_);
  take();
  EXPECT_EQ(session_.paths_up(), 1U);
  ASSERT_EQ(all<PathDown>().size(), 1U);
  EXPECT_EQ(all<PathDown>()[0].path, kP1);
  ASSERT_EQ(all<SendHello>().size(), 1U);
  EXPECT_EQ(all<SendHello>()[0].hello.interval_ms, 50U);
}

TEST_F(SessionTest, ContactIsNotedWithoutBelief) {
  EXPECT_FALSE(session_.contacted(now_));
  Hello deaf = hello(kP0, 1);
  deaf.echo = 0;
  give(deaf);
  EXPECT_TRUE(session_.contacted(now_));
  EXPECT_FALSE(session_.contacted(now_ + milliseconds(100)));
}

// ---- detectors ----

class DetectorTest : public SessionTest {
 protected:
  static constexpr Detectors kBoth{3, milliseconds(60)};

  Hello fast_hello(PathId path, std::uint32_t detect_us) {
    Hello peer = hello(path, ++peer_counter_);
    peer.interval_ms = 1000;
    peer.multiplier = 20;
    peer.paths_up = 3;
    peer.fast = true;
    peer.detect_us = detect_us;
    return peer;
  }
  /// Both paths up, the peer says that it is at the pace of its detectors.
  void meet_fast() {
    EtrunkConfig slow = config();
    slow.hello_ms = 1000;
    slow.multiplier = 20;
    session_.reconfigure(slow, seconds(10), now_);
    meet(kP0);
    session_.set_detectors(kBoth, true);
    for (const PathId path : {kP0, kP1}) EXPECT_EQ(give(fast_hello(path, 60'000)), kHeard);
  }
  Hello newest() const { return all<SendHello>().back().hello; }
  static constexpr HelloVerdict kHeard = HelloVerdict::heard;
};

TEST_F(DetectorTest, HellosCarryTheDetectionTimeAndKeepItsPace) {
  meet_fast();
  EXPECT_TRUE(newest().fast);
  EXPECT_EQ(newest().detect_us, 60'000U);
  const std::size_t before = all<SendHello>().size();
  run(milliseconds(100));
  EXPECT_EQ(all<SendHello>().size() - before, 20U);  // every 10 ms on two paths
}

TEST_F(DetectorTest, NothingIsPromisedBeforeThePeerIsReadyToo) {
  meet_fast();
  Hello peer = fast_hello(kP0, 0);
  peer.fast = false;
  give(peer);
  EXPECT_TRUE(newest().fast);
  EXPECT_EQ(newest().detect_us, 0U);
}

TEST_F(DetectorTest, NothingIsPromisedOnAStaleEcho) {
  meet_fast();
  session_.set_detectors({}, false);
  take();
  session_.set_detectors(kBoth, false);
  take();
  EXPECT_TRUE(newest().fast);
  EXPECT_EQ(newest().detect_us, 0U);
  session_.set_detectors(kBoth, true);
  take();
  EXPECT_EQ(newest().detect_us, 60'000U);
  session_.set_detectors(kBoth, false);
  run(milliseconds(20));
  EXPECT_EQ(newest().detect_us, 60'000U);
}

TEST_F(DetectorTest, APathThatAnySideHearsNeedsADetector) {
  meet_fast();
  session_.set_detectors({1, milliseconds(60)}, true);
  take();
  EXPECT_FALSE(newest().fast);
  EXPECT_EQ(newest().detect_us, 0U);
  run(milliseconds(200));
  session_.on_path_silent(kP1, now_);  // no longer heard here, but the peer hears on it
  take();
  EXPECT_FALSE(newest().fast);
  Hello peer = fast_hello(kP0, 60'000);
  peer.paths_up = 1;
  give(peer);
  EXPECT_TRUE(newest().fast);
}

TEST_F(DetectorTest, SilenceCountsFromTheNewestHelloOfThePath) {
  meet_fast();
  const TimePoint heard = now_;
  run(milliseconds(20));
  session_.on_path_silent(kP0, now_);
  session_.on_path_silent(kP1, now_);
  take();
  run(milliseconds(39));
  EXPECT_TRUE(session_.peer_heard());
  run(milliseconds(1));
  EXPECT_TRUE(session_.peer_dead());
  EXPECT_EQ(now_, heard + milliseconds(60));
  ASSERT_EQ(all<PathDown>().size(), 2U);
  EXPECT_TRUE(all<PathDown>().back().detected);
  EXPECT_EQ(all<PeerDown>().size(), 1U);
}

TEST_F(DetectorTest, AHelloContradictsTheDetector) {
  meet_fast();
  session_.on_path_silent(kP0, now_);
  give(fast_hello(kP0, 60'000));
  run(milliseconds(500));
  EXPECT_TRUE(all<PathDown>().empty());
}

// Paths may go down at once, but what was promised to the peer is kept.
TEST_F(DetectorTest, ThePeerIsNotDeadBeforeThePatienceOfItsNewestHelloIsOver) {
  meet_fast();
  for (const PathId path : {kP0, kP1}) give(fast_hello(path, 0));
  const TimePoint heard = now_;
  session_.on_path_silent(kP0, now_);
  session_.on_path_silent(kP1, now_);
  take();
  EXPECT_EQ(all<PathDown>().size(), 2U);
  EXPECT_FALSE(session_.peer_dead());
  run(seconds(19));
  EXPECT_TRUE(all<PeerDown>().empty());
  run(seconds(1));
  EXPECT_EQ(all<PeerDown>().size(), 1U);
  EXPECT_EQ(now_, heard + seconds(20));
}

TEST_F(DetectorTest, ThePaceLingersSoThatSlowerHellosAreEchoedSoon) {
  meet_fast();
  for (const PathId path : {kP0, kP1}) give(fast_hello(path, 0));
  session_.set_detectors({}, true);
  take();
  EXPECT_FALSE(newest().fast);
  std::size_t before = all<SendHello>().size();
  run(seconds(1));
  EXPECT_EQ(all<SendHello>().size() - before, 200U);
  run(seconds(3));
  before = all<SendHello>().size();
  run(seconds(3));
  EXPECT_EQ(all<SendHello>().size() - before, 6U);
}

TEST_F(DetectorTest, AnOwnPauseIsNotBlamedOnThePeer) {
  meet_fast();
  session_.on_path_silent(kP0, now_);
  session_.on_path_silent(kP1, now_);
  now_ += milliseconds(70);  // due 10 ms ago
  tick();
  EXPECT_EQ(all<Drain>().size(), 1U);
  EXPECT_TRUE(session_.peer_heard());
  run(milliseconds(10));
  EXPECT_FALSE(session_.peer_heard());
}

TEST_F(DetectorTest, APeerThatDisownsUsLives) {
  meet_fast();
  session_.on_disowned(now_);
  session_.on_path_silent(kP0, now_);
  session_.on_path_silent(kP1, now_);
  run(seconds(19));
  EXPECT_FALSE(session_.peer_heard());
  EXPECT_FALSE(session_.peer_dead());
  EXPECT_EQ(session_.counted_dead_at(), TimePoint(seconds(100)));
  run(seconds(1));
  EXPECT_TRUE(session_.peer_dead());
}

}  // namespace
}  // namespace hotpair::ha::etrunk
