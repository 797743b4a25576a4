// The first octet says what the others are: one PIM message (bit 0: of IPv6), a whole IPv4 packet
// (bit 1) or an Auto-RP payload (bit 2); with bit 3 the checksum of a PIM message is made right.
// The second one is the MTU by which what was understood is packed again, in units of 8 octets.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "mcast/wire/auto_rp.h"
#include "mcast/wire/checksum.h"
#include "mcast/wire/pim_bootstrap.h"
#include "mcast/wire/pim_join_prune.h"
#include "mcast/wire/pim_message.h"
#include "platform/base/assert.h"

namespace {

using namespace hotpair;
using namespace hotpair::mcast::wire;

IpAddress address(Family family, std::uint8_t last) {
  if (family == Family::ipv4) return IpAddress::v4(0x0a000000U | last);
  std::array<std::byte, 16> bytes{std::byte{0xfe}, std::byte{0x80}};
  bytes[15] = std::byte{last};
  return *IpAddress::from_bytes(bytes);
}

PimArrival arrival_of(Family family) { return {address(family, 1), all_pim_routers(family), 1}; }

void make_checksum_right(Bytes& pim, const PimArrival& arrival) {
  if (pim.size() < 4) return;
  ByteWriter(pim).patch_u16(2, 0);
  const bool is_register = (pim[0] & std::byte{0x0f}) == std::byte{1} && pim.size() >= 8;
  const ByteSpan covered = is_register ? ByteSpan(pim).first(8) : ByteSpan(pim);
  ByteWriter(pim).patch_u16(
      2, arrival.source.is_v4()
             ? internet_checksum(covered)
             : pseudo_checksum(arrival.source, arrival.destination, kPimProtocol, covered));
}

/// Encodes and reads back; the answer is the message's length with an IP header before it.
std::size_t round_trip(PimMessage message, const PimArrival& arrival) {
  if (auto* hello = std::get_if<PimHello>(&message))
    hello->unknown_options = hello->foreign_addresses = 0;
  const Bytes pim = encode_pim(message, arrival.source, arrival.destination);
  const auto again = parse_pim(pim, arrival);
  HA_ASSERT(again && again->message == message);
  HA_ASSERT(encode_pim(again->message, arrival.source, arrival.destination) == pim);
  return pim.size() + (arrival.source.is_v4() ? 20 : 40);
}

void visit_entries(const PimJoinPrune& message) {
  for (const PimGroupSet& set : message.groups) {
    HA_ASSERT(fault_of_group(set.group) < PimEntryFault::count_);
    for (const PimSource& source : set.joined)
      HA_ASSERT(fault_of_source(source) < PimEntryFault::count_);
  }
}

void pack(const PimMessage& message, const PimArrival& arrival, std::size_t mtu) {
  const std::size_t limit = std::max<std::size_t>(mtu, arrival.source.is_v4() ? 68 : 1280);
  if (const auto* join_prune = std::get_if<PimJoinPrune>(&message)) {
    visit_entries(*join_prune);
    for (const PimJoinPrune& each : pack_join_prune(*join_prune, mtu).messages)
      HA_ASSERT(round_trip(each, arrival) <= limit);
  }
  if (const auto* bootstrap = std::get_if<PimBootstrap>(&message)) {
    for (const PimBootstrapRange& range : bootstrap->ranges)
      HA_ASSERT(fault_of_range(range.range) < PimEntryFault::count_);
    const auto result = fragment_bootstrap(*bootstrap, mtu);
    HA_ASSERT(!result.fragments.empty());
    for (const PimBootstrap& each : result.fragments) HA_ASSERT(round_trip(each, arrival) <= limit);
  }
  if (const auto* candidate = std::get_if<PimCandidateRp>(&message)) {
    for (const PimCandidateRp& each : pack_candidate_rp(*candidate, mtu))
      HA_ASSERT(round_trip(each, arrival) <= limit);
  }
}

void pim_packet(const std::expected<PimPacket, PimReject>& parsed, std::size_t mtu) {
  if (!parsed) {
    HA_ASSERT(parsed.error() < PimReject::count_);
    HA_ASSERT(to_string(parsed.error()) != std::string_view("unknown"));
    return;
  }
  const PimArrival arrival{parsed->source, parsed->destination, parsed->ttl};
  static_cast<void>(delivery_of(parsed->message));
  static_cast<void>(round_trip(parsed->message, arrival));
  pack(parsed->message, arrival, mtu);
}

void auto_rp(ByteSpan payload, std::size_t mtu) {
  const auto parsed = parse_auto_rp(payload);
  if (!parsed) {
    HA_ASSERT(parsed.error() < AutoRpReject::count_);
    return;
  }
  std::size_t ranges = 0;
  for (const AutoRpMapping& mapping : parsed->mappings) {
    for (const AutoRpRange& range : mapping.ranges) static_cast<void>(range.is_valid());
    ranges += mapping.ranges.size();
  }
  for (const Bytes& datagram : encode_auto_rp(*parsed, mtu)) {
    HA_ASSERT(datagram.size() + 28 <= std::max<std::size_t>(mtu, 68));
    const auto again = parse_auto_rp(datagram);
    HA_ASSERT(again.has_value());
    for (const AutoRpMapping& mapping : again->mappings) ranges -= mapping.ranges.size();
  }
  HA_ASSERT(ranges == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(as_bytes({reinterpret_cast<const char*>(data), size}));
  const std::uint8_t how = in.u8();
  const std::size_t mtu = in.u8() * std::size_t{8};
  if (!in.ok()) return 0;
  if ((how & 4U) != 0) {
    auto_rp(in.rest(), mtu);
  } else if ((how & 2U) != 0) {
    pim_packet(parse_pim_ipv4(in.rest()), mtu);
  } else {
    const PimArrival arrival = arrival_of((how & 1U) != 0 ? Family::ipv6 : Family::ipv4);
    Bytes pim = to_bytes(in.rest());
    if ((how & 8U) != 0) make_checksum_right(pim, arrival);
    pim_packet(parse_pim(pim, arrival), mtu);
  }
  return 0;
}
