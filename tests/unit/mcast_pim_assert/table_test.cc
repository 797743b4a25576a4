#include "rig.h"

// The state tables of RFC 7761 4.6.1 and 4.6.2, row by row, and what is no row.
namespace hotpair::mcast::pim::testing {
namespace {

enum class Start : std::uint8_t {
  nobody_downstream,  // NoInfo, the link forwards
  nobody_upstream,    // NoInfo, the link is the RPF interface
  nobody_untracked,   // NoInfo, neither CouldAssert nor AssertTrackingDesired
  winner,
  loser,           // downstream, to kPeer with 100/10
  loser_upstream,  // on the RPF interface, to kPeer with 100/10
};

struct Row {
  std::string name;
  Start start;
  void (*event)(Rig&);
  Words told;
  AssertState state;
  Duration timer;  // of the Assert Timer when the event is over, 0: none
};

constexpr Duration kWinnerTimer = kAssertTime - kAssertOverride;
constexpr Duration kLoserTimer = kAssertTime;

AssertFacts with_metric(std::uint32_t metric) {
  AssertFacts facts = downstream();
  facts.metric.metric = metric;
  return facts;
}

// Brings the tree into the state of the row by inputs alone, half a minute before the event.
void bring(Rig& rig, const TreeKey& key, Start start) {
  const bool star = !key.source;
  const auto peers = star ? star_assertion(100, 10) : assertion(100, 10);
  switch (start) {
    case Start::nobody_untracked:
      rig.facts(key, {.metric = {.preference = 100, .metric = 20}});
      break;
    case Start::nobody_upstream:
      rig.facts(key, upstream());
      break;
    case Start::loser_upstream:
      rig.facts(key, upstream());
      rig.hear(peers);
      break;
    case Start::nobody_downstream:
      rig.facts(key, downstream());
      break;
    case Start::winner:
      rig.facts(key, downstream());
      rig.data(key);
      break;
    case Start::loser:
      rig.facts(key, downstream());
      rig.hear(peers);
      break;
  }
  rig.advance(30s);
  (void)rig.told();
}

class Table : public ::testing::TestWithParam<Row> {
 protected:
  void run(const TreeKey& key) {
    Rig rig;
    bring(rig, key, GetParam().start);
    GetParam().event(rig);
    const TimePoint at = rig.now;
    EXPECT_EQ(rig.told(), GetParam().told);
    EXPECT_EQ(rig.state(key), GetParam().state);
    // The timer: nothing is told before it ends, and something when it does.
    if (GetParam().timer == Duration::zero()) {
      rig.advance(400s);
      EXPECT_THAT(rig.told(), IsEmpty());
      return;
    }
    rig.advance(GetParam().timer - 1ms);
    EXPECT_THAT(rig.told(), IsEmpty());
    rig.advance(1ms);
    EXPECT_THAT(rig.told(), ::testing::Not(IsEmpty())) << (rig.now - at).count();
  }
};
std::string name_of(const ::testing::TestParamInfo<Row>& info) { return info.param.name; }

// ---- 4.6.1 ----

class SourceTable : public Table {};
TEST_P(SourceTable, Section_4_6_1) { run(kSourceTree); }

INSTANTIATE_TEST_SUITE_P(
    NoInfo, SourceTable,
    ::testing::Values(Row{"InferiorAssertWithRptBitClearAndCouldAssert",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(assertion(100, 30)); },
                          {"send 100/20 192.0.2.1", "(S,G) winner 100/20"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"EqualMetricOfASmallerAddressIsInferior",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(assertion(100, 20), kThird); },
                          {"send 100/20 192.0.2.1", "(S,G) winner 100/20"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"AssertWithRptBitSetAndCouldAssert",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(star_assertion(1, 1, kSource)); },
                          {"send 100/20 192.0.2.1", "(S,G) winner 100/20"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"CancelOfAnothersAndCouldAssert",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(cancel_of(kSource)); },
                          {"send 100/20 192.0.2.1", "(S,G) winner 100/20"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"DataAndCouldAssert",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.data(kSourceTree); },
                          {"send 100/20 192.0.2.1", "(S,G) winner 100/20"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"AcceptableAssertWithRptBitClearAndTrackingDesired",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(assertion(100, 19)); },
                          {"(S,G) loser 10.0.0.9 100/19 lost"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"EqualMetricOfALargerAddressIsAcceptable",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(assertion(100, 20)); },
                          {"(S,G) loser 10.0.0.9 100/20 lost"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"AcceptableOnTheRpfInterface",
                          Start::nobody_upstream,
                          [](Rig& rig) { rig.hear(assertion(2000, 3000)); },
                          {"(S,G) loser 10.0.0.9 2000/3000"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"NoRow_RptBitSetWithoutCouldAssert",
                          Start::nobody_upstream,
                          [](Rig& rig) { rig.hear(star_assertion(1, 1, kSource)); },
                          {},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_CancelIsNeverAcceptable",
                          Start::nobody_upstream,
                          [](Rig& rig) { rig.hear(cancel_of(kSource)); },
                          {},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_DataWithoutCouldAssert",
                          Start::nobody_upstream,
                          [](Rig& rig) { rig.data(kSourceTree); },
                          {},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_NotTracked",
                          Start::nobody_untracked,
                          [](Rig& rig) {
                            rig.hear(assertion(1, 1));
                            rig.hear(assertion(1000, 1));
                            rig.data(kSourceTree);
                          },
                          {},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_JoinOrNeighbourLost",
                          Start::nobody_downstream,
                          [](Rig& rig) {
                            rig.asserts.on_join_received(kLink, kSourceTree, rig.now);
                            rig.asserts.on_neighbour_lost(kLink, kPeer, rig.now);
                          },
                          {},
                          AssertState::no_info,
                          0s}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Winner, SourceTable,
    ::testing::Values(Row{"AssertTimerExpires",
                          Start::winner,
                          [](Rig& rig) { rig.advance(kWinnerTimer - 30s); },
                          {"send 100/20 192.0.2.1"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"InferiorAssert",
                          Start::winner,
                          [](Rig& rig) { rig.hear(assertion(101, 1)); },
                          {"send 100/20 192.0.2.1"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"InferiorAssertOfTheSharedTreeThatNamesS",
                          Start::winner,
                          [](Rig& rig) { rig.hear(star_assertion(1, 1, kSource)); },
                          {"send 100/20 192.0.2.1"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"PreferredAssert",
                          Start::winner,
                          [](Rig& rig) { rig.hear(assertion(99, 1000)); },
                          {"(S,G) loser 10.0.0.9 99/1000 lost"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"CouldAssertBecomesFalse",
                          Start::winner,
                          [](Rig& rig) {
                            AssertFacts facts = downstream();
                            facts.could_assert = false;
                            rig.facts(kSourceTree, facts);
                          },
                          {"send cancel rpt 192.0.2.1", "(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_SharedTreeWithoutS",
                          Start::winner,
                          [](Rig& rig) { rig.hear(star_assertion(1, 1)); },
                          {},
                          AssertState::winner,
                          kWinnerTimer - 30s},
                      Row{"NoRow_DataJoinNeighbourLost",
                          Start::winner,
                          [](Rig& rig) {
                            rig.data(kSourceTree);
                            rig.asserts.on_join_received(kLink, kSourceTree, rig.now);
                            rig.asserts.on_neighbour_lost(kLink, kPeer, rig.now);
                          },
                          {},
                          AssertState::winner,
                          kWinnerTimer - 30s}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Loser, SourceTable,
    ::testing::Values(Row{"PreferredAssert",
                          Start::loser,
                          [](Rig& rig) { rig.hear(assertion(100, 9), kThird); },
                          {"(S,G) loser 10.0.0.2 100/9 lost"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"PreferredAssertOfTheWinner",
                          Start::loser,
                          [](Rig& rig) { rig.hear(assertion(100, 9)); },
                          {"(S,G) loser 10.0.0.9 100/9 lost"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"AcceptableAssertWithRptBitClearFromCurrentWinner",
                          Start::loser,
                          [](Rig& rig) { rig.hear(assertion(100, 15)); },
                          {"(S,G) loser 10.0.0.9 100/15 lost"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"TheSameAgainIsARefresh",
                          Start::loser,
                          [](Rig& rig) { rig.hear(assertion(100, 10)); },
                          {},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"InferiorAssertFromCurrentWinner",
                          Start::loser,
                          [](Rig& rig) { rig.hear(assertion(100, 30)); },
                          {"(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"AssertCancelFromCurrentWinner",
                          Start::loser,
                          [](Rig& rig) { rig.hear(cancel_of(kSource)); },
                          {"(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"AssertCancelFromCurrentWinnerOnTheRpfInterface",
                          Start::loser_upstream,
                          [](Rig& rig) { rig.hear(cancel_of(kSource)); },
                          {"(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"AssertTimerExpires",
                          Start::loser,
                          [](Rig& rig) { rig.advance(kLoserTimer - 30s); },
                          {"(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"CurrentWinnersGenerationChangesOrItsNeighbourTimerExpires",
                          Start::loser,
                          [](Rig& rig) {
                            rig.asserts.on_neighbour_lost(kLink, kPeer, rig.now);
                            rig.advance(0s);
                          },
                          {"(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"TrackingDesiredBecomesFalse",
                          Start::loser,
                          [](Rig& rig) {
                            AssertFacts facts = downstream();
                            facts.tracking_desired = false;
                            rig.facts(kSourceTree, facts);
                          },
                          {"(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"MyMetricBecomesBetter",
                          Start::loser,
                          [](Rig& rig) { rig.facts(kSourceTree, with_metric(9)); },
                          {"(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"RpfInterfaceStopsBeingTheLink",
                          Start::loser_upstream,
                          [](Rig& rig) {
                            AssertFacts facts = upstream();
                            facts.rpf_interface = false;
                            rig.facts(kSourceTree, facts);
                          },
                          {"(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"JoinReceived",
                          Start::loser,
                          [](Rig& rig) {
                            rig.asserts.on_join_received(kLink, kSourceTree, rig.now);
                          },
                          {"(S,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_AcceptableAssertOfAnother",
                          Start::loser,
                          [](Rig& rig) { rig.hear(assertion(100, 15), kThird); },
                          {},
                          AssertState::loser,
                          kLoserTimer - 30s},
                      Row{"NoRow_InferiorAssertOrCancelOfAnother",
                          Start::loser,
                          [](Rig& rig) {
                            rig.hear(assertion(100, 30), kThird);
                            rig.hear(cancel_of(kSource), kThird);
                          },
                          {},
                          AssertState::loser,
                          kLoserTimer - 30s},
                      Row{"NoRow_RptBitSetFromCurrentWinnerOnTheRpfInterface",
                          Start::loser_upstream,
                          [](Rig& rig) { rig.hear(star_assertion(1, 1, kSource)); },
                          {},
                          AssertState::loser,
                          kLoserTimer - 30s},
                      Row{"NoRow_DataOrJoinOfAnotherTree",
                          Start::loser,
                          [](Rig& rig) {
                            rig.data(kSourceTree);
                            rig.asserts.on_join_received(kLink, kStar, rig.now);
                            rig.asserts.on_join_received(kLink, kOnSharedTree, rig.now);
                          },
                          {},
                          AssertState::loser,
                          kLoserTimer - 30s},
                      Row{"NoRow_AnotherNeighbourLost",
                          Start::loser,
                          [](Rig& rig) {
                            rig.asserts.on_neighbour_lost(kLink, kThird, rig.now);
                            rig.advance(0s);
                          },
                          {},
                          AssertState::loser,
                          kLoserTimer - 30s},
                      Row{"NoRow_MyMetricStaysWorse",
                          Start::loser,
                          [](Rig& rig) { rig.facts(kSourceTree, with_metric(11)); },
                          {},
                          AssertState::loser,
                          kLoserTimer - 30s}),
    name_of);

// ---- 4.6.2 ----

class StarTable : public Table {};
TEST_P(StarTable, Section_4_6_2) { run(kStar); }

INSTANTIATE_TEST_SUITE_P(
    NoInfo, StarTable,
    ::testing::Values(Row{"InferiorAssertWithRptBitSetAndCouldAssert",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(star_assertion(100, 30)); },
                          {"send 100/20 rpt *", "(*,G) winner 100/20"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"InferiorAssertThatNamesASource",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(star_assertion(100, 30, kSource)); },
                          {"send 100/20 rpt 192.0.2.1", "(*,G) winner 100/20"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"CancelOfAnothersAndCouldAssert",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(cancel_of(kNone)); },
                          {"send 100/20 rpt *", "(*,G) winner 100/20"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"DataAndCouldAssert",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.data(kOnSharedTree); },
                          {"send 100/20 rpt 192.0.2.1", "(*,G) winner 100/20"},
                          AssertState::winner,
                          kWinnerTimer},
                      Row{"AcceptableAssertWithRptBitSetAndTrackingDesired",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(star_assertion(99, 1)); },
                          {"(*,G) loser 10.0.0.9 99/1 lost"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"AcceptableOnTheRpfInterface",
                          Start::nobody_upstream,
                          [](Rig& rig) { rig.hear(star_assertion(2000, 3000)); },
                          {"(*,G) loser 10.0.0.9 2000/3000"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"NoRow_RptBitClear",
                          Start::nobody_downstream,
                          [](Rig& rig) {
                            rig.hear(assertion(1, 1));
                            rig.hear(assertion(1000, 1));
                          },
                          {},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_DataOfTheSourceTree",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.data(kSourceTree); },
                          {},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_CancelOfASource",
                          Start::nobody_downstream,
                          [](Rig& rig) { rig.hear(cancel_of(kSource)); },
                          {},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_CancelIsNeverAcceptable",
                          Start::nobody_upstream,
                          [](Rig& rig) { rig.hear(cancel_of(kNone)); },
                          {},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_NotTracked",
                          Start::nobody_untracked,
                          [](Rig& rig) {
                            rig.hear(star_assertion(1, 1));
                            rig.hear(star_assertion(1000, 1));
                            rig.data(kStar);
                          },
                          {},
                          AssertState::no_info,
                          0s}),
    name_of);

INSTANTIATE_TEST_SUITE_P(Winner, StarTable,
                         ::testing::Values(Row{"AssertTimerExpires",
                                               Start::winner,
                                               [](Rig& rig) { rig.advance(kWinnerTimer - 30s); },
                                               {"send 100/20 rpt *"},
                                               AssertState::winner,
                                               kWinnerTimer},
                                           Row{"InferiorAssert",
                                               Start::winner,
                                               [](Rig& rig) {
                                                 rig.hear(star_assertion(100, 30, kSource));
                                               },
                                               {"send 100/20 rpt 192.0.2.1"},
                                               AssertState::winner,
                                               kWinnerTimer},
                                           Row{"PreferredAssert",
                                               Start::winner,
                                               [](Rig& rig) { rig.hear(star_assertion(100, 20)); },
                                               {"(*,G) loser 10.0.0.9 100/20 lost"},
                                               AssertState::loser,
                                               kLoserTimer},
                                           Row{"CouldAssertBecomesFalse",
                                               Start::winner,
                                               [](Rig& rig) { rig.facts(kStar, upstream()); },
                                               {"send cancel rpt *", "(*,G) none"},
                                               AssertState::no_info,
                                               0s},
                                           Row{"NoRow_RptBitClear",
                                               Start::winner,
                                               [](Rig& rig) { rig.hear(assertion(1, 1)); },
                                               {},
                                               AssertState::winner,
                                               kWinnerTimer - 30s}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(
    Loser, StarTable,
    ::testing::Values(Row{"PreferredAssertWithRptBitSet",
                          Start::loser,
                          [](Rig& rig) { rig.hear(star_assertion(100, 9), kThird); },
                          {"(*,G) loser 10.0.0.2 100/9 lost"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"AcceptableAssertFromCurrentWinnerWithRptBitSet",
                          Start::loser,
                          [](Rig& rig) { rig.hear(star_assertion(100, 15)); },
                          {"(*,G) loser 10.0.0.9 100/15 lost"},
                          AssertState::loser,
                          kLoserTimer},
                      Row{"InferiorAssertFromCurrentWinner",
                          Start::loser,
                          [](Rig& rig) { rig.hear(star_assertion(100, 30)); },
                          {"(*,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"AssertCancelFromCurrentWinner",
                          Start::loser_upstream,
                          [](Rig& rig) { rig.hear(cancel_of(kNone)); },
                          {"(*,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"AssertTimerExpires",
                          Start::loser,
                          [](Rig& rig) { rig.advance(kLoserTimer - 30s); },
                          {"(*,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"CurrentWinnersGenerationChangesOrItsNeighbourTimerExpires",
                          Start::loser,
                          [](Rig& rig) {
                            rig.asserts.on_neighbour_lost(kLink, kPeer, rig.now);
                            rig.advance(0s);
                          },
                          {"(*,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"TrackingDesiredBecomesFalse",
                          Start::loser,
                          [](Rig& rig) { rig.facts(kStar, {}); },
                          {"(*,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"MyMetricBecomesBetter",
                          Start::loser,
                          [](Rig& rig) { rig.facts(kStar, with_metric(9)); },
                          {"(*,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"RpfInterfaceStopsBeingTheLink",
                          Start::loser_upstream,
                          [](Rig& rig) {
                            AssertFacts facts = upstream();
                            facts.rpf_interface = false;
                            rig.facts(kStar, facts);
                          },
                          {"(*,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"JoinReceived",
                          Start::loser,
                          [](Rig& rig) { rig.asserts.on_join_received(kLink, kStar, rig.now); },
                          {"(*,G) none"},
                          AssertState::no_info,
                          0s},
                      Row{"NoRow_CancelOfASourceFromCurrentWinner",
                          Start::loser,
                          [](Rig& rig) { rig.hear(cancel_of(kSource)); },
                          {},
                          AssertState::loser,
                          kLoserTimer - 30s},
                      Row{"NoRow_RptBitClear",
                          Start::loser,
                          [](Rig& rig) {
                            rig.hear(assertion(1, 1));
                            rig.hear(assertion(1000, 1), kThird);
                          },
                          {},
                          AssertState::loser,
                          kLoserTimer - 30s}),
    name_of);

}  // namespace
}  // namespace hotpair::mcast::pim::testing
