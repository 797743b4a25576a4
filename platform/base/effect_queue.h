#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "platform/base/assert.h"

namespace hotpair {

/// The one way out of a sans-IO engine: effects in order, drained by the driver after every input.
/// Bounded; an overflow means that an input did unbounded work, a broken invariant.
template <typename Effect>
class EffectQueue {
 public:
  explicit EffectQueue(std::size_t limit = 65536) : limit_(limit) {}

  void push(Effect effect) {
    HA_ASSERT(effects_.size() < limit_);
    effects_.push_back(std::move(effect));
  }
  /// Takes the oldest effect, or nullopt when drained.
  [[nodiscard]] std::optional<Effect> poll() {
    if (effects_.empty()) return std::nullopt;
    std::optional<Effect> effect(std::move(effects_.front()));
    effects_.pop_front();
    return effect;
  }
  [[nodiscard]] bool empty() const { return effects_.empty(); }
  [[nodiscard]] std::size_t size() const { return effects_.size(); }

 private:
  std::size_t limit_;
  std::deque<Effect> effects_;
};

}  // namespace hotpair
