#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "platform/base/result.h"
#include "platform/base/time.h"
#include "platform/gate/word_map.h"

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
inline constexpr std::size_t kGateHeaderWords = WordMap::kHeaderWords;
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
  [[nodiscard]] static Result<GateWords> map_writable(int words_fd) { return map(words_fd, true); }
  /// For everybody else; store() is a broken invariant on it.
  [[nodiscard]] static Result<GateWords> map_readable(int words_fd) { return map(words_fd, false); }

  [[nodiscard]] std::size_t slots() const { return words_.slots(); }
  [[nodiscard]] bool writable() const { return words_.writable(); }
  /// One aligned 64-bit store; every packet that arrives from here on sees it.
  void store(std::size_t slot, GateWord word) { words_.store(slot, word); }
  [[nodiscard]] GateWord load(std::size_t slot) const { return words_.load(slot); }

 private:
  explicit GateWords(WordMap words) : words_(std::move(words)) {}
  [[nodiscard]] static Result<GateWords> map(int words_fd, bool writable);

  WordMap words_;
};

}  // namespace hotpair::platform::gate
