#include "mcast/wire/pim_hello.h"

#include <algorithm>

namespace hotpair::mcast::wire::pim {
namespace {

constexpr std::uint16_t kHoldtime = 1;
constexpr std::uint16_t kLanPruneDelay = 2;
constexpr std::uint16_t kDrPriority = 19;
constexpr std::uint16_t kGenerationId = 20;
constexpr std::uint16_t kStateRefresh = 21;
constexpr std::uint16_t kBidirectional = 22;
constexpr std::uint16_t kAddressList = 24;
constexpr std::uint16_t kAddressListOld = 65001;
constexpr std::uint16_t kTrackingBit = 0x8000;
constexpr std::uint16_t kDelayMax = 0x7fff;

/// The length an option of a known type must have; address lists vary.
std::optional<std::size_t> length_of(std::uint16_t type) {
  switch (type) {
    case kHoldtime:
      return 2;
    case kLanPruneDelay:
    case kDrPriority:
    case kGenerationId:
    case kStateRefresh:
      return 4;
    case kBidirectional:
      return 0;
    default:
      return std::nullopt;
  }
}

// FRR's pimd puts IPv6 link-local addresses into IPv4 Hellos, in a second option 24 behind the one
// with the IPv4 addresses. So a list with none but foreign addresses does not replace another.
Parsed<void> read_addresses(ByteReader value, Family family, PimHello& hello) {
  const bool empty = value.remaining() == 0;
  std::vector<IpAddress> addresses;
  addresses.reserve(value.remaining() / unicast_size(family));
  while (value.remaining() > 0) {
    const Family own = next_family(value).value_or(family);
    if (value.remaining() < unicast_size(own))
      return std::unexpected(PimReject::hello_option_length);
    const auto address = read_unicast(value, own);
    if (!address) return std::unexpected(address.error());
    if (own == family) {
      addresses.push_back(*address);
    } else {
      ++hello.foreign_addresses;
    }
  }
  if (empty || !addresses.empty()) hello.addresses = std::move(addresses);
  return {};
}

PimLanPruneDelay read_lan_prune_delay(ByteReader& value) {
  const std::uint16_t delay = value.u16();
  return {.tracking = (delay & kTrackingBit) != 0,
          .propagation_delay_ms = static_cast<std::uint16_t>(delay & kDelayMax),
          .override_interval_ms = value.u16()};
}

// The octets are there.
Parsed<void> read_option(std::uint16_t type, ByteReader value, Family family, PimHello& hello) {
  const auto length = length_of(type);
  if (length && value.remaining() != *length)
    return std::unexpected(PimReject::hello_option_length);
  switch (type) {
    case kHoldtime:
      hello.holdtime_s = value.u16();
      break;
    case kLanPruneDelay:
      hello.lan_prune_delay = read_lan_prune_delay(value);
      break;
    case kDrPriority:
      hello.dr_priority = value.u32();
      break;
    case kGenerationId:
      hello.generation_id = value.u32();
      break;
    case kStateRefresh:
      value.skip(1);  // version
      hello.state_refresh_s = value.u8();
      break;
    case kBidirectional:
      hello.bidirectional = true;
      break;
    case kAddressList:
    case kAddressListOld:
      return read_addresses(value, family, hello);
    default:
      ++hello.unknown_options;
      break;
  }
  return {};
}

void write_option(ByteWriter& out, std::uint16_t type) {
  out.u16(type);
  out.u16(static_cast<std::uint16_t>(length_of(type).value_or(0)));
}

void write_addresses(ByteWriter& out, const std::vector<IpAddress>& addresses) {
  const std::size_t size =
      addresses.empty() ? unicast_size(Family::ipv4) : unicast_size(addresses.front().family());
  const std::size_t count = std::min(addresses.size(), 0xffff / size);
  out.u16(kAddressList);
  out.u16(static_cast<std::uint16_t>(count * size));
  for (std::size_t i = 0; i < count; ++i) write_unicast(out, addresses[i]);
}

}  // namespace

//  |          OptionType           |         OptionLength          |
//  |                          OptionValue                          |
Parsed<PimMessage> parse_hello(ByteSpan body, Family family) {
  PimHello hello;
  ByteReader in(body);
  while (in.remaining() > 0) {
    const std::uint16_t type = in.u16();
    const std::size_t length = in.u16();
    if (!in.ok() || length > in.remaining()) return std::unexpected(PimReject::truncated);
    const auto option = read_option(type, ByteReader(in.take(length)), family, hello);
    if (!option) return std::unexpected(option.error());
  }
  return hello;
}

void write(ByteWriter& out, const PimHello& hello) {
  write_header(out, 0);
  if (hello.holdtime_s) {
    write_option(out, kHoldtime);
    out.u16(*hello.holdtime_s);
  }
  if (hello.lan_prune_delay) {
    const PimLanPruneDelay& delay = *hello.lan_prune_delay;
    write_option(out, kLanPruneDelay);
    out.u16(static_cast<std::uint16_t>((delay.tracking ? kTrackingBit : 0) |
                                       std::min(delay.propagation_delay_ms, kDelayMax)));
    out.u16(delay.override_interval_ms);
  }
  if (hello.dr_priority) {
    write_option(out, kDrPriority);
    out.u32(*hello.dr_priority);
  }
  if (hello.generation_id) {
    write_option(out, kGenerationId);
    out.u32(*hello.generation_id);
  }
  if (hello.state_refresh_s) {
    write_option(out, kStateRefresh);
    out.u8(1);  // version
    out.u8(*hello.state_refresh_s);
    out.u16(0);
  }
  if (hello.bidirectional) write_option(out, kBidirectional);
  if (hello.addresses) write_addresses(out, *hello.addresses);
}

}  // namespace hotpair::mcast::wire::pim
