#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcast/pim/pim_neighbours.h"

/// Neighbours with a virtual clock; effects are told as words.
namespace hotpair::mcast::pim::testing {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

inline const LinkId kLink{7};
inline const LinkId kScoped{8};
inline const ScopeId kScope{1};
inline const IpAddress kOwn = ip("10.0.0.5");

inline LinkConfig link_config(LinkId link = kLink) {
  LinkConfig config;
  config.link = link;
  config.address = kOwn;
  return config;
}

inline LinkConfig scoped_config() {
  LinkConfig config = link_config(kScoped);
  config.scope = kScope;
  return config;
}

/// A Hello as another router sends it by default.
inline wire::PimHello peer_hello(std::uint32_t generation = 1, std::uint32_t priority = 1) {
  wire::PimHello hello;
  hello.holdtime_s = 105;
  hello.lan_prune_delay = wire::PimLanPruneDelay{
      .tracking = false, .propagation_delay_ms = 500, .override_interval_ms = 2500};
  hello.dr_priority = priority;
  hello.generation_id = generation;
  return hello;
}

struct Teller {
  std::string operator()(const SendOnLink& effect) const {
    const auto& hello = std::get<wire::PimHello>(effect.message);
    return (hello.holdtime_s == 0 ? "goodbye " : "hello ") + on(effect.link);
  }
  std::string operator()(const NeighbourUp& effect) const {
    return "up " + effect.address.to_string();
  }
  std::string operator()(const NeighbourRestarted& effect) const {
    return "restarted " + effect.address.to_string();
  }
  std::string operator()(const NeighbourDown& effect) const {
    static constexpr std::array kReasons{"expired", "goodbye", "bfd", "interface", "filtered"};
    return "down " + effect.address.to_string() + " " +
           kReasons.at(static_cast<std::size_t>(effect.reason));
  }
  std::string operator()(const DrChanged& effect) const {
    return "dr " + effect.before.to_string() + " " + effect.now.to_string() +
           (effect.self ? " self" : "");
  }
  std::string operator()(const LimitReached& effect) const {
    return "limit " + effect.from.to_string();
  }
  std::string operator()(const AddressConflict& effect) const {
    return "conflict " + effect.address.to_string() + " " + effect.before.to_string() + " " +
           effect.now.to_string();
  }
  std::string operator()(const NeighbourAddressesChanged& effect) const {
    return "addresses " + effect.address.to_string();
  }
  std::string operator()(const LanDelayChanged&) const { return "delay"; }
  static std::string on(LinkId link) { return std::to_string(link.value()); }
};

struct Sent {
  TimePoint at;
  LinkId link;
  wire::PimHello hello;
};

class Rig {
 public:
  explicit Rig(Family family = Family::ipv4, std::uint64_t seed = 1)
      : entropy(seed), neighbours(family, entropy) {}

  /// What happened since the last call.
  Words told() {
    drain();
    return std::exchange(words_, {});
  }
  /// Lets time go on, timer by timer.
  void advance(Duration by) {
    const TimePoint until = now + by;
    drain();
    while (true) {
      const auto due = neighbours.next_deadline();
      if (!due || *due > until) break;
      now = std::max(now, *due);
      neighbours.on_timeout(now);
      drain();
    }
    now = until;
  }
  void hear(std::string_view from, const wire::PimHello& hello = peer_hello(),
            LinkId link = kLink) {
    neighbours.on_hello(link, ip(from), hello, now);
  }
  [[nodiscard]] std::uint64_t ignored(HelloIgnored reason, LinkId link = kLink) const {
    for (const PimInterfaceRow& row : neighbours.show_interfaces(now))
      if (row.link == link) return row.counters.ignored[static_cast<std::size_t>(reason)];
    return 0;
  }

  Entropy entropy;
  Neighbours neighbours;
  TimePoint now = TimePoint{} + 1000s;
  std::vector<Sent> sent;

 private:
  void drain() {
    while (const auto effect = neighbours.poll_effect()) {
      words_.push_back(std::visit(Teller{}, *effect));
      if (const auto* send = std::get_if<SendOnLink>(&*effect))
        sent.push_back({now, send->link, std::get<wire::PimHello>(send->message)});
    }
  }
  Words words_;
};

/// One live link that has said its first Hello.
struct SettledRig : Rig {
  SettledRig() {
    neighbours.set_link(link_config(), now);
    neighbours.hello_first(kLink, now);
    (void)told();
    sent.clear();
  }
};

}  // namespace hotpair::mcast::pim::testing
