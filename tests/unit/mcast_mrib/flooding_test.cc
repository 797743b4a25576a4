#include <gtest/gtest.h>

#include "mrib_stand.h"

// Dense groups: 224.0.1.39 and 224.0.1.40 between PIM routers on links 1, 3 and 4; hosts on 2; the
// RP of all groups is behind 1, 9 is the register link.
namespace hotpair::mcast::mrib {
namespace {

using std::chrono::seconds;

const std::string kDense = "224.0.1.40";
const std::string kAgent = "10.9.0.1";
const std::string kOwnSource = "10.2.0.1";

class FloodingTest : public testing::Test {
 protected:
  FloodingTest() {
    for (const std::uint32_t link : {1U, 3U, 4U}) stand.add_pim_link(link);
    stand.add_link(2);
    stand.add_link(9);
    stand.unicast("5.5.5.5", 1, "10.0.1.1");
    stand.unicast(kAgent, 3, "10.0.3.1");
    stand.connect(kOwnSource, 2);
    stand.rp("5.5.5.5");
    stand.mrib.set_register_link(VrfId{0}, Family::ipv4, LinkId{9}, stand.now);
    stand.mrib.set_spt_policy(Family::ipv4, {}, stand.now);
    stand.run();
  }
  void flood(const std::vector<std::uint32_t>& links) {
    std::vector<LinkId> ids;
    for (const std::uint32_t link : links) ids.emplace_back(link);
    stand.mrib.set_flooding(VrfId{0}, {group("224.0.1.39"), group(kDense)}, ids, stand.now);
    stand.run();
  }
  fwd::FakePlane plane;
  Stand stand{{}, &plane};
};

TEST_F(FloodingTest, ASourceGoesToAllLinksButTheOneItComesInBy) {
  flood({1, 3, 4});
  EXPECT_EQ(stand.packet(3, kAgent, kDense), "");
  EXPECT_EQ(stand.route(kDense, kAgent), "3>1,4");
  EXPECT_EQ(stand.packet(3, kAgent, kDense), "1 4");
  EXPECT_EQ(stand.packet(1, kAgent, kDense), "") << "RPF";
}

TEST_F(FloodingTest, NothingIsJoinedOrRegistered) {
  flood({1, 3, 4});
  static_cast<void>(stand.packet(3, kAgent, kDense));
  static_cast<void>(stand.packet(3, kAgent, kDense));
  static_cast<void>(stand.packet(2, kOwnSource, "224.0.1.39"));
  EXPECT_EQ(stand.route("224.0.1.39", kOwnSource), "2>1,3,4");
  EXPECT_TRUE(stand.wishes.empty());
  EXPECT_TRUE(stand.registering.empty());
  EXPECT_EQ(stand.route(kDense), "") << "no shared tree";
}

TEST_F(FloodingTest, OtherGroupsKeepTheirRp) {
  flood({1, 3, 4});
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  EXPECT_EQ(stand.wish("225.1.1.1", "*"), "join 1 10.0.1.1 rp 5.5.5.5");
}

TEST_F(FloodingTest, LinksComeAndGoUnderARunningSource) {
  flood({3});
  static_cast<void>(stand.packet(3, kAgent, kDense));
  EXPECT_EQ(stand.route(kDense, kAgent), "3>") << "a negative route";
  flood({3, 4});
  EXPECT_EQ(stand.route(kDense, kAgent), "3>4");
  flood({1, 3, 4});
  EXPECT_EQ(stand.route(kDense, kAgent), "3>1,4");
  flood({1, 3});
  EXPECT_EQ(stand.route(kDense, kAgent), "3>1");
}

TEST_F(FloodingTest, HostsAreServedBesideTheFlooding) {
  flood({1, 3});
  stand.member(2, kDense, FilterMode::exclude);
  static_cast<void>(stand.packet(3, kAgent, kDense));
  EXPECT_EQ(stand.route(kDense, kAgent), "3>1,2");
  EXPECT_TRUE(stand.wishes.empty());
}

TEST_F(FloodingTest, ASilentSourceEnds) {
  flood({1, 3});
  static_cast<void>(stand.packet(3, kAgent, kDense));
  stand.pass(seconds(300));
  EXPECT_EQ(stand.route(kDense, kAgent), "");
}

TEST_F(FloodingTest, WithoutItTheGroupIsLikeAnyOther) {
  flood({1, 3, 4});
  static_cast<void>(stand.packet(3, kAgent, kDense));
  stand.mrib.set_flooding(VrfId{0}, {}, {}, stand.now);
  stand.run();
  EXPECT_EQ(stand.route(kDense, kAgent), "3>");
  stand.member(2, kDense, FilterMode::exclude);
  EXPECT_EQ(stand.wish(kDense, "*"), "join 1 10.0.1.1 rp 5.5.5.5");
}

}  // namespace
}  // namespace hotpair::mcast::mrib
