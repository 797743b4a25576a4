#include <memory>
#include <random>
#include <set>

#include "upstream_stand.h"

/// Routers on one LAN, the upstream engine of some and the downstream engine of others, joined by a
/// wire that loses and reorders. When it stops losing, the downstream routers know what is wished.
namespace hotpair::mcast::pim::testing {
namespace {

constexpr unsigned kWishers = 3;    // routers 11 to 13
constexpr unsigned kUpstreams = 2;  // routers 2 and 3
constexpr unsigned kGroups = 2;
const std::vector<std::string> kTrees{"*", "1", "2", "3", "1r", "2r", "3r"};

Group group(unsigned n) { return *Group::from(IpAddress::v4(0xe1000001U + n)); }

struct Packet {
  IpAddress from;
  wire::PimJoinPrune message;
};

class Lan {
 public:
  explicit Lan(unsigned seed) : random_(seed) {
    for (unsigned i = 0; i < kWishers; ++i) {
      const bool scoped = i == 2;
      wishers_.push_back(
          std::make_unique<UpStand>(scoped ? std::optional(kScope) : std::nullopt, seed * 10 + i));
      for (unsigned n = 0; n < kUpstreams; ++n)
        wishers_[i]->engine.on_neighbour_up(kLink, router(2 + n), {}, now_);
    }
    for (unsigned n = 0; n < kUpstreams; ++n) start(n);
  }

  /// The wire loses so many of a hundred packets, each receiver for itself, and reorders.
  void disturb(unsigned percent) {
    loss_ = percent;
    reorders_ = true;
  }
  /// All hear everything, in the order it was sent.
  void calm() {
    loss_ = 0;
    reorders_ = false;
  }
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  void wish() { wish(pick(kWishers - 1), pick(kGroups), kTrees[pick(7)], pick(3)); }
  void act() {
    switch (pick(20)) {
      case 0:
        return restart(pick(kUpstreams));
      case 1:
        return blink(pick(kWishers), pick(kUpstreams));
      case 2:
        return change_role();
      default:
        return wish(pick(kWishers), pick(kGroups), kTrees[pick(7)], pick(3));
    }
  }
  void run(Duration time) {
    const TimePoint end = now_ + time;
    for (;;) {
      drain();
      TimePoint next = wire_.empty() ? TimePoint::max() : wire_.begin()->first;
      for (const auto& wisher : wishers_)
        next = std::min(next, wisher->engine.next_deadline().value_or(TimePoint::max()));
      for (const auto& upstream : upstreams_)
        next = std::min(next, upstream->engine.next_deadline().value_or(TimePoint::max()));
      if (next > end) break;
      now_ = std::max(now_, next);
      step();
    }
    now_ = end;
    for (const auto& stand : upstreams_) stand->now = now_;
    for (const auto& stand : wishers_) stand->now = now_;
  }

  [[nodiscard]] std::string known(unsigned upstream) const {
    std::string text;
    for (unsigned g = 0; g < kGroups; ++g) text += upstreams_[upstream]->view(group(g)) + " ";
    return text;
  }
  [[nodiscard]] std::string wished(unsigned upstream) const {
    std::string text;
    for (unsigned g = 0; g < kGroups; ++g) text += wished(upstream, g) + " ";
    return text;
  }
  [[nodiscard]] bool a_muted_link_sent() const { return muted_sent_; }
  [[nodiscard]] std::size_t sent() const { return sent_; }

 private:
  using Tree = std::pair<unsigned, std::string>;  // group, word

  void start(unsigned n) {
    auto stand = std::make_unique<Stand>();
    stand->now = now_;
    stand->config.address = router(2 + n);
    stand->lan.neighbours = kWishers + kUpstreams - 1;
    stand->engine.configure(stand->config, now_);
    if (upstreams_.size() <= n) upstreams_.resize(n + 1);
    upstreams_[n] = std::move(stand);
  }
  void restart(unsigned n) {
    start(n);
    for (const auto& wisher : wishers_)
      wisher->engine.on_neighbour_restarted(kLink, router(2 + n), now_);
  }
  void blink(unsigned wisher, unsigned upstream) {
    wishers_[wisher]->engine.on_neighbour_down(kLink, router(2 + upstream), now_);
    run(std::chrono::seconds(pick(3)));
    wishers_[wisher]->engine.on_neighbour_up(kLink, router(2 + upstream), {}, now_);
  }
  void change_role() {
    drain();
    active_ = !active_;
    if (active_)
      wishers_[2]->engine.activate(kScope, now_);
    else
      wishers_[2]->engine.deactivate(kScope, now_);
  }
  /// Router `n` - 1 of the upstreams, or nothing.
  void wish(unsigned wisher, unsigned g, const std::string& word, unsigned n) {
    std::map<Tree, unsigned>& wishes = wishes_[wisher];
    const bool rpt = word.back() == 'r';
    if (n == 0)
      wishes.erase({g, word});
    else
      wishes[{g, word}] = n - 1;
    UpStand& stand = *wishers_[wisher];
    stand.now = now_;
    const UpstreamKind wanted = rpt ? UpstreamKind::prune : UpstreamKind::join;
    stand.ask(word, n == 0 ? UpstreamKind::none : wanted, 1 + n, group(g));
  }

  [[nodiscard]] bool wants(unsigned wisher, unsigned g, const std::string& word) const {
    return wishes_[wisher].contains({g, word});
  }
  [[nodiscard]] bool wants(unsigned wisher, unsigned g, const std::string& word,
                           unsigned upstream) const {
    const auto found = wishes_[wisher].find({g, word});
    return found != wishes_[wisher].end() && found->second == upstream;
  }
  [[nodiscard]] std::string wished(unsigned upstream, unsigned g) const {
    DownstreamView view{
        .link = kLink, .group = group(g), .shared_tree = false, .sources = {}, .joined = {}};
    std::vector<unsigned> live{0, 1};
    if (active_) live.push_back(2);
    for (const unsigned i : live) view.shared_tree |= wants(i, g, "*", upstream);
    for (unsigned s = 1; s <= 3; ++s) {
      const std::string word = std::to_string(s);
      bool joined = false;
      bool pruned = true;
      for (const unsigned i : live) {
        joined |= wants(i, g, word, upstream);
        if (wants(i, g, "*", upstream)) pruned &= wants(i, g, word + "r");
      }
      if (joined)
        (view.shared_tree ? view.joined : view.sources).push_back(source(s));
      else if (view.shared_tree && pruned)
        view.sources.push_back(source(s));
    }
    return view.shared_tree || !view.sources.empty() ? text_of(view) : "-";
  }

  void drain() {
    for (unsigned i = 0; i < kWishers; ++i)
      while (auto effect = wishers_[i]->engine.poll_effect()) {
        muted_sent_ |= i == 2 && !active_;
        send(router(11 + i), std::get<wire::PimJoinPrune>(effect->message));
      }
    for (unsigned n = 0; n < kUpstreams; ++n) {
      upstreams_[n]->drain();
      for (auto& echo : std::exchange(upstreams_[n]->sent, {})) send(router(2 + n), echo);
    }
  }
  void send(const IpAddress& from, const wire::PimJoinPrune& message) {
    ++sent_;
    for (unsigned i = 0; i < kWishers + kUpstreams; ++i) {  // each may lose it for itself
      if (pick(100) < loss_) continue;
      const TimePoint at = now_ + std::chrono::milliseconds(reorders_ ? pick(200) : 50);
      wire_.emplace(at, std::pair(i, Packet{from, message}));
    }
  }
  void step() {
    while (!wire_.empty() && wire_.begin()->first <= now_) {
      const auto [to, packet] = wire_.begin()->second;
      wire_.erase(wire_.begin());
      deliver(to, packet);
    }
    for (const auto& wisher : wishers_) wisher->engine.on_timeout(now_);
    for (const auto& upstream : upstreams_) {
      upstream->now = now_;
      upstream->engine.on_timeout(now_);
    }
  }
  void deliver(unsigned to, const Packet& packet) {
    if (to < kWishers) {
      if (packet.from == router(11 + to)) return;
      wishers_[to]->engine.on_foreign_join_prune(kLink, packet.message, now_);
      return;
    }
    Stand& stand = *upstreams_[to - kWishers];
    if (packet.from == stand.config.address) return;
    const bool is_us = packet.message.upstream_neighbor == stand.config.address;
    stand.engine.on_join_prune({kLink, packet.from, is_us, stand.lan}, packet.message, stand.rps,
                               now_);
  }

  std::mt19937 random_;
  TimePoint now_{1000s};
  unsigned loss_ = 0;
  bool reorders_ = false;
  bool active_ = false;  // the scope of the third wisher's link
  bool muted_sent_ = false;
  std::size_t sent_ = 0;
  std::vector<std::unique_ptr<UpStand>> wishers_;
  std::vector<std::unique_ptr<Stand>> upstreams_;
  std::array<std::map<Tree, unsigned>, kWishers> wishes_;
  std::multimap<TimePoint, std::pair<unsigned, Packet>> wire_;
};

TEST(Wire, ConvergesToWhatIsWished) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    Lan lan(seed);
    lan.disturb(seed % 4 * 15);
    for (int i = 0; i < 150; ++i) {
      lan.act();
      if (lan.pick(4) == 0) lan.run(std::chrono::milliseconds(lan.pick(20'000)));
    }
    lan.calm();
    lan.run(300s);  // what was lost is refreshed or expires
    ASSERT_GT(lan.sent(), 50U);
    for (int i = 0; i < 30; ++i) {
      for (unsigned n = 0; n < kUpstreams; ++n)
        ASSERT_EQ(lan.known(n), lan.wished(n)) << "seed " << seed << " router " << n << " at " << i;
      lan.run(7s);
    }
    EXPECT_FALSE(lan.a_muted_link_sent());
  }
}

// Without loss a change is there in seconds, and from then on nothing that somebody wishes is
// pruned or lost, however the others refresh, suppress and override.
TEST(Wire, OverridesInTime) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    Lan lan(seed);
    for (int i = 0; i < 40; ++i) {
      for (unsigned n = lan.pick(4); n > 0; --n) lan.wish();
      lan.run(10s);
      for (unsigned second = lan.pick(100); second > 0; --second) {
        for (unsigned n = 0; n < kUpstreams; ++n)
          ASSERT_EQ(lan.known(n), lan.wished(n)) << "seed " << seed << " step " << i;
        lan.run(1s);
      }
    }
    EXPECT_FALSE(lan.a_muted_link_sent());
  }
}

}  // namespace
}  // namespace hotpair::mcast::pim::testing
