#include <algorithm>

#include "ha/keeper/core/keeper.h"

// What a hello changes, and when an armed plan is executed. Design sections 4 and 7.
namespace hotpair::ha::keeper {

void Keeper::obey(EtrunkId id, const Hello& hello, TimePoint now) {
  for (const etrunk::ScopeReport& report : hello.scopes) {
    Scope* scope = find_known(report.scope);
    if (scope != nullptr && scope->config.etrunk == id) obey_scope(*scope, report, hello, now);
  }
}

void Keeper::obey_scope(Scope& scope, const etrunk::ScopeReport& report, const Hello& hello,
                        TimePoint now) {
  check_opening(scope, report, hello, now);
  check_offer(scope, report, now);
  if (scope.term < report.term) {
    if (scope.role == Role::master || scope.gate != Gate::closed) {
      give_way(scope, report.term, now);
    } else {
      scope.term = report.term;
    }
  }
  if (scope.plan && (scope.plan->against != report.term || scope.plan->term <= scope.term))
    scope.plan.reset();
  if (scope.handed_over && report.role == Role::master && scope.term <= report.term) {
    scope.handed_over = false;
    end_old_link(scope);
  }
}

void Keeper::give_way(Scope& scope, Term term, TimePoint now) {
  apply_posture(scope, GatePosture::closed, now);
  scope.role = Role::backup;
  scope.term = term;
  scope.cause = Cause::larger_term;
  scope.fresh = false;
  scope.plan.reset();
  end_opening(scope);
  scope.handed_over = false;
  scope.old_link = false;
  end_offer(scope);
  tell_changed(scope, Cause::larger_term, now);
}

void Keeper::become_master(Scope& scope, Term term, Cause cause, TimePoint now) {
  scope.term = term;
  scope.role = Role::master;
  scope.cause = cause;
  scope.fresh = true;
  scope.handed_over = false;
  scope.old_link = false;
  scope.plan.reset();
  end_opening(scope);
  for (auto& [id, trunk] : trunks_) store(trunk, now);
  apply_posture(scope, GatePosture::leased, now);
  if (Session* session = session_of(scope)) session->machine.announce();
  tell_changed(scope, cause, now);
}

void Keeper::decide(TimePoint now) {
  if (leaving_ == Leaving::gone) return;
  for (auto& [id, scope] : scopes_) {
    const Session* session = session_of(scope);
    if (session == nullptr) continue;
    const bool dead = session->machine.peer_dead();
    if (scope.offered && dead) end_offer(scope);
    if (scope.opening) {
      if (dead) become_master(scope, Term(scope.opening->term), Cause::handover, now);
      continue;
    }
    if (!scope.plan) continue;
    const Cause cause = trigger(scope, now);
    if (cause != Cause::none) become_master(scope, Term(scope.plan->term), cause, now);
  }
}

// A peer whose last word was that it does not hear us counted us as dead: its lease may be the long
// one. Nobody takes over before that is over.
TimePoint Keeper::lease_of_peer_over(const etrunk::EtrunkSession& machine) const {
  const auto counted_dead = machine.counted_dead_at();
  if (!counted_dead) return {};
  return *counted_dead + dead_span(machine) +
         std::chrono::milliseconds(machine.peer()->interval_ms);
}

Cause Keeper::trigger(const Scope& scope, TimePoint now) const {
  const etrunk::EtrunkSession& machine = session_of(scope)->machine;
  const auto allowed = [&](Cause cause) {
    const auto& causes = scope.plan->causes;
    return std::find(causes.begin(), causes.end(), cause) != causes.end();
  };
  if (machine.peer_dead()) {
    const Cause cause = machine.ever_heard() ? Cause::paths_down : Cause::alone;
    if (now < lease_of_peer_over(machine)) return Cause::none;
    return allowed(cause) ? cause : Cause::none;
  }
  if (!machine.peer_heard()) return Cause::none;
  const Hello& peer = *machine.peer();
  if (peer.control == ControlState::leaving && allowed(Cause::peer_leaving))
    return Cause::peer_leaving;
  const etrunk::ScopeReport* report = machine.peer_scope(scope.config.scope);
  if (report != nullptr && !report->access_up && scope.access_up &&
      allowed(Cause::peer_access_lost)) {
    return Cause::peer_access_lost;
  }
  // It forwards on and closes on our larger term only: not before it hears us.
  if (peer.control == ControlState::dead && peer.paths_up != 0 &&
      control_ == ControlState::running && allowed(Cause::peer_control_dead)) {
    return Cause::peer_control_dead;
  }
  return Cause::none;
}

}  // namespace hotpair::ha::keeper
