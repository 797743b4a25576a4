#include <gtest/gtest.h>

#include "mrib_stand.h"

// The last hop's switch to the source's tree, the RP, the first hop (RFC 7761 4.2.1, 4.4). Links 1
// and 3 lead to PIM routers, the RP behind 1, sources behind 3; hosts on 2, routers on 4; 9 is the
// register link.
namespace hotpair::mcast::mrib {
namespace {

using std::chrono::seconds;

constexpr auto kExclude = FilterMode::exclude;
constexpr ScopeId kScope{1};
constexpr LinkId kRegister{9};
const std::string kGroup = "225.1.1.1";
const std::string kSource = "10.9.0.1";
const std::string kOwnSource = "10.2.0.1";

class SharedTreeTest : public testing::Test {
 protected:
  SharedTreeTest() : stand({}, &plane) {
    for (const std::uint32_t link : {1U, 3U, 4U}) stand.add_pim_link(link);
    stand.add_link(2);
    stand.add_link(9);
    stand.unicast("5.5.5.5", 1, "10.0.1.1");
    stand.unicast(kSource, 3, "10.0.3.1");
    stand.connect(kOwnSource, 2);
    stand.rp("5.5.5.5");
    stand.mrib.set_register_link(VrfId{0}, Family::ipv4, kRegister, stand.now);
    stand.run();
  }
  void policy(std::uint32_t threshold_kbps) {
    stand.mrib.set_spt_policy(Family::ipv4, {.threshold_kbps = threshold_kbps}, stand.now);
    stand.run();
  }
  void be_rp() {
    stand.local("5.5.5.5");
    stand.unicast_changed();
  }
  void registered(const std::string& source = kSource) {
    stand.mrib.on_register_source(VrfId{0}, group(kGroup), ip(source), stand.now);
    stand.run();
  }
  void tunnel(bool on) {
    stand.mrib.set_register_tunnel(VrfId{0}, group(kGroup), ip(kOwnSource), on, stand.now);
    stand.run();
  }
  [[nodiscard]] bool registers() const {
    return stand.registering.contains({group(kGroup), ip(kOwnSource)});
  }
  fwd::FakePlane plane;
  Stand stand;
};

TEST_F(SharedTreeTest, TheLastHopSwitchesAtTheFirstPacket) {
  policy(0);
  stand.member(2, kGroup, kExclude);
  EXPECT_EQ(stand.wish(kGroup, "*"), "join 1 10.0.1.1 rp 5.5.5.5");
  EXPECT_EQ(stand.route(kGroup), "") << "upcalls show the sources";
  EXPECT_EQ(stand.packet(1, kSource, kGroup), "");
  EXPECT_EQ(stand.route(kGroup, kSource), "1>2") << "still by the shared tree";
  EXPECT_EQ(stand.wish(kGroup, kSource), "join 3 10.0.3.1");
  EXPECT_EQ(stand.packet(1, kSource, kGroup), "2");
  EXPECT_EQ(stand.packet(3, kSource, kGroup), "");
  EXPECT_EQ(stand.route(kGroup, kSource), "3>2");
  EXPECT_EQ(stand.packet(3, kSource, kGroup), "2");
  EXPECT_EQ(stand.wish(kGroup, kSource + "/rpt"), "prune 1 10.0.1.1 rp 5.5.5.5");
  stand.pass(seconds(200));
  EXPECT_EQ(stand.wish(kGroup, kSource), "join 3 10.0.3.1") << "silence alone does not undo it";
  stand.pass(seconds(60));
  EXPECT_EQ(stand.wish(kGroup, kSource), "");
  EXPECT_EQ(stand.route(kGroup, kSource), "");
}

TEST_F(SharedTreeTest, NeverStaysOnTheSharedTree) {
  stand.member(2, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup), "1>2");
  EXPECT_EQ(stand.packet(1, kSource, kGroup), "2");
  EXPECT_EQ(stand.wishes.size(), 1U);
  policy(0);
  EXPECT_EQ(stand.route(kGroup), "");
  stand.mrib.set_spt_policy(Family::ipv4, {.never = true}, stand.now);
  stand.run();
  EXPECT_EQ(stand.route(kGroup), "1>2");
}

TEST_F(SharedTreeTest, ATransitRouterKeepsTheStarInThePlane) {
  policy(0);
  stand.member(4, kGroup, kExclude, {}, Origin::shared_tree);
  EXPECT_EQ(stand.route(kGroup), "1>4");
  stand.member(2, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup), "");
  stand.packet(1, kSource, kGroup);
  EXPECT_EQ(stand.route(kGroup, kSource), "1>2,4");
  stand.leave(2, kGroup);
  EXPECT_EQ(stand.route(kGroup), "1>4");
  EXPECT_EQ(stand.wish(kGroup, kSource), "join 3 10.0.3.1") << "while its keepalive runs";
}

TEST_F(SharedTreeTest, WithoutPimTowardsTheRpNothingChanges) {
  stand.unicast("5.5.5.5", 2, "10.2.0.9");
  stand.unicast_changed();
  policy(0);
  stand.member(4, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup), "2>4");
}

TEST_F(SharedTreeTest, AThresholdIsMeasuredByCounters) {
  policy(1);  // 1 kbit/s: two packets of 100 octets a second are more
  stand.member(2, kGroup, kExclude);
  stand.packet(1, kSource, kGroup);
  for (int i = 0; i < 40; ++i) {
    stand.pass(seconds(1));
    EXPECT_EQ(stand.packet(1, kSource, kGroup), "2");
  }
  EXPECT_EQ(stand.wish(kGroup, kSource), "") << "800 bit/s";
  for (int i = 0; i < 80; ++i) {
    stand.pass(std::chrono::milliseconds(500));
    stand.packet(1, kSource, kGroup);
  }
  EXPECT_EQ(stand.wish(kGroup, kSource), "join 3 10.0.3.1");
  EXPECT_EQ(stand.route(kGroup, kSource), "1>2");
}

TEST_F(SharedTreeTest, TheRpReceivesByTheRegisterLink) {
  be_rp();
  stand.member(4, kGroup, kExclude, {}, Origin::shared_tree);
  EXPECT_EQ(stand.route(kGroup), "9>4");
  EXPECT_TRUE(stand.wishes.empty());
  policy(0);
  EXPECT_EQ(stand.route(kGroup), "") << "upcalls show the sources";
  registered();
  EXPECT_EQ(stand.route(kGroup, kSource), "9>4");
  EXPECT_EQ(stand.wish(kGroup, kSource), "join 3 10.0.3.1");
  EXPECT_TRUE(stand.mrib.has_receivers(VrfId{0}, group(kGroup), ip(kSource)));
  EXPECT_FALSE(stand.mrib.spt_bit(VrfId{0}, group(kGroup), ip(kSource)));
  EXPECT_EQ(stand.packet(9, kSource, kGroup), "4") << "a decapsulated Register";
  stand.packet(3, kSource, kGroup);
  EXPECT_TRUE(stand.mrib.spt_bit(VrfId{0}, group(kGroup), ip(kSource)));
  EXPECT_EQ(stand.route(kGroup, kSource), "3>4");
}

TEST_F(SharedTreeTest, TheRpRemembersASourceThatNobodyWants) {
  be_rp();
  policy(0);
  registered();
  EXPECT_FALSE(stand.mrib.has_receivers(VrfId{0}, group(kGroup), ip(kSource)));
  EXPECT_EQ(stand.wish(kGroup, kSource), "");
  stand.pass(seconds(184));
  stand.member(4, kGroup, kExclude, {}, Origin::shared_tree);
  EXPECT_EQ(stand.wish(kGroup, kSource), "join 3 10.0.3.1");
  stand.leave(4, kGroup, Origin::shared_tree);
  stand.pass(seconds(100));
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
}

TEST_F(SharedTreeTest, TheFirstHopCouldRegister) {
  stand.packet(2, kOwnSource, kGroup);
  ASSERT_TRUE(registers());
  EXPECT_EQ(stand.registering.begin()->second, ip("5.5.5.5"));
  tunnel(true);
  EXPECT_EQ(stand.route(kGroup, kOwnSource), "2>9");
  EXPECT_FALSE(stand.mrib.has_receivers(VrfId{0}, group(kGroup), ip(kOwnSource)));
  stand.member(4, kGroup, FilterMode::include, {kOwnSource}, Origin::source_trees);
  EXPECT_EQ(stand.route(kGroup, kOwnSource), "2>4,9");
  tunnel(false);
  EXPECT_EQ(stand.route(kGroup, kOwnSource), "2>4");
  stand.leave(4, kGroup, Origin::source_trees);
  stand.pass(seconds(100));
  EXPECT_EQ(stand.route(kGroup, kOwnSource), "2>") << "it is active: no timed negative";
  EXPECT_TRUE(registers());
  stand.pass(seconds(200));
  EXPECT_FALSE(registers());
  EXPECT_TRUE(stand.plane().routes().empty());
}

// Who joins a source before it speaks must not hide its first packet: it is to be registered.
TEST_F(SharedTreeTest, TheFirstHopSeesTheFirstPacketOfAJoinedSource) {
  stand.member(4, kGroup, FilterMode::include, {kOwnSource}, Origin::source_trees);
  EXPECT_EQ(stand.route(kGroup, kOwnSource), "");
  stand.packet(2, kOwnSource, kGroup);
  EXPECT_TRUE(registers());
  EXPECT_EQ(stand.route(kGroup, kOwnSource), "2>4");
  stand.pass(seconds(300));
  EXPECT_EQ(stand.route(kGroup, kOwnSource), "") << "it ceased, it is to be seen again";
  stand.member(4, "232.1.1.1", FilterMode::include, {kOwnSource}, Origin::source_trees);
  EXPECT_EQ(stand.route("232.1.1.1", kOwnSource), "2>4") << "nobody is told of it";
}

TEST_F(SharedTreeTest, OnlyTheDesignatedRouterRegistersAndNotToItself) {
  stand.mrib.set_link({LinkId{2}, VrfId{0}, true, true, std::nullopt, false, false, false, false},
                      stand.now);
  stand.run();
  stand.packet(2, kOwnSource, kGroup);
  EXPECT_FALSE(registers());
  stand.add_link(2);
  EXPECT_TRUE(registers());
  be_rp();
  EXPECT_FALSE(registers());
  stand.packet(3, kSource, kGroup);
  EXPECT_TRUE(stand.registering.empty()) << "not connected";
}

TEST_F(SharedTreeTest, AStandbyRegistersAfterItsActivation) {
  stand.add_link(2, kScope);
  stand.mrib.set_scope_mode(kScope, ScopeMode::active, stand.now);
  stand.packet(2, kOwnSource, kGroup);
  ASSERT_EQ(stand.journal.size(), 1U);
  EXPECT_EQ(stand.journal[0].kind, DataDrivenKind::fhr);
  EXPECT_TRUE(registers());
  stand.mrib.set_scope_mode(kScope, ScopeMode::standby, stand.now);
  stand.run();
  EXPECT_FALSE(registers());

  fwd::FakePlane other;
  Stand standby({}, &other);
  standby.add_pim_link(1);
  standby.add_link(2, kScope);
  standby.add_link(9);
  standby.unicast("5.5.5.5", 1, "10.0.1.1");
  standby.connect(kOwnSource, 2);
  standby.rp("5.5.5.5");
  standby.mrib.set_register_link(VrfId{0}, Family::ipv4, kRegister, standby.now);
  standby.mrib.set_scope_mode(kScope, ScopeMode::standby, standby.now);
  standby.mrib.on_record(stand.journal[0], standby.now);
  standby.run();
  EXPECT_EQ(standby.route(kGroup, kOwnSource), "2>");
  standby.pass(seconds(1000));
  EXPECT_TRUE(standby.registering.empty());
  standby.mrib.set_scope_mode(kScope, ScopeMode::active, standby.now);
  standby.run();
  EXPECT_EQ(standby.registering.size(), 1U);
  EXPECT_EQ(standby.mrib.snapshot(kScope, 0, 10).records, stand.journal);
  standby.journal = stand.journal;  // what its store holds
  standby.pass(seconds(300));
  EXPECT_TRUE(standby.registering.empty()) << "no packets";
  EXPECT_TRUE(standby.journal.empty());
}

TEST_F(SharedTreeTest, ConfiguredSourceSpecificRangesHaveNoStar) {
  stand.member(2, kGroup, kExclude);
  EXPECT_EQ(stand.route(kGroup), "1>2");
  stand.mrib.set_ssm_ranges(Family::ipv4, {IpPrefix::parse("225.1.0.0/16").value()}, stand.now);
  stand.run();
  EXPECT_EQ(stand.route(kGroup), "");
  EXPECT_TRUE(stand.wishes.empty());
  stand.mrib.set_ssm_ranges(Family::ipv4, {}, stand.now);
  stand.run();
  EXPECT_EQ(stand.route(kGroup), "1>2");
}

TEST_F(SharedTreeTest, AHoldKeepsTheJoinThatNoRouteShows) {
  policy(0);
  stand.member(2, kGroup, kExclude);
  stand.mrib.begin_hold(stand.now);
  stand.leave(2, kGroup);
  EXPECT_EQ(stand.wish(kGroup, "*"), "join 1 10.0.1.1 rp 5.5.5.5");
  stand.mrib.end_hold(seconds(0), stand.now);
  stand.run();
  EXPECT_TRUE(stand.wishes.empty());
}

}  // namespace
}  // namespace hotpair::mcast::mrib
