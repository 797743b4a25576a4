#include <gtest/gtest.h>

#include "mrib_stand.h"

// What MRIB asks of the routers upstream (RFC 7761 4.5.4 to 4.5.6), and how it unites hosts with
// routers downstream (4.1.6). Links 1 and 3 lead to PIM routers, 2 and 4 to hosts and routers.
namespace hotpair::mcast::mrib {
namespace {

constexpr auto kExclude = FilterMode::exclude;
constexpr auto kInclude = FilterMode::include;

class Upstream : public testing::Test {
 protected:
  Upstream() {
    stand.add_pim_link(1);
    stand.add_pim_link(3);
    stand.add_pim_link(4);
    stand.add_link(2);
    stand.unicast("5.5.5.5", 1, "10.0.1.1");
    stand.unicast("10.9.0.1", 3, "10.0.3.1");
    stand.rp("5.5.5.5");
  }
  Stand stand;
};

TEST_F(Upstream, AMemberOfAGroupJoinsTheSharedTree) {
  stand.member(2, "225.1.1.1", kExclude);
  EXPECT_EQ(stand.wish("225.1.1.1", "*"), "join 1 10.0.1.1 rp 5.5.5.5");
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2");
  stand.leave(2, "225.1.1.1");
  EXPECT_TRUE(stand.wishes.empty());
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
}

TEST_F(Upstream, AMemberOfASourceJoinsItsTreeAlone) {
  stand.member(2, "232.1.1.1", kInclude, {"10.9.0.1"});
  EXPECT_EQ(stand.wish("232.1.1.1", "10.9.0.1"), "join 3 10.0.3.1");
  EXPECT_EQ(stand.wishes.size(), 1U);
  EXPECT_EQ(stand.route("232.1.1.1", "10.9.0.1"), "3>2");
}

TEST_F(Upstream, ABlockedSourceIsPrunedOffTheSharedTree) {
  stand.member(2, "225.1.1.1", kExclude, {"10.9.0.1"});
  EXPECT_EQ(stand.wish("225.1.1.1", "*"), "join 1 10.0.1.1 rp 5.5.5.5");
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.1/rpt"), "prune 1 10.0.1.1 rp 5.5.5.5");
  stand.member(4, "225.1.1.1", kExclude, {}, Origin::shared_tree);  // another link wants it
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.1/rpt"), "");
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2,4");
}

TEST_F(Upstream, HostsAndRoutersOfOneLinkAreUnited) {
  stand.member(4, "225.1.1.1", kInclude, {"10.9.0.1"});
  stand.member(4, "225.1.1.1", kExclude, {}, Origin::shared_tree);
  EXPECT_EQ(stand.route("225.1.1.1"), "1>4");
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.1"), "join 3 10.0.3.1");
  stand.leave(4, "225.1.1.1", Origin::shared_tree);
  EXPECT_EQ(stand.route("225.1.1.1"), "");
  EXPECT_EQ(stand.route("225.1.1.1", "10.9.0.1"), "3>4");
  stand.mrib.on_flush(LinkId{4}, Family::ipv4, stand.now, Origin::shared_tree);
  stand.run();
  EXPECT_EQ(stand.route("225.1.1.1", "10.9.0.1"), "3>4");
  stand.mrib.on_flush(LinkId{4}, Family::ipv4, stand.now);
  stand.run();
  EXPECT_EQ(stand.route("225.1.1.1", "10.9.0.1"), "");
  EXPECT_TRUE(stand.wishes.empty());
}

// RFC 7761 4.2.2: until the first packet comes by the source's tree the shared one is listened to.
TEST_F(Upstream, TheSourceTreeIsTurnedToByItsFirstPacket) {
  stand.member(2, "225.1.1.1", kExclude);
  stand.member(4, "225.1.1.1", kInclude, {"10.9.0.1"}, Origin::source_trees);
  EXPECT_EQ(stand.route("225.1.1.1", "10.9.0.1"), "1>2,4");
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.1/rpt"), "");
  stand.mrib.on_wrong_interface({VrfId{0}, LinkId{2}, ip("10.9.0.1"), group("225.1.1.1")},
                                stand.now);
  stand.run();
  EXPECT_EQ(stand.route("225.1.1.1", "10.9.0.1"), "1>2,4");  // not on the source's tree
  stand.mrib.on_wrong_interface({VrfId{0}, LinkId{3}, ip("10.9.0.1"), group("225.1.1.1")},
                                stand.now);
  stand.run();
  EXPECT_EQ(stand.route("225.1.1.1", "10.9.0.1"), "3>2,4");
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.1/rpt"), "prune 1 10.0.1.1 rp 5.5.5.5");
  stand.leave(4, "225.1.1.1", Origin::source_trees);
  EXPECT_EQ(stand.route("225.1.1.1", "10.9.0.1"), "");
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.1/rpt"), "");
  EXPECT_EQ(stand.wishes.size(), 1U);
}

TEST_F(Upstream, AnotherWayIsToldAnew) {
  stand.member(2, "225.1.1.1", kExclude, {"10.9.0.1"});
  stand.unicast("5.5.5.5", 1, "10.0.1.7");  // another router of the same link
  stand.unicast_changed();
  EXPECT_EQ(stand.wish("225.1.1.1", "*"), "join 1 10.0.1.7 rp 5.5.5.5");
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.1/rpt"), "prune 1 10.0.1.7 rp 5.5.5.5");
  stand.unicast("5.5.5.5", 3, "10.0.3.1");
  stand.unicast_changed();
  EXPECT_EQ(stand.wish("225.1.1.1", "*"), "join 3 10.0.3.1 rp 5.5.5.5");
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.1/rpt"), "prune 3 10.0.3.1 rp 5.5.5.5");
  stand.unicast("5.5.5.5", std::nullopt);
  stand.unicast_changed();
  EXPECT_TRUE(stand.wishes.empty());
}

TEST_F(Upstream, NothingIsAskedWithoutARouterThere) {
  stand.unicast("10.9.0.2", 1);              // connected
  stand.unicast("10.9.0.3", 2, "10.0.2.1");  // no PIM on that link
  stand.member(4, "232.1.1.1", kInclude, {"10.9.0.2", "10.9.0.3"});
  EXPECT_EQ(stand.route("232.1.1.1", "10.9.0.2"), "1>4");
  EXPECT_EQ(stand.route("232.1.1.1", "10.9.0.3"), "2>4");
  EXPECT_TRUE(stand.wishes.empty());
}

// RFC 7761 4.1.6: RPF'(*,G) is the PIM neighbour MRIB.next_hop(RP(G)), which is the RP itself where
// its address is of a link of ours.
TEST_F(Upstream, AnRpOnALinkOfOursIsItsOwnNextHop) {
  stand.connect("5.5.5.5", 1);
  stand.unicast_changed();
  stand.member(2, "225.1.1.1", kExclude, {"10.9.0.1"});
  EXPECT_EQ(stand.wish("225.1.1.1", "*"), "join 1 5.5.5.5 rp 5.5.5.5");
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.1/rpt"), "prune 1 5.5.5.5 rp 5.5.5.5");
  RouteFilter trees;
  trees.trees = true;
  const auto model = stand.mrib.show(trees, {}, stand.now);
  ASSERT_FALSE(model.rows.empty());
  EXPECT_EQ(model.rows.front().rpf_neighbour, ip("5.5.5.5"));
  stand.leave(2, "225.1.1.1");
  EXPECT_TRUE(stand.wishes.empty());
}

TEST_F(Upstream, AnActiveSourceIsJoinedWhileSomebodyWantsIt) {
  stand.unicast("10.9.0.4", 3, "10.0.3.1");
  stand.member(2, "225.1.1.1", kExclude);
  stand.mrib.on_no_route({VrfId{0}, LinkId{3}, ip("10.9.0.4"), group("225.1.1.1")}, stand.now);
  stand.run();
  EXPECT_EQ(stand.wish("225.1.1.1", "10.9.0.4"), "join 3 10.0.3.1");
  stand.leave(2, "225.1.1.1");
  EXPECT_TRUE(stand.wishes.empty());
}

// A restart in place: what the plane has is asked for again before any membership is known.
TEST_F(Upstream, UnderAHoldTreesOfThePlaneAreJoined) {
  stand.member(2, "225.1.1.1", kExclude);
  Stand next({}, &stand.plane());
  next.unicast("5.5.5.5", 1, "10.0.1.1");
  next.add_pim_link(1);
  next.add_link(2);
  next.rp("5.5.5.5");
  next.mrib.on_read_back(stand.plane().read_back().value(), next.now);
  next.run();
  EXPECT_EQ(next.wish("225.1.1.1", "*"), "join 1 10.0.1.1 rp 5.5.5.5");
  next.mrib.end_hold(std::chrono::seconds(1), next.now);
  next.pass(std::chrono::seconds(2));
  EXPECT_TRUE(next.wishes.empty());
  EXPECT_EQ(next.route("225.1.1.1"), "");
}

}  // namespace
}  // namespace hotpair::mcast::mrib
