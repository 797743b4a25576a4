#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>

#include <cstring>

#include "mcast/wire/checksum.h"
#include "mcast/wire/pim_message.h"
#include "platform/kernel/kernel_plane.h"
#include "platform/kernel/mroute.h"
#include "tests/unit/platform_kernel/lab.h"

// The register tunnel of PIM in the kernel: packets out of it as events, Registers into it.
namespace hotpair::platform::kernel {
namespace {

using fwd::NoRoute;
using fwd::PlaneEvent;
using fwd::Route;
using fwd::RouteChange;
using fwd::RouteKey;
using fwd::SetRoute;
using fwd::WholePacket;
using fwd::WrongInterface;

constexpr LinkId kUp{7};
constexpr LinkId kDown{8};
constexpr LinkId kOther{9};
constexpr LinkId kTunnel{20};
constexpr std::size_t kEthernet = 14;

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

struct Names {
  Family family;
  std::string source;  ///< behind h0
  std::string remote;  ///< a source that is heard of in Registers
  std::string router;  ///< its address towards h0
  std::string group;
  std::string device;
};
const Names kIpv4{Family::ipv4, "10.0.0.2", "192.0.2.7", "10.0.0.1", "239.1.1.1", "pimreg"};
const Names kIpv6{Family::ipv6, "fd00:0::2", "2001:db8::7", "fd00:0::1", "ff1e::1", "pim6reg"};

class RegisterTunnelTest : public testing::TestWithParam<Names> {
 protected:
  void SetUp() override { ASSERT_TRUE(lab::privileged()) << "root tests need root"; }

  Group group() const { return Group::parse(GetParam().group).value(); }
  RouteKey native() const { return {VrfId{}, group(), address(GetParam().source)}; }
  RouteKey remote() const { return {VrfId{}, group(), address(GetParam().remote)}; }

  static void add_links(KernelPlane& plane) {
    for (const auto& [link, device] : {std::pair(kUp, "r0"), {kDown, "r1"}, {kOther, "r2"}})
      EXPECT_TRUE(plane.add_link({link, device, true, true}));
    const Result<void> added = plane.add_link({kTunnel, "", true, true, true});
    EXPECT_TRUE(added) << added.error().detail;
  }
  std::unique_ptr<KernelPlane> start() const {
    const lab::Inside inside(net_.router);
    Result<RoutingSockets> sockets = RoutingSockets::open();
    EXPECT_TRUE(sockets) << sockets.error().detail;
    auto plane = KernelPlane::create(std::move(*sockets));
    EXPECT_TRUE(plane) << plane.error().detail;
    add_links(**plane);
    return std::move(*plane);
  }
  void set(KernelPlane& plane, const Route& route) const {
    const lab::Inside inside(net_.router);
    const RouteChange change = SetRoute{route};
    EXPECT_EQ(plane.apply(std::span(&change, 1)).front().error, std::nullopt);
  }
  static bool arrives(const lab::Wire& wire, std::string_view marker) {
    return wire.wait_for([&](ByteSpan frame) { return lab::contains(frame, marker); }).has_value();
  }
  template <typename Event>
  static std::optional<Event> next_event(KernelPlane& plane) {
    std::optional<Event> found;
    static_cast<void>(lab::eventually([&] {
      for (const PlaneEvent& event : plane.poll_events()) {
        if (const auto* wanted = std::get_if<Event>(&event)) found = *wanted;
      }
      return found.has_value();
    }));
    return found;
  }
  Bytes frame_of(const std::string& source, std::string_view marker) const {
    return lab::udp_frame(address(source), group().address(), marker);
  }
  /// A router in the hosts' namespace sends a Register to this one, as any PIM program would.
  void send_register(std::string_view marker, bool null_register = false) const {
    const lab::Inside inside(net_.hosts);
    const Bytes frame = frame_of(GetParam().remote, marker);
    mcast::wire::PimRegister message{.null_register = null_register,
                                     .source = address(GetParam().remote),
                                     .group = group(),
                                     .packet = ByteSpan(frame).subspan(kEthernet)};
    const IpAddress to = address(GetParam().router);
    const Bytes bytes = mcast::wire::encode_pim(message, address(GetParam().source), to);
    const bool ipv4 = GetParam().family == Family::ipv4;
    const FileDescriptor socket(
        ::socket(ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_PIM));
    sockaddr_in to4{};
    to4.sin_family = AF_INET;
    sockaddr_in6 to6{};
    to6.sin6_family = AF_INET6;
    std::memcpy(ipv4 ? static_cast<void*>(&to4.sin_addr) : &to6.sin6_addr, to.bytes().data(),
                to.bytes().size());
    const auto* name =
        ipv4 ? reinterpret_cast<const sockaddr*>(&to4) : reinterpret_cast<const sockaddr*>(&to6);
    const socklen_t size = ipv4 ? sizeof to4 : sizeof to6;
    EXPECT_EQ(::sendto(socket.get(), bytes.data(), bytes.size(), 0, name, size),
              static_cast<ssize_t>(bytes.size()));
  }
  /// Offset of the TTL or hop limit in a frame.
  std::size_t ttl_at() const { return kEthernet + (GetParam().family == Family::ipv4 ? 8 : 7); }
  unsigned device_index() const {
    const lab::Inside inside(net_.router);
    return ::if_nametoindex(GetParam().device.c_str());
  }

  lab::Topology net_;
  lab::Wire source_{net_.hosts, "h0"};
  lab::Wire down_{net_.hosts, "h1"};
};

INSTANTIATE_TEST_SUITE_P(Families, RegisterTunnelTest, testing::Values(kIpv4, kIpv6),
                         [](const auto& names) {
                           return names.param.family == Family::ipv4 ? "Ipv4" : "Ipv6";
                         });

TEST_P(RegisterTunnelTest, WhatLeavesByItComesUpWhole) {
  const auto plane = start();
  set(*plane, {native(), kUp, {kDown, kTunnel}});
  const Bytes frame = frame_of(GetParam().source, std::string(1400, 'w'));
  source_.send(frame);
  const auto event = next_event<WholePacket>(*plane);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->link, kTunnel);
  EXPECT_EQ(event->source, address(GetParam().source));
  EXPECT_EQ(event->group, group());
  EXPECT_EQ(event->packet, to_bytes(ByteSpan(frame).subspan(kEthernet)))
      << "as it arrived: the TTL is not lowered";
  EXPECT_TRUE(arrives(down_, "www")) << "the other outgoing links have it too";
  EXPECT_EQ(plane->statistics().whole_packets, 1U);
  EXPECT_EQ(plane->statistics().malformed, 0U);
}

// A host on a veth pair leaves the checksum to a card that is not there.
TEST_P(RegisterTunnelTest, AChecksumLeftToTheCardIsThere) {
  const auto plane = start();
  set(*plane, {native(), kUp, {kTunnel}});
  const std::string sender = "python3 -c \"import socket as s; f=s.AF_INET6 if ':' in '" +
                             GetParam().group +
                             "' else s.AF_INET; u=s.socket(f,s.SOCK_DGRAM); "
                             "u.bind(('" +
                             GetParam().source +
                             "',5000)); "
                             "u.setsockopt(41,18,16) if f==s.AF_INET6 else u.setsockopt(0,33,16); "
                             "u.setsockopt(41,17,s.if_nametoindex('h0')) if f==s.AF_INET6 else "
                             "u.setsockopt(0,32,s.inet_aton('" +
                             GetParam().source +
                             "')); "
                             "u.sendto(b'from a socket',('" +
                             GetParam().group + "',5001))\"";
  net_.hosts.run(sender);
  const auto event = next_event<WholePacket>(*plane);
  ASSERT_TRUE(event);
  const ByteSpan packet = event->packet;
  const std::size_t header = GetParam().family == Family::ipv4 ? 20 : 40;
  ASSERT_GT(packet.size(), header);
  EXPECT_EQ(mcast::wire::pseudo_checksum(event->source, event->group.address(), IPPROTO_UDP,
                                         packet.subspan(header)),
            0);
}

TEST_P(RegisterTunnelTest, RegistersAreForwardedByTheRouteOfTheTunnel) {
  const auto plane = start();
  set(*plane, {remote(), kTunnel, {kDown}});
  send_register("by source");
  const auto frame =
      down_.wait_for([](ByteSpan bytes) { return lab::contains(bytes, "by source"); });
  ASSERT_TRUE(frame);
  EXPECT_EQ((*frame)[ttl_at()], std::byte{15}) << "lowered once, behind the tunnel";
  set(*plane, {{VrfId{}, group(), std::nullopt}, kTunnel, {kOther}});
  const lab::Inside inside(net_.router);
  const RouteKey key = remote();
  EXPECT_EQ(plane->counters(std::span(&key, 1)).front()->packets, 1U);
}

TEST_P(RegisterTunnelTest, AStarGOfTheTunnelTakesRegistersOfAnySource) {
  const auto plane = start();
  set(*plane, {{VrfId{}, group(), std::nullopt}, kTunnel, {kDown}});
  send_register("shared");
  EXPECT_TRUE(arrives(down_, "shared"));
}

TEST_P(RegisterTunnelTest, ARegisterWithoutRouteIsANoRouteOnTheTunnel) {
  const auto plane = start();
  send_register("waits");
  const auto event = next_event<NoRoute>(*plane);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->link, kTunnel);
  EXPECT_EQ(event->source, address(GetParam().remote));
  EXPECT_EQ(event->group, group());
  set(*plane, {remote(), kTunnel, {kDown}});
  EXPECT_TRUE(arrives(down_, "waits")) << "the kernel held the packet until the answer";
}

TEST_P(RegisterTunnelTest, ANullRegisterIsNoPacket) {
  const auto plane = start();
  set(*plane, {remote(), kTunnel, {kDown}});
  send_register("null", true);
  send_register("data");
  EXPECT_TRUE(arrives(down_, "data"));
  const lab::Inside inside(net_.router);
  const RouteKey key = remote();
  EXPECT_EQ(plane->counters(std::span(&key, 1)).front()->packets, 1U);
}

TEST_P(RegisterTunnelTest, NativePacketsBesideTheTunnelAreOnAWrongInterface) {
  const auto plane = start();
  set(*plane, {remote(), kTunnel, {kDown}});
  source_.send(frame_of(GetParam().remote, "native"));
  const auto event = next_event<WrongInterface>(*plane);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->link, kUp) << "which is no outgoing link";
  EXPECT_EQ(event->source, address(GetParam().remote));
  // The other way round: the source's tree is there, and a Register still comes.
  const RouteChange gone = fwd::RemoveRoute{remote()};
  {
    const lab::Inside inside(net_.router);
    EXPECT_EQ(plane->apply(std::span(&gone, 1)).front().error, std::nullopt);
  }
  set(*plane, {remote(), kUp, {kDown}});
  send_register("late");
  const auto late = next_event<WrongInterface>(*plane);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->link, kTunnel);
  EXPECT_EQ(down_.count("late"), 0U);
}

TEST_P(RegisterTunnelTest, ItIsReadBackAdoptedAndRemoved) {
  auto plane = start();
  const Route out{native(), kUp, {kDown, kTunnel}};
  const Route in{remote(), kTunnel, {kDown}};
  set(*plane, out);
  set(*plane, in);
  const auto number = plane->vif_number(kTunnel, GetParam().family);
  ASSERT_TRUE(number);
  const unsigned device = device_index();
  EXPECT_NE(device, 0U);
  const RoutingDescriptors owner = plane->descriptors();
  FileDescriptor ipv4(::dup(owner.ipv4));
  FileDescriptor ipv6(::dup(owner.ipv6));
  plane.reset();
  const lab::Inside inside(net_.router);
  auto sockets = RoutingSockets::adopt(std::move(ipv4), std::move(ipv6));
  ASSERT_TRUE(sockets) << sockets.error().detail;
  auto adopted = KernelPlane::create(std::move(*sockets));
  ASSERT_TRUE(adopted);
  plane = std::move(*adopted);
  ASSERT_TRUE(plane->add_link({kTunnel, "", true, true, true}));
  add_links(*plane);
  EXPECT_EQ(plane->vif_number(kTunnel, GetParam().family), number);
  EXPECT_EQ(device_index(), device) << "the same one, not another";
  const auto routes = plane->read_back();
  ASSERT_TRUE(routes);
  EXPECT_THAT(*routes, testing::UnorderedElementsAre(out, in));
  EXPECT_EQ(plane->remove_unclaimed_links(), 0U);
  EXPECT_EQ(plane->add_link({LinkId{21}, "", true, true, true}).error().code, ErrorCode::exists);
  ASSERT_TRUE(plane->remove_link(kTunnel));
  EXPECT_EQ(device_index(), 0U);
  ASSERT_TRUE(plane->add_link({kTunnel, "", true, true, true}));
  EXPECT_NE(device_index(), 0U);
}

// The settings of a table outlive its owner: here one that wanted whole packets of the wrong ones.
TEST_P(RegisterTunnelTest, SettingsOfAnEarlierOwnerDoNotCount) {
  {
    const lab::Inside inside(net_.router);
    auto earlier = RoutingSockets::open();
    ASSERT_TRUE(earlier);
    const int nothing = 0;
    const int whole = 4;
    const RoutingDescriptors owner = earlier->descriptors();
    for (const int value : {nothing, whole}) {
      ASSERT_EQ(::setsockopt(owner.ipv4, IPPROTO_IP, MRT_PIM, &value, sizeof value), 0);
      ASSERT_EQ(::setsockopt(owner.ipv6, IPPROTO_IPV6, MRT6_PIM, &value, sizeof value), 0);
    }
  }
  const auto plane = start();
  set(*plane, {remote(), kTunnel, {kDown}});
  source_.send(frame_of(GetParam().remote, "native"));
  ASSERT_TRUE(next_event<WrongInterface>(*plane));
  send_register("goes on");
  EXPECT_TRUE(arrives(down_, "goes on"));
  EXPECT_TRUE(plane->poll_events().empty());
  EXPECT_EQ(plane->statistics().malformed, 0U);
}

}  // namespace
}  // namespace hotpair::platform::kernel
