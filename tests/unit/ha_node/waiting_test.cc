#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rbs/wire/frame_codec.h"
#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kPeer;
using testing::kScope;
using testing::kTransport;
using testing::NodeStand;
using ::testing::SizeIs;

/// What a wait says that times out now.
std::vector<Missing> lacks(NodeStand& stand, Condition condition) {
  stand.ended.clear();
  static_cast<void>(stand.node.wait(condition, 1s, stand.now));
  stand.settle();
  EXPECT_THAT(stand.ended, IsEmpty());
  stand.run(1s);
  if (stand.ended.size() != 1) return {{"ended", std::to_string(stand.ended.size())}};
  EXPECT_EQ(stand.ended.front().error->code, ErrorCode::timeout);
  return stand.ended.front().missing;
}

TEST(Waiting, WithoutKeeperAndKeyEverythingIsNamed) {
  NodeStand stand;
  EXPECT_THAT(lacks(stand, Condition::ready),
              ElementsAre(Missing{"keeper", "not connected"}, Missing{"scope 2", "no peer heard"}));
  EXPECT_THAT(lacks(stand, Condition::synced),
              ElementsAre(Missing{"keeper", "not connected"}, Missing{"RBS rbs1", "no pair key"},
                          Missing{"scope 2", "no peer heard"}));
}

TEST(Waiting, ABackupIsNoMaster) {
  NodeStand stand;
  stand.connect_keeper();
  stand.hear(role::Role::master, Term{7, kPeer}, 200);
  EXPECT_TRUE(stand.node.holds(Condition::ready));
  EXPECT_THAT(
      lacks(stand, Condition::master),
      ElementsAre(Missing{"scope 2", "this node is backup, term " + to_string(Term{7, kPeer})}));
}

TEST(Waiting, TheServicesLastErrorIsTold) {
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  stand.hear(role::Role::master, Term{7, kPeer}, 200);
  stand.node.on_transport_down(kTransport, "unreachable", stand.now);
  EXPECT_THAT(lacks(stand, Condition::synced),
              ElementsAre(Missing{"RBS rbs1", "unreachable"},
                          Missing{"scope 2", "RBS rbs1 is not connected"}));
}

TEST(Waiting, ABulkUnderWayTellsHowFarItIs) {
  namespace session = rbs::session;
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  const Term term{7, kPeer};
  stand.hear(role::Role::master, term, 200);
  stand.come_up();
  EXPECT_THAT(lacks(stand, Condition::synced),
              ElementsAre(Missing{"scope 2", "the peer does not have it"}));
  const checkpoint::EpochHistory history{{{term, 1}, Sequence{0}}};
  session::ScopeState state;
  state.scope = kScope;
  state.role = session::Role::master;
  state.term = term;
  state.history = history;
  state.generation = 1;
  stand.say(state);
  // A synchronisation is named after what the receiver said of itself.
  const auto sync = stand.sent_last<session::ScopeState>().generation;
  session::BulkBegin begin{kScope, term, sync, session::SyncKind::bulk, history, Sequence{0}, 5};
  stand.say(begin);
  checkpoint::RecordKey key;
  key.database = 200;
  key.key = Bytes(4, std::byte{1});
  auto next = key;
  next.key = Bytes(4, std::byte{2});
  stand.say(session::BulkRecords{
      kScope, term, sync, std::nullopt, next, {{key, {1, Bytes(8)}}, {next, {1, Bytes(8)}}}});
  EXPECT_THAT(lacks(stand, Condition::synced),
              ElementsAre(Missing{"scope 2", "bulk 40 % received"}));
  stand.say(session::BulkRecords{kScope, term, sync, next, std::nullopt, {}});
  stand.say(session::BulkEnd{kScope, term, sync, Sequence{0}});
  stand.run(1s);  // the engines follow the store
  EXPECT_THAT(stand.node.missing(Condition::synced), IsEmpty());
}

TEST(Waiting, EndsAsSoonAsItHolds) {
  NodeStand stand;
  stand.connect_keeper();
  static_cast<void>(stand.node.wait(Condition::ready, 60s, stand.now));
  stand.settle();
  EXPECT_THAT(stand.ended, IsEmpty());
  stand.hear(role::Role::master, Term{7, kPeer}, 200);
  ASSERT_THAT(stand.ended, SizeIs(1));
  EXPECT_FALSE(stand.ended.front().error.has_value());
  EXPECT_THAT(stand.ended.front().missing, IsEmpty());
}

}  // namespace
}  // namespace hotpair::ha::node
