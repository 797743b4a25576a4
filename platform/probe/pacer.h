#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "platform/base/time.h"

namespace hotpair::platform::probe {

/// Spreads the packets of many groups evenly: packet n of the whole belongs to group n % groups,
/// has sequence n / groups and is due at start + n * interval / groups. Nothing is skipped after a
/// pause: what is overdue is sent at once, so that a pause of the sender is never taken for loss.
class Pacer {
 public:
  /// `interval` between two packets of one group; `rounds` packets per group, nullopt for no end.
  Pacer(TimePoint start, Duration interval, std::uint32_t groups,
        std::optional<std::uint64_t> rounds)
      : start_(start), interval_(interval), groups_(groups) {
    if (rounds) total_ = *rounds * groups_;
  }

  /// How many packets of the whole should have been sent by `now`.
  [[nodiscard]] std::uint64_t due(TimePoint now) const {
    if (now < start_) return 0;
    const auto elapsed = static_cast<std::uint64_t>((now - start_).count());
    const auto interval = static_cast<std::uint64_t>(interval_.count());
    const std::uint64_t count =
        elapsed / interval * groups_ + elapsed % interval * groups_ / interval + 1;
    return std::min(count, total_);
  }
  /// When packet `number` of the whole is due.
  [[nodiscard]] TimePoint due_at(std::uint64_t number) const {
    const auto round = static_cast<Duration::rep>(number / groups_);
    const auto rest = static_cast<Duration::rep>(number % groups_);
    // Rounded up, so that due(due_at(n)) is always more than n.
    const auto groups = static_cast<Duration::rep>(groups_);
    return start_ + interval_ * round + Duration((interval_.count() * rest + groups - 1) / groups);
  }
  /// Ends with the round in which packet `sent` lies, so that every group gets equally many.
  void finish(std::uint64_t sent) {
    const std::uint64_t whole = (sent + groups_ - 1) / groups_ * groups_;
    total_ = std::min(total_, whole);
  }
  [[nodiscard]] bool done(std::uint64_t sent) const { return sent >= total_; }
  /// Packets of the whole; the largest number there is when it has no end.
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint32_t groups() const { return groups_; }

 private:
  TimePoint start_;
  Duration interval_;
  std::uint32_t groups_;
  std::uint64_t total_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace hotpair::platform::probe
