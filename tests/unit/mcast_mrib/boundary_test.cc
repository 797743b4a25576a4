#include <gtest/gtest.h>

#include "mrib_stand.h"

// Administrative scopes (RFC 2365 3): nothing of their groups passes the boundary, either way.
// Links 1 and 3 lead to PIM routers, of the RP and of the source; 2 and 4 to hosts and routers.
namespace hotpair::mcast::mrib {
namespace {

constexpr auto kExclude = FilterMode::exclude;
constexpr auto kInclude = FilterMode::include;

class Boundary : public testing::Test {
 protected:
  Boundary() {
    stand.add_pim_link(1);
    stand.add_pim_link(3);
    stand.add_pim_link(4);
    stand.add_link(2);
    stand.unicast("5.5.5.5", 1, "10.0.1.1");
    stand.unicast("10.9.0.1", 3, "10.0.3.1");
    stand.rp("5.5.5.5");
  }
  void bound(std::uint32_t link, const wire::ScopeBoundary& boundary) {
    LinkConfig config{LinkId{link}, VrfId{0}, true, true, std::nullopt, link != 2, link != 2};
    config.boundary = boundary;
    stand.mrib.set_link(config, stand.now);
    stand.run();
  }
  static wire::ScopeBoundary range(const char* text) {
    return {.ranges = {IpPrefix::parse(text).value()}};
  }
  Stand stand;
};

TEST_F(Boundary, NothingGoesOut) {
  stand.member(2, "239.1.1.1", kExclude);
  stand.member(4, "239.1.1.1", kExclude, {}, Origin::shared_tree);
  stand.member(4, "239.2.1.1", kExclude, {}, Origin::shared_tree);
  bound(4, range("239.1.0.0/16"));
  EXPECT_EQ(stand.route("239.1.1.1"), "1>2");
  EXPECT_EQ(stand.route("239.2.1.1"), "1>4");
  bound(2, range("239.0.0.0/8"));
  EXPECT_EQ(stand.route("239.1.1.1"), "");
  EXPECT_EQ(stand.wish("239.1.1.1", "*"), "") << "nobody is left to join for";
  bound(4, {});
  EXPECT_EQ(stand.route("239.1.1.1"), "1>4") << "what was wanted there was kept";
  EXPECT_EQ(stand.wish("239.1.1.1", "*"), "join 1 10.0.1.1 rp 5.5.5.5");
}

TEST_F(Boundary, NothingIsJoinedAcrossIt) {
  bound(1, range("239.1.0.0/16"));
  stand.member(2, "239.1.1.1", kExclude);
  stand.member(2, "239.2.1.1", kExclude);
  EXPECT_EQ(stand.wish("239.1.1.1", "*"), "");
  EXPECT_EQ(stand.wish("239.2.1.1", "*"), "join 1 10.0.1.1 rp 5.5.5.5");
  bound(3, range("239.2.0.0/16"));
  stand.member(2, "239.2.1.1", kInclude, {"10.9.0.1"});
  EXPECT_EQ(stand.wish("239.2.1.1", "10.9.0.1"), "");
  EXPECT_EQ(stand.route("239.2.1.1", "10.9.0.1"), "");
  bound(3, {});
  EXPECT_EQ(stand.wish("239.2.1.1", "10.9.0.1"), "join 3 10.0.3.1");
}

TEST_F(Boundary, NothingComesIn) {
  stand.unicast("10.3.0.9", 3);
  stand.connect("10.3.0.9", 3);
  stand.member(2, "239.1.1.1", kInclude, {"10.3.0.9"});
  EXPECT_EQ(stand.route("239.1.1.1", "10.3.0.9"), "3>2");
  bound(3, range("239.1.0.0/16"));
  EXPECT_EQ(stand.route("239.1.1.1", "10.3.0.9"), "");
  stand.mrib.on_no_route({VrfId{0}, LinkId{3}, ip("10.3.0.9"), group("239.1.1.1")}, stand.now);
  stand.run();
  EXPECT_EQ(stand.route("239.1.1.1", "10.3.0.9"), "?>") << "refused in the plane, not asked again";
  bound(3, {});
  EXPECT_EQ(stand.route("239.1.1.1", "10.3.0.9"), "3>2");
}

// RFC 4007 5: where a scope ends every smaller one does.
TEST_F(Boundary, AnIpv6ScopeEndsWithAllSmallerOnes) {
  bound(4, {.ranges = {}, .ipv6_scope = 5});
  for (const char* inside : {"ff05::1:1", "ff35::1:1", "ff13::1:1"}) {
    stand.member(4, inside, kExclude);
    EXPECT_EQ(stand.mrib.statistics().routes, 0U) << inside;
  }
  const wire::ScopeBoundary site{.ranges = {}, .ipv6_scope = 5};
  EXPECT_FALSE(site.contains(ip("ff08::1")));
  EXPECT_FALSE(site.contains(ip("239.1.1.1")));
  EXPECT_TRUE(site.contains(ip("ff75::1")));
}

}  // namespace
}  // namespace hotpair::mcast::mrib
