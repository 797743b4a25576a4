#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "mcast/pim/pim_register.h"

/// Register tunnels with a clock, and what they said as short texts.
namespace hotpair::mcast::pim {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline Group group(std::string_view text) { return Group::parse(text).value(); }

inline constexpr VrfId kVrf{0};
inline RegisterKey key(std::string_view source = "10.0.0.2", std::string_view to = "225.1.1.1") {
  return {kVrf, group(to), ip(source)};
}

class Rig {
 public:
  explicit Rig(const RegisterConfig& config = {}, std::uint64_t seed = 1)
      : entropy_(seed), tunnels(entropy_, config) {}

  void could(const RegisterKey& key, std::optional<std::string_view> rp) {
    std::optional<IpAddress> address;
    if (rp) address = ip(*rp);
    tunnels.set_could_register(key.vrf, key.group, key.source, address, now);
  }
  void stop(const RegisterKey& key, std::string_view from = "5.5.5.5") {
    tunnels.on_register_stop(key.vrf, ip(from), {.group = key.group, .source = key.source}, now);
    work();
  }
  /// Does what is due now, also what comes in slices.
  void work() {
    while (tunnels.next_deadline() && *tunnels.next_deadline() <= now) tunnels.on_timeout(now);
  }
  void advance(Duration time) {
    now += time;
    work();
  }
  /// To the instant of the next timer; false without one.
  bool to_deadline() {
    const auto at = tunnels.next_deadline();
    if (!at) return false;
    now = std::max(now, *at);
    tunnels.on_timeout(now);
    return true;
  }
  /// What was said since the last call. Keeps `on`, `records` and `sent` up to date.
  std::vector<std::string> said() {
    std::vector<std::string> texts;
    while (auto effect = tunnels.poll_effect())
      texts.push_back(std::visit([this](auto& each) { return this->text_of(each); }, *effect));
    return texts;
  }

 private:
  std::string text_of(const RegisterTunnelChanged& effect) {
    const RegisterKey of{effect.vrf, effect.group, effect.source};
    EXPECT_EQ(on.contains(of), !effect.on) << "told twice";
    if (effect.on)
      on.insert(of);
    else
      on.erase(of);
    return effect.on ? "tunnel on" : "tunnel off";
  }
  std::string text_of(const RegisterRecordChanged& effect) {
    records[effect.record.key] = effect.record.value;
    return fmt::format("record {} {}", to_string(effect.record.value.state),
                       effect.record.value.rp.to_string());
  }
  std::string text_of(const RegisterRecordRemoved& effect) {
    EXPECT_EQ(records.erase(effect.key), 1U) << "not there";
    return "removed";
  }
  static std::string text_of(const SendUnicast& effect) {
    const auto& message = std::get<wire::PimRegister>(effect.message);
    EXPECT_TRUE(message.null_register && message.packet.empty() && !message.border);
    return fmt::format("null {}>{} ({}, {})", effect.source.to_string(),
                       effect.destination.to_string(), message.source.to_string(),
                       message.group.to_string());
  }
  std::string text_of(SendRegister& effect) {
    std::string text = fmt::format("register {}>{} {} bytes", effect.source.to_string(),
                                   effect.destination.to_string(), effect.packet.size());
    sent.push_back(std::move(effect));
    return text;
  }
  std::string text_of(SendPacketTooBig& effect) {
    errors.push_back(std::move(effect));
    return "too big to " + errors.back().destination.to_string();
  }
  static std::string text_of(const RegisterLimitReached& effect) {
    return fmt::format("limit of VRF {}", effect.vrf.value());
  }

  Entropy entropy_;

 public:
  RegisterTunnels tunnels;
  TimePoint now{1000s};
  std::set<RegisterKey> on;
  std::map<RegisterKey, RegisterValue> records;
  std::vector<SendRegister> sent;
  std::vector<SendPacketTooBig> errors;

  [[nodiscard]] std::uint64_t ignored(RegisterIgnored reason) const {
    return tunnels.counters().ignored[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::optional<Duration> timer(const RegisterKey& key) const {
    for (const RegisterTunnelRow& row : tunnels.show({}, now).rows)
      if (row.key == key) return row.timer;
    return std::nullopt;
  }
};

}  // namespace hotpair::mcast::pim
