#include "tests/bench/pair/bare_routes.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "platform/base/address.h"
#include "platform/io/clock.h"
#include "platform/kernel/kernel_plane.h"
#include "platform/kernel/mroute.h"
#include "platform/kernel/netlink.h"
#include "tests/bench/pair/bench_report.h"

namespace hotpair::bench {
namespace {

constexpr std::uint32_t kMessages = 512;
constexpr std::size_t kMessageBytes = 128;

/// VIFs 0 (up0) and 1 (tr1) in a new namespace; they live as long as what is answered.
std::unique_ptr<platform::kernel::KernelPlane> make_links() {
  if (::unshare(CLONE_NEWNET) != 0) give_up("needs root: no network namespace of its own");
  if (std::system("ip link add up0 type veth peer name h0 && ip link set up0 up && "
                  "ip link add tr1 type veth peer name h1 && ip link set tr1 up") != 0)
    give_up("veth pairs cannot be made");
  auto sockets = platform::kernel::RoutingSockets::open();
  if (!sockets) give_up(sockets.error().detail);
  auto plane = platform::kernel::KernelPlane::create(std::move(*sockets));
  if (!plane) give_up(plane.error().detail);
  for (const fwd::PlaneLink& link : {fwd::PlaneLink{LinkId{1}, "up0", true, false},
                                     fwd::PlaneLink{LinkId{2}, "tr1", true, false}})
    if (const auto added = (*plane)->add_link(link); !added) give_up(added.error().detail);
  return std::move(*plane);
}

std::size_t put_route(std::byte* at, std::uint32_t n, bool any_source, std::uint32_t incoming,
                      bool last) {
  nlmsghdr* message = mnl_nlmsg_put_header(at);
  message->nlmsg_type = RTM_NEWROUTE;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE;
  if (last) message->nlmsg_flags |= NLM_F_ACK;
  message->nlmsg_seq = n % kMessages;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  route->rtm_family = RTNL_FAMILY_IPMR;
  route->rtm_dst_len = 32;
  route->rtm_src_len = any_source ? 0 : 32;
  route->rtm_type = RTN_MULTICAST;
  route->rtm_protocol = RTPROT_MROUTED;
  const IpAddress source = IpAddress::v4(0x0a000101U);
  const IpAddress group = IpAddress::v4(0xe1000000U + n);
  if (!any_source) mnl_attr_put(message, RTA_SRC, 4, source.bytes().data());
  mnl_attr_put(message, RTA_DST, 4, group.bytes().data());
  mnl_attr_put_u32(message, RTA_TABLE, RT_TABLE_DEFAULT);
  mnl_attr_put_u32(message, RTA_IIF, incoming);
  std::array<rtnexthop, 2> hops{};
  hops[0].rtnh_len = hops[1].rtnh_len = sizeof hops[0];
  hops[1].rtnh_hops = 1;
  if (any_source) hops[0].rtnh_hops = 1;  // the proxy option: (*,G) from its incoming link
  mnl_attr_put(message, RTA_MULTIPATH, sizeof hops, hops.data());
  return NLMSG_ALIGN(message->nlmsg_len);
}

}  // namespace

double bare_routes(std::uint32_t count, bool any_source) {
  const auto plane = make_links();
  auto socket = platform::kernel::NetlinkSocket::open();
  if (!socket) give_up(socket.error().detail);
  const std::uint32_t incoming = ::if_nametoindex("up0");
  struct Batch {
    Bytes bytes;
    std::uint32_t messages = 0;
  };
  std::vector<Batch> batches;
  for (std::uint32_t done = 0; done < count; done += kMessages) {
    Batch& batch = batches.emplace_back();
    batch.messages = std::min(kMessages, count - done);
    batch.bytes.resize(batch.messages * kMessageBytes);
    std::size_t used = 0;
    for (std::uint32_t i = 0; i < batch.messages; ++i)
      used += put_route(batch.bytes.data() + used, done + i, any_source, incoming,
                        i + 1 == batch.messages);
    batch.bytes.resize(used);
  }
  const TimePoint start = platform::io::now();
  for (const Batch& batch : batches) {
    const Result<void> sent = socket->batch(batch.bytes, 0, batch.messages, [](std::uint32_t, int) {
      give_up("bare rtnetlink was refused an entry");
    });
    if (!sent) give_up(sent.error().detail);
  }
  const Duration spent = platform::io::now() - start;
  fwd::RouteKey last{VrfId{}, *Group::from(IpAddress::v4(0xe1000000U + count - 1)), std::nullopt};
  if (!any_source) last.source = IpAddress::v4(0x0a000101U);
  if (!plane->counters({&last, 1}).front()) give_up("bare rtnetlink lost entries");
  return std::chrono::duration<double, std::milli>(spent).count();
}

}  // namespace hotpair::bench
