#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/message.h"
#include "platform/base/time.h"

namespace hotpair::ha::node {

/// A condition that lasts and that somebody should know of.
struct ActiveAlarm {
  const Message* message = nullptr;  ///< id, level, meaning and next step
  std::string subject;               ///< what it is about: "service1", "e-trunk 1"
  std::string text;
  TimePoint since;
};

/// What is wrong now. Raising twice keeps the first time; the text may change. A condition that may
/// end by itself in a moment is raised with a hold time: it becomes an alarm if it lasts so long.
class Alarms {
 public:
  /// True if it became active by this call.
  bool raise(const Message& message, const std::string& subject, std::string text, TimePoint now,
             Duration hold = Duration::zero()) {
    Key key{std::string(message.id), subject};
    if (const auto place = active_.find(key); place != active_.end()) {
      place->second.text = std::move(text);
      return false;
    }
    const auto [place, added] =
        pending_.try_emplace(key, Pending{{&message, subject, {}, now}, now + hold});
    place->second.alarm.text = std::move(text);
    if (hold > Duration::zero()) return false;
    active_.insert({std::move(key), std::move(place->second.alarm)});
    pending_.erase(place);
    return true;
  }
  /// True if it was active.
  bool clear(const Message& message, const std::string& subject) {
    const Key key{std::string(message.id), subject};
    pending_.erase(key);
    return active_.erase(key) > 0;
  }
  /// What has lasted for its hold time; active from here on.
  [[nodiscard]] std::vector<ActiveAlarm> on_timeout(TimePoint now) {
    std::vector<ActiveAlarm> begun;
    for (auto place = pending_.begin(); place != pending_.end();) {
      if (place->second.due > now) {
        ++place;
        continue;
      }
      begun.push_back(place->second.alarm);
      active_.insert({place->first, std::move(place->second.alarm)});
      place = pending_.erase(place);
    }
    return begun;
  }
  [[nodiscard]] std::optional<TimePoint> next_deadline() const {
    std::optional<TimePoint> due;
    for (const auto& [key, one] : pending_) due = earliest(due, one.due);
    return due;
  }
  [[nodiscard]] bool is_active(const Message& message, const std::string& subject) const {
    return active_.contains({std::string(message.id), subject});
  }
  [[nodiscard]] std::vector<ActiveAlarm> active() const {
    std::vector<ActiveAlarm> rows;
    for (const auto& [key, alarm] : active_) rows.push_back(alarm);
    return rows;
  }

 private:
  using Key = std::pair<std::string, std::string>;
  struct Pending {
    ActiveAlarm alarm;
    TimePoint due;
  };
  std::map<Key, ActiveAlarm> active_;
  std::map<Key, Pending> pending_;
};

}  // namespace hotpair::ha::node
