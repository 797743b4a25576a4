#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "ha/bfd/bfd_types.h"
#include "platform/base/bytes.h"

/// The BFD Control packet, RFC 5880 4.1, with the SHA-1 authentication section of 4.4.
///
///      0                   1                   2                   3
///  +-----+---------+---+-+-+-+-+-+-+---------------+---------------+
///  |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |   0
///  |                       My Discriminator                        |   4
///  |                      Your Discriminator                       |   8
///  |                    Desired Min TX Interval                    |  12
///  |                   Required Min RX Interval                    |  16
///  |                 Required Min Echo RX Interval                 |  20
///  +---------------+---------------+---------------+---------------+
///  | Auth Type (5) | Auth Len (28) |  Auth Key ID  |   Reserved    |  24
///  |                        Sequence Number                        |  28
///  |                    Hash, 20 bytes, 32 to 51                   |  32
///  +---------------+---------------+---------------+---------------+
namespace hotpair::ha::bfd {

inline constexpr std::size_t kPacketLength = 24;
inline constexpr std::size_t kAuthLength = 28;
inline constexpr std::size_t kDigestLength = 20;
inline constexpr std::size_t kPacketLengthMax = kPacketLength + kAuthLength;

using Digest = std::array<std::byte, kDigestLength>;

/// Meticulous keyed SHA-1 (type 5).
struct AuthSection {
  std::uint8_t key_id = 0;
  std::uint32_t sequence = 0;
  Digest digest{};
  friend bool operator==(const AuthSection&, const AuthSection&) = default;
};

struct ControlPacket {
  std::uint8_t diag = 0;  ///< 5 bits
  State state = State::down;
  bool poll = false;
  bool final = false;
  bool control_plane_independent = false;
  bool demand = false;
  std::uint8_t detect_mult = 3;
  Discriminator my_discriminator;
  Discriminator your_discriminator;
  std::uint32_t desired_min_tx_us = 0;
  std::uint32_t required_min_rx_us = 0;
  std::uint32_t required_min_echo_rx_us = 0;
  std::optional<AuthSection> auth;
  friend bool operator==(const ControlPacket&, const ControlPacket&) = default;
};

/// Why bytes are not a packet for any session (RFC 5880 6.8.6); each is counted.
enum class PacketReject : std::uint8_t {
  too_short,
  bad_version,
  bad_length,  ///< the length field is too small, or larger than the datagram
  zero_multiplier,
  multipoint,
  zero_my_discriminator,
  zero_your_discriminator,  ///< in a state other than Down and AdminDown
  auth_type,                ///< not meticulous keyed SHA-1
  auth_length,
  count
};
[[nodiscard]] const char* to_string(PacketReject reason);

/// The bytes; a digest goes out as it stands in `auth`.
[[nodiscard]] Bytes encode(const ControlPacket& packet);

/// Reads a datagram; the digest is not looked at.
[[nodiscard]] std::expected<ControlPacket, PacketReject> decode(ByteSpan datagram);

/// What SHA-1 is taken of to make or to check the digest (RFC 5880 6.7.4): the packet with the
/// secret, padded with zeros, in the place of the digest. Empty for a packet without
/// authentication. Bytes beyond the length field are left out.
[[nodiscard]] Bytes digest_input(ByteSpan datagram, std::string_view secret);
/// Puts the digest into an encoded packet that has an authentication section.
void put_digest(Bytes& datagram, const Digest& digest);

}  // namespace hotpair::ha::bfd
