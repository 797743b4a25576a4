#include <gtest/gtest.h>

#include <algorithm>

#include "ha/etrunk/etrunk_packet.h"

namespace hotpair::ha::etrunk {
namespace {

Hello sample() {
  Hello hello;
  hello.etrunk = EtrunkId(0x0102);
  hello.path = PathId(1);
  hello.node = NodeId(0x1111111111111111);
  hello.session = 0x2222222222222222;
  hello.counter = 0x33;
  hello.echo = 0x4444444444444444;
  hello.echo_counter = 0x55;
  hello.interval_ms = 20;
  hello.multiplier = 5;
  hello.rank = 120;
  hello.order = PriorityOrder::smaller;
  hello.system_id = MacAddress{{0x00, 0xe0, 0xfc, 0x12, 0x34, 0x55}};
  hello.source = IpAddress::v4(0x0a000001);
  hello.control = ControlState::restarting;
  hello.paths_up = 3;
  hello.scopes.push_back({ScopeId(10), Role::master, {7, NodeId(0x1111111111111111)}, false, true,
                          false, true});
  return hello;
}

Bytes datagram(const Hello& hello) {
  Bytes bytes = encode_hello(hello);
  bytes.insert(bytes.end(), kHelloMacLength, std::byte{0xaa});
  return bytes;
}

HelloReject reject_of(ByteSpan bytes) {
  const auto hello = decode_hello(bytes);
  return hello ? HelloReject::count : hello.error();
}

void put16(Bytes& bytes, std::size_t at, unsigned value) {
  bytes[at] = static_cast<std::byte>(value >> 8U);
  bytes[at + 1] = static_cast<std::byte>(value & 0xffU);
}

// Appends a TLV to an encoded datagram and corrects count and length.
Bytes with_tlv(Bytes bytes, unsigned type, unsigned length, std::size_t real) {
  const Bytes mac(bytes.end() - 32, bytes.end());
  bytes.erase(bytes.end() - 32, bytes.end());
  const unsigned count =
      std::to_integer<unsigned>(bytes[74]) << 8U | std::to_integer<unsigned>(bytes[75]);
  put16(bytes, 74, count + 1);
  bytes.insert(bytes.end(), 4 + real, std::byte{1});
  put16(bytes, bytes.size() - real - 4, type);
  put16(bytes, bytes.size() - real - 2, length);
  put16(bytes, 6, static_cast<unsigned>(bytes.size()));
  bytes.insert(bytes.end(), mac.begin(), mac.end());
  return bytes;
}

TEST(HelloPacket, GoldenBytes) {
  const unsigned char golden[] = {
      'H',  'P',  'E',  'T',  0x01, 0x01, 0x00, 0x70,  // magic, version 1, hello, 112 signed bytes
      0x01, 0x02, 0x01, 0x01, 0x00, 0x00, 0x00, 0x14,  // e-trunk, path 1, restarting, 20 ms
      0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,  // node
      0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22,  // session
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x33,  // counter
      0x44, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44, 0x44,  // echo
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x55,  // echo counter
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,  // paths 0 and 1 up
      0x00, 0x05, 0x78, 0x01, 0x00, 0xe0, 0xfc, 0x12,  // multiplier 5, rank 120, smaller, system id
      0x34, 0x55, 0x00, 0x02,                          // ... system id, 2 TLVs
      0x00, 0x01, 0x00, 0x04, 0x0a, 0x00, 0x00, 0x01,  // source 10.0.0.1
      0x00, 0x02, 0x00, 0x18,                          // scope, 24 bytes
      0x00, 0x00, 0x00, 0x0a, 0x02, 0x0a, 0x00, 0x00,  // scope 10, master, access up | offering
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07,  // term 7
      0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,  // of this node
  };
  const Bytes encoded = encode_hello(sample());
  ASSERT_EQ(encoded.size(), sizeof golden);
  for (std::size_t i = 0; i < encoded.size(); ++i)
    EXPECT_EQ(std::to_integer<unsigned>(encoded[i]), golden[i]) << "offset " << i;
}

TEST(HelloPacket, RoundTrip) {
  for (const bool v6 : {false, true}) {
    Hello hello = sample();
    if (v6) hello.source = *IpAddress::parse("2001:db8::1");
    for (std::uint32_t i = 0; i < 31; ++i)
      hello.scopes.push_back({ScopeId(100 + i), Role::backup, {i, NodeId(i)}, (i & 1U) != 0,
                              (i & 2U) != 0, (i & 4U) != 0, (i & 8U) != 0, (i & 16U) != 0,
                              static_cast<std::uint16_t>(i * 2001)});
    const Bytes bytes = datagram(hello);
    EXPECT_LE(bytes.size(), kHelloLengthMax);
    const auto decoded = decode_hello(bytes);
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, hello);
  }
}

TEST(HelloPacket, MoreScopesThanFitAreCutOff) {
  Hello hello = sample();
  hello.scopes.resize(40, hello.scopes[0]);
  const auto decoded = decode_hello(datagram(hello));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->scopes.size(), kScopesPerHelloMax);
}

TEST(HelloPacket, PartsOfTheDatagram) {
  const Bytes bytes = datagram(sample());
  EXPECT_EQ(signed_part(bytes).size() + mac_part(bytes).size(), bytes.size());
  EXPECT_EQ(mac_part(bytes)[0], std::byte{0xaa});
  EXPECT_TRUE(mac_part(ByteSpan(bytes).first(31)).empty());
  EXPECT_TRUE(signed_part(ByteSpan(bytes).first(31)).empty());
}

TEST(HelloPacket, EveryTruncationIsRefused) {
  const Bytes bytes = datagram(sample());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_hello(ByteSpan(bytes).first(length)).has_value()) << length;
}

TEST(HelloPacket, UnknownAndLongerTlvsAreRead) {
  const Hello hello = sample();
  EXPECT_EQ(*decode_hello(with_tlv(datagram(hello), 999, 7, 7)), hello);
  Hello more = *decode_hello(with_tlv(datagram(hello), 2, 30, 30));
  EXPECT_EQ(more.scopes.size(), 2U);
}

// Left out when there is nothing to say, so an earlier version reads everything else.
TEST(HelloPacket, WhatDetectorsSay) {
  const Bytes plain = datagram(sample());
  Hello hello = sample();
  hello.fast = true;
  const auto offered = decode_hello(datagram(hello));
  ASSERT_TRUE(offered.has_value());
  EXPECT_EQ(*offered, hello);
  EXPECT_EQ(offered->patience(), hello.timeout());
  hello.detect_us = 60'000;
  const Bytes bytes = datagram(hello);
  ASSERT_EQ(bytes.size(), plain.size() + 12);
  const unsigned char golden[] = {0x00, 0x03, 0x00, 0x08, 0x00, 0x00,
                                  0xea, 0x60, 0x01, 0x00, 0x00, 0x00};  // type, length, us, fast
  for (std::size_t i = 0; i < sizeof golden; ++i)
    EXPECT_EQ(std::to_integer<unsigned>(bytes[bytes.size() - kHelloMacLength - 12 + i]), golden[i]);
  EXPECT_EQ(decode_hello(bytes)->patience(), std::chrono::milliseconds(60));
  hello.detect_us = UINT32_MAX;
  EXPECT_EQ(decode_hello(datagram(hello))->patience(), hello.timeout());
  EXPECT_EQ(reject_of(with_tlv(plain, 3, 7, 7)), HelloReject::bad_tlv);
}

struct Boundary {
  std::size_t offset;
  unsigned value;
  bool wide;
  HelloReject expected;  // count: accepted
};

TEST(HelloPacket, BoundaryTable) {
  const Boundary table[] = {
      {0, 'X', false, HelloReject::bad_magic},     {4, 0, false, HelloReject::bad_version},
      {4, 2, false, HelloReject::bad_version},     {5, 0, false, HelloReject::bad_type},
      {5, 2, false, HelloReject::bad_type},        {6, 111, true, HelloReject::bad_length},
      {6, 113, true, HelloReject::bad_length},     {10, 7, false, HelloReject::count},
      {10, 8, false, HelloReject::bad_path},       {11, 3, false, HelloReject::count},
      {11, 4, false, HelloReject::bad_control},    {14, 19, true, HelloReject::bad_timer},
      {14, 20, true, HelloReject::count},          {14, 10'000, true, HelloReject::count},
      {14, 10'001, true, HelloReject::bad_timer},  {12, 1, true, HelloReject::bad_timer},
      {64, 2, true, HelloReject::bad_timer},       {64, 3, true, HelloReject::count},
      {64, 300, true, HelloReject::count},         {64, 301, true, HelloReject::bad_timer},
      {67, 1, false, HelloReject::count},          {67, 2, false, HelloReject::bad_order},
      {74, 0, true, HelloReject::count},           {74, 3, true, HelloReject::bad_tlv},
      {74, 0xffff, true, HelloReject::bad_tlv},    {78, 3, true, HelloReject::bad_tlv},
      {78, 0xffff, true, HelloReject::bad_tlv},    {86, 23, true, HelloReject::bad_tlv},
      {92, 2, false, HelloReject::count},          {92, 3, false, HelloReject::bad_scope},
  };
  for (const Boundary& row : table) {
    Bytes bytes = datagram(sample());
    if (row.wide)
      put16(bytes, row.offset, row.value);
    else
      bytes[row.offset] = static_cast<std::byte>(row.value);
    EXPECT_EQ(reject_of(bytes), row.expected) << "offset " << row.offset << " value " << row.value;
  }
}

TEST(HelloPacket, TooManyScopesAndTooLong) {
  Hello hello = sample();
  hello.scopes.resize(32, hello.scopes[0]);
  EXPECT_EQ(reject_of(with_tlv(datagram(hello), 2, 24, 24)), HelloReject::too_many_scopes);
  EXPECT_EQ(reject_of(with_tlv(datagram(hello), 9, 400, 400)), HelloReject::too_long);
  EXPECT_EQ(reject_of(with_tlv(datagram(sample()), 1, 5, 5)), HelloReject::bad_tlv);
}

TEST(HelloPacket, EveryReasonHasItsOwnName) {
  std::vector<std::string> names;
  for (int i = 0; i < static_cast<int>(HelloReject::count); ++i)
    names.emplace_back(to_string(static_cast<HelloReject>(i)));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
  EXPECT_STREQ(to_string(HelloReject::count), "unknown");
}

}  // namespace
}  // namespace hotpair::ha::etrunk
