#include "platform/io/auto_rp_socket.h"

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

constexpr std::uint16_t kPort = 496;
constexpr std::uint32_t kAnnounceGroup = 0xe0000127;   // 224.0.1.39
constexpr std::uint32_t kDiscoveryGroup = 0xe0000128;  // 224.0.1.40
constexpr std::size_t kPayloadBytesMax = 65507;

IpAddress address_of(const in_addr& address) {
  return *IpAddress::from_bytes(std::as_bytes(std::span(&address, 1)));  // 4 bytes: always one
}

/// Joins or leaves as `wanted`.
bool set_membership(Ifindex interface, std::uint32_t group, bool wanted, FileDescriptor& member) {
  if (!wanted) member.reset();
  if (!wanted || member.valid()) return true;
  member = FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ip_mreqn request{};
  request.imr_multiaddr.s_addr = htonl(group);
  request.imr_ifindex = static_cast<int>(interface.value());
  if (member.valid() && set_option(member, IPPROTO_IP, IP_ADD_MEMBERSHIP, request)) return true;
  const int error = errno;
  member.reset();
  errno = error;
  return false;
}

}  // namespace

Result<AutoRpSocket> AutoRpSocket::open() {
  AutoRpSocket result;
  FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(kPort);
  // A daemon that takes over another's place binds while the other one still runs.
  if (!socket.valid() || !set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1) ||
      !set_option(socket, IPPROTO_IP, IP_PKTINFO, 1) ||
      !set_option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0) ||
      !set_option(socket, IPPROTO_IP, IP_TOS, kInternetworkControl) ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
    return std::unexpected(os_error("Auto-RP socket"));
  result.socket_ = std::move(socket);
  return result;
}

Result<void> AutoRpSocket::add_interface(Ifindex interface, bool announcements, bool discoveries) {
  Membership& membership = interfaces_[interface];
  if (set_membership(interface, kAnnounceGroup, announcements, membership.announcements) &&
      set_membership(interface, kDiscoveryGroup, discoveries, membership.discoveries))
    return {};
  return std::unexpected(
      os_error(fmt::format("interface {}: join of the groups of Auto-RP", interface.value())));
}

void AutoRpSocket::remove_interface(Ifindex interface) { interfaces_.erase(interface); }

Result<void> AutoRpSocket::send(Ifindex interface, const IpAddress& source,
                                const IpAddress& destination, std::uint8_t ttl, ByteSpan payload) {
  const int hops = ttl;
  bool sent = set_option(socket_, IPPROTO_IP, IP_MULTICAST_TTL, hops);
  if (sent) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(kPort);
    std::memcpy(&to.sin_addr, destination.bytes().data(), sizeof to.sin_addr);
    iovec part{const_cast<std::byte*>(payload.data()), payload.size()};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    msghdr header{};
    header.msg_name = &to;
    header.msg_namelen = sizeof to;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* info_header = CMSG_FIRSTHDR(&header);
    info_header->cmsg_level = IPPROTO_IP;
    info_header->cmsg_type = IP_PKTINFO;
    info_header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(interface.value());
    std::memcpy(&info.ipi_spec_dst, source.bytes().data(), sizeof info.ipi_spec_dst);
    std::memcpy(CMSG_DATA(info_header), &info, sizeof info);
    sent = ::sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
  }
  if (sent) {
    ++statistics_.sent;
    return {};
  }
  Error error =
      os_error(fmt::format("interface {}: Auto-RP message from {} to {}", interface.value(),
                           source.to_string(), destination.to_string()));
  ++statistics_.send_errors;
  return std::unexpected(std::move(error));
}

std::vector<AutoRpDatagram> AutoRpSocket::receive(std::size_t max) {
  std::vector<AutoRpDatagram> datagrams;
  std::array<std::byte, kPayloadBytesMax> buffer;
  for (std::size_t read = 0; read < max; ++read) {
    sockaddr_in from{};
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<std::byte, 128> control;
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof from;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) break;
    in_pktinfo info{};
    for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each))
      if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO)
        std::memcpy(&info, CMSG_DATA(each), sizeof info);
    const Ifindex interface(static_cast<std::uint32_t>(info.ipi_ifindex));
    const std::uint32_t group = ntohl(info.ipi_addr.s_addr);
    const auto known = interfaces_.find(interface);
    const bool wanted = known != interfaces_.end() &&
                        ((group == kAnnounceGroup && known->second.announcements.valid()) ||
                         (group == kDiscoveryGroup && known->second.discoveries.valid()));
    if (!wanted) {
      ++statistics_.not_for_us;
      continue;
    }
    ++statistics_.received;
    datagrams.push_back({interface, address_of(from.sin_addr), address_of(info.ipi_addr),
                         Bytes(buffer.begin(), buffer.begin() + size)});
  }
  return datagrams;
}

}  // namespace hotpair::platform::io
