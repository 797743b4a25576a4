#pragma once

#include <sys/socket.h>

#include <string>

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/ids.h"
#include "platform/base/result.h"

/// What the raw sockets of IGMP, MLD and PIM have in common.
namespace hotpair::platform::io {

inline constexpr int kInternetworkControl = 0xc0;  ///< RFC 3376 4, RFC 7761 4.9: type of service

/// `what` with errno, in words and as a code.
[[nodiscard]] Error os_error(const std::string& what);

template <typename T>
[[nodiscard]] bool set_option(const FileDescriptor& socket, int level, int name, const T& value) {
  return ::setsockopt(socket.get(), level, name, &value, sizeof value) == 0;
}

/// Sends one packet from `source` (unspecified: the kernel's choice) out of `interface` (0: by
/// routing) without waiting. False: errno tells. Both addresses are of the socket's family.
[[nodiscard]] bool send_packet(int socket, Ifindex interface, const IpAddress& source,
                               const IpAddress& destination, ByteSpan message);

}  // namespace hotpair::platform::io
