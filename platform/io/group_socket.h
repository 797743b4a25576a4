#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/descriptor.h"
#include "platform/base/ids.h"
#include "platform/base/result.h"

namespace hotpair::platform::io {

/// One received IGMP or MLD packet. Lengths, header checksum and message checksum are verified;
/// everything else (types, hop limit, router alert, addresses) is for the protocol to judge.
struct GroupPacket {
  Ifindex interface;
  IpAddress source;
  IpAddress destination;
  std::uint8_t hop_limit = 0;  ///< IPv4 TTL or IPv6 hop limit
  bool router_alert = false;   ///< RFC 2113 or RFC 2711 option present
  Bytes message;               ///< from the IGMP or ICMPv6 type octet on
};

/// Why a received packet was dropped before the protocol saw it.
enum class GroupReject : std::uint8_t {
  truncated,     ///< shorter than its own headers or length field
  bad_header,    ///< version, header length, option or IPv4 header checksum wrong
  fragment,      ///< IGMP and MLD are never fragmented
  bad_checksum,  ///< of the IGMP or ICMPv6 message
  not_group,     ///< some other ICMPv6 message or protocol behind the filter
  not_for_us,    ///< addressed to another host's MAC, or a tag of an unknown VLAN
  count
};

struct GroupSocketStatistics {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t send_errors = 0;
  std::uint64_t kernel_drops = 0;  ///< lost because the receive buffer was full
  std::array<std::uint64_t, static_cast<std::size_t>(GroupReject::count)> rejects{};
};

/// Reads one IPv4 or IPv6 packet as it was on the wire; interface is left at zero.
[[nodiscard]] std::variant<GroupPacket, GroupReject> parse_group_packet(Family family,
                                                                        ByteSpan packet);

/// Sends and receives IGMP and MLD of one network namespace, on any number of interfaces.
///
/// Receives through packet sockets with a filter in the kernel: every IGMP and MLD message of an
/// interface that was added arrives, whatever group it is addressed to and whether or not the
/// interface is a VIF. Sends through raw sockets with router alert, TTL 1 and a chosen source.
class GroupSocket {
 public:
  [[nodiscard]] static Result<GroupSocket> open();

  /// Joins 224.0.0.2, 224.0.0.22, ff02::2 and ff02::16 there and accepts all multicast frames.
  /// Adding an interface again is fine.
  [[nodiscard]] Result<void> add_interface(Ifindex interface, bool ipv4, bool ipv6);
  void remove_interface(Ifindex interface);

  /// Sends an IGMP message (its checksum already set) or an MLD message (checksum is filled in by
  /// the kernel) with TTL 1 and router alert. `source` must be an address of the interface, or
  /// unspecified to let the kernel choose.
  [[nodiscard]] Result<void> send(Ifindex interface, const IpAddress& source,
                                  const IpAddress& destination, ByteSpan message);

  /// Takes at most `max` packets from one family's socket; empty when nothing waits.
  [[nodiscard]] std::vector<GroupPacket> receive(Family family, std::size_t max = 64);
  /// Readable when receive(family) has work.
  [[nodiscard]] int descriptor(Family family) const {
    return family == Family::ipv4 ? receive4_.get() : receive6_.get();
  }
  [[nodiscard]] const GroupSocketStatistics& statistics(Family family) const {
    return family == Family::ipv4 ? statistics4_ : statistics6_;
  }

 private:
  struct Membership {
    bool ipv4 = false;
    bool ipv6 = false;
    FileDescriptor join4;  // one socket per interface: igmp_max_memberships counts per socket
    FileDescriptor join6;
  };
  GroupSocket() = default;
  [[nodiscard]] Result<void> join(Ifindex interface, Family family, FileDescriptor& socket);

  FileDescriptor receive4_;
  FileDescriptor receive6_;
  FileDescriptor send4_;
  FileDescriptor send6_;
  std::map<Ifindex, Membership> interfaces_;
  GroupSocketStatistics statistics4_;
  GroupSocketStatistics statistics6_;
};

}  // namespace hotpair::platform::io
