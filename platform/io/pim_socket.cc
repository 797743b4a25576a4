#include "platform/io/pim_socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "platform/io/raw_packet.h"

namespace hotpair::platform::io {
namespace {

constexpr int kPim = 103;
constexpr int kReceiveBytes = 4 << 20;
constexpr std::size_t kPacketBytesMax = 65535;

void widen(const FileDescriptor& socket) {
  if (!set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBytes))
    static_cast<void>(set_option(socket, SOL_SOCKET, SO_RCVBUF, kReceiveBytes));
}

Result<FileDescriptor> open_ipv4() {
  FileDescriptor socket(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, kPim));
  if (!socket.valid() || !set_option(socket, IPPROTO_IP, IP_PKTINFO, 1) ||
      !set_option(socket, IPPROTO_IP, IP_MULTICAST_TTL, 1) ||
      !set_option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0) ||
      !set_option(socket, IPPROTO_IP, IP_TOS, kInternetworkControl))
    return std::unexpected(os_error("PIM socket (IPv4)"));
  widen(socket);
  return socket;
}

// No IPV6_CHECKSUM: the kernel would want it over the whole of a Register.
Result<FileDescriptor> open_ipv6() {
  FileDescriptor socket(::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, kPim));
  if (!socket.valid() || !set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) ||
      !set_option(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) ||
      !set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1) ||
      !set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) ||
      !set_option(socket, IPPROTO_IPV6, IPV6_TCLASS, kInternetworkControl))
    return std::unexpected(os_error("PIM socket (IPv6)"));
  widen(socket);
  return socket;
}

template <typename Address>
IpAddress address_of(const Address& address) {
  return *IpAddress::from_bytes(
      std::as_bytes(std::span(&address, 1)));  // 4 or 16 bytes: always one
}

void read_control(const cmsghdr& header, const unsigned char* data, PimDatagram& datagram) {
  if (header.cmsg_level == IPPROTO_IP && header.cmsg_type == IP_PKTINFO) {
    in_pktinfo info{};
    std::memcpy(&info, data, sizeof info);
    datagram.interface = Ifindex(static_cast<std::uint32_t>(info.ipi_ifindex));
    datagram.destination = address_of(info.ipi_addr);
  } else if (header.cmsg_level == IPPROTO_IPV6 && header.cmsg_type == IPV6_PKTINFO) {
    in6_pktinfo info{};
    std::memcpy(&info, data, sizeof info);
    datagram.interface = Ifindex(info.ipi6_ifindex);
    datagram.destination = address_of(info.ipi6_addr);
  } else if (header.cmsg_level == IPPROTO_IPV6 && header.cmsg_type == IPV6_HOPLIMIT) {
    int hops = 0;
    std::memcpy(&hops, data, sizeof hops);
    datagram.hop_limit = static_cast<std::uint8_t>(hops);
  }
}

IpAddress source_of(const sockaddr_storage& from) {
  if (from.ss_family == AF_INET)
    return address_of(reinterpret_cast<const sockaddr_in&>(from).sin_addr);
  return address_of(reinterpret_cast<const sockaddr_in6&>(from).sin6_addr);
}

}  // namespace

Result<PimSocket> PimSocket::open() {
  PimSocket pim;
  Result<FileDescriptor> socket4 = open_ipv4();
  if (!socket4) return std::unexpected(socket4.error());
  Result<FileDescriptor> socket6 = open_ipv6();
  if (!socket6) return std::unexpected(socket6.error());
  pim.socket4_ = std::move(*socket4);
  pim.socket6_ = std::move(*socket6);
  return pim;
}

Result<void> PimSocket::join(Ifindex interface, Family family, FileDescriptor& socket) {
  const bool ipv4 = family == Family::ipv4;
  socket = FileDescriptor(::socket(ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  bool joined = false;
  if (socket.valid() && ipv4) {
    ip_mreqn request{};
    request.imr_multiaddr.s_addr = htonl(0xe000000d);
    request.imr_ifindex = static_cast<int>(interface.value());
    joined = set_option(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, request);
  } else if (socket.valid()) {
    ipv6_mreq request{};
    request.ipv6mr_multiaddr.s6_addr[0] = 0xff;
    request.ipv6mr_multiaddr.s6_addr[1] = 0x02;
    request.ipv6mr_multiaddr.s6_addr[15] = 0x0d;
    request.ipv6mr_interface = interface.value();
    joined = set_option(socket, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request);
  }
  if (joined) return {};
  Error error = os_error(fmt::format("interface {}: join of ALL-PIM-ROUTERS ({})",
                                     interface.value(), ipv4 ? "IPv4" : "IPv6"));
  socket.reset();
  return std::unexpected(std::move(error));
}

Result<void> PimSocket::add_interface(Ifindex interface, bool ipv4, bool ipv6) {
  Membership& membership = interfaces_[interface];
  if (!ipv4) membership.join4.reset();
  if (!ipv6) membership.join6.reset();
  Result<void> done;
  if (ipv4 && !membership.join4.valid()) done = join(interface, Family::ipv4, membership.join4);
  if (done && ipv6 && !membership.join6.valid())
    done = join(interface, Family::ipv6, membership.join6);
  return done;
}

void PimSocket::remove_interface(Ifindex interface) { interfaces_.erase(interface); }

void PimSocket::set_alias(Ifindex device, std::optional<Ifindex> interface) {
  if (interface)
    aliases_[device] = *interface;
  else
    aliases_.erase(device);
}

Result<void> PimSocket::send(Ifindex interface, const IpAddress& source,
                             const IpAddress& destination, ByteSpan message, Ifindex via) {
  const bool ipv4 = destination.is_v4();
  PimSocketStatistics& statistics = ipv4 ? statistics4_ : statistics6_;
  if (source.family() != destination.family())
    return fail(ErrorCode::refused, "source and destination are of different families");
  // A link-local address means nothing without its link.
  const bool by_link = destination.is_multicast() || destination.is_link_local_unicast();
  const Ifindex out = by_link ? interface : via;
  if (!send_packet(descriptor(destination.family()), out, source, destination, message)) {
    ++statistics.send_errors;
    return std::unexpected(os_error(fmt::format("interface {}: PIM message to {}",
                                                interface.value(), destination.to_string())));
  }
  ++statistics.sent;
  return {};
}

std::vector<PimDatagram> PimSocket::receive(Family family, std::size_t max) {
  const bool ipv4 = family == Family::ipv4;
  PimSocketStatistics& statistics = ipv4 ? statistics4_ : statistics6_;
  std::vector<PimDatagram> datagrams;
  std::array<std::byte, kPacketBytesMax> buffer;
  for (std::size_t read = 0; read < max; ++read) {
    sockaddr_storage from{};
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<std::byte, 128> control;
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof from;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(descriptor(family), &header, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) break;
    PimDatagram datagram;
    for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each))
      read_control(*each, CMSG_DATA(each), datagram);
    const auto alias = aliases_.find(datagram.interface);
    if (alias != aliases_.end() && !datagram.destination.is_multicast())
      datagram.interface = alias->second;
    const auto known = interfaces_.find(datagram.interface);
    if (known == interfaces_.end() ||
        !(ipv4 ? known->second.join4.valid() : known->second.join6.valid())) {
      ++statistics.unknown_interface;
      continue;
    }
    datagram.source = source_of(from);
    datagram.packet.assign(buffer.begin(), buffer.begin() + size);
    ++statistics.received;
    datagrams.push_back(std::move(datagram));
  }
  return datagrams;
}

}  // namespace hotpair::platform::io
