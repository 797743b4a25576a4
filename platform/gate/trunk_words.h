#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "platform/base/result.h"
#include "platform/gate/word_map.h"

namespace hotpair::platform::gate {

/// The value of a trunk word: who collects in the low 32 bits, who distributes in the high 32; bit
/// n of each is the member with index n of that Eth-Trunk. 0: the trunk passes nothing.
using TrunkWord = std::uint64_t;
inline constexpr TrunkWord kTrunkClosed = 0;
inline constexpr std::size_t kTrunkMembersMax = 32;

/// First word of the map: "hptrun" and the layout version in the low 16 bits; the rest of the
/// header as for gate words.
inline constexpr std::uint16_t kTrunkLayoutVersion = 1;
inline constexpr std::uint64_t kTrunkMagic = 0x68707472756e0000ULL | kTrunkLayoutVersion;
inline constexpr std::size_t kTrunkSlotsMax = 1024;

[[nodiscard]] constexpr TrunkWord make_trunk_word(std::uint32_t collecting,
                                                  std::uint32_t distributing) {
  return (TrunkWord{distributing} << 32U) | collecting;
}
[[nodiscard]] constexpr std::uint32_t collecting_of(TrunkWord word) {
  return static_cast<std::uint32_t>(word & 0xffffffffU);
}
[[nodiscard]] constexpr std::uint32_t distributing_of(TrunkWord word) {
  return static_cast<std::uint32_t>(word >> 32U);
}

/// The trunk words, mapped from the descriptor "trunk-words". Only the keeper maps them writable.
class TrunkWords {
 public:
  /// For the keeper. Malformed when the map has another layout version.
  [[nodiscard]] static Result<TrunkWords> map_writable(int words_fd) { return map(words_fd, true); }
  /// For everybody else; store() is a broken invariant on it.
  [[nodiscard]] static Result<TrunkWords> map_readable(int words_fd) {
    return map(words_fd, false);
  }

  [[nodiscard]] std::size_t slots() const { return words_.slots(); }
  [[nodiscard]] bool writable() const { return words_.writable(); }
  /// One aligned 64-bit store; every packet that arrives from here on sees it.
  void store(std::size_t slot, TrunkWord word) { words_.store(slot, word); }
  [[nodiscard]] TrunkWord load(std::size_t slot) const { return words_.load(slot); }

 private:
  explicit TrunkWords(WordMap words) : words_(std::move(words)) {}
  [[nodiscard]] static Result<TrunkWords> map(int words_fd, bool writable);

  WordMap words_;
};

}  // namespace hotpair::platform::gate
