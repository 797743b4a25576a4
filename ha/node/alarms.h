#pragma once

#include <map>
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

/// What is wrong now. Raising twice keeps the first time; the text may change.
class Alarms {
 public:
  /// True if it was not active before.
  bool raise(const Message& message, const std::string& subject, std::string text, TimePoint now) {
    const auto [place, added] = active_.try_emplace({std::string(message.id), subject},
                                                    ActiveAlarm{&message, subject, {}, now});
    place->second.text = std::move(text);
    return added;
  }
  /// True if it was active.
  bool clear(const Message& message, const std::string& subject) {
    return active_.erase({std::string(message.id), subject}) > 0;
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
  std::map<std::pair<std::string, std::string>, ActiveAlarm> active_;
};

}  // namespace hotpair::ha::node
