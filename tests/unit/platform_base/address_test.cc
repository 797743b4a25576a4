#include "platform/base/address.h"

#include <gtest/gtest.h>

namespace hotpair {
namespace {

TEST(IpAddress, ParsesAndPrintsBothFamilies) {
  EXPECT_EQ(IpAddress::parse("10.0.15.1")->to_string(), "10.0.15.1");
  EXPECT_EQ(IpAddress::parse("2001:DB8:33::33")->to_string(), "2001:db8:33::33");
  EXPECT_EQ(IpAddress::parse("2001:db8:33::33")->to_upper_string(), "2001:DB8:33::33");
  EXPECT_FALSE(IpAddress::parse("10.0.15"));
  EXPECT_FALSE(IpAddress::parse(""));
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(IpAddress::parse("224.0.0.22")->is_link_local_multicast());
  EXPECT_FALSE(IpAddress::parse("224.0.1.40")->is_link_local_multicast());
  EXPECT_TRUE(IpAddress::parse("ff02::16")->is_link_local_multicast());
  EXPECT_TRUE(IpAddress::parse("ff12::1")->is_link_local_multicast());
  EXPECT_FALSE(IpAddress::parse("ff1e::1")->is_link_local_multicast());
  EXPECT_TRUE(IpAddress::parse("fe80::1")->is_link_local_unicast());
  EXPECT_TRUE(IpAddress::any(Family::ipv6).is_unspecified());
}

TEST(IpAddress, RefusesOtherLengths) {
  const Bytes five(5);
  EXPECT_FALSE(IpAddress::from_bytes(five));
}

TEST(IpPrefix, MasksAndContains) {
  const IpPrefix prefix = *IpPrefix::parse("10.0.15.1/22");
  EXPECT_EQ(prefix.network().to_string(), "10.0.12.0/22");
  EXPECT_TRUE(prefix.contains(*IpAddress::parse("10.0.13.200")));
  EXPECT_FALSE(prefix.contains(*IpAddress::parse("10.0.16.0")));
  EXPECT_FALSE(prefix.contains(*IpAddress::parse("::1")));
  EXPECT_TRUE(IpPrefix::parse("::/0")->contains(*IpAddress::parse("ff1e::1")));
  EXPECT_FALSE(IpPrefix::parse("10.0.0.1/33"));
  EXPECT_FALSE(IpPrefix::parse("10.0.0.1"));
}

TEST(Group, ProvesMulticast) {
  EXPECT_TRUE(Group::parse("239.1.1.1"));
  EXPECT_FALSE(Group::parse("10.1.1.1"));
  EXPECT_TRUE(Group::parse("232.1.1.1")->is_default_ssm());
  EXPECT_TRUE(Group::parse("ff3e::1")->is_default_ssm());
  EXPECT_FALSE(Group::parse("ff1e::1")->is_default_ssm());
}

TEST(MacAddress, ReadsTheSeedsForm) {
  EXPECT_EQ(MacAddress::parse("00e0-fc12-3455")->to_string(), "00e0-fc12-3455");
  EXPECT_EQ(MacAddress::parse("00:e0:fc:12:34:55")->to_string(), "00e0-fc12-3455");
  EXPECT_FALSE(MacAddress::parse("00e0-fc12-345"));
  EXPECT_FALSE(MacAddress::parse("00e0-fc12-345g"));
}

}  // namespace
}  // namespace hotpair
