#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

namespace hotpair::ha::node {

void Node::on_keeper_connected(TimePoint now) {
  static_cast<void>(now);
  keeper::DaemonHello hello;
  hello.node = identity_.node;
  hello.software = identity_.software;
  effects_.push(SendToKeeper{hello});
}

void Node::on_keeper(const keeper::FromKeeper& message, TimePoint now) {
  std::visit([&](const auto& one) { handle(one, now); }, message);
  pump(now);
}

void Node::on_keeper_lost(TimePoint now) {
  keeper_up_ = false;
  heartbeat_at_.reset();
  status_.reset();
  bfd_.clear();
  bfd_status_.reset();
  bfd_told_ = false;
  for (auto& [id, state] : etrunks_) {
    state.heard = state.alone = false;
    state.path_up.clear();
    check_paths(state, now);
  }
  for (auto& [id, state] : trunks_) {
    if (!state.status) continue;  // told before, or not yet
    state.lost = std::exchange(state.status, std::nullopt);
    state.lost_at = now;
  }
  forget_held_carriers();
  for (const auto& [id, scope] : scopes_)
    if (id != kWholeNode) {
      scope->handover.on_keeper_lost(now);
      scope->role.on_keeper_lost();
    }
  raise(kKeeperGone, "keeper", now);
  pump(now);
}

void Node::handle(const keeper::Welcome& message, TimePoint now) {
  keeper_up_ = true;
  heartbeat_at_ = now;
  clear(kKeeperGone, "keeper");
  if (message.scopes.empty()) resume_trunks(now);
  configure_keeper();
  for (const auto& [id, scope] : scopes_) {
    if (id == kWholeNode) continue;
    std::optional<keeper::ScopeState> known;
    for (const keeper::ScopeState& state : message.scopes)
      if (state.scope == id) known = state;
    if (known) {
      scope->gate_open = known->gate_open;
      scope->access_up = known->access_up;
    }
    scope->role.on_keeper(known, now);
  }
}

void Node::handle(const keeper::Refused& message, TimePoint now) {
  raise(kKeeperGone, "keeper", now);
  log(kChannelEvent, "keeper", "refused: " + message.reason);
}

void Node::handle(const keeper::PathChanged& message, TimePoint now) {
  const auto found = etrunks_.find(message.etrunk);
  if (found == etrunks_.end()) return;
  found->second.path_up[message.path.value()] = message.up;
  if (!message.up) found->second.detected = message.detected;
  if (message.up) dial_again(message.etrunk);
  check_paths(found->second, now);
}

void Node::handle(const keeper::PeerHello& message, TimePoint now) {
  const auto found = etrunks_.find(message.hello.etrunk);
  if (found == etrunks_.end()) return;
  const std::string subject = "e-trunk " + std::to_string(message.hello.etrunk.value());
  found->second.same_id = message.hello.node == identity_.node;
  if (found->second.same_id) {
    raise(kSameNodeId, subject, now, message.hello.etrunk.value(), identity_.node.value());
    return;
  }
  clear(kSameNodeId, subject);
  // Whatever was forgotten here is in what the peer has heard.
  if (!message.hello.scopes.empty()) clear(kTermsLost, "store");
  found->second.peer = message.hello;
  if (!std::exchange(found->second.heard, true)) dial_again(message.hello.etrunk);
  found->second.alone = false;
  clear(kPeerSilent, subject);
  check_paths(found->second, now);
  for (const auto& [id, scope] : scopes_)
    if (id != kWholeNode && scope->settings.etrunk == message.hello.etrunk)
      scope->role.on_peer_hello(message.hello, now);
}

void Node::handle(const keeper::PeerChanged& message, TimePoint now) {
  const auto found = etrunks_.find(message.etrunk);
  if (found == etrunks_.end()) return;
  if (!std::exchange(found->second.heard, message.heard) && message.heard)
    dial_again(message.etrunk);
  found->second.alone = !message.heard;
  const std::string subject = "e-trunk " + std::to_string(message.etrunk.value());
  if (message.heard)
    clear(kPeerSilent, subject);
  else
    raise(kPeerSilent, subject, now, message.etrunk.value());
  check_paths(found->second, now);
  for (const auto& [id, scope] : scopes_)
    if (id != kWholeNode && scope->settings.etrunk == message.etrunk)
      scope->role.on_peer_heard(message.heard, now);
}

void Node::handle(const keeper::Alone& message, TimePoint now) {
  const auto found = etrunks_.find(message.etrunk);
  if (found == etrunks_.end()) return;
  found->second.alone = true;
  raise(kPeerSilent, "e-trunk " + std::to_string(message.etrunk.value()), now,
        message.etrunk.value());
  for (const auto& [id, scope] : scopes_)
    if (id != kWholeNode && scope->settings.etrunk == message.etrunk) scope->role.on_alone(now);
}

void Node::handle(const keeper::ScopeChanged& message, TimePoint now) {
  Scope* scope = find(message.state.scope);
  if (scope == nullptr) return;
  const role::Role before = scope->role.role();
  const Term term_before = scope->role.term();
  scope->gate_open = message.state.gate_open;
  scope->access_up = message.state.access_up;
  effects_.push(SendToKeeper{keeper::AskStatus{}});
  if (message.cause == keeper::Cause::larger_term && before == role::Role::master)
    log(kPeerDiverged, scope->id.value(), to_string(term_before), to_string(message.state.term));
  scope->handover.on_scope_changed(message, now);
  scope->role.on_scope_changed(message, now);
  pump_role(*scope, now);
  note_keeper_act(*scope, message, now);
}

/// The keeper's own times become the first phases of the story that its act has begun.
void Node::note_keeper_act(Scope& scope, const keeper::ScopeChanged& change, TimePoint now) {
  if (change.state.role != role::Role::master || scope.story == 0) return;
  if (change.last_heard != TimePoint{} && change.last_heard <= change.decided)
    scope.story_began = change.last_heard;
  else if (change.decided != TimePoint{})
    scope.story_began = change.decided;
  phase(scope, "detected, decided", change.decided);
  phase(scope, "gate open", change.gate_stored);
  phase(scope, "daemon told", now);
}

void Node::handle(const keeper::HandoverOpened& message, TimePoint now) {
  if (Scope* scope = find(message.scope)) scope->handover.on_opened(message.term, now);
}

void Node::handle(const keeper::HandoverCommitted& message, TimePoint now) {
  Scope* scope = find(message.scope);
  if (scope == nullptr) return;
  scope->gate_open = false;
  scope->handover.on_committed(message.term, now);
  pump_handover(*scope, now);
  keeper::ScopeChanged change;
  change.state.scope = message.scope;
  change.state.role = role::Role::backup;
  change.state.term = message.term;
  change.cause = keeper::Cause::handover;
  scope->role.on_scope_changed(change, now);
}

void Node::handle(const keeper::HandoverOffered& message, TimePoint now) {
  if (Scope* scope = find(message.scope)) scope->handover.on_offered(message, now);
}

void Node::handle(const keeper::GateChanged& message, TimePoint now) {
  static_cast<void>(now);
  Scope* scope = find(message.scope);
  if (scope == nullptr) return;
  scope->gate_open = message.open;
  log(kGateChanged, scope->id.value(), message.open ? "opened" : "closed",
      switchover::to_string(message.cause));
}

void Node::handle(const keeper::AccessChanged& message, TimePoint now) {
  static_cast<void>(now);
  if (Scope* scope = find(message.scope)) scope->access_up = message.up;
}

void Node::handle(const keeper::KeeperStatus& message, TimePoint now) {
  status_ = message;
  status_at_ = now;
  for (const keeper::ScopeState& state : message.scopes) {
    if (Scope* scope = find(state.scope)) {
      scope->gate_open = state.gate_open;
      scope->access_up = state.access_up;
    }
  }
}

void Node::handle(const keeper::LeaveRequested& message, TimePoint now) {
  static_cast<void>(message);
  static_cast<void>(leave("the keeper was told to end", now));
}

}  // namespace hotpair::ha::node
