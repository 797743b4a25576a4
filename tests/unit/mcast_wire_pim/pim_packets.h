#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "mcast/wire/checksum.h"
#include "mcast/wire/pim_message.h"
#include "tests/unit/mcast_wire/bytes_of.h"

namespace hotpair::mcast::wire::testing {

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
inline Group grp(std::string_view text) { return *Group::parse(text); }

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(HOTPAIR_SOURCE_DIR) / "tests/golden/pim";
}

/// A whole IP packet out of tests/golden/pim.
inline Bytes golden(const std::string& name) {
  std::ifstream file(golden_folder() / (name + ".hex"));
  std::ostringstream text;
  text << file.rdbuf();
  return bytes_of(text.str());
}

inline bool is_ipv6(ByteSpan packet) { return !packet.empty() && (packet[0] >> 4) == std::byte{6}; }

/// What recvmsg tells of an IPv6 packet; the payload goes to parse_pim().
inline PimArrival arrival_v6(ByteSpan packet) {
  return {*IpAddress::from_bytes(packet.subspan(8, 16)),
          *IpAddress::from_bytes(packet.subspan(24, 16)), std::to_integer<std::uint8_t>(packet[7])};
}

/// As each family's socket delivers it.
inline std::expected<PimPacket, PimReject> parse_packet(ByteSpan packet) {
  return is_ipv6(packet) ? parse_pim(packet.subspan(40), arrival_v6(packet))
                         : parse_pim_ipv4(packet);
}

/// One PIM message in text with a checksum of zero, which is filled in, from a neighbour.
inline std::expected<PimPacket, PimReject> parse_text(std::string_view text,
                                                      Family family = Family::ipv4) {
  static Bytes pim;  // a Register's view lives until the next call
  pim = bytes_of(text);
  const IpAddress source = family == Family::ipv4 ? ip("10.0.0.1") : ip("fe80::1");
  const PimArrival arrival{source, all_pim_routers(family), 1};
  const bool is_register = !pim.empty() && pim[0] == std::byte{0x21} && pim.size() >= 8;
  const ByteSpan covered = is_register ? ByteSpan(pim).first(8) : ByteSpan(pim);
  const std::uint16_t sum =
      family == Family::ipv4 ? internet_checksum(covered)
                             : pseudo_checksum(source, arrival.destination, kPimProtocol, covered);
  if (pim.size() >= 4) ByteWriter(pim).patch_u16(2, sum);
  return parse_pim(pim, arrival);
}

}  // namespace hotpair::mcast::wire::testing
