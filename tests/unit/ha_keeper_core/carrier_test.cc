// A handover between two LACP system ids: the old side drops its carrier, the new side speaks then,
// and the carrier comes back whatever happens.
#include <gtest/gtest.h>

#include "tests/unit/ha_keeper_core/trunk_pair.h"

namespace hotpair::ha::keeper::test {
namespace {

using platform::gate::make_trunk_word;

/// The access device's own Aggregate_Wait_Time; this side does not wait once more.
constexpr Duration kPartnerWaits = lacp::kAggregateWaitTime + milliseconds(10);

/// The access device keeps the system that it has as long as that has carrier and speaks.
class TwoSystems : public TrunkPair {
 public:
  TwoSystems() {
    system_ids = {MacAddress{{0, 0, 0, 0, 0, 1}}, MacAddress{{0, 0, 0, 0, 0, 2}}};
    up();
    run_for(seconds(40));  // the silent backup has not heard the partner for long
  }
  void offer() {
    tell(a, HandoverOffer{kScope, next});
    run_for(milliseconds(2));
  }
  void open_new() {
    if (const auto offered = a.last<HandoverOffered>(); offered && b.keeper)
      tell(b, HandoverOpen{kScope, next, offered->hello_counter});
  }
  void commit() {
    if (!a.keeper || !b.last<HandoverOpened>()) return;
    tell(a, HandoverCommit{kScope, next});
    if (state(a).role == Role::backup) set_scope(a, Role::backup, next, GatePosture::closed);
  }
  void hand_over() {
    offer();
    open_new();
    commit();
  }
  [[nodiscard]] std::uint64_t spoken(Router& router) { return port(router).counters.lacpdus_sent; }
  [[nodiscard]] bool linked(std::size_t i) const { return access->show(now).ports.at(i).enabled; }
  Term next = term(2, b);
};

TEST(Carrier, TheOldSideDropsItAndGetsItBack) {
  TwoSystems pair;
  pair.marks = false;
  pair.offer();
  pair.open_new();
  EXPECT_TRUE(pair.b.last<HandoverOpened>().has_value());  // nothing to wait for
  pair.run_for(milliseconds(20));
  EXPECT_EQ(pair.spoken(pair.b), 0U);
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));

  const std::size_t mark = pair.a.journal.size();
  pair.commit();
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_TRUE(pair.held[0]);
  // The hello that hands over leaves before the link goes.
  const auto first = [&](auto matches) {
    return std::find_if(pair.a.journal.begin() + static_cast<std::ptrdiff_t>(mark),
                        pair.a.journal.end(), matches);
  };
  EXPECT_LT(first([](const Effect& effect) { return std::holds_alternative<SendHello>(effect); }),
            first([](const Effect& effect) { return std::holds_alternative<HoldLink>(effect); }));
  ASSERT_TRUE(pair.a.last<CarrierChanged>().has_value());
  EXPECT_EQ(pair.a.last<CarrierChanged>()->devices, std::vector<std::string>{"ge1"});

  pair.run_for(std::chrono::microseconds(900));
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  EXPECT_EQ(pair.spoken(pair.b), 0U);  // the old link is still up
  pair.run_for(milliseconds(48));
  EXPECT_EQ(pair.spoken(pair.b), 0U);  // the partner may not know yet
  pair.run_for(milliseconds(6));
  EXPECT_GT(pair.spoken(pair.b), 0U);
  EXPECT_TRUE(pair.state(pair.b).access_up);  // though the partner was not heard for long
  pair.run_for(kPartnerWaits);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  EXPECT_EQ(pair.access->distributing(), 2U);
  EXPECT_TRUE(pair.state(pair.b).access_up);
  EXPECT_FALSE(pair.held[0]);
  EXPECT_EQ(pair.a.last<CarrierChanged>(),
            (CarrierChanged{kScope, false, CarrierEnd::partner_moved, {"ge1"}}));
  const std::uint64_t spoken = pair.spoken(pair.a);
  pair.run_for(seconds(10));
  EXPECT_TRUE(pair.linked(0));
  EXPECT_EQ(pair.spoken(pair.a), spoken);  // a silent backup
  EXPECT_TRUE(pair.state(pair.a).access_up);
  EXPECT_EQ(pair.access->distributing(), 2U);
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
}

TEST(Carrier, TheOldSideDropsItOnTheNewOnesHello) {
  TwoSystems pair;
  pair.offer();
  pair.open_new();
  pair.run_for(3 * kDelay);
  EXPECT_TRUE(pair.held[0]);
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  pair.run_for(kPartnerWaits + milliseconds(60));
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  EXPECT_EQ(pair.access->distributing(), 2U);
}

TEST(Carrier, OneSystemKeepsItsLink) {
  TrunkPair pair;
  pair.up();
  const Term next = Pair::term(2, pair.b);
  pair.tell(pair.a, HandoverOffer{kScope, next});
  pair.tell(pair.b, HandoverOpen{kScope, next, pair.a.last<HandoverOffered>()->hello_counter});
  pair.run_for(milliseconds(60));
  pair.tell(pair.a, HandoverCommit{kScope, next});
  pair.run_for(seconds(1));
  EXPECT_FALSE(pair.a.last<CarrierChanged>().has_value());
}

TEST(Carrier, ComesBackWhenThePartnerDoesNotMove) {
  TwoSystems pair;
  pair.access_link[1] = false;  // what the new side and the partner say to each other is lost
  pair.hand_over();
  pair.run_for(milliseconds(3900));
  EXPECT_TRUE(pair.held[0]);
  pair.run_for(milliseconds(200));
  EXPECT_FALSE(pair.held[0]);
  EXPECT_EQ(pair.a.last<CarrierChanged>()->end, CarrierEnd::peer_lost_access);
  pair.run_for(milliseconds(10));
  EXPECT_TRUE(pair.linked(0));
}

TEST(Carrier, ComesBackAfterTenSeconds) {
  TwoSystems pair;
  pair.hand_over();
  // The partner answers and never collects: another member of its own holds it back.
  pair.access->set_sync_allowed(false, pair.now);
  pair.run_for(milliseconds(9990));
  EXPECT_TRUE(pair.held[0]);
  pair.run_for(milliseconds(20));
  EXPECT_FALSE(pair.held[0]);
  EXPECT_EQ(pair.a.last<CarrierChanged>()->end, CarrierEnd::timed_out);
}

TEST(Carrier, ComesBackWhenTheNewMasterDies) {
  TwoSystems pair;
  pair.access_link[1] = false;
  pair.hand_over();
  pair.run_for(milliseconds(5));
  ASSERT_TRUE(pair.held[0]);
  pair.arm(pair.a, pair.next, Pair::term(3, pair.a), {Cause::paths_down});
  pair.kill_keeper(pair.b);
  pair.run_for(milliseconds(120));
  EXPECT_FALSE(pair.held[0]);
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
  pair.run_for(milliseconds(20));
  EXPECT_TRUE(pair.linked(0));
  pair.run_for(kPartnerWaits);
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
}

TEST(Carrier, ComesBackWithoutADaemonAndWhenTheKeeperLeaves) {
  {
    TwoSystems pair;
    pair.hand_over();
    pair.kill_daemon(pair.a);
    pair.run_for(milliseconds(70) + kPartnerWaits);
    EXPECT_FALSE(pair.held[0]);
    EXPECT_TRUE(pair.linked(0));
  }
  TwoSystems pair;
  pair.access_link[1] = false;
  pair.hand_over();
  pair.run_for(milliseconds(5));
  ASSERT_TRUE(pair.held[0]);
  pair.tell(pair.a, Leave{});
  EXPECT_TRUE(pair.a.exited);
  EXPECT_FALSE(pair.held[0]);
}

TEST(Carrier, AnOperatorWhoSetsItUpKeepsIt) {
  TwoSystems pair;
  pair.access_link[1] = false;
  pair.hand_over();
  pair.run_for(milliseconds(5));
  ASSERT_TRUE(pair.held[0]);
  pair.plug(0, true);
  EXPECT_FALSE(pair.held[0]);
  EXPECT_EQ(pair.a.last<CarrierChanged>()->end, CarrierEnd::operator_up);
}

TEST(Carrier, ALinkWithoutCarrierIsLeftAlone) {
  TwoSystems pair;
  pair.arm(pair.b, Pair::term(1, pair.a), Pair::term(9, pair.b), {});
  pair.plug(0, false);
  pair.hand_over();
  EXPECT_FALSE(pair.held[0]);
  EXPECT_FALSE(pair.a.last<CarrierChanged>().has_value());
  EXPECT_EQ(pair.state(pair.a).role, Role::backup);
  pair.run_for(milliseconds(60) + kPartnerWaits);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
}

// The old master does not drop its link (an earlier version, or the device refused).
TEST(Carrier, TheNewSideSpeaksAfterASecond) {
  TwoSystems pair;
  pair.marks = false;
  pair.offer();
  pair.open_new();
  pair.kill_daemon(pair.a);
  pair.run_for(milliseconds(50));
  EXPECT_EQ(pair.spoken(pair.b), 0U);
  pair.set_scope(pair.b, Role::master, Pair::term(5, pair.b), GatePosture::leased);
  pair.run_for(milliseconds(940));
  EXPECT_EQ(pair.spoken(pair.b), 0U);
  pair.run_for(milliseconds(20));
  EXPECT_GT(pair.spoken(pair.b), 0U);
}

TEST(Carrier, AnAbortedHandoverDropsNothing) {
  TwoSystems pair;
  pair.offer();
  pair.open_new();
  pair.tell(pair.a, HandoverAbort{kScope});
  pair.run_for(seconds(2));
  EXPECT_FALSE(pair.a.last<CarrierChanged>().has_value());
  EXPECT_EQ(pair.spoken(pair.b), 0U);
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  EXPECT_EQ(pair.access->distributing(), 1U);
}

// Either side's daemon or keeper ends between any two effects of a handover: no carrier stays down,
// and never are two gates open for longer than 300 ms.
TEST(Carrier, ComesBackAfterADeathAtAnyEffect) {
  for (const bool old_side : {true, false}) {
    for (const bool keeper : {true, false}) {
      for (int ms = 0; ms <= 14; ++ms) {
        TwoSystems pair;
        pair.offer();
        if (ms > 1) pair.open_new();
        if (ms > 3) pair.commit();
        if (ms > 4) pair.run_for(std::chrono::microseconds(500 * (ms - 4)));
        Router& dies = old_side ? pair.a : pair.b;
        pair.kill_daemon(dies);
        if (keeper) {
          pair.kill_keeper(dies);
          // Its successor gives back what is on file.
          const std::size_t i = pair.index(dies);
          pair.run_for(milliseconds(30));
          pair.held[i] = false;
          pair.start_keeper(dies);
          pair.connect(dies);
          pair.plug(i, true);
        }
        pair.run_for(seconds(11));
        EXPECT_FALSE(pair.held[0] || pair.held[1]) << old_side << keeper << ms;
        EXPECT_TRUE(pair.linked(0) && pair.linked(1)) << old_side << keeper << ms;
        EXPECT_LE(pair.overlap, Duration(milliseconds(300))) << old_side << keeper << ms;
      }
    }
  }
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
