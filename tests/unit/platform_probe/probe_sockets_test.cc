// Real sockets in a network namespace of this process's own: root.
#include "platform/probe/probe_sockets.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

#include "platform/probe/group_range.h"

namespace hotpair::platform::probe {
namespace {

constexpr std::uint16_t port = 5999;

class ProbeSockets : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << "needs root: " << std::strerror(errno);
    for (const char* command :
         {"link add p0 type veth peer name p1", "link set p0 up", "link set p1 up",
          "addr add 10.9.0.1/24 dev p0", "addr add 10.9.0.2/24 dev p0",
          "addr add 10.9.0.3/24 dev p0", "addr add 2001:db8::1/64 dev p0 nodad"}) {
      ASSERT_EQ(std::system((std::string("ip ") + command).c_str()), 0) << command;
    }
    std::ofstream("/proc/sys/net/ipv4/igmp_max_memberships") << 20;
  }

  static Result<JoinedSockets> join(const char* groups, std::vector<IpAddress> sources = {}) {
    return JoinedSockets::open({.groups = parse_groups(groups).value(),
                                .sources = std::move(sources),
                                .interface = "p0",
                                .port = port});
  }

  static void send(const Group& group, std::string_view text,
                   const std::optional<IpAddress>& source = std::nullopt) {
    const Result<Descriptor> fd = open_send_socket(
        {.family = group.family(), .interface = "p0", .ttl = 1, .loop = true, .source = source});
    ASSERT_TRUE(fd) << fd.error().detail;
    const SocketAddress to =
        to_socket_address(group.address(), port, interface_index("p0").value());
    ASSERT_EQ(sendto(fd->get(), text.data(), text.size(), 0,
                     reinterpret_cast<const sockaddr*>(&to.storage), to.length),
              static_cast<ssize_t>(text.size()))
        << std::strerror(errno);
  }

  /// Everything that has arrived, as "group source text".
  static std::multiset<std::string> heard(const JoinedSockets& joined) {
    std::multiset<std::string> all;
    BatchReader reader;
    for (const Descriptor& socket : joined.sockets()) {
      pollfd poll{.fd = socket.get(), .events = POLLIN, .revents = 0};
      if (::poll(&poll, 1, 0) == 0) continue;
      for (const Datagram& datagram : reader.read(socket.get())) {
        const Duration age = monotonic_now() - datagram.received_at;
        EXPECT_LT(age, std::chrono::seconds(5));
        EXPECT_GT(age, std::chrono::seconds(-1));
        all.insert(datagram.group.to_string() + " " + datagram.source.to_string() + " " +
                   std::string(as_text(datagram.payload)));
      }
    }
    return all;
  }
};

TEST_F(ProbeSockets, JoinsBeyondTheKernelsLimitAndHearsEachPacketOnce) {
  const Result<JoinedSockets> joined = join("239.1.1.1+50");
  ASSERT_TRUE(joined) << joined.error().detail;
  EXPECT_EQ(joined->sockets().size(), 3U) << "20 memberships a socket";
  const std::vector<Group> groups = parse_groups("239.1.1.1+50").value();
  for (const Group& group : groups) send(group, "x");
  send(Group::parse("239.1.2.1").value(), "not joined");
  const auto all = heard(*joined);
  EXPECT_EQ(all.size(), 50U);
  EXPECT_EQ(all.count("239.1.1.50 10.9.0.1 x"), 1U);
}

TEST_F(ProbeSockets, SourceListsHearTheirSourcesOnly) {
  const auto wanted = IpAddress::parse("10.9.0.2").value();
  const auto other = IpAddress::parse("10.9.0.3").value();
  const Result<JoinedSockets> joined = join("232.1.1.1+30", {wanted});
  ASSERT_TRUE(joined) << joined.error().detail;
  const Group last = Group::parse("232.1.1.30").value();
  send(last, "yes", wanted);
  send(last, "no", other);
  EXPECT_EQ(heard(*joined), (std::multiset<std::string>{"232.1.1.30 10.9.0.2 yes"}));
}

TEST_F(ProbeSockets, Ipv6) {
  const Result<JoinedSockets> joined = join("ff1e::1+1200");
  ASSERT_TRUE(joined) << joined.error().detail;
  send(Group::parse("ff1e::4b0").value(), "six", IpAddress::parse("2001:db8::1").value());
  send(Group::parse("ff1e::4b1").value(), "not joined", IpAddress::parse("2001:db8::1").value());
  EXPECT_EQ(heard(*joined), (std::multiset<std::string>{"ff1e::4b0 2001:db8::1 six"}));
}

TEST_F(ProbeSockets, ErrorsSayWhat) {
  const auto missing = JoinedSockets::open({.groups = parse_groups("239.1.1.1").value(),
                                            .sources = {},
                                            .interface = "nowhere0",
                                            .port = port});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().detail, "there is no interface 'nowhere0' here");
}

}  // namespace
}  // namespace hotpair::platform::probe
