#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcast/pim/pim_df.h"

/// DF elections with a virtual clock; effects are told as words.
namespace hotpair::mcast::pim::testing {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;
using Action = wire::PimDfAction;

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

inline const LinkId kLink{7};
inline const LinkId kUplink{1};
inline const ScopeId kScope{1};
inline const IpAddress kOwn = ip("10.0.0.5");
inline const IpAddress kPeer = ip("10.0.0.9");
inline const IpAddress kThird = ip("10.0.0.2");
inline const DfRp kRp{VrfId{0}, ip("192.0.2.1")};
inline constexpr wire::PimMetric kBest{.preference = 100, .metric = 5};
inline constexpr wire::PimMetric kBetter{.preference = 100, .metric = 10};
inline constexpr wire::PimMetric kMetric{.preference = 100, .metric = 20};
inline constexpr wire::PimMetric kWorse{.preference = 110, .metric = 1};
inline constexpr wire::PimMetric kInfinite{.preference = wire::kPimPreferenceMax,
                                           .metric = 0xffffffff};

inline std::string to_text(const wire::PimMetric& metric) {
  if (metric == kInfinite) return "infinite";
  return std::to_string(metric.preference) + "/" + std::to_string(metric.metric);
}

/// The way to the RP by another link than the one of the election.
inline DfRoute away(const wire::PimMetric& metric = kMetric) {
  return {.reachable = true, .link = kUplink, .neighbour = ip("10.1.0.1"), .metric = metric};
}
/// The way to the RP by the link itself.
inline DfRoute through(std::string_view neighbour = "10.0.0.9") {
  return {.reachable = true, .link = kLink, .neighbour = ip(neighbour), .metric = kMetric};
}

struct Teller {
  std::string operator()(const SendOnLink& effect) const {
    const auto& message = std::get<wire::PimDfElection>(effect.message);
    const std::string sender = " " + to_text(message.sender);
    const std::string target = message.target.to_string() + " " + to_text(message.target_metric);
    switch (message.action) {
      case Action::offer:
        return "offer" + sender;
      case Action::winner:
        return "winner" + sender;
      case Action::backoff:
        return "backoff " + target + " " + std::to_string(message.interval_ms);
      case Action::pass:
        return "pass " + target;
    }
    return "?";
  }
  std::string operator()(const DfChanged& effect) const {
    if (!effect.df) return "df none";
    return effect.self ? "df self" : "df " + effect.df->to_string();
  }
};

class Rig {
 public:
  explicit Rig(const LinkConfig& with = link_config()) : config(with) {
    elections.set_link(config, now);
  }
  static LinkConfig link_config() {
    LinkConfig made;
    made.link = kLink;
    made.address = kOwn;
    made.bidir = true;
    return made;
  }
  Words told() {
    drain();
    return std::exchange(words_, {});
  }
  void advance(Duration by) {
    const TimePoint until = now + by;
    drain();
    while (true) {
      const auto due = elections.next_deadline();
      if (!due || *due > until) break;
      now = std::max(now, *due);
      elections.on_timeout(now);
      drain();
    }
    now = until;
  }
  void route(const DfRoute& route) { EXPECT_TRUE(elections.set_rp(kRp, route, now)); }
  void hear(Action action, const wire::PimMetric& sender, const IpAddress& from = kPeer,
            const IpAddress& target = IpAddress::any(Family::ipv4),
            const wire::PimMetric& target_metric = {}) {
    elections.on_message(kLink, from,
                         {.action = action,
                          .rp = kRp.address,
                          .sender = sender,
                          .target = target,
                          .target_metric = target_metric,
                          .interval_ms = 1000},
                         now);
  }
  [[nodiscard]] std::optional<DfState> state() const {
    const auto rows = elections.show(now);
    return rows.empty() ? std::nullopt : rows.front().state;
  }
  /// Into a state, with nothing left to tell.
  void enter(DfState state) {
    route(away());
    if (state == DfState::lose) hear(Action::winner, kBetter);
    if (state == DfState::win || state == DfState::backoff) advance(2s);
    if (state == DfState::backoff) hear(Action::offer, kBetter);
    ASSERT_EQ(this->state(), state);
    static_cast<void>(told());
  }
  [[nodiscard]] std::uint64_t ignored(DfIgnored reason) const {
    return elections.counters(kLink).ignored[static_cast<std::size_t>(reason)];
  }

  Entropy entropy{1};
  DfElections elections{entropy};
  LinkConfig config;
  TimePoint now{1h};

 private:
  void drain() {
    while (const auto effect = elections.poll_effect())
      words_.push_back(std::visit(Teller{}, *effect));
  }
  Words words_;
};

}  // namespace hotpair::mcast::pim::testing
