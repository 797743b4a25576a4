#include "platform/hmac/hmac.h"

#include <gtest/gtest.h>

#include <string>

namespace hotpair::platform::hmac {
namespace {

std::string hex(ByteSpan bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    text += "0123456789abcdef"[value >> 4U];
    text += "0123456789abcdef"[value & 15U];
  }
  return text;
}

TEST(Hmac, Rfc4231Vectors) {
  const Bytes key1(20, std::byte{0x0b});
  EXPECT_EQ(hex(HmacSha256(key1).sign(as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(HmacSha256(as_bytes("Jefe")).sign(as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const Bytes key6(131, std::byte{0xaa});
  EXPECT_EQ(hex(HmacSha256(key6).sign(
                as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, AKeyIsPreparedOnceAndUsedOften) {
  HmacSha256 mac(as_bytes("Jefe"));
  const Tag first = mac.sign(as_bytes("one"));
  EXPECT_NE(mac.sign(as_bytes("two")), first);
  EXPECT_EQ(mac.sign(as_bytes("one")), first);
  const HmacSha256 moved = std::move(mac);
  EXPECT_EQ(moved.sign(as_bytes("one")), first);
}

TEST(Hmac, EmptyKeyAndMessage) {
  EXPECT_EQ(hex(HmacSha256({}).sign({})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hmac, VerifyRefusesChangedShortAndLongTags) {
  const HmacSha256 mac(as_bytes("key"));
  Tag tag = mac.sign(as_bytes("hello"));
  EXPECT_TRUE(mac.verify(as_bytes("hello"), tag));
  EXPECT_FALSE(mac.verify(as_bytes("hellp"), tag));
  EXPECT_FALSE(mac.verify(as_bytes("hello"), ByteSpan(tag).first(31)));
  EXPECT_FALSE(mac.verify(as_bytes("hello"), {}));
  for (std::size_t i = 0; i < tag.size(); ++i) {
    tag[i] ^= std::byte{1};
    EXPECT_FALSE(mac.verify(as_bytes("hello"), tag)) << i;
    tag[i] ^= std::byte{1};
  }
}

// FIPS 180-4, examples of NIST.
TEST(Sha1, Vectors) {
  const Sha1 sha1;
  EXPECT_EQ(hex(sha1.digest(as_bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha1.digest({})), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex(sha1.digest(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

TEST(Hmac, WipeLeavesZeros) {
  Bytes secret = to_bytes(as_bytes("secret"));
  wipe(secret);
  EXPECT_EQ(secret, Bytes(6));
  wipe({});
}

}  // namespace
}  // namespace hotpair::platform::hmac
