#include "mcast/wire/mld.h"

#include <gtest/gtest.h>

#include "mcast/wire/checksum.h"
#include "tests/unit/mcast_wire/bytes_of.h"

namespace hotpair::mcast::wire {
namespace {

using namespace std::chrono_literals;
using testing::bytes_of;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
Group grp(std::string_view text) { return *Group::parse(text); }

struct Golden {
  const char* name;
  const char* source;
  const char* bytes;
  Message message;
};

std::vector<Golden> golden() {
  Query v1;
  v1.version = 1;
  v1.max_response = 10s;
  Query v2;
  v2.version = 2;
  v2.group = grp("ff3e::8000:1");
  v2.max_response = 32776ms;
  v2.suppress = true;
  v2.robustness = 2;
  v2.query_interval = 125s;
  v2.sources = {ip("2001:db8::1")};
  return {
      {"QueryV1", "fe80::1", R"(82 00 5917              # type 130, checksum
                                2710 0000               # 10000 ms
                                00000000000000000000000000000000)", v1},
      {"QueryV2", "fe80::1", R"(82 00 c85c
                                8001 0000               # code 0x8001 = 32776 ms
                                ff3e0000000000000000000080000001
                                0a 7d 0001              # S = 1, QRV = 2, QQIC 125 s, 1 source
                                20010db8000000000000000000000001)", v2},
      {"ReportV1", "fe80::2", R"(83 00 7da6 00000000
                                 ff1e0000000000000000000000000123)",
       GroupReport{1, grp("ff1e::123")}},
      {"Done", "fe80::2", R"(84 00 7de3 00000000
                             ff1e0000000000000000000000000123)", Leave{grp("ff1e::123")}},
      {"ReportV2", "fe80::2", R"(8f 00 bca9 0000 0002   # type 143, 2 records
                                 04 00 0000 ff1e0000000000000000000000000123   # TO_EX {}
                                 05 00 0001 ff3e0000000000000000000080000001   # ALLOW
                                 20010db8000000000000000000000001)",
       SourceReport{{{RecordType::change_to_exclude, grp("ff1e::123"), {}},
                     {RecordType::allow_new_sources, grp("ff3e::8000:1"), {ip("2001:db8::1")}}},
                    0}},
  };
}

MldArrival arrival(const Golden& golden) {
  return {ip(golden.source), destination_of(golden.message, Family::ipv6), 1, true};
}
const MldParseOptions kVerify{.require_router_alert = true, .verify_checksum = true};

class MldGolden : public ::testing::TestWithParam<Golden> {};
INSTANTIATE_TEST_SUITE_P(Wire, MldGolden, ::testing::ValuesIn(golden()),
                         [](const auto& param) { return param.param.name; });

TEST_P(MldGolden, Encodes) {
  const MldArrival from = arrival(GetParam());
  EXPECT_EQ(encode_mld(GetParam().message, from.source, from.destination),
            bytes_of(GetParam().bytes));
}

TEST_P(MldGolden, Parses) {
  const auto packet = parse_mld(bytes_of(GetParam().bytes), arrival(GetParam()), kVerify);
  ASSERT_TRUE(packet) << to_string(packet.error());
  EXPECT_EQ(packet->message, GetParam().message);
}

TEST_P(MldGolden, EveryPrefixIsRefused) {
  const Bytes whole = bytes_of(GetParam().bytes);
  // A version 2 query of 24 bytes is a version 1 query: only the checksum tells.
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Bytes prefix(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(parse_mld(prefix, arrival(GetParam()), kVerify)) << length;
  }
}

TEST_P(MldGolden, EnvelopeIsChecked) {
  const Bytes bytes = bytes_of(GetParam().bytes);
  const auto refused = [&bytes](const MldArrival& from, const MldParseOptions& options = {}) {
    const auto parsed = parse_mld(bytes, from, options);
    return parsed ? Reject::count_ : parsed.error();
  };
  const MldArrival good = arrival(GetParam());
  EXPECT_EQ(refused(good), Reject::count_);
  for (const int hops : {0, 2, 255}) {
    MldArrival far = good;
    far.hop_limit = static_cast<std::uint8_t>(hops);
    EXPECT_EQ(refused(far), Reject::bad_ttl);
  }
  for (const char* text : {"::", "2001:db8::1", "ff02::1", "::1", "10.0.0.1"}) {
    MldArrival odd = good;
    odd.source = ip(text);
    EXPECT_EQ(refused(odd), Reject::bad_source) << text;
  }
  MldArrival bare = good;
  bare.router_alert = false;
  EXPECT_EQ(refused(bare), Reject::no_router_alert);
  EXPECT_EQ(refused(bare, {.require_router_alert = false}), Reject::count_);
  MldArrival other = good;
  other.source = ip("fe80::9");
  EXPECT_EQ(refused(other, kVerify), Reject::bad_checksum);
}

TEST(MldMessage, LengthsAndCounts) {
  const std::string group = "ff1e0000000000000000000000000123";
  const std::string none = "00000000000000000000000000000000";
  const std::string host = "20010db8000000000000000000000001";
  const std::pair<std::string, Reject> cases[] = {
      {"82 00 0000 2710 00", Reject::truncated},
      {"82 00 0000 2710 0000", Reject::truncated},
      {"83 00 0000 0000 0000 ff1e", Reject::truncated},
      {"82 00 0000 2710 0000" + none + "02", Reject::bad_query_length},
      {"82 00 0000 2710 0000" + none + "02 7d 00", Reject::bad_query_length},
      {"82 00 0000 2710 0000" + none + "02 7d 0001", Reject::source_count},
      {"82 00 0000 2710 0000" + group + "02 7d ffff" + host, Reject::source_count},
      {"82 00 0000 2710 0000" + host, Reject::group_not_multicast},
      {"83 00 0000 0000 0000" + host, Reject::group_not_multicast},
      {"84 00 0000 0000 0000" + none, Reject::group_not_multicast},
      {"85 00 0000 0000 0000" + group, Reject::unknown_type},
      {"8f 00 0000 0000 0001", Reject::record_count},
      {"8f 00 0000 0000 ffff 04 00 0000" + group, Reject::record_count},
      {"8f 00 0000 0000 0001 04 00 0001" + group, Reject::source_count},
      {"8f 00 0000 0000 0001 04 01 0000" + group, Reject::record_count},
  };
  const MldArrival from{ip("fe80::2"), ip("ff02::16"), 1, true};
  for (const auto& [text, reason] : cases) {
    const auto parsed = parse_mld(bytes_of(text), from);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), reason) << text << ": " << to_string(parsed.error());
  }
}

TEST(MldFields, ResponseBoundaries) {
  struct Case {
    std::uint8_t version;
    Duration response;
    Duration read_back;
  };
  const Case cases[] = {{1, 0ms, 0ms},         {1, 65535ms, 65535ms},     {1, 100s, 65535ms},
                        {2, 0ms, 0ms},         {2, 32767ms, 32767ms},     {2, 32768ms, 32768ms},
                        {2, 32775ms, 32768ms}, {2, 8387584ms, 8387584ms}, {2, 9000s, 8387584ms}};
  const MldArrival from{ip("fe80::2"), ip("ff02::1"), 1, true};
  for (const Case& each : cases) {
    Query query;
    query.version = each.version;
    query.max_response = each.response;
    const auto parsed = parse_mld(encode_mld(query, from.source, from.destination), from, kVerify);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(std::get<Query>(parsed->message).max_response, each.read_back);
  }
}

// RFC 2711: option 5, length 2, value 0 (MLD), among others; header as IPV6_RECVHOPOPTS gives it.
TEST(MldRouterAlert, HopByHop) {
  EXPECT_TRUE(has_mld_router_alert(bytes_of("3a 00 05 02 0000 01 00")));
  EXPECT_TRUE(has_mld_router_alert(bytes_of("3a 00 01 00 05 02 0000")));
  EXPECT_TRUE(has_mld_router_alert(bytes_of("3a 00 00 00 05 02 0000")));
  EXPECT_FALSE(has_mld_router_alert(bytes_of("3a 00 05 02 0001 01 00")));
  EXPECT_FALSE(has_mld_router_alert(bytes_of("3a 00 01 04 00000000")));
  EXPECT_FALSE(has_mld_router_alert(bytes_of("3a 00 05 03 0000 01 00 00")));
  EXPECT_FALSE(has_mld_router_alert(bytes_of("3a 00 05 02 00")));
  EXPECT_FALSE(has_mld_router_alert(bytes_of("3a 00 01 ff 05 02 0000")));
  EXPECT_FALSE(has_mld_router_alert({}));
}

}  // namespace
}  // namespace hotpair::mcast::wire
