#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/ids.h"
#include "platform/base/result.h"

namespace hotpair::platform::io {

/// One received PIM packet as the kernel hands it out; nothing in it is checked here.
struct PimDatagram {
  Ifindex interface;
  IpAddress source;
  IpAddress destination;
  std::uint8_t hop_limit = 0;  ///< IPv6; an IPv4 packet says it itself
  Bytes packet;                ///< IPv4: from the IP header on; IPv6: from the PIM header on
};

struct PimSocketStatistics {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t send_errors = 0;
  std::uint64_t unknown_interface = 0;  ///< received where no interface was added
};

/// Sends and receives PIM (IP protocol 103) of one network namespace, on any number of interfaces
/// (RFC 7761 4.9): to ALL-PIM-ROUTERS with TTL 1, to a router by unicast routing.
class PimSocket {
 public:
  [[nodiscard]] static Result<PimSocket> open();

  /// Joins 224.0.0.13 and ff02::d there. Adding an interface again is fine.
  [[nodiscard]] Result<void> add_interface(Ifindex interface, bool ipv4, bool ipv6);
  void remove_interface(Ifindex interface);
  /// What is addressed to `device` itself counts as received by `interface`; without one no more.
  void set_alias(Ifindex device, std::optional<Ifindex> interface);

  /// Sends a PIM message with its checksum. To a multicast address it goes out of `interface`; to a
  /// unicast one by routing, or out of `via` by the rules for that device. `source` is an address
  /// of this node, or unspecified.
  [[nodiscard]] Result<void> send(Ifindex interface, const IpAddress& source,
                                  const IpAddress& destination, ByteSpan message,
                                  Ifindex via = Ifindex(0));

  /// Takes at most `max` packets of a family; empty when nothing waits.
  [[nodiscard]] std::vector<PimDatagram> receive(Family family, std::size_t max = 64);
  /// Readable when receive(family) has work.
  [[nodiscard]] int descriptor(Family family) const {
    return family == Family::ipv4 ? socket4_.get() : socket6_.get();
  }
  [[nodiscard]] const PimSocketStatistics& statistics(Family family) const {
    return family == Family::ipv4 ? statistics4_ : statistics6_;
  }

 private:
  struct Membership {
    FileDescriptor join4;  // one socket per interface: igmp_max_memberships counts per socket
    FileDescriptor join6;
  };
  PimSocket() = default;
  [[nodiscard]] static Result<void> join(Ifindex interface, Family family, FileDescriptor& socket);

  FileDescriptor socket4_;
  FileDescriptor socket6_;
  std::map<Ifindex, Membership> interfaces_;
  std::map<Ifindex, Ifindex> aliases_;
  PimSocketStatistics statistics4_;
  PimSocketStatistics statistics6_;
};

}  // namespace hotpair::platform::io
