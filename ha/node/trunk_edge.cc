#include <bit>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

// Eth-Trunks: configuration to the keeper, which runs their LACP; its word to the displays.
namespace hotpair::ha::node {

void Node::apply_trunks(const NodeConfig& config) {
  std::map<lacp::TrunkId, TrunkState> trunks;
  for (const TrunkSettings& settings : config.trunks) {
    const lacp::TrunkId id = settings.lacp.id;
    TrunkState state{settings, std::nullopt};
    if (const auto old = trunks_.find(id); old != trunks_.end()) state.status = old->second.status;
    trunks.emplace(id, std::move(state));
  }
  for (const auto& [id, state] : trunks_)
    if (!trunks.contains(id)) clear(kNoPartner, state.settings.name);
  trunks_ = std::move(trunks);
}

std::vector<keeper::TrunkSetup> Node::trunk_setups() const {
  std::vector<keeper::TrunkSetup> setups;
  for (const auto& [id, state] : trunks_)
    setups.push_back(
        {state.settings.lacp, state.settings.slot, state.settings.scope, state.settings.mode});
  return setups;
}

/// To a fresh keeper: what distributed until its predecessor was lost, a short timeout ago at most.
void Node::resume_trunks(TimePoint now) {
  keeper::ResumeTrunks message;
  for (auto& [id, state] : trunks_) {
    const auto lost = std::exchange(state.lost, std::nullopt);
    if (!lost || now - state.lost_at >= lacp::kShortTimeoutTime) continue;
    // Given away between that word and the loss: the new master's partner is not to be told of it.
    const Scope* scope = state.settings.scope ? find(*state.settings.scope) : nullptr;
    if (scope != nullptr && scope->role.role() == role::Role::backup) continue;
    for (const lacp::PortShow& port : lost->trunk.ports)
      if (port.mux == lacp::MuxState::distributing)
        message.members.push_back({id, port.index, port.partner});
  }
  if (!message.members.empty()) effects_.push(SendToKeeper{std::move(message)});
}

/// Its access is what LACP says, not the carrier of the aggregate's device.
bool Node::is_trunk(const Link& link) const {
  const auto found = trunks_.find(lacp::TrunkId{link.settings.eth_trunk});
  return found != trunks_.end() && found->second.settings.name == link.settings.name;
}

void Node::handle(const keeper::TrunkStatus& message, TimePoint now) {
  const auto found = trunks_.find(message.trunk.id);
  if (found == trunks_.end()) return;
  found->second.status = message;
  note_partner(found->second.settings, message.trunk.partner_heard, now);
}

/// A backup beside another system id sends no LACPDU, and who hears none may send one in 30 s only.
void Node::note_partner(const TrunkSettings& trunk, bool heard, TimePoint now) {
  const Scope* scope = trunk.scope ? find(*trunk.scope) : nullptr;
  const bool silent = scope != nullptr && scope->role.role() != role::Role::master &&
                      !different_systems(*scope).empty();
  if (heard || silent)
    clear(kNoPartner, trunk.name);
  else
    raise(kNoPartner, trunk.name, now, trunk.name);
}

void Node::handle(const keeper::TrunkChanged& message, TimePoint now) {
  const auto found = trunks_.find(message.trunk);
  if (found == trunks_.end()) return;
  const std::string& name = found->second.settings.name;
  note_partner(found->second.settings, message.partner_heard, now);
  if (message.distributing != 0) note_forwarding(found->second.settings, now);
  log(kTrunkChanged, name, std::popcount(message.distributing),
      found->second.settings.lacp.members.size(),
      message.sync_allowed ? "in sync" : "kept out of sync");
  effects_.push(SendToKeeper{keeper::AskStatus{}});
}

}  // namespace hotpair::ha::node
