#include <gtest/gtest.h>

#include "ha/lacp/lacp_packet.h"
#include "ha/lacp/lacp_show.h"

namespace hotpair::ha::lacp {
namespace {

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  std::string digits;
  for (const char c : hex) {
    if (c == ' ') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  bytes.resize(std::max(bytes.size(), kPduLength));
  return bytes;
}

// DeviceA of seed 003 in the state that it displays, as a dissector reads it:
//   subtype 1, version 1
//   actor   TLV 1, 20: system priority 32768, 00:e0:fc:12:34:55, key 305, port priority 32768,
//           port 1, state 0x3d (active, slow, aggregatable, in sync, collecting, distributing)
//   partner TLV 2, 20: 32768, 00:e0:fc:12:34:60, key 305, port priority 32768, port 2, state 0x3f
//   collector TLV 3, 16: max delay 0; terminator
constexpr std::string_view kSeed003 =
    "01 01"
    "01 14 8000 00e0fc123455 0131 8000 0001 3d 000000"
    "02 14 8000 00e0fc123460 0131 8000 0002 3f 000000"
    "03 10 0000 000000000000000000000000"
    "00 00";

TEST(LacpPacket, GoldenBytes) {
  const auto read = decode_pdu(from_hex(kSeed003));
  ASSERT_TRUE(read.has_value());
  const auto& pdu = std::get<Lacpdu>(*read);
  EXPECT_EQ(pdu.actor,
            (PortInfo{32768, MacAddress{{0, 0xe0, 0xfc, 0x12, 0x34, 0x55}}, 305, 32768, 1, 0x3d}));
  EXPECT_EQ(pdu.partner,
            (PortInfo{32768, MacAddress{{0, 0xe0, 0xfc, 0x12, 0x34, 0x60}}, 305, 32768, 2, 0x3f}));
  EXPECT_EQ(state_digits(pdu.actor.state), "10111100");
  EXPECT_EQ(encode_pdu(pdu), from_hex(kSeed003));
  EXPECT_EQ(encode_pdu(pdu).size(), 110U);
}

TEST(LacpPacket, MarkerGoldenBytes) {
  const Bytes bytes = from_hex("02 01 01 10 0007 00e0fc123460 0000002a 0000 0000");
  const auto read = decode_pdu(bytes);
  ASSERT_TRUE(read.has_value());
  Marker marker = std::get<Marker>(*read);
  EXPECT_FALSE(marker.response);
  EXPECT_EQ(marker.requester_port, 7);
  EXPECT_EQ(marker.transaction, 42U);
  EXPECT_EQ(encode_pdu(marker), bytes);
  marker.response = true;
  EXPECT_EQ(encode_pdu(marker), from_hex("02 01 02 10 0007 00e0fc123460 0000002a 0000 0000"));
}

// 6.4.2.3: a later version is read by what version 1 knows; TLVs behind those are ignored.
TEST(LacpPacket, LaterVersionIsReadAsVersion1) {
  Bytes bytes = from_hex(kSeed003);
  bytes[1] = std::byte{2};
  for (std::size_t i = 58; i < bytes.size(); ++i) bytes[i] = std::byte{0xa5};
  bytes.resize(180, std::byte{0x5a});
  const auto read = decode_pdu(bytes);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(std::get<Lacpdu>(*read).version, 2);
  EXPECT_EQ(std::get<Lacpdu>(*read).actor.port, 1);
}

struct Bad {
  const char* name;
  std::size_t offset;
  std::uint8_t value;
  PduReject reason;
};
TEST(LacpPacket, Rejects) {
  const Bad rows[] = {
      {"version 0", 1, 0, PduReject::bad_version},
      {"OAM", 0, 3, PduReject::other_subtype},
      {"subtype 0", 0, 0, PduReject::other_subtype},
      {"actor type", 2, 2, PduReject::bad_tlv},
      {"actor length", 3, 19, PduReject::bad_tlv},
      {"partner type", 22, 1, PduReject::bad_tlv},
      {"partner length", 23, 21, PduReject::bad_tlv},
      {"collector type", 42, 0, PduReject::bad_tlv},
      {"collector length", 43, 255, PduReject::bad_tlv},
  };
  for (const Bad& row : rows) {
    Bytes bytes = from_hex(kSeed003);
    bytes[row.offset] = static_cast<std::byte>(row.value);
    const auto read = decode_pdu(bytes);
    ASSERT_FALSE(read.has_value()) << row.name;
    EXPECT_EQ(read.error(), row.reason) << row.name;
  }
}

TEST(LacpPacket, LengthBounds) {
  const Bytes whole = from_hex(kSeed003);
  for (std::size_t length = 0; length < kPduLength; ++length)
    EXPECT_EQ(decode_pdu(ByteSpan(whole).first(length)).error(), PduReject::too_short);
  Bytes longest = whole;
  longest.resize(kPduLengthMax);
  EXPECT_TRUE(decode_pdu(longest).has_value());
  longest.resize(kPduLengthMax + 1);
  EXPECT_EQ(decode_pdu(longest).error(), PduReject::too_long);
  Bytes marker = from_hex("02 01 03 10");
  EXPECT_EQ(decode_pdu(marker).error(), PduReject::bad_tlv);
  marker = from_hex("02 01 01 0f");
  EXPECT_EQ(decode_pdu(marker).error(), PduReject::bad_tlv);
}

TEST(LacpPacket, EveryFieldSurvives) {
  for (std::uint32_t value : {0U, 1U, 0x7fffU, 0x8000U, 0xffffU}) {
    const auto half = static_cast<std::uint16_t>(value);
    PortInfo info{half, MacAddress{{1, 2, 3, 4, 5, static_cast<std::uint8_t>(value)}},
                  half, half,
                  half, static_cast<std::uint8_t>(value)};
    const Lacpdu pdu{1, info, info, half};
    EXPECT_EQ(std::get<Lacpdu>(*decode_pdu(encode_pdu(pdu))), pdu);
  }
}

TEST(LacpPacket, StateDigitsReadLowBitFirst) {
  EXPECT_EQ(state_digits(kStateActivity), "10000000");
  EXPECT_EQ(state_digits(kStateActivity | kStateAggregation), "10100000");
  EXPECT_EQ(state_digits(kStateDefaulted), "00000010");
  EXPECT_EQ(state_digits(kStateExpired), "00000001");
}

}  // namespace
}  // namespace hotpair::ha::lacp
