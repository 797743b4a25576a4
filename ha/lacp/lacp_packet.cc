#include "ha/lacp/lacp_packet.h"

namespace hotpair::ha::lacp {
namespace {

constexpr std::uint8_t kSubtypeLacp = 1;
constexpr std::uint8_t kSubtypeMarker = 2;
constexpr std::uint8_t kTlvActor = 1;
constexpr std::uint8_t kTlvPartner = 2;
constexpr std::uint8_t kTlvCollector = 3;
constexpr std::uint8_t kTlvMarker = 1;
constexpr std::uint8_t kTlvMarkerResponse = 2;
constexpr std::uint8_t kInfoLength = 20;
constexpr std::uint8_t kCollectorLength = 16;
constexpr std::uint8_t kMarkerLength = 16;

void put_mac(ByteWriter& writer, const MacAddress& mac) {
  for (const std::uint8_t octet : mac.octets) writer.u8(octet);
}

MacAddress get_mac(ByteReader& reader) {
  MacAddress mac;
  for (std::uint8_t& octet : mac.octets) octet = reader.u8();
  return mac;
}

// 0 type, 1 length (20), 2 system priority (16), 4 system (48), 10 key (16), 12 port priority (16),
// 14 port (16), 16 state, 17 reserved (24).
void put_info(ByteWriter& writer, std::uint8_t type, const PortInfo& info) {
  writer.u8(type);
  writer.u8(kInfoLength);
  writer.u16(info.system_priority);
  put_mac(writer, info.system);
  writer.u16(info.key);
  writer.u16(info.port_priority);
  writer.u16(info.port);
  writer.u8(info.state);
  writer.zeros(3);
}

bool get_info(ByteReader& reader, std::uint8_t type, PortInfo& info) {
  const bool placed = reader.u8() == type;
  if (!placed || reader.u8() != kInfoLength) return false;
  info.system_priority = reader.u16();
  info.system = get_mac(reader);
  info.key = reader.u16();
  info.port_priority = reader.u16();
  info.port = reader.u16();
  info.state = reader.u8();
  reader.skip(3);
  return reader.ok();
}

std::expected<SlowPdu, PduReject> get_lacpdu(ByteReader& reader, std::uint8_t version) {
  Lacpdu pdu;
  pdu.version = version;
  if (!get_info(reader, kTlvActor, pdu.actor) || !get_info(reader, kTlvPartner, pdu.partner))
    return std::unexpected(PduReject::bad_tlv);
  const bool collector = reader.u8() == kTlvCollector;
  if (!collector || reader.u8() != kCollectorLength) return std::unexpected(PduReject::bad_tlv);
  pdu.collector_max_delay = reader.u16();
  return SlowPdu(pdu);
}

std::expected<SlowPdu, PduReject> get_marker(ByteReader& reader) {
  Marker marker;
  const std::uint8_t type = reader.u8();
  const std::uint8_t length = reader.u8();
  if ((type != kTlvMarker && type != kTlvMarkerResponse) || length != kMarkerLength)
    return std::unexpected(PduReject::bad_tlv);
  marker.response = type == kTlvMarkerResponse;
  marker.requester_port = reader.u16();
  marker.requester_system = get_mac(reader);
  marker.transaction = reader.u32();
  return SlowPdu(marker);
}

}  // namespace

const char* to_string(PduReject reject) {
  switch (reject) {
    case PduReject::too_short:
      return "too short";
    case PduReject::too_long:
      return "too long";
    case PduReject::other_subtype:
      return "other slow protocol";
    case PduReject::bad_version:
      return "bad version";
    case PduReject::bad_tlv:
      return "bad TLV";
    case PduReject::looped:
      return "looped back";
    case PduReject::over_rate:
      return "over rate";
    case PduReject::port_down:
      return "port down";
    case PduReject::count:
      break;
  }
  return "?";
}

std::expected<SlowPdu, PduReject> decode_pdu(ByteSpan payload) {
  if (payload.size() < kPduLength) return std::unexpected(PduReject::too_short);
  if (payload.size() > kPduLengthMax) return std::unexpected(PduReject::too_long);
  ByteReader reader(payload);
  const std::uint8_t subtype = reader.u8();
  const std::uint8_t version = reader.u8();
  if (subtype != kSubtypeLacp && subtype != kSubtypeMarker)
    return std::unexpected(PduReject::other_subtype);
  if (version == 0) return std::unexpected(PduReject::bad_version);
  return subtype == kSubtypeLacp ? get_lacpdu(reader, version) : get_marker(reader);
}

Bytes encode_pdu(const Lacpdu& pdu) {
  Bytes out;
  out.reserve(kPduLength);
  ByteWriter writer(out);
  writer.u8(kSubtypeLacp);
  writer.u8(pdu.version);
  put_info(writer, kTlvActor, pdu.actor);
  put_info(writer, kTlvPartner, pdu.partner);
  writer.u8(kTlvCollector);
  writer.u8(kCollectorLength);
  writer.u16(pdu.collector_max_delay);
  writer.zeros(kPduLength - out.size());  // reserved, terminator TLV (0, 0), reserved
  return out;
}

Bytes encode_pdu(const Marker& marker) {
  Bytes out;
  out.reserve(kPduLength);
  ByteWriter writer(out);
  writer.u8(kSubtypeMarker);
  writer.u8(kLacpVersion);
  writer.u8(marker.response ? kTlvMarkerResponse : kTlvMarker);
  writer.u8(kMarkerLength);
  writer.u16(marker.requester_port);
  put_mac(writer, marker.requester_system);
  writer.u32(marker.transaction);
  writer.zeros(kPduLength - out.size());  // pad, terminator TLV (0, 0), reserved
  return out;
}

}  // namespace hotpair::ha::lacp
