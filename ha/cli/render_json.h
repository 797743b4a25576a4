#pragma once

#include "ha/cli/json.h"
#include "ha/cli/models.h"

/// Models as JSON documents: stable keys, units in key names, dates in UTC.
namespace hotpair::ha::cli {

/// Member "vrf" of a document: null for the public instance.
[[nodiscard]] inline Json vrf_of(const std::string& instance) {
  return instance == kPublicInstance ? Json() : Json(instance);
}

[[nodiscard]] Json to_json(const RemoteBackupServicesModel& model);
[[nodiscard]] Json to_json(const SslPoliciesModel& model);
[[nodiscard]] Json to_json(const RemoteBackupProfilesModel& model);
[[nodiscard]] Json to_json(const EtrunksModel& model);
[[nodiscard]] Json to_json(const EthTrunksModel& model);
[[nodiscard]] Json to_json(const GmpInterfacesModel& model);
[[nodiscard]] Json to_json(const GmpGroup& group);
[[nodiscard]] Json to_json(const GmpGroupsModel& model);
[[nodiscard]] Json to_json(const AlarmsModel& model);
[[nodiscard]] Json to_json(const ForwardingTableModel& model);
[[nodiscard]] Json to_json(const DatabasesModel& model);
[[nodiscard]] Json to_json(const KeeperModel& model);
[[nodiscard]] Json to_json(const BfdSessionsModel& model);
[[nodiscard]] Json to_json(const SwitchoverHistoryModel& model);
[[nodiscard]] Json to_json(const ReadinessModel& model);
[[nodiscard]] Json to_json(const VersionModel& model);

}  // namespace hotpair::ha::cli
