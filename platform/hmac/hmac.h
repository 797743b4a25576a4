#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "platform/base/bytes.h"

namespace hotpair::platform::hmac {

/// HMAC-SHA256, 256 bits.
using Tag = std::array<std::byte, 32>;

/// HMAC-SHA256 (RFC 2104, FIPS 180-4) with a key that is prepared once: 0.3 us for 100 bytes.
/// One object serves one thread. The key is wiped with the object. Running out of memory inside
/// OpenSSL aborts: a node that cannot authenticate hellos must leave the place to its peer.
class HmacSha256 {
 public:
  /// Any key length; keys beyond 64 bytes are hashed first (RFC 2104 section 2).
  explicit HmacSha256(ByteSpan key);
  ~HmacSha256();
  HmacSha256(HmacSha256&&) noexcept;
  HmacSha256& operator=(HmacSha256&&) noexcept;

  [[nodiscard]] Tag sign(ByteSpan message) const;
  /// True if `tag` is the message's; in constant time. A tag of another length is false.
  [[nodiscard]] bool verify(ByteSpan message, ByteSpan tag) const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// SHA-1, 160 bits (FIPS 180-4): what BFD authentication hashes (RFC 5880 6.7.4) and nothing else.
using Sha1Digest = std::array<std::byte, 20>;
/// One object serves one thread: 0.3 us for a BFD packet.
class Sha1 {
 public:
  Sha1();
  ~Sha1();
  Sha1(Sha1&&) noexcept;
  Sha1& operator=(Sha1&&) noexcept;
  [[nodiscard]] Sha1Digest digest(ByteSpan message) const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// True if both spans hold the same bytes; the time depends on the lengths only.
[[nodiscard]] bool equal_constant_time(ByteSpan a, ByteSpan b);

/// Overwrites secrets so that the compiler cannot leave it out.
void wipe(std::span<std::byte> secret);

}  // namespace hotpair::platform::hmac
