#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/ha_node/node_stand.h"

// While a handover ends both gates may be open for 300 ms. One that is asked for in that time
// begins after it.
namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using testing::kPeer;
using testing::kScope;
using testing::kSelf;
using testing::NodeStand;
using ::testing::SizeIs;
namespace session = rbs::session;

class SecondHandover : public ::testing::Test {
 protected:
  /// The peer's scope has just been handed to this node, and the peer's copy is complete already.
  SecondHandover() {
    const Term before{7, kPeer};
    stand_.connect_keeper();
    stand_.hear(role::Role::master, before, 200);
    stand_.come_up();
    copy_of(before);
    own_ = Term{8, kSelf};
    stand_.say(session::Handover{kScope, own_, 5});
    stand_.keeper(keeper::HandoverOpened{kScope, own_});
    stand_.say(session::HandoverDone{kScope, own_, 0});
    keeper::ScopeState taken{kScope, role::Role::master, own_};
    taken.gate_open = true;
    stand_.keeper(keeper::ScopeChanged{taken, keeper::Cause::handover, {}, stand_.now, stand_.now});
    stand_.sync_as_master(own_, 2);
    stand_.hear(role::Role::backup, own_, 50);
    stand_.answer_digests();  // compared of its own accord
    stand_.frames.clear();
    stand_.to_keeper.clear();
  }
  /// An empty copy of the master's scope.
  void copy_of(const Term& term) {
    const checkpoint::EpochHistory history{{{term, 1}, Sequence{0}}};
    session::ScopeState state;
    state.scope = kScope;
    state.role = session::Role::master;
    state.term = term;
    state.history = history;
    state.generation = 1;
    stand_.say(state);
    const auto sync = stand_.sent_last<session::ScopeState>().generation;
    stand_.say(
        session::BulkBegin{kScope, term, sync, session::SyncKind::bulk, history, Sequence{0}, 0});
    stand_.say(session::BulkRecords{kScope, term, sync, std::nullopt, std::nullopt, {}});
    stand_.say(session::BulkEnd{kScope, term, sync, Sequence{0}});
    stand_.run(1s);
    stand_.hear(role::Role::master, term, 200);
  }
  /// How often the peer's copy was compared, and the next term offered.
  template <typename Kind, typename List>
  static std::size_t count(const List& all) {
    return static_cast<std::size_t>(std::ranges::count_if(
        all, [](const auto& each) { return std::holds_alternative<Kind>(each); }));
  }
  std::size_t compared() const { return count<session::Digests>(stand_.frames); }
  std::size_t offered() const { return count<keeper::HandoverOffer>(stand_.to_keeper); }
  bool ask(bool force = false) {
    const auto ticket = stand_.node.switchover({.scope = kScope, .force = force}, stand_.now);
    stand_.settle();
    return ticket.has_value();
  }

  NodeStand stand_{NodeStand::Key::present};
  Term own_;
};

TEST_F(SecondHandover, BeginsWhenTheFirstGateIsSurelyClosed) {
  ASSERT_EQ(stand_.scope().role.role(), role::Role::master);
  ASSERT_TRUE(ask());
  stand_.run(299ms);
  EXPECT_EQ(compared(), 0U);
  stand_.run(1ms);
  EXPECT_EQ(compared(), 1U);
  stand_.answer_digests();
  EXPECT_EQ(offered(), 1U);
}

TEST_F(SecondHandover, WaitsWithForceAsWell) {
  ASSERT_TRUE(ask(true));
  stand_.run(299ms);
  EXPECT_EQ(offered(), 0U);
  stand_.run(1ms);
  EXPECT_EQ(compared(), 0U);
  EXPECT_EQ(offered(), 1U);
}

TEST_F(SecondHandover, AThirdOneIsRefusedMeanwhile) {
  ASSERT_TRUE(ask());
  EXPECT_FALSE(ask());
  EXPECT_THAT(stand_.ended, IsEmpty());
}

TEST_F(SecondHandover, IsGivenUpWhenTheRoleIsLostBefore) {
  ASSERT_TRUE(ask());
  keeper::ScopeState lost{kScope, role::Role::backup, Term{9, kPeer}};
  stand_.keeper(keeper::ScopeChanged{lost, keeper::Cause::larger_term, {}, stand_.now, stand_.now});
  stand_.run(300ms);
  EXPECT_EQ(offered(), 0U);
  ASSERT_THAT(stand_.ended, SizeIs(1));
  EXPECT_TRUE(stand_.ended.front().error.has_value());
}

TEST_F(SecondHandover, IsGivenUpWithTheChannel) {
  ASSERT_TRUE(ask());
  stand_.node.on_transport_down(testing::kTransport, "reset", stand_.now);
  stand_.settle();
  ASSERT_THAT(stand_.ended, SizeIs(1));
  EXPECT_EQ(stand_.ended.front().error->detail, "the channel to the peer was lost");
}

}  // namespace
}  // namespace hotpair::ha::node
