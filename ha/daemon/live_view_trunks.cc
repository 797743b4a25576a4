#include <algorithm>
#include <bit>
#include <tuple>

#include "ha/daemon/live_view.h"

// `display eth-trunk`.
namespace hotpair::ha::daemon {
namespace {

/// "1GE" by the name of the port, as the vendor prints it.
std::string type_of(const std::string& name) {
  const auto parsed = config::InterfaceName::parse(name);
  if (!parsed) return "--";
  if (parsed->type == "GigabitEthernet") return "1GE";
  if (parsed->type == "XGigabitEthernet" || parsed->type == "TenGigabitEthernet") return "10GE";
  if (parsed->type == "Ethernet") return "100M";
  return parsed->type.ends_with("GE") ? parsed->type : "--";
}

/// Before the keeper's word came: what is configured.
lacp::PortShow configured_port(const lacp::TrunkConfig& trunk, const lacp::MemberConfig& member) {
  lacp::PortShow port;
  port.index = member.index;
  port.device = member.device;
  port.actor = {
      trunk.system_priority, trunk.system, trunk.key,
      member.priority,       member.port,  lacp::kStateActivity | lacp::kStateAggregation};
  return port;
}

cli::EthTrunk trunk_model(const node::TrunkState& state) {
  const lacp::TrunkConfig& lacp = state.settings.lacp;
  cli::EthTrunk model;
  model.id = lacp.id.value();
  model.system_priority = lacp.system_priority;
  model.system_id = lacp.system;
  model.least_active = lacp.least_active;
  model.max_active = lacp.max_active;
  model.fast = lacp.fast;
  if (state.status) {
    const lacp::TrunkShow& shown = state.status->trunk;
    model.reference = shown.reference;
    model.sync_allowed = shown.sync_allowed;
    model.partner_heard = shown.partner_heard;
    model.collecting = shown.collecting;
    model.distributing = shown.distributing;
    model.up_ports = static_cast<std::uint32_t>(std::popcount(shown.distributing));
    model.up = model.up_ports >= std::max<std::uint32_t>(lacp.least_active, 1);
  }
  for (std::size_t i = 0; i < lacp.members.size(); ++i) {
    const lacp::MemberConfig& member = lacp.members[i];
    cli::EthTrunkPort row{state.settings.member_names[i], {}, false, configured_port(lacp, member)};
    row.type = type_of(row.name);
    if (state.status)
      for (const lacp::PortShow& port : state.status->trunk.ports)
        if (port.index == member.index && port.device == member.device) row.port = port;
    const lacp::PortInfo& partner = row.port.partner;
    row.high =
        partner.system != MacAddress{} && std::tie(lacp.system_priority, lacp.system) <=
                                              std::tie(partner.system_priority, partner.system);
    model.ports.push_back(std::move(row));
  }
  return model;
}

}  // namespace

cli::EthTrunksModel LiveView::eth_trunks() const {
  cli::EthTrunksModel model;
  for (const auto& [id, state] : node_.trunks()) model.trunks.push_back(trunk_model(state));
  return model;
}

}  // namespace hotpair::ha::daemon
