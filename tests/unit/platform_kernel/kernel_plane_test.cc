#include "platform/kernel/kernel_plane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cstring>

#include "platform/kernel/mroute.h"
#include "tests/unit/platform_kernel/lab.h"

namespace hotpair::platform::kernel {
namespace {

using fwd::AppliedChange;
using fwd::NoRoute;
using fwd::PlaneEvent;
using fwd::RemoveRoute;
using fwd::Route;
using fwd::RouteChange;
using fwd::RouteKey;
using fwd::SetRoute;
using fwd::WrongInterface;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr LinkId kUp{7};
constexpr LinkId kDown{8};
constexpr LinkId kOther{9};

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
Group group(std::string_view text) { return Group::parse(text).value(); }

/// What differs between the families in a test.
struct Names {
  Family family;
  std::string source;
  std::string down_host;
  std::string group;
  std::string group2;
};
const Names kIpv4{Family::ipv4, "10.0.0.2", "10.0.1.2", "239.1.1.1", "239.1.1.2"};
const Names kIpv6{Family::ipv6, "fd00:0::2", "fd00:1::2", "ff1e::1", "ff1e::2"};

class KernelPlaneTest : public testing::TestWithParam<Names> {
 protected:
  void SetUp() override { ASSERT_TRUE(lab::privileged()) << "root tests need root"; }

  RouteKey sg() const { return {VrfId{}, group(GetParam().group), address(GetParam().source)}; }
  RouteKey star_g() const { return {VrfId{}, group(GetParam().group), std::nullopt}; }
  static void add_links(KernelPlane& plane) {
    for (const auto& [link, device] : {std::pair(kUp, "r0"), {kDown, "r1"}, {kOther, "r2"}}) {
      const Result<void> added = plane.add_link({link, device, true, true});
      EXPECT_TRUE(added) << added.error().detail;
    }
  }
  /// A plane in the router's namespace with all links, owning both tables.
  std::unique_ptr<KernelPlane> start() const {
    const lab::Inside inside(net_.router);
    Result<RoutingSockets> sockets = RoutingSockets::open();
    EXPECT_TRUE(sockets) << sockets.error().detail;
    auto plane = KernelPlane::create(std::move(*sockets));
    EXPECT_TRUE(plane) << plane.error().detail;
    add_links(**plane);
    return std::move(*plane);
  }
  std::optional<Error> change(KernelPlane& plane, const RouteChange& change) const {
    const lab::Inside inside(net_.router);
    const auto applied = plane.apply(std::span(&change, 1));
    EXPECT_THAT(applied, SizeIs(1));
    return applied.front().error;
  }
  std::vector<Route> read_back(KernelPlane& plane) const {
    const lab::Inside inside(net_.router);
    const auto routes = plane.read_back();
    EXPECT_TRUE(routes) << routes.error().detail;
    return routes ? *routes : std::vector<Route>{};
  }
  Bytes packet(std::string_view marker) const { return packet_to(GetParam().group, marker); }
  Bytes packet_to(std::string_view to, std::string_view marker) const {
    return lab::udp_frame(address(GetParam().source), address(to), marker);
  }
  static bool arrives(const lab::Wire& wire, std::string_view marker) {
    return wire.wait_for([&](ByteSpan frame) { return lab::contains(frame, marker); }).has_value();
  }
  /// Waits until the route has seen so many packets.
  bool counted(KernelPlane& plane, const RouteKey& key, std::uint64_t packets) const {
    const lab::Inside inside(net_.router);
    return lab::eventually([&] {
      const auto counters = plane.counters(std::span(&key, 1));
      return counters.front() && counters.front()->packets == packets;
    });
  }
  template <typename Event>
  std::optional<Event> next_event(KernelPlane& plane) const {
    std::optional<Event> found;
    static_cast<void>(lab::eventually([&] {
      for (const PlaneEvent& event : plane.poll_events()) {
        if (const auto* wanted = std::get_if<Event>(&event)) found = *wanted;
      }
      return found.has_value();
    }));
    return found;
  }

  lab::Topology net_;
  lab::Wire source_{net_.hosts, "h0"};
  lab::Wire down_{net_.hosts, "h1"};
  lab::Wire other_{net_.hosts, "h2"};
};

INSTANTIATE_TEST_SUITE_P(Families, KernelPlaneTest, testing::Values(kIpv4, kIpv6),
                         [](const auto& names) {
                           return names.param.family == Family::ipv4 ? "Ipv4" : "Ipv6";
                         });

TEST_P(KernelPlaneTest, SourceRouteForwardsAndCounts) {
  const auto plane = start();
  ASSERT_EQ(change(*plane, SetRoute{{sg(), kUp, {kDown}}}), std::nullopt);
  source_.send(packet("first"));
  EXPECT_TRUE(arrives(down_, "first"));
  EXPECT_TRUE(counted(*plane, sg(), 1));
  EXPECT_EQ(other_.count("first"), 0U);
  ASSERT_EQ(change(*plane, SetRoute{{sg(), kUp, {kDown, kOther}}}), std::nullopt) << "replaced";
  source_.send(packet("second"));
  EXPECT_TRUE(arrives(down_, "second"));
  EXPECT_TRUE(arrives(other_, "second"));
  EXPECT_TRUE(counted(*plane, sg(), 2)) << "a replacement keeps the counters";
  ASSERT_EQ(change(*plane, RemoveRoute{sg()}), std::nullopt);
  EXPECT_EQ(change(*plane, RemoveRoute{sg()})->code, ErrorCode::not_found);
}

TEST_P(KernelPlaneTest, StarGForwardsFromItsIncomingLink) {
  const auto plane = start();
  ASSERT_EQ(change(*plane, SetRoute{{star_g(), kUp, {kDown}}}), std::nullopt);
  source_.send(packet("shared"));
  EXPECT_TRUE(arrives(down_, "shared"));
  EXPECT_EQ(source_.count("shared"), 0U) << "never back to where it came from";
  // From an outgoing link it is the wrong interface, not a second source of the tree.
  down_.send(packet("stray"));
  const auto wrong = next_event<WrongInterface>(*plane);
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->link, kDown);
  EXPECT_EQ(source_.count("stray"), 0U);
  // From a link of neither kind there is no route at all.
  other_.send(packet("unknown"));
  const auto none = next_event<NoRoute>(*plane);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->link, kOther);
}

TEST_P(KernelPlaneTest, StarGMovesItsIncomingLinkWithoutASecondEntry) {
  const auto plane = start();
  ASSERT_EQ(change(*plane, SetRoute{{star_g(), kUp, {kDown}}}), std::nullopt);
  const Route moved{star_g(), kOther, {kDown}};
  ASSERT_EQ(change(*plane, SetRoute{moved}), std::nullopt);
  EXPECT_THAT(read_back(*plane), ElementsAre(moved));
  other_.send(packet("moved"));
  EXPECT_TRUE(arrives(down_, "moved"));
  ASSERT_EQ(change(*plane, RemoveRoute{star_g()}), std::nullopt);
  EXPECT_THAT(read_back(*plane), IsEmpty());
}

TEST_P(KernelPlaneTest, UpcallIsAnsweredAndTheWaitingPacketForwarded) {
  const auto plane = start();
  source_.send(packet("waits"));
  const auto event = next_event<NoRoute>(*plane);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->link, kUp);
  EXPECT_EQ(event->source, address(GetParam().source));
  EXPECT_EQ(event->group, group(GetParam().group));
  EXPECT_EQ(plane->statistics().no_route, 1U);
  ASSERT_EQ(change(*plane, SetRoute{{sg(), event->link, {kDown}}}), std::nullopt);
  EXPECT_TRUE(arrives(down_, "waits")) << "the kernel held the packet until the answer";
}

TEST_P(KernelPlaneTest, NegativeRouteSilencesUpcalls) {
  const auto plane = start();
  for (const Route& negative : {Route{sg(), std::nullopt, {}}, Route{sg(), kUp, {}}}) {
    ASSERT_EQ(change(*plane, SetRoute{negative}), std::nullopt);
    source_.send(packet("dropped"));
    ASSERT_TRUE(counted(*plane, sg(), 1));
    EXPECT_THAT(plane->poll_events(), IsEmpty());
    ASSERT_EQ(change(*plane, RemoveRoute{sg()}), std::nullopt);
  }
  EXPECT_EQ(down_.count("dropped"), 0U);
}

TEST_P(KernelPlaneTest, WrongInterfaceIsReportedForOutgoingLinks) {
  const auto plane = start();
  ASSERT_EQ(change(*plane, SetRoute{{sg(), kUp, {kDown}}}), std::nullopt);
  down_.send(packet("other router"));
  const auto event = next_event<WrongInterface>(*plane);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->link, kDown);
  EXPECT_EQ(event->group, group(GetParam().group));
  const lab::Inside inside(net_.router);
  const RouteKey key = sg();
  EXPECT_EQ(plane->counters(std::span(&key, 1)).front()->wrong_interface, 1U);
}

TEST_P(KernelPlaneTest, ErrorsAreAnsweredItemByItem) {
  const auto plane = start();
  const RouteKey second{VrfId{}, group(GetParam().group2), address(GetParam().source)};
  const RouteKey other_vrf{VrfId{3}, group(GetParam().group), std::nullopt};
  const std::vector<RouteChange> delta{
      RemoveRoute{sg()},                        // not there
      SetRoute{{sg(), kUp, {kDown}}},           // fine
      SetRoute{{second, LinkId{99}, {}}},       // unknown link
      SetRoute{{other_vrf, kUp, {kDown}}},      // not this plane's
      SetRoute{{second, std::nullopt, {kUp}}},  // no incoming link
      RemoveRoute{second},                      // not there
      SetRoute{{star_g(), kUp, {kDown}}},       // fine, and the last asks for the answer
  };
  const lab::Inside inside(net_.router);
  const std::vector<AppliedChange> applied = plane->apply(delta);
  ASSERT_THAT(applied, SizeIs(delta.size()));
  const std::vector<std::optional<ErrorCode>> expected{
      ErrorCode::not_found, std::nullopt,         ErrorCode::refused, ErrorCode::refused,
      ErrorCode::refused,   ErrorCode::not_found, std::nullopt};
  for (std::size_t index = 0; index < applied.size(); ++index) {
    const auto& error = applied[index].error;
    EXPECT_EQ(error ? std::optional(error->code) : std::nullopt, expected[index]) << index;
  }
  EXPECT_EQ(plane->statistics().routes_set, 2U);
  EXPECT_EQ(plane->statistics().route_errors, 5U);
}

TEST_P(KernelPlaneTest, LargeDeltaIsAppliedWholeAndReadBack) {
  const auto plane = start();
  std::vector<RouteChange> delta;
  for (std::uint32_t n = 0; n < 700; ++n) {
    Bytes bytes = to_bytes(address(GetParam().group).bytes());
    bytes[bytes.size() - 1] = static_cast<std::byte>(n & 0xffU);
    bytes[bytes.size() - 2] = static_cast<std::byte>(0x10 + (n >> 8U));
    const Group to = Group::from(IpAddress::from_bytes(bytes).value()).value();
    delta.emplace_back(SetRoute{{{VrfId{}, to, address(GetParam().source)}, kUp, {kDown}}});
  }
  const lab::Inside inside(net_.router);
  for (const AppliedChange& applied : plane->apply(delta)) EXPECT_EQ(applied.error, std::nullopt);
  const auto routes = plane->read_back();
  ASSERT_TRUE(routes);
  EXPECT_THAT(*routes, SizeIs(700));
  EXPECT_EQ(routes->front().outgoing, std::vector{kDown});
}

/// Sends two descriptors over a Unix socket, as daemon and keeper do.
void send_descriptors(int socket, const RoutingDescriptors& owner) {
  const std::array<int, 2> fds{owner.ipv4, owner.ipv6};
  char byte = 'x';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof fds);
  static_cast<void>(::sendmsg(socket, &message, 0));
}

std::array<FileDescriptor, 2> receive_descriptors(int socket) {
  std::array<int, 2> fds{-1, -1};
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != nullptr)
    std::memcpy(fds.data(), CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fds);
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

TEST_P(KernelPlaneTest, ForwardingOutlivesAKilledOwnerAndIsAdopted) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  const FileDescriptor keeper(ends[0]);
  FileDescriptor daemon(ends[1]);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // the daemon: programs the plane, hands the owner sockets over, waits to die
    const auto plane = start();
    const bool done = !change(*plane, SetRoute{{sg(), kUp, {kDown}}}) &&
                      !change(*plane, SetRoute{{star_g(), kUp, {kOther}}});
    if (done) send_descriptors(daemon.get(), plane->descriptors());
    for (;;) ::pause();
  }
  daemon.reset();
  std::array<FileDescriptor, 2> kept = receive_descriptors(keeper.get());
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_TRUE(kept[0].valid() && kept[1].valid());
  source_.send(packet("orphan"));
  EXPECT_TRUE(arrives(down_, "orphan")) << "the killed owner's route forwards on";
  {
    const lab::Inside inside(net_.router);
    const auto second = RoutingSockets::open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::exists);
  }
  const lab::Inside inside(net_.router);
  auto sockets = RoutingSockets::adopt(std::move(kept[0]), std::move(kept[1]));
  ASSERT_TRUE(sockets) << sockets.error().detail;
  auto plane = KernelPlane::create(std::move(*sockets));
  ASSERT_TRUE(plane) << plane.error().detail;
  // The new daemon numbers its links in another order and has given one up.
  ASSERT_TRUE((*plane)->add_link({kDown, "r1", true, true}));
  ASSERT_TRUE((*plane)->add_link({kUp, "r0", true, true}));
  EXPECT_EQ((*plane)->vif_number(kUp, GetParam().family), 0U) << "numbers are kept";
  EXPECT_EQ((*plane)->vif_number(kDown, GetParam().family), 1U);
  EXPECT_THAT(read_back(**plane),
              UnorderedElementsAre(Route{sg(), kUp, {kDown}}, Route{star_g(), kUp, {}}));
  EXPECT_EQ((*plane)->remove_unclaimed_links(), 2U) << "r2 of both families";
  source_.send(packet_to(GetParam().group2, "new"));
  const auto event = next_event<NoRoute>(**plane);
  ASSERT_TRUE(event) << "upcalls reach the adopter";
  const RouteKey answer{VrfId{}, event->group, event->source};
  ASSERT_EQ(change(**plane, SetRoute{{answer, event->link, {kDown}}}), std::nullopt);
  EXPECT_TRUE(arrives(down_, "new"));
}

TEST_P(KernelPlaneTest, RoutesGoWithTheLastDescriptor) {
  auto plane = start();
  ASSERT_EQ(change(*plane, SetRoute{{sg(), kUp, {kDown}}}), std::nullopt);
  plane.reset();
  plane = start();
  EXPECT_THAT(read_back(*plane), IsEmpty()) << "owner entries, not static ones";
}

TEST_P(KernelPlaneTest, VifLimitIsAClearErrorAndAnEvent) {
  std::string batch;
  for (int n = 0; n < 33; ++n)
    batch += "ip link add x" + std::to_string(n) + " type veth peer name y" + std::to_string(n) +
             " && ip link set x" + std::to_string(n) + " up && ";
  net_.router.run(batch + "true");
  const lab::Inside inside(net_.router);
  auto sockets = RoutingSockets::open();
  ASSERT_TRUE(sockets);
  auto plane = KernelPlane::create(std::move(*sockets));
  ASSERT_TRUE(plane);
  const bool ipv4 = GetParam().family == Family::ipv4;
  for (std::uint32_t n = 0; n < 32; ++n)
    ASSERT_TRUE((*plane)->add_link({LinkId{n}, "x" + std::to_string(n), ipv4, !ipv4}));
  const Result<void> one_more = (*plane)->add_link({LinkId{32}, "x32", ipv4, !ipv4});
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().code, ErrorCode::exhausted);
  EXPECT_THAT(one_more.error().detail, testing::HasSubstr("at most 32 interfaces"));
  const auto events = (*plane)->poll_events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(std::get<fwd::CapacityReached>(events.front()).limit, 32U);
  ASSERT_TRUE((*plane)->remove_link(LinkId{5}));
  ASSERT_TRUE((*plane)->add_link({LinkId{32}, "x32", ipv4, !ipv4}));
  EXPECT_EQ((*plane)->vif_number(LinkId{32}, GetParam().family), 5U);
}

TEST_P(KernelPlaneTest, LinkFollowsItsDeviceAndKeepsItsNumber) {
  const auto plane = start();
  ASSERT_EQ(change(*plane, SetRoute{{sg(), kUp, {kDown}}}), std::nullopt);
  const auto number = plane->vif_number(kDown, GetParam().family);
  net_.router.run("ip link del r1");  // the kernel drops the VIF with it
  net_.router.run("ip link add r1 type veth peer name h1 netns /proc/" +
                  std::to_string(::getpid()) + "/fd/" + std::to_string(net_.hosts.descriptor()) +
                  " && ip link set r1 up");
  net_.hosts.run("ip link set h1 up");
  {
    const lab::Inside inside(net_.router);
    ASSERT_TRUE(plane->add_link({kDown, "r1", true, true}));
  }
  EXPECT_EQ(plane->vif_number(kDown, GetParam().family), number);
  const lab::Wire again(net_.hosts, "h1");
  ASSERT_EQ(change(*plane, SetRoute{{sg(), kUp, {kDown}}}), std::nullopt);
  source_.send(packet("back"));
  EXPECT_TRUE(arrives(again, "back"));
}

TEST_P(KernelPlaneTest, AReadOfEventsIsBoundedAndNothingIsLost) {
  const auto plane = start();
  const std::string stem = GetParam().group.substr(0, GetParam().group.size() - 1);
  for (int n = 1; n <= 9; ++n) source_.send(packet_to(stem + std::to_string(n), "many"));
  std::size_t events = 0;
  EXPECT_TRUE(lab::eventually([&] {
    const std::size_t read = plane->poll_events(4).size();
    EXPECT_LE(read, 4U);
    events += read;
    return events == 9;
  }));
  EXPECT_EQ(plane->statistics().no_route, 9U);
  EXPECT_EQ(plane->statistics().kernel_drops, 0U);
}

TEST_P(KernelPlaneTest, StaticsOfOthersAreUsedButNeverDeleted) {
  // Somebody without a table of his own left VIF 4 on r1 and, for IPv4, a static route.
  const bool ipv4 = GetParam().family == Family::ipv4;
  {
    const lab::Inside inside(net_.router);
    const FileDescriptor other(ipv4 ? ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_IGMP)
                                    : ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    if (ipv4) {
      vifctl vif{};
      vif.vifc_vifi = 4;
      vif.vifc_flags = VIFF_USE_IFINDEX;
      vif.vifc_lcl_ifindex = static_cast<int>(net_.router_index("r1").value());
      ASSERT_EQ(::setsockopt(other.get(), IPPROTO_IP, MRT_ADD_VIF, &vif, sizeof vif), 0);
      mfcctl route{};
      std::memcpy(&route.mfcc_origin, address("10.0.0.77").bytes().data(), 4);
      std::memcpy(&route.mfcc_mcastgrp, address("239.77.0.1").bytes().data(), 4);
      route.mfcc_parent = 4;
      ASSERT_EQ(::setsockopt(other.get(), IPPROTO_IP, MRT_ADD_MFC, &route, sizeof route), 0);
    } else {
      mif6ctl mif{};
      mif.mif6c_mifi = 4;
      mif.mif6c_pifi = static_cast<std::uint16_t>(net_.router_index("r1").value());
      ASSERT_EQ(::setsockopt(other.get(), IPPROTO_IPV6, MRT6_ADD_MIF, &mif, sizeof mif), 0);
    }
  }
  const auto plane = start();
  EXPECT_EQ(plane->vif_number(kDown, GetParam().family), 4U);
  ASSERT_EQ(change(*plane, SetRoute{{sg(), kUp, {kDown}}}), std::nullopt);
  source_.send(packet("over it"));
  EXPECT_TRUE(arrives(down_, "over it"));
  EXPECT_THAT(read_back(*plane), ElementsAre(Route{sg(), kUp, {kDown}}));
  EXPECT_EQ(plane->statistics().foreign_routes, ipv4 ? 1U : 0U);
  ASSERT_EQ(change(*plane, RemoveRoute{sg()}), std::nullopt);
  const lab::Inside inside(net_.router);
  EXPECT_EQ(plane->remove_unclaimed_links(), 0U);
  ASSERT_TRUE(plane->remove_link(kDown));
  net_.router.run("grep -q ' 4 r1 ' /proc/self/net/" +
                  std::string(ipv4 ? "ip_mr_vif" : "ip6_mr_vif"));
}

TEST_P(KernelPlaneTest, OneDeviceServesOneLinkAndMissingDevicesAreNamed) {
  const auto plane = start();
  const lab::Inside inside(net_.router);
  EXPECT_EQ(plane->add_link({LinkId{50}, "r1", true, true}).error().code, ErrorCode::exists);
  const Result<void> missing = plane->add_link({LinkId{51}, "nowhere0", true, true});
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().detail, testing::HasSubstr("nowhere0"));
  EXPECT_EQ(plane->remove_link(LinkId{51}).error().code, ErrorCode::not_found);
  ASSERT_TRUE(plane->add_link({kDown, "r1", true, false}));
  EXPECT_TRUE(plane->vif_number(kDown, Family::ipv4));
  EXPECT_FALSE(plane->vif_number(kDown, Family::ipv6)) << "the family set changed in place";
}

TEST(RoutingSocketsTest, ForeignDescriptorsAreRefused) {
  FileDescriptor udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  FileDescriptor udp6(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto sockets = RoutingSockets::adopt(std::move(udp), std::move(udp6));
  ASSERT_FALSE(sockets);
  EXPECT_EQ(sockets.error().code, ErrorCode::malformed);
}

}  // namespace
}  // namespace hotpair::platform::kernel
