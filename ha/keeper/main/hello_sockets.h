#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ha/etrunk/etrunk_types.h"
#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/result.h"

namespace hotpair::ha::keeper {

/// What a hello socket is bound to; paths that agree in it share the socket.
struct SocketKey {
  IpAddress local;
  std::uint16_t port = 0;
  std::string device;
  friend auto operator<=>(const SocketKey&, const SocketKey&) = default;
};

/// One UDP socket for hellos: bound even before the address exists (IP_FREEBIND), to a device where
/// one is named, marked CS6.
class HelloSocket {
 public:
  [[nodiscard]] static Result<HelloSocket> open(const SocketKey& key);

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Kernel index of the device it is bound to; 0 none. A device that was replaced has another one.
  [[nodiscard]] unsigned ifindex() const { return ifindex_; }
  /// Sends one datagram; the error says why it did not leave.
  [[nodiscard]] Result<void> send(ByteSpan datagram, const IpAddress& peer) const;

  struct Datagram {
    IpAddress source;
    ByteSpan bytes;       ///< into `buffer`
    bool truncated = false;
  };
  /// The next datagram, false when the socket is empty.
  [[nodiscard]] bool receive(std::span<std::byte> buffer, Datagram& datagram) const;

 private:
  HelloSocket(FileDescriptor fd, const SocketKey& key, unsigned ifindex)
      : fd_(std::move(fd)), key_(key), ifindex_(ifindex) {}
  FileDescriptor fd_;
  SocketKey key_;
  unsigned ifindex_ = 0;
};

}  // namespace hotpair::ha::keeper
