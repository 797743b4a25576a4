#include "ha/node/node.h"

/// How a backup's routes stand, for the master: whoever would take a scope over knows best what of
/// it would be lost.
namespace hotpair::ha::node {

namespace session = rbs::session;

/// The scopes that this node would take over, where a number changed since the peer was told.
void Node::tell_standings(TimePoint now) {
  std::optional<mcast::mrib::StandingModel> routes;  // of all scopes, counted once
  for (const auto& [id, scope] : scopes_) {
    Service* service = service_of(*scope);
    if (scope->role.role() != role::Role::backup || service == nullptr || !service->up ||
        service->protocol < session::kProtocolStanding)
      continue;
    if (!routes) routes = mrib_.standing(peer_addresses());
    const auto silent = routes->silent.find(id);
    const session::RouteStanding standing{id, routes->without_way, routes->by_peer,
                                          silent == routes->silent.end() ? 0 : silent->second};
    if (scope->told_standing == standing) continue;
    if (service->session->send_standing(standing, now)) scope->told_standing = standing;
  }
}

void Node::forget_standings(const Service& service) {
  for (const auto& [id, scope] : scopes_)
    if (scope->settings.service == service.settings.name) forget_standing(*scope);
}

void Node::forget_standing(Scope& scope) {
  scope.told_standing.reset();
  scope.peer_standing.reset();
}

/// What would be lost where the scope is moved to: at the peer if this node is the master.
void Node::add_standing(const Scope& scope, Readiness& found) const {
  const auto tells = [&](std::string_view what, std::uint64_t count) {
    if (count != 0) found.findings.push_back({std::string(what), count, false, true});
  };
  if (found.role != role::Role::master) {
    const mcast::mrib::StandingModel routes = mrib_.standing(peer_addresses());
    tells("routes have no RPF here", routes.without_way);
    tells("routes have the peer as RPF neighbor here", routes.by_peer);
    if (const auto silent = routes.silent.find(scope.id); silent != routes.silent.end())
      tells("routes behind the closed gate get no traffic", silent->second);
    return;
  }
  found.peer_routes = scope.peer_standing;
  if (!scope.peer_standing) {
    found.findings.push_back({"how the peer's routes stand is unknown", 0, false, true});
    return;
  }
  tells("routes have no RPF at the peer", scope.peer_standing->without_way);
  tells("routes have this node as RPF neighbor at the peer", scope.peer_standing->by_peer);
  tells("routes behind the peer's closed gate get no traffic", scope.peer_standing->silent);
}

}  // namespace hotpair::ha::node
