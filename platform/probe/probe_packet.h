#pragma once

#include <cstddef>
#include <cstdint>

#include "platform/base/bytes.h"
#include "platform/base/result.h"
#include "platform/base/time.h"

namespace hotpair::platform::probe {

/// What a probe datagram says.
enum class PacketType : std::uint8_t {
  data = 1,  ///< one numbered packet of a stream
  end = 2,   ///< the stream is over; sent a few times after the last data packet
};

/// One probe datagram. Network byte order on the wire, padded with zeros to the wanted size:
///
///     0        4       5      6      8       16            20             24         32         40
///     +--------+-------+------+------+-------+-------------+--------------+----------+---------+
///     | magic  |version| type | zero | run   | group index | interval, us | sequence | sent, ns|
///     +--------+-------+------+------+-------+-------------+--------------+----------+---------+
struct Packet {
  PacketType type = PacketType::data;
  std::uint64_t run = 0;          ///< random, one per sender process
  std::uint32_t group_index = 0;  ///< position in the sender's list of groups
  std::uint32_t interval_us = 0;  ///< between two packets of one group
  std::uint64_t sequence = 0;  ///< data: counts from 0 in each group; end: packets sent per group
  TimePoint sent_at;           ///< CLOCK_MONOTONIC of the sender; end: of the last data packet
};

inline constexpr std::size_t packet_size_min = 40;
/// A greater sequence cannot be real (a million packets a second for 8 years).
inline constexpr std::uint64_t sequence_max = 1ULL << 48U;

/// Appends `packet`, padded with zeros to `size` bytes (at least packet_size_min).
void encode(const Packet& packet, std::size_t size, Bytes& out);

/// Reads a probe datagram; anything else is malformed.
[[nodiscard]] Result<Packet> decode(ByteSpan bytes);

}  // namespace hotpair::platform::probe
