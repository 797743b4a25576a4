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

/// Its access is what LACP says, not the carrier of the aggregate's device.
bool Node::is_trunk(const Link& link) const {
  const auto found = trunks_.find(lacp::TrunkId{link.settings.eth_trunk});
  return found != trunks_.end() && found->second.settings.name == link.settings.name;
}

void Node::handle(const keeper::TrunkStatus& message, TimePoint now) {
  const auto found = trunks_.find(message.trunk.id);
  if (found == trunks_.end()) return;
  found->second.status = message;
  note_partner(found->second.settings.name, message.trunk.partner_heard, now);
}

void Node::note_partner(const std::string& name, bool heard, TimePoint now) {
  if (heard)
    clear(kNoPartner, name);
  else
    raise(kNoPartner, name, now, name);
}

void Node::handle(const keeper::TrunkChanged& message, TimePoint now) {
  const auto found = trunks_.find(message.trunk);
  if (found == trunks_.end()) return;
  const std::string& name = found->second.settings.name;
  note_partner(name, message.partner_heard, now);
  log(kTrunkChanged, name, std::popcount(message.distributing),
      found->second.settings.lacp.members.size(),
      message.sync_allowed ? "in sync" : "kept out of sync");
  effects_.push(SendToKeeper{keeper::AskStatus{}});
}

}  // namespace hotpair::ha::node
