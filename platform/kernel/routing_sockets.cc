#include <fmt/format.h>
#include <linux/filter.h>

#include <cerrno>
#include <cstring>

#include "platform/kernel/kernel_plane.h"
#include "platform/kernel/mroute.h"

namespace hotpair::platform::kernel {
namespace {

Error socket_error(const char* table, const char* step) {
  const int error = errno;
  switch (error) {
    case EADDRINUSE:
      return {ErrorCode::exists,
              fmt::format("the {} multicast routing table has an owner already: stop the other "
                          "multicast router (pimd, smcrouted, another keeper) in this namespace",
                          table)};
    case EPERM:
    case EACCES:
      return {ErrorCode::refused,
              fmt::format("{} multicast routing: not allowed: CAP_NET_ADMIN and CAP_NET_RAW are "
                          "needed (or root)",
                          table)};
    case ENOPROTOOPT:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case EOPNOTSUPP:
      return {ErrorCode::unsupported,
              fmt::format("this kernel has no {} multicast routing (CONFIG_IP_MROUTE, "
                          "CONFIG_IPV6_MROUTE)",
                          table)};
    default:
      return {ErrorCode::unavailable,
              fmt::format("{} multicast routing: {}: {}", table, step, std::strerror(error))};
  }
}

template <typename T>
bool set_option(const FileDescriptor& socket, int level, int name, const T& value) {
  return ::setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

/// Upcalls only: octet 9, the protocol of a real packet, is zero in them. IGMP itself is received
/// elsewhere and must not fill the event buffer.
bool let_only_upcalls_in(const FileDescriptor& socket) {
  sock_filter program[] = {
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, 9},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0},
      {BPF_RET | BPF_K, 0, 0, 0x20000},  // a whole packet and its header
      {BPF_RET | BPF_K, 0, 0, 0},
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  return set_option(socket, SOL_SOCKET, SO_ATTACH_FILTER, filter);
}

/// Packets on any link but the incoming one are told about, not on outgoing links only. The setting
/// outlives the owner, and a new value counts only after zero: what was there may be another one.
bool tell_wrong_interfaces(const FileDescriptor& ipv4, const FileDescriptor& ipv6) {
  return set_option(ipv4, IPPROTO_IP, MRT_PIM, 0) && set_option(ipv4, IPPROTO_IP, MRT_PIM, 1) &&
         set_option(ipv6, IPPROTO_IPV6, MRT6_PIM, 0) && set_option(ipv6, IPPROTO_IPV6, MRT6_PIM, 1);
}

bool let_no_packets_in(const FileDescriptor& socket) {
  icmp6_filter nothing{};
  ICMP6_FILTER_SETBLOCKALL(&nothing);
  return set_option(socket, IPPROTO_ICMPV6, ICMP6_FILTER, nothing);
}

void size_event_buffer(const FileDescriptor& socket, std::size_t bytes) {
  const int size = static_cast<int>(bytes);
  if (!set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, size))
    static_cast<void>(set_option(socket, SOL_SOCKET, SO_RCVBUF, size));
  static_cast<void>(set_option(socket, SOL_SOCKET, SO_RXQ_OVFL, 1));
}

Result<void> require_raw(const FileDescriptor& socket, int domain, int protocol,
                         const char* table) {
  const auto option = [&socket](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(socket.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  if (option(SO_DOMAIN) == domain && option(SO_TYPE) == SOCK_RAW && option(SO_PROTOCOL) == protocol)
    return {};
  return fail(ErrorCode::malformed,
              fmt::format("the kept descriptor is not the owner socket of the {} multicast routing "
                          "table",
                          table));
}

}  // namespace

Result<RoutingSockets> RoutingSockets::open(VrfId vrf, std::size_t event_buffer_bytes) {
  const std::uint32_t table = vrf.value();
  constexpr int kFlags = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  FileDescriptor ipv4(::socket(AF_INET, kFlags, IPPROTO_IGMP));
  if (!ipv4.valid() || !let_only_upcalls_in(ipv4))
    return std::unexpected(socket_error("IPv4", "socket"));
  size_event_buffer(ipv4, event_buffer_bytes);
  if (table != 0 && !set_option(ipv4, IPPROTO_IP, MRT_TABLE, table))
    return std::unexpected(socket_error("IPv4", "MRT_TABLE"));
  if (!set_option(ipv4, IPPROTO_IP, MRT_INIT, 1))
    return std::unexpected(socket_error("IPv4", "MRT_INIT"));
  FileDescriptor ipv6(::socket(AF_INET6, kFlags, IPPROTO_ICMPV6));
  if (!ipv6.valid() || !let_no_packets_in(ipv6))
    return std::unexpected(socket_error("IPv6", "socket"));
  size_event_buffer(ipv6, event_buffer_bytes);
  if (table != 0 && !set_option(ipv6, IPPROTO_IPV6, MRT6_TABLE, table))
    return std::unexpected(socket_error("IPv6", "MRT6_TABLE"));
  if (!set_option(ipv6, IPPROTO_IPV6, MRT6_INIT, 1))
    return std::unexpected(socket_error("IPv6", "MRT6_INIT"));
  if (!tell_wrong_interfaces(ipv4, ipv6))
    return std::unexpected(socket_error("IPv4 and IPv6", "MRT_PIM"));
  return RoutingSockets(std::move(ipv4), std::move(ipv6), vrf, false);
}

Result<RoutingSockets> RoutingSockets::adopt(FileDescriptor ipv4, FileDescriptor ipv6, VrfId vrf) {
  Result<void> valid = require_raw(ipv4, AF_INET, IPPROTO_IGMP, "IPv4");
  if (valid) valid = require_raw(ipv6, AF_INET6, IPPROTO_ICMPV6, "IPv6");
  if (!valid) return std::unexpected(valid.error());
  if (!tell_wrong_interfaces(ipv4, ipv6))
    return std::unexpected(socket_error("IPv4 and IPv6", "MRT_PIM"));
  return RoutingSockets(std::move(ipv4), std::move(ipv6), vrf, true);
}

}  // namespace hotpair::platform::kernel
