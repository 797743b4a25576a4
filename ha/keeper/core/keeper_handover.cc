#include "ha/keeper/core/keeper.h"

// The planned change of master, design section 8. 200 ms timers are the daemons'; what is here
// holds without a daemon: an offer ends by itself, a commit after its end is refused, the new side
// obeys.
namespace hotpair::ha::keeper {

void Keeper::handle(const HandoverOffer& message, TimePoint now) {
  Scope* scope = find_known(message.scope);
  const Session* session = scope == nullptr ? nullptr : session_of(*scope);
  const bool possible = session != nullptr && session->machine.peer_heard() &&
                        scope->role == Role::master && scope->gate == Gate::leased &&
                        scope->burnt != message.term && scope->term < message.term;
  if (possible) {
    scope->offered = message.term;
    scope->offer_ends = now + kHandoverOfferMax;
  }
  tell(HandoverOffered{message.scope, message.term, counter_.last(), possible});
}

void Keeper::end_offer(Scope& scope) {
  if (!scope.offered) return;
  tell(HandoverOffered{scope.config.scope, *scope.offered, counter_.last(), false});
  scope.burnt = scope.offered;
  scope.offered.reset();
}

void Keeper::check_offers(TimePoint now) {
  for (auto& [id, scope] : scopes_)
    if (scope.offered && scope.offer_ends <= now) end_offer(scope);
}

void Keeper::handle(const HandoverAbort& message, TimePoint now) {
  Scope* scope = find_known(message.scope);
  if (scope == nullptr || scope->role != Role::master) return;
  end_offer(*scope);
  send_now(*scope, now);
}

void Keeper::handle(const HandoverCommit& message, TimePoint now) {
  Scope* scope = find_known(message.scope);
  if (scope == nullptr) return;
  const bool late = scope->offered && (*scope->offered != message.term || scope->offer_ends <= now);
  const bool ended = scope->burnt == message.term || late;
  if (scope->role != Role::master || message.term <= scope->term || ended) {
    tell_changed(*scope, Cause::none, now);
    return;
  }
  const bool breaks = unlike_systems(*scope);
  if (breaks)
    apply_posture(*scope, GatePosture::closed, now);
  else
    close_after_partner_moved(*scope, now);
  scope->role = Role::backup;
  scope->term = message.term;
  scope->cause = Cause::handover;
  scope->fresh = false;
  scope->handed_over = true;
  scope->offered.reset();
  send_now(*scope, now);
  if (breaks) drop_carrier(*scope, now);
  tell(HandoverCommitted{message.scope, message.term, counter_.last()});
}

void Keeper::handle(const HandoverOpen& message, TimePoint now) {
  Scope* scope = find_known(message.scope);
  const Session* session = scope == nullptr ? nullptr : session_of(*scope);
  if (scope == nullptr) return;
  const etrunk::ScopeReport* report =
      session == nullptr ? nullptr : session->machine.peer_scope(message.scope);
  const bool overtaken = report != nullptr &&
                         session->machine.peer()->counter > message.hello_counter &&
                         !report->offering && !report->handed_over;
  if (session == nullptr || !session->machine.peer_heard() || scope->role == Role::master ||
      message.term <= scope->term || overtaken) {
    tell_changed(*scope, Cause::none, now);
    return;
  }
  scope->opening = message;
  scope->opened_to = session->machine.peer()->session;
  scope->granted = message.term;
  scope->fresh = true;
  if (unlike_systems(*scope))
    scope->speaks_by = now + kOldLinkFalls;
  else if (behind_trunk(*scope))
    scope->admitted_at = scope->admitted_from = now + kPartnerAdmits;
  apply_posture(*scope, GatePosture::leased, now);
  if (!scope->admitted_at) say_opened(*scope, now);
  if (report != nullptr) check_opening(*scope, *report, *session->machine.peer(), now);
}

// Ready is said when the partner has had the time to take frames from this link. They begin when
// the old side's hello says that it has committed, and that side ends when ours says so.
void Keeper::check_admitted(TimePoint now) {
  for (auto& [id, scope] : scopes_) {
    if (!scope.admitted_at || now < scope.admitted_from) continue;
    const TimePoint latest = scope.admitted_from + (kPartnerAdmitsMax - kPartnerAdmits);
    if (now < latest && !partner_collects(scope)) {
      scope.admitted_at = latest;
      continue;
    }
    scope.admitted_at.reset();
    if (scope.opening) say_opened(scope, now);
  }
}

// The daemons' way to the old side is a detour: both gates are open while it lasts.
void Keeper::say_opened(Scope& scope, TimePoint now) {
  tell(HandoverOpened{scope.config.scope, Term(scope.opening->term)});
  send_now(scope, now);
}

std::uint16_t Keeper::mark_of_opened(const Scope& scope) {
  const bool ready = scope.opening && !scope.admitted_at;
  return ready ? etrunk::offer_mark(scope.opening->term) : std::uint16_t{0};
}

void Keeper::check_offer(Scope& scope, const etrunk::ScopeReport& report, TimePoint now) {
  if (!scope.offered || report.opened == 0 || report.opened != etrunk::offer_mark(*scope.offered))
    return;
  handle(HandoverCommit{scope.config.scope, Term(*scope.offered)}, now);
}

void Keeper::end_opening(Scope& scope) {
  scope.opening.reset();
  scope.admitted_at.reset();
}

void Keeper::handle(const HandoverConfirm& message, TimePoint now) {
  Scope* scope = find_known(message.scope);
  if (scope == nullptr) return;
  const bool ours =
      scope->granted == message.term && scope->role != Role::master && scope->term <= message.term;
  if (ours) become_master(*scope, message.term, Cause::handover, now);
}

void Keeper::handle(const HandoverRevoke& message, TimePoint now) {
  Scope* scope = find_known(message.scope);
  if (scope != nullptr && scope->opening && scope->opening->term == message.term)
    revoke(*scope, now);
}

void Keeper::revoke(Scope& scope, TimePoint now) {
  end_opening(scope);
  scope.fresh = false;
  apply_posture(scope, GatePosture::closed, now);
  tell_changed(scope, Cause::handover, now);
}

// Any hello of the old side that is newer than the one named in the handover decides.
void Keeper::check_opening(Scope& scope, const etrunk::ScopeReport& report, const Hello& hello,
                           TimePoint now) {
  if (report.handed_over && scope.granted == report.term && scope.role != Role::master) {
    if (scope.term <= report.term) become_master(scope, report.term, Cause::handover, now);
    return;
  }
  // A keeper that took the place of the one that offered counts its hellos anew and knows of none.
  const bool older = hello.session == scope.opened_to && scope.opening &&
                     hello.counter <= scope.opening->hello_counter;
  if (!scope.opening || older || report.offering) return;
  revoke(scope, now);
}

}  // namespace hotpair::ha::keeper
