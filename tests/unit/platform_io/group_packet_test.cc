#include <gtest/gtest.h>

#include "platform/io/group_socket.h"

namespace hotpair::platform::io {
namespace {

/// "46 c0 ..." to bytes.
Bytes hex(std::string_view text) {
  Bytes bytes;
  unsigned value = 0;
  int digits = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    value = value * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) {
      bytes.push_back(static_cast<std::byte>(value));
      value = 0;
    }
  }
  return bytes;
}

// IGMPv2 report of 239.1.1.1 by 10.0.0.2: ihl 6, TTL 1, router alert; type 0x16.
const Bytes kIgmpReport =
    hex("46c0 0020 0000 4000 0102 f91e 0a00 0002 ef01 0101 9404 0000"
        "1600 f9fc ef01 0101");
// MLDv1 report (131) of ff1e::1 by fe80::2, hop limit 1, hop-by-hop with router alert.
const Bytes kMldReport =
    hex("6000 0000 0020 0001 fe80 0000 0000 0000 0000 0000 0000 0002"
        "ff1e 0000 0000 0000 0000 0000 0000 0001 3a00 0502 0000 0100"
        "8300 7fea 0000 0000 ff1e 0000 0000 0000 0000 0000 0000 0001");

GroupReject reject(Family family, const Bytes& packet) {
  const auto parsed = parse_group_packet(family, packet);
  const auto* reason = std::get_if<GroupReject>(&parsed);
  return reason != nullptr ? *reason : GroupReject::count;
}

Bytes with(Bytes packet, std::size_t offset, std::uint8_t value) {
  packet.at(offset) = static_cast<std::byte>(value);
  return packet;
}

/// Sets the IPv4 header checksum right after a header field was changed.
Bytes summed(Bytes packet) {
  packet[10] = packet[11] = std::byte{0};
  std::uint32_t sum = 0;
  ByteReader reader(ByteSpan(packet).first((std::to_integer<std::size_t>(packet[0]) & 0xf) * 4));
  while (reader.remaining() > 0) sum += reader.u16();
  while ((sum >> 16U) != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  Bytes out = packet;
  ByteWriter(out).patch_u16(10, static_cast<std::uint16_t>(~sum));
  return out;
}

TEST(GroupPacketTest, ReadsIgmp) {
  const auto parsed = parse_group_packet(Family::ipv4, summed(kIgmpReport));
  ASSERT_TRUE(std::holds_alternative<GroupPacket>(parsed));
  const auto& packet = std::get<GroupPacket>(parsed);
  EXPECT_EQ(packet.source.to_string(), "10.0.0.2");
  EXPECT_EQ(packet.destination.to_string(), "239.1.1.1");
  EXPECT_EQ(packet.hop_limit, 1);
  EXPECT_TRUE(packet.router_alert);
  EXPECT_EQ(packet.message, hex("1600 f9fc ef01 0101"));
}

TEST(GroupPacketTest, EthernetPaddingIsCutOff) {
  Bytes padded = summed(kIgmpReport);
  padded.resize(60, std::byte{0x5a});
  const auto parsed = parse_group_packet(Family::ipv4, padded);
  ASSERT_TRUE(std::holds_alternative<GroupPacket>(parsed));
  EXPECT_EQ(std::get<GroupPacket>(parsed).message.size(), 8U);
}

TEST(GroupPacketTest, RefusesBadIgmpWithAReason) {
  const Bytes good = summed(kIgmpReport);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(reject(Family::ipv4, Bytes(good.begin(), good.begin() + static_cast<long>(size))),
              GroupReject::truncated)
        << size;
  EXPECT_EQ(reject(Family::ipv4, with(good, 0, 0x66)), GroupReject::bad_header) << "version";
  EXPECT_EQ(reject(Family::ipv4, with(good, 0, 0x44)), GroupReject::bad_header) << "ihl 4";
  EXPECT_EQ(reject(Family::ipv4, with(good, 8, 2)), GroupReject::bad_header) << "header checksum";
  EXPECT_EQ(reject(Family::ipv4, summed(with(good, 9, 17))), GroupReject::not_group);
  EXPECT_EQ(reject(Family::ipv4, summed(with(good, 6, 0x20))), GroupReject::fragment);
  EXPECT_EQ(reject(Family::ipv4, summed(with(good, 7, 1))), GroupReject::fragment);
  EXPECT_EQ(reject(Family::ipv4, summed(with(good, 21, 0))), GroupReject::bad_header) << "option";
  EXPECT_EQ(reject(Family::ipv4, summed(with(good, 21, 5))), GroupReject::bad_header) << "option";
  EXPECT_EQ(reject(Family::ipv4, with(good, 24, 0x17)), GroupReject::bad_checksum);
  EXPECT_EQ(reject(Family::ipv4, summed(with(good, 3, 24))), GroupReject::truncated)
      << "no message behind the header";
}

TEST(GroupPacketTest, RouterAlertIsAFactNotARule) {
  Bytes plain = summed(with(with(kIgmpReport, 20, 1), 21, 1));  // two NOPs, then end of list
  const auto parsed = parse_group_packet(Family::ipv4, plain);
  ASSERT_TRUE(std::holds_alternative<GroupPacket>(parsed));
  EXPECT_FALSE(std::get<GroupPacket>(parsed).router_alert);
}

TEST(GroupPacketTest, ReadsMld) {
  const auto parsed = parse_group_packet(Family::ipv6, kMldReport);
  ASSERT_TRUE(std::holds_alternative<GroupPacket>(parsed))
      << static_cast<int>(std::get<GroupReject>(parsed));
  const auto& packet = std::get<GroupPacket>(parsed);
  EXPECT_EQ(packet.source.to_string(), "fe80::2");
  EXPECT_EQ(packet.destination.to_string(), "ff1e::1");
  EXPECT_EQ(packet.hop_limit, 1);
  EXPECT_TRUE(packet.router_alert);
  EXPECT_EQ(packet.message.size(), 24U);
}

TEST(GroupPacketTest, RefusesBadMldWithAReason) {
  for (std::size_t size = 0; size < kMldReport.size(); ++size)
    EXPECT_EQ(reject(Family::ipv6,
                     Bytes(kMldReport.begin(), kMldReport.begin() + static_cast<long>(size))),
              GroupReject::truncated)
        << size;
  EXPECT_EQ(reject(Family::ipv6, with(kMldReport, 0, 0x40)), GroupReject::bad_header);
  EXPECT_EQ(reject(Family::ipv6, with(kMldReport, 6, 17)), GroupReject::not_group);
  EXPECT_EQ(reject(Family::ipv6, with(kMldReport, 6, 44)), GroupReject::fragment);
  EXPECT_EQ(reject(Family::ipv6, with(kMldReport, 40, 44)), GroupReject::fragment);
  EXPECT_EQ(reject(Family::ipv6, with(kMldReport, 40, 103)), GroupReject::not_group);
  EXPECT_EQ(reject(Family::ipv6, with(kMldReport, 41, 200)), GroupReject::truncated);
  EXPECT_EQ(reject(Family::ipv6, with(kMldReport, 43, 9)), GroupReject::bad_header);
  EXPECT_EQ(reject(Family::ipv6, with(kMldReport, 48, 128)), GroupReject::not_group) << "echo";
  EXPECT_EQ(reject(Family::ipv6, with(kMldReport, 48, 132)), GroupReject::bad_checksum);
}

TEST(GroupPacketTest, ExtraHeaderBytesNeverRead) {
  // A hop-by-hop header that ends exactly at the packet: no message at all.
  Bytes empty(kMldReport.begin(), kMldReport.begin() + 48);
  empty[5] = std::byte{8};
  EXPECT_EQ(reject(Family::ipv6, empty), GroupReject::truncated);
}

}  // namespace
}  // namespace hotpair::platform::io
