#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ha/cli/node_view.h"
#include "ha/config/config_model.h"
#include "ha/daemon/channel_link.h"
#include "ha/node/node.h"
#include "mcast/gmp/gmp_show.h"
#include "platform/fwd/forwarding_plane.h"

namespace hotpair::ha::daemon {

/// Local time minus UTC at that moment.
[[nodiscard]] std::int32_t utc_offset_s(WallTime time);

/// The displays' view of the running node. Times of the node become wall time by the two clocks
/// of the moment.
class LiveView final : public cli::NodeView {
 public:
  struct Fixed {
    std::string boot_id;
    std::string keeper_socket;
    TimePoint started;
    std::string tls_dir = {};  ///< where certificates without a path are
  };
  /// The plane's counters, in the order of the keys; none without a plane.
  using ReadCounters =
      std::function<std::vector<std::optional<fwd::RouteCounters>>(std::span<const fwd::RouteKey>)>;
  using ReadPolicies = std::function<cli::SslPoliciesModel()>;
  /// More rows than this are shown without counters: reading them would hold up the loop.
  static constexpr std::size_t kCountedRowsMax = 1000;
  /// More groups than this, of all interfaces, are shown in slices.
  static constexpr std::size_t kGroupsAtOnce = 200;

  LiveView(const node::Node& node, const config::Config& config, Fixed fixed,
           ReadCounters read_counters)
      : node_(node),
        config_(config),
        fixed_(std::move(fixed)),
        read_counters_(std::move(read_counters)) {}

  [[nodiscard]] std::string instance() const override { return instance_; }
  [[nodiscard]] std::unique_ptr<cli::NodeView> of_instance(std::string_view name) const override;
  [[nodiscard]] const config::Config& running_config() const override { return config_; }
  [[nodiscard]] cli::RemoteBackupServicesModel remote_backup_services() const override;
  [[nodiscard]] cli::SslPoliciesModel ssl_policies() const override;
  [[nodiscard]] std::string policy_problem(const config::SslPolicyModel& policy) const override {
    return ChannelLink::policy_problem(policy, fixed_.tls_dir);
  }
  [[nodiscard]] cli::RemoteBackupProfilesModel remote_backup_profiles() const override;
  [[nodiscard]] cli::EtrunksModel etrunks() const override;
  [[nodiscard]] cli::EthTrunksModel eth_trunks() const override;
  [[nodiscard]] cli::GmpInterfacesModel gmp_interfaces(Family family) const override;
  [[nodiscard]] cli::GmpGroupsModel gmp_groups(const cli::GmpGroupQuery& query) const override;
  [[nodiscard]] std::unique_ptr<cli::GmpGroupReader> gmp_group_reader(
      const cli::GmpGroupQuery& query) const override;
  [[nodiscard]] cli::AlarmsModel alarms() const override;
  [[nodiscard]] cli::ForwardingTableModel forwarding_table(
      const cli::ForwardingQuery& query) const override;
  [[nodiscard]] cli::PimNeighborsModel pim_neighbors(Family family) const override;
  [[nodiscard]] cli::PimInterfacesModel pim_interfaces(Family family) const override;
  [[nodiscard]] cli::PimRoutesModel pim_routes(const cli::PimRoutesQuery& query) const override;
  [[nodiscard]] cli::PimRpModel pim_rps(Family family,
                                        const std::optional<IpAddress>& group) const override;
  [[nodiscard]] cli::PimBsrModel pim_bsr(Family family) const override;
  [[nodiscard]] cli::PimAutoRpModel pim_auto_rp() const override;
  [[nodiscard]] cli::FloatingAddressesModel floating_addresses() const override;
  [[nodiscard]] cli::MulticastBoundariesModel multicast_boundaries(Family family) const override;
  [[nodiscard]] cli::MulticastLimitsModel multicast_limits(Family family,
                                                           bool with_states) const override;
  [[nodiscard]] cli::PimDfModel pim_df() const override;
  [[nodiscard]] cli::DatabasesModel databases() const override;
  [[nodiscard]] cli::KeeperModel keeper() const override;
  [[nodiscard]] cli::BfdSessionsModel bfd_sessions() const override;
  [[nodiscard]] cli::SwitchoverHistoryModel switchover_history() const override;
  [[nodiscard]] cli::ReadinessModel switchover_readiness() const override;
  [[nodiscard]] cli::VersionModel version() const override;
  [[nodiscard]] bool pair_key_present() const override { return node_.has_pair_key(); }

  /// Where `display ssl policy` comes from.
  void read_policies(ReadPolicies read) { read_policies_ = std::move(read); }

  /// Sets the clocks that a display is drawn by.
  void at(TimePoint now, WallTime wall) {
    now_ = now;
    wall_ = wall;
  }
  /// What the store answered: how many records each database of a scope holds.
  void on_store(const checkpoint::StoreReply& reply);

 private:
  class GroupSlices;
  [[nodiscard]] cli::FloatingInterface floating_interface(const node::Link& link) const;
  [[nodiscard]] mcast::gmp::GroupFilter group_filter(const cli::GmpGroupQuery& query) const;
  [[nodiscard]] WallTime wall_of(TimePoint time) const { return wall_ - (now_ - time); }
  [[nodiscard]] std::string link_name(LinkId link) const;
  /// Scopes whose gate is closed on this node.
  [[nodiscard]] std::vector<ScopeId> closed_scopes() const;
  /// Configured addresses of this node.
  [[nodiscard]] std::vector<IpAddress> own_addresses() const;
  [[nodiscard]] std::vector<std::string> interfaces_of(ScopeId scope) const;
  [[nodiscard]] cli::Etrunk etrunk_model(const node::EtrunkState& state) const;
  [[nodiscard]] cli::EtrunkMember member_model(const node::Scope& scope) const;
  [[nodiscard]] cli::ScopeDatabases database_model(const node::Scope& scope) const;

  /// The link belongs to the instance that is shown.
  [[nodiscard]] bool is_shown(LinkId link) const;

  const node::Node& node_;
  const config::Config& config_;
  Fixed fixed_;
  ReadCounters read_counters_;
  ReadPolicies read_policies_;
  std::map<ScopeId, std::vector<checkpoint::DatabaseDigest>> stored_;  ///< newest answer
  VrfId vrf_;  ///< of the instance that is shown
  std::string instance_ = cli::kPublicInstance;
  TimePoint now_;
  WallTime wall_;
};

}  // namespace hotpair::ha::daemon
