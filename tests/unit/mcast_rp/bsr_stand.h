#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mcast/rp/bsr_machine.h"

namespace hotpair::mcast::rp {

using namespace std::chrono_literals;

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

struct Offer {
  std::string_view rp;
  std::uint8_t priority = 192;
  std::uint16_t holdtime_s = 150;
};

inline wire::PimBootstrapRange range_of(std::string_view groups, std::vector<Offer> offers,
                                        std::optional<std::uint8_t> count = std::nullopt,
                                        bool zone = false) {
  const IpPrefix range = prefix(groups);
  wire::PimBootstrapRange result;
  result.range = {.address = range.address, .mask_length = range.length, .scope_zone = zone};
  result.rp_count = count.value_or(static_cast<std::uint8_t>(offers.size()));
  for (const Offer& offer : offers)
    result.rps.push_back({ip(offer.rp), offer.holdtime_s, offer.priority});
  return result;
}

/// One engine with two links, on 1 the way to every BSR through 10.0.1.1 (fe80::1).
class BsrStand {
 public:
  explicit BsrStand(BsrConfig config = {}, Mode mode = Mode::active)
      : bsr(std::make_unique<Bsr>(config, 5059, now, mode)), family(config.family) {
    for (const std::uint32_t id : {1U, 2U}) bsr->set_link({.link = LinkId{id}});
    drain();
  }

  [[nodiscard]] wire::PimBootstrap message(std::string_view from, std::uint8_t priority,
                                           std::vector<wire::PimBootstrapRange> ranges = {},
                                           std::optional<std::uint16_t> tag = std::nullopt) {
    return {.no_forward = false,
            .fragment_tag = tag.value_or(++last_tag),
            .hash_mask_length = family == Family::ipv4 ? std::uint8_t{30} : std::uint8_t{126},
            .bsr_priority = priority,
            .bsr = ip(from),
            .ranges = std::move(ranges)};
  }
  /// From the RPF neighbour, which is asked for if need be.
  void hear(wire::PimBootstrap heard) {
    bsr->on_bootstrap({.link = LinkId{1}, .source = neighbour(), .message = std::move(heard)}, now);
    drain();
  }
  /// At startup: No-Forward, multicast or not.
  void hear_at_start(wire::PimBootstrap heard, bool unicast) {
    heard.no_forward = true;
    bsr->on_bootstrap(
        {.link = LinkId{1}, .source = neighbour(), .unicast = unicast, .message = std::move(heard)},
        now);
    drain();
  }
  void offer(std::string_view rp, std::uint8_t priority, std::uint16_t holdtime_s,
             std::vector<std::string_view> groups) {
    wire::PimCandidateRp advert{
        .priority = priority, .holdtime_s = holdtime_s, .rp = ip(rp), .ranges = {}};
    for (const std::string_view text : groups)
      advert.ranges.push_back(
          {.address = prefix(text).address, .mask_length = prefix(text).length});
    bsr->on_candidate_rp(advert, now);
    drain();
  }
  void run(Duration time) {
    const TimePoint end = now + time;
    for (auto due = bsr->next_deadline(); due && *due <= end; due = bsr->next_deadline()) {
      now = std::max(now, *due);
      bsr->on_timeout(now);
      drain();
    }
    now = end;
  }
  /// Answers RPF questions and keeps the rest.
  void drain() {
    while (auto effect = bsr->poll_effect()) {
      if (const auto* ask = std::get_if<AskBsrRpf>(&*effect)) {
        asked.push_back(ask->bsr);
        if (answers) bsr->on_rpf(ask->bsr, RpfPath{LinkId{1}, neighbour()}, now);
        continue;
      }
      if (const auto* changed = std::get_if<RecordChanged>(&*effect)) keep(changed->record);
      effects.push_back(std::move(*effect));
    }
  }
  void keep(const RpRecord& record) {
    history.push_back(record);
    std::visit(
        [&](const auto& one) {
          auto& table = std::get<std::map<std::remove_cvref_t<decltype(one.key)>,
                                          std::remove_cvref_t<decltype(*one.value)>>>(store);
          if (one.value)
            table.insert_or_assign(one.key, *one.value);
          else
            table.erase(one.key);
        },
        record);
  }
  template <typename T>
  [[nodiscard]] std::vector<T> take() {
    std::vector<T> result;
    for (const BsrEffect& effect : effects)
      if (const T* one = std::get_if<T>(&effect)) result.push_back(*one);
    std::erase_if(effects,
                  [](const BsrEffect& effect) { return std::holds_alternative<T>(effect); });
    return result;
  }
  [[nodiscard]] BsrZoneModel zone(const ScopeZone& id = std::nullopt) const {
    for (const BsrZoneModel& row : bsr->show(now).zones)
      if (row.zone == id) return row;
    return {};
  }
  [[nodiscard]] std::string mappings() const {
    std::string text;
    const RpSet set(bsr->mappings());
    for (const RpMapping& one : set.mappings())
      text += (text.empty() ? "" : ", ") + one.range.to_string() + " " + one.rp.to_string() + "(" +
              std::to_string(one.priority) + ")";
    return text;
  }
  [[nodiscard]] std::uint64_t ignored(BsrIgnored reason) const {
    return bsr->counters().of(reason);
  }
  [[nodiscard]] IpAddress neighbour() const {
    return ip(family == Family::ipv4 ? "10.0.1.1" : "fe80::1");
  }

  TimePoint now{1000s};
  std::unique_ptr<Bsr> bsr;
  Family family;
  std::uint16_t last_tag = 0;
  bool answers = true;
  std::vector<IpAddress> asked;
  std::vector<BsrEffect> effects;
  std::vector<RpRecord> history;
  /// The records as a standby's store has them.
  std::tuple<std::map<RpMappingKey, RpMappingValue>, std::map<BsrZoneKey, BsrZoneValue>,
             std::map<BsrFragmentKey, wire::PimBootstrap>,
             std::map<AutoRpAgentKey, AutoRpAgentValue>>
      store;
};

/// A candidate BSR of weight (64, 10.9.9.9).
inline BsrConfig candidate_config() {
  BsrConfig config;
  config.candidate_bsrs.push_back({.address = ip("10.9.9.9")});
  return config;
}

}  // namespace hotpair::mcast::rp
