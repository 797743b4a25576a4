#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ha/cli/models.h"
#include "ha/cli/models_floating.h"
#include "ha/cli/models_mcac.h"
#include "ha/cli/models_pim.h"
#include "ha/cli/models_scope.h"
#include "ha/config/config_model.h"
#include "platform/base/result.h"

namespace hotpair::ha::cli {

/// Groups in slices, for tables that are too long for one turn of the loop.
class GmpGroupReader {
 public:
  virtual ~GmpGroupReader() = default;
  struct Slice {
    std::vector<GmpGroup> groups;
    bool done = false;
  };
  [[nodiscard]] virtual Slice next() = 0;
  /// Matching groups in all, and on one interface; known with the first groups.
  [[nodiscard]] virtual std::size_t total() const = 0;
  [[nodiscard]] virtual std::size_t total(const std::string& interface) const = 0;
};

/// What the displays may ask of a node: pure queries, implemented by the daemon. Each returns all
/// rows; the interpreter picks what the command names.
class NodeView {
 public:
  virtual ~NodeView() = default;

  /// The VPN instance that is shown: "public net", or the name of one.
  [[nodiscard]] virtual std::string instance() const { return kPublicInstance; }
  /// The same node, with the multicast of that VPN instance; nullptr: there is none of the name.
  [[nodiscard]] virtual std::unique_ptr<NodeView> of_instance(std::string_view name) const {
    static_cast<void>(name);
    return nullptr;
  }
  [[nodiscard]] virtual const config::Config& running_config() const = 0;
  [[nodiscard]] virtual RemoteBackupServicesModel remote_backup_services() const = 0;
  [[nodiscard]] virtual SslPoliciesModel ssl_policies() const = 0;
  /// For the rules of commit: what is wrong with the files of a policy; empty: nothing.
  [[nodiscard]] virtual std::string policy_problem(const config::SslPolicyModel& policy) const = 0;
  [[nodiscard]] virtual RemoteBackupProfilesModel remote_backup_profiles() const = 0;
  [[nodiscard]] virtual EtrunksModel etrunks() const = 0;
  [[nodiscard]] virtual EthTrunksModel eth_trunks() const = 0;
  [[nodiscard]] virtual GmpInterfacesModel gmp_interfaces(Family family) const = 0;
  [[nodiscard]] virtual GmpGroupsModel gmp_groups(const GmpGroupQuery& query) const = 0;
  /// nullptr: the table is short, gmp_groups() gives it at once.
  [[nodiscard]] virtual std::unique_ptr<GmpGroupReader> gmp_group_reader(
      const GmpGroupQuery& query) const {
    static_cast<void>(query);
    return nullptr;
  }
  [[nodiscard]] virtual AlarmsModel alarms() const = 0;
  [[nodiscard]] virtual ForwardingTableModel forwarding_table(
      const ForwardingQuery& query) const = 0;
  [[nodiscard]] virtual DatabasesModel databases() const = 0;
  [[nodiscard]] virtual KeeperModel keeper() const = 0;
  [[nodiscard]] virtual BfdSessionsModel bfd_sessions() const = 0;
  [[nodiscard]] virtual PimNeighborsModel pim_neighbors(Family family) const = 0;
  [[nodiscard]] virtual PimInterfacesModel pim_interfaces(Family family) const = 0;
  [[nodiscard]] virtual PimRoutesModel pim_routes(const PimRoutesQuery& query) const = 0;
  /// All mappings, or with a group the one that serves it.
  [[nodiscard]] virtual PimRpModel pim_rps(Family family,
                                           const std::optional<IpAddress>& group) const = 0;
  [[nodiscard]] virtual PimBsrModel pim_bsr(Family family) const = 0;
  [[nodiscard]] virtual PimAutoRpModel pim_auto_rp() const = 0;
  [[nodiscard]] virtual FloatingAddressesModel floating_addresses() const = 0;
  /// Admission control, interface by interface in the order of match.
  [[nodiscard]] virtual MulticastLimitsModel multicast_limits(Family family,
                                                              bool with_states) const = 0;
  [[nodiscard]] virtual MulticastBoundariesModel multicast_boundaries(Family family) const = 0;
  /// DF elections of bidirectional groups, IPv4.
  [[nodiscard]] virtual PimDfModel pim_df() const = 0;
  [[nodiscard]] virtual SwitchoverHistoryModel switchover_history() const = 0;
  [[nodiscard]] virtual ReadinessModel switchover_readiness() const = 0;
  [[nodiscard]] virtual VersionModel version() const = 0;
  /// For the rules of commit: a usable pair key is loaded.
  [[nodiscard]] virtual bool pair_key_present() const = 0;
};

/// What `wait` waits for.
enum class WaitFor : std::uint8_t {
  ready,   ///< every scope has a role and the configuration is in force
  synced,  ///< the peer is connected and every scope's copy is complete on both nodes
  master,  ///< every scope is master here
};

/// What `switchover` hands over: one profile, those of an E-Trunk, or all this node is master of.
struct SwitchoverTarget {
  std::optional<ScopeId> scope;
  std::optional<etrunk::EtrunkId> etrunk;
  bool force = false;
};

/// Which counters `reset` sets to zero.
enum class ResetTarget : std::uint8_t { igmp, mld, remote_backup_service };

/// Names an action that goes on after the call; the daemon reports its end with the ticket.
using ActionTicket = std::uint64_t;

/// How a deferred action ended: text for the operator, or why not.
struct ActionOutcome {
  std::optional<Error> error;
  std::vector<std::string> lines;
  /// Of a wait that timed out: what was missing, subject ("scope 2") and text ("no peer heard").
  std::vector<std::pair<std::string, std::string>> missing;
};

/// What commands may ask a node to do. A call starts the action or refuses at once; those that
/// return a ticket end later, by CommandInterpreter::finish().
class Actions {
 public:
  virtual ~Actions() = default;

  /// Makes the configuration the running one, all or nothing; it has been checked.
  [[nodiscard]] virtual Result<ActionTicket> apply(const config::Config& config) = 0;
  /// Reads configuration, ports, pair keys and certificates again; what they authenticate goes on.
  [[nodiscard]] virtual Result<ActionTicket> reload() = 0;
  /// Writes the text to the configuration file, atomically.
  [[nodiscard]] virtual Result<ActionTicket> save(const std::string& text) = 0;
  /// Planned switchover; refused with what stands in the way.
  [[nodiscard]] virtual Result<ActionTicket> switchover(const SwitchoverTarget& target) = 0;
  /// Hands everything over, says goodbye, closes the gates.
  [[nodiscard]] virtual Result<ActionTicket> leave() = 0;
  /// Ends when the condition holds, or with ErrorCode::timeout.
  [[nodiscard]] virtual Result<ActionTicket> wait(WaitFor what, Duration timeout) = 0;
  [[nodiscard]] virtual Result<void> reset(ResetTarget target) = 0;
};

}  // namespace hotpair::ha::cli
