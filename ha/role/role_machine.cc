#include "ha/role/role_machine.h"

#include <algorithm>
#include <tuple>

namespace hotpair::ha::role {
namespace {

/// How far ahead of use counters are reserved, so that arming rarely waits for the disk.
constexpr std::uint64_t kReserveAhead = 64;

/// How long after a planned handover that came to nothing the next one is tried.
constexpr Duration kRevertRetry = std::chrono::seconds(10);

using etrunk::PriorityOrder;

std::vector<Cause> causes_for(bool complete) {
  if (!complete) return {Cause::paths_down};
  return {Cause::paths_down, Cause::peer_access_lost, Cause::peer_control_dead,
          Cause::peer_leaving};
}

}  // namespace

RoleMachine::RoleMachine(const RoleConfig& config, TimePoint now) : config_(config) {
  static_cast<void>(now);
}

void RoleMachine::configure(const RoleConfig& config, TimePoint now) {
  if (config == config_) return;
  config_ = config;
  if (config_.lowered) revert_at_.reset();
  note_conflict();
  decide(now);
}

void RoleMachine::on_reserved(std::uint64_t counter, TimePoint now) {
  if (!reserved_known_) largest_ = std::max(largest_, counter);
  reserved_known_ = true;
  reserved_ = std::max(reserved_, counter);
  decide(now);
}

void RoleMachine::on_keeper(const std::optional<keeper::ScopeState>& state, TimePoint now) {
  keeper_ = true;
  told_.reset();
  armed_.reset();
  if (state) {
    see(state->term);
    settle(state->role, state->term, state->cause, true);
  }
  // A new keeper knows nothing and is told; it keeps a running lease and renews none before it has
  // heard the peer.
  report();
  decide(now);
}

void RoleMachine::on_keeper_lost() {
  keeper_ = false;
  told_.reset();
  armed_.reset();
  peer_heard_ = false;
  peer_lost_ = false;
  alone_ = false;
  // The next keeper says that it hears the peer before it passes on what it heard.
  peer_stale_ = peer_.has_value();
  revert_at_.reset();
}

void RoleMachine::on_scope_changed(const keeper::ScopeChanged& change, TimePoint now) {
  see(change.state.term);
  if (change.state.role == Role::master || !change.state.armed) armed_.reset();
  told_.reset();
  // A keeper that knew a newer term refused our word, not our role.
  const bool only_term =
      change.cause == Cause::none && role_ != Role::master && change.state.role != Role::master;
  settle(only_term ? role_ : change.state.role, change.state.term, change.cause);
  // The keeper heard a living peer: what was known of its silence is over.
  if (change.cause == Cause::larger_term) peer_lost_ = alone_ = false;
  // What was obeyed stands in a hello that the keeper passes on next; the one known here is older.
  peer_stale_ = peer_stale_ || change.cause == Cause::larger_term;
  decide(now);
}

void RoleMachine::on_peer_hello(const etrunk::Hello& hello, TimePoint now) {
  peer_ = hello;
  peer_stale_ = false;
  peer_heard_ = true;
  peer_lost_ = false;
  alone_ = false;
  for (const etrunk::ScopeReport& report : hello.scopes)
    if (report.scope == config_.scope) see(report.term);
  note_conflict();
  decide(now);
}

void RoleMachine::note_conflict() {
  if (order_conflict() == conflict_) return;
  conflict_ = !conflict_;
  effects_.push(ConventionConflict{config_.scope, conflict_});
}

void RoleMachine::on_peer_heard(bool heard, TimePoint now) {
  peer_heard_ = heard && peer_.has_value();
  peer_lost_ = !heard;
  if (!heard) {
    revert_at_.reset();
    peer_complete_ = false;
  }
  decide(now);
}

void RoleMachine::on_alone(TimePoint now) {
  alone_ = true;
  peer_heard_ = false;
  decide(now);
}

void RoleMachine::on_complete(bool complete, TimePoint now) {
  if (complete_ == complete) return;
  complete_ = complete;
  decide(now);
  report();
}

void RoleMachine::on_peer_complete(bool complete, TimePoint now) {
  peer_complete_ = complete;
  plan_revert(now);
}

void RoleMachine::on_timeout(TimePoint now) {
  if (!revert_at_ || now < *revert_at_) return;
  // A handover that comes to nothing is tried again.
  revert_at_ =
      now + (config_.lowered ? kRevertRetry : std::max(config_.revert_delay, kRevertRetry));
  effects_.push(RevertWanted{config_.scope});
}

const etrunk::ScopeReport* RoleMachine::peer_report() const {
  if (!peer_) return nullptr;
  for (const etrunk::ScopeReport& report : peer_->scopes)
    if (report.scope == config_.scope) return &report;
  return nullptr;
}

bool RoleMachine::order_conflict() const { return peer_ && peer_->order != config_.order; }

std::optional<bool> RoleMachine::better_than_peer() const {
  if (!peer_) return std::nullopt;
  const PriorityOrder order = order_conflict() ? PriorityOrder::larger : config_.order;
  const int own = order == PriorityOrder::larger ? -config_.rank : config_.rank;
  const int other = order == PriorityOrder::larger ? -peer_->rank : peer_->rank;
  return std::tie(own, config_.system_id, config_.source, config_.node) <
         std::tie(other, peer_->system_id, peer_->source, peer_->node);
}

std::optional<Term> RoleMachine::next_term() const {
  if (largest_ + 1 > reserved_) return std::nullopt;
  return Term{largest_ + 1, config_.node};
}

void RoleMachine::burn(const Term& term, TimePoint now) {
  see(term);
  decide(now);
}

void RoleMachine::see(const Term& term) { largest_ = std::max(largest_, term.counter); }

void RoleMachine::decide(TimePoint now) {
  if (!ready()) return;
  // Keep a stock of reserved counters: a takeover must not wait for the disk.
  if (largest_ + kReserveAhead / 2 > reserved_ && asked_ < largest_ + kReserveAhead) {
    asked_ = largest_ + kReserveAhead;
    effects_.push(ReserveTerm{config_.scope, asked_});
  }
  const etrunk::ScopeReport* report = peer_heard_ ? peer_report() : nullptr;
  if (role_ == Role::master) {
    plan_revert(now);
    return;
  }
  revert_at_.reset();
  if (report != nullptr && report->role == Role::master && !report->handed_over) {
    if (role_ == Role::init || term_ != report->term)
      become(Role::backup, report->term, Cause::election);
    arm();
    return;
  }
  if (peer_heard_) {
    decide_without_master();
    return;
  }
  // An armed plan is the keeper's to execute: its word comes before, or answers the arming.
  const auto term = next_term();
  if (!term || armed_) return;
  if (alone_) become(Role::master, *term, Cause::alone);
  if (peer_lost_ && role_ == Role::backup) become(Role::master, *term, Cause::paths_down);
}

void RoleMachine::decide_without_master() {
  const etrunk::ScopeReport* report = peer_report();
  const bool leaving = peer_->control == etrunk::ControlState::leaving;
  if (peer_stale_) return;
  if (report == nullptr && !leaving) return;  // its configuration may still be on the way
  const auto term = next_term();
  if (leaving) {
    if (term) become(Role::master, *term, Cause::peer_leaving);
    return;
  }
  if (report->handed_over) {
    // Given to us; had the keeper still known of the handover, it would have spoken before.
    if (report->term.node == config_.node && term) become(Role::master, *term, Cause::handover);
    return;
  }
  const bool win = complete_ != report->complete ? complete_ : better_than_peer().value_or(false);
  if (win) {
    if (term) become(Role::master, *term, Cause::election);
  } else if (role_ == Role::init) {
    become(Role::backup, Term{}, Cause::election);
  }
}

void RoleMachine::become(Role role, const Term& term, Cause cause) {
  see(term);
  if (role == Role::master) armed_.reset();
  settle(role, term, cause);
}

void RoleMachine::settle(Role role, const Term& term, Cause cause, bool kept) {
  const Role from = role_;
  const bool changed = role_ != role || term_ != term;
  role_ = role;
  term_ = term;
  if (role == Role::master) complete_ = true;
  if (from == Role::master && role != Role::master) complete_ = false;
  if (changed) {
    // A newer term of the same role is no new reason for it.
    if (cause != Cause::none || from != role) cause_ = cause;
    effects_.push(RoleChanged{config_.scope, from, role, term, cause, kept && from != role});
  }
  report();
}

void RoleMachine::report() {
  if (!keeper_) return;
  const keeper::SetScope wish{
      .scope = config_.scope,
      .role = role_,
      .term = term_,
      .posture = role_ == Role::master ? keeper::GatePosture::leased : keeper::GatePosture::closed,
      .complete = complete_,
      .cause = cause_};
  if (told_ == wish) return;
  told_ = wish;
  effects_.push(ToKeeper{wish});
}

void RoleMachine::arm() {
  const etrunk::ScopeReport* report = peer_report();
  const auto term = next_term();
  if (report == nullptr || !term || role_ != Role::backup) return;
  const keeper::ArmedPlan plan{config_.scope, report->term, *term, causes_for(complete_)};
  if (armed_ == plan) return;
  armed_ = plan;
  effects_.push(ToKeeper{keeper::Arm{plan}});
}

void RoleMachine::plan_revert(TimePoint now) {
  const etrunk::ScopeReport* report = peer_heard_ ? peer_report() : nullptr;
  const bool wanted = role_ == Role::master && report != nullptr && report->role == Role::backup &&
                      report->complete && peer_complete_ && report->access_up &&
                      peer_->control == etrunk::ControlState::running &&
                      !better_than_peer().value_or(true);
  if (!wanted) {
    revert_at_.reset();
  } else if (!revert_at_) {
    revert_at_ = config_.lowered ? now : now + config_.revert_delay;
  }
}

}  // namespace hotpair::ha::role
