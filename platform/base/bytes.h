#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace hotpair {

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;

[[nodiscard]] inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes to_bytes(ByteSpan span) { return {span.begin(), span.end()}; }

/// Reads network byte order from a span and cannot run off its end: a read past it returns zero and
/// makes ok() false for good, so a parser checks once per element.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : rest_(bytes) {}

  [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  [[nodiscard]] std::uint64_t u64() { return number(8); }
  /// The next `count` bytes; empty (and not ok) if fewer are left.
  [[nodiscard]] ByteSpan take(std::size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const ByteSpan taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  void skip(std::size_t count) { static_cast<void>(take(count)); }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  [[nodiscard]] ByteSpan rest() const { return rest_; }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::uint64_t number(std::size_t count) {
    std::uint64_t value = 0;
    for (const std::byte byte : take(count))
      value = (value << 8U) | std::to_integer<std::uint8_t>(byte);
    return value;
  }
  ByteSpan rest_;
  bool ok_ = true;
};

/// Appends network byte order to a buffer.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint8_t value) { number(value, 1); }
  void u16(std::uint16_t value) { number(value, 2); }
  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void bytes(ByteSpan span) { out_.insert(out_.end(), span.begin(), span.end()); }
  void zeros(std::size_t count) { out_.resize(out_.size() + count); }
  [[nodiscard]] std::size_t size() const { return out_.size(); }
  /// Overwrites two bytes written before, for lengths and checksums.
  void patch_u16(std::size_t offset, std::uint16_t value) {
    out_[offset] = static_cast<std::byte>(value >> 8U);
    out_[offset + 1] = static_cast<std::byte>(value & 0xffU);
  }

 private:
  void number(std::uint64_t value, unsigned count) {
    for (unsigned i = count; i-- > 0;)
      out_.push_back(static_cast<std::byte>((value >> (8U * i)) & 0xffU));
  }
  Bytes& out_;
};

}  // namespace hotpair
