#pragma once

#include <optional>

#include "ha/role/role_types.h"
#include "platform/base/effect_queue.h"

namespace hotpair::ha::role {

/// Decides the role of one scope on this node.
///
/// Order of life: the constructor, `on_reserved` with the counter of the last life, `on_keeper`
/// with what a running keeper holds; until both came nothing is decided.
class RoleMachine {
 public:
  RoleMachine(const RoleConfig& config, TimePoint now);

  /// Rank, convention or delay changed, live.
  void configure(const RoleConfig& config, TimePoint now);
  /// Every term counter up to `counter` is reserved on disk (answer to ReserveTerm, or what the
  /// store held at start).
  void on_reserved(std::uint64_t counter, TimePoint now);
  /// The keeper connected and holds this (nullopt: it does not know the scope).
  void on_keeper(const std::optional<keeper::ScopeState>& state, TimePoint now);
  /// The keeper is gone; nothing is decided until it is back.
  void on_keeper_lost();
  /// The keeper acted, or answered a SetScope with a newer truth.
  void on_scope_changed(const keeper::ScopeChanged& change, TimePoint now);
  /// A valid hello of the peer, whenever its content changed.
  void on_peer_hello(const etrunk::Hello& hello, TimePoint now);
  /// The last path to the peer went down, or one is up again.
  void on_peer_heard(bool heard, TimePoint now);
  /// No peer since start for the time the design gives.
  void on_alone(TimePoint now);
  /// Own copy of the scope is complete (backup), or not.
  void on_complete(bool complete, TimePoint now);
  /// The peer's copy is complete (as the replication of a master sees it), or not.
  void on_peer_complete(bool complete, TimePoint now);
  /// Runs the revert delay. A spurious call changes nothing.
  void on_timeout(TimePoint now);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const { return revert_at_; }
  [[nodiscard]] std::optional<Effect> poll_effect() { return effects_.poll(); }

  [[nodiscard]] Role role() const { return role_; }
  /// Own mastership as master; the mastership obeyed as backup.
  [[nodiscard]] const Term& term() const { return term_; }
  [[nodiscard]] Cause cause() const { return cause_; }
  [[nodiscard]] bool peer_heard() const { return peer_heard_; }
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] const std::optional<etrunk::Hello>& peer() const { return peer_; }
  /// The peer's report of this scope in its newest hello.
  [[nodiscard]] const etrunk::ScopeReport* peer_report() const;
  /// Own rank is better than the peer's by the convention in force; nullopt with no peer heard.
  [[nodiscard]] std::optional<bool> better_than_peer() const;
  /// Time left of a running revert delay.
  [[nodiscard]] std::optional<TimePoint> revert_at() const { return revert_at_; }
  /// The next term this node would take; it is reserved.
  [[nodiscard]] std::optional<Term> next_term() const;
  /// For a planned handover: this term is burnt, whatever becomes of it.
  void burn(const Term& term, TimePoint now);

 private:
  void decide(TimePoint now);
  void decide_without_master();
  void become(Role role, const Term& term, Cause cause);
  void settle(Role role, const Term& term, Cause cause, bool kept = false);
  void see(const Term& term);
  void arm();
  void plan_revert(TimePoint now);
  void report();
  [[nodiscard]] bool ready() const { return keeper_ && reserved_known_; }
  void note_conflict();
  [[nodiscard]] bool order_conflict() const;

  RoleConfig config_;
  Role role_ = Role::init;
  Term term_;
  Cause cause_ = Cause::none;
  bool keeper_ = false;
  bool reserved_known_ = false;
  std::uint64_t reserved_ = 0;  ///< largest counter on disk
  std::uint64_t asked_ = 0;     ///< largest counter asked for
  std::uint64_t largest_ = 0;   ///< largest counter used, heard, or reserved in an earlier life
  bool peer_heard_ = false;
  bool peer_lost_ = false;  ///< it was heard and fell silent, as opposed to not yet heard
  bool peer_stale_ = false;
  bool alone_ = false;
  bool complete_ = false;
  bool peer_complete_ = false;
  bool conflict_ = false;
  std::optional<etrunk::Hello> peer_;
  std::optional<keeper::ArmedPlan> armed_;
  std::optional<TimePoint> revert_at_;
  std::optional<keeper::SetScope> told_;  ///< newest SetScope
  EffectQueue<Effect> effects_;
};

}  // namespace hotpair::ha::role
