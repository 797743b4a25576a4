#include <utility>

#include "rbs/session/session_state.h"

/// After a split: what only the deposed line has is told to the master first.
namespace hotpair::rbs::session {

namespace {

constexpr std::uint32_t kNoSlice = UINT32_MAX;

bool within_limits(const Diverged& frame) {
  for (const Record& record : frame.records) {
    if (record.key.key.size() > checkpoint::kKeyBytesMax ||
        record.key.key.size() + record.value.bytes.size() > checkpoint::kRecordBytesMax)
      return false;
  }
  return frame.records.size() <= kRecordsMax;
}

}  // namespace

// ---- as the end whose line ended ----

bool ReplicationSession::State::tell(SessionScope& scope, TimePoint now) {
  const auto said = peer_scopes.find(scope.id);
  if (!core.up || protocol < kProtocolUnion || scope.master() || scope.taking ||
      said == peer_scopes.end())
    return false;
  PeerScopeState& master = said->second;
  if (master.judged || master.state.role != Role::master ||
      master.state.term < scope.posture.term || scope.journal->torn())
    return false;
  master.judged = true;
  if (!scope.teller.start(master.state, scope.generation + 1, scope.deposed, *scope.journal, now))
    return false;
  // A synchronisation that was begun for what we said before is left.
  ++scope.generation;
  scope.receiver.leave_sync();
  scope.announced = true;
  return true;
}

void ReplicationSession::State::on(const DivergedTaken& frame, TimePoint now) {
  if (SessionScope* scope = find(frame.scope)) scope->teller.on_taken(frame, now);
}

// ---- as master ----

void ReplicationSession::State::on(Diverged&& frame, TimePoint) {
  if (protocol < kProtocolUnion)
    return core.fail(Reason::out_of_order, "Diverged was not agreed upon");
  SessionScope* scope = find(frame.scope);
  if (scope == nullptr) return;
  if (!within_limits(frame))
    return core.fail(Reason::limit, "a record over its size limit, or too many");
  if (!scope->master() || scope->taking) return core.count(Reason::stale_sync);
  if (frame.term != scope->posture.term) return core.count(Reason::stale_term);
  ToldByPeer& heard = scope->heard;
  if (frame.slice == 0) {
    heard.sync = frame.sync;
    heard.next = 0;
    heard.again = heard.epoch != Epoch{} && frame.epoch == heard.epoch && frame.last == heard.last;
  }
  // The begin of this telling was dropped since we were not master yet, or it ended.
  if (frame.sync != heard.sync || frame.slice != heard.next) return core.count(Reason::stale_sync);
  heard.next = frame.done ? kNoSlice : frame.slice + 1;
  heard.answer = frame.slice;
  if (frame.done) {
    heard.epoch = frame.epoch;
    heard.last = frame.last;
  }
  // Its memberships had their time to be confirmed: they must not live on by being told again.
  if (!heard.again) core.effects.push(DivergedHeard{std::move(frame)});
}

// ---- after every input ----

void ReplicationSession::State::settle_union(SessionScope& scope, TimePoint now) {
  if (scope.teller.take_finished()) {
    core.effects.push(DivergedTold{scope.id, scope.posture.term, scope.teller.told()});
    announce(scope, now);  // the BulkBegin that answers it says that all of this arrived
  }
  if (!scope.heard.answer || !core.up) return;
  const checkpoint::journal::Journal& journal = *scope.journal;
  const bool behind = !journal.degraded() &&
                      journal.last().value() - journal.committed().value() > core.config.told_lag;
  if (behind) return;
  core.send(DivergedTaken{scope.id, scope.heard.sync, *scope.heard.answer}, now);
  scope.heard.answer.reset();
}

}  // namespace hotpair::rbs::session
