#include "rbs/session/replication_session.h"

#include <algorithm>
#include <utility>

#include "rbs/session/session_state.h"

namespace hotpair::rbs::session {

// ---- scopes ----

void ReplicationSession::State::announce(SessionScope& scope, TimePoint now) {
  scope.teller.stop();
  ++scope.generation;
  scope.receiver.leave_sync();
  scope.announced = true;
  if (!core.up) return;
  const checkpoint::ScopeMeta& meta = scope.journal->meta();
  core.send(ScopeState{scope.id, scope.posture.role, scope.posture.term, meta.history, meta.last,
                       meta.floor, meta.incomplete || scope.journal->torn(), scope.generation},
            now);
}

void ReplicationSession::State::try_start(SessionScope& scope, TimePoint now) {
  const auto said = peer_scopes.find(scope.id);
  if (!core.up || !scope.master() || scope.taking || said == peer_scopes.end()) return;
  PeerScopeState& peer_state = said->second;
  if (!peer_state.fresh || peer_state.state.role == Role::master ||
      scope.posture.term < peer_state.state.term)
    return;
  peer_state.fresh = false;
  scope.sender.start(peer_state.state, scope.posture.term, *scope.journal, now);
}

void ReplicationSession::State::complete_take(SessionScope& scope, TimePoint now) {
  scope.taking = false;
  const bool complete = scope.receiver.complete();
  const bool torn = scope.journal->torn();
  scope.receiver.forget_complete();
  const Epoch epoch = scope.journal->begin(scope.posture.term, now);
  core.effects.push(ScopeTaken{scope.id, epoch, complete, torn});
  announce(scope, now);
  try_start(scope, now);
}

void ReplicationSession::State::set_scope(SessionScope& scope, const ScopePosture& posture,
                                          TimePoint now) {
  const ScopePosture before = std::exchange(scope.posture, posture);
  const bool was_master = before.role == Role::master;
  if (posture.role == Role::master && !was_master) {
    scope.taking = true;
    scope.take_deadline = now + core.config.take_wait;
    scope.receiver.leave_sync();
    scope.teller.stop();
    return;  // settle() completes it
  }
  if (posture.role == Role::master) {
    if (scope.taking) return;
    const Epoch epoch = scope.journal->begin(posture.term, now);
    scope.sender.set_term(posture.term);
    core.effects.push(ScopeTaken{scope.id, epoch, true, scope.journal->torn()});
    announce(scope, now);
    return try_start(scope, now);
  }
  if (was_master) {
    scope.sender.stop();
    if (!std::exchange(scope.taking, false)) scope.journal->end();
    scope.deposed = posture.term != scope.given;
    scope.heard = {};
  }
  // A term that the peer has announced as master is no news to it.
  const auto said = peer_scopes.find(scope.id);
  const bool no_news = before.role == posture.role && scope.generation > 0 &&
                       said != peer_scopes.end() && said->second.state.role == Role::master &&
                       posture.term <= said->second.state.term && scope.receiver.in_sync();
  // What is being told is for a master that we obey now as before.
  const bool tells_on = scope.teller.active() && said != peer_scopes.end() &&
                        said->second.state.role == Role::master &&
                        posture.term <= said->second.state.term;
  if (no_news || tells_on || tell(scope, now)) return;
  announce(scope, now);
}

// ---- after every input ----

void ReplicationSession::State::settle(TimePoint now) {
  for (auto& [id, scope] : scopes) {
    // A feed that goes on shows that the store is at work: it is not given up.
    if (scope->receiver.take_fed() && scope->taking)
      scope->take_deadline = now + core.config.take_wait;
    if (scope->taking && scope->receiver.drain(now >= scope->take_deadline, now))
      complete_take(*scope, now);
    if (scope->receiver.take_resync_wanted() && !scope->master()) announce(*scope, now);
    scope->receiver.pump(now);
    settle_union(*scope, now);
  }
  if (core.fault) {
    const SessionCore::Fault fault = *std::exchange(core.fault, std::nullopt);
    shut(fault.reason, fault.text, true, now);
  }
  control_flow(now);
}

void ReplicationSession::State::pump(TimePoint now) {
  if (!core.up || scopes.empty()) return;
  auto at = scopes.lower_bound(pump_next);
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    if (at == scopes.end()) at = scopes.begin();
    at->second->sender.pump(now);
    at->second->teller.pump(now);
    ++at;
  }
  pump_next = at == scopes.end() ? ScopeId{} : ScopeId{at->first.value() + 1};
}

void ReplicationSession::State::control_flow(TimePoint now) {
  const bool full = core.store_requests >= core.config.store_requests ||
                    core.store_bytes >= core.config.store_bytes ||
                    core.unfed_records >= core.config.unfed_records;
  const bool low = core.store_requests <= core.config.store_requests / 2 &&
                   core.store_bytes <= core.config.store_bytes / 2 &&
                   core.unfed_records <= core.config.unfed_records / 2;
  if (!paused && full && state != SessionState::down) {
    paused = true;
    core.effects.push(PauseReading{});
    if (core.up) core.send(Flow{true}, now);
  } else if (paused && low) {
    paused = false;
    heard_at = now;
    core.effects.push(ResumeReading{});
    if (core.up) core.send(Flow{false}, now);
  }
}

// ---- the connection ----

void ReplicationSession::State::shut(Reason reason, const std::string& text, bool say_bye,
                                     TimePoint now) {
  if (state == SessionState::down) return;
  core.count(reason);
  last_reason = reason;
  last_text = text;
  if (say_bye) core.send(Bye{reason, text.substr(0, kTextMax)}, now);
  core.effects.push(CloseSession{reason, text});
  reset_connection();
}

void ReplicationSession::State::reset_connection() {
  state = SessionState::down;
  core.up = false;
  core.peer_flow = false;
  core.output_bytes = 0;
  core.fault.reset();
  peer.reset();
  accepted = false;
  extended = false;
  if (std::exchange(paused, false)) core.effects.push(ResumeReading{});
  peer_scopes.clear();
  removed.clear();
  for (auto& [id, scope] : scopes) {
    scope->sender.stop();
    scope->receiver.leave_sync();
    scope->teller.stop();
    scope->heard.answer.reset();
    scope->announced = false;
    scope->offered.reset();
    scope->granted.reset();
  }
}

std::optional<TimePoint> ReplicationSession::State::liveness_deadline() const {
  if (state == SessionState::down) return std::nullopt;
  std::optional<TimePoint> due;
  if (!paused) due = heard_at + core.config.dead;
  if (state == SessionState::up && core.output_bytes < core.config.output_bytes)
    due = earliest(due, core.sent_at + core.config.keepalive);
  if (core.output_bytes > 0) due = earliest(due, core.output_moved_at + core.config.stall);
  return due;
}

void ReplicationSession::State::check_liveness(TimePoint now) {
  if (state == SessionState::down) return;
  const TimePoint dead_at = heard_at + core.config.dead;
  if (!paused && now >= dead_at) {
    if (now - dead_at > core.config.keepalive / 3 && !extended && state == SessionState::up) {
      // This timer fired late, so it was us who were away: what the peer sent may wait unread.
      extended = true;
      heard_at = now - core.config.dead + core.config.keepalive;
    } else {
      const bool opening = state == SessionState::opening;
      return shut(opening ? Reason::handshake_timeout : Reason::peer_silent,
                  opening ? "the peer did not answer Open in time"
                          : "nothing was heard from the peer in time",
                  true, now);
    }
  }
  if (core.output_bytes > 0 && now >= core.output_moved_at + core.config.stall)
    return shut(Reason::peer_not_reading, "the peer takes nothing from the stream", false, now);
  if (state == SessionState::up && core.output_bytes < core.config.output_bytes &&
      now >= core.sent_at + core.config.keepalive)
    core.send(Keepalive{}, now);
}

// ---- public ----

ReplicationSession::ReplicationSession(const SessionConfig& config,
                                       checkpoint::journal::RequestIds& ids)
    : state_(std::make_unique<State>(config, ids)) {}
ReplicationSession::~ReplicationSession() = default;

void ReplicationSession::on_connected(TimePoint now) {
  State& s = *state_;
  if (s.state != SessionState::down) s.reset_connection();
  s.state = SessionState::opening;
  s.heard_at = now;
  Open open;
  open.node = s.core.config.node;
  open.software = s.core.config.software;
  open.schemas = s.core.config.schemas;
  open.config_digest = s.core.config.config_digest;
  for (const auto& [id, scope] : s.scopes) open.scopes.push_back(id);
  s.core.send(std::move(open), now);
  s.settle(now);
}

void ReplicationSession::on_frame(Frame frame, TimePoint now) {
  state_->on_frame(std::move(frame), now);
  state_->settle(now);
}

void ReplicationSession::on_reject(Reason reason, const std::string& text, TimePoint now) {
  if (state_->state == SessionState::down) return;
  state_->core.fail(reason, text);
  state_->settle(now);
}

void ReplicationSession::on_sent(std::size_t cost, TimePoint now) {
  State& s = *state_;
  if (s.state == SessionState::down) return;
  s.core.output_bytes -= std::min(cost, s.core.output_bytes);
  s.core.output_moved_at = now;
  s.pump(now);
  s.settle(now);
}

void ReplicationSession::on_closed(TimePoint now) {
  State& s = *state_;
  if (s.state == SessionState::down) return;
  s.core.count(Reason::stream_lost);
  s.last_reason = Reason::stream_lost;
  s.last_text = "the stream ended";
  s.reset_connection();
  s.settle(now);
}

void ReplicationSession::close(const std::string& text, TimePoint now) {
  state_->shut(Reason::leaving, text, true, now);
  state_->settle(now);
}

void ReplicationSession::set_scope(ScopeId id, const ScopePosture& posture,
                                   checkpoint::journal::Journal& journal, TimePoint now) {
  State& s = *state_;
  auto& scope = s.scopes[id];
  const bool fresh = scope == nullptr;
  if (fresh) {
    scope = std::make_unique<SessionScope>(s.core, id);
    if (const auto before = s.removed.find(id); before != s.removed.end()) {
      scope->generation = before->second;
      s.removed.erase(before);
    }
  }
  scope->journal = &journal;
  scope->receiver.set_journal(journal);
  if (fresh || scope->posture != posture) s.set_scope(*scope, posture, now);
  s.settle(now);
}

void ReplicationSession::remove_scope(ScopeId id, TimePoint now) {
  State& s = *state_;
  const auto found = s.scopes.find(id);
  if (found == s.scopes.end()) return;
  found->second->sender.stop();
  found->second->receiver.drain_all(now);
  if (s.state != SessionState::down) s.removed[id] = found->second->generation;
  s.scopes.erase(found);
  s.settle(now);
}

void ReplicationSession::on_journal(ScopeId id, TimePoint now) {
  State& s = *state_;
  const auto found = s.scopes.find(id);
  if (found == s.scopes.end()) return;
  SessionScope& scope = *found->second;
  if (scope.journal->take_tail_lost() && !scope.master()) scope.receiver.on_tail_lost(now);
  scope.sender.pump(now);
  s.settle(now);
}

bool ReplicationSession::on_store_reply(checkpoint::StoreReply&& reply, TimePoint now) {
  State& s = *state_;
  const auto asked = s.core.requests.find(reply.id);
  if (asked == s.core.requests.end()) return false;
  const auto found = s.scopes.find(asked->second);
  s.core.requests.erase(asked);
  if (found == s.scopes.end()) return true;
  SessionScope& scope = *found->second;
  // An answer that neither wants belongs to a synchronisation since left.
  if (!scope.teller.on_store_reply(reply, now) &&
      !scope.receiver.on_store_reply(std::move(reply), now))
    scope.sender.on_store_reply(std::move(reply), now);
  s.settle(now);
  return true;
}

Result<void> ReplicationSession::check_digest(ScopeId id, TimePoint now) {
  State& s = *state_;
  const auto found = s.scopes.find(id);
  if (found == s.scopes.end()) return fail(ErrorCode::not_found, "no such scope");
  if (!found->second->sender.active())
    return fail(ErrorCode::unavailable, "the scope is not being replicated from this node");
  found->second->sender.request_digest(now);
  s.settle(now);
  return {};
}

namespace {

Result<SessionScope*> handover_scope(ReplicationSession::State& s, ScopeId id) {
  if (!s.core.up) return fail(ErrorCode::disconnected, "no session with the peer");
  const auto found = s.scopes.find(id);
  if (found == s.scopes.end()) return fail(ErrorCode::not_found, "no such scope");
  return found->second.get();
}

}  // namespace

Result<void> ReplicationSession::send_handover(const Handover& frame, TimePoint now) {
  const auto scope = handover_scope(*state_, frame.scope);
  if (!scope) return std::unexpected(scope.error());
  if (!(*scope)->master()) return fail(ErrorCode::refused, "this node is not master of the scope");
  (*scope)->offered = (*scope)->given = frame.term;
  state_->core.send(frame, now);
  return {};
}

Result<void> ReplicationSession::send_handover(const HandoverReady& frame, TimePoint now) {
  const auto scope = handover_scope(*state_, frame.scope);
  if (!scope) return std::unexpected(scope.error());
  state_->core.send(frame, now);
  return {};
}

Result<void> ReplicationSession::send_handover(const HandoverDone& frame, TimePoint now) {
  const auto scope = handover_scope(*state_, frame.scope);
  if (!scope) return std::unexpected(scope.error());
  (*scope)->offered = Term{};
  state_->core.send(frame, now);
  return {};
}

Result<void> ReplicationSession::send_handover(const HandoverAbort& frame, TimePoint now) {
  const auto scope = handover_scope(*state_, frame.scope);
  if (!scope) return std::unexpected(scope.error());
  // What the other side still says about this term is stale, and no fault.
  if ((*scope)->offered) (*scope)->offered = Term{};
  if ((*scope)->granted) (*scope)->granted = Term{};
  state_->core.send(frame, now);
  return {};
}

bool ReplicationSession::send_standing(const RouteStanding& frame, TimePoint now) {
  State& s = *state_;
  const auto mine = s.scopes.find(frame.scope);
  const auto theirs = s.peer_scopes.find(frame.scope);
  if (!s.core.up || s.protocol < kProtocolStanding || mine == s.scopes.end() ||
      mine->second->posture.role != Role::backup || theirs == s.peer_scopes.end() ||
      theirs->second.state.role != Role::master)
    return false;
  s.core.send(frame, now);
  return true;
}

void ReplicationSession::on_timeout(TimePoint now) {
  State& s = *state_;
  s.check_liveness(now);
  s.core.apply_budget = s.core.config.apply_records;
  auto at = s.scopes.lower_bound(s.apply_next);
  for (std::size_t i = 0; i < s.scopes.size(); ++i) {
    if (at == s.scopes.end()) at = s.scopes.begin();
    at->second->sender.on_timeout(now);
    at->second->receiver.on_timeout(now);
    at->second->teller.on_timeout(now);
    if (s.core.apply_budget > 0) s.apply_next = at->first;
    ++at;
  }
  s.settle(now);
}

std::optional<TimePoint> ReplicationSession::next_deadline() const {
  const State& s = *state_;
  std::optional<TimePoint> due = s.liveness_deadline();
  for (const auto& [id, scope] : s.scopes) {
    due = earliest(due, scope->sender.next_deadline());
    due = earliest(due, scope->receiver.next_deadline());
    due = earliest(due, scope->teller.next_deadline());
    if (scope->taking) due = earliest(due, scope->take_deadline);
  }
  return due;
}

std::optional<Effect> ReplicationSession::poll_effect() { return state_->core.effects.poll(); }

}  // namespace hotpair::rbs::session
