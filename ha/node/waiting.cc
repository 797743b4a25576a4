#include <fmt/format.h>

#include <utility>

#include "ha/node/node.h"

/// `hotpair wait`: what is still missing, and the end of those who wait.
namespace hotpair::ha::node {
namespace {

using rbs::session::SyncState;

std::string subject_of(const Scope& scope) { return fmt::format("scope {}", scope.id.value()); }

}  // namespace

std::uint64_t Node::wait(Condition condition, Duration timeout, TimePoint now) {
  waiters_.push_back({next_ticket_, condition, now + timeout});
  settle_waiters(now);
  return next_ticket_++;
}

/// Why the scope has no role; empty: it has one.
std::string Node::missing_role(const Scope& scope) const {
  if (scope.life != Scope::Life::ready)
    return fmt::format("the store is being read, {} records so far", scope.restored);
  if (scope.role.role() != role::Role::init) return {};
  const auto trunk = etrunks_.find(scope.settings.etrunk);
  const bool heard = trunk != etrunks_.end() && trunk->second.heard;
  const bool alone = trunk != etrunks_.end() && trunk->second.alone;
  if (trunk != etrunks_.end() && trunk->second.same_id) return "the peer has this node's id";
  if (!heard && !alone) return "no peer heard";
  if (!scope.role.next_term()) return "no term is reserved in the store yet";
  if (heard && scope.role.peer_report() == nullptr) return "the peer's hellos do not name it";
  if (heard) return "the peer is heard, the election is not over";
  return "no peer heard, it becomes master alone";
}

/// Why the copy of the scope is not complete on both nodes; empty: it is.
std::string Node::missing_copy(const Scope& scope) const {
  const bool master = scope.role.role() == role::Role::master;
  if (master ? peer_ready(scope) : scope.role.complete()) return {};
  if (master && scope.peer_complete) return "the peer has not taken its copy in yet";
  const auto service = services_.find(scope.settings.service);
  const auto found =
      service == services_.end() ? std::nullopt : service->second->session->show(scope.id, {});
  if (!found) return "is bound to no connected service";
  if (found->store_degraded) return "the store does not take changes";
  if (!found->peer_has_scope) return "the peer does not have it";
  const char* const done = master ? "sent" : "received";
  switch (found->state) {
    case SyncState::bulk:
    case SyncState::repair:
      return fmt::format("{} {} % {}", name_of(found->state), bulk_percent(*found), done);
    case SyncState::delta:
      return fmt::format("delta, {} changes to go", found->lag_records);
    case SyncState::none:
    case SyncState::synced:
      break;
  }
  return "the copy has not begun";
}

std::vector<Missing> Node::missing(Condition condition) const {
  std::vector<Missing> found;
  if (!configured_) return {{"configuration", "not in force yet"}};
  if (!keeper_up_) found.push_back({"keeper", "not connected"});
  if (condition == Condition::synced) {
    for (const auto& [name, service] : services_)
      if (!service->up)
        found.push_back({"RBS " + name, !pair_key_                    ? "no pair key"
                                        : service->last_error.empty() ? "not connected"
                                                                      : service->last_error});
  }
  for (const auto& [id, scope] : scopes_) {
    std::string why = missing_role(*scope);
    if (id == kWholeNode) {
      if (scope->life != Scope::Life::ready) found.push_back({"whole node", std::move(why)});
      continue;
    }
    if (why.empty() && condition == Condition::master) {
      if (scope->role.role() != role::Role::master)
        why = fmt::format("this node is {}, term {}", switchover::to_string(scope->role.role()),
                          to_string(scope->role.term()));
      else if (!scope->active)
        why = "master, its engines are not active yet";
    }
    const auto service = services_.find(scope->settings.service);
    const bool up = service != services_.end() && service->second->up;
    if (why.empty() && condition == Condition::synced) {
      if (service == services_.end())
        why = "is bound to no service";
      else if (up)
        why = missing_copy(*scope);
      else
        why = "RBS " + scope->settings.service + " is not connected";
    }
    if (!why.empty()) found.push_back({subject_of(*scope), std::move(why)});
  }
  return found;
}

void Node::settle_waiters(TimePoint now) {
  std::erase_if(waiters_, [&](const Waiter& waiter) {
    auto lacks = missing(waiter.condition);
    if (lacks.empty()) {
      effects_.push(ActionEnded{waiter.ticket, {}, std::nullopt, {}});
      return true;
    }
    if (waiter.until > now) return false;
    effects_.push(ActionEnded{waiter.ticket,
                              {},
                              Error{ErrorCode::timeout, "the condition did not come in time"},
                              std::move(lacks)});
    return true;
  });
}

}  // namespace hotpair::ha::node
