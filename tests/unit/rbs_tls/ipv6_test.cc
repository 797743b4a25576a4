#include <net/if.h>
#include <sched.h>
#include <sys/wait.h>

#include <cstdlib>

#include "tls_stand.h"

namespace hotpair::rbs::tls {
namespace {

/// In a network namespace of its own, which ends with this process.
TEST(TlsIpv6, DialsListensAndCarries) {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  ASSERT_EQ(std::system("ip link set lo up && ip addr add 2001:db8::1/128 dev lo nodad && "
                        "ip addr add 2001:db8::2/128 dev lo nodad"),
            0);
  asio::io_context loop;
  TransportConfig lower;
  lower.local = IpAddress::parse("2001:db8::1").value();
  lower.peer = IpAddress::parse("2001:db8::2").value();
  lower.port = 1025;
  TransportConfig higher = lower;
  std::swap(higher.local, higher.peer);
  End a(loop, lower, context_with({key(1)}));
  End b(loop, higher, context_with({key(1)}));
  ASSERT_TRUE(run_until(loop, [&] { return a.connected == 1 && b.connected == 1; }));
  EXPECT_TRUE(a.transport->is_dialler());
  EXPECT_EQ(b.peer.address, lower.local);
  EXPECT_TRUE(a.transport->send(as_bytes("over IPv6")));
  ASSERT_TRUE(run_until(loop, [&] { return b.received == 9; }));
  EXPECT_EQ(as_text(b.input), "over IPv6");
}

}  // namespace
}  // namespace hotpair::rbs::tls
