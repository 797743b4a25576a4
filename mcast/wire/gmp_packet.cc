#include "mcast/wire/gmp_packet.h"

namespace hotpair::mcast::wire {
namespace {

IpAddress well_known(Family family, std::uint8_t last4, std::uint8_t last6) {
  if (family == Family::ipv4) return IpAddress::v4(0xe0000000U | last4);
  std::array<std::byte, 16> bytes{};
  bytes[0] = std::byte{0xff};
  bytes[1] = std::byte{0x02};
  bytes[15] = std::byte{last6};
  return *IpAddress::from_bytes(bytes);
}

}  // namespace

std::string_view to_string(Reject reject) {
  switch (reject) {
    case Reject::truncated: return "truncated";
    case Reject::bad_ip_version: return "not IP version 4";
    case Reject::bad_header_length: return "bad IP header length";
    case Reject::bad_total_length: return "bad IP total length";
    case Reject::fragment: return "IP fragment";
    case Reject::not_igmp: return "not IGMP";
    case Reject::bad_ttl: return "TTL or hop limit is not 1";
    case Reject::no_router_alert: return "no router alert";
    case Reject::bad_checksum: return "bad checksum";
    case Reject::unknown_type: return "unknown type";
    case Reject::bad_query_length: return "bad query length";
    case Reject::source_count: return "number of sources beyond the packet";
    case Reject::record_count: return "number of records beyond the packet";
    case Reject::group_not_multicast: return "group is not multicast";
    case Reject::bad_source: return "bad source address";
    case Reject::count_: break;
  }
  return "unknown";
}

IpAddress all_hosts(Family family) { return well_known(family, 1, 1); }
IpAddress all_routers(Family family) { return well_known(family, 2, 2); }
IpAddress all_gmp_routers(Family family) { return well_known(family, 22, 0x16); }

IpAddress destination_of(const Message& message, Family family) {
  if (const auto* query = std::get_if<Query>(&message))
    return query->group ? query->group->address() : all_hosts(family);
  if (const auto* report = std::get_if<GroupReport>(&message)) return report->group.address();
  if (std::holds_alternative<Leave>(message)) return all_routers(family);
  return all_gmp_routers(family);
}

}  // namespace hotpair::mcast::wire
