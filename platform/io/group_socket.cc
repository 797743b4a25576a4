#include "platform/io/group_socket.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "platform/io/raw_packet.h"

namespace hotpair::platform::io {
namespace {

constexpr int kReceiveBytes = 4 << 20;
constexpr std::size_t kPacketBytesMax = 65535;

bool set_filter(const FileDescriptor& socket, std::span<sock_filter> program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return set_option(socket, SOL_SOCKET, SO_ATTACH_FILTER, filter);
}

constexpr sock_filter op(unsigned code, std::uint32_t k, unsigned on_true = 0,
                         unsigned on_false = 0) {
  return {static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(on_true),
          static_cast<std::uint8_t>(on_false), k};
}

/// Protocol 2.
std::vector<sock_filter> igmp_filter() {
  return {op(BPF_LD | BPF_B | BPF_ABS, 9), op(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1),
          op(BPF_RET | BPF_K, kPacketBytesMax), op(BPF_RET | BPF_K, 0)};
}

/// ICMPv6 130 to 132 or 143, alone or behind one hop-by-hop header.
std::vector<sock_filter> mld_filter() {
  return {
      op(BPF_LD | BPF_B | BPF_ABS, 6),           // 0: next header
      op(BPF_LDX | BPF_IMM, 40),                 // 1: the message follows the header
      op(BPF_JMP | BPF_JEQ | BPF_K, 58, 7, 0),   // 2: ICMPv6 -> 10
      op(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 10),   // 3: hop-by-hop, else -> 14
      op(BPF_LD | BPF_B | BPF_ABS, 40),          // 4: next header of the extension
      op(BPF_JMP | BPF_JEQ | BPF_K, 58, 0, 8),   // 5: else -> 14
      op(BPF_LD | BPF_B | BPF_ABS, 41),          // 6: its length in 8 octets, less one
      op(BPF_ALU | BPF_LSH | BPF_K, 3),          // 7
      op(BPF_ALU | BPF_ADD | BPF_K, 48),         // 8
      op(BPF_MISC | BPF_TAX, 0),                 // 9
      op(BPF_LD | BPF_B | BPF_IND, 0),           // 10: ICMPv6 type
      op(BPF_JMP | BPF_JEQ | BPF_K, 143, 3, 0),  // 11 -> 15
      op(BPF_JMP | BPF_JGT | BPF_K, 132, 1, 0),  // 12 -> 14
      op(BPF_JMP | BPF_JGE | BPF_K, 130, 1, 0),  // 13 -> 15
      op(BPF_RET | BPF_K, 0),                    // 14
      op(BPF_RET | BPF_K, kPacketBytesMax),      // 15
  };
}

/// A packet socket that delivers what `filter` lets pass, from the network header on. It is bound
/// last, so nothing unfiltered is ever queued.
Result<FileDescriptor> open_receiver(Family family, std::vector<sock_filter> filter) {
  const char* what = family == Family::ipv4 ? "IGMP receive socket" : "MLD receive socket";
  FileDescriptor socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid() || !set_filter(socket, filter)) return std::unexpected(os_error(what));
  if (!set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBytes))
    static_cast<void>(set_option(socket, SOL_SOCKET, SO_RCVBUF, kReceiveBytes));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(family == Family::ipv4 ? ETH_P_IP : ETH_P_IPV6);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::unexpected(os_error(what));
  return socket;
}

Result<FileDescriptor> open_igmp_sender() {
  FileDescriptor socket(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_IGMP));
  std::vector<sock_filter> nothing{op(BPF_RET | BPF_K, 0)};
  const std::array<std::uint8_t, 4> router_alert{148, 4, 0, 0};
  if (!socket.valid() || !set_filter(socket, nothing) ||
      !set_option(socket, IPPROTO_IP, IP_OPTIONS, router_alert) ||
      !set_option(socket, IPPROTO_IP, IP_MULTICAST_TTL, 1) ||
      !set_option(socket, IPPROTO_IP, IP_TTL, 1) ||
      !set_option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0) ||
      !set_option(socket, IPPROTO_IP, IP_TOS, kInternetworkControl))
    return std::unexpected(os_error("IGMP send socket"));
  return socket;
}

Result<FileDescriptor> open_mld_sender() {
  FileDescriptor socket(
      ::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  icmp6_filter nothing{};
  ICMP6_FILTER_SETBLOCKALL(&nothing);
  // next header (by the kernel), length 8, router alert for MLD, PadN
  const std::array<std::uint8_t, 8> hop_by_hop{0, 0, 5, 2, 0, 0, 1, 0};
  if (!socket.valid() || !set_option(socket, IPPROTO_ICMPV6, ICMP6_FILTER, nothing) ||
      !set_option(socket, IPPROTO_IPV6, IPV6_HOPOPTS, hop_by_hop) ||
      !set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1) ||
      !set_option(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1) ||
      !set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) ||
      !set_option(socket, IPPROTO_IPV6, IPV6_TCLASS, kInternetworkControl))
    return std::unexpected(os_error("MLD send socket"));
  return socket;
}

bool join_ipv4(const FileDescriptor& socket, Ifindex interface, std::uint32_t group) {
  ip_mreqn request{};
  request.imr_multiaddr.s_addr = htonl(group);
  request.imr_ifindex = static_cast<int>(interface.value());
  return set_option(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, request) || errno == EADDRINUSE;
}

bool join_ipv6(const FileDescriptor& socket, Ifindex interface, std::uint8_t last_octet) {
  ipv6_mreq request{};
  request.ipv6mr_multiaddr.s6_addr[0] = 0xff;
  request.ipv6mr_multiaddr.s6_addr[1] = 0x02;
  request.ipv6mr_multiaddr.s6_addr[15] = last_octet;
  request.ipv6mr_interface = interface.value();
  return set_option(socket, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request) || errno == EADDRINUSE;
}

packet_mreq all_multicast(Ifindex interface) {
  packet_mreq request{};
  request.mr_ifindex = static_cast<int>(interface.value());
  request.mr_type = PACKET_MR_ALLMULTI;
  return request;
}

}  // namespace

Result<GroupSocket> GroupSocket::open() {
  GroupSocket group;
  Result<FileDescriptor> receive4 = open_receiver(Family::ipv4, igmp_filter());
  if (!receive4) return std::unexpected(receive4.error());
  Result<FileDescriptor> receive6 = open_receiver(Family::ipv6, mld_filter());
  if (!receive6) return std::unexpected(receive6.error());
  Result<FileDescriptor> send4 = open_igmp_sender();
  if (!send4) return std::unexpected(send4.error());
  Result<FileDescriptor> send6 = open_mld_sender();
  if (!send6) return std::unexpected(send6.error());
  group.receive4_ = std::move(*receive4);
  group.receive6_ = std::move(*receive6);
  group.send4_ = std::move(*send4);
  group.send6_ = std::move(*send6);
  return group;
}

Result<void> GroupSocket::join(Ifindex interface, Family family, FileDescriptor& socket) {
  const bool ipv4 = family == Family::ipv4;
  socket = FileDescriptor(::socket(ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const bool joined =
      socket.valid() &&
      (ipv4 ? join_ipv4(socket, interface, 0xe0000002) && join_ipv4(socket, interface, 0xe0000016)
            : join_ipv6(socket, interface, 0x02) && join_ipv6(socket, interface, 0x16));
  if (joined) return {};
  Error error = os_error(fmt::format("interface {}: join of the {} router groups",
                                     interface.value(), ipv4 ? "IPv4" : "IPv6"));
  socket.reset();
  return std::unexpected(std::move(error));
}

Result<void> GroupSocket::add_interface(Ifindex interface, bool ipv4, bool ipv6) {
  const auto [entry, added] = interfaces_.try_emplace(interface);
  Membership& membership = entry->second;
  if (added &&
      !set_option(receive4_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, all_multicast(interface))) {
    interfaces_.erase(entry);
    return std::unexpected(
        os_error(fmt::format("interface {}: receive of all multicast", interface.value())));
  }
  membership.ipv4 = ipv4;
  membership.ipv6 = ipv6;
  if (!ipv4) membership.join4.reset();
  if (!ipv6) membership.join6.reset();
  Result<void> done;
  if (ipv4 && !membership.join4.valid()) done = join(interface, Family::ipv4, membership.join4);
  if (done && ipv6 && !membership.join6.valid())
    done = join(interface, Family::ipv6, membership.join6);
  return done;
}

void GroupSocket::remove_interface(Ifindex interface) {
  const auto found = interfaces_.find(interface);
  if (found == interfaces_.end()) return;
  interfaces_.erase(found);
  // Fails only when the device is gone, and the kernel dropped the membership then.
  static_cast<void>(
      set_option(receive4_, SOL_PACKET, PACKET_DROP_MEMBERSHIP, all_multicast(interface)));
}

Result<void> GroupSocket::send(Ifindex interface, const IpAddress& source,
                               const IpAddress& destination, ByteSpan message) {
  const bool ipv4 = destination.is_v4();
  GroupSocketStatistics& statistics = ipv4 ? statistics4_ : statistics6_;
  if (source.family() != destination.family())
    return fail(ErrorCode::refused, "source and destination are of different families");
  const int socket = ipv4 ? send4_.get() : send6_.get();
  if (!send_packet(socket, interface, source, destination, message)) {
    ++statistics.send_errors;
    return std::unexpected(os_error(fmt::format("interface {}: {} message to {}", interface.value(),
                                                ipv4 ? "IGMP" : "MLD", destination.to_string())));
  }
  ++statistics.sent;
  return {};
}

std::vector<GroupPacket> GroupSocket::receive(Family family, std::size_t max) {
  const bool ipv4 = family == Family::ipv4;
  GroupSocketStatistics& statistics = ipv4 ? statistics4_ : statistics6_;
  const auto reject = [&statistics](GroupReject reason) {
    ++statistics.rejects[static_cast<std::size_t>(reason)];
  };
  std::vector<GroupPacket> packets;
  std::array<std::byte, kPacketBytesMax> buffer;
  for (std::size_t read = 0; read < max; ++read) {
    sockaddr_ll from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = ::recvfrom(descriptor(family), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                    reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == ENETDOWN || errno == ENXIO)) continue;  // told once, then cleared
    if (size < 0) break;
    const Ifindex interface(static_cast<std::uint32_t>(from.sll_ifindex));
    const auto known = interfaces_.find(interface);
    if (known == interfaces_.end() || !(ipv4 ? known->second.ipv4 : known->second.ipv6)) continue;
    if (from.sll_pkttype > PACKET_MULTICAST) {  // other host, outgoing, looped
      reject(GroupReject::not_for_us);
      continue;
    }
    auto parsed = parse_group_packet(family, {buffer.data(), static_cast<std::size_t>(size)});
    if (const auto* reason = std::get_if<GroupReject>(&parsed)) {
      reject(*reason);
      continue;
    }
    ++statistics.received;
    std::get<GroupPacket>(parsed).interface = interface;
    packets.push_back(std::move(std::get<GroupPacket>(parsed)));
  }
  tpacket_stats drops{};
  socklen_t drops_size = sizeof drops;
  if (::getsockopt(descriptor(family), SOL_PACKET, PACKET_STATISTICS, &drops, &drops_size) == 0)
    statistics.kernel_drops += drops.tp_drops;
  return packets;
}

}  // namespace hotpair::platform::io
