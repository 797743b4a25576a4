#include <gtest/gtest.h>

#include "tests/unit/mcast_wire_pim/pim_packets.h"

namespace hotpair::mcast::wire {
namespace {

using testing::golden;
using testing::ip;
using testing::parse_packet;
using testing::parse_text;

/// Changes one byte of hello-v4; the answer names the reason.
struct Fault {
  const char* name;
  std::size_t offset;
  std::uint8_t value;
  PimReject reason;
};

class PimHeaderFault : public ::testing::TestWithParam<Fault> {};
INSTANTIATE_TEST_SUITE_P(
    Wire, PimHeaderFault,
    ::testing::Values(Fault{"IpVersion6", 0, 0x65, PimReject::bad_ip_version},
                      Fault{"Ihl4", 0, 0x44, PimReject::bad_header_length},
                      Fault{"Ihl15InTheMessage", 0, 0x4f, PimReject::bad_version},
                      Fault{"TotalBelowHeader", 3, 19, PimReject::bad_total_length},
                      Fault{"TotalIsHeader", 3, 20, PimReject::truncated},
                      Fault{"TotalCutsMessage", 3, 40, PimReject::bad_checksum},
                      Fault{"TotalHuge", 2, 0xff, PimReject::bad_total_length},
                      Fault{"MoreFragments", 6, 0x20, PimReject::fragment},
                      Fault{"FragmentOffset", 7, 1, PimReject::fragment},
                      Fault{"Udp", 9, 17, PimReject::not_pim},
                      Fault{"MulticastSource", 12, 0xe0, PimReject::bad_source},
                      Fault{"LoopbackSource", 12, 127, PimReject::bad_source},
                      Fault{"PimVersion1", 20, 0x10, PimReject::bad_version},
                      Fault{"PimVersion3", 20, 0x30, PimReject::bad_version},
                      Fault{"Checksum", 22, 0xff, PimReject::bad_checksum}),
    [](const auto& param) { return param.param.name; });

TEST_P(PimHeaderFault, IsRefused) {
  Bytes packet = golden("hello-v4");
  packet[GetParam().offset] = std::byte{GetParam().value};
  const auto parsed = parse_pim_ipv4(packet);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), GetParam().reason) << to_string(parsed.error());
}

TEST(PimHeader, HeaderBeyondThePacket) {
  Bytes packet = golden("register-stop-v4");
  packet[0] = std::byte{0x4f};
  const auto parsed = parse_pim_ipv4(packet);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), PimReject::bad_header_length);
}

// Destination and TTL are reported: any value passes here and the engine judges.
TEST(PimHeader, TtlAndDestinationAreReported) {
  Bytes packet = golden("hello-v4");
  packet[8] = std::byte{200};
  packet[19] = std::byte{14};
  const auto parsed = parse_packet(packet);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->ttl, 200);
  EXPECT_EQ(parsed->destination, ip("224.0.0.14"));
}

TEST(PimHeader, BytesBehindTheEndAreIgnored) {
  Bytes padded = golden("hello-v4");
  padded.resize(padded.size() + 6);  // Ethernet padding behind the IP total length
  EXPECT_TRUE(parse_packet(padded));
  EXPECT_TRUE(parse_text("22 00 0000 0100 0020 e1010203 0100 0a010005 ffff"));
  EXPECT_TRUE(parse_text("23 00 0000 0100 0a000002 00 00 00d2 ffff"));
  EXPECT_TRUE(parse_text("28 00 0000 00 00 0096 0100 0a090909 ff"));
}

TEST(PimHeader, FamiliesMustAgree) {
  const Bytes pim = testing::bytes_of("20 00 dfff");
  const auto mixed = parse_pim(pim, {ip("10.0.0.1"), ip("ff02::d"), 1});
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error(), PimReject::bad_source);
  for (const char* source : {"::", "::1", "ff02::1"}) {
    const auto parsed = parse_pim(pim, {ip(source), ip("ff02::d"), 1});
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error(), PimReject::bad_source) << source;
  }
}

// An IPv6 checksum without the pseudo header is wrong.
TEST(PimHeader, PseudoHeaderCounts) {
  const auto parsed = parse_pim(testing::bytes_of("20 00 dfff"), {ip("fe80::1"), ip("ff02::d"), 1});
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), PimReject::bad_checksum);
}

struct Case {
  const char* text;
  PimReject reason;
};

void expect_rejects(std::initializer_list<Case> cases, Family family = Family::ipv4) {
  for (const Case& each : cases) {
    const auto parsed = parse_text(each.text, family);
    ASSERT_FALSE(parsed) << each.text;
    EXPECT_EQ(parsed.error(), each.reason) << each.text << ": " << to_string(parsed.error());
  }
}

TEST(PimTypes, KnownAndUnknown) {
  expect_rejects({{"20 00", PimReject::truncated},
                  {"26 00 0000 0100 0a000002 00 00 00d2", PimReject::dense_mode},
                  {"27 00 0000", PimReject::dense_mode},
                  {"29 00 0000", PimReject::dense_mode},
                  {"2b 00 0000", PimReject::unknown_type},
                  {"2c 00 0000", PimReject::unknown_type},
                  {"2f 00 0000", PimReject::unknown_type}});
}

TEST(PimHello, Lengths) {
  expect_rejects({{"20 00 0000 00", PimReject::truncated},
                  {"20 00 0000 0001 00", PimReject::truncated},
                  {"20 00 0000 0001 0002 69", PimReject::truncated},
                  {"20 00 0000 0001 0001 69", PimReject::hello_option_length},
                  {"20 00 0000 0001 0004 00000069", PimReject::hello_option_length},
                  {"20 00 0000 0001 ffff 0069", PimReject::truncated},
                  {"20 00 0000 0002 0002 01f4", PimReject::hello_option_length},
                  {"20 00 0000 0013 0002 0001", PimReject::hello_option_length},
                  {"20 00 0000 0014 0008 0000000100000002", PimReject::hello_option_length},
                  {"20 00 0000 0015 0002 013c", PimReject::hello_option_length},
                  {"20 00 0000 0016 0002 0000", PimReject::hello_option_length},
                  {"20 00 0000 0018 0005 0100 0a0001", PimReject::hello_option_length},
                  {"20 00 0000 0018 0007 0100 0a000101 01", PimReject::hello_option_length},
                  {"20 00 0000 0018 0006 0300 0a000101", PimReject::address_family},
                  {"20 00 0000 0018 0006 0200 0a000101", PimReject::hello_option_length},
                  {"20 00 0000 fde9 0006 0101 0a000101", PimReject::address_encoding}});
  expect_rejects({{"20 00 0000 0018 0006 0300 0a000101", PimReject::hello_option_length},
                  {"20 00 0000 0018 0007 0100 0a000101 02", PimReject::hello_option_length}},
                 Family::ipv6);
}

TEST(PimHello, LastOfDuplicatesCountsAndUnknownOnesAreCounted) {
  const auto parsed = parse_text(R"(20 00 0000
      0001 0002 0069    0001 0002 000f
      0003 0000         ffff 0003 010203      # unknown
      0018 0006 0100 0a000101
      fde9 0006 0100 0a000201                 # the old number of the address list
      0018 0000)");
  ASSERT_TRUE(parsed);
  const auto& hello = std::get<PimHello>(parsed->message);
  EXPECT_EQ(hello.holdtime_s, 15);
  EXPECT_EQ(hello.unknown_options, 2);
  ASSERT_TRUE(hello.addresses);
  EXPECT_TRUE(hello.addresses->empty());
  EXPECT_FALSE(hello.dr_priority);
  EXPECT_FALSE(hello.bidirectional);
  const auto old = parse_text("20 00 0000 fde9 0006 0100 0a000201");
  ASSERT_TRUE(old);
  EXPECT_EQ(std::get<PimHello>(old->message).addresses, std::vector{ip("10.0.2.1")});
  const auto none = parse_text("20 00 0000");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->message, PimMessage{PimHello{}});
}

// FRR's pimd sends two lists, the second with a link-local address of IPv6.
TEST(PimHello, AddressesOfTheOtherFamilyAreCounted) {
  const std::string list4 = " 0018 0006 0100 0a000101";
  const std::string list6 = " 0018 0012 0200 fe800000000000000000000000000001";
  const auto read = [](const std::string& lists, Family family) {
    return std::get<PimHello>(parse_text("20 00 0000" + lists, family)->message);
  };
  const PimHello four = read(list4 + list6, Family::ipv4);
  EXPECT_EQ(four.addresses, std::vector{ip("10.0.1.1")});
  EXPECT_EQ(four.foreign_addresses, 1);
  const PimHello six = read(list6 + list4, Family::ipv6);
  EXPECT_EQ(six.addresses, std::vector{ip("fe80::1")});
  EXPECT_EQ(six.foreign_addresses, 1);
  EXPECT_FALSE(read(list6, Family::ipv4).addresses);
  const PimHello mixed =
      read(" 0018 0018 0200 fe800000000000000000000000000001 0100 0a000201", Family::ipv4);
  EXPECT_EQ(mixed.addresses, std::vector{ip("10.0.2.1")});
}

TEST(PimRegister, InnerPackets) {
  expect_rejects({{"21 00 0000 000000", PimReject::bad_checksum},
                  {"21 00 0000 00000000", PimReject::inner_packet},
                  {"21 00 0000 00000000 4500", PimReject::inner_packet},
                  {"21 00 0000 00000000 4400 0014 00000000 0111 0000 0a010005 e1010203",
                   PimReject::inner_packet},
                  {"21 00 0000 00000000 4f00 0014 00000000 0111 0000 0a010005 e1010203",
                   PimReject::inner_packet},
                  {"21 00 0000 00000000 4500 0015 00000000 0111 0000 0a010005 e1010203",
                   PimReject::inner_packet},
                  {"21 00 0000 00000000 6500 0014 00000000 0111 0000 0a010005 e1010203",
                   PimReject::inner_packet},
                  {"21 00 0000 00000000 4500 0014 00000000 0111 0000 0a010005 0a010006",
                   PimReject::group_not_multicast},
                  {"21 00 0000 00000000 4500 0014 00000000 0111 0000 e1010204 e1010203",
                   PimReject::not_unicast},
                  {"21 00 0000 00000000 4500 0014 00000000 0111 0000 00000000 e1010203",
                   PimReject::not_unicast},
                  {"21 00 0000 40000000 4500 0014 00000000 0067 0001 0a010005 e1010203",
                   PimReject::inner_checksum},
                  {"21 00 0000 40000000 6500 0014 00000000 0067 0000 0a010005 e1010203",
                   PimReject::inner_packet},
                  {"21 00 0000 40000000 4500 0014 00000000 0067 0000 0a010005 e10102",
                   PimReject::inner_packet}});
  // A checksum of zero is not looked at, no more are length and protocol; fragments are data.
  EXPECT_TRUE(parse_text("21 00 0000 40000000 4500 ffff 00000000 0000 0000 0a010005 e1010203"));
  EXPECT_TRUE(parse_text("21 00 0000 40000000 4000 0000 00000000 0000 0000 0a010005 e1010203"));
  const auto fragment =
      parse_text("21 00 0000 00000000 4500 0014 0000 2001 0111 0000 0a010005 e1010203 ffff");
  ASSERT_TRUE(fragment);
  EXPECT_EQ(std::get<PimRegister>(fragment->message).packet.size(), 20U);
}

TEST(PimRegister, InnerPacketsOfIpv6) {
  const std::string start = "21 00 0000 40000000 60000000 ";
  const std::string addresses =
      "6700 20010db8000100000000000000000005 ff1e0000000000000000000000000123 ";
  const std::string swapped =
      "6700 ff1e0000000000000000000000000123 20010db8000100000000000000000005 ";
  expect_rejects({{(start + "0004" + addresses + "0000").c_str(), PimReject::inner_packet}},
                 Family::ipv6);
  expect_rejects({{(start + "0004" + addresses + "00000000").c_str(), PimReject::inner_checksum}},
                 Family::ipv6);
  expect_rejects({{(start + "0000" + swapped).c_str(), PimReject::group_not_multicast}},
                 Family::ipv6);
  expect_rejects({{"21 00 0000 00000000 60000000", PimReject::inner_packet}}, Family::ipv6);
  // Without a dummy PIM header there is no checksum to look at.
  EXPECT_TRUE(parse_text(start + "0000" + addresses, Family::ipv6));
}

TEST(PimRegisterStop, Addresses) {
  expect_rejects({{"22 00 0000 0100 0020 e10102", PimReject::truncated},
                  {"22 00 0000 0100 0020 e1010203 0100 0a0100", PimReject::truncated},
                  {"22 00 0000 0200 0020 e1010203 0100 0a010005", PimReject::address_family},
                  {"22 00 0000 0101 0020 e1010203 0100 0a010005", PimReject::address_encoding},
                  {"22 00 0000 0100 0018 e1010200 0100 0a010005", PimReject::mask_length},
                  {"22 00 0000 0100 0020 0a010203 0100 0a010005", PimReject::group_not_multicast},
                  {"22 00 0000 0100 0020 e1010203 0200 0a010005", PimReject::address_family},
                  {"22 00 0000 0100 0020 e1010203 0100 e1010005", PimReject::not_unicast}});
}

TEST(PimJoinPrune, Counts) {
  expect_rejects(
      {{"23 00 0000 0100 0a0000", PimReject::truncated},
       {"23 00 0000 0100 0a000002 00 01 00", PimReject::truncated},
       {"23 00 0000 0100 0a000002 00 01 00d2", PimReject::group_count},
       {"23 00 0000 0100 0a000002 00 ff 00d2 0100 0020 e1010203 0000 0000", PimReject::group_count},
       {"23 00 0000 0100 0a000002 00 01 00d2 0100 0020 e1010203 0001 0000",
        PimReject::source_count},
       {"23 00 0000 0100 0a000002 00 01 00d2 0100 0020 e1010203 0000 0001",
        PimReject::source_count},
       {"23 00 0000 0100 0a000002 00 01 00d2 0100 0020 e1010203 ffff ffff 0100 0720 0a090909",
        PimReject::source_count},
       {"23 00 0000 0100 0a000002 00 01 00d2 0100 0020 e1010203 0001 0000 0200 0720 0a090909",
        PimReject::address_family},
       {"23 00 0000 0100 0a000002 00 01 00d2 0100 0020 e1010203 0000 0001 0101 0720 0a090909",
        PimReject::address_encoding},
       // the sources of the first group are the second's octets
       {"23 00 0000 0100 0a000002 00 02 00d2 0100 0020 e1010203 0001 0000 0100 0720 0a090909"
        " 00000000",
        PimReject::truncated}});
}

TEST(PimAssert, Fields) {
  expect_rejects(
      {{"25 00 0000 0100 0020 e1010203 0100 00000000 8000006e 000000", PimReject::truncated},
       {"25 00 0000 0100 0010 e1010000 0100 00000000 8000006e 00000014", PimReject::mask_length},
       {"25 00 0000 0100 0020 0a010203 0100 00000000 8000006e 00000014",
        PimReject::group_not_multicast},
       {"25 00 0000 0100 0020 e1010203 0100 7f000001 0000006e 00000014", PimReject::not_unicast}});
}

TEST(PimBootstrap, Counts) {
  expect_rejects(
      {{"24 00 0000 1234 1e", PimReject::truncated},
       {"24 00 0000 1234 1e 40 0100 0a0909", PimReject::truncated},
       {"24 00 0000 1234 21 40 0100 0a090901", PimReject::mask_length},
       {"24 00 0000 1234 1e 40 0100 00000000", PimReject::not_unicast},
       {"24 00 0000 1234 1e 40 0200 0a090901", PimReject::address_family},
       {"24 00 0000 1234 1e 40 0100 0a090901 01", PimReject::truncated},
       {"24 00 0000 1234 1e 40 0100 0a090901 0100 0004 e0000000 00 00 00", PimReject::truncated},
       {"24 00 0000 1234 1e 40 0100 0a090901 0100 0004 e0000000 01 01 0000", PimReject::rp_count},
       {"24 00 0000 1234 1e 40 0100 0a090901 0100 0004 e0000000 00 01 0000"
        " 0100 0a090909 0096 0000",
        PimReject::rp_count},
       {"24 00 0000 1234 1e 40 0100 0a090901 0100 0004 e0000000 ff ff 0000"
        " 0100 0a090909 0096 0000",
        PimReject::rp_count},
       {"24 00 0000 1234 1e 40 0100 0a090901 0100 0004 e0000000 01 01 0000"
        " 0100 e1090909 0096 0000",
        PimReject::not_unicast}});
  const auto bare = parse_text("24 7f 0000 1234 20 40 0100 0a090901");  // reserved bits
  ASSERT_TRUE(bare);
  EXPECT_FALSE(std::get<PimBootstrap>(bare->message).no_forward);
}

TEST(PimCandidateRp, Counts) {
  expect_rejects(
      {{"28 00 0000 00 00 00", PimReject::truncated},
       {"28 00 0000 00 00 0096 0100 0a0909", PimReject::truncated},
       {"28 00 0000 01 00 0096 0100 0a090909", PimReject::group_count},
       {"28 00 0000 ff 00 0096 0100 0a090909 0100 0004 e0000000", PimReject::group_count},
       {"28 00 0000 01 00 0096 0100 0a090909 0200 0004 e0000000", PimReject::address_family},
       {"28 00 0000 00 00 0096 0100 00000000", PimReject::not_unicast}});
}

TEST(PimDfElection, Subtypes) {
  const std::string offer = " 0000 0100 0a090909 0000006e 00000014";
  expect_rejects({{("2a 00" + offer).c_str(), PimReject::unknown_type}});
  expect_rejects({{("2a 50" + offer).c_str(), PimReject::unknown_type}});
  expect_rejects({{("2a 30" + offer).c_str(), PimReject::truncated}});
  expect_rejects({{("2a 40" + offer).c_str(), PimReject::truncated}});
  expect_rejects(
      {{("2a 30" + offer + " 0100 0a000003 0000006e 0000000a 03").c_str(), PimReject::truncated}});
  expect_rejects(
      {{("2a 40" + offer + " 0100 00000000 0000006e 0000000a").c_str(), PimReject::not_unicast}});
  expect_rejects({{"2a 10 0000 0100 0a090909 0000006e 000000", PimReject::truncated},
                  {"2a 10 0000 0200 0a090909 0000006e 00000014", PimReject::address_family},
                  {"2a 10 0000 0100 e1090909 0000006e 00000014", PimReject::not_unicast}});
  EXPECT_TRUE(parse_text("2a 1f" + offer)) << "reserved bits are ignored";
}

TEST(PimReject, EveryReasonHasAName) {
  for (std::size_t i = 0; i < kPimRejectCount; ++i)
    EXPECT_NE(to_string(static_cast<PimReject>(i)), "unknown") << i;
  EXPECT_EQ(to_string(PimReject::count_), "unknown");
}

}  // namespace
}  // namespace hotpair::mcast::wire
