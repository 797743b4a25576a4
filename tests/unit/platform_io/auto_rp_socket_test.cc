#include "platform/io/auto_rp_socket.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include <optional>

#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::platform::io {
namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

const Bytes kMapping = lab::hex("12010006 00000000 0a090909 0201 0004e0000000");

/// A router and what is at the other ends of its two links, each with a socket.
class AutoRpSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(lab::privileged()) << "root tests need root";
    net_.router.settle();
    net_.hosts.settle();
    open(net_.router, "r", router_, router_link_);
    open(net_.hosts, "h", other_, other_link_);
  }
  void open(const lab::Namespace& space, const std::string& side,
            std::optional<AutoRpSocket>& socket, std::array<Ifindex, 2>& links) {
    const lab::Inside inside(space);
    Result<AutoRpSocket> opened = AutoRpSocket::open();
    ASSERT_TRUE(opened) << opened.error().detail;
    socket.emplace(std::move(*opened));
    for (std::size_t i = 0; i < links.size(); ++i)
      links[i] = Ifindex(::if_nametoindex((side + std::to_string(i)).c_str()));
  }
  void send(std::size_t link, std::string_view source, std::string_view destination) {
    const auto sent =
        other_->send(other_link_[link], address(source), address(destination), 16, kMapping);
    EXPECT_TRUE(sent) << sent.error().detail;
  }
  /// The sockets of the memberships are made where the router's other one was.
  [[nodiscard]] Result<void> add(std::size_t link, bool announcements, bool discoveries) {
    const lab::Inside inside(net_.router);
    return router_->add_interface(router_link_[link], announcements, discoveries);
  }
  std::optional<AutoRpDatagram> next() {
    std::optional<AutoRpDatagram> found;
    static_cast<void>(lab::eventually([&] {
      for (AutoRpDatagram& one : router_->receive(1)) found = std::move(one);
      return found.has_value();
    }));
    return found;
  }
  lab::Topology net_{2};
  std::optional<AutoRpSocket> router_;
  std::optional<AutoRpSocket> other_;
  std::array<Ifindex, 2> router_link_{};
  std::array<Ifindex, 2> other_link_{};
};

TEST_F(AutoRpSocketTest, HearsTheGroupsThatWereAskedFor) {
  ASSERT_TRUE(add(0, false, true));
  send(0, "10.0.0.2", "224.0.1.40");
  const auto heard = next();
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->interface, router_link_[0]);
  EXPECT_EQ(heard->source, address("10.0.0.2"));
  EXPECT_EQ(heard->destination, address("224.0.1.40"));
  EXPECT_EQ(heard->payload, kMapping);
  // Nobody asked for announcements, nor for anything on the other link.
  send(0, "10.0.0.2", "224.0.1.39");
  send(1, "10.0.1.2", "224.0.1.40");
  send(0, "10.0.0.2", "224.0.1.40");
  ASSERT_TRUE(next());
  EXPECT_TRUE(router_->receive().empty());
  ASSERT_TRUE(add(0, true, false));
  send(0, "10.0.0.2", "224.0.1.40");
  send(0, "10.0.0.2", "224.0.1.39");
  EXPECT_EQ(next()->destination, address("224.0.1.39"));
}

TEST_F(AutoRpSocketTest, AnotherSocketOfTheHostMayHaveThePortToo) {
  const lab::Inside inside(net_.router);
  EXPECT_TRUE(AutoRpSocket::open());
}

TEST_F(AutoRpSocketTest, WhatCannotBeSentSaysWhy) {
  const auto sent =
      other_->send(other_link_[0], address("10.9.9.9"), address("224.0.1.40"), 16, kMapping);
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().detail.find("10.9.9.9 to 224.0.1.40"), std::string::npos);
  EXPECT_EQ(other_->statistics().send_errors, 1U);
}

}  // namespace
}  // namespace hotpair::platform::io
