#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "ha/keeper/wire/keeper_codec.h"
#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/result.h"

namespace hotpair::ha::keeper {

/// Frames and descriptors over a nonblocking Unix stream socket; both ends of the keeper protocol.
/// Descriptors leave with the first byte of their frame, so they are there before it is whole.
class MessageStream {
 public:
  explicit MessageStream(FileDescriptor fd) : fd_(std::move(fd)) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Queues one encoded message and sends as much as goes. `fds` stay the caller's. exhausted: the
  /// other end does not read and the queue is full; disconnected: it is gone.
  [[nodiscard]] Result<void> send(Bytes message, std::span<const int> fds = {});
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] bool wants_write() const { return !out_.empty(); }
  /// Reads what is there and cuts it into frames (number and payload).
  [[nodiscard]] Result<std::vector<Bytes>> receive();
  /// The oldest `count` descriptors that came in; malformed when fewer are there.
  [[nodiscard]] Result<std::vector<FileDescriptor>> take_fds(std::size_t count);

 private:
  struct Outgoing {
    Bytes bytes;
    std::size_t sent = 0;
    std::vector<FileDescriptor> fds;
  };
  [[nodiscard]] Result<bool> send_some(Outgoing& outgoing);
  [[nodiscard]] Result<bool> read_some();
  [[nodiscard]] Result<void> adopt_fds(const void* control_message);

  FileDescriptor fd_;
  FrameBuffer in_;
  std::deque<FileDescriptor> in_fds_;
  std::deque<Outgoing> out_;
  std::size_t out_bytes_ = 0;
};

}  // namespace hotpair::ha::keeper
