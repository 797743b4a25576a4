#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>

#include "ha/keeper/main/carrier_watch.h"

namespace hotpair::ha::keeper {
namespace {

constexpr unsigned kLowerUpFlag = 1U << 16;

Bytes link_message(std::uint16_t type, int index, unsigned flags, const std::string& name,
                   unsigned char family = AF_UNSPEC) {
  nlmsghdr header{};
  ifinfomsg info{};
  rtattr attribute{};
  const std::size_t padded = (name.size() + 1 + 3) & ~std::size_t{3};
  attribute.rta_type = IFLA_IFNAME;
  attribute.rta_len = static_cast<unsigned short>(sizeof attribute + name.size() + 1);
  header.nlmsg_type = type;
  header.nlmsg_len =
      static_cast<std::uint32_t>(sizeof header + sizeof info + sizeof attribute + padded);
  info.ifi_family = family;
  info.ifi_index = index;
  info.ifi_flags = flags;
  Bytes bytes(header.nlmsg_len);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, &info, sizeof info);
  std::memcpy(bytes.data() + sizeof header + sizeof info, &attribute, sizeof attribute);
  std::memcpy(bytes.data() + sizeof header + sizeof info + sizeof attribute, name.data(),
              name.size());
  return bytes;
}

class CarrierTest : public ::testing::Test {
 protected:
  CarrierTest() : watch_(CarrierWatch::open()) { EXPECT_TRUE(watch_.has_value()); }
  Result<CarrierWatch> watch_;
};

TEST_F(CarrierTest, TheLoopbackOfThisNamespaceIsThere) {
  static_cast<void>(watch_->read());
  ASSERT_NE(watch_->find("lo"), nullptr);
  EXPECT_GT(watch_->find("lo")->index, 0U);
  EXPECT_EQ(watch_->find("no-such-device"), nullptr);
}

TEST_F(CarrierTest, FollowsCarrierRenameAndRemoval) {
  EXPECT_TRUE(watch_->apply(link_message(RTM_NEWLINK, 9000, IFF_UP | kLowerUpFlag, "ge0")));
  EXPECT_TRUE(watch_->find("ge0")->up);
  EXPECT_FALSE(watch_->apply(link_message(RTM_NEWLINK, 9000, IFF_UP | kLowerUpFlag, "ge0")));
  EXPECT_TRUE(watch_->apply(link_message(RTM_NEWLINK, 9000, IFF_UP, "ge0")));
  EXPECT_FALSE(watch_->find("ge0")->up);
  EXPECT_TRUE(watch_->apply(link_message(RTM_NEWLINK, 9000, kLowerUpFlag, "ge1")));
  EXPECT_EQ(watch_->find("ge0"), nullptr);
  EXPECT_FALSE(watch_->find("ge1")->up);
  EXPECT_FALSE(watch_->apply(link_message(RTM_DELLINK, 9000, 0, "ge1", AF_BRIDGE)));
  EXPECT_NE(watch_->find("ge1"), nullptr);
  EXPECT_TRUE(watch_->apply(link_message(RTM_DELLINK, 9000, 0, "ge1")));
  EXPECT_EQ(watch_->find("ge1"), nullptr);
}

TEST_F(CarrierTest, AnyBytesAreRefused) {
  const Bytes whole = link_message(RTM_NEWLINK, 9000, IFF_UP, "ge0");
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(watch_->apply(ByteSpan(whole).first(length)));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned value : {0U, 1U, 3U, 0x7fU, 0xffU}) {
      Bytes bytes = whole;
      bytes[at] = static_cast<std::byte>(value);
      static_cast<void>(watch_->apply(bytes));
    }
  }
  EXPECT_EQ(watch_->find(""), nullptr);
}

}  // namespace
}  // namespace hotpair::ha::keeper
