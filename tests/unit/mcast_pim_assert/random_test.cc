#include <map>
#include <memory>
#include <set>

#include "rig.h"

// Any order of inputs, and routers that assert among themselves.
namespace hotpair::mcast::pim::testing {
namespace {

TreeKey tree(std::uint64_t n) {
  TreeKey key{.group = *Group::from(IpAddress::v4(0xe1000001 + static_cast<std::uint32_t>(n % 2)))};
  if (n % 3 != 0) key.source = IpAddress::v4(0xc0000200 + static_cast<std::uint32_t>(n % 3));
  return key;
}

class Storm {
 public:
  explicit Storm(std::uint64_t seed) : dice_(seed) {}

  void step() {
    const LinkId link{static_cast<std::uint32_t>(dice_.next() % 3)};
    const TreeKey key = tree(dice_.next());
    switch (dice_.next() % 12) {
      case 0:
        set_link(link);
        break;
      case 1:
        modes_[kScope] = one_in(2) ? LinkMode::live : LinkMode::muted;
        asserts_.set_mode(kScope, modes_[kScope], now_);
        break;
      case 2:
        if (one_in(4)) asserts_.remove_link(link, now_);
        break;
      case 3:
        asserts_.on_neighbour_lost(link, address(), now_);
        break;
      case 4:
        asserts_.on_join_received(link, key, now_);
        break;
      case 5:
        now_ += std::chrono::seconds(dice_.next() % 100);
        asserts_.on_timeout(now_);
        break;
      case 6:
        if (const auto due = asserts_.next_deadline()) now_ = std::max(now_, *due);
        asserts_.on_timeout(now_);
        break;
      case 7: {
        TreeKey on = key;
        on.rpt = key.source && one_in(2);
        asserts_.on_data(link, on, now_);
        break;
      }
      case 8:
      case 9:
        asserts_.set_facts(link, key, facts(), now_);
        break;
      default:
        asserts_.on_assert(link, address(), message(key), now_);
    }
    check();
  }

 private:
  [[nodiscard]] bool one_in(std::uint64_t n) { return dice_.next() % n == 0; }
  [[nodiscard]] IpAddress address() {
    return IpAddress::v4(0x0a000001 + static_cast<std::uint32_t>(dice_.next() % 5));
  }
  [[nodiscard]] wire::PimMetric metric() {
    return {.preference = static_cast<std::uint32_t>(dice_.next() % 2),
            .metric = static_cast<std::uint32_t>(dice_.next() % 3)};
  }
  [[nodiscard]] AssertFacts facts() {
    AssertFacts facts{.metric = metric()};
    facts.could_assert = one_in(2);
    facts.tracking_desired = facts.could_assert || one_in(2);
    facts.rpf_interface = !facts.could_assert && one_in(2);
    return one_in(5) ? AssertFacts{} : facts;
  }
  [[nodiscard]] wire::PimAssert message(const TreeKey& key) {
    wire::PimAssert made{.group = key.group, .source = key.source.value_or(kNone)};
    made.rpt = !key.source || one_in(3);
    made.metric = metric();
    if (made.rpt && one_in(4)) made.metric = AssertMetric{}.route;
    return made;
  }
  void set_link(LinkId link) {
    LinkConfig config;
    config.link = link;
    config.address = one_in(6) ? kNone : address();
    if (link.value() == 1) config.scope = kScope;
    config.entries_max = static_cast<std::uint32_t>(dice_.next() % 6);
    configs_[link] = config;
    asserts_.set_link(config, now_);
  }

  void check() {
    while (const auto effect = asserts_.poll_effect()) {
      if (const auto* send = std::get_if<SendOnLink>(&*effect)) {
        const LinkConfig& config = configs_.at(send->link);
        EXPECT_FALSE(config.address.is_unspecified());
        EXPECT_TRUE(!config.scope || modes_[*config.scope] == LinkMode::live) << "muted";
      }
      if (const auto* changed = std::get_if<AssertChanged>(&*effect)) {
        EXPECT_FALSE(changed->key.rpt);
        EXPECT_NE(views_[changed->link][changed->key], changed->view);
        views_[changed->link][changed->key] = changed->view;
        if (changed->view.state == AssertState::no_info) views_[changed->link].erase(changed->key);
      }
      if (const auto* flushed = std::get_if<AssertsFlushed>(&*effect))
        EXPECT_GT(views_.erase(flushed->link), 0U);
    }
    // What was told is what is so.
    for (std::uint32_t i = 0; i < 3; ++i) {
      const LinkId link{i};
      EXPECT_EQ(asserts_.asserted_count(link), views_[link].size());
      EXPECT_LE(asserts_.entry_count(link), 6U);
      for (std::uint64_t n = 0; n < 6; ++n) {
        const auto told = views_[link].find(tree(n));
        const AssertView view = asserts_.view(link, tree(n));
        if (told == views_[link].end())
          EXPECT_EQ(view.state, AssertState::no_info);
        else
          EXPECT_EQ(view, told->second);
      }
      if (!views_[link].empty()) EXPECT_TRUE(asserts_.next_deadline().has_value());
    }
  }

  Entropy dice_;
  Asserts asserts_;
  TimePoint now_ = TimePoint{} + 1000s;
  std::map<LinkId, LinkConfig> configs_;
  std::map<ScopeId, LinkMode> modes_;
  std::map<LinkId, std::map<TreeKey, AssertView>> views_;
};

TEST(Random, AnyOrderOfInputs) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    Storm storm(seed);
    for (int i = 0; i < 2000 && !::testing::Test::HasFailure(); ++i) storm.step();
  }
}

// Several routers forward a tree onto one link, each with a metric of its own. Whatever of it they
// notice first, in whatever order their Asserts arrive, one is left; and after it stops, another.
class Link {
 public:
  Link(std::uint64_t seed, const TreeKey& key) : dice_(seed), key_(key) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      Router& router = *routers_.emplace_back(std::make_unique<Router>());
      router.config.link = kLink;
      router.config.address = IpAddress::v4(0x0a000001 + i);
      router.asserts.set_link(router.config, now_);
      set_forwarding(router, true);
    }
  }
  /// Every forwarder sees the others' packets; Asserts are delivered in any order.
  void run(Duration by) {
    const TimePoint until = now_ + by;
    while (true) {
      if (forwarders() > 1) {
        Router& router = any();
        if (forwards(router)) router.asserts.on_data(kLink, key_, now_);
      }
      deliver();
      if (forwarders() > 1) continue;
      std::optional<TimePoint> due;
      for (const auto& router : routers_) due = earliest(due, router->asserts.next_deadline());
      if (!due || *due > until) break;
      now_ = std::max(now_, *due);
      for (const auto& router : routers_) router->asserts.on_timeout(now_);
    }
    now_ = until;
  }
  [[nodiscard]] std::size_t forwarders() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(routers_, [this](const auto& router) { return forwards(*router); }));
  }
  /// The winner has no reason to forward any more.
  void stop_the_winner() {
    for (const auto& router : routers_)
      if (forwards(*router)) set_forwarding(*router, false);
  }
  [[nodiscard]] std::size_t candidates() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(routers_, [](const auto& router) { return router->wants; }));
  }
  void expect_the_best_forwards() const {
    const Router* best = nullptr;
    for (const auto& router : routers_) {
      if (!router->wants) continue;
      if (best == nullptr || metric_of(*router).is_better_than(metric_of(*best)))
        best = router.get();
    }
    ASSERT_NE(best, nullptr);
    EXPECT_TRUE(forwards(*best));
  }

 private:
  struct Router {
    LinkConfig config;
    Asserts asserts;
    bool wants = false;
    wire::PimMetric metric;
  };
  void set_forwarding(Router& router, bool wants) {
    router.wants = wants;
    router.metric = {.preference = 1, .metric = static_cast<std::uint32_t>(dice_.next() % 3)};
    router.asserts.set_facts(
        kLink, key_,
        wants ? AssertFacts{.could_assert = true, .tracking_desired = true, .metric = router.metric}
              : AssertFacts{},
        now_);
  }
  [[nodiscard]] AssertMetric metric_of(const Router& router) const {
    return {.rpt = !key_.source, .route = router.metric, .address = router.config.address};
  }
  [[nodiscard]] bool forwards(const Router& router) const {
    return router.wants && !router.asserts.view(kLink, key_).lost;
  }
  [[nodiscard]] Router& any() { return *routers_[dice_.next() % routers_.size()]; }
  void deliver() {
    while (true) {
      for (const auto& router : routers_)
        while (const auto effect = router->asserts.poll_effect())
          if (const auto* send = std::get_if<SendOnLink>(&*effect))
            for (const auto& to : routers_)
              if (to != router)
                flying_.push_back(
                    {to.get(), router->config.address, std::get<wire::PimAssert>(send->message)});
      if (flying_.empty()) return;
      const std::size_t at = dice_.next() % flying_.size();
      const Flying one = flying_[at];
      flying_.erase(flying_.begin() + static_cast<std::ptrdiff_t>(at));
      one.to->asserts.on_assert(kLink, one.from, one.message, now_);
    }
  }
  struct Flying {
    Router* to;
    IpAddress from;
    wire::PimAssert message;
  };
  Entropy dice_;
  TreeKey key_;
  std::vector<std::unique_ptr<Router>> routers_;
  std::vector<Flying> flying_;
  TimePoint now_ = TimePoint{} + 1000s;
};

TEST(Random, OneForwarderIsLeft) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Link link(seed, seed % 2 == 0 ? kStar : kSourceTree);
    for (std::size_t left = 4; left > 0; --left) {
      ASSERT_EQ(link.candidates(), left);
      link.run(1000s);
      EXPECT_EQ(link.forwarders(), 1U);
      link.expect_the_best_forwards();
      link.stop_the_winner();
    }
  }
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
