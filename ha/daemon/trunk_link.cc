#include "ha/daemon/trunk_link.h"

#include <algorithm>

#include "ha/daemon/daemon_messages.h"

namespace hotpair::ha::daemon {
namespace {

namespace kernel = platform::kernel;

constexpr std::uint32_t kTrunkSlots = 64;
/// A gate word that does not exist is closed: for a trunk whose scope has no slot yet.
constexpr std::uint32_t kNoSuchGate = 0xfffffffe;

std::string name_of(const kernel::LinkMonitor& links, Ifindex index) {
  const kernel::Link* link = links.find(index);
  return link == nullptr ? std::string{} : link->name;
}

}  // namespace

Result<void> TrunkLink::open(int gate_words_fd, kernel::EthTrunks::KeptMaps kept,
                             const kernel::LinkMonitor& links) {
  const bool complete =
      kept.words.valid() && kept.ports.valid() && kept.trunks.valid() && kept.counters.valid();
  auto trunks = complete ? kernel::EthTrunks::adopt(gate_words_fd, std::move(kept))
                         : kernel::EthTrunks::create(gate_words_fd, kTrunkSlots);
  if (!trunks) return std::unexpected(trunks.error());
  trunks_ = std::move(*trunks);
  for (const kernel::EthTrunkDevice& device : trunks_->devices()) {
    const std::string name = name_of(links, device.device);
    if (name.empty()) {
      // Its device was deleted meanwhile: what is left of it frees slot and members.
      static_cast<void>(trunks_->remove(device.slot));
      continue;
    }
    PlannedTrunk before{0, device.slot, name, device.gate_slot.has_value(), {}, 1};
    for (const kernel::EthTrunkMember& member : device.members)
      if (const std::string port = name_of(links, member.interface); !port.empty())
        before.members.push_back({static_cast<std::uint8_t>(member.index), port});
    plan_.push_back(std::move(before));
    Made& made = made_[name];
    made.ours = true;
    if (device.gate_slot != kNoSuchGate) made.gate_slot = device.gate_slot;
  }
  return {};
}

std::vector<std::pair<std::string, int>> TrunkLink::descriptors() const {
  if (!trunks_) return {};
  const kernel::EthTrunkDescriptors maps = trunks_->descriptors();
  return {{"trunk-words", maps.words},
          {"trunk-ports", maps.ports},
          {"trunk-map", maps.trunks},
          {"trunk-counters", maps.counters}};
}

void TrunkLink::configure(std::vector<WantedTrunk> wanted, const kernel::LinkMonitor& links) {
  if (!trunks_) return;
  TrunkPlan plan = plan_trunks(wanted, plan_, trunks_->slots());
  for (const std::string& sentence : plan.left_out) log_(kTrunk, sentence);
  // What goes, goes first: its members may be wanted elsewhere.
  for (const PlannedTrunk& old : plan_) {
    const bool stays =
        std::ranges::find(plan.trunks, old.device, &PlannedTrunk::device) != plan.trunks.end();
    if (stays) continue;
    if (const auto removed = trunks_->remove(old.slot); !removed)
      log_(kTrunk, removed.error().detail);
    made_.erase(old.device);
  }
  plan_ = std::move(plan.trunks);
  release_unplanned(links);
  for (auto& [device, made] : made_) made.seen.clear();
  links_changed(links);
}

/// Members that leave a trunk leave it before another trunk takes them.
void TrunkLink::release_unplanned(const kernel::LinkMonitor& links) {
  for (const kernel::EthTrunkDevice& device : trunks_->devices()) {
    const PlannedTrunk* planned = find(name_of(links, device.device));
    if (planned == nullptr) continue;
    std::vector<kernel::EthTrunkMember> stay;
    for (const kernel::EthTrunkMember& member : device.members) {
      const PlannedMember wanted{static_cast<std::uint8_t>(member.index),
                                 name_of(links, member.interface)};
      if (std::ranges::find(planned->members, wanted) != planned->members.end())
        stay.push_back(member);
    }
    if (stay.size() == device.members.size()) continue;
    if (const auto set = trunks_->set_members(device.slot, std::move(stay)); !set)
      log_(kTrunk, set.error().detail);
  }
}

void TrunkLink::links_changed(const kernel::LinkMonitor& links) {
  if (!trunks_) return;
  for (const PlannedTrunk& trunk : plan_) apply(trunk, links, false);
}

void TrunkLink::apply(const PlannedTrunk& trunk, const kernel::LinkMonitor& links, bool anyway) {
  Made& made = made_[trunk.device];
  kernel::EthTrunkConfig config;
  config.slot = trunk.slot;
  config.device = trunk.device;
  config.gate_slot = made.gate_slot;
  if (trunk.scoped && !config.gate_slot) config.gate_slot = kNoSuchGate;
  config.least_active_links = trunk.least_active_links;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> seen;
  for (const PlannedMember& member : trunk.members) {
    const kernel::Link* link = links.find(member.device);
    if (link == nullptr) continue;
    config.members.push_back({member.index, link->index});
    seen.emplace_back(link->index.value(), link->mtu);
  }
  const kernel::Link* own = links.find(trunk.device);
  if (config.members.empty() && !made.ours) return;
  seen.emplace_back(own == nullptr ? 0 : own->index.value(), 0);
  if (!anyway && seen == made.seen) return;
  made.seen = std::move(seen);
  const auto ensured = trunks_->ensure(config);
  made.ours = ensured.has_value() || (made.ours && ensured.error().code != ErrorCode::exists);
  const std::string error = ensured ? std::string{} : ensured.error().detail;
  if (!error.empty() && error != made.last_error) log_(kTrunk, error);
  made.last_error = error;
}

bool TrunkLink::attach_gate(const std::string& device, std::uint32_t gate_slot,
                            const kernel::LinkMonitor& links) {
  return set_gate(device, gate_slot, links);
}

bool TrunkLink::detach_gate(const std::string& device, const kernel::LinkMonitor& links) {
  return set_gate(device, std::nullopt, links);
}

bool TrunkLink::set_gate(const std::string& device, std::optional<std::uint32_t> gate_slot,
                         const kernel::LinkMonitor& links) {
  const PlannedTrunk* trunk = find(device);
  const auto made = made_.find(device);
  if (trunk == nullptr || made == made_.end() || !made->second.ours) return false;
  made->second.gate_slot = gate_slot;
  apply(*trunk, links, true);
  return true;
}

void TrunkLink::update_operational() {
  for (const PlannedTrunk& trunk : plan_)
    if (made_[trunk.device].ours) static_cast<void>(trunks_->update_operational(trunk.slot));
}

std::optional<kernel::EthTrunkCounters> TrunkLink::counters(std::uint16_t id) const {
  const auto trunk = std::ranges::find(plan_, id, &PlannedTrunk::id);
  if (trunk == plan_.end() || !made_.contains(trunk->device) || !made_.at(trunk->device).ours)
    return std::nullopt;
  const auto counters = trunks_->counters(trunk->slot);
  return counters ? std::optional(*counters) : std::nullopt;
}

const PlannedTrunk* TrunkLink::find(const std::string& device) const {
  const auto found = std::ranges::find(plan_, device, &PlannedTrunk::device);
  return found == plan_.end() ? nullptr : &*found;
}

}  // namespace hotpair::ha::daemon
