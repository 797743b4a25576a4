#include <array>
#include <cerrno>
#include <cstring>

#include "platform/kernel/kernel_plane.h"
#include "platform/kernel/mroute.h"
#include "platform/kernel/whole_packet.h"

// IPv4 upcall (struct igmpmsg)                  IPv6 upcall (struct mrt6msg)
//  0 unused (8)                                  0 zero   1 type   2 MIF (2, host order)
//  8 type  9 zero  10 VIF low  11 VIF high       4 padding (4)
// 12 source (4)  16 group (4)                    8 source (16)  24 group (16)
// 20 the whole packet, of type 3 only           40 the same

namespace hotpair::platform::kernel {
namespace {

constexpr std::uint8_t kNoCache = 1;
constexpr std::uint8_t kWrongVif = 2;
constexpr std::uint8_t kWholePacket = 3;
/// An upcall header and the largest packet: a longer message is cut and refused.
constexpr std::size_t kUpcallBytesMax = 40 + 40 + 65535;
static_assert(IGMPMSG_WHOLEPKT == kWholePacket && MRT6MSG_WHOLEPKT == kWholePacket);
static_assert(IGMPMSG_NOCACHE == kNoCache && MRT6MSG_NOCACHE == kNoCache);
static_assert(IGMPMSG_WRONGVIF == kWrongVif && MRT6MSG_WRONGMIF == kWrongVif);

struct Upcall {
  std::uint8_t zero = 0;
  std::uint8_t type = 0;
  std::size_t vif = 0;
  ByteSpan source;
  ByteSpan group;
  ByteSpan packet;
};

std::optional<Upcall> read_upcall(Family family, ByteSpan message) {
  ByteReader reader(message);
  Upcall upcall;
  if (family == Family::ipv4) {
    reader.skip(8);
    upcall.type = reader.u8();
    upcall.zero = reader.u8();
    upcall.vif = reader.u8();
    upcall.vif |= static_cast<std::size_t>(reader.u8()) << 8U;
  } else {
    upcall.zero = reader.u8();
    upcall.type = reader.u8();
    const ByteSpan mif = reader.take(2);
    std::uint16_t number = 0;
    if (reader.ok()) std::memcpy(&number, mif.data(), sizeof number);
    upcall.vif = number;
    reader.skip(4);
  }
  const std::size_t size = family == Family::ipv4 ? 4 : 16;
  upcall.source = reader.take(size);
  upcall.group = reader.take(size);
  upcall.packet = reader.rest();
  if (!reader.ok() || upcall.zero != 0) return std::nullopt;
  return upcall;
}

}  // namespace

std::vector<fwd::PlaneEvent> KernelPlane::poll_events(std::size_t max) {
  std::vector<fwd::PlaneEvent> events;
  while (!pending_.empty() && events.size() < max) {
    events.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  // Half for IPv4 at first, so that neither family starves the other.
  read_upcalls(Family::ipv4, (max + 1) / 2, events);
  read_upcalls(Family::ipv6, max - std::min(max, events.size()), events);
  return events;
}

void KernelPlane::read_upcalls(Family family, std::size_t max,
                               std::vector<fwd::PlaneEvent>& events) {
  const bool ipv4 = family == Family::ipv4;
  const int socket = ipv4 ? sockets_.descriptors().ipv4 : sockets_.descriptors().ipv6;
  upcall_buffer_.resize(kUpcallBytesMax);
  for (std::size_t read = 0; read < max; ++read) {
    union {
      cmsghdr header;
      std::byte bytes[CMSG_SPACE(sizeof(std::uint32_t))];
    } control{};
    iovec part{upcall_buffer_.data(), upcall_buffer_.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SO_RXQ_OVFL) {
      std::uint32_t total = 0;
      std::memcpy(&total, CMSG_DATA(header), sizeof total);
      std::uint32_t& seen = overflow_seen_[ipv4 ? 0 : 1];
      statistics_.kernel_drops += total - seen;
      seen = total;
    }
    if ((message.msg_flags & MSG_TRUNC) != 0) {
      ++statistics_.malformed;
      continue;
    }
    on_upcall(family, ByteSpan(upcall_buffer_).first(static_cast<std::size_t>(size)), events);
  }
}

void KernelPlane::on_upcall(Family family, ByteSpan message, std::vector<fwd::PlaneEvent>& events) {
  const std::optional<Upcall> upcall = read_upcall(family, message);
  if (!upcall || upcall->type < kNoCache || upcall->type > kWholePacket) {
    ++statistics_.malformed;
    return;
  }
  const Result<IpAddress> source = IpAddress::from_bytes(upcall->source);
  const Result<IpAddress> destination = IpAddress::from_bytes(upcall->group);
  if (!source || !destination || !destination->is_multicast()) {
    ++statistics_.malformed;
    return;
  }
  const VifTable& vifs = table(family);
  if (upcall->vif >= vifs.size() || !vifs[upcall->vif].link) {
    ++statistics_.unknown_link;
    return;
  }
  const LinkId link = *vifs[upcall->vif].link;
  const Group group = *Group::from(*destination);
  if (upcall->type == kNoCache) {
    ++statistics_.no_route;
    events.emplace_back(fwd::NoRoute{vrf(), link, *source, group});
  } else if (upcall->type == kWrongVif) {
    ++statistics_.wrong_interface;
    events.emplace_back(fwd::WrongInterface{vrf(), link, *source, group});
  } else {
    ++statistics_.whole_packets;
    Bytes packet = to_bytes(upcall->packet);
    finish_checksum(packet);
    events.emplace_back(fwd::WholePacket{vrf(), link, *source, group, std::move(packet)});
  }
}

}  // namespace hotpair::platform::kernel
