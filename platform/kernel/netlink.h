#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/result.h"

struct nlmsghdr;

namespace hotpair::platform::kernel {

/// A nonblocking rtnetlink socket: requests are answered by the kernel before send returns, so a
/// request never waits. One socket serves either requests or notifications, not both.
class NetlinkSocket {
 public:
  /// `groups` is a list of RTNLGRP_* to join; empty makes a socket for requests.
  [[nodiscard]] static Result<NetlinkSocket> open(std::span<const unsigned> groups = {});

  /// Sends one request and hands every answer to `on_message`; dumps are read to their end.
  [[nodiscard]] Result<void> request(nlmsghdr& message,
                                     const std::function<void(const nlmsghdr&)>& on_message);
  /// Asks for a dump that receive_dump() takes in, portion by portion. One at a time on a socket
  /// that serves nothing else.
  [[nodiscard]] Result<void> start_dump(nlmsghdr& message);
  enum class Dump { more, done, absent, failed };
  /// Takes one datagram of the dump if one is there. `absent`: there is no such table. `failed`: it
  /// broke off, or the table changed meanwhile.
  [[nodiscard]] Dump receive_dump(const std::function<void(const nlmsghdr&)>& on_message);
  /// Sends many requests in one go. `sequence_of_first` numbers them upwards; the kernel's errors
  /// are answered as (index, errno), in order. The last message must ask for an acknowledgement.
  [[nodiscard]] Result<void> batch(ByteSpan messages, std::uint32_t first, std::uint32_t count,
                                   const std::function<void(std::uint32_t, int)>& on_error);
  enum class Received { message, none, overrun };
  /// Takes one datagram of notifications. `overrun`: some were lost, read everything again.
  [[nodiscard]] Received receive(const std::function<void(const nlmsghdr&)>& on_message);

  [[nodiscard]] int descriptor() const { return fd_.get(); }
  [[nodiscard]] std::uint32_t next_sequence(std::uint32_t count = 1);

 private:
  explicit NetlinkSocket(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
  std::uint32_t sequence_ = 1;
  std::uint32_t dump_ = 0;  // its sequence
  bool interrupted_ = false;
};

}  // namespace hotpair::platform::kernel
