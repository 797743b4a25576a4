#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kPeer;
using testing::kTransport;
using testing::NodeStand;
namespace session = rbs::session;

TEST(Leaving, TheGoodbyeIsSaidBeforeTheEnd) {
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  stand.hear(role::Role::master, Term{7, kPeer}, 200);
  stand.come_up();
  stand.frames.clear();
  static_cast<void>(stand.node.leave("an operator asked", stand.now));
  stand.settle();
  // Not a turn later: a backup has nothing to wait for, and the process ends soon.
  ASSERT_FALSE(stand.frames.empty());
  const auto* bye = std::get_if<session::Bye>(&stand.frames.back());
  ASSERT_NE(bye, nullptr);
  EXPECT_EQ(bye->reason, session::Reason::leaving);
  EXPECT_THAT(stand.dropped, ElementsAre("leaving: leaving the pair"));
  EXPECT_FALSE(stand.stopped);
  stand.run(100ms);
  EXPECT_TRUE(stand.stopped);
}

TEST(Leaving, ThePeersGoodbyeIsShownUntilItIsBack) {
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  stand.come_up();
  stand.say(session::Bye{session::Reason::leaving, "leaving the pair"});
  const Service& service = *stand.node.services().at("rbs1");
  EXPECT_EQ(service.last_error, "peer left: leaving the pair");
  EXPECT_THAT(stand.log, Contains(::testing::Pair("HA-NODE-0012", HasSubstr("lost: peer left"))));
  stand.node.on_transport_down(kTransport, "none", stand.now);  // the stream that we dropped
  stand.node.on_transport_down(kTransport, "unreachable (refused)", stand.now);
  stand.settle();
  EXPECT_EQ(service.last_error, "peer left, now unreachable (refused)");
  stand.come_up();
  EXPECT_EQ(service.last_error, "");
  stand.node.on_transport_down(kTransport, "truncated", stand.now);
  EXPECT_EQ(service.last_error, "truncated");
}

}  // namespace
}  // namespace hotpair::ha::node
