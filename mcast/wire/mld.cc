#include "mcast/wire/mld.h"

#include <algorithm>
#include <chrono>

#include "mcast/wire/checksum.h"
#include "mcast/wire/float_code.h"
#include "mcast/wire/gmp_body.h"

namespace hotpair::mcast::wire {
namespace {

constexpr std::uint8_t kQuery = 130;
constexpr std::uint8_t kReportV1 = 131;
constexpr std::uint8_t kDone = 132;
constexpr std::uint8_t kReportV2 = 143;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::size_t kShortLength = 24;    // version 1
constexpr std::size_t kQueryV2Length = 28;  // with no source
constexpr std::size_t kReportV2Length = 8;  // with no record
constexpr Duration kUnit = std::chrono::milliseconds{1};

//  |  Type = 130   |     Code      |           Checksum            |
//  |     Maximum Response Code     |           Reserved            |
//  |                       Multicast Address (16)                  |
//  version 2 adds write_query_tail()
std::expected<Message, Reject> parse_query(ByteSpan icmpv6) {
  if (icmpv6.size() > kShortLength && icmpv6.size() < kQueryV2Length)
    return std::unexpected(Reject::bad_query_length);
  ByteReader in(icmpv6);
  in.skip(4);
  const std::uint16_t code = in.u16();
  in.skip(2);
  Query query;
  if (const auto group = body::read_query_group(in, Family::ipv6, query); !group)
    return std::unexpected(group.error());
  query.version = icmpv6.size() == kShortLength ? 1 : 2;
  query.max_response = (query.version == 1 ? code : decode_code16(code)) * kUnit;
  if (query.version == 1) return query;
  if (const auto tail = body::read_query_tail(in, Family::ipv6, query); !tail)
    return std::unexpected(tail.error());
  return query;
}

//  |  Type = 143   |    Reserved   |           Checksum            |
//  |           Reserved            |  Nr of Mcast Address Records  |
std::expected<Message, Reject> parse_report_v2(ByteSpan icmpv6) {
  ByteReader in(icmpv6);
  in.skip(6);
  const std::size_t count = in.u16();
  auto report = body::read_records(in, Family::ipv6, count);
  if (!report) return std::unexpected(report.error());
  return std::move(*report);
}

std::expected<Message, Reject> parse_message(ByteSpan icmpv6) {
  const auto type = std::to_integer<std::uint8_t>(icmpv6[0]);
  if (type == kReportV2) return parse_report_v2(icmpv6);
  if (type != kQuery && type != kReportV1 && type != kDone)
    return std::unexpected(Reject::unknown_type);
  if (icmpv6.size() < kShortLength) return std::unexpected(Reject::truncated);
  if (type == kQuery) return parse_query(icmpv6);
  ByteReader in(icmpv6);
  in.skip(8);
  const auto group = body::read_group(in, Family::ipv6);
  if (!group) return std::unexpected(group.error());
  if (type == kDone) return Leave{*group};
  return GroupReport{1, *group};
}

std::uint16_t response_code(const Query& query) {
  const auto units =
      static_cast<std::uint64_t>(std::max<std::int64_t>(query.max_response / kUnit, 0));
  if (query.version == 1) return static_cast<std::uint16_t>(std::min<std::uint64_t>(units, 0xffff));
  return encode_code16(units);
}

void write(ByteWriter& out, const Query& query) {
  out.u8(kQuery);
  out.zeros(3);
  out.u16(response_code(query));
  out.u16(0);
  out.bytes((query.group ? query.group->address() : IpAddress::any(Family::ipv6)).bytes());
  if (query.version >= 2) body::write_query_tail(out, query);
}

void write(ByteWriter& out, const GroupReport& report) {
  out.u8(kReportV1);
  out.zeros(7);
  out.bytes(report.group.address().bytes());
}

void write(ByteWriter& out, const Leave& leave) {
  out.u8(kDone);
  out.zeros(7);
  out.bytes(leave.group.address().bytes());
}

void write(ByteWriter& out, const SourceReport& report) {
  out.u8(kReportV2);
  out.zeros(5);
  body::write_records(out, report);
}

}  // namespace

std::expected<Packet, Reject> parse_mld(ByteSpan icmpv6, const MldArrival& arrival,
                                        const MldParseOptions& options) {
  if (icmpv6.size() < kReportV2Length) return std::unexpected(Reject::truncated);
  if (options.verify_checksum &&
      pseudo_checksum(arrival.source, arrival.destination, kIcmpv6, icmpv6) != 0)
    return std::unexpected(Reject::bad_checksum);
  if (arrival.hop_limit != 1) return std::unexpected(Reject::bad_ttl);
  if (!arrival.source.is_v6() || !arrival.source.is_link_local_unicast())
    return std::unexpected(Reject::bad_source);
  auto message = parse_message(icmpv6);
  if (!message) return std::unexpected(message.error());
  if (options.require_router_alert && !arrival.router_alert)
    return std::unexpected(Reject::no_router_alert);
  return Packet{arrival.source, arrival.destination, arrival.router_alert, std::move(*message)};
}

Bytes encode_mld(const Message& message, const IpAddress& source, const IpAddress& destination) {
  Bytes bytes;
  ByteWriter out(bytes);
  std::visit([&out](const auto& m) { write(out, m); }, message);
  out.patch_u16(2, pseudo_checksum(source, destination, kIcmpv6, bytes));
  return bytes;
}

bool has_mld_router_alert(ByteSpan hop_by_hop) {
  ByteReader in(hop_by_hop);
  in.skip(2);
  while (in.remaining() > 0) {
    const std::uint8_t type = in.u8();
    if (type == 0) continue;  // Pad1
    const std::size_t length = in.u8();
    if (!in.ok() || in.remaining() < length) return false;
    ByteReader value(in.take(length));
    if (type == 5 && length == 2 && value.u16() == 0) return true;
  }
  return false;
}

}  // namespace hotpair::mcast::wire
