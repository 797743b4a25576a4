#include "platform/probe/probe_packet.h"

#include <gtest/gtest.h>

#include "platform/probe/pacer.h"

namespace hotpair::platform::probe {
namespace {

using std::chrono::milliseconds;

TimePoint at_ms(std::int64_t value) { return TimePoint(milliseconds(value)); }

Packet sample() {
  return Packet{.type = PacketType::data,
                .run = 0x0102030405060708,
                .group_index = 9,
                .interval_us = 20000,
                .sequence = 0x0a0b,
                .sent_at = TimePoint(Duration(0x1122334455))};
}

TEST(ProbePacket, GoldenBytes) {
  Bytes bytes;
  encode(sample(), packet_size_min, bytes);
  const unsigned char golden[] = {
      0x48, 0x50, 0x52, 0x42, 0x01, 0x01, 0x00, 0x00,  // magic, version, data
      0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,  // run
      0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x4e, 0x20,  // group index, interval
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0a, 0x0b,  // sequence
      0x00, 0x00, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,  // sent
  };
  ASSERT_EQ(bytes.size(), sizeof golden);
  EXPECT_EQ(std::memcmp(bytes.data(), golden, sizeof golden), 0);
}

TEST(ProbePacket, RoundTripWithPadding) {
  Bytes bytes;
  encode(sample(), 200, bytes);
  ASSERT_EQ(bytes.size(), 200U);
  const Result<Packet> back = decode(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->run, sample().run);
  EXPECT_EQ(back->group_index, 9U);
  EXPECT_EQ(back->interval_us, 20000U);
  EXPECT_EQ(back->sequence, 0x0a0bU);
  EXPECT_EQ(back->sent_at, sample().sent_at);
}

TEST(ProbePacket, EveryTruncationIsMalformed) {
  Bytes bytes;
  encode(sample(), packet_size_min, bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode(ByteSpan(bytes).first(size))) << size;
  }
}

TEST(ProbePacket, ForeignAndAbsurdAreMalformed) {
  Bytes bytes;
  encode(sample(), packet_size_min, bytes);
  for (const auto& [offset, value] :
       {std::pair{0, 0x49}, {4, 2}, {5, 0}, {5, 3}, {24, 0xff}, {32, 0xff}}) {
    Bytes broken = bytes;
    broken[static_cast<std::size_t>(offset)] = static_cast<std::byte>(value);
    EXPECT_FALSE(decode(broken)) << offset;
  }
}

TEST(Pacer, SpreadsGroupsEvenlyAndCatchesUp) {
  const Pacer pacer(at_ms(100), milliseconds(20), 4, 3);
  EXPECT_EQ(pacer.due(at_ms(99)), 0U);
  EXPECT_EQ(pacer.due(at_ms(100)), 1U);
  EXPECT_EQ(pacer.due(at_ms(105)), 2U);
  EXPECT_EQ(pacer.due(at_ms(120)), 5U);
  EXPECT_EQ(pacer.due_at(5), at_ms(125));
  EXPECT_EQ(pacer.due(at_ms(5000)), 12U) << "a pause skips nothing, the end holds";
  EXPECT_FALSE(pacer.done(11));
  EXPECT_TRUE(pacer.done(12));
}

TEST(Pacer, PacketIsDueAtItsTimeForOddNumbers) {
  for (const std::uint32_t groups : {1U, 3U, 7U, 200U, 201U}) {
    const Pacer pacer(at_ms(1), Duration(333333), groups, std::nullopt);
    for (std::uint64_t number = 0; number < 1000; ++number) {
      const TimePoint due_at = pacer.due_at(number);
      EXPECT_GT(pacer.due(due_at), number) << groups;
      EXPECT_LE(pacer.due(due_at - Duration(1)), number) << groups;
    }
  }
}

TEST(Pacer, FinishEndsWithAWholeRound) {
  Pacer endless(at_ms(0), milliseconds(20), 4, std::nullopt);
  endless.finish(9);
  EXPECT_EQ(endless.total(), 12U);
  Pacer bounded(at_ms(0), milliseconds(20), 4, 2);
  bounded.finish(9);
  EXPECT_EQ(bounded.total(), 8U);
}

}  // namespace
}  // namespace hotpair::platform::probe
