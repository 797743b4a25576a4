#include "mcast/wire/igmp.h"

#include <gtest/gtest.h>

#include "mcast/wire/checksum.h"
#include "tests/unit/mcast_wire/bytes_of.h"

namespace hotpair::mcast::wire {
namespace {

using namespace std::chrono_literals;
using testing::bytes_of;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
Group grp(std::string_view text) { return *Group::parse(text); }

const IpAddress kSender = ip("192.168.0.1");

Query query_v3() {
  Query query;
  query.version = 3;
  query.max_response = 10s;
  query.robustness = 2;
  query.query_interval = 125s;
  return query;
}

struct Golden {
  const char* name;
  const char* bytes;
  Message message;
};

std::vector<Golden> golden() {
  Query v1;
  v1.version = 1;
  v1.max_response = 10s;
  Query v2 = v1;
  v2.version = 2;
  Query v2_group = v2;
  v2_group.group = grp("225.1.2.3");
  v2_group.max_response = 1s;
  Query sources = query_v3();
  sources.group = grp("232.1.1.1");
  sources.max_response = 1s;
  sources.suppress = true;
  sources.query_interval = 136s;
  sources.sources = {ip("10.0.0.1"), ip("10.0.0.2")};
  return {
      {"QueryV1", R"(11 00 eeff     # query, code 0: version 1; checksum
                     00000000       # general)", v1},
      {"QueryV2", R"(11 64 ee9b     # query, 100 x 0.1 s
                     00000000)", v2},
      {"QueryV2Group", R"(11 0a 0bf1     # query, 10 x 0.1 s
                          e1010203       # 225.1.2.3)", v2_group},
      {"QueryV3", R"(11 64 ec1e 00000000
                     02 7d 0000     # S = 0, QRV = 2; QQIC 125 s; no source)", query_v3()},
      {"QueryV3Sources", R"(11 0a e76c e8010101   # 232.1.1.1
                            0a 81 0002            # S = 1, QRV = 2; QQIC 0x81 = 136 s; 2 sources
                            0a000001 0a000002)", sources},
      {"ReportV1", "12 00 0afb e1010203", GroupReport{1, grp("225.1.2.3")}},
      {"ReportV2", "16 00 06fb e1010203", GroupReport{2, grp("225.1.2.3")}},
      {"LeaveV2", "17 00 05fb e1010203", Leave{grp("225.1.2.3")}},
      {"ReportV3", R"(22 00 f4f0 0000 0002         # 2 records
                      04 00 0000 e1010203          # TO_EX {} for 225.1.2.3
                      05 00 0002 e8010101          # ALLOW, 2 sources, 232.1.1.1
                      0a000001 0a000002)",
       SourceReport{{{RecordType::change_to_exclude, grp("225.1.2.3"), {}},
                     {RecordType::allow_new_sources, grp("232.1.1.1"),
                      {ip("10.0.0.1"), ip("10.0.0.2")}}}, 0}},
  };
}

class IgmpGolden : public ::testing::TestWithParam<Golden> {};
INSTANTIATE_TEST_SUITE_P(Wire, IgmpGolden, ::testing::ValuesIn(golden()),
                         [](const auto& param) { return param.param.name; });

TEST_P(IgmpGolden, Encodes) {
  EXPECT_EQ(encode_igmp(GetParam().message), bytes_of(GetParam().bytes));
}

TEST_P(IgmpGolden, Parses) {
  const auto packet =
      parse_igmp(wrap_igmp(bytes_of(GetParam().bytes), kSender, ip("224.0.0.22"), true));
  ASSERT_TRUE(packet) << to_string(packet.error());
  EXPECT_EQ(packet->message, GetParam().message);
  EXPECT_EQ(packet->source, kSender);
  EXPECT_EQ(packet->destination, ip("224.0.0.22"));
  EXPECT_TRUE(packet->router_alert);
}

// Every shorter packet is refused, whatever its message, and never read beyond its end.
TEST_P(IgmpGolden, EveryPrefixIsRefused) {
  const Bytes whole = wrap_igmp(bytes_of(GetParam().bytes), kSender, ip("224.0.0.22"), true);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Bytes prefix(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(parse_igmp(prefix)) << length;
  }
}

// A whole IPv4 packet as the socket delivers it.
TEST(IgmpHeader, Golden) {
  const Bytes packet = bytes_of(R"(
      46 c0 0024                  # version 4, IHL 6; TOS c0; total length 36
      0000 0000                   # no fragment
      01 02 8369                  # TTL 1, IGMP, header checksum
      c0a80001 e0000001           # 192.168.0.1 to 224.0.0.1
      94 04 0000                  # router alert
      11 64 ec1e 00000000 02 7d 0000)");
  EXPECT_EQ(wrap_igmp(encode_igmp(query_v3()), kSender, ip("224.0.0.1"), true), packet);
  EXPECT_TRUE(parse_igmp(packet));
  EXPECT_EQ(internet_checksum(ByteSpan(packet).first(24)), 0);
}

/// Changes one byte of a good packet; the answer names the reason.
struct Fault {
  const char* name;
  std::size_t offset;
  std::uint8_t value;
  Reject reason;
};

class IgmpFault : public ::testing::TestWithParam<Fault> {};
INSTANTIATE_TEST_SUITE_P(
    Wire, IgmpFault,
    ::testing::Values(Fault{"Version6", 0, 0x66, Reject::bad_ip_version},
                      Fault{"Ihl4", 0, 0x44, Reject::bad_header_length},
                      Fault{"Ihl15", 0, 0x4f, Reject::bad_header_length},
                      Fault{"TotalBelowHeader", 3, 23, Reject::bad_total_length},
                      Fault{"TotalIsHeader", 3, 24, Reject::truncated},
                      Fault{"TotalCutsMessage", 3, 31, Reject::truncated},
                      Fault{"TotalBeyondBuffer", 3, 37, Reject::bad_total_length},
                      Fault{"TotalHuge", 2, 0xff, Reject::bad_total_length},
                      Fault{"MoreFragments", 6, 0x20, Reject::fragment},
                      Fault{"FragmentOffset", 7, 1, Reject::fragment},
                      Fault{"Ttl0", 8, 0, Reject::bad_ttl}, Fault{"Ttl2", 8, 2, Reject::bad_ttl},
                      Fault{"Udp", 9, 17, Reject::not_igmp},
                      Fault{"MulticastSource", 12, 0xe0, Reject::bad_source},
                      Fault{"LoopbackSource", 12, 127, Reject::bad_source},
                      Fault{"NoRouterAlert", 20, 1, Reject::no_router_alert},
                      Fault{"OptionLengthZero", 21, 0, Reject::no_router_alert},
                      Fault{"OptionTooLong", 21, 5, Reject::no_router_alert},
                      Fault{"OptionsEnd", 20, 0, Reject::no_router_alert},
                      Fault{"Checksum", 26, 0xff, Reject::bad_checksum}),
    [](const auto& param) { return param.param.name; });

TEST_P(IgmpFault, IsRefused) {
  Bytes packet = wrap_igmp(encode_igmp(query_v3()), kSender, ip("224.0.0.1"), true);
  packet[GetParam().offset] = std::byte{GetParam().value};
  const auto parsed = parse_igmp(packet);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), GetParam().reason) << to_string(parsed.error());
}

std::expected<Packet, Reject> parse_text(std::string_view text, bool router_alert = true,
                                         const IgmpParseOptions& options = {}) {
  Bytes igmp = bytes_of(text);
  const std::uint16_t sum = internet_checksum(igmp);  // the text has a checksum of zero
  igmp[2] = static_cast<std::byte>(sum >> 8U);
  igmp[3] = static_cast<std::byte>(sum & 0xffU);
  return parse_igmp(wrap_igmp(igmp, kSender, ip("224.0.0.22"), router_alert), options);
}

TEST(IgmpMessage, LengthsAndCounts) {
  const std::pair<const char*, Reject> cases[] = {
      {"11 64 0000 000000", Reject::truncated},
      {"11 64 0000 00000000 02", Reject::bad_query_length},
      {"11 64 0000 00000000 02 7d 00", Reject::bad_query_length},
      {"11 64 0000 00000000 02 7d 0001", Reject::source_count},
      {"11 64 0000 e1010203 02 7d ffff 0a000001", Reject::source_count},
      {"11 64 0000 0a000001", Reject::group_not_multicast},
      {"16 00 0000 0a000001", Reject::group_not_multicast},
      {"17 00 0000 00000000", Reject::group_not_multicast},
      {"13 00 0000 e1010203", Reject::unknown_type},
      {"00 00 0000 00000000", Reject::unknown_type},
      {"22 00 0000 0000 0001", Reject::record_count},
      {"22 00 0000 0000 ffff 04 00 0000 e1010203", Reject::record_count},
      {"22 00 0000 0000 0001 04 00 0001 e1010203", Reject::source_count},
      {"22 00 0000 0000 0001 04 00 ffff e1010203 0a000001", Reject::source_count},
      {"22 00 0000 0000 0001 04 01 0000 e1010203", Reject::record_count},
      {"22 00 0000 0000 0001 04 ff 0000 e1010203 00000000", Reject::record_count},
      {"22 00 0000 0000 0002 04 00 0002 e1010203 0a000001 0a000002", Reject::record_count},
  };
  for (const auto& [text, reason] : cases) {
    const auto parsed = parse_text(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), reason) << text << ": " << to_string(parsed.error());
  }
}

// RFC 3376 4.2.12: unknown record types are ignored, the others count; so for odd groups.
TEST(IgmpMessage, SkipsRecords) {
  const auto parsed = parse_text(R"(22 00 0000 0000 0004
      00 00 0000 e1010203
      07 00 0001 e1010203 0a000001
      04 00 0000 0a000001
      06 01 0000 e1010203 deadbeef)");
  ASSERT_TRUE(parsed);
  const auto& report = std::get<SourceReport>(parsed->message);
  EXPECT_EQ(report.skipped, 3);
  ASSERT_EQ(report.records.size(), 1U);
  EXPECT_EQ(report.records[0].type, RecordType::block_old_sources);
}

// RFC 3376 4.1.10, 4.2.11: additional data is covered by the checksum and ignored.
TEST(IgmpMessage, IgnoresAdditionalData) {
  EXPECT_TRUE(parse_text("16 00 0000 e1010203 00 00 00 00"));
  EXPECT_TRUE(parse_text("11 64 0000 00000000 02 7d 0000 ff ff"));
  EXPECT_TRUE(parse_text("22 00 0000 0000 0001 04 00 0000 e1010203 ff"));
  Bytes padded = wrap_igmp(encode_igmp(query_v3()), kSender, ip("224.0.0.1"), true);
  padded.resize(60);  // Ethernet padding behind the IP total length
  EXPECT_TRUE(parse_igmp(padded));
}

TEST(IgmpMessage, RouterAlertStrictness) {
  const IgmpParseOptions lax{.require_router_alert = false};
  EXPECT_TRUE(parse_text("12 00 0000 e1010203", false)) << "version 1 reports have none";
  EXPECT_TRUE(parse_text("11 00 0000 00000000", false)) << "nor have version 1 queries";
  EXPECT_FALSE(parse_text("16 00 0000 e1010203", false));
  EXPECT_FALSE(parse_text("11 64 0000 00000000", false));
  const auto parsed = parse_text("16 00 0000 e1010203", false, lax);
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->router_alert);
}

// RFC 3376 4.1.5: a source of 0.0.0.0 is allowed in reports (4.2.13) and heard in queries.
TEST(IgmpMessage, UnspecifiedSource) {
  EXPECT_TRUE(parse_igmp(wrap_igmp(encode_igmp(query_v3()), ip("0.0.0.0"), ip("224.0.0.1"), true)));
}

TEST(IgmpFields, ResponseAndIntervalBoundaries) {
  struct Case {
    std::uint8_t version;
    Duration response;
    std::uint8_t code;
    Duration read_back;
  };
  const Case cases[] = {{2, 0ms, 1, 100ms},         {2, 100ms, 1, 100ms},   {2, 199ms, 1, 100ms},
                        {2, 12700ms, 127, 12700ms}, {2, 25500ms, 255, 25500ms},
                        {2, 60s, 255, 25500ms},     {3, 0ms, 1, 100ms},
                        {3, 12700ms, 127, 12700ms}, {3, 12800ms, 128, 12800ms},
                        {3, 13500ms, 128, 12800ms}, {3, 3174400ms, 255, 3174400ms},
                        {3, 4000000ms, 255, 3174400ms}};
  for (const Case& each : cases) {
    Query query = query_v3();
    query.version = each.version;
    query.max_response = each.response;
    const Bytes bytes = encode_igmp(query);
    EXPECT_EQ(std::to_integer<unsigned>(bytes[1]), each.code);
    const auto parsed = parse_igmp(wrap_igmp(bytes, kSender, ip("224.0.0.1"), true));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(std::get<Query>(parsed->message).max_response, each.read_back);
  }
  for (const auto& [given, wire] : {std::pair{7, 7}, {8, 0}, {255, 0}, {1, 1}}) {
    Query query = query_v3();
    query.robustness = static_cast<std::uint8_t>(given);
    query.query_interval = 40'000s;
    const auto parsed =
        parse_igmp(wrap_igmp(encode_igmp(query), kSender, ip("224.0.0.1"), true));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(std::get<Query>(parsed->message).robustness, wire);
    EXPECT_EQ(std::get<Query>(parsed->message).query_interval, Duration{31744s});
  }
}

TEST(Destinations, PerKind) {
  EXPECT_EQ(destination_of(query_v3(), Family::ipv4), ip("224.0.0.1"));
  EXPECT_EQ(destination_of(Leave{grp("225.1.2.3")}, Family::ipv4), ip("224.0.0.2"));
  EXPECT_EQ(destination_of(SourceReport{}, Family::ipv4), ip("224.0.0.22"));
  EXPECT_EQ(destination_of(GroupReport{2, grp("225.1.2.3")}, Family::ipv4), ip("225.1.2.3"));
  EXPECT_EQ(destination_of(Query{}, Family::ipv6), ip("ff02::1"));
  EXPECT_EQ(destination_of(Leave{grp("ff1e::1")}, Family::ipv6), ip("ff02::2"));
  EXPECT_EQ(destination_of(SourceReport{}, Family::ipv6), ip("ff02::16"));
}

}  // namespace
}  // namespace hotpair::mcast::wire
