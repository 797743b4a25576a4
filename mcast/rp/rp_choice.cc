#include "mcast/rp/rp_choice.h"

#include <algorithm>
#include <array>

#include "platform/base/bytes.h"

namespace hotpair::mcast::rp {
namespace {

/// RFC 7761 4.7.2: the exclusive or of the 32-bit words; of IPv4 the address itself.
std::uint32_t folded(const IpAddress& address) {
  ByteReader in(address.bytes());
  std::uint32_t sum = 0;
  while (in.remaining() >= 4) sum ^= in.u32();
  return sum;
}

}  // namespace

std::uint8_t default_hash_mask_length(Family family) { return family == Family::ipv4 ? 30 : 126; }

std::uint32_t rp_hash(const Group& group, std::uint8_t hash_mask_length, const IpAddress& rp) {
  constexpr std::uint32_t kFactor = 1103515245;
  constexpr std::uint32_t kAddend = 12345;
  const auto length =
      static_cast<std::uint8_t>(std::min<unsigned>(hash_mask_length, group.address().bits()));
  // Masked as a prefix, so that a length of 0 shifts nothing. Modulo 2^32 is enough for 2^31.
  const std::uint32_t masked = folded(IpPrefix{group.address(), length}.network().address);
  return (kFactor * ((kFactor * masked + kAddend) ^ folded(rp)) + kAddend) & 0x7fffffffU;
}

//  |  1111 1111  |0 R P T| scop |rsvd |RIID| plen | network prefix (64) | group id (32) |
std::optional<IpAddress> embedded_rp(const Group& group) {
  if (group.family() != Family::ipv6 || group.address().is_link_local_multicast())
    return std::nullopt;
  const ByteSpan bytes = group.address().bytes();
  const auto octet = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  const unsigned riid = octet(2) & 0x0fU;
  const unsigned plen = octet(3);
  const bool reserved = (octet(2) & 0xf0U) != 0;
  if ((octet(1) & 0xf0U) != 0x70U || reserved || riid == 0 || plen == 0 || plen > 64)
    return std::nullopt;
  std::array<std::byte, 16> raw{};
  std::ranges::copy(bytes.subspan(4, 8), raw.begin());
  const IpPrefix prefix{IpAddress::from_bytes(raw).value(), static_cast<std::uint8_t>(plen)};
  std::ranges::copy(prefix.network().address.bytes(), raw.begin());
  // A prefix of ::/16 would make an address that belongs to no network.
  if (raw[0] == std::byte{0} && raw[1] == std::byte{0}) return std::nullopt;
  raw[15] = static_cast<std::byte>(riid);
  const IpAddress rp = IpAddress::from_bytes(raw).value();
  if (rp.is_multicast() || rp.is_link_local_unicast()) return std::nullopt;
  return rp;
}

}  // namespace hotpair::mcast::rp
