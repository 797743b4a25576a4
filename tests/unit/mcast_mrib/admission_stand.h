#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mcast/mrib/mrib_admission.h"

namespace hotpair::mcast::mrib {

inline IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }
inline Limit limit_of(LimitKind kind, std::string_view groups, std::uint32_t max) {
  return {kind, {prefix(groups), std::nullopt}, max, 0};
}
inline StateKey state(std::string_view group, std::optional<std::string_view> source = {}) {
  StateKey key{VrfId{0}, Group::parse(group).value(), std::nullopt};
  if (source) key.source = IpAddress::parse(*source).value();
  return key;
}

/// An Admission with the journal that its effects make.
class Gatekeeper {
 public:
  /// The state wants to go out of link 2 and nothing else.
  void out(const StateKey& key, bool forwarding = false) {
    ask(key, {{LinkId{2}, Direction::out, false, forwarding}});
  }
  void ask(const StateKey& key, const std::vector<Ask>& asks) {
    admission.update(key, asks);
    settle();
  }
  void leave(const StateKey& key) { ask(key, {}); }
  void settle() {
    for (std::size_t budget = 1000; admission.has_work() && budget > 0; budget = 1000) {
      admission.admit(budget);
      while (admission.poll_changed()) {
      }
      take_effects();
    }
    take_effects();
  }
  /// In slices of one, each with its effects.
  void take_effects() {
    while (const auto effect = admission.poll_effect()) {
      if (const auto* change = std::get_if<ReservationChanged>(&*effect))
        journal.insert_or_assign(change->record.key, change->record);
      else if (const auto* removal = std::get_if<ReservationRemoved>(&*effect))
        HA_ASSERT(journal.erase(removal->key) == 1);
      else if (const auto* denial = std::get_if<LimitDenied>(&*effect))
        denials.push_back(*denial);
      else
        thresholds.push_back(std::get<LimitThreshold>(*effect));
    }
  }
  [[nodiscard]] bool admits(const StateKey& key) const {
    return admission.admits(key, LinkId{2}, Direction::out, false);
  }
  [[nodiscard]] LimitRow row(std::size_t index = 0) const {
    return admission.show(Family::ipv4, true).at(index);
  }

  Admission admission;
  std::map<ReservationKey, Reservation> journal;
  std::vector<LimitDenied> denials;
  std::vector<LimitThreshold> thresholds;
};

}  // namespace hotpair::mcast::mrib
