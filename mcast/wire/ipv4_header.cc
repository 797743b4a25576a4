#include "mcast/wire/ipv4_header.h"

namespace hotpair::mcast::wire {
namespace {

constexpr std::size_t kSmallest = 20;

IpAddress read_address(ByteReader& in) { return IpAddress::v4(in.u32()); }

}  // namespace

//  |Version|  IHL  |      TOS      |          Total Length         |
//  |         Identification        |Flags|     Fragment Offset     |
//  |      TTL      |    Protocol   |        Header Checksum        |
//  |      Source, Destination, Options                             |
std::expected<Ipv4Header, Ipv4Fault> parse_ipv4(ByteSpan packet) {
  if (packet.size() < kSmallest) return std::unexpected(Ipv4Fault::truncated);
  ByteReader in(packet);
  const std::uint8_t version = in.u8();
  if ((version >> 4U) != 4) return std::unexpected(Ipv4Fault::version);
  const std::size_t header = std::size_t{4} * (version & 0x0fU);
  if (header < kSmallest || header > packet.size())
    return std::unexpected(Ipv4Fault::header_length);
  in.skip(1);
  const std::size_t total = in.u16();
  if (total < header || total > packet.size()) return std::unexpected(Ipv4Fault::total_length);
  in.skip(2);
  Ipv4Header ip;
  ip.fragment = (in.u16() & 0x3fffU) != 0;
  ip.ttl = in.u8();
  ip.protocol = in.u8();
  in.skip(2);
  ip.source = read_address(in);
  ip.destination = read_address(in);
  ip.options = packet.subspan(kSmallest, header - kSmallest);
  ip.packet = packet.first(total);
  ip.payload = packet.subspan(header, total - header);
  return ip;
}

}  // namespace hotpair::mcast::wire
