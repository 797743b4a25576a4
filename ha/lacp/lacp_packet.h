#pragma once

#include <cstdint>
#include <expected>
#include <variant>

#include "ha/lacp/lacp_types.h"
#include "platform/base/bytes.h"

/// Slow protocol PDUs of link aggregation, without the Ethernet header: LACPDU (802.1AX-2014
/// 6.4.2.3, subtype 1) and Marker PDU (6.5.3.3, subtype 2). Both are 110 octets long.
namespace hotpair::ha::lacp {

inline constexpr std::size_t kPduLength = 110;
inline constexpr std::size_t kPduLengthMax = 1500;
inline constexpr std::uint8_t kLacpVersion = 1;

struct Lacpdu {
  std::uint8_t version = kLacpVersion;
  PortInfo actor;
  PortInfo partner;
  std::uint16_t collector_max_delay = 0;  ///< tens of microseconds
  friend bool operator==(const Lacpdu&, const Lacpdu&) = default;
};

struct Marker {
  bool response = false;
  std::uint16_t requester_port = 0;
  MacAddress requester_system;
  std::uint32_t transaction = 0;
  friend bool operator==(const Marker&, const Marker&) = default;
};

using SlowPdu = std::variant<Lacpdu, Marker>;

/// Why a PDU was dropped; each is a counter of its port.
enum class PduReject : std::uint8_t {
  too_short,      ///< less than 110 octets
  too_long,       ///< more than an Ethernet frame holds
  other_subtype,  ///< not LACP and not Marker: another slow protocol
  bad_version,    ///< version 0
  bad_tlv,        ///< actor, partner or collector TLV is not where or as long as it must be
  looped,         ///< our own system and key: the link ends where it begins
  over_rate,      ///< more than slow protocols may send (802.3 57A.3)
  port_down,      ///< read after the link went down
  count
};
[[nodiscard]] const char* to_string(PduReject reject);

/// Reads the octets after the ethertype. A version above 1 is read as version 1, what follows the
/// known TLVs is ignored, as 6.4.2.3 asks for.
[[nodiscard]] std::expected<SlowPdu, PduReject> decode_pdu(ByteSpan payload);
[[nodiscard]] Bytes encode_pdu(const Lacpdu& pdu);
[[nodiscard]] Bytes encode_pdu(const Marker& marker);

}  // namespace hotpair::ha::lacp
