#include <gtest/gtest.h>

#include "admission_stand.h"

namespace hotpair::mcast::mrib {
namespace {

constexpr LinkId kLink{2};
const StateKey kA = state("239.1.0.1", "10.0.0.1");
const StateKey kB = state("239.1.0.2", "10.0.0.1");
const StateKey kC = state("239.1.0.3", "10.0.0.1");
const StateKey kD = state("239.1.0.4", "10.0.0.1");

/// Link 2 has room for `max`.
Gatekeeper keeper_of(std::uint32_t max) {
  Gatekeeper keeper;
  keeper.admission.set_limits(kLink, Family::ipv4, {limit_of(LimitKind::out, "239.1.0.0/16", max)});
  keeper.admission.end_change();
  return keeper;
}

TEST(Admission, WithoutALimitEverythingPasses) {
  Gatekeeper keeper;
  EXPECT_TRUE(keeper.admission.is_idle());
  keeper.out(kA);
  EXPECT_TRUE(keeper.admits(kA));
  EXPECT_TRUE(keeper.journal.empty());
}

TEST(Admission, TheOldestDeniedFollowsOneThatLeaves) {
  Gatekeeper keeper = keeper_of(2);
  for (const StateKey& key : {kA, kB, kC, kD}) keeper.out(key);
  EXPECT_TRUE(keeper.admits(kA) && keeper.admits(kB));
  EXPECT_FALSE(keeper.admits(kC) || keeper.admits(kD));
  EXPECT_TRUE(keeper.admission.denies(kC));
  EXPECT_EQ(keeper.denials.size(), 2U);
  EXPECT_EQ(keeper.journal.size(), 2U);
  keeper.out(kC);
  EXPECT_EQ(keeper.denials.size(), 2U) << "told once";
  keeper.leave(kA);
  EXPECT_TRUE(keeper.admits(kC));
  EXPECT_FALSE(keeper.admits(kD));
  keeper.out(kA);
  EXPECT_FALSE(keeper.admits(kA)) << "it is the youngest now";
  keeper.leave(kB);
  EXPECT_TRUE(keeper.admits(kD));
  EXPECT_EQ(keeper.row().in_use, 2U);
  EXPECT_EQ(keeper.row().denied, 1U);
  EXPECT_EQ(keeper.row().denied_total, 3U);
}

TEST(Admission, WhatWasFreedInATurnGoesToTheOldestNotToWhoCameNext) {
  Gatekeeper keeper = keeper_of(1);
  keeper.out(kA);
  keeper.out(kB);
  keeper.admission.update(kA, {});
  keeper.admission.update(kC, std::vector<Ask>{{kLink, Direction::out, false, false}});
  keeper.settle();
  EXPECT_TRUE(keeper.admits(kB));
  EXPECT_FALSE(keeper.admits(kC));
}

TEST(Admission, AnotherRangeIsNotLimited) {
  Gatekeeper keeper = keeper_of(0);
  const StateKey other = state("232.1.1.1", "10.0.0.1");
  keeper.out(other);
  keeper.out(kA);
  EXPECT_TRUE(keeper.admits(other));
  EXPECT_FALSE(keeper.admits(kA));
  EXPECT_FALSE(keeper.admits(kB)) << "nor one that did not ask";
  EXPECT_TRUE(keeper.admission.admits(kA, LinkId{3}, Direction::out, false));
}

TEST(Admission, CostsFillTheLimitAndTheOldestThatFitsIsAdmitted) {
  Gatekeeper keeper = keeper_of(5);
  keeper.admission.set_costs(Family::ipv4, {{{prefix("239.1.0.1/32"), std::nullopt}, 4},
                                            {{prefix("239.1.0.2/32"), std::nullopt}, 3}});
  keeper.admission.end_change();
  keeper.out(kA);
  keeper.out(kB);
  keeper.out(kC);
  EXPECT_EQ(keeper.row().in_use, 5U);
  EXPECT_FALSE(keeper.admits(kB)) << "3 do not fit beside 4";
  EXPECT_TRUE(keeper.admits(kC)) << "1 does";
  keeper.out(kD);
  keeper.leave(kC);
  EXPECT_FALSE(keeper.admits(kB)) << "still not";
  EXPECT_TRUE(keeper.admits(kD));
  keeper.leave(kA);
  EXPECT_TRUE(keeper.admits(kB));
  EXPECT_EQ(keeper.row().in_use, 4U);
}

TEST(Admission, TheFirstRuleThatMatchesDecidesPerDirection) {
  Gatekeeper keeper;
  keeper.admission.set_limits(kLink, Family::ipv4,
                              {limit_of(LimitKind::out, "239.1.0.1/32", 1),
                               limit_of(LimitKind::connected, "239.1.0.0/16", 0),
                               limit_of(LimitKind::both, "239.1.0.0/16", 1)});
  keeper.admission.end_change();
  keeper.out(kA);
  keeper.out(kB);
  keeper.out(kC);
  EXPECT_EQ(keeper.row(0).in_use, 1U);
  EXPECT_EQ(keeper.row(2).in_use, 1U);
  EXPECT_FALSE(keeper.admits(kC));
  keeper.leave(kB);
  keeper.leave(kC);
  keeper.ask(kD, {{kLink, Direction::in, true, false}});
  EXPECT_FALSE(keeper.admission.admits(kD, kLink, Direction::in, true)) << "connected: none";
  keeper.ask(kD, {{kLink, Direction::in, false, false}});
  EXPECT_TRUE(keeper.admission.admits(kD, kLink, Direction::in, false));
  EXPECT_EQ(keeper.row(2).in_use, 1U);
}

TEST(Admission, WhoIsDeniedTheWayInTakesNoPlaceOut) {
  Gatekeeper keeper = keeper_of(1);
  keeper.admission.set_limits(LinkId{1}, Family::ipv4,
                              {limit_of(LimitKind::rpf, "239.1.0.0/16", 1)});
  keeper.admission.end_change();
  const std::vector<Ask> both{{LinkId{1}, Direction::in, false, false},
                              {kLink, Direction::out, false, false}};
  keeper.ask(kA, {both[0]});
  keeper.ask(kB, both);
  EXPECT_EQ(keeper.row(1).in_use, 0U) << "kB does not come in";
  keeper.out(kC);
  EXPECT_TRUE(keeper.admits(kC));
  keeper.leave(kA);
  keeper.ask(kB, both);
  EXPECT_FALSE(keeper.admits(kB)) << "it comes in, and is too late to go out";
  EXPECT_TRUE(keeper.admission.admits(kB, LinkId{1}, Direction::in, false));
}

TEST(Admission, ALowerLimitEvictsNothing) {
  Gatekeeper keeper = keeper_of(3);
  for (const StateKey& key : {kA, kB, kC, kD}) keeper.out(key);
  keeper.admission.set_limits(kLink, Family::ipv4, {limit_of(LimitKind::out, "239.1.0.0/16", 1)});
  keeper.settle();
  EXPECT_EQ(keeper.row().in_use, 3U);
  keeper.leave(kA);
  keeper.leave(kB);
  EXPECT_FALSE(keeper.admits(kD)) << "not before it is below";
  keeper.leave(kC);
  EXPECT_TRUE(keeper.admits(kD));
  keeper.out(kA);
  keeper.admission.set_limits(kLink, Family::ipv4, {limit_of(LimitKind::out, "239.1.0.0/16", 2)});
  keeper.settle();
  EXPECT_TRUE(keeper.admits(kA)) << "a higher one admits";
}

TEST(Admission, ANewLimitEvictsNothingThatIsForwarded) {
  Gatekeeper keeper;
  keeper.admission.set_limits(kLink, Family::ipv4, {limit_of(LimitKind::out, "239.1.0.0/16", 1)});
  keeper.out(kA, true);
  keeper.out(kB, false);
  keeper.out(kC, true);
  keeper.admission.end_change();
  keeper.settle();
  EXPECT_TRUE(keeper.admits(kA) && keeper.admits(kC));
  EXPECT_FALSE(keeper.admits(kB));
  EXPECT_EQ(keeper.row().in_use, 2U);
}

TEST(Admission, ARuleThatGoesFreesWhatItDeniedAndForgetsItsRecords) {
  Gatekeeper keeper = keeper_of(1);
  keeper.out(kA);
  keeper.out(kB);
  keeper.admission.set_limits(kLink, Family::ipv4, {});
  keeper.out(kA);
  keeper.out(kB);
  keeper.admission.end_change();
  EXPECT_TRUE(keeper.admits(kA) && keeper.admits(kB));
  EXPECT_TRUE(keeper.journal.empty());
  EXPECT_TRUE(keeper.admission.is_idle());
}

TEST(Admission, TheThresholdIsToldWhenItIsReached) {
  Gatekeeper keeper;
  Limit limit = limit_of(LimitKind::out, "239.1.0.0/16", 4);
  limit.threshold_percent = 50;
  keeper.admission.set_limits(kLink, Family::ipv4, {limit});
  keeper.admission.end_change();
  keeper.out(kA);
  EXPECT_TRUE(keeper.thresholds.empty());
  keeper.out(kB);
  keeper.out(kC);
  ASSERT_EQ(keeper.thresholds.size(), 1U);
  EXPECT_EQ(keeper.thresholds[0].in_use, 2U);
  keeper.leave(kA);
  keeper.leave(kB);
  keeper.out(kA);
  EXPECT_EQ(keeper.thresholds.size(), 2U);
}

TEST(Admission, AStandbyAdmitsWhatTheRecordsSayAndGoesOnWithIt) {
  Gatekeeper master = keeper_of(2);
  for (const StateKey& key : {kD, kC, kB, kA}) master.out(key);
  Gatekeeper standby = keeper_of(2);
  standby.admission.set_following(kLink, true);
  for (const StateKey& key : {kA, kB, kC}) standby.out(key);
  EXPECT_FALSE(standby.admits(kA)) << "no record";
  for (const auto& [key, record] : master.journal) EXPECT_TRUE(standby.admission.on_record(record));
  standby.settle();
  standby.out(kD);
  EXPECT_TRUE(standby.admits(kC) && standby.admits(kD));
  EXPECT_FALSE(standby.admits(kA) || standby.admits(kB));
  EXPECT_TRUE(standby.journal.empty() && standby.denials.empty()) << "the master tells";
  standby.admission.set_following(kLink, false);
  standby.settle();
  EXPECT_TRUE(standby.admits(kC) && standby.admits(kD));
  EXPECT_FALSE(standby.admits(kA) || standby.admits(kB));
  EXPECT_EQ(standby.denials.size(), 2U);
  const auto slice = standby.admission.snapshot(std::nullopt, 100);
  ASSERT_EQ(slice.records.size(), 2U);
  for (const Reservation& record : slice.records) EXPECT_EQ(record, master.journal.at(record.key));
  EXPECT_FALSE(standby.admission.on_record(master.journal.begin()->second)) << "its own now";
}

TEST(Admission, WhatARecordReservesIsKeptUntilItIsReleased) {
  Gatekeeper master = keeper_of(2);
  master.out(kA);
  master.out(kB);
  Gatekeeper restarted = keeper_of(2);
  restarted.admission.set_restoring(true);
  restarted.out(kC);
  for (const auto& [key, record] : master.journal)
    ASSERT_TRUE(restarted.admission.on_record(record));
  restarted.admission.set_restoring(false);
  restarted.settle();
  restarted.out(kA);
  EXPECT_TRUE(restarted.admits(kA));
  EXPECT_FALSE(restarted.admits(kC)) << "the place is kB's";
  restarted.journal = master.journal;
  std::size_t budget = 10;
  restarted.admission.release_unclaimed(budget);
  restarted.settle();
  EXPECT_TRUE(restarted.admits(kC));
  EXPECT_EQ(restarted.journal.size(), 2U);
  EXPECT_FALSE(restarted.journal.contains({kB, kLink, Direction::out}));
}

TEST(Admission, ARemovedRecordEndsTheForwardingOfAStandby) {
  Gatekeeper standby = keeper_of(1);
  standby.admission.set_following(kLink, true);
  standby.out(kA);
  const ReservationKey key{kA, kLink, Direction::out};
  ASSERT_TRUE(standby.admission.on_record({key, 1, 7}));
  EXPECT_EQ(standby.admission.poll_changed(), kA);
  standby.leave(kA);
  EXPECT_EQ(standby.row().in_use, 1U) << "the record stays";
  standby.out(kA);
  EXPECT_TRUE(standby.admits(kA));
  standby.admission.on_record_removed(key);
  EXPECT_FALSE(standby.admits(kA));
  EXPECT_EQ(standby.row().in_use, 0U);
  ASSERT_TRUE(standby.admission.on_record({key, 1, 8}));
  standby.admission.drop_records(kLink);
  EXPECT_FALSE(standby.admits(kA));
  standby.admission.forget(kLink);
  EXPECT_EQ(standby.admission.size(), 0U);
}

TEST(Admission, AnAdmittedSharedTreeCoversItsSources) {
  Gatekeeper keeper = keeper_of(1);
  const StateKey star = state("239.1.0.1");
  EXPECT_FALSE(keeper.admission.covers(kA, kLink));
  keeper.out(star);
  EXPECT_TRUE(keeper.admission.covers(kA, kLink));
  EXPECT_FALSE(keeper.admission.covers(kB, kLink)) << "another group";
  keeper.leave(star);
  EXPECT_FALSE(keeper.admission.covers(kA, kLink));
}

TEST(Admission, ARangeOfSourcesLeavesSharedTreesOut) {
  const ChannelRange range{prefix("239.1.0.0/16"), prefix("10.0.0.0/24")};
  EXPECT_TRUE(range.matches(kA));
  EXPECT_FALSE(range.matches(state("239.1.0.1")));
  EXPECT_FALSE(range.matches(state("239.1.0.1", "10.0.1.1")));
  EXPECT_FALSE(range.matches(state("239.2.0.1", "10.0.0.1")));
}

}  // namespace
}  // namespace hotpair::mcast::mrib
