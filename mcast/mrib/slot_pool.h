#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "platform/base/assert.h"

namespace hotpair::mcast::mrib {

/// Entries in chunks that never move, named by a 32-bit slot. Slots are reused; a walk in slot
/// order in slices is stable whatever is added or removed between the slices.
template <typename T>
class SlotPool {
 public:
  /// Takes a free slot and builds a T in it.
  template <typename... Args>
  [[nodiscard]] std::uint32_t add(Args&&... args) {
    std::uint32_t slot = 0;
    if (!free_.empty()) {
      slot = free_.back();
      free_.pop_back();
    } else {
      slot = slots_++;
      HA_ASSERT(slot < (1U << 31U));
      if (slot / kChunk == chunks_.size()) chunks_.push_back(std::make_unique<Chunk>());
    }
    cell(slot).emplace(std::forward<Args>(args)...);
    ++size_;
    return slot;
  }
  void remove(std::uint32_t slot) {
    HA_ASSERT(contains(slot));
    cell(slot).reset();
    free_.push_back(slot);
    --size_;
  }
  [[nodiscard]] bool contains(std::uint32_t slot) const {
    return slot < slots_ && cell(slot).has_value();
  }
  [[nodiscard]] T& operator[](std::uint32_t slot) { return *cell(slot); }
  [[nodiscard]] const T& operator[](std::uint32_t slot) const { return *cell(slot); }
  /// Slots in use, and the end of the slot numbers for walks.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint32_t slots() const { return slots_; }

 private:
  static constexpr std::uint32_t kChunk = 256;
  using Chunk = std::array<std::optional<T>, kChunk>;

  [[nodiscard]] std::optional<T>& cell(std::uint32_t slot) {
    return (*chunks_[slot / kChunk])[slot % kChunk];
  }
  [[nodiscard]] const std::optional<T>& cell(std::uint32_t slot) const {
    return (*chunks_[slot / kChunk])[slot % kChunk];
  }
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t slots_ = 0;
  std::size_t size_ = 0;
};

/// A walk over all slots of a pool in slices. Started again while it runs, it goes once more around
/// from where it stands. Slots added meanwhile may be visited or not.
class SlotWalk {
 public:
  void start() {
    stop_ = cursor_;
    running_ = true;
    wrapped_ = false;
  }
  [[nodiscard]] bool is_running() const { return running_; }
  /// The next slot number, which may be free; nullopt at the end.
  [[nodiscard]] std::optional<std::uint32_t> next(std::uint32_t slots) {
    if (!running_) return std::nullopt;
    if (cursor_ >= slots && !wrapped_) {
      cursor_ = 0;
      wrapped_ = true;
    }
    if (cursor_ >= slots || (wrapped_ && cursor_ >= stop_)) {
      running_ = false;
      return std::nullopt;
    }
    return cursor_++;
  }

 private:
  std::uint32_t cursor_ = 0;
  std::uint32_t stop_ = 0;  // where it ends after wrapping
  bool running_ = false;
  bool wrapped_ = false;
};

}  // namespace hotpair::mcast::mrib
