#include "platform/probe/probe_sockets.h"

#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

namespace hotpair::platform::probe {
namespace {

constexpr int buffer_bytes = 32 << 20;

std::unexpected<Error> system_error(const std::string& what) {
  return fail(ErrorCode::unavailable, what + ": " + std::strerror(errno));
}

bool set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

void enlarge(int fd, int forced, int plain) {
  if (!set_option(fd, SOL_SOCKET, forced, buffer_bytes))
    set_option(fd, SOL_SOCKET, plain, buffer_bytes);
}

Duration clock_value(clockid_t clock) {
  timespec value{};
  clock_gettime(clock, &value);
  return std::chrono::seconds(value.tv_sec) + std::chrono::nanoseconds(value.tv_nsec);
}

int family_of(Family family) { return family == Family::ipv4 ? AF_INET : AF_INET6; }
int level_of(Family family) { return family == Family::ipv4 ? IPPROTO_IP : IPPROTO_IPV6; }

/// 0 or errno.
int join(int fd, const Group& group, const std::vector<IpAddress>& sources, unsigned ifindex) {
  const int level = level_of(group.family());
  const SocketAddress group_address = to_socket_address(group.address(), 0, 0);
  if (sources.empty()) {
    group_req request{};
    request.gr_interface = ifindex;
    request.gr_group = group_address.storage;
    return setsockopt(fd, level, MCAST_JOIN_GROUP, &request, sizeof request) == 0 ? 0 : errno;
  }
  for (const IpAddress& source : sources) {
    group_source_req request{};
    request.gsr_interface = ifindex;
    request.gsr_group = group_address.storage;
    request.gsr_source = to_socket_address(source, 0, 0).storage;
    if (setsockopt(fd, level, MCAST_JOIN_SOURCE_GROUP, &request, sizeof request) != 0) return errno;
  }
  return 0;
}

Result<Descriptor> open_receive_socket(Family family, std::uint16_t port) {
  Descriptor fd(socket(family_of(family), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return system_error("socket");
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1);
  set_option(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, 1);
  enlarge(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF);
  const bool own_groups_only =
      family == Family::ipv4 ? set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_ALL, 0) &&
                                   set_option(fd.get(), IPPROTO_IP, IP_PKTINFO, 1)
                             : set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
                                   set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0) &&
                                   set_option(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  if (!own_groups_only) return system_error("socket options for multicast");
  const SocketAddress any = to_socket_address(IpAddress::any(family), port, 0);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&any.storage), any.length) != 0) {
    return system_error(fmt::format("binding to port {}", port));
  }
  return fd;
}

IpAddress from_socket_address(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    return IpAddress::v4(ntohl(address.sin_addr.s_addr));
  }
  sockaddr_in6 address{};
  std::memcpy(&address, &storage, sizeof address);
  return IpAddress::from_bytes(std::as_bytes(std::span(address.sin6_addr.s6_addr)))
      .value_or(IpAddress());
}

template <typename T>
T control_value(const cmsghdr* header) {
  T value{};
  std::memcpy(&value, CMSG_DATA(header), sizeof value);
  return value;
}

/// Takes what the kernel says beside the payload.
void read_control(const msghdr& message, Duration wall_offset, Datagram& datagram) {
  for (const cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr;
       at = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(at))) {
    if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_TIMESTAMPNS) {
      const auto stamp = control_value<timespec>(at);
      datagram.received_at = TimePoint(std::chrono::seconds(stamp.tv_sec) +
                                       std::chrono::nanoseconds(stamp.tv_nsec) - wall_offset);
    } else if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_RXQ_OVFL) {
      datagram.overflow = control_value<std::uint32_t>(at);
    } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
      datagram.group = IpAddress::v4(ntohl(control_value<in_pktinfo>(at).ipi_addr.s_addr));
    } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
      const auto info = control_value<in6_pktinfo>(at);
      datagram.group = IpAddress::from_bytes(std::as_bytes(std::span(info.ipi6_addr.s6_addr)))
                           .value_or(IpAddress());
    }
  }
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.fd_;
    other.fd_ = -1;
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

TimePoint monotonic_now() { return TimePoint(clock_value(CLOCK_MONOTONIC)); }

bool become_realtime() {
  sched_param parameters{};
  parameters.sched_priority = 20;
  return sched_setscheduler(0, SCHED_FIFO, &parameters) == 0;
}

Result<Descriptor> open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return system_error("sigprocmask");
  Descriptor fd(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (fd.get() < 0) return system_error("signalfd");
  return fd;
}

SocketAddress to_socket_address(const IpAddress& address, std::uint16_t port, unsigned ifindex) {
  SocketAddress out;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes().data(), 4);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.length = sizeof v4;
    return out;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_scope_id = ifindex;
  std::memcpy(&v6.sin6_addr, address.bytes().data(), 16);
  std::memcpy(&out.storage, &v6, sizeof v6);
  out.length = sizeof v6;
  return out;
}

Result<unsigned> interface_index(const std::string& name) {
  const unsigned index = if_nametoindex(name.c_str());
  if (index == 0) return fail(ErrorCode::not_found, "there is no interface '" + name + "' here");
  return index;
}

Result<Descriptor> open_send_socket(const SendSocketOptions& options) {
  const Result<unsigned> index = interface_index(options.interface);
  if (!index) return std::unexpected(index.error());
  Descriptor fd(socket(family_of(options.family), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return system_error("socket");
  enlarge(fd.get(), SO_SNDBUFFORCE, SO_SNDBUF);
  bool done = false;
  if (options.family == Family::ipv4) {
    ip_mreqn request{};
    request.imr_ifindex = static_cast<int>(*index);
    done = setsockopt(fd.get(), IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) == 0 &&
           set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_TTL, options.ttl) &&
           set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_LOOP, options.loop ? 1 : 0);
  } else {
    done = set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(*index)) &&
           set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, options.ttl) &&
           set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, options.loop ? 1 : 0);
  }
  if (!done) return system_error("socket options for multicast");
  if (options.source) {
    const SocketAddress source = to_socket_address(*options.source, 0, *index);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&source.storage), source.length) != 0) {
      return system_error("binding to " + options.source->to_string());
    }
  }
  return fd;
}

Result<JoinedSockets> JoinedSockets::open(const Options& options) {
  const Result<unsigned> index = interface_index(options.interface);
  if (!index) return std::unexpected(index.error());
  const Family family = options.groups.front().family();
  JoinedSockets joined;
  bool fresh = false;
  for (std::size_t i = 0; i < options.groups.size();) {
    if (joined.sockets_.empty()) {
      Result<Descriptor> fd = open_receive_socket(family, options.port);
      if (!fd) return std::unexpected(fd.error());
      joined.sockets_.push_back(std::move(*fd));
      fresh = true;
    }
    const int error =
        join(joined.sockets_.back().get(), options.groups[i], options.sources, *index);
    if (error == 0) {
      ++i;
      fresh = false;
      continue;
    }
    if (fresh || (error != ENOBUFS && error != ENOMEM)) {
      errno = error;
      return system_error("joining " + options.groups[i].to_string() + " on " + options.interface);
    }
    // This socket is full. A source list that was joined in part is taken back, because the whole
    // list goes to the next socket, and two sockets with the same (S,G) would hear it twice.
    for (const IpAddress& source : options.sources) {
      group_source_req request{};
      request.gsr_interface = *index;
      request.gsr_group = to_socket_address(options.groups[i].address(), 0, 0).storage;
      request.gsr_source = to_socket_address(source, 0, 0).storage;
      static_cast<void>(setsockopt(joined.sockets_.back().get(), level_of(family),
                                   MCAST_LEAVE_SOURCE_GROUP, &request, sizeof request));
    }
    Result<Descriptor> fd = open_receive_socket(family, options.port);
    if (!fd) return std::unexpected(fd.error());
    joined.sockets_.push_back(std::move(*fd));
    fresh = true;
  }
  return joined;
}

BatchReader::BatchReader() : slots_(batch) {
  for (std::size_t i = 0; i < batch; ++i) {
    Slot& slot = slots_[i];
    slot.vector = {.iov_base = slot.payload.data(), .iov_len = slot.payload.size()};
    headers_[i].msg_hdr.msg_name = &slot.source;
    headers_[i].msg_hdr.msg_iov = &slot.vector;
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_control = slot.control.data();
  }
  datagrams_.reserve(batch);
}

Datagram BatchReader::to_datagram(std::size_t index, Duration wall_offset) {
  const mmsghdr& header = headers_[index];
  Datagram datagram;
  datagram.source = from_socket_address(slots_[index].source);
  datagram.payload = ByteSpan(slots_[index].payload).first(header.msg_len);
  read_control(header.msg_hdr, wall_offset, datagram);
  return datagram;
}

std::span<const Datagram> BatchReader::read(int socket) {
  datagrams_.clear();
  for (mmsghdr& header : headers_) {
    header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    header.msg_hdr.msg_controllen = sizeof(Slot::control);
    header.msg_len = 0;
  }
  const int count = recvmmsg(socket, headers_.data(), batch, MSG_DONTWAIT, nullptr);
  // The kernel stamps in wall-clock time; the stamps are fresh, so today's offset is theirs.
  const Duration wall_offset = clock_value(CLOCK_REALTIME) - clock_value(CLOCK_MONOTONIC);
  for (int i = 0; i < count; ++i) {
    datagrams_.push_back(to_datagram(static_cast<std::size_t>(i), wall_offset));
  }
  return datagrams_;
}

}  // namespace hotpair::platform::probe
