#pragma once

#include <algorithm>
#include <expected>
#include <span>
#include <vector>

#include "mcast/wire/gmp_packet.h"
#include "platform/base/bytes.h"

/// What IGMP and MLD bodies share: the same fields, with addresses of 4 or of 16 bytes.
namespace hotpair::mcast::wire::body {

inline constexpr std::size_t kMaxCount = 0xffff;

[[nodiscard]] inline IpAddress read_address(ByteReader& in, Family family) {
  const auto address = IpAddress::from_bytes(in.take(family == Family::ipv4 ? 4 : 16));
  return address ? *address : IpAddress::any(family);
}

[[nodiscard]] inline std::expected<Group, Reject> read_group(ByteReader& in, Family family) {
  const auto group = Group::from(read_address(in, family));
  if (!group) return std::unexpected(Reject::group_not_multicast);
  return *group;
}

/// Group of a query: all zero makes a general query.
[[nodiscard]] inline std::expected<void, Reject> read_query_group(ByteReader& in, Family family,
                                                                  Query& query) {
  const IpAddress address = read_address(in, family);
  if (address.is_unspecified()) return {};
  const auto group = Group::from(address);
  if (!group) return std::unexpected(Reject::group_not_multicast);
  query.group = *group;
  return {};
}

/// `count` addresses, which must be there.
[[nodiscard]] inline std::expected<std::vector<IpAddress>, Reject> read_sources(
    ByteReader& in, Family family, std::size_t count) {
  const std::size_t size = family == Family::ipv4 ? 4 : 16;
  if (count * size > in.remaining()) return std::unexpected(Reject::source_count);
  std::vector<IpAddress> sources;
  sources.reserve(count);
  for (std::size_t i = 0; i < count; ++i) sources.push_back(read_address(in, family));
  return sources;
}

//  0                   1                   2                   3
//  |  Record Type  |  Aux Data Len |     Number of Sources (N)     |
//  |                       Multicast Address                       |
//  |                       Source Address [1..N]                   |
//  |                       Auxiliary Data                          |
[[nodiscard]] inline std::expected<SourceReport, Reject> read_records(ByteReader& in, Family family,
                                                                      std::size_t count) {
  const std::size_t smallest = 4 + (family == Family::ipv4 ? 4U : 16U);
  if (count * smallest > in.remaining()) return std::unexpected(Reject::record_count);
  SourceReport report;
  report.records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (in.remaining() < smallest) return std::unexpected(Reject::record_count);
    const std::uint8_t type = in.u8();
    const std::size_t auxiliary = std::size_t{4} * in.u8();
    const std::size_t source_count = in.u16();
    const auto group = Group::from(read_address(in, family));
    auto sources = read_sources(in, family, source_count);
    if (!sources) return std::unexpected(sources.error());
    if (auxiliary > in.remaining()) return std::unexpected(Reject::record_count);
    in.skip(auxiliary);
    // RFC 3376 4.2.12: a record of an unknown type is ignored, the others count.
    if (!group || type < 1 || type > 6) {
      ++report.skipped;
      continue;
    }
    report.records.push_back({static_cast<RecordType>(type), *group, std::move(*sources)});
  }
  return report;
}

inline void write_sources(ByteWriter& out, std::span<const IpAddress> sources) {
  for (const IpAddress& source : sources.first(std::min(sources.size(), kMaxCount)))
    out.bytes(source.bytes());
}

/// Number of records, then the records.
inline void write_records(ByteWriter& out, const SourceReport& report) {
  const std::size_t count = std::min(report.records.size(), kMaxCount);
  out.u16(static_cast<std::uint16_t>(count));
  for (const ReportRecord& record : std::span(report.records).first(count)) {
    out.u8(static_cast<std::uint8_t>(record.type));
    out.u8(0);
    out.u16(static_cast<std::uint16_t>(std::min(record.sources.size(), kMaxCount)));
    out.bytes(record.group.address().bytes());
    write_sources(out, record.sources);
  }
}

/// The part that IGMPv3 and MLDv2 queries add: flags, QQIC, sources. QRV above 7 is sent as 0.
void write_query_tail(ByteWriter& out, const Query& query);
[[nodiscard]] std::expected<void, Reject> read_query_tail(ByteReader& in, Family family,
                                                          Query& query);

}  // namespace hotpair::mcast::wire::body
