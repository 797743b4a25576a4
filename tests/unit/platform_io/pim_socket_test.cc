#include "platform/io/pim_socket.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include <functional>
#include <optional>

#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::platform::io {
namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

const Bytes kHello = lab::hex("2000dffe 0001 0002 0069");  // holdtime 105 s, checksum as of IPv4

/// A router and what is at the other ends of its links, each with a PIM socket.
class PimSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(lab::privileged()) << "root tests need root";
    net_.router.settle();
    net_.hosts.settle();
    open(net_.router, "r", router_, router_link_);
    open(net_.hosts, "h", other_, other_link_);
  }
  void open(const lab::Namespace& space, const std::string& side, std::optional<PimSocket>& socket,
            std::array<Ifindex, 2>& links) {
    const lab::Inside inside(space);
    Result<PimSocket> opened = PimSocket::open();
    ASSERT_TRUE(opened) << opened.error().detail;
    socket.emplace(std::move(*opened));
    for (std::size_t i = 0; i < links.size(); ++i)
      links[i] = Ifindex(::if_nametoindex((side + std::to_string(i)).c_str()));
    const Result<void> added = socket->add_interface(links[0], true, true);
    ASSERT_TRUE(added) << added.error().detail;
  }
  std::optional<PimDatagram> next(Family family) {
    std::optional<PimDatagram> found;
    static_cast<void>(lab::eventually([&] {
      for (PimDatagram& one : router_->receive(family, 1)) found = std::move(one);
      return found.has_value();
    }));
    return found;
  }
  void send(std::size_t link, std::string_view source, std::string_view destination,
            const Bytes& message = kHello) {
    const auto sent =
        other_->send(other_link_[link], address(source), address(destination), message);
    EXPECT_TRUE(sent) << sent.error().detail;
  }

  lab::Topology net_{2};
  std::optional<PimSocket> router_;
  std::optional<PimSocket> other_;
  std::array<Ifindex, 2> router_link_{};
  std::array<Ifindex, 2> other_link_{};
};

TEST_F(PimSocketTest, ALinkLocalMessageArrivesWithItsIpHeader) {
  send(0, "10.0.0.2", "224.0.0.13");
  const auto heard = next(Family::ipv4);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->interface, router_link_[0]);
  EXPECT_EQ(heard->source, address("10.0.0.2"));
  EXPECT_EQ(heard->destination, address("224.0.0.13"));
  ASSERT_EQ(heard->packet.size(), 20 + kHello.size());
  EXPECT_EQ(heard->packet[1], std::byte{0xc0});  // type of service
  EXPECT_EQ(heard->packet[8], std::byte{1});     // TTL
  EXPECT_EQ(heard->packet[9], std::byte{103});
  EXPECT_EQ(Bytes(heard->packet.begin() + 20, heard->packet.end()), kHello);
}

TEST_F(PimSocketTest, Ipv6TellsAddressesAndHopLimitBesideTheMessage) {
  send(0, "fd00:0::2", "ff02::d");
  const auto heard = next(Family::ipv6);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->interface, router_link_[0]);
  EXPECT_EQ(heard->source, address("fd00::2"));
  EXPECT_EQ(heard->destination, address("ff02::d"));
  EXPECT_EQ(heard->hop_limit, 1);
  EXPECT_EQ(heard->packet, kHello);
}

TEST_F(PimSocketTest, AUnicastMessageGoesByRouting) {
  send(1, "10.0.0.2", "10.0.0.1");  // the interface given is another one
  const auto heard = next(Family::ipv4);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->interface, router_link_[0]);
  EXPECT_GT(std::to_integer<int>(heard->packet[8]), 1);
}

TEST_F(PimSocketTest, OnlyAddedInterfacesAreHeard) {
  ASSERT_TRUE(router_->add_interface(router_link_[1], true, false));
  router_->remove_interface(router_link_[1]);
  ASSERT_TRUE(router_->add_interface(router_link_[0], true, false));  // IPv6 off
  const lab::Inside inside(net_.hosts);
  ASSERT_TRUE(other_->add_interface(other_link_[1], true, true));
  send(1, "10.0.1.2", "10.0.1.1");
  send(0, "fd00::2", "fd00::1");
  send(0, "10.0.0.2", "224.0.0.13");
  const auto heard = next(Family::ipv4);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->interface, router_link_[0]);
  EXPECT_TRUE(lab::eventually([&] {
    static_cast<void>(router_->receive(Family::ipv6));
    return router_->statistics(Family::ipv6).unknown_interface == 1;
  }));
  EXPECT_EQ(router_->statistics(Family::ipv4).unknown_interface, 1U);
  EXPECT_EQ(router_->statistics(Family::ipv4).received, 1U);
}

TEST_F(PimSocketTest, WhatCannotBeSentSaysWhy) {
  const auto families = other_->send(other_link_[0], address("10.0.0.2"), address("ff02::d"), {});
  ASSERT_FALSE(families);
  EXPECT_EQ(families.error().code, ErrorCode::refused);
  const auto foreign =
      other_->send(other_link_[0], address("192.0.2.9"), address("224.0.0.13"), kHello);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(other_->statistics(Family::ipv4).send_errors, 1U);
  EXPECT_FALSE(other_->add_interface(Ifindex(999'999), true, false));
}

}  // namespace
}  // namespace hotpair::platform::io
