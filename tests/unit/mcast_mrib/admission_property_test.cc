#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "admission_stand.h"

namespace hotpair::mcast::mrib {
namespace {

constexpr LinkId kLink{2};
constexpr unsigned kStates = 24;

StateKey nth(unsigned index) {
  return state("239.1.0." + std::to_string(index + 1),
               index % 3 == 0 ? std::nullopt : std::optional<std::string_view>("10.0.0.1"));
}

/// A node under random asks, leaves, limits and roles, and the rules that hold after each.
class Walk {
 public:
  explicit Walk(unsigned seed) : random_(seed) {
    configure();
    keeper_.admission.end_change();
  }
  void step() {
    const unsigned index = pick(kStates);
    switch (pick(12)) {
      case 0:
        max_ = pick(10);
        configure();
        break;
      case 1:
        take_over();
        break;
      case 2:
      case 3:
      case 4:
        wanted_.erase(index);
        keeper_.leave(nth(index));
        break;
      default:
        wanted_.insert(index);
        keeper_.out(nth(index));
        break;
    }
    check();
  }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  void configure() {
    keeper_.admission.set_costs(Family::ipv4, {{{prefix("239.1.0.0/29"), std::nullopt}, 3}});
    keeper_.admission.set_limits(kLink, Family::ipv4,
                                 {limit_of(LimitKind::out, "239.1.0.0/16", max_)});
    keeper_.settle();
  }
  static std::uint32_t cost_of(unsigned index) { return index < 7 ? 3 : 1; }

  /// Another node that has the records goes on; it asks in another order.
  void take_over() {
    Gatekeeper next;
    next.admission.set_following(kLink, true);
    std::swap(next, keeper_);
    configure();
    keeper_.admission.end_change();
    std::vector<unsigned> order(wanted_.begin(), wanted_.end());
    std::ranges::shuffle(order, random_);
    const std::size_t early = order.empty() ? 0 : pick(static_cast<unsigned>(order.size()));
    for (std::size_t i = 0; i < early; ++i) keeper_.out(nth(order[i]));
    for (const auto& [key, record] : next.journal) EXPECT_TRUE(keeper_.admission.on_record(record));
    keeper_.settle();
    for (std::size_t i = early; i < order.size(); ++i) keeper_.out(nth(order[i]));
    for (const unsigned index : wanted_)
      EXPECT_EQ(keeper_.admits(nth(index)), next.admits(nth(index))) << "the same ones";
    EXPECT_TRUE(keeper_.journal.empty());
    keeper_.journal = next.journal;
    keeper_.admission.set_following(kLink, false);
    keeper_.settle();
    for (const auto& [key, record] : next.journal)
      EXPECT_TRUE(keeper_.journal.contains(key)) << "nobody lost its place";
  }

  void check() {
    const LimitRow row = keeper_.row();
    std::uint64_t sum = 0;
    std::uint64_t held = 0;
    for (const unsigned index : wanted_) {
      const StateKey key = nth(index);
      const bool admitted = keeper_.admits(key);
      EXPECT_EQ(admitted, keeper_.journal.contains({key, kLink, Direction::out}));
      EXPECT_EQ(!admitted, keeper_.admission.denies(key));
      sum += admitted ? cost_of(index) : 0;
      held += admitted ? 1U : 0U;
      EXPECT_TRUE(admitted || row.in_use + cost_of(index) > row.limit.max) << "room left unused";
    }
    EXPECT_EQ(row.in_use, sum);
    EXPECT_EQ(row.admitted, held);
    EXPECT_EQ(keeper_.journal.size(), held);
    EXPECT_EQ(row.denied, wanted_.size() - held);
    EXPECT_TRUE(row.in_use <= row.limit.max || row.in_use <= before_) << "over the limit";
    before_ = row.in_use;
  }

  std::mt19937 random_;
  Gatekeeper keeper_;
  std::set<unsigned> wanted_;
  std::uint32_t max_ = 6;
  std::uint64_t before_ = 0;
};

TEST(AdmissionProperty, TheAccountIsTheSumOfCostsAndNeverGrowsOverTheLimit) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Walk walk(seed);
    for (int i = 0; i < 300 && !::testing::Test::HasFailure(); ++i) walk.step();
  }
}

}  // namespace
}  // namespace hotpair::mcast::mrib
