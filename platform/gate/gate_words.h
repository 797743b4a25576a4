#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "platform/base/result.h"
#include "platform/base/time.h"

namespace hotpair::platform::gate {

/// The value of a gate word: 0 closed, all ones open for good, else the end of the lease in
/// CLOCK_MONOTONIC nanoseconds. An expired lease is closed.
using GateWord = std::uint64_t;
inline constexpr GateWord kGateClosed = 0;
inline constexpr GateWord kGateOpen = ~GateWord{0};

/// First word of the map: "hpgate" and the layout version in the low 16 bits. Second word: number
/// of slots. Six words are kept free; slot n is word kGateHeaderWords + n.
inline constexpr std::uint16_t kGateLayoutVersion = 1;
inline constexpr std::uint64_t kGateMagic = 0x6870676174650000ULL | kGateLayoutVersion;
inline constexpr std::size_t kGateHeaderWords = 8;
inline constexpr std::size_t kGateSlotsMax = 4096;

/// A word that holds until `end`; an end at or before zero is closed.
[[nodiscard]] GateWord lease_until(TimePoint end);
/// What the eBPF program decides from this word at `now`.
[[nodiscard]] bool gate_is_open(GateWord word, TimePoint now);

/// The gate words, mapped from the descriptor of the words map. Only the keeper maps them writable.
/// The mapping holds the map; the descriptor may be closed afterwards.
class GateWords {
 public:
  /// For the keeper. Malformed when the map has another layout version.
  [[nodiscard]] static Result<GateWords> map_writable(int words_fd);
  /// For everybody else; store() is a broken invariant on it.
  [[nodiscard]] static Result<GateWords> map_readable(int words_fd);

  GateWords(GateWords&& other) noexcept;
  GateWords& operator=(GateWords&& other) noexcept;
  GateWords(const GateWords&) = delete;
  GateWords& operator=(const GateWords&) = delete;
  ~GateWords();

  [[nodiscard]] std::size_t slots() const { return slots_; }
  [[nodiscard]] bool writable() const { return writable_; }
  /// One aligned 64-bit store; every packet that arrives from here on sees it.
  void store(std::size_t slot, GateWord word);
  [[nodiscard]] GateWord load(std::size_t slot) const;

 private:
  GateWords(std::uint64_t* base, std::size_t bytes, std::size_t slots, bool writable)
      : base_(base), bytes_(bytes), slots_(slots), writable_(writable) {}
  [[nodiscard]] static Result<GateWords> map(int words_fd, bool writable);
  void unmap();

  std::uint64_t* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t slots_ = 0;
  bool writable_ = false;
};

}  // namespace hotpair::platform::gate
