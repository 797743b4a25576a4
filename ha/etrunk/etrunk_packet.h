#pragma once

#include <cstdint>
#include <expected>

#include "ha/etrunk/etrunk_types.h"
#include "platform/base/bytes.h"

/// The bytes of a hello. Version 1, network byte order:
///
///      0       1       2       3       4       5       6       7
///  +-------+-------+-------+-------+-------+-------+-------+-------+
///  |          magic "HPET"         |version| type  | signed length |   0
///  |    etrunk     | path  |control|          interval ms          |   8
///  |                            node                               |  16
///  |                           session                             |  24
///  |                           counter                             |  32
///  |                            echo                               |  40
///  |                         echo counter                          |  48
///  |                          paths up                             |  56
///  |  multiplier   | rank  | order |          system id ...        |  64
///  |  ... system id|  TLV count    |  TLVs ...                     |  72
///  +-------+-------+-------+-------+-------+-------+-------+-------+
///
/// then TLVs (type 16 bits, length 16 bits, value), then a 32-byte HMAC-SHA256 over everything
/// before it, made and checked by the driver. Unknown TLVs are skipped and longer known ones are
/// read as far as they are known, so a later version may add to both.
namespace hotpair::ha::etrunk {

inline constexpr std::uint32_t kHelloMagic = 0x48504554;
inline constexpr std::uint8_t kHelloVersion = 1;
inline constexpr std::size_t kHelloMacLength = 32;
inline constexpr std::size_t kHelloLengthMax = 1400;

/// Why bytes are not a hello; each is counted.
enum class HelloReject : std::uint8_t {
  too_short,
  too_long,
  bad_magic,
  bad_version,
  bad_type,
  bad_length,     ///< signed length and MAC do not make up the datagram
  bad_path,       ///< path 8 or more
  bad_control,
  bad_timer,      ///< interval 20 to 10 000 ms, multiplier 3 to 300
  bad_order,
  bad_tlv,        ///< runs off the end, or shorter than its first version
  bad_scope,      ///< unknown role
  too_many_scopes,
  count
};
[[nodiscard]] const char* to_string(HelloReject reason);

/// The hello without its MAC: what is signed. More than kScopesPerHelloMax scopes are cut off.
[[nodiscard]] Bytes encode_hello(const Hello& hello);

/// Reads a whole datagram (MAC included, not looked at).
[[nodiscard]] std::expected<Hello, HelloReject> decode_hello(ByteSpan datagram);

/// The part of a datagram that is signed; empty if the datagram is too short.
[[nodiscard]] ByteSpan signed_part(ByteSpan datagram);
/// The 32 bytes of MAC at its end; empty if the datagram is too short.
[[nodiscard]] ByteSpan mac_part(ByteSpan datagram);

}  // namespace hotpair::ha::etrunk
