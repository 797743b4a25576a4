#include <gtest/gtest.h>

#include "mrib_stand.h"

namespace hotpair::mcast::mrib {
namespace {

using std::chrono::seconds;

void furnish(Stand& stand) {
  for (const std::uint32_t link : {1U, 2U, 3U, 4U}) stand.add_link(link);
  stand.unicast("10.0.0.1", 1);
  stand.unicast("10.0.0.3", 3);
  stand.unicast("5.5.5.5", 1);
}
void read_back(Stand& stand) {
  stand.mrib.on_read_back(stand.plane().read_back().value(), stand.now);
  stand.run();
}

TEST(Adoption, NothingShrinksBeforeTheEndOfTheHold) {
  fwd::FakePlane plane;
  {
    Stand before({}, &plane);
    furnish(before);
    before.rp("5.5.5.5");
    for (const std::uint32_t link : {2U, 4U}) {
      before.member(link, "225.1.1.1", FilterMode::exclude);
      before.member(link, "232.1.1.1", FilterMode::include, {"10.0.0.1"});
    }
    before.member(2, "232.2.2.2", FilterMode::include, {"10.0.0.1"});
    before.packet(3, "10.0.0.3", "225.1.1.1");
  }
  const auto old = plane.routes();
  ASSERT_EQ(old.size(), 4U);

  Stand stand({}, &plane);
  furnish(stand);
  read_back(stand);
  EXPECT_EQ(stand.counted(Count::adopted), 4U);
  EXPECT_EQ(stand.mrib.statistics().stale, 4U);
  stand.member(2, "225.1.1.1", FilterMode::exclude);
  stand.member(2, "232.1.1.1", FilterMode::include, {"10.0.0.1"});
  stand.member(3, "232.1.1.1", FilterMode::include, {"10.0.0.1"});
  stand.rp("5.5.5.5");
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2,4");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2,3,4") << "it may grow";
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.3"), "3>2,4");
  EXPECT_EQ(stand.route("232.2.2.2", "10.0.0.1"), "1>2");

  stand.mrib.end_hold(seconds(5), stand.now);
  stand.pass(std::chrono::milliseconds(4999));
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2,4");
  EXPECT_TRUE(stand.mrib.is_held());
  stand.pass(std::chrono::milliseconds(1));
  stand.run();
  EXPECT_FALSE(stand.mrib.is_held());
  EXPECT_EQ(stand.route("225.1.1.1"), "1>2");
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2,3");
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.3"), "3>2");
  EXPECT_EQ(stand.route("232.2.2.2", "10.0.0.1"), "1>") << "made by traffic: a negative for now";
  EXPECT_EQ(stand.mrib.statistics().stale, 0U);
  stand.pass(seconds(60));
  EXPECT_EQ(stand.route("232.2.2.2", "10.0.0.1"), "");
}

TEST(Adoption, ARestartWithTheSameInputsChangesNothingInThePlane) {
  fwd::FakePlane plane;
  const auto feed = [](Stand& stand) {
    stand.rp("5.5.5.5");
    for (int i = 1; i < 200; ++i)
      stand.member(2, "225.1.1." + std::to_string(i), FilterMode::exclude);
    stand.member(2, "232.1.1.1", FilterMode::include, {"10.0.0.1"});
  };
  {
    Stand before({}, &plane);
    furnish(before);
    feed(before);
  }
  const auto old = plane.routes();
  const std::size_t changes = plane.changes();
  Stand stand({}, &plane);
  furnish(stand);
  read_back(stand);
  feed(stand);
  stand.mrib.end_hold(seconds(1), stand.now);
  stand.pass(seconds(2));
  stand.run();
  EXPECT_EQ(plane.routes(), old);
  EXPECT_EQ(plane.changes(), changes);
}

TEST(Adoption, ALinkThatIsGoneIsTakenOutOfTheRoute) {
  fwd::FakePlane plane;
  {
    Stand before({}, &plane);
    furnish(before);
    for (const std::uint32_t link : {2U, 4U})
      before.member(link, "232.1.1.1", FilterMode::include, {"10.0.0.1"});
  }
  Stand stand({}, &plane);
  stand.add_link(1);
  stand.add_link(2);
  stand.unicast("10.0.0.1", 1);
  read_back(stand);
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2");
}

TEST(Adoption, ANegativeIsTimedFromTheRestartOn) {
  fwd::FakePlane plane;
  {
    Stand before({}, &plane);
    furnish(before);
    before.packet(1, "10.0.0.1", "225.1.1.1");
  }
  Stand stand({}, &plane);
  furnish(stand);
  read_back(stand);
  stand.mrib.end_hold(seconds(0), stand.now);
  stand.run();
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "1>");
  stand.pass(seconds(60));
  EXPECT_EQ(stand.route("225.1.1.1", "10.0.0.1"), "");
}

TEST(Adoption, AHoldKeepsRoutesOverATakeover) {
  Stand stand;
  furnish(stand);
  stand.member(2, "232.1.1.1", FilterMode::include, {"10.0.0.1"});
  stand.mrib.begin_hold(stand.now);
  stand.leave(2, "232.1.1.1");
  stand.unicast("10.0.0.1", std::nullopt);
  stand.unicast_changed();
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "1>2");
  stand.mrib.end_hold(seconds(0), stand.now);
  stand.run();
  EXPECT_EQ(stand.route("232.1.1.1", "10.0.0.1"), "");
}

}  // namespace
}  // namespace hotpair::mcast::mrib
