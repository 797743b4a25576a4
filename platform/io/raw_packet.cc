#include "platform/io/raw_packet.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace hotpair::platform::io {
namespace {

/// Room for one control message of either family, aligned as cmsghdr wants it.
union Control {
  cmsghdr header;
  std::byte bytes[CMSG_SPACE(sizeof(in6_pktinfo))];
};

template <typename Info>
void put_control(msghdr& message, Control& control, int level, int type, const Info& info) {
  control = {};
  message.msg_control = &control;
  message.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

}  // namespace

Error os_error(const std::string& what) {
  const int error = errno;
  ErrorCode code = ErrorCode::unavailable;
  if (error == EPERM || error == EACCES) code = ErrorCode::refused;
  if (error == ENODEV || error == ENXIO || error == EADDRNOTAVAIL) code = ErrorCode::not_found;
  if (error == EMFILE || error == ENFILE || error == ENOMEM) code = ErrorCode::exhausted;
  if (error == EAFNOSUPPORT || error == EPROTONOSUPPORT) code = ErrorCode::unsupported;
  const char* hint = code == ErrorCode::refused ? " (CAP_NET_RAW is needed)" : "";
  return {code, fmt::format("{}: {}{}", what, std::strerror(error), hint)};
}

bool send_packet(int socket, Ifindex interface, const IpAddress& source,
                 const IpAddress& destination, ByteSpan message) {
  iovec part{const_cast<std::byte*>(message.data()), message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  Control control{};
  sockaddr_in to4{};
  sockaddr_in6 to6{};
  if (destination.is_v4()) {
    to4.sin_family = AF_INET;
    std::memcpy(&to4.sin_addr, destination.bytes().data(), 4);
    header.msg_name = &to4;
    header.msg_namelen = sizeof to4;
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(interface.value());
    std::memcpy(&info.ipi_spec_dst, source.bytes().data(), 4);
    put_control(header, control, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    to6.sin6_family = AF_INET6;
    to6.sin6_scope_id = interface.value();
    std::memcpy(&to6.sin6_addr, destination.bytes().data(), 16);
    header.msg_name = &to6;
    header.msg_namelen = sizeof to6;
    in6_pktinfo info{};
    info.ipi6_ifindex = interface.value();
    std::memcpy(&info.ipi6_addr, source.bytes().data(), 16);
    put_control(header, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  return ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

}  // namespace hotpair::platform::io
