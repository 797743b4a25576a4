#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/ids.h"
#include "platform/base/result.h"

namespace hotpair::platform::io {

/// One received Auto-RP message as the kernel hands it out; nothing in it is checked here.
struct AutoRpDatagram {
  Ifindex interface;
  IpAddress source;
  IpAddress destination;
  Bytes payload;
};

struct AutoRpSocketStatistics {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t send_errors = 0;
  std::uint64_t not_for_us = 0;  ///< another address, or an interface that was not added
};

/// Sends and receives Auto-RP of one network namespace: UDP port 496, groups 224.0.1.39 and
/// 224.0.1.40. What is sent is not looped back, neither to this host nor into its multicast routes.
class AutoRpSocket {
 public:
  [[nodiscard]] static Result<AutoRpSocket> open();

  /// Joins the groups there, which the kernel reports by IGMP: 224.0.1.39 for `announcements`,
  /// 224.0.1.40 for `discoveries`. Adding an interface again changes what is heard.
  [[nodiscard]] Result<void> add_interface(Ifindex interface, bool announcements, bool discoveries);
  void remove_interface(Ifindex interface);

  /// Out of `interface`; `source` is an address of this node.
  [[nodiscard]] Result<void> send(Ifindex interface, const IpAddress& source,
                                  const IpAddress& destination, std::uint8_t ttl, ByteSpan payload);

  /// Takes at most `max` messages; empty when nothing waits.
  [[nodiscard]] std::vector<AutoRpDatagram> receive(std::size_t max = 64);
  /// Readable when receive() has work.
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] const AutoRpSocketStatistics& statistics() const { return statistics_; }

 private:
  struct Membership {
    FileDescriptor announcements;  // one socket each: igmp_max_memberships counts per socket
    FileDescriptor discoveries;
  };
  AutoRpSocket() = default;

  FileDescriptor socket_;
  std::map<Ifindex, Membership> interfaces_;
  AutoRpSocketStatistics statistics_;
};

}  // namespace hotpair::platform::io
