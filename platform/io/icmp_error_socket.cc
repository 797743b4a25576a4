#include "platform/io/icmp_error_socket.h"

#include <fmt/format.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

#include "platform/io/raw_packet.h"

namespace hotpair::platform::io {

Result<IcmpErrorSocket> IcmpErrorSocket::open() {
  FileDescriptor socket(
      ::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  icmp6_filter nothing{};
  ICMP6_FILTER_SETBLOCKALL(&nothing);
  if (!socket.valid() || !set_option(socket, IPPROTO_ICMPV6, ICMP6_FILTER, nothing))
    return std::unexpected(os_error("ICMPv6 socket"));
  IcmpErrorSocket result;
  result.socket_ = std::move(socket);
  return result;
}

Result<void> IcmpErrorSocket::send(const IpAddress& source, const IpAddress& destination,
                                   ByteSpan message, Ifindex via) {
  if (destination.is_v4() || source.is_v4())
    return fail(ErrorCode::refused, "ICMPv6 goes to IPv6 addresses only");
  if (send_packet(socket_.get(), via, source, destination, message)) return {};
  return std::unexpected(os_error(fmt::format("ICMPv6 error to {}", destination.to_string())));
}

}  // namespace hotpair::platform::io
