#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/base/result.h"

namespace hotpair::platform::gate {

/// An mmapable array of 64-bit words that keeper and eBPF programs share. Word 0: magic with the
/// layout version in the low 16 bits; word 1: number of slots; six words are kept free; slot n is
/// word kHeaderWords + n. The mapping holds the map; the descriptor may be closed afterwards.
class WordMap {
 public:
  static constexpr std::size_t kHeaderWords = 8;
  struct Layout {
    std::string_view name;  ///< in errors: "gate words"
    std::uint64_t magic = 0;
    std::size_t slots_max = 0;
  };
  /// Malformed when the map has another layout.
  [[nodiscard]] static Result<WordMap> map(int fd, const Layout& layout, bool writable);

  WordMap(WordMap&& other) noexcept;
  WordMap& operator=(WordMap&& other) noexcept;
  WordMap(const WordMap&) = delete;
  WordMap& operator=(const WordMap&) = delete;
  ~WordMap();

  [[nodiscard]] std::size_t slots() const { return slots_; }
  [[nodiscard]] bool writable() const { return writable_; }
  /// One aligned 64-bit store; every packet that arrives from here on sees it.
  void store(std::size_t slot, std::uint64_t word);
  [[nodiscard]] std::uint64_t load(std::size_t slot) const;

 private:
  WordMap(std::uint64_t* base, std::size_t bytes, std::size_t slots, bool writable)
      : base_(base), bytes_(bytes), slots_(slots), writable_(writable) {}
  void unmap();

  std::uint64_t* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t slots_ = 0;
  bool writable_ = false;
};

}  // namespace hotpair::platform::gate
