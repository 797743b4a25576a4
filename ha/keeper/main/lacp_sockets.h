#pragma once

#include <span>
#include <string>

#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/result.h"

namespace hotpair::ha::keeper {

/// Slow protocols on one device: AF_PACKET bound to ethertype 0x8809 and to the device, member of
/// 01-80-C2-00-00-02. What it sees is not taken from anybody: the frame goes on to bridge or trunk
/// programs as before.
class LacpSocket {
 public:
  [[nodiscard]] static Result<LacpSocket> open(const std::string& device);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& device() const { return device_; }
  /// Kernel index of the device it is bound to. A device that was replaced has another one.
  [[nodiscard]] unsigned ifindex() const { return ifindex_; }
  /// Sends the octets after the ethertype to the slow protocols address.
  [[nodiscard]] Result<void> send(ByteSpan payload) const;
  /// The next PDU without its Ethernet header, cut to the buffer; false when the socket is empty.
  [[nodiscard]] bool receive(std::span<std::byte> buffer, ByteSpan& payload) const;

 private:
  LacpSocket(FileDescriptor fd, std::string device, unsigned ifindex)
      : fd_(std::move(fd)), device_(std::move(device)), ifindex_(ifindex) {}
  FileDescriptor fd_;
  std::string device_;
  unsigned ifindex_ = 0;
};

}  // namespace hotpair::ha::keeper
