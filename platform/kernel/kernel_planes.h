#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "platform/fwd/forwarding_plane.h"
#include "platform/kernel/kernel_plane.h"
#include "platform/kernel/routing_rules.h"

namespace hotpair::platform::kernel {

/// One plane over the tables of several VRFs: each a KernelPlane with its own sockets, VIF numbers
/// and register tunnel. Packets of a VRF's interfaces find its tables by rules that are kept here.
class KernelPlanes final : public fwd::ForwardingPlane {
 public:
  /// Of the default VRF; it is there always.
  [[nodiscard]] static Result<std::unique_ptr<KernelPlanes>> create(RoutingSockets sockets);

  /// Adds the tables of one more VRF.
  [[nodiscard]] Result<void> add_vrf(RoutingSockets sockets);
  /// Closes its sockets here; without another holder its routes and VIFs are gone.
  void remove_vrf(VrfId vrf);
  [[nodiscard]] bool has_vrf(VrfId vrf) const { return planes_.contains(vrf); }

  [[nodiscard]] Result<void> add_link(const fwd::PlaneLink& link) override;
  [[nodiscard]] Result<void> remove_link(LinkId link) override;
  [[nodiscard]] std::vector<fwd::AppliedChange> apply(
      std::span<const fwd::RouteChange> delta) override;
  [[nodiscard]] Result<std::vector<fwd::Route>> read_back() override;
  [[nodiscard]] std::vector<std::optional<fwd::RouteCounters>> counters(
      std::span<const fwd::RouteKey> keys) override;

  /// Reads at most `max` events of one VRF.
  [[nodiscard]] std::vector<fwd::PlaneEvent> poll_events(VrfId vrf, std::size_t max = 256);
  /// Deletes VIFs and rules of an earlier life that no add_link() has claimed; answers how many.
  std::size_t remove_unclaimed_links();
  [[nodiscard]] const std::map<VrfId, std::unique_ptr<KernelPlane>>& planes() const {
    return planes_;
  }
  [[nodiscard]] RoutingRules& rules() { return rules_; }

 private:
  explicit KernelPlanes(RoutingRules rules) : rules_(std::move(rules)) {}
  [[nodiscard]] Result<void> set_rules(const fwd::PlaneLink& link);
  void drop_rules(LinkId link);

  std::map<VrfId, std::unique_ptr<KernelPlane>> planes_;
  std::map<LinkId, fwd::PlaneLink> links_;  ///< with `device` set for register tunnels: IPv4's
  RoutingRules rules_;
};

}  // namespace hotpair::platform::kernel
