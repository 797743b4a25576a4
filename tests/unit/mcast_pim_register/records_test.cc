#include "tests/unit/mcast_pim_register/rig.h"

// Restart and takeover with the same identity, limits, displays.
namespace hotpair::mcast::pim {
namespace {

constexpr auto kJoin = RegisterState::join;
constexpr auto kJoinPending = RegisterState::join_pending;
constexpr auto kPrune = RegisterState::prune;

RegisterRecord record(RegisterState state, std::string_view rp = "5.5.5.5") {
  return {key(), {state, ip(rp)}};
}

TEST(RegisterRecords, AStateOfBeforeWaitsForItsSource) {
  for (const RegisterState state : {kJoin, kJoinPending, kPrune}) {
    Rig rig;
    rig.tunnels.on_record(record(state), rig.now);
    rig.advance(1h);
    EXPECT_THAT(rig.said(), IsEmpty()) << "a standby says nothing";
    EXPECT_EQ(rig.tunnels.state(key()), state);
    EXPECT_TRUE(rig.tunnels.show({}, rig.now).rows.front().remembered);
    EXPECT_THAT(rig.tunnels.snapshot({}, 10).records, ElementsAre(record(state)));
  }
}

TEST(RegisterRecords, AConfirmedStateGoesOn) {
  Rig joined;
  joined.tunnels.on_record(record(kJoin), joined.now);
  joined.could(key(), "5.5.5.5");
  EXPECT_THAT(joined.said(), ElementsAre("tunnel on"));
  Rig pending;
  pending.tunnels.on_record(record(kJoinPending), pending.now);
  pending.could(key(), "5.5.5.5");
  EXPECT_THAT(pending.said(), ElementsAre("null 0.0.0.0>5.5.5.5 (10.0.0.2, 225.1.1.1)"))
      << "the answer may have gone to the one before";
  EXPECT_EQ(pending.timer(key()), Duration(5s));
}

// The RP forgets after 185 s; the one before may have waited for 85 s already.
TEST(RegisterRecords, APrunedTunnelIsProbedSoonAndNotAllAtOnce) {
  Duration least{1h};
  Duration most{};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rig rig({}, seed);
    rig.tunnels.on_record(record(kPrune), rig.now);
    rig.could(key(), "5.5.5.5");
    EXPECT_THAT(rig.said(), IsEmpty());
    least = std::min(least, *rig.timer(key()));
    most = std::max(most, *rig.timer(key()));
  }
  EXPECT_LT(least, 2s);
  EXPECT_GT(most, 23s);
  EXPECT_LE(most, 25s);
}

TEST(RegisterRecords, AnotherRpThanBeforeJoinsAnew) {
  Rig rig;
  rig.tunnels.on_record(record(kPrune), rig.now);
  rig.could(key(), "6.6.6.6");
  EXPECT_THAT(rig.said(), ElementsAre("tunnel on", "record join 6.6.6.6"));
}

TEST(RegisterRecords, DataGoesOnBeforeItsSourceIsConfirmed) {
  Rig rig;
  rig.tunnels.on_record(record(kJoin), rig.now);
  Bytes packet;
  ByteWriter out(packet);
  out.u32(0x45000014);
  out.u32(0);
  out.u32(0x40110000);
  out.bytes(key().source.bytes());
  out.bytes(key().group.address().bytes());
  rig.tunnels.on_data(kVrf, key().source, key().group, packet, rig.now);
  EXPECT_THAT(rig.said(), ElementsAre("register 0.0.0.0>5.5.5.5 20 bytes"));
  rig.stop(key());
  EXPECT_THAT(rig.said(), ElementsAre("record prune 5.5.5.5")) << "it was on nowhere";
  rig.could(key(), "5.5.5.5");
  EXPECT_THAT(rig.said(), IsEmpty());
  EXPECT_LE(rig.timer(key()), Duration(25s));
}

TEST(RegisterRecords, WhatIsNotConfirmedIsForgotten) {
  Rig rig;
  const auto numbered = [](std::uint32_t n) {
    return RegisterKey{kVrf, group("225.1.1.1"), IpAddress::v4(0x0a000000U + n)};
  };
  for (std::uint32_t n = 1; n <= 2500; ++n) {
    rig.records[numbered(n)] = {kPrune, ip("5.5.5.5")};
    rig.tunnels.on_record({numbered(n), rig.records[numbered(n)]}, rig.now);
  }
  for (std::uint32_t n = 1; n <= 100; ++n) rig.could(numbered(n), "5.5.5.5");
  rig.tunnels.end_restore(rig.now);
  EXPECT_EQ(rig.tunnels.next_deadline(), rig.now);
  rig.tunnels.on_timeout(rig.now);
  EXPECT_EQ(rig.tunnels.entry_count(), 1600U) << "a slice";
  rig.work();
  static_cast<void>(rig.said());
  EXPECT_EQ(rig.tunnels.entry_count(), 100U);
  EXPECT_THAT(rig.records, SizeIs(100));
}

TEST(RegisterRecords, WhatIsKnownFromHereWins) {
  Rig rig;
  rig.could(key(), "5.5.5.5");
  rig.tunnels.on_record(record(kPrune), rig.now);
  rig.tunnels.on_record_removed(key(), rig.now);
  EXPECT_EQ(rig.tunnels.state(key()), kJoin);
  Rig standby;
  standby.tunnels.on_record(record(kPrune), standby.now);
  standby.tunnels.on_record(record(kJoinPending), standby.now);
  EXPECT_EQ(standby.tunnels.state(key()), kJoinPending);
  standby.tunnels.on_record_removed(key(), standby.now);
  EXPECT_EQ(standby.tunnels.entry_count(), 0U);
  EXPECT_THAT(standby.said(), IsEmpty()) << "records of the other one are not told back";
}

TEST(RegisterRecords, BadOnesAreCounted) {
  Rig rig;
  rig.tunnels.on_record(record(static_cast<RegisterState>(0)), rig.now);
  rig.tunnels.on_record(record(static_cast<RegisterState>(4)), rig.now);
  rig.tunnels.on_record(record(kJoin, "2001:db8::5"), rig.now);
  rig.tunnels.on_record(record(kJoin, "225.0.0.1"), rig.now);
  rig.tunnels.on_record({key("10.0.0.2", "232.1.1.1"), {kJoin, ip("5.5.5.5")}}, rig.now);
  rig.tunnels.on_record({key("0.0.0.0"), {kJoin, ip("5.5.5.5")}}, rig.now);
  EXPECT_EQ(rig.ignored(RegisterIgnored::bad_record), 6U);
  EXPECT_EQ(rig.tunnels.entry_count(), 0U);
}

TEST(RegisterRecords, TheLimitIsToldAndHolds) {
  Rig rig({.entries_max = 2});
  rig.could(key("10.0.0.2"), "5.5.5.5");
  rig.could(key("10.0.0.3"), "5.5.5.5");
  static_cast<void>(rig.said());
  rig.could(key("10.0.0.4"), "5.5.5.5");
  EXPECT_THAT(rig.said(), ElementsAre("limit of VRF 0"));
  rig.tunnels.on_record({key("10.0.0.5"), {kJoin, ip("5.5.5.5")}}, rig.now);
  EXPECT_EQ(rig.ignored(RegisterIgnored::entries_max), 2U);
  EXPECT_EQ(rig.tunnels.entry_count(), 2U);
  rig.could(key("10.0.0.2"), std::nullopt);
  rig.could(key("10.0.0.4"), "5.5.5.5");
  EXPECT_EQ(rig.tunnels.state(key("10.0.0.4")), kJoin);
}

TEST(RegisterRecords, SnapshotsAndDisplaysCanBeCut) {
  Rig rig;
  const RegisterKey other{VrfId{2}, group("225.1.1.9"), ip("10.0.0.2")};
  for (const auto& each : {key("10.0.0.4"), key("10.0.0.3"), key("10.0.0.2"), other})
    rig.could(each, "5.5.5.5");
  const RegisterSlice first = rig.tunnels.snapshot({}, 3);
  EXPECT_THAT(first.records, SizeIs(3));
  EXPECT_EQ(first.next, key("10.0.0.4"));
  const RegisterSlice second = rig.tunnels.snapshot(first.next, 3);
  EXPECT_THAT(second.records, ElementsAre(RegisterRecord{other, {kJoin, ip("5.5.5.5")}}));
  EXPECT_FALSE(second.next);
  const auto cut = rig.tunnels.show({.vrf = kVrf, .group = {}, .rows_max = 2}, rig.now);
  EXPECT_THAT(cut.rows, SizeIs(2));
  EXPECT_EQ(cut.rows_total, 3U);
  EXPECT_EQ(cut.rows.front().key, key("10.0.0.2"));
  EXPECT_EQ(rig.tunnels.show({.group = group("225.1.1.9")}, rig.now).rows.front().key, other);
}

}  // namespace
}  // namespace hotpair::mcast::pim
