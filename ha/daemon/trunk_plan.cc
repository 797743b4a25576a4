#include "ha/daemon/trunk_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "platform/kernel/eth_trunk.h"

namespace hotpair::ha::daemon {
namespace {

std::optional<std::uint32_t> lowest_free(const std::set<std::uint32_t>& used, std::uint32_t limit) {
  for (std::uint32_t n = 0; n < limit; ++n)
    if (!used.contains(n)) return n;
  return std::nullopt;
}

const PlannedTrunk* find(const std::vector<PlannedTrunk>& trunks, const std::string& device) {
  const auto found = std::ranges::find(trunks, device, &PlannedTrunk::device);
  return found == trunks.end() ? nullptr : &*found;
}

std::vector<PlannedMember> plan_members(const WantedTrunk& wanted, const PlannedTrunk* before,
                                        std::vector<std::string>& left_out) {
  std::vector<PlannedMember> members;
  std::set<std::uint32_t> used;
  if (before != nullptr)
    for (const PlannedMember& old : before->members)
      if (std::ranges::find(wanted.members, old.device) != wanted.members.end()) {
        members.push_back(old);
        used.insert(old.index);
      }
  for (const std::string& device : wanted.members) {
    if (std::ranges::find(members, device, &PlannedMember::device) != members.end()) continue;
    const auto index = lowest_free(used, platform::kernel::kTrunkMembersMax);
    if (!index) {
      left_out.push_back(fmt::format("{}: no place for {} among {} members", wanted.device, device,
                                     platform::kernel::kTrunkMembersMax));
      continue;
    }
    used.insert(*index);
    members.push_back({static_cast<std::uint8_t>(*index), device});
  }
  std::ranges::sort(members, {}, &PlannedMember::index);
  return members;
}

}  // namespace

bool is_own_trunk(const config::InterfaceModel& interface, const config::PortMap& ports) {
  return interface.name.is_eth_trunk() && !ports.mapped().contains(interface.name.name) &&
         *interface.trunk_mode == config::TrunkMode::lacp_static;
}

std::vector<WantedTrunk> wanted_trunks(const config::Config& config, const config::PortMap& ports) {
  std::vector<WantedTrunk> wanted;
  for (const config::InterfaceModel& trunk : config.interfaces) {
    if (!is_own_trunk(trunk, ports)) continue;
    WantedTrunk each;
    each.id = trunk.name.eth_trunk_id();
    each.device = ports.device_of(trunk.name);
    each.scoped = trunk.remote_backup_profile.configured;
    each.least_active_links = *trunk.least_active;
    for (const config::InterfaceModel& port : config.interfaces)
      if (port.eth_trunk && *port.eth_trunk == each.id)
        each.members.push_back(ports.device_of(port.name));
    if (!each.members.empty()) wanted.push_back(std::move(each));
  }
  std::ranges::sort(wanted, {}, &WantedTrunk::id);
  return wanted;
}

TrunkPlan plan_trunks(const std::vector<WantedTrunk>& wanted,
                      const std::vector<PlannedTrunk>& before, std::uint32_t slots) {
  TrunkPlan plan;
  std::set<std::uint32_t> used;
  for (const WantedTrunk& each : wanted)
    if (const PlannedTrunk* old = find(before, each.device)) used.insert(old->slot);
  for (const WantedTrunk& each : wanted) {
    const PlannedTrunk* old = find(before, each.device);
    const auto slot = old != nullptr ? std::optional(old->slot) : lowest_free(used, slots);
    if (!slot) {
      plan.left_out.push_back(
          fmt::format("{}: there is room for {} Eth-Trunks", each.device, slots));
      continue;
    }
    used.insert(*slot);
    plan.trunks.push_back({each.id, *slot, each.device, each.scoped,
                           plan_members(each, old, plan.left_out), each.least_active_links});
  }
  return plan;
}

}  // namespace hotpair::ha::daemon
