#include "ha/keeper/main/carrier_watch.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace hotpair::ha::keeper {
namespace {

constexpr std::size_t align4(std::size_t length) { return (length + 3) & ~std::size_t{3}; }
constexpr unsigned kLowerUp = 1U << 16;  // IFF_LOWER_UP, hidden by net/if.h

template <typename T>
T read_as(ByteSpan bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::string device_name(ByteSpan attributes) {
  while (attributes.size() >= sizeof(rtattr)) {
    const auto attribute = read_as<rtattr>(attributes);
    if (attribute.rta_len < sizeof(rtattr) || attribute.rta_len > attributes.size()) break;
    const ByteSpan value = attributes.subspan(sizeof(rtattr), attribute.rta_len - sizeof(rtattr));
    if (attribute.rta_type == IFLA_IFNAME) {
      const std::string_view text = as_text(value);
      return std::string(text.substr(0, text.find('\0')));
    }
    const std::size_t step = align4(attribute.rta_len);
    if (step > attributes.size()) break;
    attributes = attributes.subspan(step);
  }
  return {};
}

}  // namespace

Result<CarrierWatch> CarrierWatch::open() {
  FileDescriptor fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd.valid()) return fail(ErrorCode::unavailable, std::strerror(errno));
  const int bytes = 1 << 20;
  static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(ErrorCode::unavailable, std::strerror(errno));
  CarrierWatch watch(std::move(fd));
  if (!watch.request_dump()) return fail(ErrorCode::unavailable, std::strerror(errno));
  return watch;
}

bool CarrierWatch::request(unsigned index, unsigned flags) {
  struct {
    nlmsghdr header;
    ifinfomsg body;
  } message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = RTM_GETLINK;
  message.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message.body.ifi_family = AF_UNSPEC;
  message.body.ifi_index = static_cast<int>(index);
  return ::send(fd_.get(), &message, sizeof message, 0) == static_cast<ssize_t>(sizeof message);
}

bool CarrierWatch::request_dump() { return request(0, NLM_F_DUMP); }

void CarrierWatch::ask(unsigned index) { static_cast<void>(request(index, 0)); }

bool CarrierWatch::read() {
  std::array<std::byte, 32 * 1024> buffer;
  bool changed = false;
  while (true) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) {
      ++dump_;  // events were lost; what the next dump does not name is gone
      static_cast<void>(request_dump());
      continue;
    }
    if (got <= 0) return changed;
    changed = apply(ByteSpan(buffer).first(static_cast<std::size_t>(got))) || changed;
  }
}

bool CarrierWatch::apply(ByteSpan datagram) {
  bool changed = false;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    const auto header = read_as<nlmsghdr>(datagram);
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > datagram.size()) break;
    const ByteSpan body = datagram.subspan(sizeof(nlmsghdr), header.nlmsg_len - sizeof(nlmsghdr));
    if (header.nlmsg_type == RTM_NEWLINK || header.nlmsg_type == RTM_DELLINK)
      changed = apply_link(header.nlmsg_type == RTM_DELLINK, body) || changed;
    if (header.nlmsg_type == NLMSG_DONE) changed = forget_unseen() || changed;
    datagram = datagram.subspan(std::min(align4(header.nlmsg_len), datagram.size()));
  }
  return changed;
}

bool CarrierWatch::forget_unseen() {
  const std::size_t before = links_.size();
  std::erase_if(links_, [&](const auto& entry) { return entry.second.seen != dump_; });
  std::erase_if(names_, [&](const auto& entry) { return !links_.contains(entry.second); });
  return links_.size() != before;
}

bool CarrierWatch::apply_link(bool gone, ByteSpan body) {
  if (body.size() < sizeof(ifinfomsg)) return false;
  const auto info = read_as<ifinfomsg>(body);
  // AF_BRIDGE speaks of a port's bridge state under the same type; the device is not gone then.
  if (info.ifi_family != AF_UNSPEC || info.ifi_index <= 0) return false;
  const auto index = static_cast<unsigned>(info.ifi_index);
  const std::string name = device_name(body.subspan(align4(sizeof(ifinfomsg))));
  const auto old = names_.find(index);
  bool changed = false;
  if (old != names_.end() && (gone || (!name.empty() && old->second != name))) {
    links_.erase(old->second);
    names_.erase(old);
    changed = true;
  }
  if (gone || name.empty()) return changed;
  names_[index] = name;
  const Link link{index, (info.ifi_flags & IFF_UP) != 0 && (info.ifi_flags & kLowerUp) != 0, dump_};
  Link& known = links_[name];
  changed = changed || known.index != link.index || known.up != link.up;
  known = link;
  return changed;
}

const CarrierWatch::Link* CarrierWatch::find(const std::string& device) const {
  const auto it = links_.find(device);
  return it == links_.end() ? nullptr : &it->second;
}

}  // namespace hotpair::ha::keeper
