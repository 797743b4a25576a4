#include <gtest/gtest.h>

#include <initializer_list>

#include "ha/bfd/bfd_packet.h"
#include "platform/hmac/hmac.h"

namespace hotpair::ha::bfd {
namespace {

Bytes bytes(std::initializer_list<unsigned> values) {
  Bytes out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

// Version 1, diag 3 (Neighbor Signaled Session Down), state Down, P, C; multiplier 3, length 24;
// discriminators 0x0b and 0; 1 s, 10 ms, 0.
Bytes golden() {
  return bytes({0x23, 0x68, 0x03, 0x18, 0, 0, 0,    0x0b, 0, 0, 0, 0,
                0,    0x0f, 0x42, 0x40, 0, 0, 0x27, 0x10, 0, 0, 0, 0});
}

ControlPacket golden_packet() {
  ControlPacket packet;
  packet.diag = 3;
  packet.state = State::down;
  packet.poll = true;
  packet.control_plane_independent = true;
  packet.detect_mult = 3;
  packet.my_discriminator = Discriminator(11);
  packet.desired_min_tx_us = 1'000'000;
  packet.required_min_rx_us = 10'000;
  return packet;
}

ControlPacket authenticated() {
  ControlPacket packet = golden_packet();
  packet.auth = AuthSection{7, 0x01020304, {}};
  return packet;
}

PacketReject reject_of(ByteSpan datagram) {
  const auto packet = decode(datagram);
  return packet ? PacketReject::count : packet.error();
}

TEST(BfdPacket, GoldenBytes) {
  EXPECT_EQ(encode(golden_packet()), golden());
  const auto read = decode(golden());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, golden_packet());
}

TEST(BfdPacket, GoldenBytesWithAuthentication) {
  const Bytes out = encode(authenticated());
  ASSERT_EQ(out.size(), 52U);
  EXPECT_EQ(out[1], std::byte{0x6c});
  EXPECT_EQ(out[3], std::byte{52});
  EXPECT_EQ(Bytes(out.begin() + 24, out.begin() + 32), bytes({5, 28, 7, 0, 1, 2, 3, 4}));
  const auto read = decode(out);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, authenticated());
}

TEST(BfdPacket, EveryFlagAndFieldSurvives) {
  for (unsigned bits = 0; bits < 16; ++bits) {
    ControlPacket packet = golden_packet();
    packet.state = State::up;
    packet.your_discriminator = Discriminator(0xfffffffe);
    packet.poll = (bits & 1U) != 0;
    packet.final = (bits & 2U) != 0;
    packet.control_plane_independent = (bits & 4U) != 0;
    packet.demand = (bits & 8U) != 0;
    packet.detect_mult = static_cast<std::uint8_t>(255 - bits);
    packet.diag = static_cast<std::uint8_t>(16 + bits);
    packet.required_min_echo_rx_us = 0xffffffff - bits;
    const auto read = decode(encode(packet));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, packet);
  }
}

TEST(BfdPacket, EachDefectHasItsReason) {
  struct Row {
    std::size_t at;
    unsigned value;
    PacketReject reason;
  };
  const Row rows[] = {
      {0, 0x03, PacketReject::bad_version},
      {0, 0x43, PacketReject::bad_version},
      {3, 23, PacketReject::bad_length},
      {3, 0, PacketReject::bad_length},
      {3, 53, PacketReject::bad_length},
      {2, 0, PacketReject::zero_multiplier},
      {1, 0x6d, PacketReject::multipoint},
      {7, 0, PacketReject::zero_my_discriminator},
      {1, 0xac, PacketReject::zero_your_discriminator},
      {1, 0xec, PacketReject::zero_your_discriminator},
      {24, 4, PacketReject::auth_type},
      {24, 1, PacketReject::auth_type},
      {25, 27, PacketReject::auth_length},
      {3, 51, PacketReject::auth_length},
      {3, 26, PacketReject::auth_length},
      {3, 25, PacketReject::bad_length},
  };
  for (const Row& row : rows) {
    Bytes datagram = encode(authenticated());
    datagram[row.at] = static_cast<std::byte>(row.value);
    EXPECT_EQ(reject_of(datagram), row.reason) << row.at << " " << row.value;
  }
}

TEST(BfdPacket, EveryTruncationIsRefused) {
  const Bytes whole = encode(authenticated());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const PacketReject reason = reject_of(ByteSpan(whole).first(length));
    EXPECT_EQ(reason, length < 24 ? PacketReject::too_short : PacketReject::bad_length) << length;
  }
}

TEST(BfdPacket, BytesBeyondTheLengthAreNotRead) {
  Bytes datagram = golden();
  datagram.resize(60, std::byte{0xff});
  const auto read = decode(datagram);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, golden_packet());
}

// The digest was computed apart with another SHA-1 over the packet with "secret" and 14 zeros.
TEST(BfdPacket, DigestIsOverThePacketWithThePaddedSecret) {
  Bytes datagram = encode(authenticated());
  const Bytes input = digest_input(datagram, "secret");
  ASSERT_EQ(input.size(), 52U);
  EXPECT_EQ(Bytes(input.begin(), input.begin() + 32),
            Bytes(datagram.begin(), datagram.begin() + 32));
  EXPECT_EQ(as_text(ByteSpan(input).subspan(32, 6)), "secret");
  EXPECT_EQ(Bytes(input.begin() + 38, input.end()), Bytes(14));
  const Digest digest = platform::hmac::Sha1().digest(input);
  put_digest(datagram, digest);
  EXPECT_EQ(digest_input(datagram, "secret"), input);
  const auto read = decode(datagram);
  ASSERT_TRUE(read && read->auth);
  EXPECT_EQ(read->auth->digest, digest);
  EXPECT_EQ(to_bytes(digest), bytes({0xea, 0x60, 0xca, 0xb0, 0xe0, 0x87, 0x4b, 0x1d, 0xe8, 0xc0,
                                     0xb1, 0xc3, 0x7d, 0xaa, 0x85, 0x01, 0x26, 0x2e, 0xf0, 0x63}));
  EXPECT_TRUE(digest_input(golden(), "secret").empty());
}

TEST(BfdPacket, ReasonsHaveNames) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(PacketReject::count); ++i)
    EXPECT_STRNE(to_string(static_cast<PacketReject>(i)), "unknown");
  EXPECT_STREQ(to_string(PacketReject::count), "unknown");
}

}  // namespace
}  // namespace hotpair::ha::bfd
