#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/kernel/netlink.h"

namespace hotpair::platform::kernel {

/// The kernel's way towards an address: the RPF interface and neighbour (RFC 7761 4.1.6,
/// RPF_interface).
struct UnicastRoute {
  Ifindex interface;
  std::optional<IpAddress> next_hop;  ///< absent: directly connected, or local
  std::uint32_t metric = 0;           ///< route priority; smaller is better
  bool local = false;                 ///< the address is one of this node's own
  /// Administrative distance by who made the route, in the field's usual values: connected 0,
  /// static 1, BGP 20, EIGRP 90, OSPF 110, IS-IS 115, RIP 120, others 255. An Assert tells it
  /// (RFC 7761 4.6.3).
  std::uint32_t preference = 0;
  std::uint8_t prefix_length = 0;  ///< of the route; bits
  /// The address is in a subnet of the interface.
  [[nodiscard]] bool connected() const { return !next_hop && !local; }
  friend bool operator==(const UnicastRoute&, const UnicastRoute&) = default;
};

/// Reads the kernel's unicast routes (never writes them) and tells when any of them changed.
class RouteLookup {
 public:
  [[nodiscard]] static Result<RouteLookup> open();

  /// `not_found` when there is no route, or only a blackhole, unreachable or prohibit route. With
  /// equal-cost next hops the numerically largest one is answered, always the same.
  [[nodiscard]] Result<UnicastRoute> lookup(const IpAddress& address);

  /// Linux answers "unreachable" for an IPv6 route whose nexthop object (FRR makes such) was first
  /// looked up for another route that is gone by now, until the next change; packets do find it.
  /// If that other route has got other next hops instead, it is answered in place of the right one;
  /// lookup() takes an answer that packets do not follow for none.
  /// So what lookup() did not find is to be looked for in the whole table, which takes longer than
  /// an answer may: the answer comes by poll_searched(). For IPv4 this is never needed.
  void search(const IpAddress& address) { search(VrfId{}, address); }
  /// The route of one table, whatever the rules say: the kernel answers no question about a table
  /// by its number, so it is read whole. `vrf`: the number of the table; 0: the main one.
  void search(VrfId vrf, const IpAddress& address);
  /// Readable while a search goes on.
  [[nodiscard]] int search_descriptor() const { return dumps_.descriptor(); }
  struct Answer {
    VrfId vrf;
    IpAddress address;
    std::optional<UnicastRoute> route;
  };
  using Found = std::vector<Answer>;
  /// Reads on, at most `max` datagrams; the answers of searches that ended by it.
  [[nodiscard]] Found poll_searched(std::size_t max = 4);

  /// Readable when unicast routes changed.
  [[nodiscard]] int descriptor() const { return events_.descriptor(); }
  /// Drains at most `max` datagrams; true if any unicast route changed since the last call.
  [[nodiscard]] bool poll_changed(std::size_t max = 256);

 private:
  /// The best route seen so far towards an address.
  struct Best {
    int length = -1;  ///< of its prefix, bits
    std::uint32_t metric = 0;
    std::optional<UnicastRoute> route;  ///< nothing: a blackhole
  };
  using Searched = std::map<IpAddress, Best>;
  /// A table of one family: what one dump reads.
  using Table = std::pair<VrfId, Family>;

  RouteLookup(NetlinkSocket events, NetlinkSocket requests, NetlinkSocket dumps)
      : events_(std::move(events)), requests_(std::move(requests)), dumps_(std::move(dumps)) {}
  template <typename Take>
  [[nodiscard]] Result<void> ask(const IpAddress& address, std::uint32_t flags, Take take);
  void start_search();
  [[nodiscard]] bool start_dump(const Table& table);
  void compare(const nlmsghdr& message);

  NetlinkSocket events_;
  NetlinkSocket requests_;
  NetlinkSocket dumps_;
  Table table_;                        // of the dump under way
  Searched searched_;                  // by it
  std::map<Table, Searched> waiting_;  // for the next ones
};

}  // namespace hotpair::platform::kernel
