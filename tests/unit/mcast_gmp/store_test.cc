#include <random>
#include <set>

#include "mcast/gmp/gmp_store.h"
#include "tests/unit/mcast_gmp/rig.h"

namespace hotpair::mcast::gmp::testing {
namespace {

TEST(GroupIndex, AgreesWithASet) {
  GroupPool pool;
  GroupIndex index(99);
  std::map<IpAddress, std::uint32_t> model;
  std::mt19937 random(1);
  for (int step = 0; step < 30'000; ++step) {
    const auto offset = static_cast<std::uint32_t>(random() % 5000);
    const IpAddress group = IpAddress::v4(0xe1000000U + offset);
    const auto known = model.find(group);
    ASSERT_EQ(index.find(pool, group), known == model.end() ? kNone : known->second);
    if (known == model.end()) {
      const std::uint32_t added = pool.take();
      pool[added].group = group;
      index.insert(pool, added);
      model[group] = added;
    } else if (random() % 3 == 0) {
      index.erase(pool, known->second);
      pool.give(known->second);
      model.erase(known);
    }
    ASSERT_EQ(index.size(), model.size());
  }
  std::set<std::uint32_t> swept;
  for (std::uint32_t bucket = 0; bucket < index.buckets(); ++bucket)
    for (std::uint32_t i = index.first_in(bucket); i != kNone; i = pool[i].hash_next)
      swept.insert(i);
  EXPECT_EQ(swept.size(), model.size());
}

// Every entry fires at the first tick not before its deadline, none early, none lost.
TEST(TimingWheel, FiresEachOnceInTime) {
  std::mt19937_64 random(7);
  for (const Duration step : {Duration{7ms}, Duration{3s}, Duration{40min}}) {
    GroupPool pool;
    TimingWheel wheel;
    TimePoint now{std::chrono::hours{30 * 24}};
    std::map<std::uint32_t, TimePoint> due;
    for (int i = 0; i < 2000; ++i) {
      const std::uint32_t index = pool.take();
      const Duration spans[] = {1s, 300s, std::chrono::hours{10}, std::chrono::hours{100}};
      const auto span = static_cast<std::uint64_t>(spans[i % 4].count());
      due[index] = now + Duration{random() % span};
      wheel.arm(pool, index, due[index]);
    }
    while (!due.empty()) {
      const auto next = wheel.next_deadline();
      ASSERT_TRUE(next);
      for (const auto& [index, deadline] : due) ASSERT_LE(*next, std::max(deadline, now) + 10ms);
      now = std::max(now + step, *next);
      std::size_t budget = 1'000'000;
      for (;;) {
        const std::uint32_t index = wheel.take_due(pool, now, budget);
        if (index == kNone) break;
        ASSERT_TRUE(due.contains(index));
        ASSERT_LE(due[index], now);
        due.erase(index);
      }
      for (const auto& [index, deadline] : due) ASSERT_GT(deadline + 10ms, now);
    }
    EXPECT_FALSE(wheel.next_deadline());
  }
}

TEST(TimingWheel, EarlierMovesLaterDoesNot) {
  GroupPool pool;
  TimingWheel wheel;
  const std::uint32_t index = pool.take();
  wheel.arm(pool, index, TimePoint{100s});
  wheel.arm(pool, index, TimePoint{200s});
  wheel.arm(pool, index, TimePoint{50s});
  std::size_t budget = 1000;
  EXPECT_EQ(wheel.take_due(pool, TimePoint{50s} - 1ms, budget), kNone);
  EXPECT_EQ(wheel.take_due(pool, TimePoint{50s}, budget), index);
  EXPECT_FALSE(wheel.next_deadline());
  wheel.arm(pool, index, TimePoint{60s});
  wheel.disarm(pool, index);
  EXPECT_FALSE(wheel.next_deadline());
}

TEST(TimingWheel, BudgetSlices) {
  GroupPool pool;
  TimingWheel wheel;
  for (int i = 0; i < 5000; ++i) wheel.arm(pool, pool.take(), TimePoint{260s});
  int fired = 0;
  for (int slice = 0; slice < 100 && wheel.next_deadline(); ++slice) {
    std::size_t budget = 500;
    while (wheel.take_due(pool, TimePoint{260s}, budget) != kNone) ++fired;
    EXPECT_LE(fired, 500 * (slice + 1));
  }
  EXPECT_EQ(fired, 5000);
}

// A slice of on_timeout() is bounded whatever falls due at once.
TEST(Slices, MassExpiry) {
  Rig rig(Family::ipv4);
  for (std::uint32_t n = 0; n < 5000; ++n)
    rig.hear(wire::SourceReport{{{wire::RecordType::mode_is_exclude,
                                  *Group::from(IpAddress::v4(0xe1000000U + n)), {}}}, 0},
             rig.names.host());
  rig.run(259s);
  rig.now += 1s;
  std::size_t slices = 0;
  while (rig.machine.group_count(kLink, Family::ipv4) > 0) {
    const std::size_t before = rig.machine.group_count(kLink, Family::ipv4);
    ASSERT_LE(*rig.machine.next_deadline(), rig.now);
    rig.machine.on_timeout(rig.now);
    rig.drain();
    ASSERT_LE(before - rig.machine.group_count(kLink, Family::ipv4), 1000U);
    ASSERT_LT(++slices, 100U);
  }
  EXPECT_TRUE(rig.views.empty());
}

}  // namespace
}  // namespace hotpair::mcast::gmp::testing
