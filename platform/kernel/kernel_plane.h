#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "platform/base/descriptor.h"
#include "platform/fwd/forwarding_plane.h"
#include "platform/kernel/netlink.h"

namespace hotpair::platform::kernel {

/// Borrowed owner descriptors, to be passed to the keeper by SCM_RIGHTS.
struct RoutingDescriptors {
  int ipv4 = -1;
  int ipv6 = -1;
};

/// The sockets that own the kernel's multicast routing tables of this network namespace. VIFs and
/// owner entries live as long as any process holds a duplicate; MRT_DONE is never called.
class RoutingSockets {
 public:
  /// Makes and initialises both sockets (MRT_INIT, MRT6_INIT). `exists` when another process owns a
  /// table, `refused` without CAP_NET_ADMIN, `unsupported` on a kernel without multicast routing.
  /// Wrong-interface events of any VIF are asked for (MRT_PIM, MRT6_PIM), in adopt() too.
  /// `vrf`: the number of the tables, ipmr and ip6mr alike (MRT_TABLE, MRT6_TABLE); 0: the default
  /// ones.
  [[nodiscard]] static Result<RoutingSockets> open(VrfId vrf = {},
                                                   std::size_t event_buffer_bytes = 1U << 20U);
  /// Takes duplicates of owner sockets that another process holds; no MRT_INIT. The tables stay
  /// those that open() chose, `vrf` must be the same.
  [[nodiscard]] static Result<RoutingSockets> adopt(FileDescriptor ipv4, FileDescriptor ipv6,
                                                    VrfId vrf = {});

  [[nodiscard]] RoutingDescriptors descriptors() const { return {ipv4_.get(), ipv6_.get()}; }
  [[nodiscard]] VrfId vrf() const { return vrf_; }
  [[nodiscard]] bool adopted() const { return adopted_; }

 private:
  RoutingSockets(FileDescriptor ipv4, FileDescriptor ipv6, VrfId vrf, bool adopted)
      : ipv4_(std::move(ipv4)), ipv6_(std::move(ipv6)), vrf_(vrf), adopted_(adopted) {}
  FileDescriptor ipv4_;
  FileDescriptor ipv6_;
  VrfId vrf_;
  bool adopted_ = false;
};

/// What the event sockets delivered, for displays.
struct KernelPlaneStatistics {
  std::uint64_t no_route = 0;
  std::uint64_t wrong_interface = 0;
  std::uint64_t whole_packets = 0;
  std::uint64_t malformed = 0;     ///< kernel messages too short, of unknown type or not multicast
  std::uint64_t unknown_link = 0;  ///< upcalls of a VIF that no link claims
  std::uint64_t kernel_drops = 0;  ///< upcalls lost because the event buffer was full (SO_RXQ_OVFL)
  std::uint64_t routes_set = 0;
  std::uint64_t routes_removed = 0;
  std::uint64_t route_errors = 0;
  std::uint64_t foreign_routes = 0;  ///< static routes of others seen by the last read_back()
};

/// ForwardingPlane over one IPv4 ipmr and one IPv6 ip6mr table: one VRF.
///
/// IPv4 routes go through rtnetlink in batches with protocol RTPROT_MROUTED, which makes owner
/// entries; IPv6 routes through setsockopt on the owner socket. After a start with adopted sockets:
/// add_link() for every link, then read_back(), then remove_unclaimed_links(), then changes.
class KernelPlane final : public fwd::ForwardingPlane {
 public:
  /// The kernel's MAXVIFS and MAXMIFS.
  static constexpr std::size_t kLinksMax = 32;

  [[nodiscard]] static Result<std::unique_ptr<KernelPlane>> create(RoutingSockets sockets);

  [[nodiscard]] Result<void> add_link(const fwd::PlaneLink& link) override;
  [[nodiscard]] Result<void> remove_link(LinkId link) override;
  [[nodiscard]] std::vector<fwd::AppliedChange> apply(
      std::span<const fwd::RouteChange> delta) override;
  [[nodiscard]] Result<std::vector<fwd::Route>> read_back() override;
  [[nodiscard]] std::vector<std::optional<fwd::RouteCounters>> counters(
      std::span<const fwd::RouteKey> keys) override;

  /// Reads at most `max` events; empty when nothing waits. Call when a descriptor is readable.
  [[nodiscard]] std::vector<fwd::PlaneEvent> poll_events(std::size_t max = 256);
  /// Deletes adopted VIFs that no add_link() has claimed; answers how many.
  std::size_t remove_unclaimed_links();

  [[nodiscard]] VrfId vrf() const { return sockets_.vrf(); }
  [[nodiscard]] RoutingDescriptors descriptors() const { return sockets_.descriptors(); }
  [[nodiscard]] const KernelPlaneStatistics& statistics() const { return statistics_; }
  /// The VIF or MIF number of a link in one family, for displays and tests.
  [[nodiscard]] std::optional<unsigned> vif_number(LinkId link, Family family) const;

 private:
  /// One place in a VIF or MIF table.
  struct Vif {
    bool used = false;
    bool foreign = false;  // found at a fresh start: never deleted by us
    Ifindex interface;
    std::optional<LinkId> link;
  };
  using VifTable = std::array<Vif, kLinksMax>;
  /// What a link is to be in one family.
  struct Wanted {
    LinkId link;
    Ifindex interface;  ///< 0: a register tunnel whose device the kernel has not made yet
    bool register_tunnel = false;
  };
  struct Planned;

  KernelPlane(RoutingSockets sockets, NetlinkSocket netlink);
  [[nodiscard]] VifTable& table(Family family) { return family == Family::ipv4 ? vifs4_ : vifs6_; }
  [[nodiscard]] const VifTable& table(Family family) const {
    return family == Family::ipv4 ? vifs4_ : vifs6_;
  }
  void refresh_vifs(Family family);
  void note_vif(Family family, std::size_t number, Ifindex interface);
  void refresh_mifs_of_vrf();
  [[nodiscard]] Result<void> set_vif(const Wanted& wanted, Family family);
  [[nodiscard]] Result<void> place_vif(const Wanted& wanted, unsigned number, Family family);
  [[nodiscard]] Result<void> drop_vif(LinkId link, Family family);
  [[nodiscard]] Result<void> kernel_add_vif(Family family, unsigned number, const Wanted& wanted);
  [[nodiscard]] Result<void> kernel_delete_vif(Family family, unsigned number);
  [[nodiscard]] Result<Planned> plan(const fwd::RouteChange& change) const;
  void apply_ipv4(std::span<const Planned> planned, std::vector<fwd::AppliedChange>& applied);
  [[nodiscard]] std::optional<Error> apply_ipv6(const Planned& planned);
  [[nodiscard]] Result<void> dump(Family family, std::vector<fwd::Route>& routes);
  [[nodiscard]] std::optional<LinkId> link_of(Ifindex interface, Family family) const;
  void read_upcalls(Family family, std::size_t max, std::vector<fwd::PlaneEvent>& events);
  void on_upcall(Family family, ByteSpan message, std::vector<fwd::PlaneEvent>& events);

  RoutingSockets sockets_;
  NetlinkSocket netlink_;
  VifTable vifs4_{};
  VifTable vifs6_{};
  std::deque<fwd::PlaneEvent> pending_;  // capacity reports, before upcalls
  std::array<std::uint32_t, 2> overflow_seen_{};
  Bytes upcall_buffer_;
  KernelPlaneStatistics statistics_;
};

}  // namespace hotpair::platform::kernel
