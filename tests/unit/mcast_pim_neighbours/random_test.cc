#include <map>
#include <set>

#include "rig.h"

// Any order of inputs: no crash, and what must hold always holds.
namespace hotpair::mcast::pim::testing {
namespace {

class Storm {
 public:
  explicit Storm(std::uint64_t seed)
      : dice_(seed), entropy_(seed + 1000), neighbours_(Family::ipv4, entropy_) {}

  void step() {
    switch (dice_.next() % 12) {
      case 0:
        set_link();
        break;
      case 1:
        set_mode();
        break;
      case 2:
        if (one_in(4)) neighbours_.remove_link(link(), now_);
        break;
      case 3:
        neighbours_.on_neighbour_bfd_down(link(), address(), now_);
        break;
      case 4:
        neighbours_.hello_first(link(), now_);
        break;
      case 5:
        now_ += std::chrono::milliseconds(dice_.next() % 40000);
        neighbours_.on_timeout(now_);
        break;
      case 6:
        if (const auto due = neighbours_.next_deadline()) now_ = std::max(now_, *due);
        neighbours_.on_timeout(now_);
        break;
      default:
        neighbours_.on_hello(link(), address(), hello(), now_);
    }
    check_effects();
    check_state();
  }

 private:
  [[nodiscard]] bool one_in(std::uint64_t n) { return dice_.next() % n == 0; }
  [[nodiscard]] LinkId link() { return LinkId{static_cast<std::uint32_t>(dice_.next() % 4)}; }
  [[nodiscard]] IpAddress address() {
    return IpAddress::v4(0x0a000000 + static_cast<std::uint32_t>(dice_.next() % 12));
  }
  [[nodiscard]] wire::PimHello hello() {
    wire::PimHello hello;
    if (!one_in(8)) hello.holdtime_s = static_cast<std::uint16_t>(dice_.next() % 40);
    if (one_in(9)) hello.holdtime_s = wire::kPimHoldtimeForever;
    if (!one_in(5)) hello.dr_priority = static_cast<std::uint32_t>(dice_.next() % 3);
    if (!one_in(5)) hello.generation_id = static_cast<std::uint32_t>(dice_.next() % 3);
    if (!one_in(5))
      hello.lan_prune_delay = wire::PimLanPruneDelay{
          .tracking = one_in(2),
          .propagation_delay_ms = static_cast<std::uint16_t>(dice_.next() & 0x7fffU),
          .override_interval_ms = static_cast<std::uint16_t>(dice_.next() & 0xffffU)};
    if (one_in(2)) {
      hello.addresses.emplace();
      for (std::uint64_t n = dice_.next() % 4; n > 0; --n) hello.addresses->push_back(address());
    }
    return hello;
  }
  void set_link() {
    LinkConfig config;
    config.link = link();
    config.address = one_in(5) ? IpAddress{} : address();
    if (one_in(3)) config.secondary = {address()};
    if (config.link.value() % 2 == 1) config.scope = ScopeId{config.link.value()};
    config.dr_priority = static_cast<std::uint32_t>(dice_.next() % 3);
    config.neighbours_max = static_cast<std::uint32_t>(dice_.next() % 6);
    config.hello_period = std::chrono::seconds(dice_.next() % 30);
    config.tracking = one_in(2);
    if (one_in(4)) config.neighbour_filter = {*IpPrefix::parse("10.0.0.0/29")};
    configs_[config.link] = config;
    neighbours_.set_link(config, now_);
  }
  void set_mode() {
    const ScopeId scope{one_in(2) ? 1U : 3U};
    const LinkMode mode = one_in(2) ? LinkMode::live : LinkMode::muted;
    leaving_ = scope;
    neighbours_.set_mode(scope, mode, one_in(2) ? Leaving::goodbye : Leaving::silently, now_);
    modes_[scope] = mode;
  }

  // A muted link is in no Send, save for the goodbye of the very input that mutes it.
  void check_send(const SendOnLink& send) {
    const auto& hello = std::get<wire::PimHello>(send.message);
    const LinkConfig& config = configs_.at(send.link);
    EXPECT_FALSE(config.address.is_unspecified());
    if (!config.scope || modes_[*config.scope] == LinkMode::live) return;
    EXPECT_EQ(leaving_, config.scope);
    EXPECT_EQ(hello.holdtime_s, 0);
  }
  void check_effects() {
    while (const auto effect = neighbours_.poll_effect()) {
      if (const auto* send = std::get_if<SendOnLink>(&*effect)) check_send(*send);
      if (const auto* up = std::get_if<NeighbourUp>(&*effect))
        EXPECT_TRUE(known_[up->link].insert(up->address).second);
      if (const auto* down = std::get_if<NeighbourDown>(&*effect))
        EXPECT_EQ(known_[down->link].erase(down->address), 1U);
      if (const auto* restarted = std::get_if<NeighbourRestarted>(&*effect))
        EXPECT_TRUE(known_[restarted->link].contains(restarted->address));
      if (const auto* changed = std::get_if<DrChanged>(&*effect)) {
        EXPECT_EQ(changed->before, dr_[changed->link]);
        EXPECT_NE(changed->before, changed->now);
        dr_[changed->link] = changed->now;
      }
    }
    leaving_.reset();
  }
  // What the effects told is what the queries say.
  void check_state() {
    std::map<LinkId, std::set<IpAddress>> shown;
    std::map<std::pair<LinkId, IpAddress>, IpAddress> owners;
    for (const NeighbourRow& row : neighbours_.show_neighbours(now_)) {
      shown[row.link].insert(row.address);
      for (const IpAddress& secondary : row.secondary) {
        EXPECT_TRUE(owners.try_emplace({row.link, secondary}, row.address).second)
            << "two neighbours with one address";
        EXPECT_EQ(neighbours_.primary_of(row.link, secondary), row.address);
      }
    }
    for (std::uint32_t i = 0; i < 4; ++i) {
      EXPECT_EQ(shown[LinkId{i}], known_[LinkId{i}]);
      EXPECT_EQ(neighbours_.dr(LinkId{i}), dr_[LinkId{i}]);
      const IpAddress dr = dr_[LinkId{i}];
      EXPECT_EQ(neighbours_.am_dr(LinkId{i}),
                !dr.is_unspecified() && !shown[LinkId{i}].contains(dr));
      EXPECT_LE(neighbours_.override_interval(LinkId{i}), 65535ms);
    }
  }

  Entropy dice_;
  Entropy entropy_;
  Neighbours neighbours_;
  TimePoint now_ = TimePoint{} + 1000s;
  std::map<LinkId, LinkConfig> configs_;
  std::map<ScopeId, LinkMode> modes_;
  std::map<LinkId, std::set<IpAddress>> known_;
  std::map<LinkId, IpAddress> dr_;
  std::optional<ScopeId> leaving_;
};

TEST(Random, AnyOrderOfInputs) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    Storm storm(seed);
    for (int i = 0; i < 1500 && !::testing::Test::HasFailure(); ++i) storm.step();
  }
}

TEST(Random, TheSameSeedTellsTheSameStory) {
  const auto story = [] {
    Rig rig;
    Entropy dice(5);
    rig.neighbours.set_link(link_config(), rig.now);
    for (int i = 0; i < 300; ++i) {
      rig.hear("10.0.0." + std::to_string(dice.next() % 9 + 10),
               peer_hello(static_cast<std::uint32_t>(dice.next() % 2)));
      rig.advance(dice.up_to(20s));
    }
    return rig.told();
  };
  const Words once = story();
  EXPECT_EQ(once, story());
  EXPECT_GT(once.size(), 300U);
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
