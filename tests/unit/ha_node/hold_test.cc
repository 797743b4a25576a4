#include <gtest/gtest.h>

#include "tests/unit/ha_node/node_stand.h"

/// The hold of routes after a start lasts until every scope has been restored, whatever else ends.
namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using testing::kPeer;
using testing::kScope;
using testing::NodeStand;
namespace session = rbs::session;

/// Does not answer who asks for the whole node's scope, until it is told to.
class SlowStore final : public checkpoint::store::StoreExecutor {
 public:
  std::vector<checkpoint::StoreReply> execute(
      std::span<const checkpoint::StoreRequest> requests) override {
    std::vector<checkpoint::StoreRequest> now;
    for (const checkpoint::StoreRequest& each : requests) {
      const auto* meta = std::get_if<checkpoint::ReadMeta>(&each.body);
      (meta != nullptr && meta->scope == kWholeNode ? waiting : now).push_back(each);
    }
    return store.execute(now);
  }
  void touch(Duration since_boot) override { store.touch(since_boot); }

  checkpoint::store::MemoryStore store;
  std::vector<checkpoint::StoreRequest> waiting;
};

TEST(Hold, LastsWhileAScopeIsBeingRestored) {
  SlowStore slow;
  NodeStand stand{NodeStand::Key::absent, NodeStand::configuration(), &slow};
  stand.run(60s);
  EXPECT_TRUE(stand.node.mrib().is_held());
  ASSERT_EQ(slow.waiting.size(), 1U);
  for (const auto& reply : slow.store.execute(slow.waiting)) stand.node.on_store(reply, stand.now);
  stand.settle();
  stand.run(14s);
  EXPECT_TRUE(stand.node.mrib().is_held());
  stand.run(2s);
  EXPECT_FALSE(stand.node.mrib().is_held());
}

// The copy of one scope is filled anew, and has a hold of its own; routes of the other, which may
// be in another VRF, are known from the plane only.
TEST(Hold, OfAScopeThatIsFilledAnewEndsNoneThatWaitsForAnother) {
  SlowStore slow;
  NodeStand stand{NodeStand::Key::present, NodeStand::configuration(), &slow};
  stand.connect_keeper();
  stand.hear(role::Role::master, Term{5, kPeer}, 200);
  ASSERT_EQ(stand.scope().role.role(), role::Role::backup);
  stand.come_up();
  stand.node.scopes().at(kScope)->journal.set_torn(true);
  session::BulkBegin begin;
  begin.scope = kScope;
  begin.term = Term{5, kPeer};
  begin.sync = stand.sent_last<session::ScopeState>().generation;
  begin.history = {{{begin.term, 0}, {}}};
  session::ScopeState master;
  master.scope = kScope;
  master.role = session::Role::master;
  master.term = begin.term;
  master.history = begin.history;
  master.generation = 1;
  stand.say(master);
  stand.say(begin);
  EXPECT_EQ(stand.dropped, std::vector<std::string>{});
  stand.run(60s);
  EXPECT_TRUE(stand.node.mrib().is_held());
  for (const auto& reply : slow.store.execute(slow.waiting)) stand.node.on_store(reply, stand.now);
  stand.settle();
  stand.run(16s);
  EXPECT_FALSE(stand.node.mrib().is_held());
}

}  // namespace
}  // namespace hotpair::ha::node
