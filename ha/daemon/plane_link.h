#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ha/daemon/floating_link.h"
#include "ha/daemon/trunk_link.h"
#include "ha/keeper/client/keeper_client.h"
#include "ha/node/node.h"
#include "platform/io/auto_rp_socket.h"
#include "platform/io/group_socket.h"
#include "platform/io/icmp_error_socket.h"
#include "platform/io/log.h"
#include "platform/io/pim_socket.h"
#include "platform/io/readable_watch.h"
#include "platform/kernel/gate.h"
#include "platform/kernel/kernel_planes.h"
#include "platform/kernel/link_monitor.h"
#include "platform/kernel/route_lookup.h"

namespace hotpair::ha::daemon {

/// Everything of the node that is in the kernel: devices, addresses, unicast routes, IGMP, MLD
/// and PIM sockets, multicast routes, gates. Facts go into the node and `settled` is called;
/// effects come by the overloads of act().
class PlaneLink {
 public:
  PlaneLink(boost::asio::io_context& loop, node::Node& node, platform::io::Log& log,
            std::function<void()> settled);

  /// Opens what needs no keeper, and feeds every device to the node.
  [[nodiscard]] Result<void> open();
  /// Takes over the descriptors that a keeper kept for an earlier life, or makes new ones. `fds`
  /// are named by `names`; unknown names are closed.
  [[nodiscard]] Result<void> open_plane(const std::vector<std::string>& names,
                                        std::vector<FileDescriptor> fds);
  /// Makes the Eth-Trunks of the configuration; before the node hears of it.
  void configure_trunks(std::vector<WantedTrunk> wanted);
  [[nodiscard]] TrunkLink& trunks() { return trunks_; }
  [[nodiscard]] bool has_plane() const { return plane_ != nullptr; }
  /// What the keeper shall keep: names and descriptors in the same order.
  [[nodiscard]] std::pair<std::vector<std::string>, std::vector<int>> descriptors() const;

  /// For displays, in the order of the keys; empty without a plane.
  [[nodiscard]] std::vector<std::optional<fwd::RouteCounters>> counters(
      std::span<const fwd::RouteKey> keys);

  /// Opens the tables of a VRF, or finds them open. True: there are new descriptors for the keeper.
  [[nodiscard]] bool open_vrf(VrfId vrf);
  /// Looks whether unicast routing leads packets of VRFs' interfaces to their tables.
  void check_rules();
  void act(const node::AddPlaneLink& effect);
  void act(const node::RemovePlaneLink& effect);
  void act(const node::AttachGate& effect);
  void act(const node::DetachGate& effect);
  void act(const node::AddAddress& effect);
  void act(const node::RemoveAddress& effect);
  void act(const node::SetFloating& effect);
  void act(const node::RemoveFloating& effect);
  void act(const node::ListenGroups& effect);
  void act(const node::UnlistenGroups& effect);
  void act(const node::SendGroupMessage& effect);
  void act(const node::ListenPim& effect);
  void act(const node::UnlistenPim& effect);
  void act(const node::SendPim& effect);
  void act(const node::SendIcmpError& effect);
  void act(const node::ListenAutoRp& effect);
  void act(const node::UnlistenAutoRp& effect);
  void act(const node::SendAutoRp& effect);
  void act(const node::ApplyRoutes& effect);
  void act(const node::ReadBackRoutes& effect);
  void act(const node::AskRpf& effect);
  void act(const node::AskRouteCounters& effect);

 private:
  void feed(const platform::kernel::Link& link);
  void links_changed();
  void routes_changed();
  void routes_searched();
  [[nodiscard]] std::optional<node::RpfFacts> facts_of(
      const std::optional<platform::kernel::UnicastRoute>& route) const;
  void group_messages(Family family);
  void pim_packets(Family family);
  void auto_rp_messages();
  [[nodiscard]] Result<void> open_auto_rp();
  void plane_events(VrfId vrf);
  void watch_plane(VrfId vrf);
  [[nodiscard]] Result<void> adopt_vrfs(const std::vector<std::string>& names,
                                        std::vector<FileDescriptor>& fds);
  void note_floating(const std::string& device, const Result<void>& done);
  [[nodiscard]] const platform::kernel::Link* find(const std::string& device) const;

  boost::asio::io_context& loop_;
  node::Node& node_;
  platform::io::Log& log_;
  std::function<void()> settled_;
  boost::asio::steady_timer unicast_timer_;
  bool unicast_pending_ = false;
  std::optional<platform::kernel::LinkMonitor> links_;
  std::optional<platform::kernel::AddressEditor> addresses_;
  std::optional<platform::kernel::RouteLookup> routes_;
  std::optional<platform::io::GroupSocket> groups_;
  std::optional<platform::io::PimSocket> pim_;
  std::optional<platform::io::AutoRpSocket> auto_rp_;  ///< open since it was first configured
  std::optional<platform::io::IcmpErrorSocket> icmp_errors_;
  std::unique_ptr<platform::kernel::KernelPlanes> plane_;
  std::map<LinkId, fwd::PlaneLink> vrf_links_;  ///< links of VRFs in the plane
  std::unique_ptr<platform::kernel::GateTable> gates_;
  TrunkLink trunks_;
  std::optional<FloatingLink> floating_;
  std::vector<platform::io::ReadableWatch> watches_;
  std::optional<platform::io::ReadableWatch> auto_rp_watch_;  ///< opened while others may run
};

}  // namespace hotpair::ha::daemon
