#include <random>

#include "bsr_stand.h"

// Random messages, times and takeovers: nothing crashes, bounds hold, and records stay what a
// snapshot says.
namespace hotpair::mcast::rp {
namespace {

class Random {
 public:
  explicit Random(unsigned seed) : bits_(seed) {}
  std::uint32_t pick(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(bits_);
  }
  IpAddress address(std::uint32_t below) { return IpAddress::v4(0x0a000001U + pick(below)); }
  wire::PimGroupRange range() {
    constexpr std::array<std::uint32_t, 5> kBases{0xe1000000U, 0xe2000000U, 0xefc00000U,
                                                  0xefc10000U, 0x0a000000U};
    return {.address = IpAddress::v4(kBases[pick(5)] + (pick(4) << 8U)),
            .mask_length = static_cast<std::uint8_t>(pick(12) == 0 ? pick(256) : 8 + pick(20)),
            .bidirectional = pick(20) == 0,
            .scope_zone = pick(6) == 0};
  }
  wire::PimBootstrap bootstrap() {
    wire::PimBootstrap message{.no_forward = pick(5) == 0,
                               .fragment_tag = static_cast<std::uint16_t>(pick(4)),
                               .hash_mask_length = static_cast<std::uint8_t>(pick(33)),
                               .bsr_priority = static_cast<std::uint8_t>(62 + pick(5)),
                               .bsr = address(4),
                               .ranges = {}};
    for (std::uint32_t i = pick(5); i > 0; --i) {
      wire::PimBootstrapRange one{.range = range(), .rp_count = 0, .rps = {}};
      for (std::uint32_t rps = pick(6); rps > 0; --rps)
        one.rps.push_back({address(8), static_cast<std::uint16_t>(pick(4) * 50),
                           static_cast<std::uint8_t>(pick(3))});
      one.rp_count = static_cast<std::uint8_t>(one.rps.size() + (pick(3) == 0 ? pick(3) : 0));
      message.ranges.push_back(std::move(one));
    }
    return message;
  }

 private:
  std::mt19937 bits_;
};

BsrConfig config_of(Random& random) {
  BsrConfig config{.rps_max = 12, .zones_max = 4};
  if (random.pick(2) == 0)
    config.candidate_bsrs.push_back(
        {.address = ip("10.0.0.200"), .priority = static_cast<std::uint8_t>(62 + random.pick(4))});
  if (random.pick(4) == 0)
    config.candidate_bsrs.push_back(
        {.zone = prefix("239.192.0.0/14"), .address = ip("10.0.0.200")});
  if (random.pick(2) == 0)
    config.candidate_rps.push_back(
        {.address = ip("10.0.0.201"), .ranges = {prefix("225.0.0.0/8")}});
  return config;
}

void step(BsrStand& stand, Random& random) {
  switch (random.pick(10)) {
    case 0:
    case 1:
      stand.run(std::chrono::seconds(random.pick(200)));
      return;
    case 2: {
      wire::PimCandidateRp advert{.priority = static_cast<std::uint8_t>(random.pick(3)),
                                  .holdtime_s = static_cast<std::uint16_t>(random.pick(3) * 75),
                                  .rp = random.address(20),
                                  .ranges = {}};
      for (std::uint32_t i = random.pick(4); i > 0; --i) advert.ranges.push_back(random.range());
      stand.bsr->on_candidate_rp(advert, stand.now);
      break;
    }
    case 3:
      stand.bsr->configure(config_of(random), stand.now);
      break;
    case 4:
      stand.bsr->on_new_neighbour(LinkId{random.pick(4)}, ip("10.0.9.9"));
      break;
    case 5:
      stand.bsr->set_link({.link = LinkId{1 + random.pick(3)},
                           .border = random.pick(8) == 0,
                           .muted = random.pick(8) == 0,
                           .mtu = 576 + random.pick(1000)});
      break;
    case 6:
      stand.answers = random.pick(4) != 0;
      stand.bsr->on_unicast_changed();
      break;
    default:
      stand.bsr->on_bootstrap({.link = LinkId{1 + random.pick(2)},
                               .source = ip(random.pick(8) == 0 ? "10.0.1.7" : "10.0.1.1"),
                               .unicast = random.pick(8) == 0,
                               .message = random.bootstrap()},
                              stand.now);
  }
  stand.drain();
}

TEST(BsrProperty, RandomMessagesKeepTheInvariants) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    auto stand = std::make_unique<BsrStand>(config_of(random));
    for (int i = 0; i < 150; ++i) {
      step(*stand, random);
      const auto model = stand->bsr->show(stand->now);
      ASSERT_LE(model.zones.size(), 6U);  // zones_max and the configured ones
      for (const BsrZoneModel& zone : model.zones) {
        ASSERT_LE(zone.mappings, 4 * 12U);
        ASSERT_LE(zone.offers, 4 * 12U);
        ASSERT_EQ(zone.candidate.has_value(), zone.state >= BsrState::candidate);
        ASSERT_TRUE(zone.bsr || zone.state == BsrState::pending ||
                    zone.state <= BsrState::accept_any);
        if (zone.state == BsrState::elected) ASSERT_EQ(zone.bsr->address, zone.candidate->address);
      }
      for (const RpMapping& mapping : stand->bsr->mappings()) ASSERT_TRUE(is_valid(mapping));
      for (const SendBootstrap& sent : stand->take<SendBootstrap>())
        ASSERT_FALSE(sent.message.no_forward);
      for (const SendBootstrapTo& sent : stand->take<SendBootstrapTo>())
        ASSERT_TRUE(sent.message.no_forward);
      stand->effects.clear();
      BsrStand read;
      for (const RpRecord& record : stand->bsr->snapshot(0, 100'000).records) read.keep(record);
      ASSERT_EQ(read.store, stand->store) << "step " << i;

      if (random.pick(25) != 0) continue;
      // A takeover by one that read the records.
      auto next = std::make_unique<BsrStand>(config_of(random), Mode::standby);
      next->now = stand->now;
      for (const RpRecord& record : stand->bsr->snapshot(0, 100'000).records) {
        next->bsr->on_record(record, next->now);
        next->keep(record);
      }
      next->drain();
      ASSERT_EQ(next->mappings(), stand->mappings());
      next->bsr->activate(next->now);
      next->drain();
      next->effects.clear();
      stand = std::move(next);
    }
  }
}

TEST(BsrProperty, FragmentsInAnyOrderWithLossAndRepetitionMakeTheSetOrNothing) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    std::vector<wire::PimBootstrap> fragments;
    BsrStand stand;
    const std::uint32_t rps = 2 + random.pick(20);
    for (std::uint32_t i = 0; i < rps; ++i) {
      wire::PimBootstrapRange one =
          range_of("225.0.0.0/8", {{"10.0.0.1"}}, static_cast<std::uint8_t>(rps));
      one.rps[0].address = IpAddress::v4(0x0a000001U + i);
      fragments.push_back(stand.message("10.1.1.1", 1, {one}, 5));
    }
    const bool lossy = random.pick(2) == 0;
    if (lossy) fragments.erase(fragments.begin() + random.pick(rps));
    for (std::uint32_t i = 0; i < 20; ++i) fragments.push_back(fragments[random.pick(rps - 1)]);
    for (std::size_t i = fragments.size(); i > 1; --i)
      std::swap(fragments[i - 1], fragments[random.pick(static_cast<std::uint32_t>(i))]);
    for (const wire::PimBootstrap& fragment : fragments) stand.hear(fragment);
    EXPECT_EQ(stand.zone().mappings, lossy ? 0U : rps) << seed;
  }
}

}  // namespace
}  // namespace hotpair::mcast::rp
