#include "rbs/session/session_show.h"

#include <algorithm>

#include "rbs/session/session_state.h"

namespace hotpair::rbs::session {

namespace {

std::vector<DatabaseModel> databases_of(const checkpoint::journal::Journal& journal,
                                        DigestState state,
                                        const std::vector<std::uint8_t>& differing) {
  std::vector<DatabaseModel> models;
  for (const DatabaseDigest& one : journal.digests()) {
    const bool differs =
        std::find(differing.begin(), differing.end(), one.database) != differing.end();
    DigestState shown = state;
    if (state == DigestState::different && !differs) shown = DigestState::equal;
    models.push_back({one.database, one.records, shown});
  }
  return models;
}

std::uint64_t behind(Sequence last, Sequence acked) {
  return last > acked ? last.value() - acked.value() : 0;
}

}  // namespace

unsigned bulk_percent(const ScopeModel& scope) {
  if (scope.expected == 0) return 0;
  const double share = static_cast<double>(scope.moved) / static_cast<double>(scope.expected);
  return static_cast<unsigned>(std::min(share * 100, 99.0));
}

ScopeModel ReplicationSession::State::show(const SessionScope& scope, TimePoint now) const {
  const checkpoint::journal::Journal& journal = *scope.journal;
  ScopeModel model;
  model.scope = scope.id;
  model.role = scope.posture.role;
  model.term = scope.posture.term;
  if (const auto said = peer_scopes.find(scope.id); said != peer_scopes.end()) {
    model.peer_has_scope = true;
    model.peer_role = said->second.state.role;
    model.peer_term = said->second.state.term;
  }
  model.last = journal.last();
  model.committed = journal.committed();
  model.store_degraded = journal.degraded() || journal.torn();
  const bool sending = scope.sender.active();
  if (sending) {
    model.direction = Direction::sending;
    model.state = scope.sender.state();
    model.complete = scope.sender.complete();
    model.sent = scope.sender.sent();
    model.acked = scope.sender.acked();
    model.lag_records = behind(model.last, model.acked);
    if (const auto oldest = journal.oldest_unacked()) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - *oldest).count();
      model.lag_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ms));
    }
  } else {
    model.direction = scope.receiver.in_sync() ? Direction::receiving : Direction::none;
    model.state = scope.receiver.state();
    model.complete = scope.receiver.complete();
    model.acked = scope.receiver.acked();
  }
  model.mismatches = scope.sender.mismatches() + scope.receiver.mismatches();
  model.repairs = scope.sender.repairs() + scope.receiver.repairs();
  model.bulks = scope.sender.bulks() + scope.receiver.bulks();
  if (model.state == SyncState::bulk || model.state == SyncState::repair) {
    model.moved = sending ? scope.sender.progress() : scope.receiver.progress();
    model.expected = sending ? scope.sender.expected() : scope.receiver.expected();
  }
  model.digest = sending ? scope.sender.digest_state() : scope.receiver.digest_state();
  model.databases = databases_of(journal, model.digest,
                                 sending ? scope.sender.differing() : scope.receiver.differing());
  model.statistics = journal.statistics();
  return model;
}

bool ReplicationSession::up() const { return state_->core.up; }

SessionModel ReplicationSession::show(TimePoint now) const {
  const State& s = *state_;
  SessionModel model;
  model.state = s.state;
  model.last_reason = s.last_reason;
  model.last_text = s.last_text;
  model.peer = s.last_peer;
  model.config_differs =
      s.state == SessionState::up && s.last_peer.config_digest != s.core.config.config_digest;
  model.peer_flow = s.core.peer_flow;
  model.reading_paused = s.paused;
  model.output_bytes = s.core.output_bytes;
  model.store_bytes = s.core.store_bytes;
  model.store_requests = s.core.store_requests;
  model.sessions = s.sessions;
  model.frames_sent = s.core.frames_sent;
  model.frames_received = s.frames_received;
  model.rejected = s.core.rejected;
  for (const auto& [id, scope] : s.scopes) model.scopes.push_back(s.show(*scope, now));
  return model;
}

std::optional<ScopeModel> ReplicationSession::show(ScopeId id, TimePoint now) const {
  const auto found = state_->scopes.find(id);
  if (found == state_->scopes.end()) return std::nullopt;
  return state_->show(*found->second, now);
}

void ReplicationSession::reset_counters() {
  State& s = *state_;
  s.frames_received = 0;
  s.core.frames_sent = 0;
  s.core.rejected.fill(0);
  for (auto& [id, scope] : s.scopes) scope->journal->reset_statistics();
}

}  // namespace hotpair::rbs::session
