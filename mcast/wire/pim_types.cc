#include "mcast/wire/pim_types.h"

#include <algorithm>

namespace hotpair::mcast::wire {
namespace {

std::uint8_t full_mask(const IpAddress& address) {
  return static_cast<std::uint8_t>(address.bits());
}

// 224.0.0.0/4 or ff00::/8, the wildcard group set of RFC 4601 4.9.5.1.
bool is_all_groups(const PimGroupRange& range) {
  const auto bytes = range.address.bytes();
  const auto first = std::to_integer<std::uint8_t>(bytes.front());
  const bool rest_zero =
      std::ranges::all_of(bytes.subspan(1), [](std::byte byte) { return byte == std::byte{0}; });
  if (!rest_zero) return false;
  return range.address.is_v4() ? first == 0xe0 && range.mask_length == 4
                               : first == 0xff && range.mask_length == 8;
}

}  // namespace

std::string_view to_string(PimReject reject) {
  switch (reject) {
    case PimReject::truncated:
      return "truncated";
    case PimReject::bad_ip_version:
      return "not IP version 4";
    case PimReject::bad_header_length:
      return "bad IP header length";
    case PimReject::bad_total_length:
      return "bad IP total length";
    case PimReject::fragment:
      return "IP fragment";
    case PimReject::not_pim:
      return "not PIM";
    case PimReject::bad_source:
      return "bad source address";
    case PimReject::bad_version:
      return "not PIM version 2";
    case PimReject::bad_checksum:
      return "bad checksum";
    case PimReject::unknown_type:
      return "unknown type";
    case PimReject::dense_mode:
      return "dense mode message";
    case PimReject::address_family:
      return "address of another family";
    case PimReject::address_encoding:
      return "unknown address encoding";
    case PimReject::hello_option_length:
      return "bad hello option length";
    case PimReject::group_count:
      return "number of groups beyond the packet";
    case PimReject::source_count:
      return "number of sources beyond the packet";
    case PimReject::rp_count:
      return "bad number of RPs";
    case PimReject::group_not_multicast:
      return "group is not multicast";
    case PimReject::mask_length:
      return "bad mask length";
    case PimReject::not_unicast:
      return "address is not unicast";
    case PimReject::inner_packet:
      return "bad packet in register";
    case PimReject::inner_checksum:
      return "bad checksum in null register";
    case PimReject::count_:
      break;
  }
  return "unknown";
}

std::string_view to_string(PimEntryFault fault) {
  switch (fault) {
    case PimEntryFault::none:
      return "none";
    case PimEntryFault::star_star_rp:
      return "(*,*,RP) is not supported";
    case PimEntryFault::mask_length:
      return "bad mask length";
    case PimEntryFault::not_multicast:
      return "group is not multicast";
    case PimEntryFault::not_unicast:
      return "source is not unicast";
    case PimEntryFault::wildcard_without_rpt:
      return "wildcard without RPT bit";
    case PimEntryFault::reserved_flags:
      return "reserved flags set";
    case PimEntryFault::count_:
      break;
  }
  return "unknown";
}

PimGroupRange PimGroupRange::single(const Group& group) {
  return {.address = group.address(), .mask_length = full_mask(group.address())};
}

PimSource PimSource::source(const IpAddress& source) {
  return {.address = source, .mask_length = full_mask(source)};
}

PimSource PimSource::source_rpt(const IpAddress& source) {
  return {.address = source, .mask_length = full_mask(source), .rpt = true};
}

PimSource PimSource::shared_tree(const IpAddress& rp) {
  return {.address = rp, .mask_length = full_mask(rp), .wildcard = true, .rpt = true};
}

PimEntryFault fault_of_group(const PimGroupRange& group) {
  if (is_all_groups(group)) return PimEntryFault::star_star_rp;
  if (!group.address.is_multicast()) return PimEntryFault::not_multicast;
  if (group.mask_length != full_mask(group.address)) return PimEntryFault::mask_length;
  return group.reserved == 0 ? PimEntryFault::none : PimEntryFault::reserved_flags;
}

PimEntryFault fault_of_range(const PimGroupRange& range) {
  const unsigned shortest = range.address.is_v4() ? 4 : 8;  // wider ranges are not only multicast
  if (!range.address.is_multicast()) return PimEntryFault::not_multicast;
  if (range.mask_length < shortest || range.mask_length > full_mask(range.address))
    return PimEntryFault::mask_length;
  return range.reserved == 0 ? PimEntryFault::none : PimEntryFault::reserved_flags;
}

PimEntryFault fault_of_source(const PimSource& source) {
  if (source.mask_length != full_mask(source.address)) return PimEntryFault::mask_length;
  if (!is_pim_unicast(source.address)) return PimEntryFault::not_unicast;
  if (source.wildcard && !source.rpt) return PimEntryFault::wildcard_without_rpt;
  return source.reserved == 0 ? PimEntryFault::none : PimEntryFault::reserved_flags;
}

bool is_pim_unicast(const IpAddress& address) {
  return !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() &&
         !(address.is_v4() && address.v4_value() == 0xffffffffU);
}

bool operator==(const PimRegister& a, const PimRegister& b) {
  return a.border == b.border && a.null_register == b.null_register && a.source == b.source &&
         a.group == b.group && std::ranges::equal(a.packet, b.packet);
}

PimDelivery delivery_of(const PimMessage& message) {
  if (std::holds_alternative<PimBootstrap>(message)) return PimDelivery::either;
  const bool unicast = std::holds_alternative<PimRegister>(message) ||
                       std::holds_alternative<PimRegisterStop>(message) ||
                       std::holds_alternative<PimCandidateRp>(message);
  return unicast ? PimDelivery::unicast : PimDelivery::link;
}

IpAddress all_pim_routers(Family family) {
  if (family == Family::ipv4) return IpAddress::v4(0xe000000dU);
  std::array<std::byte, 16> bytes{std::byte{0xff}, std::byte{0x02}};
  bytes[15] = std::byte{0x0d};
  return *IpAddress::from_bytes(bytes);
}

}  // namespace hotpair::mcast::wire
