#include <algorithm>
#include <utility>

#include "rbs/session/session_state.h"

/// What each frame does to the session.
namespace hotpair::rbs::session {

namespace {

// Far beyond any real counter, and far from the end of the number: arithmetic on what a peer sends
// cannot overflow.
constexpr std::uint64_t kCounterMax = 1ULL << 62U;

bool sane(Sequence sequence) { return sequence.value() < kCounterMax; }
bool sane(const Term& term) { return term.counter < kCounterMax; }
bool sane(const EpochHistory& history) {
  if (!checkpoint::journal::is_valid(history)) return false;
  return std::all_of(history.begin(), history.end(), [](const auto& start) {
    return sane(start.begins_after) && sane(start.epoch.term) && start.epoch.restarts < UINT32_MAX;
  });
}

struct Sane {
  bool operator()(const ScopeState& f) const {
    return sane(f.term) && sane(f.history) && sane(f.last) && sane(f.floor);
  }
  bool operator()(const BulkBegin& f) const {
    return sane(f.term) && sane(f.history) && sane(f.base);
  }
  bool operator()(const LiveRecords& f) const {
    return sane(f.term) && sane(f.epoch.term) && f.epoch.restarts < UINT32_MAX &&
           std::all_of(f.changes.begin(), f.changes.end(),
                       [](const auto& one) { return sane(one.sequence); });
  }
  bool operator()(const BulkEnd& f) const { return sane(f.term) && sane(f.target); }
  bool operator()(const Ack& f) const { return sane(f.sequence); }
  bool operator()(const Digests& f) const { return sane(f.at); }
  bool operator()(const Handover& f) const { return sane(f.term); }
  bool operator()(const HandoverReady& f) const { return sane(f.term); }
  bool operator()(const HandoverDone& f) const { return sane(f.term); }
  bool operator()(const HandoverAbort& f) const { return sane(f.term); }
  bool operator()(const Diverged& f) const {
    return sane(f.term) && sane(f.epoch.term) && f.epoch.restarts < UINT32_MAX && sane(f.last) &&
           f.slice < UINT32_MAX && f.held < kCounterMax;
  }
  bool operator()(const RouteStanding& f) const {
    return std::max({f.without_way, f.by_peer, f.silent}) < kCounterMax;
  }
  template <typename Other>
  bool operator()(const Other&) const {
    return true;
  }
};

}  // namespace

void ReplicationSession::State::on_frame(Frame&& frame, TimePoint now) {
  if (state == SessionState::down) return;
  ++frames_received;
  heard_at = now;
  extended = false;
  const bool early = std::holds_alternative<Open>(frame) || std::holds_alternative<Accept>(frame) ||
                     std::holds_alternative<Refuse>(frame) || std::holds_alternative<Bye>(frame) ||
                     std::holds_alternative<Keepalive>(frame);
  if (state != SessionState::up && !early)
    core.fail(Reason::out_of_order, std::string(name_of(frame)) + " before Accept");
  else if (!std::visit(Sane{}, frame))
    core.fail(Reason::limit, std::string(name_of(frame)) + " with a counter beyond any limit");
  else
    std::visit([&](auto& body) { on(std::move(body), now); }, frame);
}

// ---- opening ----

void ReplicationSession::State::refuse(RefuseReason reason, const std::string& text,
                                       TimePoint now) {
  core.send(Refuse{reason, text}, now);
  shut(Reason::refused, text, false, now);
}

void ReplicationSession::State::on(const Open& frame, TimePoint now) {
  if (peer) return core.fail(Reason::out_of_order, "a second Open");
  peer = frame;
  last_peer = frame;
  const std::uint16_t agreed = std::min(kProtocolMax, frame.protocol_max);
  if (agreed < std::max(kProtocolMin, frame.protocol_min))
    return refuse(RefuseReason::version,
                  "this node (" + core.config.software + ") speaks RBS protocol " +
                      std::to_string(kProtocolMin) + " to " + std::to_string(kProtocolMax) +
                      ", the peer (" + frame.software + ") " + std::to_string(frame.protocol_min) +
                      " to " + std::to_string(frame.protocol_max) + ": upgrade the older node",
                  now);
  if (frame.node == core.config.node)
    return refuse(RefuseReason::same_node,
                  "both ends have the same node id: the peer address leads back to this node, or a "
                  "state directory was copied (remove its node id on one of them)",
                  now);
  if (core.config.peer_node && frame.node != *core.config.peer_node)
    return refuse(RefuseReason::wrong_node, "the peer has another node id than the one expected",
                  now);
  if (frame.scopes.size() > kScopesMax || frame.schemas.size() > kDatabasesMax)
    return refuse(RefuseReason::limit, "more scopes or databases than this node can handle", now);
  protocol = agreed;
  core.send(Accept{agreed}, now);
  if (accepted) come_up(now);
}

void ReplicationSession::State::on(const Accept& frame, TimePoint now) {
  if (accepted || state == SessionState::up)
    return core.fail(Reason::out_of_order, "a second Accept");
  if (!peer) return core.fail(Reason::out_of_order, "Accept before Open");
  if (frame.protocol != protocol)
    return core.fail(Reason::out_of_order, "Accept names another protocol than agreed");
  accepted = true;
  come_up(now);
}

void ReplicationSession::State::on(const Refuse& frame, TimePoint now) {
  if (state == SessionState::up) return core.fail(Reason::out_of_order, "Refuse after Accept");
  shut(Reason::refused_by_peer, frame.text, false, now);
}

void ReplicationSession::State::come_up(TimePoint now) {
  state = SessionState::up;
  core.up = true;
  ++sessions;
  core.effects.push(SessionUp{*peer, protocol});
  for (auto& [id, scope] : scopes) {
    scope->sender.on_session_begin();
    if (!scope->taking) announce(*scope, now);
  }
}

// ---- scopes ----

SessionScope* ReplicationSession::State::find(ScopeId id) {
  const auto found = scopes.find(id);
  if (found != scopes.end()) return found->second.get();
  if (removed.contains(id))
    core.count(Reason::stale_sync);
  else
    core.fail(Reason::unknown_scope, "a frame for scope " + std::to_string(id.value()) +
                                         ", which this node does not have");
  return nullptr;
}

void ReplicationSession::State::on(const ScopeState& frame, TimePoint now) {
  auto known = peer_scopes.find(frame.scope);
  if (known == peer_scopes.end()) {
    if (peer_scopes.size() >= kScopesMax) return core.fail(Reason::limit, "too many scopes");
    known = peer_scopes.emplace(frame.scope, PeerScopeState{frame}).first;
  } else {
    if (frame.generation <= known->second.state.generation)
      return core.fail(Reason::out_of_order, "a scope state older than the one before");
    known->second = PeerScopeState{frame};
  }
  core.effects.push(PeerScope{frame});
  const auto mine = scopes.find(frame.scope);
  if (mine == scopes.end()) return;
  SessionScope& scope = *mine->second;
  if (scope.sender.active()) scope.sender.stop();
  try_start(scope, now);
  if (scope.master() || scope.taking) return;
  const bool told_another = scope.teller.active();
  scope.teller.stop();
  if (tell(scope, now)) return;
  if (told_another) return announce(scope, now);
  if (frame.role != Role::master) {
    // No longer master: whoever is next needs to know where we are now.
    if (scope.receiver.in_sync()) announce(scope, now);
  } else if (!scope.receiver.in_sync() && !scope.announced && frame.term >= scope.posture.term) {
    announce(scope, now);
  }
}

SessionScope* ReplicationSession::State::data_scope(ScopeId id, const Term& term,
                                                    std::uint32_t sync) {
  SessionScope* scope = find(id);
  if (scope == nullptr) return nullptr;
  const auto said = peer_scopes.find(id);
  if (said == peer_scopes.end()) {
    core.fail(Reason::out_of_order, "records before a scope state");
    return nullptr;
  }
  if (said->second.state.role != Role::master) {
    core.fail(Reason::wrong_direction, "records from a peer that is not master of the scope");
    return nullptr;
  }
  if (term != said->second.state.term) {
    core.fail(Reason::out_of_order, "records of another term than announced");
    return nullptr;
  }
  if (term < scope->posture.term) {
    core.count(Reason::stale_term);
    scope->receiver.leave_sync();
    return nullptr;
  }
  if (scope->master() || scope->taking || sync != scope->generation) {
    core.count(Reason::stale_sync);
    return nullptr;
  }
  return scope;
}

SessionScope* ReplicationSession::State::answer_scope(ScopeId id, std::uint32_t sync) {
  SessionScope* scope = find(id);
  if (scope == nullptr) return nullptr;
  if (!scope->sender.ever_started()) {
    core.fail(Reason::wrong_direction, "an answer to records that were never sent");
    return nullptr;
  }
  const auto said = peer_scopes.find(id);
  const bool fits =
      scope->sender.active() && said != peer_scopes.end() && said->second.state.generation == sync;
  if (!fits) core.count(Reason::stale_sync);
  return fits ? scope : nullptr;
}

void ReplicationSession::State::on(const BulkBegin& frame, TimePoint now) {
  SessionScope* scope = data_scope(frame.scope, frame.term, frame.sync);
  if (scope == nullptr) return;
  scope->announced = false;
  scope->deposed = false;
  scope->receiver.on_begin(frame, now);
}

void ReplicationSession::State::on(BulkRecords&& frame, TimePoint now) {
  if (SessionScope* scope = data_scope(frame.scope, frame.term, frame.sync))
    scope->receiver.on_bulk(std::move(frame), now);
}
void ReplicationSession::State::on(LiveRecords&& frame, TimePoint now) {
  if (SessionScope* scope = data_scope(frame.scope, frame.term, frame.sync))
    scope->receiver.on_live(std::move(frame), now);
}
void ReplicationSession::State::on(const BulkEnd& frame, TimePoint now) {
  if (SessionScope* scope = data_scope(frame.scope, frame.term, frame.sync))
    scope->receiver.on_end(frame, now);
}
void ReplicationSession::State::on(const Ranges& frame, TimePoint now) {
  if (SessionScope* scope = data_scope(frame.scope, frame.term, frame.sync))
    scope->receiver.on_ranges(frame, now);
}
void ReplicationSession::State::on(Repair&& frame, TimePoint now) {
  if (SessionScope* scope = data_scope(frame.scope, frame.term, frame.sync))
    scope->receiver.on_repair(std::move(frame), now);
}

void ReplicationSession::State::on(const Ack& frame, TimePoint now) {
  if (SessionScope* scope = answer_scope(frame.scope, frame.sync)) scope->sender.on_ack(frame, now);
}
void ReplicationSession::State::on(const RangesDiffer& frame, TimePoint now) {
  if (SessionScope* scope = answer_scope(frame.scope, frame.sync))
    scope->sender.on_differ(frame, now);
}
void ReplicationSession::State::on(const Digests& frame, TimePoint now) {
  if (frame.answer) {
    if (SessionScope* scope = answer_scope(frame.scope, frame.sync))
      scope->sender.on_digests(frame, now);
    return;
  }
  const auto said = peer_scopes.find(frame.scope);
  const Term term = said == peer_scopes.end() ? Term{} : said->second.state.term;
  if (SessionScope* scope = data_scope(frame.scope, term, frame.sync))
    scope->receiver.on_digests(frame, now);
}

void ReplicationSession::State::on(const Flow& frame, TimePoint now) {
  if (core.peer_flow == frame.on) return;
  core.peer_flow = frame.on;
  core.effects.push(FlowChanged{frame.on});
  if (!frame.on) pump(now);
}

// ---- planned switchover ----

void ReplicationSession::State::on(const Handover& frame, TimePoint) {
  SessionScope* scope = find(frame.scope);
  if (scope == nullptr) return;
  const auto said = peer_scopes.find(frame.scope);
  if (said == peer_scopes.end() || said->second.state.role != Role::master)
    return core.fail(Reason::wrong_direction, "Handover from a peer that is not master");
  if (scope->master()) return core.count(Reason::stale_handover);
  scope->granted = frame.term;
  core.effects.push(HandoverRequested{frame.scope, frame.term, frame.hello_counter});
}

void ReplicationSession::State::on(const HandoverReady& frame, TimePoint) {
  SessionScope* scope = find(frame.scope);
  if (scope == nullptr) return;
  if (!scope->offered) return core.fail(Reason::out_of_order, "HandoverReady without Handover");
  if (*scope->offered != frame.term) return core.count(Reason::stale_handover);
  core.effects.push(HandoverIsReady{frame.scope, frame.term});
}

void ReplicationSession::State::on(const HandoverDone& frame, TimePoint) {
  SessionScope* scope = find(frame.scope);
  if (scope == nullptr) return;
  if (!scope->granted) return core.fail(Reason::out_of_order, "HandoverDone without Handover");
  if (*scope->granted != frame.term) return core.count(Reason::stale_handover);
  scope->granted = Term{};
  core.effects.push(HandoverIsDone{frame.scope, frame.term, frame.hello_counter});
}

void ReplicationSession::State::on(const HandoverAbort& frame, TimePoint) {
  SessionScope* scope = find(frame.scope);
  if (scope == nullptr) return;
  if (!scope->granted && !scope->offered)
    return core.fail(Reason::out_of_order, "HandoverAbort without Handover");
  if (scope->granted != frame.term && scope->offered != frame.term)
    return core.count(Reason::stale_handover);
  // The term is burnt; a frame about it that is still under way is stale from now on.
  if (scope->granted) scope->granted = Term{};
  if (scope->offered) scope->offered = Term{};
  core.effects.push(HandoverAborted{frame.scope, frame.term});
}

// ---- the rest ----

void ReplicationSession::State::on(const RouteStanding& frame, TimePoint) {
  if (protocol < kProtocolStanding)
    return core.fail(Reason::out_of_order, "RouteStanding was not agreed upon");
  const SessionScope* scope = find(frame.scope);
  if (scope == nullptr) return;
  if (!scope->master()) return core.count(Reason::stale_sync);  // the roles changed under way
  core.effects.push(StandingHeard{frame});
}

void ReplicationSession::State::on(const Keepalive&, TimePoint) {}

void ReplicationSession::State::on(const Bye& frame, TimePoint now) {
  const auto reason =
      static_cast<std::size_t>(frame.reason) < static_cast<std::size_t>(Reason::count_)
          ? frame.reason
          : Reason::none;
  if (reason == Reason::leaving) return shut(Reason::peer_left, frame.text, false, now);
  shut(Reason::leaving,
       "the peer closed: " + std::string(name_of(reason)) +
           (frame.text.empty() ? "" : ", " + frame.text),
       false, now);
}

}  // namespace hotpair::rbs::session
