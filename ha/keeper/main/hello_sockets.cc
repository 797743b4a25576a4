#include "ha/keeper/main/hello_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ha/keeper/main/udp_socket.h"

namespace hotpair::ha::keeper {
namespace {

constexpr int kReceiveBytes = 1 << 20;
constexpr int kReadAttempts = 8;

}  // namespace

Result<HelloSocket> HelloSocket::open(const SocketKey& key) {
  auto made = open_udp(key.local, key.device);
  if (!made) return std::unexpected(std::move(made.error()));
  const int fd = made->fd.get();
  // Marking and room are wishes: a path without them still carries hellos.
  static_cast<void>(set_option(fd, level_of(key.local), key.local.is_v4() ? IP_TOS : IPV6_TCLASS,
                               kClassSelector6));
  static_cast<void>(set_option(fd, SOL_SOCKET, SO_PRIORITY, kNetworkControl));
  static_cast<void>(set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBytes));
  SocketAddress address;
  const socklen_t length = fill(address, key.local, key.port, made->ifindex);
  if (::bind(fd, &address.generic, length) != 0) return socket_failed("bind");
  return HelloSocket(std::move(made->fd), key, made->ifindex);
}

Result<void> HelloSocket::send(ByteSpan datagram, const IpAddress& peer) const {
  SocketAddress address;
  const socklen_t length = fill(address, peer, key_.port, ifindex_);
  const ssize_t sent =
      ::sendto(fd_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT, &address.generic, length);
  if (sent < 0) return socket_failed("send");
  return {};
}

bool HelloSocket::receive(std::span<std::byte> buffer, Datagram& datagram) const {
  SocketAddress address;
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
