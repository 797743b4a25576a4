#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/schema/record_codec.h"
#include "tests/unit/ha_node/node_stand.h"

/// A master that is told what only the peer's line has.
namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::kPeer;
using testing::kScope;
using testing::NodeStand;
using ::testing::Not;
using ::testing::Pair;
namespace session = rbs::session;
namespace gmp = mcast::gmp;

Group group(unsigned number) { return *Group::from(IpAddress::v4(0xefff0000U + number)); }

NodeConfig with_access() {
  NodeConfig config = NodeStand::configuration();
  LinkSettings access;
  access.name = "Eth-Trunk1";
  access.device = "et1";
  access.ipv4 = true;
  access.scope = kScope;
  access.eth_trunk = 1;
  access.addresses = {*IpPrefix::parse("10.0.15.1/24")};
  access.igmp = gmp::InterfaceConfig{};
  config.links = {access};
  return config;
}

/// The node is master; the peer, master in a smaller term until now, is connected.
class DivergenceTest : public ::testing::Test {
 public:
  DivergenceTest() : stand(NodeStand::Key::present, with_access()) {
    stand.node.on_device({"et1", true, true, {*IpPrefix::parse("10.0.15.1/24")}, std::nullopt},
                         stand.now);
    static_cast<void>(codec.links().bind(
        LinkId{1}, {VrfId{0}, "Eth-Trunk1", checkpoint::schema::TrunkRef{kScope.value(), 1}}));
    stand.settle();
    stand.connect_keeper();
    stand.hear(role::Role::backup, Term{}, 50);
    EXPECT_EQ(stand.scope().role.role(), role::Role::master);
    stand.come_up();
  }
  session::Diverged slice(std::uint32_t number, std::vector<unsigned> groups, bool done) const {
    session::Diverged frame{
        kScope, stand.scope().role.term(), 2, number, {{1, kPeer}, 0}, Sequence{50}, true, done, 10,
        {}};
    for (const unsigned one : groups) {
      gmp::GroupValue value;
      value.mode = gmp::FilterMode::exclude;
      value.is_dynamic = true;
      value.last_reporter = IpAddress::v4(0x0a000f64U);
      const auto change =
          codec.encode(kScope, gmp::GroupMembership{{LinkId{1}, group(one)}, value});
      frame.records.push_back({change->key, *change->value});
    }
    return frame;
  }
  std::size_t groups() const { return stand.node.gmp().group_count(LinkId{1}, Family::ipv4); }

  NodeStand stand;
  checkpoint::schema::RecordCodec codec;
};

TEST_F(DivergenceTest, OneEventNamesWhatDivergedAndOneLineEndsIt) {
  stand.say(slice(0, {1, 2}, false));
  EXPECT_EQ(groups(), 2U) << "united at once, before the telling ends";
  EXPECT_EQ(stand.sent_last<session::DivergedTaken>().slice, 0U);
  EXPECT_THAT(stand.log, Not(Contains(Pair("HA-NODE-0050", ::testing::_))));
  stand.say(slice(1, {2, 3}, true));
  EXPECT_THAT(stand.log,
              Contains(Pair("HA-NODE-0050",
                            ::testing::AllOf(HasSubstr("both nodes were master"),
                                             HasSubstr("only there 3, with less here 0, refused 0"),
                                             HasSubstr("Eth-Trunk1 239.255.0.1, "
                                                       "Eth-Trunk1 239.255.0.2")))));
  const switchover::Story story = stand.node.history().stories().back();
  EXPECT_THAT(story.remark, HasSubstr("only there 3"));
  EXPECT_EQ(story.memberships, 3U);
  stand.run(3s);
  EXPECT_EQ(groups(), 0U);
  EXPECT_THAT(stand.log, Contains(Pair("HA-NODE-0051", HasSubstr("hosts confirmed 0, 3 ended"))));
  EXPECT_THAT(stand.node.history().stories().back().phases.back().name,
              HasSubstr("3 ended unanswered"));
  EXPECT_FALSE(stand.scope().divergence);
}

TEST_F(DivergenceTest, ATellingThatStopsIsToldAllTheSame) {
  stand.say(slice(0, {1}, false));
  stand.run(6s);
  EXPECT_THAT(stand.log, Contains(Pair("HA-NODE-0050", HasSubstr("only there 1"))));
  EXPECT_THAT(stand.log, Contains(Pair("HA-NODE-0051", HasSubstr("1 ended"))));
}

TEST_F(DivergenceTest, ALineThatHadNothingMoreIsNoEventUnlessBothWereMaster) {
  session::Diverged nothing = slice(0, {}, true);
  nothing.deposed = false;
  stand.say(nothing);
  EXPECT_THAT(stand.log, Not(Contains(Pair("HA-NODE-0050", ::testing::_))));
  EXPECT_FALSE(stand.scope().divergence);
}

TEST_F(DivergenceTest, RecordsThatDoNotDecodeAreCounted) {
  session::Diverged broken = slice(0, {1}, true);
  broken.records.front().value.bytes.resize(3);
  stand.say(broken);
  EXPECT_EQ(groups(), 0U);
  EXPECT_THAT(stand.log, Contains(Pair("HA-NODE-0050", HasSubstr("refused 1"))));
}

TEST_F(DivergenceTest, AnOlderTermIsNotObeyed) {
  session::Diverged old = slice(0, {1}, true);
  old.term = Term{old.term.counter - 1, kPeer};
  stand.say(old);
  EXPECT_EQ(groups(), 0U);
}

}  // namespace
}  // namespace hotpair::ha::node
