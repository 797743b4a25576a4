#include "tests/unit/mcast_pim_register/rig.h"

// The state table of RFC 7761 4.4.1, row by row.
namespace hotpair::mcast::pim {
namespace {

enum class From : std::uint8_t { no_info, join, join_pending, prune };
enum class Event : std::uint8_t { timer, could, could_not, stop, other_rp };
enum class Timer : std::uint8_t { none, suppression, probe };

struct Row {
  From from;
  Event event;
  std::optional<RegisterState> to;
  std::vector<std::string> said;
  Timer timer = Timer::none;
};

constexpr auto kJoin = RegisterState::join;
constexpr auto kJoinPending = RegisterState::join_pending;
constexpr auto kPrune = RegisterState::prune;
const std::string kProbe = "null 0.0.0.0>5.5.5.5 (10.0.0.2, 225.1.1.1)";

const std::vector<Row> kTable{
    {From::no_info, Event::timer, std::nullopt, {}},
    {From::no_info, Event::could, kJoin, {"tunnel on", "record join 5.5.5.5"}},
    {From::no_info, Event::could_not, std::nullopt, {}},
    {From::no_info, Event::stop, std::nullopt, {}},
    {From::join, Event::timer, kJoin, {}},
    {From::join, Event::could, kJoin, {}},
    {From::join, Event::could_not, std::nullopt, {"tunnel off", "removed"}},
    {From::join, Event::stop, kPrune, {"tunnel off", "record prune 5.5.5.5"}, Timer::suppression},
    {From::join, Event::other_rp, kJoin, {"record join 6.6.6.6"}},
    {From::join_pending, Event::timer, kJoin, {"tunnel on", "record join 5.5.5.5"}},
    {From::join_pending, Event::could, kJoinPending, {}, Timer::probe},
    {From::join_pending, Event::could_not, std::nullopt, {"removed"}},
    {From::join_pending, Event::stop, kPrune, {"record prune 5.5.5.5"}, Timer::suppression},
    {From::join_pending, Event::other_rp, kJoin, {"tunnel on", "record join 6.6.6.6"}},
    {From::prune,
     Event::timer,
     kJoinPending,
     {"record join-pending 5.5.5.5", kProbe},
     Timer::probe},
    {From::prune, Event::could, kPrune, {}, Timer::suppression},
    {From::prune, Event::could_not, std::nullopt, {"removed"}},
    {From::prune, Event::stop, kPrune, {}, Timer::suppression},
    {From::prune, Event::other_rp, kJoin, {"tunnel on", "record join 6.6.6.6"}},
};

void bring_to(Rig& rig, From from) {
  if (from == From::no_info) return;
  rig.could(key(), "5.5.5.5");
  if (from == From::join) return;
  rig.stop(key());
  if (from == From::join_pending) EXPECT_TRUE(rig.to_deadline());
}

void happen(Rig& rig, Event event) {
  switch (event) {
    case Event::timer:
      if (!rig.to_deadline()) rig.advance(1h);
      break;
    case Event::could:
      rig.could(key(), "5.5.5.5");
      break;
    case Event::could_not:
      rig.could(key(), std::nullopt);
      break;
    case Event::stop:
      rig.stop(key());
      break;
    case Event::other_rp:
      rig.could(key(), "6.6.6.6");
      break;
  }
}

void expect_timer(const Rig& rig, Timer timer) {
  const auto left = rig.timer(key());
  EXPECT_EQ(left.has_value(), timer != Timer::none);
  EXPECT_EQ(rig.tunnels.next_deadline().has_value(), timer != Timer::none);
  if (timer == Timer::probe) EXPECT_EQ(left, Duration(5s));
  if (timer != Timer::suppression) return;
  EXPECT_GE(left, Duration(25s));
  EXPECT_LE(left, Duration(85s));
}

TEST(RegisterTable, EveryRow) {
  for (std::size_t row = 0; row < kTable.size(); ++row) {
    SCOPED_TRACE(row);
    const Row& expected = kTable[row];
    Rig rig;
    bring_to(rig, expected.from);
    static_cast<void>(rig.said());
    happen(rig, expected.event);
    EXPECT_EQ(rig.said(), expected.said);
    EXPECT_EQ(rig.tunnels.state(key()), expected.to);
    expect_timer(rig, expected.timer);
    EXPECT_EQ(rig.on.contains(key()), expected.to == kJoin) << "the tunnel is that of Join alone";
  }
}

TEST(RegisterTable, AProbeWithoutAnswerJoinsAgainAndOneWithStaysPruned) {
  Rig rig;
  rig.could(key(), "5.5.5.5");
  rig.stop(key());
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(rig.to_deadline());
    EXPECT_EQ(rig.tunnels.state(key()), kJoinPending);
    rig.advance(4999ms);
    EXPECT_EQ(rig.tunnels.state(key()), kJoinPending);
    rig.stop(key());
    EXPECT_EQ(rig.tunnels.state(key()), kPrune);
  }
  static_cast<void>(rig.said());
  EXPECT_THAT(rig.on, IsEmpty());
  ASSERT_TRUE(rig.to_deadline());
  rig.advance(5s);
  EXPECT_EQ(rig.tunnels.state(key()), kJoin);
  EXPECT_EQ(rig.tunnels.counters().null_registers_sent, 4U);
}

TEST(RegisterTable, AProbeGoesOutFromTheConfiguredAddress) {
  Rig rig;
  rig.tunnels.set_source_address(kVrf, ip("1.1.1.1"));
  rig.tunnels.set_source_address(VrfId{3}, ip("3.3.3.3"));
  rig.could(key(), "5.5.5.5");
  rig.stop(key());
  rig.to_deadline();
  EXPECT_EQ(rig.said().back(), "null 1.1.1.1>5.5.5.5 (10.0.0.2, 225.1.1.1)");
  rig.tunnels.set_source_address(kVrf, ip("0.0.0.0"));
  rig.stop(key());
  rig.to_deadline();
  EXPECT_EQ(rig.said().back(), kProbe);
}

// RFC 7761 4.8.1, and what no router forwards.
TEST(RegisterTable, WhatHasNoRpIsNotRegistered) {
  Rig rig;
  rig.could(key("10.0.0.2", "232.1.1.1"), "5.5.5.5");
  rig.could(key("10.0.0.2", "224.0.0.9"), "5.5.5.5");
  rig.could(key("10.0.0.2", "ff1e::1"), "5.5.5.5");
  rig.could(key(), "2001:db8::5");
  rig.could(key(), "0.0.0.0");
  EXPECT_THAT(rig.said(), IsEmpty());
  EXPECT_EQ(rig.tunnels.entry_count(), 0U);
  EXPECT_EQ(rig.ignored(RegisterIgnored::not_registrable), 5U);
}

}  // namespace
}  // namespace hotpair::mcast::pim
