#include <array>
#include <deque>
#include <ranges>

#include "rig.h"

// Courses of elections, among several routers too.
namespace hotpair::mcast::pim::testing {
namespace {

TEST(Election352, ThreeOffersThenTheWinnerThreeTimes) {
  Rig rig;
  rig.route(away());
  const TimePoint begin = rig.now;
  while (rig.state() == DfState::offer) rig.advance(1ms);
  EXPECT_GE(rig.now - begin, 200ms) << "four times 50 to 100 ms";
  EXPECT_LE(rig.now - begin, 401ms);
  EXPECT_EQ(rig.told(),
            (Words{"offer 100/20", "offer 100/20", "offer 100/20", "df self", "winner 100/20"}));
  rig.advance(1s);
  EXPECT_EQ(rig.told(), (Words{"winner 100/20", "winner 100/20"}));
  EXPECT_EQ(rig.elections.next_deadline(), std::nullopt) << "an elected router is silent";
}

TEST(Election352, WithoutAPathNobodyWins) {
  Rig rig;
  rig.route(through());
  rig.advance(3s);
  EXPECT_EQ(rig.told(), (Words{"offer infinite", "offer infinite", "offer infinite"}));
  EXPECT_EQ(rig.state(), DfState::lose);
  // Two routers without a path do not wake each other again and again.
  rig.hear(Action::offer, kInfinite, kThird);
  rig.advance(3s);
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_EQ(rig.ignored(DfIgnored::no_row), 1U);
}

TEST(Election352, ADownstreamRouterLearnsWhoActs) {
  Rig rig;
  rig.route(through());
  rig.hear(Action::winner, kWorse);
  EXPECT_EQ(rig.told(), (Words{"df 10.0.0.9"}));
  // 3.5.2.6: the way goes by another router of the link.
  rig.route(through("10.0.0.2"));
  rig.advance(3s);
  EXPECT_EQ(rig.told(), (Words{"offer infinite", "offer infinite", "offer infinite", "df none"}));
}

TEST(Election352, ThePassGoesToTheBestOfferAfterTheBackoffPeriod) {
  Rig rig;
  rig.enter(DfState::win);
  rig.hear(Action::offer, kBetter);
  rig.advance(900ms);
  EXPECT_EQ(rig.told(), (Words{"backoff 10.0.0.9 100/10 1000"}));
  rig.hear(Action::offer, kBest, kThird);
  rig.advance(900ms);
  EXPECT_EQ(rig.told(), (Words{"backoff 10.0.0.2 100/5 1000"})) << "the period began anew";
  rig.advance(200ms);
  EXPECT_EQ(rig.told(), (Words{"pass 10.0.0.2 100/5", "df 10.0.0.2"}));
  EXPECT_EQ(rig.state(), DfState::lose);
}

TEST(Election352, TheLargerAddressWinsATie) {
  Rig rig;
  rig.enter(DfState::win);
  rig.hear(Action::offer, kMetric, kThird);  // 10.0.0.2
  EXPECT_EQ(rig.told(), (Words{"winner 100/20"}));
  rig.hear(Action::offer, kMetric, kPeer);  // 10.0.0.9
  EXPECT_EQ(rig.told(), (Words{"backoff 10.0.0.9 100/20 1000"}));
}

TEST(Election351, TheRpLinkHasNoElection) {
  Rig rig;
  DfRoute route = through();
  route.on_link = true;
  rig.route(route);
  rig.advance(3s);
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_EQ(rig.state(), std::nullopt);
  rig.hear(Action::offer, kBetter);
  EXPECT_EQ(rig.ignored(DfIgnored::unknown_rp), 1U);
  rig.route(away());
  EXPECT_EQ(rig.state(), DfState::offer);
}

TEST(Links, OneNeighbourWithoutTheOptionEndsIt) {
  Rig rig;
  rig.enter(DfState::win);
  rig.elections.set_usable(kLink, false, rig.now);
  EXPECT_EQ(rig.told(), (Words{"df none"}));
  rig.hear(Action::offer, kBetter);
  rig.advance(3s);
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_EQ(rig.ignored(DfIgnored::not_enabled), 1U);
  rig.elections.set_usable(kLink, true, rig.now);
  EXPECT_EQ(rig.state(), DfState::offer);
}

TEST(Links, AMutedLinkIsSilentAndElectsAnew) {
  LinkConfig config = Rig::link_config();
  config.scope = kScope;
  Rig rig(config);
  rig.route(away());
  rig.advance(3s);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.elections.set_mode(kScope, LinkMode::live, rig.now);
  rig.advance(3s);
  EXPECT_EQ(rig.told().size(), 7U);
  rig.elections.set_mode(kScope, LinkMode::muted, rig.now);
  EXPECT_EQ(rig.told(), (Words{"df none"}));
  rig.hear(Action::winner, kBetter);
  rig.advance(3s);
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_EQ(rig.ignored(DfIgnored::muted), 1U);
}

TEST(Restart, WhatActedGoesOnActing) {
  Rig rig;
  rig.elections.note_acting(kRp, kLink, rig.now);
  rig.route(away());
  EXPECT_EQ(rig.told(), (Words{"df self", "winner 100/20"}));
  EXPECT_EQ(rig.state(), DfState::win);
  // Also when the memory comes late, but not against somebody who acts.
  Rig late;
  late.route(away());
  late.elections.note_acting(kRp, kLink, late.now);
  EXPECT_EQ(late.state(), DfState::win);
  Rig other;
  other.enter(DfState::lose);
  other.elections.note_acting(kRp, kLink, other.now);
  EXPECT_EQ(other.state(), DfState::lose);
}

TEST(Restart, ANeighbourThatForgotIsAsked) {
  Rig rig;
  rig.enter(DfState::lose);
  rig.elections.on_neighbour_restarted(kLink, kPeer, rig.now);
  EXPECT_THAT(rig.told(), IsEmpty()) << "it still acts, as far as is known";
  rig.advance(200ms);
  EXPECT_FALSE(rig.told().empty());
  rig.hear(Action::winner, kBetter);
  EXPECT_EQ(rig.state(), DfState::lose);
}

TEST(Limits, RpsAreBounded) {
  Rig rig;
  for (std::uint32_t i = 0; i < kBidirRpsMax; ++i)
    ASSERT_TRUE(rig.elections.set_rp({VrfId{0}, IpAddress::v4(0x0a640000 + i)}, away(), rig.now));
  EXPECT_FALSE(rig.elections.set_rp(kRp, away(), rig.now));
  EXPECT_EQ(rig.ignored(DfIgnored::rps_max), 1U);
}

/// Some routers on one link, which hear each other unless a message is lost.
TEST(Neighbours35, ANewcomerHearsWhoActs) {
  Rig rig;
  rig.enter(DfState::win);
  rig.elections.on_neighbour_up(kLink, rig.now);
  rig.advance(2s);
  EXPECT_THAT(rig.told(), ElementsAre("winner 100/20", "winner 100/20", "winner 100/20"));
  for (const DfState state : {DfState::lose, DfState::backoff}) {
    Rig other;
    other.enter(state);
    other.elections.on_neighbour_up(kLink, other.now);
    other.advance(500ms);
    EXPECT_THAT(other.told(), IsEmpty());
  }
}

class Lan {
 public:
  struct Router {
    explicit Router(std::uint64_t seed) : entropy(seed), elections(entropy) {}
    Entropy entropy;
    DfElections elections;
    std::optional<IpAddress> df;
    bool self = false;
    bool dead = false;
  };
  Lan(std::uint64_t seed, std::size_t routers) : random_(seed) {
    for (std::size_t i = 0; i < routers; ++i) {
      Router& router = routers_.emplace_back(seed * 100 + i);
      LinkConfig config = Rig::link_config();
      config.address = address(i);
      router.elections.set_link(config, now_);
    }
  }
  static IpAddress address(std::size_t i) {
    return IpAddress::v4(0x0a000001 + static_cast<std::uint32_t>(i));
  }
  void route(std::size_t i, const DfRoute& route) {
    static_cast<void>(routers_[i].elections.set_rp(kRp, route, now_));
  }
  void kill(std::size_t i) {
    routers_[i].dead = true;
    for (std::size_t j = 0; j < routers_.size(); ++j)
      if (!routers_[j].dead) routers_[j].elections.on_neighbour_lost(kLink, address(i), now_);
  }
  /// All see each other as new neighbours.
  void meet() {
    for (Router& router : routers_)
      for (std::size_t j = 1; j < routers_.size(); ++j)
        router.elections.on_neighbour_up(kLink, now_);
  }
  /// `loss`: of a hundred messages.
  void advance(Duration by, unsigned loss) {
    const TimePoint until = now_ + by;
    while (true) {
      exchange(loss);
      std::optional<TimePoint> due;
      for (Router& router : routers_) {
        const auto next = router.dead ? std::nullopt : router.elections.next_deadline();
        if (next && (!due || *next < *due)) due = next;
      }
      if (!due || *due > until) break;
      now_ = std::max(now_, *due);
      for (Router& router : routers_)
        if (!router.dead) router.elections.on_timeout(now_);
    }
    now_ = until;
  }
  [[nodiscard]] const Router& operator[](std::size_t i) const { return routers_[i]; }
  [[nodiscard]] std::size_t acting() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        routers_, [](const Router& router) { return router.self && !router.dead; }));
  }

 private:
  void exchange(unsigned loss) {
    bool more = true;
    while (more) {
      more = false;
      for (std::size_t i = 0; i < routers_.size(); ++i)
        while (const auto effect = routers_[i].elections.poll_effect()) {
          more = true;
          if (routers_[i].dead) continue;
          if (const auto* change = std::get_if<DfChanged>(&*effect)) {
            routers_[i].df = change->df;
            routers_[i].self = change->self;
            continue;
          }
          deliver(i, std::get<wire::PimDfElection>(std::get<SendOnLink>(*effect).message), loss);
        }
    }
  }
  void deliver(std::size_t from, const wire::PimDfElection& message, unsigned loss) {
    for (std::size_t j = 0; j < routers_.size(); ++j)
      if (j != from && !routers_[j].dead && random_.next() % 100 >= loss)
        routers_[j].elections.on_message(kLink, address(from), message, now_);
  }
  Entropy random_;
  std::deque<Router> routers_;
  TimePoint now_{1h};
};

TEST(Election35, TwoThatDidNotHearEachOtherAgreeWhenTheyMeet) {
  Lan lan(1, 3);
  for (std::size_t i = 0; i < 3; ++i) lan.route(i, away());
  lan.advance(5s, 100);
  ASSERT_EQ(lan.acting(), 3U);
  lan.meet();
  lan.advance(1s, 0);
  EXPECT_EQ(lan.acting(), 1U);
  EXPECT_TRUE(lan[2].self) << "equal metrics: the largest address";
}

TEST(Election35, OneRouterActsWhateverTheCourse) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Entropy random(seed);
    Lan lan(seed, 4);
    std::array<std::uint32_t, 4> metrics{};
    const auto set = [&](std::size_t i) {
      metrics[i] = static_cast<std::uint32_t>(random.next() % 5);
      lan.route(i, metrics[i] == 4 ? through() : away({100, metrics[i]}));
    };
    for (std::size_t i = 0; i < 4; ++i) set(i);
    const bool lossy = seed % 2 == 0;
    for (int step = 0; step < 12; ++step) {
      lan.advance(random.up_to(1500ms), lossy ? 10 : 0);
      set(random.next() % 4);
    }
    lan.advance(20s, 0);
    // A lost Winner is repeated when somebody with another view speaks.
    for (std::size_t i = 0; i < 4; ++i) lan.route(i, through("10.0.0.77"));
    for (std::size_t i = 0; i < 4; ++i)
      lan.route(i, metrics[i] == 4 ? through() : away({100, metrics[i]}));
    lan.advance(20s, 0);
    std::size_t best = 4;
    for (std::size_t i = 0; i < 4; ++i)
      if (metrics[i] != 4 && (best == 4 || metrics[i] <= metrics[best])) best = i;
    EXPECT_EQ(lan.acting(), best == 4 ? 0U : 1U);
    if (best == 4) continue;
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(lan[i].df, Lan::address(best)) << i;
    lan.kill(best);
    lan.advance(3s, 0);
    const bool another =
        std::ranges::any_of(std::views::iota(std::size_t{0}, std::size_t{4}),
                            [&](std::size_t i) { return i != best && metrics[i] != 4; });
    EXPECT_EQ(lan.acting(), another ? 1U : 0U) << "within three seconds of its end";
  }
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
