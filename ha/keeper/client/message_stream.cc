#include "ha/keeper/client/message_stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace hotpair::ha::keeper {
namespace {

constexpr std::size_t kOutBytesMax = 1024 * 1024;
constexpr std::size_t kReadAtOnce = 64 * 1024;

}  // namespace

Result<void> MessageStream::send(Bytes message, std::span<const int> fds) {
  if (fds.size() > kDescriptorsMax) return fail(ErrorCode::refused, "too many descriptors");
  if (out_bytes_ + message.size() > kOutBytesMax)
    return fail(ErrorCode::exhausted, "the other end does not read");
  Outgoing outgoing{std::move(message), 0, {}};
  for (const int fd : fds) {
    FileDescriptor copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy.valid()) return fail(ErrorCode::exhausted, std::strerror(errno));
    outgoing.fds.push_back(std::move(copy));
  }
  out_bytes_ += outgoing.bytes.size();
  out_.push_back(std::move(outgoing));
  return flush();
}

Result<void> MessageStream::flush() {
  while (!out_.empty()) {
    const auto sent = send_some(out_.front());
    if (!sent) return std::unexpected(sent.error());
    if (!*sent) return {};
    if (out_.front().sent == out_.front().bytes.size()) {
      out_bytes_ -= out_.front().bytes.size();
      out_.pop_front();
    }
  }
  return {};
}

// False: the socket is full.
Result<bool> MessageStream::send_some(Outgoing& outgoing) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kDescriptorsMax)> control{};
  iovec vector{outgoing.bytes.data() + outgoing.sent, outgoing.bytes.size() - outgoing.sent};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (!outgoing.fds.empty()) {
    const std::size_t length = outgoing.fds.size() * sizeof(int);
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(length);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(length);
    for (std::size_t i = 0; i < outgoing.fds.size(); ++i) {
      const int fd = outgoing.fds[i].get();
      std::memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(int));
    }
  }
  const ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    return fail(ErrorCode::disconnected, std::strerror(errno));
  }
  outgoing.fds.clear();
  outgoing.sent += static_cast<std::size_t>(sent);
  return true;
}

Result<std::vector<Bytes>> MessageStream::receive() {
  bool closed = false;
  while (true) {
    const auto more = read_some();
    if (!more && more.error().code != ErrorCode::disconnected) return std::unexpected(more.error());
    closed = !more;
    if (closed || !*more || in_.buffered() > kMessageLengthMax) break;
  }
  std::vector<Bytes> frames;
  while (true) {
    auto frame = in_.next();
    if (!frame) return std::unexpected(frame.error());
    if (!*frame) break;
    frames.push_back(std::move(**frame));
  }
  // What came before the end is still given out; the next call says that it is over.
  if (closed && frames.empty()) return fail(ErrorCode::disconnected, "closed by the other end");
  return frames;
}

// False: nothing more is there.
Result<bool> MessageStream::read_some() {
  std::array<std::byte, kReadAtOnce> buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kDescriptorsMax)> control{};
  iovec vector{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    return fail(ErrorCode::disconnected, std::strerror(errno));
  }
  if (got == 0) return fail(ErrorCode::disconnected, "closed by the other end");
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    if (const auto adopted = adopt_fds(header); !adopted) return std::unexpected(adopted.error());
  }
  in_.append(ByteSpan(buffer).first(static_cast<std::size_t>(got)));
  return true;
}

Result<void> MessageStream::adopt_fds(const void* control_message) {
  const auto* header = static_cast<const cmsghdr*>(control_message);
  const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
    in_fds_.emplace_back(fd);
  }
  if (in_fds_.size() > 2 * kDescriptorsMax)
    return fail(ErrorCode::malformed, "more descriptors than messages name");
  return {};
}

Result<std::vector<FileDescriptor>> MessageStream::take_fds(std::size_t count) {
  if (count > in_fds_.size())
    return fail(ErrorCode::malformed, "fewer descriptors than the message names");
  std::vector<FileDescriptor> taken;
  for (std::size_t i = 0; i < count; ++i) {
    taken.push_back(std::move(in_fds_.front()));
    in_fds_.pop_front();
  }
  return taken;
}

}  // namespace hotpair::ha::keeper
