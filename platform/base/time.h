#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace hotpair {

using Duration = std::chrono::nanoseconds;

/// CLOCK_MONOTONIC in nanoseconds. It has no now(): time is an input, adapters read the clock.
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};
using TimePoint = MonotonicClock::time_point;

/// Wall clock in nanoseconds since the epoch (UTC), for displays only; no timer reads it.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// The earlier of two deadlines, where nullopt means "none".
[[nodiscard]] constexpr std::optional<TimePoint> earliest(std::optional<TimePoint> a,
                                                          std::optional<TimePoint> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace hotpair
