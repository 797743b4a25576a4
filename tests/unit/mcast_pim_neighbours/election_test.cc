#include "rig.h"

// Designated router and LAN delays: RFC 7761 4.3.2, 4.3.3.
namespace hotpair::mcast::pim::testing {
namespace {

TEST(Election, PriorityFirstThenAddress) {
  SettledRig rig;
  EXPECT_TRUE(rig.neighbours.am_dr(kLink));
  rig.hear("10.0.0.2", peer_hello(1, 2));
  EXPECT_EQ(rig.neighbours.dr(kLink), ip("10.0.0.2"));
  rig.hear("10.0.0.3", peer_hello(1, 2));
  EXPECT_EQ(rig.neighbours.dr(kLink), ip("10.0.0.3"));
  rig.hear("10.0.0.9", peer_hello(1, 0));
  EXPECT_EQ(rig.neighbours.dr(kLink), ip("10.0.0.3"));
  LinkConfig config = link_config();
  config.dr_priority = 2;
  rig.neighbours.set_link(config, rig.now);
  EXPECT_TRUE(rig.neighbours.am_dr(kLink)) << "the tie goes to the larger address";
  rig.hear("10.0.0.9", peer_hello(1, 0xffffffff));
  EXPECT_EQ(rig.neighbours.dr(kLink), ip("10.0.0.9"));
}

TEST(Election, OneNeighbourWithoutPriorityMakesAddressesDecide) {
  SettledRig rig;
  LinkConfig config = link_config();
  config.dr_priority = 1000;
  rig.neighbours.set_link(config, rig.now);
  rig.hear("10.0.0.9", peer_hello(1, 5));
  EXPECT_TRUE(rig.neighbours.am_dr(kLink));
  wire::PimHello plain = peer_hello();
  plain.dr_priority.reset();
  rig.hear("10.0.0.2", plain);
  EXPECT_EQ(rig.neighbours.dr(kLink), ip("10.0.0.9"));
  plain.holdtime_s = 0;
  rig.hear("10.0.0.2", plain);
  EXPECT_TRUE(rig.neighbours.am_dr(kLink));
}

TEST(Election, SecondaryAddressesDoNotCount) {
  SettledRig rig;
  wire::PimHello hello = peer_hello();
  hello.addresses = {ip("10.0.0.200")};
  rig.hear("10.0.0.2", hello);
  EXPECT_TRUE(rig.neighbours.am_dr(kLink));
  LinkConfig config = link_config();
  config.secondary = {ip("10.0.0.250")};
  rig.neighbours.set_link(config, rig.now);
  rig.hear("10.0.0.9");
  EXPECT_EQ(rig.neighbours.dr(kLink), ip("10.0.0.9"));
}

TEST(LanDelay, LargestOfAllIfAllSaySomething) {
  SettledRig rig;
  LinkConfig config = link_config();
  config.propagation_delay = 700ms;
  config.override_interval = 2s;
  rig.neighbours.set_link(config, rig.now);
  EXPECT_EQ(rig.neighbours.propagation_delay(kLink), 700ms);
  EXPECT_EQ(rig.neighbours.override_interval(kLink), 2s);
  (void)rig.told();
  wire::PimHello hello = peer_hello();
  hello.lan_prune_delay = wire::PimLanPruneDelay{
      .tracking = false, .propagation_delay_ms = 300, .override_interval_ms = 4000};
  rig.hear("10.0.0.2", hello);
  EXPECT_EQ(rig.neighbours.propagation_delay(kLink), 700ms);
  EXPECT_EQ(rig.neighbours.override_interval(kLink), 4s);
  EXPECT_THAT(rig.told(), ElementsAre("up 10.0.0.2", "delay"));
  wire::PimHello plain = peer_hello();
  plain.lan_prune_delay.reset();
  rig.hear("10.0.0.3", plain);
  EXPECT_EQ(rig.neighbours.propagation_delay(kLink), kPropagationDelay);
  EXPECT_EQ(rig.neighbours.override_interval(kLink), kOverrideInterval);
  rig.advance(200s);
  EXPECT_EQ(rig.neighbours.override_interval(kLink), 2s) << "they are gone";
}

TEST(LanDelay, SuppressionEndsOnlyWithEverybody) {
  SettledRig rig;
  wire::PimHello tracking = peer_hello();
  tracking.lan_prune_delay->tracking = true;
  rig.hear("10.0.0.2", tracking);
  EXPECT_TRUE(rig.neighbours.suppression(kLink)) << "we cannot do without";
  LinkConfig config = link_config();
  config.tracking = true;
  rig.neighbours.set_link(config, rig.now);
  EXPECT_FALSE(rig.neighbours.suppression(kLink));
  rig.hear("10.0.0.3");
  EXPECT_TRUE(rig.neighbours.suppression(kLink)) << "the new one cannot";
  rig.hear("10.0.0.3", tracking);
  EXPECT_FALSE(rig.neighbours.suppression(kLink));
  wire::PimHello plain = peer_hello();
  plain.lan_prune_delay.reset();
  rig.hear("10.0.0.3", plain);
  EXPECT_TRUE(rig.neighbours.suppression(kLink));
}

TEST(LanDelay, OverrideIsRandomWithinTheInterval) {
  SettledRig rig;
  Entropy entropy(3);
  Duration least = 1h;
  Duration most{};
  for (int i = 0; i < 1000; ++i) {
    const Duration delay = rig.neighbours.t_override(kLink, entropy);
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_LT(least, 100ms);
  EXPECT_GT(most, 2400ms);
  EXPECT_LE(most, kOverrideInterval);
  EXPECT_LE(rig.neighbours.t_override(LinkId{99}, entropy), kOverrideInterval);
  EXPECT_EQ(rig.neighbours.propagation_delay(LinkId{99}), kPropagationDelay);
  EXPECT_TRUE(rig.neighbours.suppression(LinkId{99}));
}

// Routers on one link that hear each other's Hellos come to the same designated router, delays and
// suppression, however they were configured and in whatever order they came, changed and went.
class Lan {
 public:
  Lan(Family family, std::uint64_t seed) : dice_(seed), family_(family) {
    for (std::uint32_t i = 0; i < 5; ++i) routers_.push_back(std::make_unique<Router>(family, i));
  }
  void shake() {
    Router& router = *routers_[dice_.next() % routers_.size()];
    LinkConfig& config = router.config;
    switch (dice_.next() % 5) {
      case 0:
        config.dr_priority = static_cast<std::uint32_t>(dice_.next() % 3);
        break;
      case 1:
        config.address = config.address.is_unspecified() ? router.address : IpAddress::any(family_);
        break;
      case 2:
        config.override_interval = std::chrono::milliseconds(dice_.next() % 5000);
        break;
      case 3:
        config.propagation_delay = std::chrono::milliseconds(dice_.next() % 900);
        break;
      default:
        config.tracking = dice_.next() % 3 != 0;
    }
    router.neighbours.set_link(config, now_);
  }
  /// Steps from timer to timer and delivers what is sent.
  void run(Duration by) {
    const TimePoint until = now_ + by;
    while (true) {
      deliver();
      std::optional<TimePoint> due;
      for (const auto& router : routers_) due = earliest(due, router->neighbours.next_deadline());
      if (!due || *due > until) break;
      now_ = std::max(now_, *due);
      for (const auto& router : routers_) router->neighbours.on_timeout(now_);
    }
    now_ = until;
  }
  void expect_agreement() const {
    const Router* first = nullptr;
    for (const auto& router : routers_) {
      if (router->config.address.is_unspecified()) continue;
      if (first == nullptr) first = router.get();
      const Neighbours& mine = router->neighbours;
      EXPECT_EQ(mine.dr(kLink), first->neighbours.dr(kLink));
      EXPECT_EQ(mine.am_dr(kLink), mine.dr(kLink) == router->config.address);
      EXPECT_EQ(mine.override_interval(kLink), first->neighbours.override_interval(kLink));
      EXPECT_EQ(mine.propagation_delay(kLink), first->neighbours.propagation_delay(kLink));
      EXPECT_EQ(mine.suppression(kLink), first->neighbours.suppression(kLink));
    }
  }

 private:
  struct Router {
    Router(Family family, std::uint32_t index)
        : address(family == Family::ipv4 ? IpAddress::v4(0x0a000001 + index)
                                         : ip("fe80::" + std::to_string(index + 1))),
          entropy(index + 1),
          neighbours(family, entropy) {
      config.link = kLink;
      config.address = address;
      config.dr_priority = index % 2;
      neighbours.set_link(config, TimePoint{} + 1000s);
    }
    IpAddress address;
    LinkConfig config;
    Entropy entropy;
    Neighbours neighbours;
  };
  void deliver() {
    for (const auto& from : routers_) {
      while (const auto effect = from->neighbours.poll_effect()) {
        const auto* send = std::get_if<SendOnLink>(&*effect);
        if (send == nullptr) continue;
        for (const auto& to : routers_)
          if (to != from)
            to->neighbours.on_hello(kLink, from->config.address,
                                    std::get<wire::PimHello>(send->message), now_);
      }
    }
  }
  Entropy dice_;
  Family family_;
  std::vector<std::unique_ptr<Router>> routers_;
  TimePoint now_ = TimePoint{} + 1000s;
};

TEST(Election, RoutersOfALinkAgree) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Lan lan(seed % 2 == 0 ? Family::ipv4 : Family::ipv6, seed);
    for (int round = 0; round < 20; ++round) {
      for (std::uint64_t i = 0; i < seed % 4 + 1; ++i) lan.shake();
      lan.run(150s);  // the longest holdtime is over, everybody has said Hello
      lan.expect_agreement();
    }
  }
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
