#include "mcast/wire/float_code.h"

#include <gtest/gtest.h>

namespace hotpair::mcast::wire {
namespace {

struct Point {
  std::uint32_t code;
  std::uint32_t value;
};

// RFC 3376 4.1.1: (mant | 0x10) << (exp + 3)
TEST(Code8, Boundaries) {
  const Point points[] = {{0, 0},        {1, 1},        {127, 127},    {128, 128},   {129, 136},
                          {143, 248},    {144, 256},    {145, 272},    {159, 496},   {160, 512},
                          {175, 992},    {176, 1024},   {192, 2048},   {208, 4096},  {224, 8192},
                          {239, 15872},  {240, 16384},  {241, 17408},  {254, 30720}, {255, 31744}};
  for (const auto& [code, value] : points) {
    EXPECT_EQ(decode_code8(static_cast<std::uint8_t>(code)), value) << code;
    EXPECT_EQ(encode_code8(value), code) << value;
  }
}

TEST(Code8, RoundsDownAndSaturates) {
  EXPECT_EQ(encode_code8(135), 128);
  EXPECT_EQ(encode_code8(255), 143);
  EXPECT_EQ(encode_code8(31743), 254);
  EXPECT_EQ(encode_code8(31745), 255);
  EXPECT_EQ(encode_code8(~0ULL), 255);
}

TEST(Code8, EveryCodeRoundTripsAndRises) {
  std::uint32_t last = 0;
  for (unsigned code = 0; code < 256; ++code) {
    const std::uint32_t value = decode_code8(static_cast<std::uint8_t>(code));
    EXPECT_EQ(encode_code8(value), code);
    if (code > 0) {
      EXPECT_GT(value, last);
      EXPECT_EQ(encode_code8(value - 1), code - 1);
    }
    last = value;
  }
}

// RFC 3810 5.1.3: (mant | 0x1000) << (exp + 3)
TEST(Code16, Boundaries) {
  const Point points[] = {{0, 0},           {32767, 32767},   {0x8000, 32768},   {0x8001, 32776},
                          {0x8fff, 65528},  {0x9000, 65536},  {0x9001, 65552},   {0xa000, 131072},
                          {0xf000, 4194304}, {0xfffe, 8386560}, {0xffff, 8387584}};
  for (const auto& [code, value] : points) {
    EXPECT_EQ(decode_code16(static_cast<std::uint16_t>(code)), value) << code;
    EXPECT_EQ(encode_code16(value), code) << value;
  }
  EXPECT_EQ(encode_code16(32775), 0x8000);
  EXPECT_EQ(encode_code16(~0ULL), 0xffff);
}

TEST(Code16, EveryCodeRoundTripsAndRises) {
  std::uint32_t last = 0;
  for (unsigned code = 0; code < 65536; ++code) {
    const std::uint32_t value = decode_code16(static_cast<std::uint16_t>(code));
    ASSERT_EQ(encode_code16(value), code);
    ASSERT_TRUE(code == 0 || value > last);
    last = value;
  }
}

}  // namespace
}  // namespace hotpair::mcast::wire
