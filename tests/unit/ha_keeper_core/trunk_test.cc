// Eth-Trunks: LACP and trunk word follow the scope's gate in the same step; design 4, 7 and 8.
#include <gtest/gtest.h>

#include "platform/gate/trunk_words.h"
#include "tests/unit/ha_keeper_core/trunk_pair.h"

namespace hotpair::ha::keeper::test {
namespace {

using platform::gate::make_trunk_word;

bool shows_sync(const SendLacpdu& send) {
  const auto pdu = lacp::decode_pdu(send.bytes);
  return std::get<lacp::Lacpdu>(*pdu).actor.has(lacp::kStateSynchronization);
}

TEST(Trunk, MasterIsInSyncBackupIsNot) {
  TrunkPair pair;
  pair.up();
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  EXPECT_EQ(pair.words[1], 0U);
  EXPECT_EQ(pair.access->distributing(), 1U);
  EXPECT_EQ(lacp::state_digits(pair.port(pair.b).actor.state), "11100000");
  EXPECT_EQ(pair.port(pair.b).actor.port, 0x8001);
  EXPECT_TRUE(pair.state(pair.b).access_up);
  ASSERT_TRUE(pair.a.last<TrunkChanged>().has_value());
  EXPECT_EQ(pair.a.last<TrunkChanged>()->distributing, 1U);
}

// Issue: gate store, trunk word store, Sync = 1, hello, in one step and in that order.
TEST(Trunk, TakeoverIsOneStep) {
  TrunkPair pair;
  pair.up();
  const std::size_t mark = pair.b.journal.size();
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(101));
  const std::vector<Effect> steps(pair.b.journal.begin() + static_cast<std::ptrdiff_t>(mark),
                                  pair.b.journal.end());
  const auto store = std::find_if(steps.begin(), steps.end(), [](const Effect& effect) {
    return std::holds_alternative<StoreGate>(effect);
  });
  ASSERT_LT(store + 3, steps.end());
  const auto* word = std::get_if<StoreTrunk>(&*(store + 1));
  ASSERT_NE(word, nullptr);
  EXPECT_EQ(word->word, make_trunk_word(1, 1));
  const auto* send = std::get_if<SendLacpdu>(&*(store + 2));
  ASSERT_NE(send, nullptr);
  EXPECT_TRUE(shows_sync(*send));
  const auto* hello = std::get_if<SendHello>(&*(store + 3));
  ASSERT_NE(hello, nullptr);
  EXPECT_EQ(hello->hello.scopes.at(0).role, Role::master);
  pair.run_for(milliseconds(5));
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  EXPECT_EQ(pair.access->distributing() & 2U, 2U);
}

// Linux's bond collects long before its LACPDU says so.
TEST(Trunk, TakeoverDoesNotWaitForThePartnersWord) {
  TrunkPair pair;
  pair.up();
  pair.answers_after = milliseconds(300);
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(101));
  EXPECT_EQ(pair.port(pair.b).mux, lacp::MuxState::collecting);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  pair.run_for(milliseconds(400));
  EXPECT_EQ(pair.port(pair.b).mux, lacp::MuxState::distributing);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
}

TEST(Trunk, PartnerLostOnAllMembersIsAnAccessLoss) {
  TrunkPair pair;
  pair.up();
  pair.access_link[0] = false;  // silent, with carrier
  pair.run_for(milliseconds(1900));
  EXPECT_TRUE(pair.open(pair.a));
  pair.run_for(milliseconds(1300));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_FALSE(pair.open(pair.a));
  ASSERT_TRUE(pair.a.last<AccessChanged>().has_value());
  EXPECT_FALSE(pair.a.last<AccessChanged>()->up);
  EXPECT_EQ(pair.b.last<ScopeChanged>()->cause, Cause::peer_access_lost);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  EXPECT_EQ(pair.words[0], 0U);
}

// The access device does not hear the master, which still hears it: fault 83 of the catalogue.
TEST(Trunk, ALinkThatCarriesOneWayOnlyIsAnAccessLoss) {
  TrunkPair pair;
  pair.up();
  pair.upward[0] = false;
  pair.run_for(milliseconds(2900));
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
  pair.run_for(milliseconds(3200));
  EXPECT_EQ(pair.b.last<ScopeChanged>()->cause, Cause::peer_access_lost);
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  pair.upward[0] = true;
  pair.run_for(seconds(3));
  EXPECT_TRUE(pair.state(pair.a).access_up);
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
}

// Design 4: nothing is lost if the keeper is back within the detection time. The partner notices
// nothing: no LACPDU without Sync, no moment in which the trunk is closed.
TEST(Trunk, AKeeperThatIsReplacedInTimeKeepsTheLink) {
  TrunkPair pair;
  pair.up();
  const std::size_t mark = pair.a.journal.size();
  pair.replace_keeper(pair.a, milliseconds(30));
  pair.run_for(seconds(10));
  for (auto step = pair.a.journal.begin() + static_cast<std::ptrdiff_t>(mark);
       step != pair.a.journal.end(); ++step) {
    if (const auto* store = std::get_if<StoreTrunk>(&*step))
      EXPECT_EQ(store->word, make_trunk_word(1, 1));
    if (const auto* send = std::get_if<SendLacpdu>(&*step)) EXPECT_TRUE(shows_sync(*send));
  }
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  EXPECT_EQ(pair.access->distributing(), 1U);
  EXPECT_EQ(pair.access->show(pair.now).ports.at(0).counters.partner_changes, 0U);
  EXPECT_EQ(pair.port(pair.a).mux, lacp::MuxState::distributing);
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_FALSE(pair.open(pair.b));
  EXPECT_TRUE(pair.b.all<ScopeChanged>().empty());
}

// Too late: the peer has taken over, and its hello with the larger term ends what was resumed.
TEST(Trunk, AKeeperThatIsReplacedTooLateGivesWay) {
  TrunkPair pair;
  pair.up();
  pair.replace_keeper(pair.a, milliseconds(300));
  pair.run_for(milliseconds(30));
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.state(pair.a).role, Role::backup);
  EXPECT_LE(pair.overlap, milliseconds(50));
}

// Nobody is heard, so the gate does not open: Sync does not outlast it for long.
TEST(Trunk, WhatIsResumedEndsWithoutAPeer) {
  TrunkPair pair;
  pair.up();
  pair.kill_keeper(pair.b);
  pair.replace_keeper(pair.a, milliseconds(10));
  pair.run_for(kResumedMax - milliseconds(1));
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  pair.run_for(milliseconds(2));
  EXPECT_EQ(pair.words[0], 0U);
}

// With slow timers the partner speaks every 30 s: nothing is asked of it before.
TEST(Trunk, AReplacedKeeperIsPatientWithASlowPartner) {
  TrunkPair pair;
  pair.fast = false;
  pair.up();
  pair.replace_keeper(pair.a, milliseconds(30));
  const std::size_t mark = pair.a.journal.size();
  pair.run_for(seconds(80));
  for (auto step = pair.a.journal.begin() + static_cast<std::ptrdiff_t>(mark);
       step != pair.a.journal.end(); ++step)
    EXPECT_FALSE(std::holds_alternative<StoreTrunk>(*step));
  EXPECT_EQ(pair.port(pair.a).receive, lacp::ReceiveState::current);
  EXPECT_EQ(pair.port(pair.a).counters.expirations, 0U);
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
}

// A partner that is gone since is given up after a timeout, as any other.
TEST(Trunk, AResumedPartnerThatIsGoneIsLost) {
  TrunkPair pair;
  pair.up();
  pair.access_link[0] = false;
  pair.replace_keeper(pair.a, milliseconds(30));
  pair.run_for(lacp::kShortTimeoutTime + milliseconds(10));
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_TRUE(pair.open(pair.b));
}

TEST(Trunk, ABackupHasNothingToResume) {
  TrunkPair pair;
  pair.up();
  pair.resumed[1] = {{lacp::TrunkId(1), 0, pair.port(pair.b).partner}};
  pair.replace_keeper(pair.b, milliseconds(30));
  pair.run_for(milliseconds(5));
  EXPECT_EQ(pair.words[1], 0U);
  EXPECT_EQ(lacp::state_digits(pair.port(pair.b).actor.state & lacp::kStateSynchronization),
            "00000000");
  EXPECT_EQ(pair.access->distributing(), 1U);
}

TEST(Trunk, CarrierLossIsAnAccessLossAtOnce) {
  TrunkPair pair;
  pair.up();
  pair.plug(0, false);
  EXPECT_EQ(pair.words[0], 0U);
  pair.run_for(milliseconds(2));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_NE(pair.words[1], 0U);
}

// The partner's first LACPDU takes a moment: that is no loss, or a restarted keeper would lose the
// scope.
TEST(Trunk, AFreshTrunkIsNotLost) {
  TrunkPair pair;
  pair.bring_up();
  pair.routers[0].keeper->on_carrier("ge1", true, pair.now);
  pair.run_for(milliseconds(2900));
  EXPECT_TRUE(pair.state(pair.a).access_up);
  pair.run_for(milliseconds(200));
  EXPECT_FALSE(pair.state(pair.a).access_up);
}

// Design 8. New: gate, Sync = 1, 50 ms for the partner, Ready. Old commits: last lease of 130 ms,
// hello. New distributes on that hello, old no more on the answer: then Sync = 0, and it collects.
TEST(Trunk, PlannedHandoverMakesBeforeItBreaks) {
  TrunkPair pair;
  pair.up();
  const Term term = Pair::term(2, pair.b);
  pair.tell(pair.a, HandoverOffer{kScope, term});
  const auto offered = pair.a.last<HandoverOffered>();
  ASSERT_TRUE(offered && offered->offered);
  pair.run_for(milliseconds(3));
  std::size_t mark = pair.b.journal.size();
  pair.tell(pair.b, HandoverOpen{kScope, term, offered->hello_counter});
  EXPECT_TRUE(std::any_of(pair.b.journal.begin() + static_cast<std::ptrdiff_t>(mark),
                          pair.b.journal.end(), [](const Effect& effect) {
                            const auto* send = std::get_if<SendLacpdu>(&effect);
                            return send != nullptr && shows_sync(*send);
                          }));
  pair.run_for(milliseconds(49));
  EXPECT_EQ(pair.access->distributing(), 3U);
  EXPECT_FALSE(pair.b.last<HandoverOpened>().has_value());
  pair.run_for(milliseconds(1));
  EXPECT_TRUE(pair.b.last<HandoverOpened>().has_value());
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 0));

  mark = pair.a.journal.size();
  pair.tell(pair.a, HandoverCommit{kScope, term});
  ASSERT_GE(pair.a.journal.size(), mark + 2);
  EXPECT_TRUE(std::holds_alternative<StoreGate>(pair.a.journal[mark]));
  const auto* hello = std::get_if<SendHello>(&pair.a.journal[mark + 1]);
  ASSERT_NE(hello, nullptr);
  EXPECT_TRUE(hello->hello.scopes.at(0).handed_over);
  EXPECT_EQ(pair.lease(pair.a), Duration(milliseconds(130)));
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  pair.set_scope(pair.a, Role::backup, term, GatePosture::closed);  // as the daemon does
  mark = pair.a.journal.size();
  pair.run_for(milliseconds(1));
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 0));
  const auto out_of_sync =
      std::find_if(pair.a.journal.begin() + static_cast<std::ptrdiff_t>(mark), pair.a.journal.end(),
                   [](const Effect& effect) { return std::holds_alternative<SendLacpdu>(effect); });
  ASSERT_NE(out_of_sync, pair.a.journal.end());
  EXPECT_FALSE(shows_sync(std::get<SendLacpdu>(*out_of_sync)));
  EXPECT_TRUE(std::holds_alternative<StoreTrunk>(*std::prev(out_of_sync)));
  pair.run_for(milliseconds(2));
  EXPECT_EQ(pair.access->distributing(), 2U);
  pair.run_for(milliseconds(123));
  EXPECT_TRUE(pair.open(pair.a));
  pair.run_for(milliseconds(4));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_FALSE(pair.state(pair.a).gate_open);
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  EXPECT_LE(pair.overlap, Duration(milliseconds(300)));
  pair.run_for(seconds(2));
  EXPECT_TRUE(pair.open(pair.b));
  EXPECT_FALSE(pair.open(pair.a));
}

// Ready waits for Collecting, which Linux's bond says up to 300 ms after Sync = 1, but only as long
// as that bond needs to take the link in.
TEST(Trunk, ReadyWaitsForThePartnersWord) {
  for (const auto& [answer_ms, ready_ms] : {std::pair{0, 50}, {80, 81}, {300, 130}}) {
    TrunkPair pair;
    pair.marks = false;
    pair.up();
    pair.answers_after = milliseconds(answer_ms);
    const Term term = Pair::term(2, pair.b);
    pair.tell(pair.a, HandoverOffer{kScope, term});
    pair.tell(pair.b, HandoverOpen{kScope, term, pair.a.last<HandoverOffered>()->hello_counter});
    pair.run_for(milliseconds(ready_ms - 1));
    EXPECT_FALSE(pair.b.last<HandoverOpened>().has_value()) << answer_ms;
    pair.run_for(milliseconds(2));
    EXPECT_TRUE(pair.b.last<HandoverOpened>().has_value()) << answer_ms;
    EXPECT_EQ(pair.words[1], make_trunk_word(1, 0));
    pair.tell(pair.a, HandoverCommit{kScope, term});
    pair.run_for(milliseconds(2));
    EXPECT_EQ(pair.words[1], make_trunk_word(1, 1)) << answer_ms;
    EXPECT_EQ(pair.words[0], make_trunk_word(1, 0)) << answer_ms;
    pair.run_for(milliseconds(400));
    EXPECT_LE(pair.overlap, Duration(milliseconds(300)));
  }
}

TEST(Trunk, TheOldSideCommitsWhenTheNewOneIsReady) {
  TrunkPair pair;
  pair.up();
  pair.answers_after = milliseconds(80);
  const Term term = Pair::term(2, pair.b);
  pair.tell(pair.a, HandoverOffer{kScope, term});
  pair.tell(pair.b, HandoverOpen{kScope, term, pair.a.last<HandoverOffered>()->hello_counter});
  pair.run_for(milliseconds(80));
  EXPECT_EQ(pair.state(pair.a).role, Role::master);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 0));
  pair.run_for(milliseconds(2));
  EXPECT_EQ(pair.state(pair.a).role, Role::backup);
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 0));
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  pair.run_for(milliseconds(400));
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_LE(pair.overlap, Duration(milliseconds(300)));
}

// The new side falls silent after the commit: the old one forwards for its 130 ms and no longer.
TEST(Trunk, OldLinkEndsWithoutAnAnswer) {
  TrunkPair pair;
  pair.marks = false;
  pair.up();
  const Term term = Pair::term(2, pair.b);
  pair.tell(pair.a, HandoverOffer{kScope, term});
  pair.tell(pair.b, HandoverOpen{kScope, term, pair.a.last<HandoverOffered>()->hello_counter});
  pair.run_for(milliseconds(60));
  pair.kill_keeper(pair.b);
  pair.tell(pair.a, HandoverCommit{kScope, term});
  pair.run_for(milliseconds(129));
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  pair.run_for(milliseconds(2));
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_FALSE(pair.open(pair.a));
}

// A commit at the last moment of the offer keeps the bound of two gates.
TEST(Trunk, LateCommitKeepsTheBound) {
  TrunkPair pair;
  pair.marks = false;
  pair.up();
  const Term term = Pair::term(2, pair.b);
  pair.tell(pair.a, HandoverOffer{kScope, term});
  pair.tell(pair.b, HandoverOpen{kScope, term, pair.a.last<HandoverOffered>()->hello_counter});
  pair.run_for(milliseconds(245));
  pair.tell(pair.a, HandoverCommit{kScope, term});
  EXPECT_EQ(pair.lease(pair.a), Duration(milliseconds(55)));
  pair.run_for(milliseconds(400));
  EXPECT_LE(pair.overlap, Duration(milliseconds(300)));
}

TEST(Trunk, AbortedHandoverTakesSyncBack) {
  TrunkPair pair;
  pair.marks = false;
  pair.up();
  const Term term = Pair::term(2, pair.b);
  pair.tell(pair.a, HandoverOffer{kScope, term});
  pair.tell(pair.b, HandoverOpen{kScope, term, pair.a.last<HandoverOffered>()->hello_counter});
  pair.run_for(milliseconds(60));
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 0));
  pair.tell(pair.a, HandoverAbort{kScope});
  pair.run_for(milliseconds(5));
  EXPECT_EQ(pair.words[1], 0U);
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  EXPECT_EQ(pair.access->distributing(), 1U);
}

// The old side dies before the partner was given its time: nothing is waited for.
TEST(Trunk, DeathInAHandoverSendsAtOnce) {
  TrunkPair pair;
  pair.up();
  const Term term = Pair::term(2, pair.b);
  pair.tell(pair.a, HandoverOffer{kScope, term});
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(90));
  pair.tell(pair.b, HandoverOpen{kScope, term, pair.a.last<HandoverOffered>()->hello_counter});
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 0));
  pair.run_for(milliseconds(20));
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
}

TEST(Trunk, RevokedBeforeItSends) {
  TrunkPair pair;
  pair.up();
  const Term term = Pair::term(2, pair.b);
  pair.tell(pair.a, HandoverOffer{kScope, term});
  pair.tell(pair.b, HandoverOpen{kScope, term, pair.a.last<HandoverOffered>()->hello_counter});
  pair.run_for(milliseconds(10));
  pair.tell(pair.a, HandoverAbort{kScope});
  pair.run_for(milliseconds(100));
  EXPECT_EQ(pair.words[1], 0U);
  EXPECT_FALSE(pair.b.last<HandoverOpened>().has_value());
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
}

// Two system ids: the partner would keep the backup if it heard it first.
TEST(Trunk, BackupOfAnotherSystemIsSilent) {
  TrunkPair pair;
  pair.system_ids = {MacAddress{{0, 0, 0, 0, 0, 1}}, MacAddress{{0, 0, 0, 0, 0, 2}}};
  pair.up();
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  EXPECT_EQ(pair.port(pair.b).counters.lacpdus_sent, 0U);
  EXPECT_GT(pair.port(pair.b).counters.lacpdus_received, 0U);
  EXPECT_TRUE(pair.state(pair.b).access_up);
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(120));
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  EXPECT_GT(pair.port(pair.b).counters.lacpdus_sent, 0U);
}

// A crash of the daemon, for longer than the partner's timeout: nothing happens on the wire.
TEST(Trunk, DaemonCrashKeepsThePartner) {
  TrunkPair pair;
  pair.up();
  pair.kill_daemon(pair.a);
  pair.run_for(seconds(8));
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  EXPECT_EQ(pair.access->distributing(), 1U);
}

TEST(Trunk, LargerTermTakesSyncAway) {
  TrunkPair pair;
  pair.up();
  pair.set_scope(pair.b, Role::master, Pair::term(9, pair.b), GatePosture::leased);
  pair.run_for(milliseconds(5));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_EQ(pair.access->distributing(), 2U);
}

// A process that did not run: the lease ran out, so the trunk is out of sync until the gate
// reopens.
TEST(Trunk, ExpiredLeaseTakesSyncAway) {
  TrunkPair pair;
  pair.path_count = 1;
  pair.up({});
  pair.a.can_send[0] = false;
  pair.run_for(seconds(1));
  EXPECT_FALSE(pair.open(pair.a));
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_FALSE(pair.port(pair.a).actor.has(lacp::kStateSynchronization));
  pair.a.can_send[0] = true;
  pair.run_for(seconds(2));
  EXPECT_TRUE(pair.open(pair.a));
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
}

TEST(Trunk, ForceBackupIsNeverInSyncAndGivesItsScopeAway) {
  TrunkPair pair;
  pair.mode = {TrunkMode::force_backup, TrunkMode::automatic};
  pair.up();
  pair.run_for(milliseconds(10));
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_FALSE(pair.state(pair.a).access_up);
  EXPECT_EQ(pair.state(pair.b).role, Role::master);
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
}

TEST(Trunk, WithoutAScopeItIsAnOrdinaryAggregate) {
  TrunkPair pair;
  pair.bound.reset();
  pair.up();
  EXPECT_EQ(pair.words[0], make_trunk_word(1, 1));
  EXPECT_EQ(pair.words[1], make_trunk_word(1, 1));
  EXPECT_TRUE(pair.state(pair.a).access_up);
}

TEST(Trunk, RemovedTrunkIsClosed) {
  TrunkPair pair;
  pair.up();
  Configure configure = pair.configuration(pair.a);
  configure.trunks.clear();
  pair.tell(pair.a, configure);
  EXPECT_EQ(pair.words[0], 0U);
  EXPECT_TRUE(pair.a.keeper->trunk_words().empty());
}

TEST(Trunk, LeavingSaysSo) {
  TrunkPair pair;
  pair.up();
  const std::size_t mark = pair.a.journal.size();
  pair.tell(pair.a, Leave{});
  bool said = false;
  for (std::size_t i = mark; i < pair.a.journal.size(); ++i)
    if (const auto* send = std::get_if<SendLacpdu>(&pair.a.journal[i])) said = !shows_sync(*send);
  EXPECT_TRUE(said);
  EXPECT_EQ(pair.words[0], 0U);
  pair.run_for(milliseconds(5));
  EXPECT_TRUE(pair.open(pair.b));
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
