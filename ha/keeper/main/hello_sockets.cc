#include "ha/keeper/main/hello_sockets.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hotpair::ha::keeper {
namespace {

constexpr int kClassSelector6 = 0xc0;  // RFC 4594: network control
constexpr int kReceiveBytes = 1 << 20;
constexpr int kReadAttempts = 8;
#ifndef IPV6_FREEBIND
constexpr int IPV6_FREEBIND = 78;
#endif

union Address {
  sockaddr generic;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t fill(Address& address, const IpAddress& ip, std::uint16_t port, unsigned ifindex) {
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

bool set(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

std::unexpected<Error> failed(const char* what) {
  const ErrorCode code = errno == EADDRINUSE ? ErrorCode::exists : ErrorCode::unavailable;
  return fail(code, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

Result<HelloSocket> HelloSocket::open(const SocketKey& key) {
  const bool v4 = key.local.is_v4();
  FileDescriptor fd(
      ::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return failed("socket");
  unsigned ifindex = 0;
  if (!key.device.empty()) {
    ifindex = ::if_nametoindex(key.device.c_str());
    if (ifindex == 0) return failed("device");
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, key.device.c_str(),
                     static_cast<socklen_t>(key.device.size())) != 0) {
      return failed("bind to device");
    }
  }
  const int level = v4 ? static_cast<int>(IPPROTO_IP) : static_cast<int>(IPPROTO_IPV6);
  if (!set(fd.get(), level, v4 ? IP_FREEBIND : IPV6_FREEBIND, 1)) return failed("freebind");
  if (!v4 && !set(fd.get(), level, IPV6_V6ONLY, 1)) return failed("v6only");
  // Marking and room are wishes: a path without them still carries hellos.
  static_cast<void>(set(fd.get(), level, v4 ? IP_TOS : IPV6_TCLASS, kClassSelector6));
  static_cast<void>(set(fd.get(), SOL_SOCKET, SO_PRIORITY, 6));
  static_cast<void>(set(fd.get(), SOL_SOCKET, SO_RCVBUF, kReceiveBytes));
  Address address;
  const socklen_t length = fill(address, key.local, key.port, ifindex);
  if (::bind(fd.get(), &address.generic, length) != 0) return failed("bind");
  return HelloSocket(std::move(fd), key, ifindex);
}

Result<void> HelloSocket::send(ByteSpan datagram, const IpAddress& peer) const {
  Address address;
  const socklen_t length = fill(address, peer, key_.port, ifindex_);
  const ssize_t sent = ::sendto(fd_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT,
                                &address.generic, length);
  if (sent < 0) return failed("send");
  return {};
}

bool HelloSocket::receive(std::span<std::byte> buffer, Datagram& datagram) const {
  Address address;
  std::memset(&address, 0, sizeof address);
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    socklen_t length = sizeof address;
    const ssize_t got = ::recvfrom(fd_.get(), buffer.data(), buffer.size(),
                                   MSG_DONTWAIT | MSG_TRUNC, &address.generic, &length);
    if (got < 0 && errno == EAGAIN) return false;
    if (got < 0) continue;  // interrupted, or the read took a pending socket error: look again
    const auto size = static_cast<std::size_t>(got);
    datagram.truncated = size > buffer.size();
    datagram.bytes = ByteSpan(buffer).first(std::min(size, buffer.size()));
    const auto* raw = address.generic.sa_family == AF_INET6
                          ? reinterpret_cast<const std::byte*>(&address.v6.sin6_addr)
                          : reinterpret_cast<const std::byte*>(&address.v4.sin_addr);
    const auto source =
        IpAddress::from_bytes({raw, address.generic.sa_family == AF_INET6 ? 16U : 4U});
    datagram.source = source ? *source : IpAddress();
    return true;
  }
  return false;
}

}  // namespace hotpair::ha::keeper
