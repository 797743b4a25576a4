#include "ha/switchover/handover.h"

#include <gtest/gtest.h>

#include <vector>

#include "ha/switchover/history.h"

namespace hotpair::ha::switchover {
namespace {

using namespace std::chrono_literals;

constexpr ScopeId kScope{10};
const Term kTerm{8, NodeId{0x2222}};

template <typename T>
const T* find(const std::vector<HandoverEffect>& effects) {
  for (const HandoverEffect& effect : effects) {
    if (const T* found = std::get_if<T>(&effect)) return found;
  }
  return nullptr;
}
template <typename T>
const T* find_keeper(const std::vector<HandoverEffect>& effects) {
  for (const HandoverEffect& effect : effects)
    if (const auto* to_keeper = std::get_if<ToKeeper>(&effect))
      if (const T* found = std::get_if<T>(to_keeper)) return found;
  return nullptr;
}

class HandoverTest : public testing::Test {
 protected:
  static std::vector<HandoverEffect> drain(Handover& handover) {
    std::vector<HandoverEffect> effects;
    while (auto effect = handover.poll_effect()) effects.push_back(*effect);
    return effects;
  }
  static keeper::ScopeChanged scope_changed(keeper::Role role, Term term) {
    keeper::ScopeChanged change;
    change.state = {.scope = kScope, .role = role, .term = term};
    return change;
  }
  void offer() {
    ASSERT_TRUE(old_.begin(kTerm, now_));
    drain(old_);
    old_.on_offered({kScope, kTerm, 1000, true}, now_);
    const auto effects = drain(old_);
    ASSERT_NE(find<SendHandover>(effects), nullptr);
    EXPECT_EQ(find<SendHandover>(effects)->hello_counter, 1000U);
  }
  void open() {
    new_.on_handover(kTerm, 1000, "", now_);
    EXPECT_NE(find_keeper<keeper::HandoverOpen>(drain(new_)), nullptr);
    new_.on_opened(kTerm, now_);
    EXPECT_NE(find<SendReady>(drain(new_)), nullptr);
  }

  TimePoint now_{1h};
  Handover old_{kScope};
  Handover new_{kScope};
};

TEST_F(HandoverTest, GoesThroughOnBothSides) {
  offer();
  open();
  old_.on_ready(kTerm, now_ + 1ms);
  EXPECT_NE(find_keeper<keeper::HandoverCommit>(drain(old_)), nullptr);
  old_.on_committed(kTerm, now_ + 2ms);
  const auto done = drain(old_);
  EXPECT_NE(find<SendDone>(done), nullptr);
  ASSERT_NE(find<HandoverEnded>(done), nullptr);
  EXPECT_TRUE(find<HandoverEnded>(done)->old_side);
  EXPECT_EQ(find<HandoverEnded>(done)->failure, "");
  new_.on_done(kTerm, now_ + 3ms);
  const auto ended = drain(new_);
  EXPECT_NE(find_keeper<keeper::HandoverConfirm>(ended), nullptr);
  EXPECT_EQ(find<HandoverEnded>(ended)->failure, "");
  EXPECT_FALSE(old_.under_way() || new_.under_way());
}

TEST_F(HandoverTest, OldAbortsWithoutReady) {
  offer();
  old_.on_timeout(now_ + 199ms);
  EXPECT_TRUE(old_.under_way());
  old_.on_timeout(now_ + 200ms);
  const auto asked = drain(old_);
  EXPECT_NE(find_keeper<keeper::HandoverAbort>(asked), nullptr);
  EXPECT_EQ(find<HandoverEnded>(asked), nullptr);
  old_.on_offered({kScope, kTerm, 1000, false}, now_ + 201ms);
  const auto effects = drain(old_);
  EXPECT_NE(find<SendAbort>(effects), nullptr);
  EXPECT_EQ(find_keeper<keeper::HandoverAbort>(effects), nullptr);
  EXPECT_EQ(find<HandoverEnded>(effects)->failure, "the peer was not ready within 200 ms");
}

// The peer's keeper told ours that it has opened.
TEST_F(HandoverTest, TheKeeperCommitsByItself) {
  offer();
  old_.on_committed(kTerm, now_ + 1ms);
  const auto effects = drain(old_);
  EXPECT_NE(find<SendDone>(effects), nullptr);
  EXPECT_EQ(find<HandoverEnded>(effects)->failure, "");
  EXPECT_TRUE(find<HandoverEnded>(effects)->old_side);
  old_.on_ready(kTerm, now_ + 2ms);
  EXPECT_TRUE(drain(old_).empty());
}

TEST_F(HandoverTest, AnAbortThatMeetsACommitIsNone) {
  for (const bool by_change : {false, true}) {
    Handover old{kScope};
    ASSERT_TRUE(old.begin(kTerm, now_));
    old.on_offered({kScope, kTerm, 1000, true}, now_);
    old.on_session_lost(now_ + 1ms);
    drain(old);
    if (by_change)
      old.on_scope_changed(scope_changed(keeper::Role::backup, kTerm), now_ + 2ms);
    else
      old.on_committed(kTerm, now_ + 2ms);
    const auto effects = drain(old);
    EXPECT_EQ(find<SendAbort>(effects), nullptr);
    ASSERT_NE(find<HandoverEnded>(effects), nullptr);
    EXPECT_EQ(find<HandoverEnded>(effects)->failure, "");
  }
}

TEST_F(HandoverTest, AKeeperThatDoesNotAnswerAnAbortIsNotWaitedFor) {
  offer();
  old_.on_peer_abort(kTerm, now_);
  drain(old_);
  EXPECT_EQ(old_.next_deadline(), now_ + 200ms);
  old_.on_timeout(now_ + 200ms);
  EXPECT_EQ(find<HandoverEnded>(drain(old_))->failure, "the peer refused");
}

TEST_F(HandoverTest, LostReadyClosesTheNewSideByAbort) {
  offer();
  open();
  new_.on_peer_abort(kTerm, now_ + 200ms);
  const auto effects = drain(new_);
  EXPECT_NE(find_keeper<keeper::HandoverRevoke>(effects), nullptr);
  EXPECT_FALSE(find<HandoverEnded>(effects)->failure.empty());
}

TEST_F(HandoverTest, LateReadyAfterAnAbortChangesNothing) {
  offer();
  old_.on_timeout(now_ + 200ms);
  drain(old_);
  old_.on_ready(kTerm, now_ + 201ms);
  EXPECT_TRUE(drain(old_).empty());
}

TEST_F(HandoverTest, LostDoneIsMadeUpByTheKeepersWord) {
  offer();
  open();
  new_.on_scope_changed(scope_changed(keeper::Role::master, kTerm), now_ + 5ms);
  EXPECT_EQ(find<HandoverEnded>(drain(new_))->failure, "");
}

TEST_F(HandoverTest, KeeperRevokesOnAHelloOfTheOldMaster) {
  open();
  new_.on_scope_changed(scope_changed(keeper::Role::backup, {7, NodeId{0x1111}}), now_ + 5ms);
  EXPECT_FALSE(find<HandoverEnded>(drain(new_))->failure.empty());
}

TEST_F(HandoverTest, ChannelLostBeforeTheCommitPointAborts) {
  offer();
  old_.on_session_lost(now_);
  EXPECT_NE(find_keeper<keeper::HandoverAbort>(drain(old_)), nullptr);
  old_.on_offered({kScope, kTerm, 1000, false}, now_);
  EXPECT_EQ(find<HandoverEnded>(drain(old_))->failure, "the channel to the peer was lost");
  EXPECT_FALSE(old_.under_way());
}

TEST_F(HandoverTest, ChannelLostAfterTheCommitPointDoesNot) {
  offer();
  old_.on_ready(kTerm, now_);
  drain(old_);
  old_.on_session_lost(now_);
  EXPECT_TRUE(drain(old_).empty());
  old_.on_scope_changed(scope_changed(keeper::Role::backup, kTerm), now_);
  EXPECT_EQ(find<HandoverEnded>(drain(old_))->failure, "");
}

// Its successor makes no offer, so the peer's gate must close: it will not do so by hello counters.
TEST_F(HandoverTest, ALostKeeperOfTheOldSideAborts) {
  offer();
  old_.on_keeper_lost(now_);
  const auto effects = drain(old_);
  EXPECT_NE(find<SendAbort>(effects), nullptr);
  EXPECT_EQ(find<HandoverEnded>(effects)->failure, "the keeper was lost");
  EXPECT_FALSE(old_.under_way());
}

TEST_F(HandoverTest, ALostKeeperAtTheCommitPointAborts) {
  offer();
  old_.on_ready(kTerm, now_);
  drain(old_);
  old_.on_keeper_lost(now_);
  EXPECT_NE(find<SendAbort>(drain(old_)), nullptr);
  EXPECT_FALSE(old_.under_way());
}

TEST_F(HandoverTest, ALostKeeperOfTheNewSideAborts) {
  offer();
  open();
  new_.on_keeper_lost(now_);
  const auto effects = drain(new_);
  EXPECT_NE(find<SendAbort>(effects), nullptr);
  EXPECT_FALSE(find<HandoverEnded>(effects)->old_side);
  EXPECT_FALSE(new_.under_way());
  new_.on_keeper_lost(now_);
  EXPECT_TRUE(drain(new_).empty());
}

TEST_F(HandoverTest, AnUnacceptableOfferIsRefused) {
  new_.on_handover(kTerm, 1, "incomplete", now_);
  EXPECT_NE(find<SendAbort>(drain(new_)), nullptr);
  EXPECT_FALSE(new_.under_way());
  offer();
  old_.on_peer_abort(kTerm, now_);
  old_.on_offered({kScope, kTerm, 1000, false}, now_);
  EXPECT_EQ(find<HandoverEnded>(drain(old_))->failure, "the peer refused");
}

TEST_F(HandoverTest, TheKeeperMayEndTheOffer) {
  offer();
  old_.on_offered({kScope, kTerm, 1000, false}, now_);
  EXPECT_NE(find<SendAbort>(drain(old_)), nullptr);
  EXPECT_FALSE(old_.under_way());
}

TEST_F(HandoverTest, OneAtATime) {
  offer();
  EXPECT_FALSE(old_.begin(kTerm, now_));
}

TEST(History, KeepsTheLast64AndAddsPhases) {
  History history;
  for (int i = 0; i < 70; ++i) history.begin({});
  EXPECT_EQ(history.stories().size(), 64U);
  EXPECT_EQ(history.stories().back().number, 70U);
  history.add_phase(70, "gate open", 3ms);
  EXPECT_EQ(history.stories().back().phases.front().name, "gate open");
}

}  // namespace
}  // namespace hotpair::ha::switchover
