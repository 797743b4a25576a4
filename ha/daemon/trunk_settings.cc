#include "ha/daemon/trunk_settings.h"

#include <algorithm>
#include <optional>

#include "ha/daemon/trunk_plan.h"

namespace hotpair::ha::daemon {
namespace {

using config::Config;
using config::InterfaceModel;

constexpr std::uint16_t kSecondNode = 0x8000;

// "305" of the seeds is 0x0131: the trunk's number over what stands for its kind. Numbers above 255
// move on in the low octet, so that no two trunks have one key.
std::uint16_t key_of(std::uint16_t trunk) {
  return static_cast<std::uint16_t>(((trunk & 0xffU) << 8U) | (0x31U + (trunk >> 8U)));
}

// 1 to 32767, different for each member of each trunk below 1024; the second node of a pair has the
// top bit set, so that the two look like one system to the access device (seeds: 1 and 32769).
std::uint16_t port_of(std::uint16_t trunk, std::size_t member, bool second) {
  const auto number =
      static_cast<std::uint16_t>((trunk - 1U) % 1023U * lacp::kMembersMax + member + 1U);
  return static_cast<std::uint16_t>(number | (second ? kSecondNode : 0U));
}

// The node with the larger address of the E-Trunk is the second: both know it without asking.
bool is_second(const Config& config, const InterfaceModel& trunk) {
  if (!trunk.etrunk) return false;
  const config::EtrunkConfigModel* etrunk = config.find_etrunk(*trunk.etrunk);
  return etrunk != nullptr && etrunk->peer && etrunk->source && *etrunk->peer < *etrunk->source;
}

keeper::TrunkMode mode_of(const InterfaceModel& trunk) {
  if (*trunk.shutdown) return keeper::TrunkMode::force_backup;
  if (!trunk.etrunk) return keeper::TrunkMode::automatic;
  switch (*trunk.etrunk_mode) {
    case config::EtrunkMode::force_master:
      return keeper::TrunkMode::force_master;
    case config::EtrunkMode::force_backup:
      return keeper::TrunkMode::force_backup;
    case config::EtrunkMode::automatic:
      break;
  }
  return keeper::TrunkMode::automatic;
}

lacp::TrunkConfig lacp_of(const InterfaceModel& trunk, const Config& config,
                          const MacAddress& own_id) {
  const bool paired = trunk.etrunk.configured;
  lacp::TrunkConfig lacp;
  lacp.id = lacp::TrunkId{trunk.name.eth_trunk_id()};
  lacp.system_priority = paired ? *config.etrunk_lacp_priority : *config.lacp_priority;
  lacp.system = paired && config.etrunk_system_id ? *config.etrunk_system_id : own_id;
  lacp.key = key_of(lacp.id.value());
  lacp.fast = *trunk.lacp_timeout == config::LacpTimeout::fast;
  lacp.least_active = *trunk.least_active;
  lacp.max_active = *trunk.max_active;
  return lacp;
}

std::optional<ScopeId> scope_of(const InterfaceModel& trunk, const Config& config) {
  if (!trunk.remote_backup_profile) return std::nullopt;
  const config::RbpModel* profile = config.find_profile(*trunk.remote_backup_profile);
  if (profile == nullptr || !profile->backup_id) return std::nullopt;
  return ScopeId{*profile->backup_id};
}

void add_members(node::TrunkSettings& trunk, const InterfaceModel& interface, const Config& config,
                 const config::PortMap& ports, const TrunkNumbers* numbers) {
  const bool second = is_second(config, interface);
  std::size_t next = 0;
  for (const InterfaceModel* port : config.members_of(interface.name.eth_trunk_id())) {
    const std::string device = ports.device_of(port->name);
    std::size_t index = next++;
    if (numbers != nullptr) {
      const auto given = numbers->members.find(device);
      if (given == numbers->members.end()) continue;
      index = given->second;
    }
    if (*port->shutdown || index >= lacp::kMembersMax) continue;
    trunk.lacp.members.push_back({static_cast<lacp::MemberIndex>(index), device,
                                  port_of(trunk.lacp.id.value(), index, second),
                                  *port->lacp_priority});
    trunk.member_names.push_back(port->name.name);
  }
}

}  // namespace

std::vector<node::TrunkSettings> trunk_settings(const Config& config, const config::PortMap& ports,
                                                const MacAddress& own_id,
                                                const std::vector<TrunkNumbers>& numbers) {
  std::vector<node::TrunkSettings> trunks;
  for (const InterfaceModel& interface : config.interfaces) {
    if (!is_own_trunk(interface, ports)) continue;
    const auto given = std::ranges::find(numbers, interface.name.eth_trunk_id(), &TrunkNumbers::id);
    if (!numbers.empty() && given == numbers.end()) continue;
    node::TrunkSettings trunk;
    trunk.name = interface.name.name;
    trunk.device = ports.device_of(interface.name);
    trunk.slot = numbers.empty() ? static_cast<std::uint32_t>(trunks.size()) : given->slot;
    trunk.lacp = lacp_of(interface, config, own_id);
    trunk.mode = mode_of(interface);
    trunk.scope = scope_of(interface, config);
    add_members(trunk, interface, config, ports, numbers.empty() ? nullptr : &*given);
    trunks.push_back(std::move(trunk));
  }
  return trunks;
}

}  // namespace hotpair::ha::daemon
