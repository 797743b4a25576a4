#include "platform/kernel/netlink.h"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

namespace hotpair::platform::kernel {
namespace {

constexpr int kBufferBytes = 1 << 20;
constexpr std::size_t kDatagramBytes = 64 * 1024;

Error os_error(const char* what) {
  const int error = errno;
  ErrorCode code = ErrorCode::unavailable;
  if (error == EPERM || error == EACCES) code = ErrorCode::refused;
  if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS)
    code = ErrorCode::exhausted;
  return {code, fmt::format("rtnetlink {}: {}", what, std::strerror(error))};
}

Error answer_error(int error) {
  ErrorCode code = ErrorCode::unavailable;
  if (error == EPERM || error == EACCES) code = ErrorCode::refused;
  if (error == ENODEV || error == ESRCH || error == ENOENT || error == EADDRNOTAVAIL ||
      error == ENETUNREACH || error == EHOSTUNREACH || error == ENXIO)
    code = ErrorCode::not_found;
  if (error == EEXIST) code = ErrorCode::exists;
  if (error == EOPNOTSUPP || error == EAFNOSUPPORT) code = ErrorCode::unsupported;
  if (error == ENOMEM || error == ENOBUFS || error == ENFILE) code = ErrorCode::exhausted;
  return {code, std::strerror(error)};
}

/// Calls `on_message` for every whole message of a datagram; stops where one does not fit.
template <typename OnMessage>
void for_each_message(ByteSpan datagram, const OnMessage& on_message) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    const auto* header = reinterpret_cast<const nlmsghdr*>(datagram.data());
    if (header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size()) return;
    on_message(*header);
    const std::size_t step = NLMSG_ALIGN(header->nlmsg_len);
    datagram = datagram.subspan(std::min(step, datagram.size()));
  }
}

/// The positive errno in an NLMSG_ERROR message; 0 is an acknowledgement.
int error_of(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(int))) return EBADMSG;
  int error = 0;
  std::memcpy(&error, reinterpret_cast<const std::byte*>(&message) + NLMSG_HDRLEN, sizeof error);
  return -error;
}

/// Datagrams are read into memory that is aligned for nlmsghdr.
struct alignas(nlmsghdr) Datagram {
  std::array<std::byte, kDatagramBytes> bytes;
};

/// Size read; 0 when nothing waits; -1 with errno otherwise. Messages of other processes are read
/// as empty: only the kernel (port 0) is believed.
ssize_t read_datagram(int fd, Datagram& datagram) {
  for (;;) {
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = ::recvfrom(fd, datagram.bytes.data(), datagram.bytes.size(), MSG_DONTWAIT,
                                    reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
    if (size >= 0 && from.nl_pid != 0) continue;
    return size;
  }
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(std::span<const unsigned> groups) {
  FileDescriptor fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.valid()) return std::unexpected(os_error("socket"));
  const int bytes = kBufferBytes;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes));
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
    static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes));
  const int on = 1;
  static_cast<void>(::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on));
  static_cast<void>(::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on));
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
    return std::unexpected(os_error("bind"));
  for (const unsigned group : groups) {
    if (::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
      return std::unexpected(os_error("subscription"));
  }
  return NetlinkSocket(std::move(fd));
}

std::uint32_t NetlinkSocket::next_sequence(std::uint32_t count) {
  const std::uint32_t first = sequence_;
  sequence_ += count;
  return first;
}

Result<void> NetlinkSocket::request(nlmsghdr& message,
                                    const std::function<void(const nlmsghdr&)>& on_message) {
  message.nlmsg_seq = next_sequence();
  message.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  if (::send(fd_.get(), &message, message.nlmsg_len, 0) < 0)
    return std::unexpected(os_error("send"));
  std::vector<Datagram> datagram(1);
  std::optional<int> finished;
  bool interrupted = false;
  while (!finished) {
    const ssize_t size = read_datagram(fd_.get(), datagram.front());
    if (size < 0) return std::unexpected(os_error("answer"));
    if (size == 0) return fail(ErrorCode::unavailable, "rtnetlink: the kernel gave no answer");
    const ByteSpan bytes(datagram.front().bytes.data(), static_cast<std::size_t>(size));
    for_each_message(bytes, [&](const nlmsghdr& header) {
      if (header.nlmsg_seq != message.nlmsg_seq) return;  // left over from a failed exchange
      interrupted = interrupted || (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
        finished = error_of(header);
      } else {
        on_message(header);
      }
    });
  }
  if (*finished != 0) return std::unexpected(answer_error(*finished));
  if (interrupted)
    return fail(ErrorCode::unavailable,
                "rtnetlink: the table changed while it was read; try again");
  return {};
}

Result<void> NetlinkSocket::start_dump(nlmsghdr& message) {
  message.nlmsg_seq = dump_ = next_sequence();
  message.nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
  interrupted_ = false;
  if (::send(fd_.get(), &message, message.nlmsg_len, 0) < 0)
    return std::unexpected(os_error("send"));
  return {};
}

NetlinkSocket::Dump NetlinkSocket::receive_dump(
    const std::function<void(const nlmsghdr&)>& on_message) {
  std::vector<Datagram> datagram(1);
  const ssize_t size = read_datagram(fd_.get(), datagram.front());
  if (size < 0) return Dump::failed;
  Dump result = Dump::more;
  const auto ended = [this](int error) {
    if (error == ENOENT) return Dump::absent;
    return error == 0 && !interrupted_ ? Dump::done : Dump::failed;
  };
  const ByteSpan bytes(datagram.front().bytes.data(), static_cast<std::size_t>(size));
  for_each_message(bytes, [&](const nlmsghdr& header) {
    if (header.nlmsg_seq != dump_) return;  // left over from one that was given up
    interrupted_ = interrupted_ || (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE)
      result = ended(error_of(header));
    else
      on_message(header);
  });
  return result;
}

Result<void> NetlinkSocket::batch(ByteSpan messages, std::uint32_t first, std::uint32_t count,
                                  const std::function<void(std::uint32_t, int)>& on_error) {
  if (::send(fd_.get(), messages.data(), messages.size(), 0) < 0)
    return std::unexpected(os_error("batch"));
  std::vector<Datagram> datagram(1);
  bool last_answered = false;
  while (!last_answered) {
    const ssize_t size = read_datagram(fd_.get(), datagram.front());
    if (size < 0) return std::unexpected(os_error("batch answer"));
    if (size == 0) return fail(ErrorCode::unavailable, "rtnetlink: the kernel gave no answer");
    const ByteSpan bytes(datagram.front().bytes.data(), static_cast<std::size_t>(size));
    for_each_message(bytes, [&](const nlmsghdr& header) {
      const std::uint32_t index = header.nlmsg_seq - first;
      if (header.nlmsg_type != NLMSG_ERROR || index >= count) return;
      if (const int error = error_of(header); error != 0) on_error(index, error);
      last_answered = last_answered || index == count - 1;
    });
  }
  return {};
}

NetlinkSocket::Received NetlinkSocket::receive(
    const std::function<void(const nlmsghdr&)>& on_message) {
  std::vector<Datagram> datagram(1);
  const ssize_t size = read_datagram(fd_.get(), datagram.front());
  if (size == 0) return Received::none;
  if (size < 0) return Received::overrun;  // ENOBUFS; anything else is no better known
  const ByteSpan bytes(datagram.front().bytes.data(), static_cast<std::size_t>(size));
  for_each_message(bytes, [&](const nlmsghdr& header) {
    if (header.nlmsg_type >= NLMSG_MIN_TYPE) on_message(header);
  });
  return Received::message;
}

}  // namespace hotpair::platform::kernel
