#pragma once

#include <string>

#include "ha/cli/models.h"

/// Models as text for a terminal. Pure functions; every text ends with a newline or is empty.
namespace hotpair::ha::cli {

struct TextOptions {
  bool verbose = false;
};

/// As seeds 003 and 004 print it.
[[nodiscard]] std::string to_text(const RemoteBackupServicesModel& model);
[[nodiscard]] std::string statistics_text(const RemoteBackupServicesModel& model);
/// As seeds 003 and 004 print it.
[[nodiscard]] std::string to_text(const SslPoliciesModel& model);
[[nodiscard]] std::string to_text(const RemoteBackupProfilesModel& model);
[[nodiscard]] std::string to_text(const EtrunksModel& model);
/// As seeds 003 and 004 print it.
[[nodiscard]] std::string to_text(const EthTrunksModel& model, TextOptions options);
[[nodiscard]] std::string to_text(const GmpInterfacesModel& model, TextOptions options);
[[nodiscard]] std::string to_text(const GmpGroupsModel& model, TextOptions options);
/// Its parts, for a table that is written piece by piece: the title, what stands before the first
/// of the `count` groups of an interface, one group, and what follows the last one.
[[nodiscard]] std::string groups_heading(const std::string& instance);
[[nodiscard]] std::string groups_heading(const GmpGroup& first, Family family, std::size_t count);
[[nodiscard]] std::string to_text(const GmpGroup& group, Family family, TextOptions options);
[[nodiscard]] std::string groups_ending(Family family, std::size_t shown, std::size_t total);
[[nodiscard]] std::string to_text(const AlarmsModel& model);
[[nodiscard]] std::string to_text(const ForwardingTableModel& model);
[[nodiscard]] std::string to_text(const DatabasesModel& model);
[[nodiscard]] std::string to_text(const KeeperModel& model);
[[nodiscard]] std::string to_text(const BfdSessionsModel& model, TextOptions options);
[[nodiscard]] std::string to_text(const SwitchoverHistoryModel& model);
[[nodiscard]] std::string to_text(const ReadinessModel& model);
[[nodiscard]] std::string to_text(const VersionModel& model);

}  // namespace hotpair::ha::cli
