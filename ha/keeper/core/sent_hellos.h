#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "platform/base/time.h"

namespace hotpair::ha::keeper {

/// Which of our hellos the peer has proven to have heard, by the counters that it echoes. From the
/// newest of them on it is patient for the detection time that this hello carried, whatever was
/// lost afterwards. Bounded: an echo of one that is not among the newest kept proves nothing, and
/// the proof stays the older one.
class SentHellos {
 public:
  struct Proof {
    TimePoint sent;      ///< when the hello left
    Duration timeout{};  ///< the smallest that it or a later hello carried
  };

  struct Sending {
    std::uint64_t echo = 0;  ///< session of the peer that it echoes; to any other it proves nothing
    std::uint64_t counter = 0;
    Duration timeout{};  ///< detection time that it carries
  };

  /// A hello left.
  void on_sent(const Sending& hello, TimePoint now);
  /// The next hello carries that detection time. True if the proof got shorter by it.
  bool on_built(Duration timeout) {
    if (!proof_ || proof_->timeout <= timeout) return false;
    proof_->timeout = timeout;
    return true;
  }
  /// The peer's session has heard the hello of that counter, and none of ours with a larger one.
  void on_echo(std::uint64_t session, std::uint64_t counter);

  [[nodiscard]] const std::optional<Proof>& proof() const { return proof_; }

 private:
  struct Sent {
    std::uint64_t counter = 0;
    TimePoint at;
  };
  static constexpr std::size_t kKept = 64;

  std::uint64_t echo_ = 0;
  Duration timeout_{};
  std::array<Sent, kKept> sent_;  // oldest first
  std::size_t count_ = 0;
  std::optional<Proof> proof_;
};

}  // namespace hotpair::ha::keeper
