#include "tests/unit/platform_kernel/lab.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>

namespace hotpair::lab {
namespace {

FileDescriptor own_namespace() {
  return FileDescriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

void put_ethernet(ByteWriter& out, const IpAddress& destination, std::uint16_t type) {
  const ByteSpan bytes = destination.bytes();
  if (!destination.is_multicast()) {
    for (int i = 0; i < 6; ++i) out.u8(0xff);  // reaches the stack without ARP
  } else if (destination.is_v4()) {
    out.u8(0x01), out.u8(0x00), out.u8(0x5e);
    out.u8(std::to_integer<std::uint8_t>(bytes[1]) & 0x7f);
    out.bytes(bytes.subspan(2));
  } else {
    out.u16(0x3333);
    out.bytes(bytes.subspan(12));
  }
  out.bytes(hex("020000000002"));
  out.u16(type);
}

std::uint16_t checksum(ByteSpan bytes, std::uint32_t sum = 0) {
  ByteReader reader(bytes);
  while (reader.remaining() >= 2) sum += reader.u16();
  if (reader.remaining() == 1) sum += static_cast<std::uint32_t>(reader.u8()) << 8U;
  while ((sum >> 16U) != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

/// Checksum of an upper-layer message over the IPv6 pseudo-header.
std::uint16_t ipv6_checksum(const IpAddress& source, const IpAddress& destination,
                            std::uint8_t next, ByteSpan message) {
  Bytes pseudo;
  ByteWriter out(pseudo);
  out.bytes(source.bytes());
  out.bytes(destination.bytes());
  out.u32(static_cast<std::uint32_t>(message.size()));
  out.u32(next);
  out.bytes(message);
  return checksum(pseudo);
}

}  // namespace

Namespace::Namespace() {
  const FileDescriptor before = own_namespace();
  EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
  fd_ = own_namespace();
  EXPECT_EQ(std::system("ip link set lo up"), 0);
  EXPECT_EQ(::setns(before.get(), CLONE_NEWNET), 0);
}

void Namespace::enter() const { EXPECT_EQ(::setns(fd_.get(), CLONE_NEWNET), 0); }

void Namespace::run(const std::string& command) const {
  const Inside inside(*this);
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

void Namespace::settle() const {
  run("for n in $(seq 1000); do ip -o link show | grep -q 'LOWER_UP.* qdisc noop ' || "
      "exec ip link set lo up; sleep 0.01; done; exit 1");  // the last one waits for the lock
}

Inside::Inside(const Namespace& space) : before_(own_namespace()) { space.enter(); }
Inside::~Inside() { EXPECT_EQ(::setns(before_.get(), CLONE_NEWNET), 0); }

Wire::Wire(const Namespace& space, const std::string& device) {
  const Inside inside(space);
  fd_ = FileDescriptor(
      ::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
  EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const int on = 1;
  EXPECT_EQ(::setsockopt(fd_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on), 0);
}

void Wire::send(ByteSpan frame) const {
  EXPECT_EQ(::send(fd_.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
}

std::optional<Bytes> Wire::wait_for(const std::function<bool(ByteSpan)>& matches,
                                    std::chrono::milliseconds patience) const {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::array<std::byte, 9000> buffer;
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size > 0) {
      const ByteSpan frame(buffer.data(), static_cast<std::size_t>(size));
      if (matches(frame)) return to_bytes(frame);
      continue;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd wait{fd_.get(), POLLIN, 0};
    static_cast<void>(::poll(&wait, 1, static_cast<int>(left.count())));
  }
}

std::size_t Wire::count(std::string_view marker) const {
  std::size_t found = 0;
  static_cast<void>(wait_for(
      [&](ByteSpan frame) {
        if (contains(frame, marker)) ++found;
        return false;
      },
      std::chrono::milliseconds(0)));
  return found;
}

Topology::Topology(int links, Ends ends) {
  const bool speaking = ends == Ends::speaking;
  const std::string settings =
      std::string("for d in all default; do echo 0 > /proc/sys/net/ipv4/conf/$d/rp_filter; "
                  "echo 0 > /proc/sys/net/ipv6/conf/$d/accept_dad; ") +
      (speaking ? "" : "echo 1 > /proc/sys/net/ipv6/conf/$d/disable_ipv6; ") + "done";
  router.run(settings);
  hosts.run(settings);
  const std::string peer =
      "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(hosts.descriptor());
  for (int link = 0; link < links; ++link) {
    const std::string n = std::to_string(link);
    router.run("ip link add r" + n + " type veth peer name h" + n + " netns " + peer);
    router.run("ip link set r" + n + " up");
    hosts.run("ip link set h" + n + " up");
    if (!speaking) continue;
    router.run("ip addr add 10.0." + n + ".1/24 dev r" + n + " && ip addr add fd00:" + n +
               "::1/64 dev r" + n + " nodad");
    hosts.run("ip addr add 10.0." + n + ".2/24 dev h" + n + " && ip addr add fd00:" + n +
              "::2/64 dev h" + n + " nodad");
  }
  router.settle();
  hosts.settle();
}

Ifindex Topology::router_index(const std::string& device) const {
  const Inside inside(router);
  return Ifindex(::if_nametoindex(device.c_str()));
}

bool eventually(const std::function<bool()>& condition) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    if (condition()) return true;
    static_cast<void>(::poll(nullptr, 0, 5));
  }
  return condition();
}

bool privileged() { return ::geteuid() == 0; }

Bytes hex(std::string_view text) {
  Bytes bytes;
  unsigned value = 0;
  int digits = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    value = value * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) {
      bytes.push_back(static_cast<std::byte>(value));
      value = 0;
    }
  }
  return bytes;
}

bool contains(ByteSpan frame, std::string_view marker) {
  return as_text(frame).find(marker) != std::string_view::npos;
}

Bytes udp_frame(const IpAddress& source, const IpAddress& destination, std::string_view payload,
                std::uint8_t hop_limit) {
  Bytes udp;
  ByteWriter out(udp);
  out.u16(5000);
  out.u16(5001);
  out.u16(static_cast<std::uint16_t>(8 + payload.size()));
  out.u16(0);
  out.bytes(as_bytes(payload));
  if (source.is_v4()) return ipv4_frame(source, destination, 17, udp, {}, hop_limit);
  out.patch_u16(6, ipv6_checksum(source, destination, 17, udp));
  return ipv6_frame(source, destination, 17, udp, hop_limit);
}

Bytes ipv4_frame(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                 ByteSpan payload, ByteSpan options, std::uint8_t ttl) {
  Bytes frame;
  ByteWriter out(frame);
  put_ethernet(out, destination, ETH_P_IP);
  const std::size_t header = 20 + options.size();
  out.u8(static_cast<std::uint8_t>(0x40 + header / 4));
  out.u8(0);
  out.u16(static_cast<std::uint16_t>(header + payload.size()));
  out.u32(0);
  out.u8(ttl);
  out.u8(protocol);
  out.u16(0);
  out.bytes(source.bytes());
  out.bytes(destination.bytes());
  out.bytes(options);
  out.patch_u16(14 + 10, checksum(ByteSpan(frame).subspan(14)));
  out.bytes(payload);
  return frame;
}

Bytes ipv6_frame(const IpAddress& source, const IpAddress& destination, std::uint8_t next,
                 ByteSpan payload, std::uint8_t hop_limit) {
  Bytes frame;
  ByteWriter out(frame);
  put_ethernet(out, destination, ETH_P_IPV6);
  out.u32(0x60000000);
  out.u16(static_cast<std::uint16_t>(payload.size()));
  out.u8(next);
  out.u8(hop_limit);
  out.bytes(source.bytes());
  out.bytes(destination.bytes());
  out.bytes(payload);
  return frame;
}

Bytes igmpv2_report(const IpAddress& source, const IpAddress& group, bool router_alert) {
  Bytes message = hex("16000000");
  ByteWriter out(message);
  out.bytes(group.bytes());
  out.patch_u16(2, checksum(message));
  const Bytes alert = hex("94040000");
  return ipv4_frame(source, group, 2, message, router_alert ? ByteSpan(alert) : ByteSpan{});
}

Bytes mld_message(std::uint8_t type, const IpAddress& source, const IpAddress& group) {
  Bytes message = hex("0000000000000000");
  message[0] = static_cast<std::byte>(type);
  ByteWriter out(message);
  out.bytes(group.bytes());
  out.patch_u16(2, ipv6_checksum(source, group, 58, message));
  Bytes payload = hex("3a00050200000100");
  ByteWriter(payload).bytes(message);
  return ipv6_frame(source, group, 0, payload);
}

Bytes tagged(const Bytes& frame, std::uint16_t vlan) {
  Bytes out(frame.begin(), frame.begin() + 12);
  ByteWriter writer(out);
  writer.u16(ETH_P_8021Q);
  writer.u16(vlan);
  writer.bytes(ByteSpan(frame).subspan(12));
  return out;
}

}  // namespace hotpair::lab
