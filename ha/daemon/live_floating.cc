#include "ha/daemon/live_view.h"
#include "ha/node/floating.h"

/// Floating addresses of the running node.
namespace hotpair::ha::daemon {

cli::FloatingInterface LiveView::floating_interface(const node::Link& link) const {
  cli::FloatingInterface row;
  row.name = link.settings.name;
  if (const auto* interface = config_.find_interface(row.name); interface && interface->vrf)
    row.instance = *interface->vrf;
  row.device = node::floating_device(link.settings.device);
  row.device_up = link.floating_facts.up;
  row.mac = node::floating_mac(link.settings.floating);
  row.addresses = link.settings.floating;
  row.identity = link.settings.pim_floating;
  const ScopeId scope = link.settings.scope.value_or(kWholeNode);
  if (scope != node::kFloatingPair) row.backup_id = scope;
  const auto found = node_.scopes().find(scope);
  if (found == node_.scopes().end()) return row;
  const node::Scope& state = *found->second;
  row.profile = state.settings.name;
  row.role = state.role.role();
  const auto* peer = state.role.peer_heard() ? state.role.peer_report() : nullptr;
  if (state.gate_open)
    row.owner = cli::FloatingOwner::here;
  else if (peer != nullptr && peer->role == etrunk::Role::master)
    row.owner = cli::FloatingOwner::peer;
  if (const auto& status = node_.keeper_status()) {
    for (const keeper::ScopeState& known : status->scopes) {
      if (known.scope != scope) continue;
      row.announced = known.announced;
      if (state.gate_open && known.opened_at != TimePoint{}) row.since = now_ - known.opened_at;
    }
  }
  return row;
}

cli::FloatingAddressesModel LiveView::floating_addresses() const {
  cli::FloatingAddressesModel model;
  for (const auto& [id, link] : node_.links())
    if (link.settings.scope && !link.settings.floating.empty())
      model.interfaces.push_back(floating_interface(link));
  return model;
}

}  // namespace hotpair::ha::daemon
