#include <gtest/gtest.h>

#include "mrib_stand.h"

namespace hotpair::mcast::mrib {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void furnish(Stand& stand) {
  for (const std::uint32_t link : {1U, 2U, 3U, 4U}) stand.add_link(link);
  stand.unicast("10.0.0.1", 1);
  stand.unicast("10.0.0.3", 3);
  stand.unicast("5.5.5.5", 1);
}

TEST(Traffic, FirstPacketMakesTheRoute) {
  Stand stand;
  furnish(stand);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  EXPECT_EQ(stand.packet(1, "10.0.0.1", "225.1.1.1"), "");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.packet(1, "10.0.0.1", "225.1.1.1"), "2");
}

TEST(Traffic, NobodyWantsItANegativeAnswersForAMinute) {
  Stand stand;
  furnish(stand);
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>");
  stand.pass(seconds(59));
  EXPECT_EQ(stand.packet(1, "10.0.0.1", "225.1.1.1"), "");
  EXPECT_EQ(stand.counted(Count::upcalls), 1U);
  stand.pass(seconds(1));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
  EXPECT_EQ(stand.counted(Count::negative_expired), 1U);
  EXPECT_EQ(stand.mrib.statistics().groups, 0U);
}

TEST(Traffic, AJoinTurnsTheNegativeIntoARouteAndALeaveBack) {
  Stand stand;
  furnish(stand);
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  stand.pass(seconds(50));
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
  stand.pass(seconds(50));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
  stand.leave(2, "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>");
  stand.pass(seconds(59));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>");
  stand.pass(seconds(1));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
}

TEST(Traffic, AWrongLinkGetsTheRightRoute) {
  Stand stand;
  furnish(stand);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.packet(3, "10.0.0.1", "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.packet(3, "10.0.0.1", "225.1.1.1"), "");
}

TEST(Traffic, WrongInterfaceAsksTheRpfAgain) {
  Stand stand;
  furnish(stand);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.member(3, "225.1.1.1", FilterMode::exclude);
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2,3");
  stand.unicast("10.0.0.1", 3);
  stand.packet(3, "10.0.0.1", "225.1.1.1");
  EXPECT_EQ(stand.counted(Count::wrong_interface), 1U);
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "3>2");
}

TEST(Traffic, UnreachableSourceIsNegativeUntilUnicastChanges) {
  Stand stand;
  furnish(stand);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.packet(1, "10.7.7.7", "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1", "10.7.7.7"), "?>");
  EXPECT_EQ(stand.mrib.statistics().rpf_unreachable, 1U);
  stand.unicast("10.7.7.7", 1);
  stand.unicast_changed();
  EXPECT_EQ(stand.route("225.1.1.1", "10.7.7.7"), "1>2");
}

TEST(Traffic, AnUpcallWaitsForItsRpfAnswerButNotLong) {
  Stand stand;
  furnish(stand);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.silent = true;
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  stand.pass(milliseconds(99));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
  stand.pass(milliseconds(1));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "?>");
  stand.mrib.on_rpf(VrfId{0}, ip("10.0.0.1"), RpfAnswer{LinkId{1}, ip("10.1.1.2"), 20, false},
                    stand.now);
  stand.run();
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.mrib.show({}, {}, stand.now).rows.at(0).rpf_neighbour, ip("10.1.1.2"));
  EXPECT_EQ(stand.mrib.statistics().negative, 0U);
}

TEST(Traffic, EndsAfterTheKeepalivePeriodWithoutPackets) {
  Stand stand;
  furnish(stand);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  for (int i = 0; i < 10; ++i) {
    stand.pass(seconds(60));
    EXPECT_EQ(stand.packet(1, "10.0.0.1", "225.1.1.1"), "2");
  }
  stand.pass(seconds(200));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
  EXPECT_EQ(stand.mrib.show({}, {}, stand.now).rows.at(0).packets, 10U);
  stand.pass(seconds(70));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
  EXPECT_EQ(stand.counted(Count::expired), 1U);
}

TEST(Traffic, AMembershipThatNamesTheSourceOutlivesTraffic) {
  Stand stand;
  furnish(stand);
  stand.member(2, "225.1.1.1", FilterMode::include, {"10.0.0.1"});
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  stand.pass(seconds(1000));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2");
}

TEST(Traffic, LimitsPerSourceAndPerLink) {
  Config config;
  config.upcalls_per_source_s = 10;
  config.upcalls_per_link_s = 25;
  Stand stand(config);
  furnish(stand);
  const auto flood = [&stand](std::string_view source, int count) {
    for (int i = 0; i < count; ++i)
      stand.packet(1, source, "225.2." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  };
  flood("10.0.0.1", 30);
  EXPECT_EQ(stand.plane().routes().size(), 10U);
  EXPECT_EQ(stand.counted(Count::upcall_limited_source), 15U);
  EXPECT_EQ(stand.counted(Count::upcall_limited_link), 5U);
  stand.packet(3, "10.0.0.3", "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.3"), "3>") << "another link is not affected";
  stand.pass(seconds(1));
  flood("10.0.0.1", 30);
  EXPECT_EQ(stand.plane().routes().size(), 21U);
}

TEST(Traffic, BadUpcallsAreCountedAndIgnored) {
  Stand stand;
  furnish(stand);
  stand.mrib.on_no_route({VrfId{0}, LinkId{9}, ip("10.0.0.1"), group("225.1.1.1")}, stand.now);
  stand.mrib.on_no_route({VrfId{5}, LinkId{1}, ip("10.0.0.1"), group("225.1.1.1")}, stand.now);
  stand.mrib.on_no_route({VrfId{0}, LinkId{1}, ip("10.0.0.1"), group("224.0.0.5")}, stand.now);
  stand.mrib.on_no_route({VrfId{0}, LinkId{1}, ip("0.0.0.0"), group("225.1.1.1")}, stand.now);
  stand.mrib.on_no_route({VrfId{0}, LinkId{1}, ip("fe80::1"), group("ff1e::1")}, stand.now);
  stand.mrib.on_no_route({VrfId{0}, LinkId{1}, ip("10.0.0.1"), group("ff1e::1")}, stand.now);
  stand.run();
  EXPECT_TRUE(stand.plane().routes().empty());
  EXPECT_EQ(stand.counted(Count::upcall_unknown_link), 2U);
  EXPECT_EQ(stand.counted(Count::upcall_link_local), 1U);
  EXPECT_EQ(stand.counted(Count::upcall_bad_source), 3U);
}

TEST(Traffic, NegativesAreCappedTheOldestGoes) {
  Config config;
  config.negative_max = 3;
  Stand stand(config);
  furnish(stand);
  for (int i = 1; i <= 5; ++i) {
    stand.packet(1, "10.0.0.1", "225.1.1." + std::to_string(i));
    stand.pass(milliseconds(10));
  }
  EXPECT_EQ(stand.plane().routes().size(), 3U);
  EXPECT_EQ(stand.route("225.1.1.2", "10.0.0.1"), "");
  EXPECT_EQ(stand.route("225.1.1.3", "10.0.0.1"), "1>");
  EXPECT_EQ(stand.counted(Count::negative_evicted), 2U);
}

TEST(Traffic, TheTableOfTrafficMadeRoutesIsCapped) {
  Config config;
  config.data_driven_max = 3;
  Stand stand(config);
  furnish(stand);
  for (int i = 1; i <= 3; ++i)
    stand.member(2, "225.1.1." + std::to_string(i), FilterMode::exclude);
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  stand.packet(1, "10.0.0.1", "225.1.1.2");
  stand.packet(1, "10.0.0.1", "225.9.9.9");
  stand.packet(1, "10.0.0.1", "225.1.1.3");
  EXPECT_EQ(stand.route("225.9.9.9", "10.0.0.1"), "") << "a negative makes room";
  EXPECT_EQ(stand.route("225.1.1.3", "10.0.0.1"), "1>2");
  stand.packet(1, "10.0.0.1", "225.9.9.9");
  EXPECT_EQ(stand.route("225.9.9.9", "10.0.0.1"), "");
  EXPECT_EQ(stand.counted(Count::upcall_limited_table), 1U);
}

TEST(Traffic, ARouteThatThePlaneLostIsSetAgain) {
  Stand stand;
  furnish(stand);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  const fwd::RouteKey key{VrfId{0}, group("225.1.1.1"), ip("10.0.0.1")};
  const std::vector<fwd::RouteChange> removal{fwd::RemoveRoute{key}};
  static_cast<void>(stand.plane().apply(removal));
  stand.packet(1, "10.0.0.1", "225.1.1.1");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2") << "by an upcall";
  static_cast<void>(stand.plane().apply(removal));
  stand.pass(seconds(31));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>2") << "by its counters";
  EXPECT_EQ(stand.counted(Count::plane_lost), 1U);
}

}  // namespace
}  // namespace hotpair::mcast::mrib
