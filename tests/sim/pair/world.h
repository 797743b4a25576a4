#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/time.h"

namespace hotpair::sim {

/// One virtual clock and what will happen on it. Everything random comes from the seed.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  void after(Duration delay, std::function<void()> act) {
    queue_.emplace(std::pair{now_ + delay, order_++}, std::move(act));
  }
  [[nodiscard]] std::optional<TimePoint> next() const {
    return queue_.empty() ? std::nullopt : std::optional(queue_.begin()->first.first);
  }
  /// Moves the clock; it never goes back.
  void advance(TimePoint to) { now_ = std::max(now_, to); }
  /// Runs the oldest event that is due.
  bool run_one() {
    if (queue_.empty() || queue_.begin()->first.first > now_) return false;
    auto act = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
    ++events_;
    act();
    return true;
  }

  [[nodiscard]] std::uint64_t number(std::uint64_t low, std::uint64_t high) {
    return std::uniform_int_distribution<std::uint64_t>(low, high)(random_);
  }
  [[nodiscard]] bool chance(double probability) {
    return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
  }
  [[nodiscard]] Duration duration(Duration low, Duration high) {
    return Duration(static_cast<Duration::rep>(
        number(static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count()))));
  }

  template <typename... Args>
  void trace(fmt::format_string<Args...> text, Args&&... args) {
    lines_.push_back(
        fmt::format("{:10.3f} ms  ", static_cast<double>(now_.time_since_epoch().count()) / 1e6) +
        fmt::format(text, std::forward<Args>(args)...));
    if (verbose_) fmt::print("{}\n", lines_.back());
  }
  template <typename... Args>
  void fail(fmt::format_string<Args...> text, Args&&... args) {
    failures_.push_back(fmt::format(text, std::forward<Args>(args)...));
    trace("VIOLATION {}", failures_.back());
  }
  void set_verbose(bool verbose) { verbose_ = verbose; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] const std::vector<std::string>& failures() const { return failures_; }

 private:
  TimePoint now_{std::chrono::seconds(1000)};
  std::mt19937_64 random_;
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> queue_;
  std::uint64_t order_ = 0;
  std::uint64_t events_ = 0;
  bool verbose_ = false;
  std::vector<std::string> lines_;
  std::vector<std::string> failures_;
};

}  // namespace hotpair::sim
