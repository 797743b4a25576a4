#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcast/pim/pim_assert.h"

/// Asserts with a virtual clock; effects are told as words.
namespace hotpair::mcast::pim::testing {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

inline const LinkId kLink{7};
inline const ScopeId kScope{1};
inline const IpAddress kOwn = ip("10.0.0.5");
inline const IpAddress kPeer = ip("10.0.0.9");
inline const IpAddress kThird = ip("10.0.0.2");
inline const IpAddress kSource = ip("192.0.2.1");
inline const IpAddress kNone = IpAddress::any(Family::ipv4);
inline const Group kGroup = *Group::parse("225.1.1.1");
inline const TreeKey kStar{.group = kGroup};
inline const TreeKey kSourceTree{.group = kGroup, .source = kSource};
inline const TreeKey kOnSharedTree{.group = kGroup, .source = kSource, .rpt = true};

/// The link forwards the tree; our route is 100/20.
inline AssertFacts downstream() {
  return {.could_assert = true,
          .tracking_desired = true,
          .rpf_interface = false,
          .metric = {.preference = 100, .metric = 20}};
}
/// The tree comes in on the link.
inline AssertFacts upstream() {
  return {.could_assert = false,
          .tracking_desired = true,
          .rpf_interface = true,
          .metric = {.preference = 100, .metric = 20}};
}

inline wire::PimAssert assertion(std::uint32_t preference, std::uint32_t metric,
                                 const IpAddress& source = kSource, bool rpt = false) {
  return {.group = kGroup,
          .source = source,
          .rpt = rpt,
          .metric = {.preference = preference, .metric = metric}};
}
inline wire::PimAssert star_assertion(std::uint32_t preference, std::uint32_t metric,
                                      const IpAddress& source = kNone) {
  return assertion(preference, metric, source, true);
}
inline wire::PimAssert cancel_of(const IpAddress& source) {
  return star_assertion(wire::kPimPreferenceMax, 0xffffffff, source);
}

inline std::string to_text(const wire::PimMetric& metric) {
  if (metric == AssertMetric{}.route) return "cancel";
  return std::to_string(metric.preference) + "/" + std::to_string(metric.metric);
}

struct Teller {
  std::string operator()(const SendOnLink& effect) const {
    const auto& message = std::get<wire::PimAssert>(effect.message);
    return "send " + to_text(message.metric) + (message.rpt ? " rpt " : " ") +
           (message.source.is_unspecified() ? "*" : message.source.to_string());
  }
  std::string operator()(const AssertChanged& effect) const {
    const std::string tree = effect.key.source ? "(S,G) " : "(*,G) ";
    const AssertView& view = effect.view;
    if (view.state == AssertState::no_info) return tree + "none";
    if (view.state == AssertState::winner) return tree + "winner " + to_text(view.winner.route);
    return tree + "loser " + view.winner.address.to_string() + " " + to_text(view.winner.route) +
           (view.lost ? " lost" : "");
  }
  std::string operator()(const AssertsFlushed& effect) const {
    return "flushed " + std::to_string(effect.link.value());
  }
  std::string operator()(const LimitReached& effect) const {
    return "limit " + std::to_string(effect.link.value());
  }
};

class Rig {
 public:
  Rig() { asserts.set_link(config, now); }

  Words told() {
    drain();
    return std::exchange(words_, {});
  }
  void advance(Duration by) {
    const TimePoint until = now + by;
    drain();
    while (true) {
      const auto due = asserts.next_deadline();
      if (!due || *due > until) break;
      now = std::max(now, *due);
      asserts.on_timeout(now);
      drain();
    }
    now = until;
  }
  void facts(const TreeKey& key, const AssertFacts& facts) {
    asserts.set_facts(kLink, key, facts, now);
  }
  void hear(const wire::PimAssert& message, const IpAddress& from = kPeer) {
    asserts.on_assert(kLink, from, message, now);
  }
  void data(const TreeKey& key) { asserts.on_data(kLink, key, now); }
  [[nodiscard]] AssertState state(const TreeKey& key) const {
    return asserts.view(kLink, key).state;
  }
  [[nodiscard]] std::uint64_t ignored(AssertIgnored reason) const {
    return asserts.counters(kLink).ignored[static_cast<std::size_t>(reason)];
  }

  static LinkConfig link_config() {
    LinkConfig made;
    made.link = kLink;
    made.address = kOwn;
    return made;
  }
  LinkConfig config = link_config();
  Asserts asserts;
  TimePoint now = TimePoint{} + 1000s;

 private:
  void drain() {
    while (const auto effect = asserts.poll_effect())
      words_.push_back(std::visit(Teller{}, *effect));
  }
  Words words_;
};

}  // namespace hotpair::mcast::pim::testing
