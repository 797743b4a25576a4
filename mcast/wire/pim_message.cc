#include "mcast/wire/pim_message.h"

#include "mcast/wire/checksum.h"
#include "mcast/wire/ipv4_header.h"
#include "mcast/wire/pim_bootstrap.h"
#include "mcast/wire/pim_election.h"
#include "mcast/wire/pim_hello.h"
#include "mcast/wire/pim_join_prune.h"
#include "mcast/wire/pim_register.h"

namespace hotpair::mcast::wire {
namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kRegister = 1;

PimReject reject_of(Ipv4Fault fault) {
  switch (fault) {
    case Ipv4Fault::truncated:
      return PimReject::truncated;
    case Ipv4Fault::version:
      return PimReject::bad_ip_version;
    case Ipv4Fault::header_length:
      return PimReject::bad_header_length;
    case Ipv4Fault::total_length:
      break;
  }
  return PimReject::bad_total_length;
}

std::uint16_t checksum(ByteSpan bytes, const IpAddress& source, const IpAddress& destination,
                       std::size_t upper_layer_length) {
  if (source.is_v4()) return internet_checksum(bytes);
  return pseudo_checksum(source, destination, kPimProtocol, bytes, upper_layer_length);
}

// RFC 7761 4.9.3: the first 8 octets; one over the whole message "should also be accepted". Over
// the whole some senders count the whole in the pseudo header, some still 8.
bool is_register_intact(ByteSpan pim, const PimArrival& arrival) {
  if (pim.size() < pim::kRegisterHeaderSize) return false;
  const auto is_zero_over = [&](ByteSpan bytes, std::size_t length) {
    return checksum(bytes, arrival.source, arrival.destination, length) == 0;
  };
  return is_zero_over(pim.first(pim::kRegisterHeaderSize), pim::kRegisterHeaderSize) ||
         is_zero_over(pim, pim.size()) || is_zero_over(pim, pim::kRegisterHeaderSize);
}

std::expected<PimMessage, PimReject> parse_body(ByteSpan pim, Family family) {
  const auto type = std::to_integer<std::uint8_t>(pim[0] & std::byte{0x0f});
  const auto flags = std::to_integer<std::uint8_t>(pim[1]);
  const ByteSpan body = pim.subspan(pim::kHeaderSize);
  switch (type) {
    case 0:
      return pim::parse_hello(body, family);
    case kRegister:
      return pim::parse_register(body, family);
    case 2:
      return pim::parse_register_stop(body, family);
    case 3:
      return pim::parse_join_prune(body, family);
    case 4:
      return pim::parse_bootstrap(body, family, flags);
    case 5:
      return pim::parse_assert(body, family);
    case 6:  // Graft
    case 7:  // Graft-Ack
    case 9:  // State Refresh
      return std::unexpected(PimReject::dense_mode);
    case 8:
      return pim::parse_candidate_rp(body, family);
    case 10:
      return pim::parse_df_election(body, family, flags);
    default:
      return std::unexpected(PimReject::unknown_type);
  }
}

}  // namespace

std::expected<PimPacket, PimReject> parse_pim_ipv4(ByteSpan ip_packet) {
  const auto ip = parse_ipv4(ip_packet);
  if (!ip) return std::unexpected(reject_of(ip.error()));
  if (ip->fragment) return std::unexpected(PimReject::fragment);
  if (ip->protocol != kPimProtocol) return std::unexpected(PimReject::not_pim);
  return parse_pim(ip->payload, {ip->source, ip->destination, ip->ttl});
}

std::expected<PimPacket, PimReject> parse_pim(ByteSpan pim, const PimArrival& arrival) {
  const Family family = arrival.destination.family();
  if (arrival.source.family() != family || !is_pim_unicast(arrival.source))
    return std::unexpected(PimReject::bad_source);
  if (pim.size() < pim::kHeaderSize) return std::unexpected(PimReject::truncated);
  const auto first = std::to_integer<std::uint8_t>(pim[0]);
  if ((first >> 4U) != kVersion) return std::unexpected(PimReject::bad_version);
  const bool intact = (first & 0x0fU) == kRegister
                          ? is_register_intact(pim, arrival)
                          : checksum(pim, arrival.source, arrival.destination, pim.size()) == 0;
  if (!intact) return std::unexpected(PimReject::bad_checksum);
  auto message = parse_body(pim, family);
  if (!message) return std::unexpected(message.error());
  return PimPacket{arrival.source, arrival.destination, arrival.ttl, std::move(*message)};
}

Bytes encode_pim(const PimMessage& message, const IpAddress& source, const IpAddress& destination) {
  Bytes bytes;
  ByteWriter out(bytes);
  std::visit([&out](const auto& m) { pim::write(out, m); }, message);
  const ByteSpan covered = std::holds_alternative<PimRegister>(message)
                               ? ByteSpan(bytes).first(pim::kRegisterHeaderSize)
                               : ByteSpan(bytes);
  out.patch_u16(2, checksum(covered, source, destination, covered.size()));
  return bytes;
}

}  // namespace hotpair::mcast::wire
