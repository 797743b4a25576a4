#include "platform/base/bytes.h"

#include <gtest/gtest.h>

#include "platform/base/effect_queue.h"

namespace hotpair {
namespace {

TEST(ByteReader, ReadsNetworkOrderAndStopsAtTheEnd) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0fULL);
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.u64(), 0x08090a0b0c0d0e0fULL);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.u16(), 0);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, AFailedTakeSpoilsTheRest) {
  const Bytes bytes(3);
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.take(4).empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ByteWriter, PatchesALength) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.zeros(2);
  writer.u8(9);
  writer.patch_u16(0, 0x1234);
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u16(), 0x1234);
}

TEST(EffectQueue, KeepsOrder) {
  EffectQueue<int> queue;
  queue.push(1);
  queue.push(2);
  EXPECT_EQ(queue.poll(), 1);
  EXPECT_EQ(queue.poll(), 2);
  EXPECT_EQ(queue.poll(), std::nullopt);
}

TEST(EffectQueueDeathTest, OverflowIsABrokenInvariant) {
  EffectQueue<int> queue(1);
  queue.push(1);
  EXPECT_DEATH(queue.push(2), "HA-BASE-0001");
}

}  // namespace
}  // namespace hotpair
