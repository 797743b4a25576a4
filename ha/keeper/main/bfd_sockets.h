#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ha/bfd/bfd_session.h"
#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/result.h"
#include "platform/hmac/hmac.h"

namespace hotpair::ha::keeper {

/// The UDP sockets of BFD: one that receives per local address, device and kind of hop, one that
/// sends per session (RFC 5881 4: a source port of 49152 to 65535, its own and always the same;
/// TTL 255). Digests are made and checked here.
class BfdSockets {
 public:
  struct Session {
    bfd::Discriminator id;
    bfd::SessionConfig config;
  };
  /// Tells of a socket that could not be opened, once for each different error.
  using Complain = std::function<void(const std::string& socket, const std::string& error)>;
  /// A descriptor to wait on.
  using Watch = std::function<void(int fd)>;

  BfdSockets(Watch watch, Complain complain)
      : watch_(std::move(watch)), complain_(std::move(complain)) {}

  /// What stays keeps its sockets.
  void configure(const std::vector<Session>& sessions);
  /// Opens what is not open; true if something is still missing.
  [[nodiscard]] bool open_missing();
  /// Closes what is bound to a device that is gone or was replaced: `index` tells the kernel's
  /// number of a device, 0 none. True if something was closed.
  [[nodiscard]] bool close_stale(const std::function<unsigned(const std::string&)>& index);

  /// Signs and sends.
  [[nodiscard]] Result<void> send(bfd::Discriminator session, const bfd::ControlPacket& packet);

  struct Datagram {
    bfd::Arrival arrival;  ///< without the digest's check
    ByteSpan bytes;
  };
  [[nodiscard]] bool owns(int fd) const { return by_fd_.contains(fd); }
  [[nodiscard]] std::vector<int> fds() const;
  /// Reads the socket until it is empty, at most `count` datagrams.
  void read(int fd, std::size_t count, const std::function<void(const Datagram&)>& take);
  /// Looks at the digest with the keys of the session.
  [[nodiscard]] bfd::DigestCheck check(const bfd::ControlPacket& packet, ByteSpan datagram,
                                       const bfd::SessionConfig& session) const;

 private:
  struct Key {
    IpAddress local;
    std::string device;
    bool multihop = false;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Receiver {
    FileDescriptor fd;
    unsigned ifindex = 0;
    std::string last_error;
  };
  struct Sender {
    bfd::SessionConfig config;
    FileDescriptor fd;
    unsigned ifindex = 0;
    std::string last_error;
  };
  void note(std::string& last, const Key& key, const Error& error);

  Watch watch_;
  Complain complain_;
  platform::hmac::Sha1 sha1_;
  std::map<Key, Receiver> receivers_;
  std::map<bfd::Discriminator, Sender> senders_;
  std::map<int, Key> by_fd_;
};

}  // namespace hotpair::ha::keeper
