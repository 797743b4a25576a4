// The kernel's own protocols across the trunk: TCP with its offloads, fragments, a bridge,
// multicast routing, IGMP and MLD.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <thread>

#include "platform/kernel/kernel_plane.h"
#include "tests/unit/platform_kernel_trunk/trunk_lab.h"

namespace hotpair::platform::kernel {
namespace {

using lab::address;
using lab::contains;

constexpr LinkId kUp{1};
constexpr LinkId kTrunk{2};

Group group(std::string_view text) { return Group::parse(text).value(); }

/// Folds the Internet checksum of a TCP or UDP segment and its pseudo-header; 0xffff is right.
std::uint16_t transport_sum(ByteSpan addresses, std::uint8_t protocol, ByteSpan segment) {
  std::uint32_t sum = protocol + static_cast<std::uint32_t>(segment.size());
  for (const ByteSpan part : {addresses, segment}) {
    ByteReader reader(part);
    while (reader.remaining() >= 2) sum += reader.u16();
    if (reader.remaining() == 1) sum += static_cast<std::uint32_t>(reader.u8()) << 8U;
  }
  while ((sum >> 16U) != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

/// What is seen of TCP on a wire.
struct Seen {
  int right = 0;
  int wrong = 0;
  std::size_t largest = 0;
};

void look_at(ByteSpan frame, Seen& seen) {
  ByteSpan addresses;
  ByteSpan segment;
  if (frame[12] == std::byte{0x08} && frame[13] == std::byte{0}) {
    if (frame[14 + 9] != std::byte{IPPROTO_TCP}) return;
    ByteReader length(frame.subspan(14 + 2));
    addresses = frame.subspan(14 + 12, 8);
    segment = frame.subspan(34, length.u16() - 20U);
  } else if (frame[12] == std::byte{0x86}) {
    if (frame[14 + 6] != std::byte{IPPROTO_TCP}) return;
    ByteReader length(frame.subspan(14 + 4));
    addresses = frame.subspan(14 + 8, 32);
    segment = frame.subspan(54, length.u16());
  } else {
    return;
  }
  seen.largest = std::max(seen.largest, frame.size());
  ++(transport_sum(addresses, IPPROTO_TCP, segment) == 0xffff ? seen.right : seen.wrong);
}

class EthTrunkStackTest : public lab::TrunkLab {
 protected:
  void SetUp() override {
    TrunkLab::SetUp();
    if (!HasFatalFailure()) answer_with_a_trunk();
  }

  /// Sends `bytes` over one TCP connection to the access device and has them sent back.
  void echo_over_tcp(const IpAddress& server, std::size_t bytes) const {
    const bool v4 = server.is_v4();
    FileDescriptor listener;
    sockaddr_storage name{};
    socklen_t name_size = sizeof name;
    {
      const lab::Inside inside(access_);
      listener = FileDescriptor(::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
      name.ss_family = v4 ? AF_INET : AF_INET6;
      ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name),
                       v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)),
                0);
      ASSERT_EQ(::listen(listener.get(), 1), 0);
      ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &name_size), 0);
    }
    std::thread echo([&] {
      const FileDescriptor end(::accept(listener.get(), nullptr, nullptr));
      std::vector<char> buffer(1 << 16);
      std::size_t done = 0;
      while (done < bytes) {
        const ssize_t size = ::recv(end.get(), buffer.data(), buffer.size(), 0);
        if (size <= 0) return;
        if (::send(end.get(), buffer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) != size)
          return;
        done += static_cast<std::size_t>(size);
      }
    });
    exchange(server, name, name_size, bytes);
    echo.join();
  }

  /// The client's half.
  void exchange(const IpAddress& server, sockaddr_storage name, socklen_t name_size,
                std::size_t bytes) const {
    const lab::Inside inside(router_);
    const FileDescriptor client(::socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    void* where = name.ss_family == AF_INET
                      ? static_cast<void*>(&reinterpret_cast<sockaddr_in*>(&name)->sin_addr)
                      : &reinterpret_cast<sockaddr_in6*>(&name)->sin6_addr;
    std::memcpy(where, server.bytes().data(), server.bytes().size());
    const timeval patience{10, 0};
    ASSERT_EQ(::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&name), name_size), 0);
    std::thread feed([&] {
      const std::vector<char> data(bytes, 'x');
      EXPECT_EQ(::send(client.get(), data.data(), data.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(bytes));
    });
    std::vector<char> buffer(1 << 16);
    std::size_t back = 0;
    while (back < bytes) {
      const ssize_t size = ::recv(client.get(), buffer.data(), buffer.size(), 0);
      if (size <= 0) break;
      back += static_cast<std::size_t>(size);
    }
    feed.join();
    EXPECT_EQ(back, bytes);
  }
};

TEST_F(EthTrunkStackTest, TcpIsRightOnAWireWithoutOffloads) {
  // As a card that computes nothing: what leaves must be complete.
  for (int n = 0; n < 3; ++n)
    router_.run(fmt::format("ethtool -K m{0} tx off tso off gso off sg off >/dev/null 2>&1", n));
  router_.run("ethtool -k Eth-Trunk1 | grep -q 'tcp-segmentation-offload: on'");
  for (const auto& port : ports_) static_cast<void>(port->count("x"));
  for (const char* server : {"10.1.0.2", "fd01::2"})
    for (int connection = 0; connection < 4; ++connection) {
      echo_over_tcp(address(server), 60000);
      Seen seen;
      for (const auto& port : ports_)
        static_cast<void>(port->wait_for(
            [&](ByteSpan frame) {
              look_at(frame, seen);
              return false;
            },
            std::chrono::milliseconds(0)));
      EXPECT_GT(seen.right, 40);
      EXPECT_EQ(seen.wrong, 0);
      EXPECT_EQ(seen.largest, 1514U);
    }
}

TEST_F(EthTrunkStackTest, LargeSegmentsCrossWholeBothWays) {
  for (const char* server : {"10.1.0.2", "fd01::2"}) echo_over_tcp(address(server), 4 << 20);
  const EthTrunkCounters count = counters();
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  for (const EthTrunkMemberCounters& member : count.members) {
    received += member.rx_packets;
    sent += member.tx_packets;
  }
  const std::uint64_t segments = (std::uint64_t{8} << 20U) / 1460;
  EXPECT_GE(sent, segments) << "a segmented packet counts its segments";
  EXPECT_GE(received, segments);
}

TEST_F(EthTrunkStackTest, FragmentedDatagramsArriveWhole) {
  router_.run("ping -c 2 -W 5 -s 8000 -M dont 10.1.0.2 >/dev/null");
  router_.run("ping -6 -c 2 -W 5 -s 8000 fd01::2 >/dev/null");
  access_.run("ping -c 2 -W 5 -s 8000 -M dont 10.1.0.1 >/dev/null");
}

TEST_F(EthTrunkStackTest, AsABridgePort) {
  const lab::Namespace host;
  router_.run(fmt::format(
      "ip addr flush dev Eth-Trunk1 && ip link add br0 type bridge && ip link set br0 up && "
      "ip link set Eth-Trunk1 master br0 && "
      "ip link add b0 type veth peer name e0 netns /proc/{}/fd/{} && "
      "ip link set b0 master br0 up",
      ::getpid(), host.descriptor()));
  host.run(
      "echo 0 > /proc/sys/net/ipv6/conf/e0/accept_dad; ip link set e0 up && "
      "ip addr add 10.1.0.3/24 dev e0 && ip addr add fd01::3/64 dev e0 nodad");
  host.run("ping -c 3 -i 0.1 -W 5 10.1.0.2 >/dev/null");
  host.run("ping -6 -c 3 -i 0.1 -W 5 fd01::2 >/dev/null");
  router_.run("bridge fdb show br br0 | grep -q 'dev Eth-Trunk1 master br0'");
  {
    const lab::Inside inside(router_);
    const auto again = end_->trunks->ensure(config());
    ASSERT_TRUE(again) << again.error().detail;
  }
  host.run("ping -c 1 -W 5 10.1.0.2 >/dev/null");
  end_->gate_words->store(kGateSlot, gate::kGateClosed);
  host.run("! ping -c 1 -W 1 10.1.0.2 >/dev/null");
}

TEST_F(EthTrunkStackTest, MulticastIsRoutedOutOfTheTrunkAndIntoIt) {
  const lab::Namespace source;
  source.run("echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
  router_.run(fmt::format(
      "ip link add r0 type veth peer name s0 netns /proc/{}/fd/{} && ip link set r0 up && "
      "ip addr add 10.0.0.1/24 dev r0 && ip addr add fd00::1/64 dev r0 nodad",
      ::getpid(), source.descriptor()));
  source.run("ip link set s0 up");
  source.settle();
  router_.settle();
  const lab::Wire wire(source, "s0");
  const lab::Wire far(access_, "Eth-Trunk1");
  const lab::Inside inside(router_);
  auto plane = KernelPlane::create(RoutingSockets::open().value()).value();
  ASSERT_TRUE(plane->add_link({kUp, "r0", true, true}));
  ASSERT_TRUE(plane->add_link({kTrunk, "Eth-Trunk1", true, true}));
  const std::vector<fwd::RouteChange> delta{
      fwd::SetRoute{{{VrfId{}, group("239.1.1.1"), address("10.0.0.2")}, kUp, {kTrunk}}},
      fwd::SetRoute{{{VrfId{}, group("ff1e::1"), address("fd00::2")}, kUp, {kTrunk}}},
      fwd::SetRoute{{{VrfId{}, group("239.2.2.2"), address("10.1.0.2")}, kTrunk, {kUp}}},
      fwd::SetRoute{{{VrfId{}, group("ff1e::2"), address("fd01::2")}, kTrunk, {kUp}}}};
  for (const auto& applied : plane->apply(delta)) ASSERT_EQ(applied.error, std::nullopt);
  wire.send(lab::udp_frame(address("10.0.0.2"), address("239.1.1.1"), "down four"));
  EXPECT_TRUE(far.wait_for([](ByteSpan frame) { return contains(frame, "down four"); }));
  wire.send(lab::udp_frame(address("fd00::2"), address("ff1e::1"), "down six"));
  EXPECT_TRUE(far.wait_for([](ByteSpan frame) { return contains(frame, "down six"); }));
  far.send(lab::udp_frame(address("10.1.0.2"), address("239.2.2.2"), "up four"));
  EXPECT_TRUE(wire.wait_for([](ByteSpan frame) { return contains(frame, "up four"); }));
  far.send(lab::udp_frame(address("fd01::2"), address("ff1e::2"), "up six"));
  EXPECT_TRUE(wire.wait_for([](ByteSpan frame) { return contains(frame, "up six"); }));
}

TEST_F(EthTrunkStackTest, GroupsAreJoinedAndQueriedThroughTheTrunk) {
  const lab::Wire far(access_, "Eth-Trunk1");
  const lab::Inside inside(router_);
  const FileDescriptor four(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ip_mreqn join4{};
  join4.imr_ifindex = static_cast<int>(::if_nametoindex("Eth-Trunk1"));
  std::memcpy(&join4.imr_multiaddr, address("239.5.5.5").bytes().data(), 4);
  ASSERT_EQ(::setsockopt(four.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &join4, sizeof join4), 0);
  const FileDescriptor six(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ipv6_mreq join6{};
  join6.ipv6mr_interface = static_cast<unsigned>(join4.imr_ifindex);
  std::memcpy(&join6.ipv6mr_multiaddr, address("ff1e::5").bytes().data(), 16);
  ASSERT_EQ(::setsockopt(six.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &join6, sizeof join6), 0);
  const auto holds = [](ByteSpan frame, const char* text) {
    const IpAddress wanted = address(text);
    const ByteSpan bytes = wanted.bytes();
    return std::search(frame.begin() + 34, frame.end(), bytes.begin(), bytes.end()) != frame.end();
  };
  EXPECT_TRUE(far.wait_for([&](ByteSpan frame) { return holds(frame, "239.5.5.5"); }));
  EXPECT_TRUE(far.wait_for([&](ByteSpan frame) { return holds(frame, "ff1e::5"); }));
  // Queries of the old versions are answered by reports of the old versions: no other comes so.
  far.send(lab::ipv4_frame(address("10.1.0.2"), address("224.0.0.1"), 2,
                           lab::hex("1101eefe00000000"), lab::hex("94040000")));
  EXPECT_TRUE(far.wait_for([&](ByteSpan frame) {
    return holds(frame, "239.5.5.5") && frame[14 + 24] == std::byte{0x16};
  }));
  far.send(lab::mld_message(130, address("fe80::2"), address("ff1e::5")));
  EXPECT_TRUE(far.wait_for(
      [&](ByteSpan frame) { return holds(frame, "ff1e::5") && frame[14 + 48] == std::byte{131}; }));
}

}  // namespace
}  // namespace hotpair::platform::kernel
