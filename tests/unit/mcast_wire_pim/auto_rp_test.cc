#include "mcast/wire/auto_rp.h"

#include <gtest/gtest.h>

#include <map>

#include "mcast/wire/ipv4_header.h"
#include "tests/unit/mcast_wire_pim/pim_packets.h"

namespace hotpair::mcast::wire {
namespace {

using testing::bytes_of;
using testing::ip;

AutoRpMessage announcement() {
  return {.kind = AutoRpKind::announcement,
          .holdtime_s = 180,
          .mappings = {
              {ip("10.9.9.9"), 2, {{ip("225.0.0.0"), 8, false}, {ip("225.2.0.0"), 16, true}}}}};
}

AutoRpMessage discovery() {
  return {
      .kind = AutoRpKind::discovery,
      .holdtime_s = 180,
      .mappings = {{ip("10.9.9.9"), 3, {{ip("224.0.0.0"), 4, false}}}, {ip("10.9.9.10"), 0, {}}}};
}

TEST(AutoRp, Golden) {
  const std::pair<const char*, AutoRpMessage> cases[] = {{"auto-rp-announcement", announcement()},
                                                         {"auto-rp-discovery", discovery()}};
  for (const auto& [name, message] : cases) {
    const Bytes packet = testing::golden(name);
    const auto header = parse_ipv4(packet);
    ASSERT_TRUE(header) << name;
    EXPECT_EQ(header->destination, auto_rp_destination(message.kind));
    const Bytes payload = to_bytes(header->payload.subspan(8));
    const auto parsed = parse_auto_rp(payload);
    ASSERT_TRUE(parsed) << to_string(parsed.error());
    EXPECT_EQ(*parsed, message);
    EXPECT_EQ(encode_auto_rp(message, 1500), std::vector<Bytes>{payload});
    for (std::size_t length = 0; length < payload.size(); ++length)
      EXPECT_FALSE(parse_auto_rp(ByteSpan(payload).first(length))) << name << length;
  }
}

TEST(AutoRp, Rejects) {
  const std::pair<const char*, AutoRpReject> cases[] = {
      {"11 00 00b4 000000", AutoRpReject::truncated},
      {"21 00 00b4 00000000", AutoRpReject::bad_version},
      {"01 00 00b4 00000000", AutoRpReject::bad_version},
      {"10 00 00b4 00000000", AutoRpReject::unknown_type},
      {"13 00 00b4 00000000", AutoRpReject::unknown_type},
      {"11 01 00b4 00000000 0a090909 02", AutoRpReject::rp_count},
      {"11 ff 00b4 00000000 0a090909 02 00", AutoRpReject::rp_count},
      {"11 01 00b4 00000000 0a090909 02 01 00 04 e00000", AutoRpReject::group_count},
      {"11 01 00b4 00000000 0a090909 02 ff 00 04 e0000000", AutoRpReject::group_count},
      {"11 01 00b4 00000000 e1090909 02 00", AutoRpReject::not_unicast},
      // the prefix of the first RP is the second's octets
      {"11 02 00b4 00000000 0a090909 02 01 00 04 e0000000", AutoRpReject::rp_count},
  };
  for (const auto& [text, reason] : cases) {
    const auto parsed = parse_auto_rp(bytes_of(text));
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), reason) << text << ": " << to_string(parsed.error());
  }
  for (std::size_t i = 0; i < kAutoRpRejectCount; ++i)
    EXPECT_NE(to_string(static_cast<AutoRpReject>(i)), "unknown") << i;
}

TEST(AutoRp, ReservedBitsAndTrailingBytesAreIgnored) {
  const auto parsed =
      parse_auto_rp(bytes_of("12 01 00b4 ffffffff 0a090909 fe 01 fe 04 e0000000 0000"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->mappings[0].pim_versions, 2);
  EXPECT_FALSE(parsed->mappings[0].ranges[0].negative);
}

TEST(AutoRp, Ranges) {
  EXPECT_TRUE((AutoRpRange{ip("224.0.0.0"), 4}).is_valid());
  EXPECT_TRUE((AutoRpRange{ip("239.1.1.1"), 32}).is_valid());
  EXPECT_FALSE((AutoRpRange{ip("224.0.0.0"), 3}).is_valid());
  EXPECT_FALSE((AutoRpRange{ip("224.0.0.0"), 33}).is_valid());
  EXPECT_FALSE((AutoRpRange{ip("10.0.0.0"), 8}).is_valid());
}

// Any MTU: every datagram fits, is whole, and every prefix arrives once under its RP.
TEST(AutoRp, Packing) {
  AutoRpMessage message{AutoRpKind::discovery, 180, {}};
  for (std::uint32_t i = 0; i < 300; ++i)
    message.mappings.push_back({IpAddress::v4(0x0a000001U + i), 2, {}});
  message.mappings[3].ranges.resize(600, {ip("225.0.0.0"), 8, false});
  message.mappings[200].ranges.resize(5, {ip("226.0.0.0"), 8, true});
  for (const std::size_t mtu : {std::size_t{0}, std::size_t{69}, std::size_t{576},
                                std::size_t{1500}, std::size_t{70'000}}) {
    std::map<IpAddress, std::size_t> seen;
    for (const Bytes& datagram : encode_auto_rp(message, mtu)) {
      EXPECT_LE(datagram.size() + 28, std::max<std::size_t>(mtu, 68));
      const auto parsed = parse_auto_rp(datagram);
      ASSERT_TRUE(parsed) << to_string(parsed.error());
      for (const AutoRpMapping& mapping : parsed->mappings)
        seen[mapping.rp] += mapping.ranges.size();
    }
    ASSERT_EQ(seen.size(), 300U) << mtu;
    EXPECT_EQ(seen[message.mappings[3].rp], 600U);
    EXPECT_EQ(seen[message.mappings[200].rp], 5U);
  }
  EXPECT_EQ(encode_auto_rp({}, 1500).size(), 1U);
}

}  // namespace
}  // namespace hotpair::mcast::wire
