#include "ha/bfd/bfd_packet.h"

#include <algorithm>

namespace hotpair::ha::bfd {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kAuthMeticulousSha1 = 5;
constexpr std::size_t kLengthOffset = 3;
constexpr std::size_t kDigestOffset = 32;

constexpr std::uint8_t kPoll = 0x20;
constexpr std::uint8_t kFinal = 0x10;
constexpr std::uint8_t kControlPlaneIndependent = 0x08;
constexpr std::uint8_t kAuthentication = 0x04;
constexpr std::uint8_t kDemand = 0x02;
constexpr std::uint8_t kMultipoint = 0x01;

std::expected<AuthSection, PacketReject> get_auth(ByteReader& reader) {
  const std::uint8_t type = reader.u8();
  const std::uint8_t length = reader.u8();
  if (!reader.ok()) return std::unexpected(PacketReject::auth_length);
  if (type != kAuthMeticulousSha1) return std::unexpected(PacketReject::auth_type);
  AuthSection auth;
  auth.key_id = reader.u8();
  reader.skip(1);
  auth.sequence = reader.u32();
  const ByteSpan digest = reader.take(kDigestLength);
  if (length != kAuthLength || !reader.ok()) return std::unexpected(PacketReject::auth_length);
  std::copy(digest.begin(), digest.end(), auth.digest.begin());
  return auth;
}

}  // namespace

const char* to_string(PacketReject reason) {
  switch (reason) {
    case PacketReject::too_short:
      return "too short";
    case PacketReject::bad_version:
      return "bad version";
    case PacketReject::bad_length:
      return "bad length";
    case PacketReject::zero_multiplier:
      return "zero detect multiplier";
    case PacketReject::multipoint:
      return "multipoint bit";
    case PacketReject::zero_my_discriminator:
      return "zero my discriminator";
    case PacketReject::zero_your_discriminator:
      return "zero your discriminator";
    case PacketReject::auth_type:
      return "authentication type";
    case PacketReject::auth_length:
      return "authentication length";
    case PacketReject::count:
      break;
  }
  return "unknown";
}

Bytes encode(const ControlPacket& packet) {
  Bytes out;
  out.reserve(kPacketLengthMax);
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>((kVersion << 5U) | (packet.diag & 0x1fU)));
  std::uint8_t flags = static_cast<std::uint8_t>(static_cast<unsigned>(packet.state) << 6U);
  if (packet.poll) flags |= kPoll;
  if (packet.final) flags |= kFinal;
  if (packet.control_plane_independent) flags |= kControlPlaneIndependent;
  if (packet.auth) flags |= kAuthentication;
  if (packet.demand) flags |= kDemand;
  writer.u8(flags);
  writer.u8(packet.detect_mult);
  writer.u8(static_cast<std::uint8_t>(packet.auth ? kPacketLengthMax : kPacketLength));
  writer.u32(packet.my_discriminator.value());
  writer.u32(packet.your_discriminator.value());
  writer.u32(packet.desired_min_tx_us);
  writer.u32(packet.required_min_rx_us);
  writer.u32(packet.required_min_echo_rx_us);
  if (!packet.auth) return out;
  writer.u8(kAuthMeticulousSha1);
  writer.u8(kAuthLength);
  writer.u8(packet.auth->key_id);
  writer.u8(0);
  writer.u32(packet.auth->sequence);
  writer.bytes(packet.auth->digest);
  return out;
}

std::expected<ControlPacket, PacketReject> decode(ByteSpan datagram) {
  if (datagram.size() < kPacketLength) return std::unexpected(PacketReject::too_short);
  const auto length = std::to_integer<std::size_t>(datagram[kLengthOffset]);
  const auto first = std::to_integer<std::uint8_t>(datagram[0]);
  const auto flags = std::to_integer<std::uint8_t>(datagram[1]);
  if (first >> 5U != kVersion) return std::unexpected(PacketReject::bad_version);
  const bool authenticated = (flags & kAuthentication) != 0;
  const std::size_t shortest = kPacketLength + (authenticated ? 2 : 0);
  if (length < shortest || length > datagram.size())
    return std::unexpected(PacketReject::bad_length);
  ByteReader reader(datagram.first(length));
  reader.skip(2);
  ControlPacket packet;
  packet.diag = first & 0x1fU;
  packet.state = static_cast<State>(flags >> 6U);
  packet.poll = (flags & kPoll) != 0;
  packet.final = (flags & kFinal) != 0;
  packet.control_plane_independent = (flags & kControlPlaneIndependent) != 0;
  packet.demand = (flags & kDemand) != 0;
  packet.detect_mult = reader.u8();
  reader.skip(1);
  packet.my_discriminator = Discriminator(reader.u32());
  packet.your_discriminator = Discriminator(reader.u32());
  packet.desired_min_tx_us = reader.u32();
  packet.required_min_rx_us = reader.u32();
  packet.required_min_echo_rx_us = reader.u32();
  if (packet.detect_mult == 0) return std::unexpected(PacketReject::zero_multiplier);
  if ((flags & kMultipoint) != 0) return std::unexpected(PacketReject::multipoint);
  if (packet.my_discriminator == Discriminator())
    return std::unexpected(PacketReject::zero_my_discriminator);
  const bool starting = packet.state == State::down || packet.state == State::admin_down;
  if (packet.your_discriminator == Discriminator() && !starting)
    return std::unexpected(PacketReject::zero_your_discriminator);
  if (authenticated) {
    const auto auth = get_auth(reader);
    if (!auth) return std::unexpected(auth.error());
    packet.auth = *auth;
  }
  return packet;
}

Bytes digest_input(ByteSpan datagram, std::string_view secret) {
  if (datagram.size() < kPacketLengthMax) return {};
  Bytes input = to_bytes(datagram.first(kPacketLengthMax));
  const auto digest = input.begin() + kDigestOffset;
  std::fill(digest, input.end(), std::byte{0});
  const ByteSpan padded = as_bytes(secret.substr(0, kSecretLengthMax));
  std::copy(padded.begin(), padded.end(), digest);
  return input;
}

void put_digest(Bytes& datagram, const Digest& digest) {
  if (datagram.size() != kPacketLengthMax) return;
  std::copy(digest.begin(), digest.end(), datagram.begin() + kDigestOffset);
}

}  // namespace hotpair::ha::bfd
