// A new keeper is told what LACP had reached when the one before it was lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using testing::kScope;
using testing::NodeStand;

class Resume : public ::testing::Test {
 protected:
  Resume() {
    stand.connect_keeper();
    tell_status(lacp::MuxState::distributing);
  }
  static NodeConfig behind_a_trunk() {
    NodeConfig config = NodeStand::configuration();
    TrunkSettings trunk;
    trunk.name = "Eth-Trunk1";
    trunk.lacp.id = lacp::TrunkId(1);
    trunk.scope = kScope;
    config.trunks = {trunk};
    return config;
  }
  void tell_status(lacp::MuxState first) {
    keeper::TrunkStatus status;
    status.trunk.id = lacp::TrunkId(1);
    for (const lacp::MuxState mux : {first, lacp::MuxState::waiting}) {
      lacp::PortShow port;
      port.index = static_cast<lacp::MemberIndex>(status.trunk.ports.size());
      port.mux = mux;
      port.partner.port = static_cast<std::uint16_t>(7 + port.index);
      status.trunk.ports.push_back(port);
    }
    stand.keeper(status);
  }
  void lose_keeper() {
    stand.node.on_keeper_lost(stand.now);
    stand.settle();
    stand.to_keeper.clear();
  }
  /// What was said to the keeper: where its kind stands first, or at the end.
  template <typename Message>
  [[nodiscard]] auto first() const {
    return std::ranges::find_if(stand.to_keeper, [](const keeper::ToKeeper& each) {
      return std::holds_alternative<Message>(each);
    });
  }
  [[nodiscard]] bool resumed() const {
    return first<keeper::ResumeTrunks>() != stand.to_keeper.end();
  }
  NodeStand stand{NodeStand::Key::absent, behind_a_trunk()};
};

TEST_F(Resume, MembersThatDistributedAreToldBeforeTheConfiguration) {
  lose_keeper();
  stand.now += 20ms;
  stand.connect_keeper();
  ASSERT_TRUE(resumed());
  EXPECT_LT(first<keeper::ResumeTrunks>(), first<keeper::Configure>());
  const auto& message = std::get<keeper::ResumeTrunks>(*first<keeper::ResumeTrunks>());
  ASSERT_EQ(message.members.size(), 1U);
  EXPECT_EQ(message.members[0].trunk, lacp::TrunkId(1));
  EXPECT_EQ(message.members[0].member, 0);
  EXPECT_EQ(message.members[0].partner.port, 7);
  // Once: what the next one reaches is its own.
  lose_keeper();
  stand.connect_keeper();
  EXPECT_FALSE(resumed());
}

// The daemon may be told of the loss again, by an attempt to connect that failed.
TEST_F(Resume, ALossThatIsToldTwiceIsOne) {
  lose_keeper();
  stand.now += 10ms;
  lose_keeper();
  stand.connect_keeper();
  EXPECT_TRUE(resumed());
}

// The commit of a handover and the loss came before the trunk's new status.
TEST_F(Resume, NothingOfAScopeThatWasGivenAway) {
  stand.hear(role::Role::master, Term{7, testing::kPeer});
  ASSERT_EQ(stand.scope().role.role(), role::Role::backup);
  lose_keeper();
  stand.connect_keeper();
  EXPECT_FALSE(resumed());
}

TEST_F(Resume, NothingAfterAShortTimeout) {
  lose_keeper();
  stand.now += 3s;
  stand.connect_keeper();
  EXPECT_FALSE(resumed());
}

TEST_F(Resume, NothingForABackup) {
  tell_status(lacp::MuxState::waiting);
  lose_keeper();
  stand.connect_keeper();
  EXPECT_FALSE(resumed());
}

TEST_F(Resume, AKeeperThatLivesOnHasItsOwn) {
  lose_keeper();
  stand.connect_keeper({{kScope, role::Role::init, Term{}}});
  EXPECT_FALSE(resumed());
}

}  // namespace
}  // namespace hotpair::ha::node
