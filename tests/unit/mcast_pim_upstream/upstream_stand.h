#pragma once

#include "mcast/pim/pim_upstream.h"
#include "tests/unit/mcast_pim_downstream/downstream_stand.h"

/// An upstream engine with a virtual clock; trees and messages in the language of the other stand.
namespace hotpair::mcast::pim::testing {

inline IpAddress router(unsigned n) { return ip("192.168.0." + std::to_string(n)); }

class UpStand {
 public:
  explicit UpStand(std::optional<ScopeId> scope = std::nullopt, std::uint64_t seed = 1)
      : entropy(seed) {
    config.link = kLink;
    config.address = kOwn;
    config.scope = scope;
    engine.configure(config, now);
    engine.set_lan(kLink, {.neighbours = 3});
  }

  void up(unsigned n, const std::vector<IpAddress>& secondary = {}) {
    engine.on_neighbour_up(kLink, router(n), secondary, now);
    drain();
  }
  void down(unsigned n) {
    engine.on_neighbour_down(kLink, router(n), now);
    drain();
  }
  /// The wish for "*", "1" or "1r" by router `n`, 0: directly connected. Not polled yet.
  void ask(const std::string& word, UpstreamKind kind, unsigned n = 2,
           const Group& group = kGroup) {
    UpstreamWish wish{.vrf = VrfId{},
                      .key = Stand::key(word),
                      .kind = kind,
                      .link = kLink,
                      .neighbour = {},
                      .rp = kRp};
    wish.key.group = group;
    if (n > 0) wish.neighbour = router(n);
    engine.on_wish(wish, now);
  }
  void join(const std::string& word, unsigned n = 2) {
    ask(word, UpstreamKind::join, n);
    drain();
  }
  void prune(const std::string& word) {
    ask(word, UpstreamKind::prune);
    drain();
  }
  void leave(const std::string& word) {
    ask(word, UpstreamKind::none);
    drain();
  }
  /// Another router tells router `n`.
  void overhear(const std::string& words, unsigned n = 2, std::uint16_t holdtime_s = 210) {
    engine.on_foreign_join_prune(kLink, {router(n), holdtime_s, {set_of(kGroup, words)}}, now);
    drain();
  }
  void pass(Duration time) {
    const TimePoint end = now + time;
    for (int guard = 0; guard < 1'000'000; ++guard) {
      const auto next = engine.next_deadline();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      engine.on_timeout(now);
      drain();
    }
    now = end;
    engine.on_timeout(now);
    drain();
  }
  void drain() {
    while (auto effect = engine.poll_effect()) {
      const auto& message = std::get<wire::PimJoinPrune>(effect->message);
      messages.emplace_back(now, message);
      log += (log.empty() ? "" : "; ") + number_of(message.upstream_neighbor) + ":";
      for (const auto& set : message.groups) log += " " + words_of(set);
    }
  }
  /// What was sent since the last call: "2: +* -1r; 3: -*", by upstream neighbour.
  [[nodiscard]] std::string sent() { return std::exchange(log, {}); }

  /// "Joined 2 60": state, RPF' and timer in whole seconds, rounded up.
  [[nodiscard]] std::string state(const std::string& word) const {
    for (const UpstreamRow& row : engine.show({}, now).rows) {
      if (row.key != Stand::key(word)) continue;
      std::string text(to_string(row.state));
      if (row.neighbour) text += " " + number_of(*row.neighbour);
      if (row.by_assert) text += " assert";
      return text;
    }
    return "none";
  }
  [[nodiscard]] Duration timer(const std::string& word) const {
    for (const UpstreamRow& row : engine.show({}, now).rows)
      if (row.key == Stand::key(word)) return row.timer.value_or(Duration(-1));
    return Duration(-1);
  }

  TimePoint now{1000s};
  LinkConfig config;
  Entropy entropy;
  Upstream engine{entropy};
  std::vector<std::pair<TimePoint, wire::PimJoinPrune>> messages;
  std::string log;
};

}  // namespace hotpair::mcast::pim::testing
