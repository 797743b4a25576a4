#include <random>

#include "tests/unit/mcast_pim_register/rig.h"

// Random events against a model of the table, with a takeover between any two of them.
namespace hotpair::mcast::pim {
namespace {

using Model = std::map<RegisterKey, RegisterValue>;

/// The model does not know for how long a Register-Stop counts; it is said in state prune alone.
Model without_times(Model model) {
  for (auto& [key, value] : model) {
    EXPECT_EQ(value.suppression_s != 0, value.state == RegisterState::prune);
    EXPECT_EQ(value.suppression_s % kSuppressionBucket_s, 0);
    value.suppression_s = 0;
  }
  return model;
}

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed), rig_(std::make_unique<Rig>(config_, seed)) {}

  void step() {
    switch (pick(8)) {
      case 0:
      case 1:
        return could();
      case 2:
        return could_not();
      case 3:
      case 4:
        return stop();
      case 5:
        return stop_all();
      default:
        return to_deadline();
    }
  }
  void check() {
    static_cast<void>(rig_->said());
    std::set<RegisterKey> joined;
    for (const auto& [key, value] : model_)
      if (value.state == RegisterState::join) joined.insert(key);
    ASSERT_EQ(rig_->on, joined) << "the tunnel is on in Join and in no other state";
    ASSERT_EQ(without_times(rig_->records), model_);
    ASSERT_EQ(snapshot_of(*rig_), rig_->records);
    ASSERT_EQ(rig_->tunnels.entry_count(), model_.size());
    for (const RegisterTunnelRow& row : rig_->tunnels.show({}, rig_->now).rows)
      ASSERT_EQ(row.timer.has_value(), row.state != RegisterState::join);
  }
  /// Another process goes on: it has the records, and hears again which sources are active.
  void take_over() {
    auto next = std::make_unique<Rig>(config_, random_());
    next->now = rig_->now;
    next->records = rig_->records;
    for (const auto& [key, value] : rig_->records) next->tunnels.on_record({key, value}, next->now);
    rig_ = std::move(next);
    // A source that fell silent meanwhile is told no more.
    if (!model_.empty() && pick(3) == 0) model_.erase(any_known());
    for (const auto& [key, value] : model_) rig_->could(key, value.rp.to_string());
    rig_->tunnels.end_restore(rig_->now);
    rig_->work();
  }

 private:
  static Model snapshot_of(const Rig& rig) {
    std::optional<RegisterKey> after;
    Model snapshot;
    do {
      const RegisterSlice slice = rig.tunnels.snapshot(after, 2);
      for (const RegisterRecord& record : slice.records)
        EXPECT_TRUE(snapshot.emplace(record.key, record.value).second) << "one state each";
      after = slice.next;
    } while (after);
    return snapshot;
  }
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  RegisterKey any() {
    return {VrfId{static_cast<std::uint32_t>(pick(2))},
            group(pick(2) == 0 ? "225.1.1.1" : "225.1.1.2"),
            IpAddress::v4(0x0a000001U + static_cast<std::uint32_t>(pick(3)))};
  }
  RegisterKey any_known() {
    return std::next(model_.begin(), static_cast<std::ptrdiff_t>(pick(model_.size())))->first;
  }
  IpAddress any_rp() { return ip(pick(2) == 0 ? "5.5.5.5" : "6.6.6.6"); }

  void could() {
    const RegisterKey key = any();
    const IpAddress rp = any_rp();
    const auto found = model_.find(key);
    if (found == model_.end() || found->second.rp != rp)
      model_.insert_or_assign(key, RegisterValue{RegisterState::join, rp});
    rig_->could(key, rp.to_string());
  }
  void could_not() {
    const RegisterKey key = any();
    model_.erase(key);
    rig_->could(key, std::nullopt);
  }
  void stop() {
    const RegisterKey key = any();
    const IpAddress from = any_rp();
    const auto found = model_.find(key);
    if (found != model_.end() && found->second.rp == from)
      found->second.state = RegisterState::prune;
    rig_->stop(key, from.to_string());
  }
  void stop_all() {
    const RegisterKey key = any();
    const IpAddress from = any_rp();
    for (auto& [each, value] : model_)
      if (each.vrf == key.vrf && each.group == key.group && value.rp == from)
        value.state = RegisterState::prune;
    rig_->stop({key.vrf, key.group, ip("0.0.0.0")}, from.to_string());
  }
  /// The next timer runs, and those of the same instant.
  void to_deadline() {
    const TimePoint before = rig_->now;
    const auto rows = rig_->tunnels.show({}, before).rows;
    if (!rig_->to_deadline()) return;
    for (const RegisterTunnelRow& row : rows) {
      if (!row.timer || *row.timer > rig_->now - before) continue;
      RegisterValue& value = model_.at(row.key);
      const bool probes = value.state == RegisterState::prune;
      value.state = probes ? RegisterState::join_pending : RegisterState::join;
    }
  }

  RegisterConfig config_;
  std::mt19937_64 random_;
  Model model_;
  std::unique_ptr<Rig> rig_;
};

TEST(RegisterRandom, OneStateEachAndTheTunnelInJoinAlone) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    for (int step = 0; step < 300; ++step) {
      world.step();
      world.check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(RegisterRandom, ATakeoverBetweenAnyTwoStepsChangesNothing) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    for (int step = 0; step < 200; ++step) {
      world.step();
      world.check();
      world.take_over();
      world.check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace hotpair::mcast::pim
