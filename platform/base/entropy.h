#pragma once

#include <cstdint>

#include "platform/base/time.h"

namespace hotpair {

/// Random bits for jitter, delays, tags and generation ids of an engine; the owner seeds it, tests
/// fix it. Nothing secret rests on them.
class Entropy {
 public:
  explicit Entropy(std::uint64_t seed) : state_(seed) {}
  /// 64 random bits (splitmix64).
  [[nodiscard]] std::uint64_t next();
  /// Evenly from 0 to `limit`, both included.
  [[nodiscard]] Duration up_to(Duration limit);

 private:
  std::uint64_t state_;
};

}  // namespace hotpair
