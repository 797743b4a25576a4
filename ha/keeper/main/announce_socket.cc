#include "ha/keeper/main/announce_socket.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace hotpair::ha::keeper {
namespace {

std::unexpected<Error> failed(const char* what) {
  return fail(ErrorCode::unavailable, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

Result<void> AnnounceSocket::send(const std::string& device, std::string_view frame) {
  // Protocol 0: nothing is ever received.
  if (!fd_.valid())
    fd_ = FileDescriptor(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_.valid()) return failed("socket");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
  if (address.sll_ifindex == 0) return failed("device");
  const ssize_t sent = ::sendto(fd_.get(), frame.data(), frame.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (sent != static_cast<ssize_t>(frame.size())) return failed("send");
  return {};
}

}  // namespace hotpair::ha::keeper
