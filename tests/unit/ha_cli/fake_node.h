#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ha/cli/commit_history.h"
#include "ha/cli/node_view.h"
#include "ha/config/parser.h"

namespace hotpair::ha::cli::testing {

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

/// 2018-05-29 03:21:36 UTC and the like.
inline WallTime wall(int year, unsigned month, unsigned day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  return WallTime(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                  std::chrono::minutes(minute) + std::chrono::seconds(second));
}

/// What DeviceA or DeviceB of a seed shows.
inline RemoteBackupService seed_service(bool ipv6, bool device_a) {
  const IpAddress a = ip(ipv6 ? "2001:DB8:11::11" : "1.1.1.1");
  const IpAddress b = ip(ipv6 ? "2001:DB8:33::33" : "3.3.3.3");
  RemoteBackupService service;
  service.name = "service1";
  service.tcp_state = "connected";
  service.peer = device_a ? b : a;
  service.source = device_a ? a : b;
  service.port = 1025;
  service.last_up_time = wall(ipv6 ? 2021 : 2018, 5, 29, 3, 21, 36);
  return service;
}

inline RemoteBackupProfile seed_profile(config::ServiceType service) {
  RemoteBackupProfile profile;
  profile.name = "profile1";
  profile.services = {service};
  profile.service_name = "service1";
  profile.backup_id = 10;
  profile.track = config::RbpTrack{1, 1};
  profile.interfaces = {"Eth-Trunk1"};
  profile.hot = true;
  return profile;
}

/// Groups 225.0.0.0, 225.0.0.1, …, ten in a slice, the first slice empty.
class LongTable final : public GmpGroupReader {
 public:
  explicit LongTable(std::uint32_t groups) : groups_(groups) {}

  Slice next() override {
    Slice slice;
    const std::uint32_t end = begun_ ? std::min(at_ + 10, groups_) : 0;
    begun_ = true;
    for (; at_ < end; ++at_)
      slice.groups.push_back({"Eth-Trunk1",
                              IpAddress::v4(0x0a000001),
                              {.link = LinkId{1}, .group = *Group::from(group(at_))}});
    slice.done = at_ == groups_;
    return slice;
  }
  [[nodiscard]] std::size_t total() const override { return groups_; }
  [[nodiscard]] std::size_t total(const std::string&) const override { return groups_; }

 private:
  static IpAddress group(std::uint32_t number) { return IpAddress::v4(0xe1000000U + number); }
  std::uint32_t groups_;
  std::uint32_t at_ = 0;
  bool begun_ = false;
};

/// Keeps the records of commits in memory, as files are kept.
class MemoryCommits : public CommitStore {
 public:
  std::map<std::uint64_t, std::string> files;
  std::optional<Error> refusal;
  [[nodiscard]] Result<void> keep(std::uint64_t id, const std::string& text) override {
    if (refusal) return std::unexpected(*refusal);
    files[id] = text;
    return {};
  }
  void remove(std::uint64_t id) override { files.erase(id); }
};

/// A node with settable answers, and a record of what it was asked to do.
class FakeNode : public NodeView, public Actions {
 public:
  config::Config config;
  RemoteBackupServicesModel service_model{{seed_service(false, true)}};
  RemoteBackupProfilesModel profile_model{{seed_profile(config::ServiceType::igmp)}};
  EtrunksModel etrunk_model;
  EthTrunksModel eth_trunk_model;
  GmpInterfacesModel interface_model;
  GmpGroupsModel group_model;
  AlarmsModel alarm_model;
  ForwardingTableModel forwarding_model;
  DatabasesModel database_model;
  KeeperModel keeper_model;
  BfdSessionsModel bfd_model;
  FloatingAddressesModel floating_model;
  MulticastLimitsModel limits_model;
  MulticastBoundariesModel boundaries_model;
  PimNeighborsModel neighbor_model;
  PimDfModel df_model;
  PimInterfacesModel pim_model;
  PimRoutesModel tree_model;
  PimRpModel rp_model;
  PimBsrModel bsr_model;
  PimAutoRpModel auto_rp_model;
  mutable PimRoutesQuery asked_trees;
  mutable std::optional<IpAddress> asked_group;
  SwitchoverHistoryModel history_model;
  ReadinessModel readiness_model;
  VersionModel version_model;
  bool pair_key = true;
  SslPoliciesModel ssl_model;
  std::string ssl_problem;
  mutable GmpGroupQuery asked_groups;
  mutable ForwardingQuery asked_routes;
  std::vector<std::string> done;
  std::optional<config::Config> applied;
  std::optional<Error> refusal;
  std::function<std::unique_ptr<GmpGroupReader>()> long_table;  ///< set: groups come in slices

  std::string shown_instance = kPublicInstance;

  [[nodiscard]] const config::Config& running_config() const override { return config; }
  [[nodiscard]] std::string instance() const override { return shown_instance; }
  [[nodiscard]] std::unique_ptr<NodeView> of_instance(std::string_view name) const override {
    if (config.find_vrf(name) == nullptr) return nullptr;
    auto view = std::make_unique<FakeNode>(*this);
    view->shown_instance = name;
    return view;
  }
  [[nodiscard]] RemoteBackupServicesModel remote_backup_services() const override {
    return service_model;
  }
  [[nodiscard]] SslPoliciesModel ssl_policies() const override { return ssl_model; }
  [[nodiscard]] std::string policy_problem(const config::SslPolicyModel&) const override {
    return ssl_problem;
  }
  [[nodiscard]] RemoteBackupProfilesModel remote_backup_profiles() const override {
    return profile_model;
  }
  [[nodiscard]] EtrunksModel etrunks() const override { return etrunk_model; }
  [[nodiscard]] EthTrunksModel eth_trunks() const override { return eth_trunk_model; }
  [[nodiscard]] GmpInterfacesModel gmp_interfaces(Family family) const override {
    GmpInterfacesModel model = interface_model;
    model.family = family;
    model.instance = shown_instance;
    return model;
  }
  [[nodiscard]] GmpGroupsModel gmp_groups(const GmpGroupQuery& query) const override {
    asked_groups = query;
    GmpGroupsModel model = group_model;
    model.family = query.family;
    model.instance = shown_instance;
    return model;
  }
  [[nodiscard]] std::unique_ptr<GmpGroupReader> gmp_group_reader(
      const GmpGroupQuery&) const override {
    return long_table ? long_table() : nullptr;
  }
  [[nodiscard]] AlarmsModel alarms() const override { return alarm_model; }
  [[nodiscard]] ForwardingTableModel forwarding_table(const ForwardingQuery& query) const override {
    asked_routes = query;
    return forwarding_model;
  }
  [[nodiscard]] DatabasesModel databases() const override { return database_model; }
  [[nodiscard]] KeeperModel keeper() const override { return keeper_model; }
  [[nodiscard]] BfdSessionsModel bfd_sessions() const override { return bfd_model; }
  [[nodiscard]] FloatingAddressesModel floating_addresses() const override {
    return floating_model;
  }
  [[nodiscard]] MulticastLimitsModel multicast_limits(Family family, bool) const override {
    MulticastLimitsModel model = limits_model;
    model.family = family;
    return model;
  }
  [[nodiscard]] MulticastBoundariesModel multicast_boundaries(Family family) const override {
    MulticastBoundariesModel model = boundaries_model;
    model.family = family;
    return model;
  }
  [[nodiscard]] PimNeighborsModel pim_neighbors(Family family) const override {
    PimNeighborsModel model = neighbor_model;
    model.family = family;
    model.instance = shown_instance;
    return model;
  }
  [[nodiscard]] PimInterfacesModel pim_interfaces(Family family) const override {
    PimInterfacesModel model = pim_model;
    model.family = family;
    return model;
  }
  [[nodiscard]] PimRoutesModel pim_routes(const PimRoutesQuery& query) const override {
    asked_trees = query;
    return tree_model;
  }
  [[nodiscard]] PimRpModel pim_rps(Family family,
                                   const std::optional<IpAddress>& group) const override {
    asked_group = group;
    PimRpModel model = rp_model;
    model.family = family;
    return model;
  }
  [[nodiscard]] PimBsrModel pim_bsr(Family) const override { return bsr_model; }
  [[nodiscard]] PimAutoRpModel pim_auto_rp() const override { return auto_rp_model; }
  [[nodiscard]] PimDfModel pim_df() const override { return df_model; }
  [[nodiscard]] SwitchoverHistoryModel switchover_history() const override { return history_model; }
  [[nodiscard]] ReadinessModel switchover_readiness() const override { return readiness_model; }
  [[nodiscard]] VersionModel version() const override { return version_model; }
  [[nodiscard]] bool pair_key_present() const override { return pair_key; }

  [[nodiscard]] Result<ActionTicket> apply(const config::Config& to) override {
    auto started = ticket("apply");
    if (started) config = to;
    if (started) applied = to;
    return started;
  }
  [[nodiscard]] Result<ActionTicket> reload() override { return ticket("reload"); }
  [[nodiscard]] Result<ActionTicket> save(const std::string& text) override {
    return ticket("save " + std::to_string(text.size()));
  }
  [[nodiscard]] Result<ActionTicket> switchover(const SwitchoverTarget& target) override {
    const std::string what = target.scope    ? std::to_string(target.scope->value())
                             : target.etrunk ? "e-trunk " + std::to_string(target.etrunk->value())
                                             : "all";
    return ticket("switchover " + what + (target.force ? " force" : ""));
  }
  [[nodiscard]] Result<ActionTicket> leave() override { return ticket("leave"); }
  [[nodiscard]] Result<ActionTicket> wait(WaitFor what, Duration timeout) override {
    return ticket("wait " + std::to_string(static_cast<int>(what)) + " " +
                  std::to_string(timeout / std::chrono::seconds(1)));
  }
  [[nodiscard]] Result<void> reset(ResetTarget target) override {
    done.push_back("reset " + std::to_string(static_cast<int>(target)));
    if (refusal) return std::unexpected(*refusal);
    return {};
  }

 private:
  Result<ActionTicket> ticket(std::string what) {
    if (refusal) return std::unexpected(*refusal);
    done.push_back(std::move(what));
    return ActionTicket{done.size()};
  }
};

}  // namespace hotpair::ha::cli::testing
