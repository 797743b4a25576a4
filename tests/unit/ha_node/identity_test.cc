#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::kPeer;
using testing::kSelf;
using testing::NodeStand;

// The state directory of one node was copied to the other.
TEST(Identity, APeerWithThisNodesIdIsRefusedAndAlarmed) {
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  auto copied = stand.hello(role::Role::init, Term{}, 1);
  copied.node = kSelf;
  stand.keeper(keeper::PeerChanged{testing::kTrunk, true});
  stand.keeper(keeper::PeerHello{copied});
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0031"));
  stand.run(60s);
  // Neither of two such nodes takes a role: their terms could not be told apart.
  EXPECT_EQ(stand.scope().role.role(), role::Role::init);
  EXPECT_THAT(stand.node.missing(Condition::ready),
              ElementsAre(Missing{"scope 2", "the peer has this node's id"}));
  stand.hear(role::Role::master, Term{5, kPeer}, 200);
  EXPECT_FALSE(stand.has_alarm("HA-NODE-0031"));
  EXPECT_EQ(stand.scope().role.role(), role::Role::backup);
}

TEST(Identity, ASittingMasterStaysWhenACopyAppears) {
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  stand.keeper(keeper::Alone{testing::kTrunk});
  ASSERT_EQ(stand.scope().role.role(), role::Role::master);
  auto copied = stand.hello(role::Role::master, Term{1000, kSelf}, 200);
  copied.node = kSelf;
  stand.keeper(keeper::PeerHello{copied});
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0031"));
  EXPECT_EQ(stand.scope().role.role(), role::Role::master);
}

TEST(Identity, TheChannelRefusesItToo) {
  NodeStand stand{NodeStand::Key::present};
  stand.node.on_transport_up(testing::kTransport, stand.now);
  stand.settle();
  rbs::session::Open open;
  open.node = kSelf;
  stand.say(open);
  const std::string& why = stand.node.services().at("rbs1")->last_error;
  EXPECT_THAT(why, ::testing::HasSubstr("both ends have the same node id"));
  stand.run(3s);
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0003"));
}

TEST(Identity, LostTermsAreAnAlarmUntilThePeerIsHeard) {
  NodeStand stand;
  stand.node.on_terms_lost("/var/lib/hotpair/store/terms.aside", stand.now);
  stand.settle();
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0030"));
  for (const ActiveAlarm& alarm : stand.node.alarms().active())
    if (alarm.message->id == "HA-NODE-0030") {
      EXPECT_THAT(alarm.text, ::testing::HasSubstr("/var/lib/hotpair/store/terms.aside"));
      EXPECT_FALSE(alarm.message->action.empty());
    }
  stand.connect_keeper();
  stand.hear(role::Role::master, Term{77, kPeer}, 200);
  EXPECT_FALSE(stand.has_alarm("HA-NODE-0030"));
  EXPECT_GT(stand.scope().role.next_term()->counter, 77U);
}

}  // namespace
}  // namespace hotpair::ha::node
