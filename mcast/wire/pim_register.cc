#include "mcast/wire/pim_register.h"

#include "mcast/wire/checksum.h"
#include "mcast/wire/ipv4_header.h"

namespace hotpair::mcast::wire::pim {
namespace {

constexpr std::uint32_t kBorderBit = 0x80000000;
constexpr std::uint32_t kNullBit = 0x40000000;
constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kIpv6HeaderSize = 40;

struct Inner {
  IpAddress source;
  IpAddress destination;
  ByteSpan packet;
};

Parsed<Inner> parse_data_v4(ByteSpan packet) {
  const auto ip = parse_ipv4(packet);
  if (!ip) return std::unexpected(PimReject::inner_packet);
  return Inner{ip->source, ip->destination, ip->packet};
}

// A dummy header: no field counts but the addresses and a checksum that is not zero.
Parsed<Inner> parse_null_v4(ByteSpan packet) {
  if (packet.size() < kIpv4HeaderSize) return std::unexpected(PimReject::inner_packet);
  ByteReader in(packet);
  const std::uint8_t version = in.u8();
  if ((version >> 4U) != 4) return std::unexpected(PimReject::inner_packet);
  const std::size_t claimed = std::size_t{4} * (version & 0x0fU);
  const bool sane = claimed >= kIpv4HeaderSize && claimed <= packet.size();
  const ByteSpan header = packet.first(sane ? claimed : kIpv4HeaderSize);
  in.skip(9);
  if (in.u16() != 0 && internet_checksum(header) != 0)
    return std::unexpected(PimReject::inner_checksum);
  const IpAddress source = IpAddress::v4(in.u32());
  return Inner{source, IpAddress::v4(in.u32()), header};
}

//  |Version| Traffic Class |           Flow Label                  |
//  |         Payload Length        |  Next Header  |   Hop Limit   |
//  |                 Source (16), Destination (16)                 |
Parsed<Inner> parse_v6(ByteSpan packet, bool null_register) {
  if (packet.size() < kIpv6HeaderSize) return std::unexpected(PimReject::inner_packet);
  ByteReader in(packet);
  if ((in.u8() >> 4U) != 6) return std::unexpected(PimReject::inner_packet);
  in.skip(3);
  const std::size_t payload = in.u16();
  if (payload > packet.size() - kIpv6HeaderSize) return std::unexpected(PimReject::inner_packet);
  in.skip(2);
  const IpAddress source = *IpAddress::from_bytes(in.take(16));
  const IpAddress destination = *IpAddress::from_bytes(in.take(16));
  const Inner inner{source, destination, packet.first(kIpv6HeaderSize + payload)};
  // The dummy PIM header, if it is there.
  if (null_register && payload >= kHeaderSize &&
      pseudo_checksum(source, destination, kPimProtocol,
                      packet.subspan(kIpv6HeaderSize, kHeaderSize)) != 0)
    return std::unexpected(PimReject::inner_checksum);
  return inner;
}

Parsed<Inner> parse_inner(ByteSpan packet, Family family, bool null_register) {
  if (family == Family::ipv6) return parse_v6(packet, null_register);
  return null_register ? parse_null_v4(packet) : parse_data_v4(packet);
}

void write_dummy_v4(ByteWriter& out, const IpAddress& source, const IpAddress& group) {
  Bytes header;
  ByteWriter inner(header);
  inner.u16(0x4500);
  inner.u16(kIpv4HeaderSize);
  inner.zeros(5);
  inner.u8(kPimProtocol);
  inner.u16(0);
  inner.bytes(source.bytes());
  inner.bytes(group.bytes());
  inner.patch_u16(10, internet_checksum(header));
  out.bytes(header);
}

void write_dummy_v6(ByteWriter& out, const IpAddress& source, const IpAddress& group) {
  Bytes dummy(kHeaderSize);  // version, type and reserved are zero
  ByteWriter(dummy).patch_u16(2, pseudo_checksum(source, group, kPimProtocol, dummy));
  out.u32(0x60000000);
  out.u16(kHeaderSize);
  out.u8(kPimProtocol);
  out.u8(0);
  out.bytes(source.bytes());
  out.bytes(group.bytes());
  out.bytes(dummy);
}

}  // namespace

//  |B|N|                       Reserved2                           |
//  |                     Multicast data packet                     |
Parsed<PimMessage> parse_register(ByteSpan body, Family family) {
  ByteReader in(body);
  const std::uint32_t flags = in.u32();
  if (!in.ok()) return std::unexpected(PimReject::truncated);
  const bool null_register = (flags & kNullBit) != 0;
  const auto inner = parse_inner(in.rest(), family, null_register);
  if (!inner) return std::unexpected(inner.error());
  const auto group = Group::from(inner->destination);
  if (!group) return std::unexpected(PimReject::group_not_multicast);
  if (!is_pim_unicast(inner->source)) return std::unexpected(PimReject::not_unicast);
  return PimRegister{.border = (flags & kBorderBit) != 0,
                     .null_register = null_register,
                     .source = inner->source,
                     .group = *group,
                     .packet = inner->packet};
}

void write(ByteWriter& out, const PimRegister& message) {
  write_header(out, 1);
  out.u32((message.border ? kBorderBit : 0) | (message.null_register ? kNullBit : 0));
  if (!message.packet.empty() || !message.null_register) {
    out.bytes(message.packet);
  } else if (message.group.family() == Family::ipv4) {
    write_dummy_v4(out, message.source, message.group.address());
  } else {
    write_dummy_v6(out, message.source, message.group.address());
  }
}

//  |              Group Address (Encoded-Group format)             |
//  |             Source Address (Encoded-Unicast format)           |
Parsed<PimMessage> parse_register_stop(ByteSpan body, Family family) {
  ByteReader in(body);
  const auto group = read_group(in, family);
  if (!group) return std::unexpected(group.error());
  const auto source = read_unicast(in, family);
  if (!source) return std::unexpected(source.error());
  if (!source->is_unspecified() && !is_pim_unicast(*source))
    return std::unexpected(PimReject::not_unicast);
  return PimRegisterStop{.group = *group, .source = *source};
}

void write(ByteWriter& out, const PimRegisterStop& message) {
  write_header(out, 2);
  write_range(out, PimGroupRange::single(message.group));
  write_unicast(out, message.source);
}

}  // namespace hotpair::mcast::wire::pim
