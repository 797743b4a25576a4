#include <algorithm>

#include "ha/keeper/core/keeper.h"

// Gate words and leases, design section 7.
namespace hotpair::ha::keeper {
namespace {

constexpr Duration kLate = std::chrono::milliseconds(1);
// A lease that counts from "now" is not stored again for less.
constexpr Duration kRenewStep = std::chrono::milliseconds(1);
// A timer in time has run by then.
constexpr Duration kNoticed = std::chrono::milliseconds(2);
// What a hello, its way, and the answer to it may take beside the interval of hellos: with the 20
// ms of the shortest interval, and until a silence is noticed, the lease margin.
constexpr Duration kAnswerTime = kLeaseMargin - std::chrono::milliseconds(20) - kNoticed;
constexpr std::uint64_t kAllPaths = ~std::uint64_t{0};

std::uint64_t word_of(TimePoint end) {
  const auto ns = end.time_since_epoch().count();
  return ns > 0 ? static_cast<std::uint64_t>(ns) : kGateClosed;
}

TimePoint end_of(std::uint64_t word) {
  return TimePoint(Duration(static_cast<Duration::rep>(word)));
}

}  // namespace

void Keeper::store(Scope& scope, std::uint64_t word) {
  if (scope.stored && scope.word == word) return;
  scope.word = word;
  scope.stored = true;
  effects_.push(StoreGate{scope.config.gate_slot, word});
}

void Keeper::apply_posture(Scope& scope, GatePosture posture, TimePoint now) {
  scope.posture = posture;
  switch (posture) {
    case GatePosture::closed:
      // Handed over behind a trunk: closed with a last lease (close_after_partner_moved).
      if (scope.gate == Gate::closed && end_of(scope.word) > now) break;
      scope.gate = Gate::closed;
      store(scope, kGateClosed);
      break;
    case GatePosture::open:
      scope.gate = Gate::open;
      store(scope, kGateOpen);
      break;
    case GatePosture::leased:
      if (scope.gate != Gate::closed && scope.gate != Gate::open) break;
      if (is_unacquainted(scope))
        await_peer(scope, now);
      else
        open_leased(scope, now);
      break;
  }
}

// Neither heard the peer nor waited long enough to call it absent: this keeper took the place of
// another one, and what the peer did meanwhile is unknown.
bool Keeper::is_unacquainted(const Scope& scope) const {
  const Session* session = session_of(scope);
  return session != nullptr && !session->machine.ever_heard() && !session->machine.absent();
}

// A former keeper's lease goes on as it was found; ours begins with a hello, or after the silence.
void Keeper::await_peer(Scope& scope, TimePoint now) {
  scope.gate = Gate::expired;
  scope.drained = true;
  scope.may_reopen = false;
  scope.silence_from = now;
}

// A term that no hello has carried yet cannot have a plan against it: it is safe for as long as the
// peer would need to notice our silence after the first hello.
void Keeper::open_leased(Scope& scope, TimePoint now) {
  TimePoint end = lease_end(scope, now);
  const Session* session = session_of(scope);
  if (scope.fresh && session != nullptr)
    end = std::max(end, now + session->machine.patience_asked() + kLeaseMargin);
  if (end > now) {
    scope.gate = Gate::leased;
    store(scope, word_of(end));
    return;
  }
  scope.gate = Gate::expired;
  store(scope, kGateClosed);
  scope.drained = true;
  scope.may_reopen = true;
  scope.silence_from = now;
}

Duration Keeper::dead_span(const etrunk::EtrunkSession& session) const {
  return std::max(session.config().timeout(), grace());
}

// A hello that was lost does not make the peer patient: what counts is the newest one that it has
// echoed. That proof ages between its hellos. Only while it is as fresh as it can be, its death
// must not close the gate before we know of it; so the lease lasts until then at least.
TimePoint Keeper::proven_lease_end(const Session& session, TimePoint now) {
  const auto& proof = session.sent.proof();
  const auto heard = session.machine.last_heard();
  if (!proof || !heard) return now;
  const TimePoint end = proof->sent + proof->timeout + kLeaseMargin;
  // At the pace of detectors the margin holds the gate until their silence is noticed.
  const bool fast = proof->timeout < session.machine.config().timeout();
  if (fast || !session.machine.peer_heard()) return end;
  const Duration interval = std::chrono::milliseconds(session.machine.config().hello_ms);
  if (*heard - proof->sent > interval + kAnswerTime) return end;
  return std::max(end, *heard + session.machine.detection_time() + kNoticed);
}

// Until when the gate may stay open as things are; not after `now` when it may not.
TimePoint Keeper::lease_end(const Scope& scope, TimePoint now) const {
  const Session* session = session_of(scope);
  if (session == nullptr) return now + grace();
  const etrunk::EtrunkSession& machine = session->machine;
  if (machine.peer_heard()) {
    const auto given_up = machine.peer_gives_up(machine.peer()->paths_up);
    return given_up ? std::min(*given_up + kLeaseMargin, proven_lease_end(*session, now)) : now;
  }
  // Nothing comes on any path, but its newest hello allows more silence than that, or its BFD says
  // that it lives: it takes over when the patience is over that it has promised.
  if (machine.peer() && !machine.peer_dead()) return proven_lease_end(*session, now);
  // The peer is silent. If it may have heard us lately, it may also count on us.
  if (!machine.peer_dead() || machine.contacted(now)) {
    const auto given_up = machine.peer_gives_up(kAllPaths);
    if (given_up && *given_up + kLeaseMargin > now) return *given_up + kLeaseMargin;
  }
  return now + dead_span(machine);
}

void Keeper::check_leases(TimePoint now) {
  for (auto& [id, scope] : scopes_) {
    if (scope.gate != Gate::leased || end_of(scope.word) > now) continue;
    // Late: this process did not run, and what the peer said meanwhile may be lost. In time: the
    // silence until now was a real one.
    const bool late = now - end_of(scope.word) > kLate;
    scope.gate = Gate::expired;
    store(scope, kGateClosed);
    scope.drained = false;
    scope.may_reopen = false;
    scope.silence_from.reset();
    const Session* session = session_of(scope);
    if (!late) scope.silence_from = now;
    if (!late && session != nullptr && session->machine.last_heard())
      scope.silence_from = session->machine.last_heard();
    request_drain();
    tell(GateChanged{id, false, Cause::lease_expired});
  }
}

Duration Keeper::silence_needed(const Scope& scope) const {
  const Session* session = session_of(scope);
  if (session == nullptr) return grace();
  const etrunk::EtrunkSession& machine = session->machine;
  return machine.ever_heard() ? machine.detection_time() : dead_span(machine);
}

void Keeper::check_silence(TimePoint now) {
  for (auto& [id, scope] : scopes_) {
    if (scope.gate != Gate::expired || !scope.drained || scope.may_reopen) continue;
    const Session* session = session_of(scope);
    const auto heard = session == nullptr ? std::nullopt : session->machine.last_heard();
    const TimePoint from = std::max(scope.silence_from.value_or(now), heard.value_or(TimePoint{}));
    scope.silence_from = from;
    if (from + silence_needed(scope) <= now) scope.may_reopen = true;
  }
}

// A valid hello came in that showed no larger term (that would have closed the scope for good).
void Keeper::allow_reopen(EtrunkId id) {
  bool any = false;
  for (auto& [scope_id, scope] : scopes_) {
    if (scope.config.etrunk != id || scope.gate != Gate::expired || !scope.drained) continue;
    any = any || !scope.may_reopen;
    scope.may_reopen = true;
  }
  if (any) sessions_.at(id).machine.announce();  // a lease counts from a send
}

// A peer that was counted as dead is back and has echoed nothing yet: from its return on it is as
// patient as with any master, so the long lease must not outlive this keeper. A usual one runs out.
void Keeper::shorten_long_lease(Scope& scope, TimePoint now) {
  const Session* session = session_of(scope);
  if (scope.gate != Gate::leased || session == nullptr || !session->machine.peer_heard()) return;
  const TimePoint end = now + session->machine.patience_asked() + kLeaseMargin;
  if (end < end_of(scope.word)) store(scope, word_of(end));
}

void Keeper::renew_leases(TimePoint now) {
  for (auto& [id, scope] : scopes_) {
    const bool reopen = scope.gate == Gate::expired && scope.may_reopen;
    if (scope.gate != Gate::leased && !reopen) continue;
    TimePoint end = lease_end(scope, now);
    if (end <= now) {
      shorten_long_lease(scope, now);
      continue;
    }
    if (reopen) {
      scope.gate = Gate::leased;
      store(scope, word_of(end));
      tell(GateChanged{id, true, Cause::none});
      continue;
    }
    const TimePoint held = end_of(scope.word);
    if (scope.fresh) end = std::max(end, held);
    if (end < held || end - held >= kRenewStep) store(scope, word_of(end));
  }
}

}  // namespace hotpair::ha::keeper
