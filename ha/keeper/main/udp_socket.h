#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <string>

#include "platform/base/address.h"
#include "platform/base/descriptor.h"
#include "platform/base/result.h"

/// What the sockets of hellos and of BFD have in common.
namespace hotpair::ha::keeper {

inline constexpr int kClassSelector6 = 0xc0;  ///< RFC 4594: network control, as TOS or class
inline constexpr int kNetworkControl = 6;     ///< SO_PRIORITY

union SocketAddress {
  sockaddr generic;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

/// Clears and fills it; `ifindex` counts for a link-local address only. Answers the length in use.
socklen_t fill(SocketAddress& address, const IpAddress& ip, std::uint16_t port, unsigned ifindex);

[[nodiscard]] bool set_option(int fd, int level, int name, int value);
/// IPPROTO_IP or IPPROTO_IPV6: the level of options for sockets of this address.
[[nodiscard]] int level_of(const IpAddress& address);
/// `what`: errno as text; EADDRINUSE is ErrorCode::exists.
[[nodiscard]] std::unexpected<Error> socket_failed(const char* what);

/// A datagram socket that is not bound yet and never blocks.
struct UdpSocket {
  FileDescriptor fd;
  unsigned ifindex = 0;  ///< of the device that it is tied to; 0: none
};
/// Tied to the device if there is one; the address it will be bound to need not exist yet.
[[nodiscard]] Result<UdpSocket> open_udp(const IpAddress& local, const std::string& device);

}  // namespace hotpair::ha::keeper
