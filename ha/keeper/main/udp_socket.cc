#include "ha/keeper/main/udp_socket.h"

#include <net/if.h>

#include <cerrno>
#include <cstring>

namespace hotpair::ha::keeper {
namespace {

#ifndef IPV6_FREEBIND
constexpr int IPV6_FREEBIND = 78;
#endif

}  // namespace

socklen_t fill(SocketAddress& address, const IpAddress& ip, std::uint16_t port, unsigned ifindex) {
  std::memset(&address, 0, sizeof address);
  if (ip.is_v4()) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(port);
    std::memcpy(&address.v4.sin_addr, ip.bytes().data(), 4);
    return sizeof address.v4;
  }
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(port);
  std::memcpy(&address.v6.sin6_addr, ip.bytes().data(), 16);
  if (ip.is_link_local_unicast()) address.v6.sin6_scope_id = ifindex;
  return sizeof address.v6;
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

int level_of(const IpAddress& address) {
  return address.is_v4() ? static_cast<int>(IPPROTO_IP) : static_cast<int>(IPPROTO_IPV6);
}

std::unexpected<Error> socket_failed(const char* what) {
  const ErrorCode code = errno == EADDRINUSE ? ErrorCode::exists : ErrorCode::unavailable;
  return fail(code, std::string(what) + ": " + std::strerror(errno));
}

Result<UdpSocket> open_udp(const IpAddress& local, const std::string& device) {
  const bool v4 = local.is_v4();
  UdpSocket made;
  made.fd = FileDescriptor(
      ::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.fd.valid()) return socket_failed("socket");
  const int fd = made.fd.get();
  if (!device.empty()) {
    made.ifindex = ::if_nametoindex(device.c_str());
    if (made.ifindex == 0) return socket_failed("device");
    if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                     static_cast<socklen_t>(device.size())) != 0)
      return socket_failed("bind to device");
  }
  const int level = level_of(local);
  if (!set_option(fd, level, v4 ? IP_FREEBIND : IPV6_FREEBIND, 1)) return socket_failed("freebind");
  if (!v4 && !set_option(fd, level, IPV6_V6ONLY, 1)) return socket_failed("v6only");
  return made;
}

}  // namespace hotpair::ha::keeper
