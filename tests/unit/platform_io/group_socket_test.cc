#include "platform/io/group_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "platform/kernel/gate.h"
#include "platform/kernel/kernel_plane.h"
#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::platform::io {
namespace {

using testing::IsEmpty;

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

class GroupSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(lab::privileged()) << "root tests need root";
    const lab::Inside inside(net_.router);
    Result<GroupSocket> opened = GroupSocket::open();
    ASSERT_TRUE(opened) << opened.error().detail;
    socket_.emplace(std::move(*opened));
    const Result<void> added = socket_->add_interface(r1_, true, true);
    ASSERT_TRUE(added) << added.error().detail;
    static_cast<void>(socket_->receive(Family::ipv4));
  }
  /// The next packet that fits, e.g. not one of the kernel's own reports at start.
  std::optional<GroupPacket> next(Family family,
                                  const std::function<bool(const GroupPacket&)>& fits) {
    std::optional<GroupPacket> found;
    static_cast<void>(lab::eventually([&] {
      for (GroupPacket& packet : socket_->receive(family)) {
        if (!found && fits(packet)) found = std::move(packet);
      }
      return found.has_value();
    }));
    return found;
  }
  static auto to(std::string_view group) {
    return
        [group = address(group)](const GroupPacket& packet) { return packet.destination == group; };
  }
  std::uint64_t rejects(Family family, GroupReject reason) const {
    return socket_->statistics(family).rejects[static_cast<std::size_t>(reason)];
  }
  /// Waits for a report that is sent after `frames`, so that they have been looked at.
  void send_and_flush(std::initializer_list<Bytes> frames) {
    for (const Bytes& frame : frames) down_.send(frame);
    down_.send(lab::igmpv2_report(address("10.0.1.2"), address("239.99.99.99")));
    EXPECT_TRUE(next(Family::ipv4, to("239.99.99.99")));
  }

  lab::Topology net_{2};
  Ifindex r1_ = net_.router_index("r1");
  lab::Wire down_{net_.hosts, "h1"};
  std::optional<GroupSocket> socket_;
};

TEST_F(GroupSocketTest, ReportsToTheGroupItselfArriveWithoutAnyVif) {
  down_.send(lab::igmpv2_report(address("10.0.1.2"), address("239.1.1.1")));
  const auto igmp = next(Family::ipv4, to("239.1.1.1"));
  ASSERT_TRUE(igmp);
  EXPECT_EQ(igmp->interface, r1_);
  EXPECT_EQ(igmp->source, address("10.0.1.2"));
  EXPECT_EQ(igmp->hop_limit, 1);
  EXPECT_TRUE(igmp->router_alert);
  EXPECT_EQ(igmp->message, lab::hex("1600 f9fc ef010101"));
  down_.send(lab::igmpv2_report(address("10.0.1.2"), address("239.1.1.2"), false));
  const auto plain = next(Family::ipv4, to("239.1.1.2"));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->router_alert);
  down_.send(lab::mld_message(131, address("fe80::2"), address("ff1e::1")));
  const auto mld = next(Family::ipv6, to("ff1e::1"));
  ASSERT_TRUE(mld);
  EXPECT_EQ(mld->interface, r1_);
  EXPECT_EQ(mld->source, address("fe80::2"));
  EXPECT_TRUE(mld->router_alert);
  EXPECT_EQ(mld->message.front(), std::byte{131});
}

/// A membership of a real kernel host on h1.
FileDescriptor join(const lab::Namespace& hosts, const IpAddress& group) {
  const lab::Inside inside(hosts);
  FileDescriptor socket(::socket(group.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const unsigned index = ::if_nametoindex("h1");
  if (group.is_v4()) {
    ip_mreqn request{};
    std::memcpy(&request.imr_multiaddr, group.bytes().data(), 4);
    request.imr_ifindex = static_cast<int>(index);
    EXPECT_EQ(::setsockopt(socket.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request),
              0);
  } else {
    ipv6_mreq request{};
    std::memcpy(&request.ipv6mr_multiaddr, group.bytes().data(), 16);
    request.ipv6mr_interface = index;
    EXPECT_EQ(
        ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request), 0);
  }
  return socket;
}

TEST_F(GroupSocketTest, KernelHostsOfEveryVersionAreHeard) {
  const auto holds = [](std::uint8_t type, std::string_view group) {
    return [type, group = address(group)](const GroupPacket& packet) {
      const auto found = std::ranges::search(packet.message, group.bytes());
      return packet.message.front() == static_cast<std::byte>(type) && !found.empty();
    };
  };
  const FileDescriptor v3 = join(net_.hosts, address("239.3.3.3"));
  EXPECT_TRUE(next(Family::ipv4, holds(0x22, "239.3.3.3")));
  const FileDescriptor mld2 = join(net_.hosts, address("ff1e::33"));
  EXPECT_TRUE(next(Family::ipv6, holds(143, "ff1e::33")));
  net_.hosts.run(
      "echo 2 > /proc/sys/net/ipv4/conf/h1/force_igmp_version; "
      "echo 1 > /proc/sys/net/ipv6/conf/h1/force_mld_version");
  FileDescriptor v2 = join(net_.hosts, address("239.2.2.2"));
  EXPECT_TRUE(next(Family::ipv4, holds(0x16, "239.2.2.2")));
  v2.reset();
  EXPECT_TRUE(next(Family::ipv4, holds(0x17, "239.2.2.2"))) << "leave";
  FileDescriptor mld1 = join(net_.hosts, address("ff1e::22"));
  EXPECT_TRUE(next(Family::ipv6, holds(131, "ff1e::22")));
  mld1.reset();
  EXPECT_TRUE(next(Family::ipv6, holds(132, "ff1e::22"))) << "done";
}

TEST_F(GroupSocketTest, ReportsArriveOnceWithVifsAndThroughAClosedGate) {
  const lab::Inside inside(net_.router);
  auto plane = kernel::KernelPlane::create(kernel::RoutingSockets::open().value()).value();
  ASSERT_TRUE(plane->add_link({LinkId{1}, "r1", true, true}));
  auto gate = kernel::GateTable::create(1);
  ASSERT_TRUE(gate) << gate.error().detail;
  ASSERT_TRUE((*gate)->attach(r1_, 0));
  std::size_t heard = 0;
  down_.send(lab::igmpv2_report(address("10.0.1.2"), address("239.1.1.1")));
  down_.send(lab::igmpv2_report(address("10.0.1.2"), address("239.1.1.1"), false));
  down_.send(lab::igmpv2_report(address("10.0.1.2"), address("239.99.99.99")));
  EXPECT_TRUE(next(Family::ipv4, [&](const GroupPacket& packet) {
    if (packet.destination == address("239.1.1.1")) ++heard;
    return packet.destination == address("239.99.99.99");
  }));
  EXPECT_EQ(heard, 2U);
  down_.send(lab::mld_message(131, address("fe80::2"), address("ff1e::1")));
  EXPECT_TRUE(next(Family::ipv6, to("ff1e::1")));
  for (const fwd::PlaneEvent& event : plane->poll_events()) {
    const auto* none = std::get_if<fwd::NoRoute>(&event);
    EXPECT_TRUE(none == nullptr || none->group.to_string() != "239.1.1.1")
        << "a report is no data packet";
  }
  EXPECT_EQ(plane->statistics().malformed, 0U) << "IGMP never reaches the event socket";
}

TEST_F(GroupSocketTest, WhatIsNotForUsIsCounted) {
  Bytes other_host = lab::igmpv2_report(address("10.0.1.2"), address("239.5.5.5"));
  std::ranges::copy(lab::hex("020000000077"), other_host.begin());
  Bytes bad = lab::igmpv2_report(address("10.0.1.2"), address("239.5.5.5"));
  bad[bad.size() - 1] ^= std::byte{1};
  send_and_flush({other_host, bad,
                  lab::tagged(lab::igmpv2_report(address("10.0.1.2"), address("239.5.5.5")), 7)});
  EXPECT_GE(rejects(Family::ipv4, GroupReject::not_for_us), 2U);
  EXPECT_EQ(rejects(Family::ipv4, GroupReject::bad_checksum), 1U);
}

TEST_F(GroupSocketTest, InterfacesComeAndGo) {
  const lab::Wire up(net_.hosts, "h0");
  up.send(lab::igmpv2_report(address("10.0.0.2"), address("239.6.6.6")));
  send_and_flush({});
  const lab::Inside inside(net_.router);
  const Ifindex r0 = net_.router_index("r0");
  ASSERT_TRUE(socket_->add_interface(r0, true, false));
  ASSERT_TRUE(socket_->add_interface(r0, true, false)) << "again is fine";
  net_.router.run("ip -d link show dev r0 | grep -q 'allmulti 1'");
  net_.router.run("ip maddr show dev r0 | grep -q 224.0.0.22");
  net_.router.run("ip maddr show dev r1 | grep -q 'ff02::16'");
  up.send(lab::mld_message(131, address("fe80::2"), address("ff1e::6")));
  up.send(lab::igmpv2_report(address("10.0.0.2"), address("239.7.7.7")));
  const auto heard = next(Family::ipv4, [](const GroupPacket& packet) {
    EXPECT_NE(packet.destination, address("239.6.6.6")) << "sent before the interface was added";
    return packet.destination == address("239.7.7.7");
  });
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->interface, r0);
  EXPECT_THAT(socket_->receive(Family::ipv6),
              testing::Each(testing::Field(&GroupPacket::interface, r1_)))
      << "IPv6 was not asked for on r0";
  socket_->remove_interface(r0);
  net_.router.run("ip -d link show dev r0 | grep -q 'allmulti 0'");
  net_.router.run("! ip maddr show dev r0 | grep -q 224.0.0.22");
  const Result<void> missing = socket_->add_interface(Ifindex(4000), true, true);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
}

TEST_F(GroupSocketTest, MoreInterfacesThanOneSocketMayJoin) {
  std::string batch;
  for (int n = 0; n < 25; ++n)
    batch += "ip link add x" + std::to_string(n) + " type veth peer name y" + std::to_string(n) +
             " && ip link set x" + std::to_string(n) + " up && ";
  net_.router.run(batch + "true");
  const lab::Inside inside(net_.router);
  for (int n = 0; n < 25; ++n) {
    const Result<void> added =
        socket_->add_interface(net_.router_index("x" + std::to_string(n)), true, true);
    EXPECT_TRUE(added) << n << ": " << added.error().detail;
  }
}

TEST_F(GroupSocketTest, AReadIsBoundedAndNothingIsLost) {
  for (int n = 0; n < 10; ++n)
    down_.send(lab::igmpv2_report(address("10.0.1.2"), address("239.8.8." + std::to_string(n))));
  pollfd wait{socket_->descriptor(Family::ipv4), POLLIN, 0};
  ASSERT_EQ(::poll(&wait, 1, 10000), 1);
  std::size_t total = 0;
  EXPECT_TRUE(lab::eventually([&] {
    const auto packets = socket_->receive(Family::ipv4, 4);
    EXPECT_LE(packets.size(), 4U);
    total += static_cast<std::size_t>(std::ranges::count_if(packets, [](const GroupPacket& packet) {
      return packet.destination.to_string().starts_with("239.8.8.");
    }));
    return total == 10;
  }));
  EXPECT_EQ(socket_->statistics(Family::ipv4).kernel_drops, 0U);
}

/// The IP packet inside an Ethernet frame.
ByteSpan packet_in(const Bytes& frame) { return ByteSpan(frame).subspan(14); }

TEST_F(GroupSocketTest, QueriesLeaveWithRouterAlertHopLimitOneAndTheChosenSource) {
  net_.router.run("ip addr add 10.0.1.99/24 dev r1");
  const Bytes query = lab::hex("1164ee9b00000000");
  for (const char* source : {"10.0.1.1", "10.0.1.99"}) {
    const Result<void> sent = socket_->send(r1_, address(source), address("224.0.0.1"), query);
    ASSERT_TRUE(sent) << sent.error().detail;
    const auto frame = down_.wait_for([&](ByteSpan bytes) {
      const auto parsed = parse_group_packet(Family::ipv4, bytes.subspan(14));
      const auto* packet = std::get_if<GroupPacket>(&parsed);
      return packet != nullptr && packet->source == address(source) &&
             packet->message.front() == query[0];  // not the kernel's own report
    });
    ASSERT_TRUE(frame);
    const ByteSpan packet = packet_in(*frame);
    EXPECT_EQ(to_bytes(packet.first(2)), lab::hex("46c0")) << "options, internetwork control";
    EXPECT_EQ(packet[8], std::byte{1}) << "TTL";
    EXPECT_EQ(to_bytes(packet.subspan(20, 4)), lab::hex("94040000")) << "router alert";
    EXPECT_EQ(to_bytes(ByteSpan(*frame).first(6)), lab::hex("01005e000001"));
    EXPECT_EQ(to_bytes(packet.subspan(24)), query);
  }
  EXPECT_EQ(socket_->statistics(Family::ipv4).sent, 2U);
  EXPECT_THAT(socket_->receive(Family::ipv4), IsEmpty()) << "own queries are not heard";
}

TEST_F(GroupSocketTest, MldQueriesLeaveFromTheLinkLocalAddress) {
  net_.router.run("ip addr add fe80::51/64 dev r1 nodad");
  Bytes query = lab::hex("82000000 03e80000");
  query.resize(24);
  const Result<void> sent = socket_->send(r1_, address("fe80::51"), address("ff02::1"), query);
  ASSERT_TRUE(sent) << sent.error().detail;
  std::optional<GroupPacket> packet;
  const auto frame = down_.wait_for([&](ByteSpan bytes) {
    auto parsed = parse_group_packet(Family::ipv6, bytes.subspan(14));
    auto* read = std::get_if<GroupPacket>(&parsed);
    if (read == nullptr || read->message.front() != std::byte{130}) return false;
    packet = std::move(*read);
    return true;
  });
  ASSERT_TRUE(frame) << "and with a checksum that the kernel filled in";
  EXPECT_EQ(packet->source, address("fe80::51"));
  EXPECT_EQ(packet->destination, address("ff02::1"));
  EXPECT_EQ(packet->hop_limit, 1);
  EXPECT_TRUE(packet->router_alert);
  EXPECT_EQ(packet->message.size(), 24U);
  EXPECT_EQ(to_bytes(packet_in(*frame).subspan(40, 8)), lab::hex("3a00050200000100"));
}

TEST_F(GroupSocketTest, RealHostsAnswerOurQueries) {
  const FileDescriptor member = join(net_.hosts, address("239.4.4.4"));
  // RFC 3376 4.2.12: CHANGE_TO_EXCLUDE when it joins, MODE_IS_EXCLUDE when it is asked.
  const auto report = [](std::uint8_t record) {
    return [record](const GroupPacket& packet) {
      const auto found = std::ranges::search(packet.message, address("239.4.4.4").bytes());
      return packet.message.front() == std::byte{0x22} && !found.empty() &&
             *(found.begin() - 4) == static_cast<std::byte>(record);
    };
  };
  ASSERT_TRUE(next(Family::ipv4, report(4)));
  // IGMPv3 general query, maximum response 0.1 s, robustness 2.
  ASSERT_TRUE(socket_->send(r1_, address("10.0.1.1"), address("224.0.0.1"),
                            lab::hex("1101ec810000000002 7d0000")));
  EXPECT_TRUE(next(Family::ipv4, report(2))) << "asked and answered";
}

TEST_F(GroupSocketTest, SendErrorsAreExplainedAndCounted) {
  const Bytes query = lab::hex("1164ee9b00000000");
  EXPECT_FALSE(socket_->send(Ifindex(4000), address("10.0.1.1"), address("224.0.0.1"), query));
  EXPECT_FALSE(socket_->send(r1_, address("fe80::1234"), address("ff02::1"), query))
      << "not an address of this node";
  EXPECT_EQ(socket_->send(r1_, address("fe80::1"), address("224.0.0.1"), query).error().code,
            ErrorCode::refused);
  EXPECT_EQ(socket_->statistics(Family::ipv4).send_errors, 1U);
  EXPECT_EQ(socket_->statistics(Family::ipv6).send_errors, 1U);
}

}  // namespace
}  // namespace hotpair::platform::io
