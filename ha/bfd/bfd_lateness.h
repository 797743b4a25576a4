#pragma once

#include <array>
#include <cstdint>

#include "platform/base/time.h"

namespace hotpair::ha::bfd {

/// How late the own timers fired: what a detection time has to forgive on this machine.
class LatenessHistogram {
 public:
  /// Upper ends of the buckets in microseconds; the last bucket is everything beyond.
  static constexpr std::array<std::uint32_t, 9> kUpperUs{50,     100,    300,    1'000,  3'000,
                                                         10'000, 30'000, 50'000, 100'000};
  static constexpr std::size_t kBuckets = kUpperUs.size() + 1;

  void add(Duration late) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(late).count();
    std::size_t bucket = 0;
    while (bucket < kUpperUs.size() && us > kUpperUs[bucket]) ++bucket;
    ++counts_[bucket];
    worst_ = std::max(worst_, late);
  }
  [[nodiscard]] const std::array<std::uint64_t, kBuckets>& counts() const { return counts_; }
  [[nodiscard]] Duration worst() const { return worst_; }

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  Duration worst_{};
};

}  // namespace hotpair::ha::bfd
