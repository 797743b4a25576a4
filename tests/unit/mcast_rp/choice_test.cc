#include <gtest/gtest.h>

#include <array>

#include "mcast/rp/rp_choice.h"

namespace hotpair::mcast::rp {
namespace {

struct HashRow {
  std::string_view group;
  std::uint8_t mask;
  std::array<std::uint32_t, 3> values;
};

constexpr std::array<std::string_view, 3> kRps4{"10.1.1.1", "192.0.2.77", "203.0.113.254"};
constexpr std::array<std::string_view, 3> kRps6{"2001:db8::1", "2001:db8:aaaa:5555::77",
                                                "fd00:1234:5678::fffe"};

// Computed with unbounded integers and one final modulo straight from the formula of RFC 7761
// 4.7.2, not with this code.
const std::vector<HashRow> kHash4{
    {"224.0.1.1", 30, {718193681, 1271360669, 1068081908}},
    {"224.1.1.1", 30, {1549648913, 1714449565, 236102388}},
    {"225.1.1.1", 30, {1163772945, 1328573597, 487760628}},
    {"225.1.1.2", 30, {1163772945, 1328573597, 487760628}},
    {"225.1.1.4", 30, {694093749, 1327986777, 405085520}},
    {"239.255.255.255", 30, {2118568813, 597383521, 1251039640}},
    {"238.17.34.51", 0, {1758541073, 1227686813, 1779487732}},
    {"233.252.0.5", 32, {755815928, 1192979972, 1961689869}},
    {"225.43.78.103", 30, {1663730709, 587638969, 1365398768}},
    {"226.205.119.45", 24, {758524433, 500113053, 1572112628}},
    {"235.38.102.9", 8, {1204892945, 741147549, 1863373812}},
    {"225.125.164.97", 1, {1758541073, 1227686813, 1779487732}},
};
const std::vector<HashRow> kHash6{
    {"ff0e::1", 126, {453140409, 213477280, 1281800880}},
    {"ff0e::2", 126, {453140409, 213477280, 1281800880}},
    {"ff0e::4", 126, {1235910653, 470122980, 1565611732}},
    {"ff1e:30:2001:db8::1234:5678", 126, {958070985, 500157104, 1428281248}},
    {"ff05::fb", 0, {306470841, 368011168, 856210096}},
    {"ff3e::8000:1", 128, {1281861228, 446283717, 1920326965}},
    {"ff7e:140:2001:db8::1", 64, {1488434305, 1957069608, 573963704}},
    {"ff1e::dead:beef", 96, {1100111801, 1787389856, 500611760}},
};

void check(const std::vector<HashRow>& rows, const std::array<std::string_view, 3>& rps) {
  for (const HashRow& row : rows)
    for (std::size_t i = 0; i < rps.size(); ++i)
      EXPECT_EQ(
          rp_hash(Group::parse(row.group).value(), row.mask, IpAddress::parse(rps[i]).value()),
          row.values[i])
          << row.group << "/" << int{row.mask} << " " << rps[i];
}

TEST(RpHash, FollowsTheFormulaForIpv4) { check(kHash4, kRps4); }
TEST(RpHash, MasksThenFoldsIpv6) { check(kHash6, kRps6); }

TEST(RpHash, AMaskBeyondTheAddressIsAFullOne) {
  const Group group = Group::parse("225.1.1.1").value();
  const IpAddress rp = IpAddress::parse("10.1.1.1").value();
  EXPECT_EQ(rp_hash(group, 200, rp), rp_hash(group, 32, rp));
  EXPECT_NE(rp_hash(group, 32, rp), rp_hash(group, 30, rp));
}

std::string embedded(std::string_view group) {
  const auto rp = embedded_rp(Group::parse(group).value());
  return rp ? rp->to_string() : "none";
}

TEST(EmbeddedRp, IsComputedFromTheGroup) {
  // Both examples of RFC 3956 section 5: one RP for a whole network, and one for a subnet.
  EXPECT_EQ(embedded("ff7e:140:2001:db8:beef:feed::1234"), "2001:db8:beef:feed::1");
  EXPECT_EQ(embedded("ff7e:120:2001:db8::dead:beef"), "2001:db8::1");
  EXPECT_EQ(embedded("ff75:f20:2001:db8:ffff:ffff::1"), "2001:db8::f");  // bits beyond plen: none
  EXPECT_EQ(embedded("ff7e:a01:8000::1"), "8000::a");
}

TEST(EmbeddedRp, IsNoneWhereARuleIsBroken) {
  EXPECT_EQ(embedded("ff7e:40:2001:db8::1"), "none");    // RIID 0
  EXPECT_EQ(embedded("ff7e:100:2001:db8::1"), "none");   // plen 0
  EXPECT_EQ(embedded("ff7e:141:2001:db8::1"), "none");   // plen 65
  EXPECT_EQ(embedded("ff7e:1140:2001:db8::1"), "none");  // reserved bits
  EXPECT_EQ(embedded("ff3e:140:2001:db8::1"), "none");   // R clear
  EXPECT_EQ(embedded("fffe:140:2001:db8::1"), "none");   // fff0::/12
  EXPECT_EQ(embedded("ff72:140:2001:db8::1"), "none");   // link-local scope
  EXPECT_EQ(embedded("ff7e:140:fe80::1"), "none");       // link-local RP
  EXPECT_EQ(embedded("ff7e:140:ff0e::1"), "none");       // multicast RP
  EXPECT_EQ(embedded("ff7e:140:0:1::1"), "none");        // in ::/16
  EXPECT_EQ(embedded("225.1.1.1"), "none");
}

}  // namespace
}  // namespace hotpair::mcast::rp
