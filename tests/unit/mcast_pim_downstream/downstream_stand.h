#pragma once

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcast/pim/pim_downstream.h"

/// A downstream engine with a virtual clock, and a short language for messages: "+*" and "-*" are
/// Join and Prune(*,G), "+1" and "-1" of (S1,G), "+1r" and "-1r" of (S1,G,rpt).
namespace hotpair::mcast::pim::testing {

using namespace std::chrono_literals;

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
inline Group grp(std::string_view text) { return *Group::parse(text); }

inline const LinkId kLink{7};
inline const ScopeId kScope{1};
inline const IpAddress kOwn = ip("192.168.0.1");
inline const IpAddress kPeer = ip("192.168.0.9");
inline const IpAddress kRp = ip("9.9.9.9");
inline const Group kGroup = grp("225.0.0.1");

inline IpAddress source(unsigned n) { return ip("10.1.1." + std::to_string(n)); }

/// One RP for all groups, or none.
struct OneRp : RpDirectory {
  std::optional<IpAddress> rp = kRp;
  [[nodiscard]] std::optional<IpAddress> rp_of(VrfId, const Group&) const override { return rp; }
};

/// "+*" and so on as an entry; true: a join.
inline std::pair<bool, wire::PimSource> entry_of(const std::string& word, const IpAddress& rp) {
  const bool join = word.front() == '+';
  if (word[1] == '*') return {join, wire::PimSource::shared_tree(rp)};
  const bool rpt = word.back() == 'r';
  const IpAddress address = source(static_cast<unsigned>(std::stoul(word.substr(1))));
  return {join, rpt ? wire::PimSource::source_rpt(address) : wire::PimSource::source(address)};
}

inline wire::PimGroupSet set_of(const Group& group, const std::string& words,
                                const IpAddress& rp = kRp) {
  wire::PimGroupSet set{.group = wire::PimGroupRange::single(group), .joined = {}, .pruned = {}};
  std::istringstream in(words);
  for (std::string word; in >> word;) {
    const auto [join, entry] = entry_of(word, rp);
    (join ? set.joined : set.pruned).push_back(entry);
  }
  return set;
}

inline std::string number_of(const IpAddress& address) {
  return std::to_string(address.v4_value() & 0xffU);
}

/// The entries of a message in the same language.
inline std::string words_of(const wire::PimGroupSet& set) {
  std::string text;
  const auto add = [&](char sign, const wire::PimSource& entry) {
    text += (text.empty() ? "" : " ") + std::string(1, sign);
    if (entry.wildcard)
      text += '*';
    else
      text += number_of(entry.address) + (entry.rpt ? "r" : "");
  };
  for (const auto& entry : set.joined) add('+', entry);
  for (const auto& entry : set.pruned) add('-', entry);
  return text;
}

/// "E{3}" with "+{1}" for joined beside it, or "I{1,2}".
inline std::string text_of(const DownstreamView& view) {
  const auto list = [](const std::vector<IpAddress>& sources) {
    std::string text;
    for (const IpAddress& address : sources) text += (text.empty() ? "" : ",") + number_of(address);
    return "{" + text + "}";
  };
  std::string text = (view.shared_tree ? "E" : "I") + list(view.sources);
  if (!view.joined.empty()) text += "+" + list(view.joined);
  return text;
}

/// A message of which nothing fits but its types: for "whatever comes, nothing breaks".
template <typename Random>
wire::PimJoinPrune any_message(Random& random) {
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const auto address = [&]() -> IpAddress {
    static const std::vector<IpAddress> kOdd{
        ip("0.0.0.0"),   ip("255.255.255.255"), ip("224.0.0.1"),   ip("127.0.0.1"), ip("225.0.0.1"),
        ip("232.0.0.1"), ip("ff1e::1"),         ip("2001:db8::1"), ip("::"),        kOwn};
    return pick(3) == 0 ? kOdd[pick(10)] : source(pick(9));
  };
  wire::PimJoinPrune message{
      .upstream_neighbor = pick(2) == 0 ? kOwn : address(),
      .holdtime_s = static_cast<std::uint16_t>(pick(3) == 0 ? random() : pick(5)),
      .groups = {}};
  for (unsigned sets = pick(6); sets > 0; --sets) {
    auto& set = message.groups.emplace_back();
    set.group.address = pick(3) == 0 ? address() : IpAddress::v4(0xe1000000U + pick(3));
    set.group.mask_length = pick(8) == 0 ? static_cast<std::uint8_t>(random()) : 32;
    set.group.reserved = pick(8) == 0 ? 1 : 0;
    for (unsigned entries = pick(8); entries > 0; --entries)
      (pick(2) == 0 ? set.joined : set.pruned)
          .push_back({.address = pick(6) == 0 ? kRp : address(),
                      .mask_length = static_cast<std::uint8_t>(pick(8) == 0 ? random() : 32),
                      .sparse = pick(2) == 0,
                      .wildcard = pick(4) == 0,
                      .rpt = pick(2) == 0,
                      .reserved = static_cast<std::uint8_t>(pick(8) == 0 ? 1 : 0)});
  }
  return message;
}

class Stand {
 public:
  explicit Stand(std::optional<ScopeId> scope = std::nullopt) {
    config.link = kLink;
    config.address = kOwn;
    config.scope = scope;
    engine.configure(config, now);
    drain();
  }

  void hear(const std::string& words, std::uint16_t holdtime_s = 210) {
    hear({set_of(kGroup, words)}, holdtime_s);
  }
  void hear(std::vector<wire::PimGroupSet> sets, std::uint16_t holdtime_s = 210) {
    const wire::PimJoinPrune message{kOwn, holdtime_s, std::move(sets)};
    engine.on_join_prune({kLink, kPeer, true, lan}, message, rps, now);
    drain();
  }
  void pass(Duration time) { run_until(now + time); }
  void run_until(TimePoint end) {
    for (int guard = 0; guard < 100'000; ++guard) {
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
    while (auto effect = engine.poll_effect()) std::visit([&](auto& e) { take(e); }, *effect);
  }

  [[nodiscard]] static TreeKey key(const std::string& word) {
    const auto entry = entry_of("+" + word, kRp).second;
    if (entry.wildcard) return {kGroup, std::nullopt, false};
    return {kGroup, entry.address, entry.rpt};
  }
  /// "Join 210", "Prune-Pending 207 3": the state, ET and PPT in seconds; "NoInfo" if there is
  /// none.
  [[nodiscard]] std::string state(const std::string& word) const {
    for (const DownstreamRow& row : engine.show({}, now).rows) {
      if (row.key != key(word)) continue;
      std::string text(to_string(row.state));
      const auto seconds = [](Duration time) { return std::to_string(time / 1s); };
      text += row.expires ? " " + seconds(*row.expires) : " never";
      if (row.prune_pending) text += " " + seconds(*row.prune_pending);
      return text;
    }
    return "NoInfo";
  }
  [[nodiscard]] std::string view(const Group& group = kGroup) const {
    const auto found = views.find(group);
    return found == views.end() ? "-" : text_of(found->second);
  }
  /// PruneEchoes since the last call.
  [[nodiscard]] std::string echoes() {
    std::string text;
    for (const auto& message : std::exchange(sent, {})) {
      EXPECT_EQ(message.upstream_neighbor, kOwn);
      EXPECT_EQ(message.holdtime_s, 210);
      for (const auto& set : message.groups) text += (text.empty() ? "" : " ") + words_of(set);
    }
    return text;
  }
  [[nodiscard]] std::uint64_t ignored(DownstreamIgnored reason) const {
    return engine.counters(kLink)->ignored[static_cast<std::size_t>(reason)];
  }

  TimePoint now{1000s};
  LinkConfig config;
  LanState lan{.neighbours = 3};
  OneRp rps;
  Downstream engine;
  std::map<Group, DownstreamView> views;
  std::map<JoinPruneKey, JoinPruneValue> records;
  std::vector<wire::PimJoinPrune> sent;
  std::size_t views_told = 0;
  std::size_t records_told = 0;
  std::size_t flushed = 0;
  std::vector<LimitReached> limits;

 private:
  void take(const SendOnLink& send) { sent.push_back(std::get<wire::PimJoinPrune>(send.message)); }
  void take(const DownstreamView& told) {
    ++views_told;
    views.insert_or_assign(told.group, told);
    if (!told.shared_tree && told.sources.empty()) views.erase(told.group);
  }
  void take(const RecordChanged& changed) {
    ++records_told;
    records.insert_or_assign(changed.record.key, changed.record.value);
  }
  void take(const RecordRemoved& removed) {
    ++records_told;
    records.erase(removed.key);
  }
  void take(const DownstreamFlushed&) {
    ++flushed;
    views.clear();
    records.clear();
  }
  void take(const LimitReached& limit) { limits.push_back(limit); }
};

}  // namespace hotpair::mcast::pim::testing
