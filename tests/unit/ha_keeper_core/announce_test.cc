// Who tells the links that addresses moved, when, and that nobody does it behind a closed gate.
#include <gtest/gtest.h>

#include "tests/unit/ha_keeper_core/pair.h"

namespace hotpair::ha::keeper::test {
namespace {

class AnnouncingPair : public Pair {
 public:
  Configure configuration(const Router& router) const override {
    Configure configure = Pair::configuration(router);
    configure.announcements = {{kScope, "hpf-ge0", {"frame 1", "frame 2"}},
                               {ScopeId(11), "hpf-ge1", {"of another scope"}}};
    return configure;
  }
};

std::size_t announced(const Router& router, std::size_t from = 0) {
  std::size_t count = 0;
  for (std::size_t i = from; i < router.journal.size(); ++i)
    if (const auto* frame = std::get_if<Announce>(&router.journal[i])) {
      EXPECT_EQ(frame->device, "hpf-ge0");
      EXPECT_EQ(frame->frame, count % 2 == 0 ? "frame 1" : "frame 2");
      ++count;
    }
  return count;
}

TEST(Announcements, OnlyBehindAnOpenGate) {
  AnnouncingPair pair;
  pair.bring_up();
  pair.run_for(seconds(10));
  EXPECT_EQ(announced(pair.a), 12U);
  EXPECT_EQ(announced(pair.b), 0U);
  EXPECT_EQ(pair.state(pair.a).announced, 12U);
  EXPECT_NE(pair.state(pair.a).opened_at, TimePoint{});
  EXPECT_EQ(pair.state(pair.b).announced, 0U);
}

// The gate first, then the hello that stops the peer, then the links.
TEST(Announcements, ATakeoverTellsTheLinksAtOnceAndAgain) {
  AnnouncingPair pair;
  pair.bring_up();
  pair.run_for(seconds(10));
  const std::size_t mark = pair.b.journal.size();
  pair.kill_keeper(pair.a);
  pair.run_for(milliseconds(110));
  ASSERT_TRUE(pair.open(pair.b));
  EXPECT_GE(announced(pair.b, mark), 2U);
  std::vector<std::size_t> order;
  for (std::size_t i = mark; i < pair.b.journal.size(); ++i) {
    if (std::holds_alternative<StoreGate>(pair.b.journal[i])) order.push_back(0);
    if (std::holds_alternative<SendHello>(pair.b.journal[i]) && !order.empty()) order.push_back(1);
    if (std::holds_alternative<Announce>(pair.b.journal[i])) order.push_back(2);
  }
  ASSERT_GE(order.size(), 3U);
  EXPECT_EQ(order[0], 0U);
  EXPECT_EQ(order[1], 1U);
  EXPECT_EQ(order[2], 2U);
  pair.run_for(seconds(10));
  EXPECT_EQ(announced(pair.b, mark), 12U);
}

TEST(Announcements, EndWhenTheGateCloses) {
  AnnouncingPair pair;
  pair.bring_up();
  pair.run_for(milliseconds(150));
  pair.set_scope(pair.a, Role::backup, Pair::term(9, pair.b), GatePosture::closed);
  const std::size_t mark = pair.a.journal.size();
  pair.run_for(seconds(10));
  EXPECT_EQ(announced(pair.a, mark), 0U);
}

// A backup that was cut off may have claimed the addresses: whoever stays says so again.
TEST(Announcements, AgainWhenThePeerIsBack) {
  AnnouncingPair pair;
  pair.bring_up();
  pair.run_for(seconds(10));
  pair.kill_keeper(pair.b);
  pair.run_for(seconds(2));
  const std::size_t mark = pair.a.journal.size();
  EXPECT_EQ(announced(pair.a, mark), 0U);
  pair.start_keeper(pair.b);
  pair.connect(pair.b);
  pair.run_for(seconds(8));
  ASSERT_TRUE(pair.open(pair.a));
  EXPECT_GE(announced(pair.a, mark), 12U);
}

TEST(Announcements, OfANewAddressWhileOpen) {
  AnnouncingPair pair;
  pair.bring_up();
  pair.run_for(seconds(10));
  Configure configure = pair.configuration(pair.a);
  pair.tell(pair.a, configure);
  const std::size_t mark = pair.a.journal.size();
  pair.run_for(seconds(10));
  EXPECT_EQ(announced(pair.a, mark), 0U) << "nothing new, nothing said";
  configure.announcements.pop_back();
  pair.tell(pair.a, configure);
  pair.run_for(seconds(10));
  EXPECT_EQ(announced(pair.a, mark), 12U);
}

}  // namespace
}  // namespace hotpair::ha::keeper::test
