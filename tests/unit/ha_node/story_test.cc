#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using switchover::Phase;
using ::testing::ElementsAre;
using testing::kPeer;
using testing::kScope;
using testing::kSelf;
using testing::NodeStand;
using ::testing::SizeIs;
namespace session = rbs::session;

/// What the keeper answers when it is asked for `Wanted`; the newest.
template <typename Wanted>
const Wanted* said(const NodeStand& stand) {
  for (auto each = stand.to_keeper.rbegin(); each != stand.to_keeper.rend(); ++each)
    if (const auto* found = std::get_if<Wanted>(&*each)) return found;
  return nullptr;
}

/// Asks a master whose backup is in step to hand over; the term that it offers 2 ms later.
std::optional<Term> offered_term(NodeStand& stand) {
  if (!stand.node.switchover({.scope = kScope}, stand.now)) return std::nullopt;
  stand.settle();
  stand.now += 2ms;
  stand.answer_digests();
  const auto* offer = said<keeper::HandoverOffer>(stand);
  return offer ? std::optional(offer->term) : std::nullopt;
}

TEST(Story, ARoleKeptOverARestartKeepsItsCause) {
  NodeStand stand;
  keeper::ScopeState held{kScope, role::Role::master, Term{9, kSelf}};
  held.cause = keeper::Cause::paths_down;
  held.gate_open = true;
  stand.connect_keeper({held});
  EXPECT_EQ(stand.scope().role.role(), role::Role::master);
  EXPECT_EQ(stand.scope().role.cause(), keeper::Cause::paths_down);
  // It is told back, so that the keeper's own memory stays true.
  ASSERT_NE(said<keeper::SetScope>(stand), nullptr);
  EXPECT_EQ(said<keeper::SetScope>(stand)->cause, keeper::Cause::paths_down);
  ASSERT_THAT(stand.node.history().stories(), SizeIs(1));
  const switchover::Story& story = stand.node.history().stories().front();
  EXPECT_EQ(story.remark, "kept by the keeper over a restart of the daemon");
  EXPECT_FALSE(story.planned);
  EXPECT_THAT(stand.log, ::testing::Contains(::testing::Pair(
                             "HA-NODE-0001",
                             ::testing::HasSubstr("cause: all paths down, kept by the keeper"))));
}

TEST(Story, AMastershipThatWasHandedOverIsTakenAtOnceAfterARestart) {
  NodeStand stand;
  keeper::ScopeState held{kScope, role::Role::master, Term{9, kSelf}};
  held.cause = keeper::Cause::handover;
  stand.connect_keeper({held});
  EXPECT_FALSE(stand.scope().take_at.has_value());
  EXPECT_FALSE(stand.node.history().stories().front().planned);
}

TEST(Story, TheOldMastersPlannedSwitchoverHasItsPhases) {
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  stand.hear(role::Role::backup, Term{}, 50);
  ASSERT_EQ(stand.scope().role.role(), role::Role::master);
  const Term own = stand.scope().role.term();
  stand.come_up();
  stand.sync_as_master(own);
  ASSERT_TRUE(stand.scope().peer_complete);
  stand.hear(role::Role::backup, own, 50);  // its engines have it as well
  const TimePoint asked = stand.now;
  const auto next = offered_term(stand);
  ASSERT_TRUE(next.has_value());
  stand.keeper(keeper::HandoverOffered{kScope, *next, 5, true});
  stand.now += 3ms;
  stand.say(session::HandoverReady{kScope, *next});
  ASSERT_NE(said<keeper::HandoverCommit>(stand), nullptr);
  stand.now += 1ms;
  stand.keeper(keeper::HandoverCommitted{kScope, *next, 6});
  EXPECT_EQ(stand.scope().role.role(), role::Role::backup);
  const switchover::Story& story = stand.node.history().stories().back();
  EXPECT_TRUE(story.planned);
  EXPECT_EQ(story.at, asked);
  EXPECT_THAT(story.phases,
              ElementsAre(Phase{"term offered", 2ms}, Phase{"peer's gate open", 5ms},
                          Phase{"gate closed, committed", 6ms}, Phase{"engines in standby", 6ms}));
}

// The peer's keeper says that it has opened before its daemon does.
TEST(Story, AKeeperThatCommitsByItselfIsPartOfThePlan) {
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  stand.hear(role::Role::backup, Term{}, 50);
  const Term own = stand.scope().role.term();
  stand.come_up();
  stand.sync_as_master(own);
  stand.hear(role::Role::backup, own, 50);
  const auto next = offered_term(stand);
  ASSERT_TRUE(next.has_value());
  stand.keeper(keeper::HandoverOffered{kScope, *next, 5, true});
  stand.now += 1ms;
  stand.keeper(keeper::HandoverCommitted{kScope, *next, 6});
  EXPECT_EQ(stand.sent_last<session::HandoverDone>().term, *next);
  EXPECT_EQ(stand.scope().role.role(), role::Role::backup);
  const switchover::Story& story = stand.node.history().stories().back();
  EXPECT_TRUE(story.planned);
  EXPECT_THAT(story.phases,
              ElementsAre(Phase{"term offered", 2ms}, Phase{"peer's gate open", 3ms},
                          Phase{"gate closed, committed", 3ms}, Phase{"engines in standby", 3ms}));
  stand.say(session::HandoverReady{kScope, *next});
  EXPECT_EQ(stand.scope().role.role(), role::Role::backup);
}

}  // namespace
}  // namespace hotpair::ha::node
