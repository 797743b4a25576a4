#include "ha/keeper/main/lacp_sockets.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace hotpair::ha::keeper {
namespace {

constexpr std::array<unsigned char, 6> kSlowProtocols{0x01, 0x80, 0xc2, 0x00, 0x00, 0x02};
constexpr int kReadAttempts = 8;

sockaddr_ll address_on(unsigned ifindex) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_SLOW);
  address.sll_ifindex = static_cast<int>(ifindex);
  address.sll_halen = kSlowProtocols.size();
  std::memcpy(address.sll_addr, kSlowProtocols.data(), kSlowProtocols.size());
  return address;
}

std::unexpected<Error> failed(const char* what) {
  return fail(ErrorCode::unavailable, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

Result<LacpSocket> LacpSocket::open(const std::string& device) {
  const unsigned ifindex = ::if_nametoindex(device.c_str());
  if (ifindex == 0) return failed("device");
  // Protocol 0 until it is bound, so that nothing of another device is ever queued.
  FileDescriptor fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return failed("socket");
  packet_mreq membership{};
  membership.mr_ifindex = static_cast<int>(ifindex);
  membership.mr_type = PACKET_MR_MULTICAST;
  membership.mr_alen = kSlowProtocols.size();
  std::memcpy(membership.mr_address, kSlowProtocols.data(), kSlowProtocols.size());
  if (::setsockopt(fd.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) !=
      0) {
    return failed("membership");
  }
  const int priority = TC_PRIO_CONTROL;  // a wish
  static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority));
  const sockaddr_ll address = address_on(ifindex);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed("bind");
  return LacpSocket(std::move(fd), device, ifindex);
}

Result<void> LacpSocket::send(ByteSpan payload) const {
  const sockaddr_ll address = address_on(ifindex_);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const ssize_t sent = ::sendto(fd_.get(), payload.data(), payload.size(), MSG_NOSIGNAL,
                                  reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (sent == static_cast<ssize_t>(payload.size())) return {};
    // Once for a link that went down before: it may be up again.
    if (errno != ENETDOWN) break;
  }
  return failed("send");
}

bool LacpSocket::receive(std::span<std::byte> buffer, ByteSpan& payload) const {
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got >= 0) {
      payload = ByteSpan(buffer).first(static_cast<std::size_t>(got));
      return true;
    }
    // ENETDOWN once for a link that went down: what follows may be there all the same.
    if (errno != EINTR && errno != ENETDOWN) return false;
  }
  return false;
}

}  // namespace hotpair::ha::keeper
