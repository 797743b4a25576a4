#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/node/node_messages.h"
#include "tests/unit/ha_node/node_stand.h"

namespace hotpair::ha::node {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using testing::NodeStand;
using ::testing::SizeIs;

constexpr TimePoint kStart{1h};

TEST(Alarms, AHeldOneIsActiveOnlyIfItLasts) {
  Alarms alarms;
  EXPECT_FALSE(alarms.raise(kServiceDown, "rbs1", "not yet", kStart, 3s));
  EXPECT_THAT(alarms.active(), IsEmpty());
  EXPECT_EQ(alarms.next_deadline(), kStart + 3s);
  // Again and with other words: it has lasted since the first time.
  EXPECT_FALSE(alarms.raise(kServiceDown, "rbs1", "unreachable", kStart + 2s, 3s));
  EXPECT_THAT(alarms.on_timeout(kStart + 2999ms), IsEmpty());
  const auto begun = alarms.on_timeout(kStart + 3s);
  ASSERT_THAT(begun, SizeIs(1));
  EXPECT_EQ(begun[0].text, "unreachable");
  EXPECT_EQ(begun[0].since, kStart);
  EXPECT_THAT(alarms.active(), SizeIs(1));
  EXPECT_EQ(alarms.next_deadline(), std::nullopt);
  EXPECT_FALSE(alarms.raise(kServiceDown, "rbs1", "still", kStart + 4s));
  EXPECT_EQ(alarms.active()[0].text, "still");
  EXPECT_TRUE(alarms.clear(kServiceDown, "rbs1"));
}

TEST(Alarms, AHeldOneThatEndsWasNone) {
  Alarms alarms;
  EXPECT_FALSE(alarms.raise(kServiceDown, "rbs1", "not yet", kStart, 3s));
  EXPECT_FALSE(alarms.clear(kServiceDown, "rbs1"));
  EXPECT_THAT(alarms.on_timeout(kStart + 1h), IsEmpty());
  // One that does not wait makes a held one active at once.
  EXPECT_FALSE(alarms.raise(kServiceDown, "rbs1", "not yet", kStart, 3s));
  EXPECT_TRUE(alarms.raise(kServiceDown, "rbs1", "no pair key", kStart));
  EXPECT_THAT(alarms.on_timeout(kStart + 1h), IsEmpty());
}

TEST(Alarms, AChannelThatComesUpAtOnceIsNoAlarm) {
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  stand.run(2900ms);
  EXPECT_FALSE(stand.has_alarm("HA-NODE-0003"));
  stand.come_up();
  stand.run(9s);
  EXPECT_FALSE(stand.has_alarm("HA-NODE-0003"));
  for (const auto& [id, text] : stand.log) EXPECT_NE(id, "HA-NODE-0003") << text;
}

TEST(Alarms, AChannelThatStaysDownIsOne) {
  NodeStand stand{NodeStand::Key::present};
  stand.connect_keeper();
  stand.run(3s);
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0003"));
  EXPECT_THAT(stand.log, ::testing::Contains(::testing::Pair(
                             "HA-NODE-0003", ::testing::HasSubstr("not connected yet"))));
}

TEST(Alarms, NoPairKeyIsOneAtOnce) {
  NodeStand stand;
  EXPECT_TRUE(stand.has_alarm("HA-NODE-0003"));
}

}  // namespace
}  // namespace hotpair::ha::node
