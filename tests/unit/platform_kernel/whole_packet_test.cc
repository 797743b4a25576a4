#include "platform/kernel/whole_packet.h"

#include <gtest/gtest.h>

#include "mcast/wire/checksum.h"
#include "tests/unit/platform_kernel/lab.h"

// What finish_checksum() mends and what it leaves.
namespace hotpair::platform::kernel {
namespace {

constexpr std::size_t kEthernet = 14;

struct Sample {
  IpAddress source;
  IpAddress group;
  std::size_t udp;  ///< where the datagram begins
};
Sample ipv4() {
  return {IpAddress::parse("10.0.0.2").value(), IpAddress::parse("239.1.1.1").value(), 20};
}
Sample ipv6() {
  return {IpAddress::parse("fd00::2").value(), IpAddress::parse("ff1e::1").value(), 40};
}

/// With an unfinished checksum, as a virtual interface leaves it.
Bytes unfinished(const Sample& sample, std::string_view payload) {
  const Bytes frame = lab::udp_frame(sample.source, sample.group, payload);
  Bytes packet(frame.begin() + kEthernet, frame.end());
  const auto sum = static_cast<std::uint16_t>(
      ~mcast::wire::pseudo_checksum(sample.source, sample.group, 17, {}, 8 + payload.size()));
  ByteWriter(packet).patch_u16(sample.udp + 6, sum);
  return packet;
}
std::uint16_t residue(const Sample& sample, const Bytes& packet) {
  return mcast::wire::pseudo_checksum(sample.source, sample.group, 17,
                                      ByteSpan(packet).subspan(sample.udp));
}

TEST(WholePacketChecksum, IsFinishedOnce) {
  for (const Sample& sample : {ipv4(), ipv6()}) {
    for (const std::string_view payload : {"", "o", "even", "of odd length"}) {
      Bytes packet = unfinished(sample, payload);
      EXPECT_NE(residue(sample, packet), 0);
      finish_checksum(packet);
      EXPECT_EQ(residue(sample, packet), 0);
      const Bytes finished = packet;
      finish_checksum(packet);
      EXPECT_EQ(packet, finished);
    }
  }
}

TEST(WholePacketChecksum, OfZeroIsSentAsAllOnes) {
  const Sample sample = ipv6();
  Bytes packet = unfinished(sample, "00");
  finish_checksum(packet);
  ByteReader first(ByteSpan(packet).subspan(sample.udp + 6));
  const std::uint16_t checksum = first.u16();
  // With its own checksum added to the payload the sum is all ones, its complement zero.
  packet = unfinished(sample, "00");
  const auto digits = static_cast<std::uint32_t>(0x3030) + checksum;
  ByteWriter(packet).patch_u16(sample.udp + 8,
                               static_cast<std::uint16_t>((digits & 0xffff) + (digits >> 16)));
  finish_checksum(packet);
  ByteReader second(ByteSpan(packet).subspan(sample.udp + 6));
  EXPECT_EQ(second.u16(), 0xffff);
}

TEST(WholePacketChecksum, OtherPacketsStayAsTheyAre) {
  const auto stays = [](Bytes packet) {
    const Bytes before = packet;
    finish_checksum(packet);
    EXPECT_EQ(packet, before);
  };
  for (const Sample& sample : {ipv4(), ipv6()}) {
    const Bytes good = unfinished(sample, "payload");
    Bytes wrong = good;
    wrong[sample.udp + 7] ^= std::byte{1};
    stays(wrong);
    Bytes none = good;
    ByteWriter(none).patch_u16(sample.udp + 6, 0);
    stays(none);
    Bytes other = good;
    other[sample.udp == 20 ? 9 : 6] = std::byte{6};
    stays(other);
    for (const unsigned length : {0U, 7U, 16U, 65535U}) {
      Bytes bent = good;
      ByteWriter(bent).patch_u16(sample.udp + 4, static_cast<std::uint16_t>(length));
      stays(bent);
    }
    for (std::size_t size = 0; size < good.size(); ++size)
      stays(to_bytes(ByteSpan(good).first(size)));
  }
  Bytes fragment = unfinished(ipv4(), "payload");
  fragment[6] = std::byte{0x20};
  stays(fragment);
  Bytes later = unfinished(ipv4(), "payload");
  later[7] = std::byte{1};
  stays(later);
  Bytes short_header = unfinished(ipv4(), "payload");
  short_header[0] = std::byte{0x44};
  stays(short_header);
}

}  // namespace
}  // namespace hotpair::platform::kernel
