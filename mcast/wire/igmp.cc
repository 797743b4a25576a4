#include "mcast/wire/igmp.h"

#include <algorithm>
#include <chrono>

#include "mcast/wire/checksum.h"
#include "mcast/wire/float_code.h"
#include "mcast/wire/gmp_body.h"
#include "mcast/wire/ipv4_header.h"

namespace hotpair::mcast::wire {
namespace {

constexpr std::uint8_t kIgmpProtocol = 2;
constexpr std::uint8_t kQuery = 0x11;
constexpr std::uint8_t kReportV1 = 0x12;
constexpr std::uint8_t kReportV2 = 0x16;
constexpr std::uint8_t kLeave = 0x17;
constexpr std::uint8_t kReportV3 = 0x22;
constexpr std::size_t kShortLength = 8;     // versions 1 and 2
constexpr std::size_t kQueryV3Length = 12;  // with no source
constexpr Duration kUnit = std::chrono::milliseconds{100};
constexpr Duration kVersion1Response = std::chrono::seconds{10};

// RFC 791 options; router alert (RFC 2113) is 94 04 00 00.
bool find_router_alert(ByteSpan options) {
  ByteReader in(options);
  while (in.remaining() > 0) {
    const std::uint8_t type = in.u8();
    if (type == 0) return false;
    if (type == 1) continue;
    const std::uint8_t length = in.u8();
    if (!in.ok() || length < 2 || in.remaining() < length - 2U) return false;
    if (type == 0x94 && length == 4) return true;
    in.skip(length - 2U);
  }
  return false;
}

Reject reject_of(Ipv4Fault fault) {
  switch (fault) {
    case Ipv4Fault::truncated:
      return Reject::truncated;
    case Ipv4Fault::version:
      return Reject::bad_ip_version;
    case Ipv4Fault::header_length:
      return Reject::bad_header_length;
    case Ipv4Fault::total_length:
      break;
  }
  return Reject::bad_total_length;
}

//  |  Type = 0x11  | Max Resp Code |           Checksum            |
//  |                         Group Address                         |
//  version 3 adds write_query_tail()
std::expected<Message, Reject> parse_query(ByteSpan igmp, std::uint8_t code) {
  if (igmp.size() > kShortLength && igmp.size() < kQueryV3Length)
    return std::unexpected(Reject::bad_query_length);
  ByteReader in(igmp);
  in.skip(4);
  Query query;
  if (const auto group = body::read_query_group(in, Family::ipv4, query); !group)
    return std::unexpected(group.error());
  if (igmp.size() == kShortLength) {
    query.version = code == 0 ? 1 : 2;
    query.max_response = code == 0 ? kVersion1Response : code * kUnit;
    return query;
  }
  query.version = 3;
  query.max_response = decode_code8(code) * kUnit;
  if (const auto tail = body::read_query_tail(in, Family::ipv4, query); !tail)
    return std::unexpected(tail.error());
  return query;
}

//  |  Type = 0x22  |    Reserved   |           Checksum            |
//  |           Reserved            |  Number of Group Records (M)  |
std::expected<Message, Reject> parse_report_v3(ByteSpan igmp) {
  ByteReader in(igmp);
  in.skip(6);
  const std::size_t count = in.u16();
  auto report = body::read_records(in, Family::ipv4, count);
  if (!report) return std::unexpected(report.error());
  return std::move(*report);
}

std::expected<Message, Reject> parse_message(ByteSpan igmp) {
  ByteReader in(igmp);
  const std::uint8_t type = in.u8();
  const std::uint8_t code = in.u8();
  if (type == kQuery) return parse_query(igmp, code);
  if (type == kReportV3) return parse_report_v3(igmp);
  if (type != kReportV1 && type != kReportV2 && type != kLeave)
    return std::unexpected(Reject::unknown_type);
  in.skip(2);
  const auto group = body::read_group(in, Family::ipv4);
  if (!group) return std::unexpected(group.error());
  if (type == kLeave) return Leave{*group};
  return GroupReport{static_cast<std::uint8_t>(type == kReportV1 ? 1 : 2), *group};
}

bool is_version1(const Message& message) {
  if (const auto* query = std::get_if<Query>(&message)) return query->version == 1;
  const auto* report = std::get_if<GroupReport>(&message);
  return report != nullptr && report->version == 1;
}

std::uint8_t response_code(const Query& query) {
  if (query.version == 1) return 0;
  const auto units =
      static_cast<std::uint64_t>(std::max<std::int64_t>(query.max_response / kUnit, 1));
  if (query.version == 2) return static_cast<std::uint8_t>(std::min<std::uint64_t>(units, 255));
  return encode_code8(units);
}

void write(ByteWriter& out, const Query& query) {
  out.u8(kQuery);
  out.u8(response_code(query));
  out.u16(0);
  out.bytes((query.group ? query.group->address() : IpAddress::any(Family::ipv4)).bytes());
  if (query.version >= 3) body::write_query_tail(out, query);
}

void write(ByteWriter& out, const GroupReport& report) {
  out.u8(report.version == 1 ? kReportV1 : kReportV2);
  out.zeros(3);
  out.bytes(report.group.address().bytes());
}

void write(ByteWriter& out, const Leave& leave) {
  out.u8(kLeave);
  out.zeros(3);
  out.bytes(leave.group.address().bytes());
}

void write(ByteWriter& out, const SourceReport& report) {
  out.u8(kReportV3);
  out.zeros(5);
  body::write_records(out, report);
}

}  // namespace

std::expected<Packet, Reject> parse_igmp(ByteSpan ip_packet, const IgmpParseOptions& options) {
  const auto ip = parse_ipv4(ip_packet);
  if (!ip) return std::unexpected(reject_of(ip.error()));
  if (ip->fragment) return std::unexpected(Reject::fragment);
  if (ip->protocol != kIgmpProtocol) return std::unexpected(Reject::not_igmp);
  const IgmpArrival arrival{.source = ip->source,
                            .destination = ip->destination,
                            .ttl = ip->ttl,
                            .router_alert = find_router_alert(ip->options)};
  return parse_igmp_message(ip->payload, arrival, options);
}

std::expected<Packet, Reject> parse_igmp_message(ByteSpan igmp, const IgmpArrival& arrival,
                                                 const IgmpParseOptions& options) {
  if (arrival.ttl != 1) return std::unexpected(Reject::bad_ttl);
  const IpAddress& source = arrival.source;
  if (!source.is_v4() || source.is_multicast() || source.is_loopback() ||
      source.v4_value() == 0xffffffffU)
    return std::unexpected(Reject::bad_source);
  if (igmp.size() < kShortLength) return std::unexpected(Reject::truncated);
  if (internet_checksum(igmp) != 0) return std::unexpected(Reject::bad_checksum);
  auto message = parse_message(igmp);
  if (!message) return std::unexpected(message.error());
  if (options.require_router_alert && !arrival.router_alert && !is_version1(*message))
    return std::unexpected(Reject::no_router_alert);
  return Packet{source, arrival.destination, arrival.router_alert, std::move(*message)};
}

Bytes encode_igmp(const Message& message) {
  Bytes bytes;
  ByteWriter out(bytes);
  std::visit([&out](const auto& m) { write(out, m); }, message);
  out.patch_u16(2, internet_checksum(bytes));
  return bytes;
}

Bytes wrap_igmp(ByteSpan igmp, const IpAddress& source, const IpAddress& destination,
                bool router_alert) {
  Bytes bytes;
  ByteWriter out(bytes);
  const std::size_t header = router_alert ? 24 : 20;
  out.u8(static_cast<std::uint8_t>(0x40U | (header / 4)));
  out.u8(0xc0);
  out.u16(static_cast<std::uint16_t>(header + igmp.size()));
  out.zeros(4);
  out.u8(1);
  out.u8(kIgmpProtocol);
  out.u16(0);
  out.bytes(source.bytes());
  out.bytes(destination.bytes());
  if (router_alert) out.u32(0x94040000U);
  out.patch_u16(10, internet_checksum(bytes));
  out.bytes(igmp);
  return bytes;
}

}  // namespace hotpair::mcast::wire
