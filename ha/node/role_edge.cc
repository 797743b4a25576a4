#include <algorithm>
#include <type_traits>
#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

namespace hotpair::ha::node {
namespace {

constexpr Duration kDigestWait = std::chrono::seconds(3);
constexpr Duration kLeaveWait = std::chrono::seconds(8);
constexpr Duration kGoodbyeWait = std::chrono::milliseconds(100);

}  // namespace

bool Node::pump_role(Scope& scope, TimePoint now) {
  bool progress = false;
  while (auto effect = scope.role.poll_effect()) {
    progress = true;
    if (scope.id == kWholeNode) continue;
    if (const auto* to_keeper = std::get_if<role::ToKeeper>(&*effect)) {
      std::visit([&](const auto& message) { effects_.push(SendToKeeper{message}); }, *to_keeper);
      effects_.push(SendToKeeper{keeper::AskStatus{}});  // displays show what holds from here on
    } else if (const auto* reserve = std::get_if<role::ReserveTerm>(&*effect)) {
      const checkpoint::RequestId id = ids_.next();
      reservations_[id] = reserve->counter;
      own_requests_[id] = scope.id;
      effects_.push(AskStore{{id, checkpoint::ReserveTerm{scope.id, reserve->counter}}});
    } else if (const auto* changed = std::get_if<role::RoleChanged>(&*effect)) {
      on_role_changed(scope, *changed, now);
    } else if (std::holds_alternative<role::RevertWanted>(*effect)) {
      if (const auto begun = begin_handover(scope, now, false); !begun)
        log(kHandoverEnded, scope.id.value(), "-", "was not begun: " + begun.error().detail);
    } else if (const auto* conflict = std::get_if<role::ConventionConflict>(&*effect)) {
      const std::string subject = "scope " + std::to_string(scope.id.value());
      if (conflict->raised)
        raise(kConventionConflict, subject, now, scope.id.value());
      else
        clear(kConventionConflict, subject);
    }
  }
  return progress;
}

void Node::on_role_changed(Scope& scope, const role::RoleChanged& change, TimePoint now) {
  if (change.from != change.role)
    log(kRoleChanged, scope.id.value(), switchover::to_string(change.from),
        switchover::to_string(change.role), to_string(change.term),
        switchover::to_string(change.cause) + (change.kept ? ", kept by the keeper" : ""));
  scope.take_at.reset();
  if (change.from != change.role) forget_standing(scope);
  if (change.role != role::Role::master) {
    // With addresses of its own it says goodbye where it hands over, and only there: with those of
    // the pair neighbours would drop what the new master is about to need.
    const bool goodbye = change.cause == keeper::Cause::handover && scope.id != kFloatingPair;
    deactivate(scope, now, goodbye ? mcast::pim::Leaving::goodbye : mcast::pim::Leaving::silently);
    if (scope.life == Scope::Life::ready) attach_session(scope, now);
    if (change.from != change.role) begin_story(scope, change, now);
    scope.tail_in = false;
    return;
  }
  if (change.from != role::Role::master) begin_story(scope, change, now);
  if (change.cause == keeper::Cause::handover && !change.kept && !scope.tail_in)
    scope.take_at = now + kTailWait;
  else
    take(scope, now);
  scope.tail_in = false;
}

/// The journal's term rises, then the engines become active: at once, or when the session says that
/// what was read under the old term is in. A scope that is still being restored is taken at its
/// end.
void Node::take(Scope& scope, TimePoint now) {
  scope.take_at.reset();
  if (scope.life != Scope::Life::ready) return;
  if (Service* service = service_of(scope)) {
    service->session->set_scope(scope.id, {rbs::session::Role::master, scope.role.term()},
                                scope.journal, now);
    return;
  }
  scope.journal.begin(scope.role.term(), now);
  activate(scope, now);
}

void Node::activate(Scope& scope, TimePoint now) {
  scope.active = true;
  gmp_.activate(scope.id, now);
  set_pim_role(scope, true, mcast::pim::Leaving::silently, now);
  if (scope.id == kFloatingPair) adopt_shared_rps(now);
  mrib_.set_scope_mode(scope.id, mcast::mrib::ScopeMode::active, now);
  phase(scope, "engines active, queries sent", now);
}

void Node::deactivate(Scope& scope, TimePoint now, mcast::pim::Leaving leaving) {
  if (scope.id == kWholeNode) return;
  if (scope.active) {
    if (scope.divergence) end_divergence(scope, now);
    gmp_.deactivate(scope.id, now);
    set_pim_role(scope, false, leaving, now);
    mrib_.set_scope_mode(scope.id, mcast::mrib::ScopeMode::standby, now);
  }
  const bool shared = scope.active && scope.id == kFloatingPair;
  scope.active = false;
  if (shared) leave_shared_rps(now);
  scope.peer_complete = false;
  scope.refill.reset();
  // With a channel the session ends the journal, when it has let the tail go.
  if (scope.journal.writing() && service_of(scope) == nullptr) scope.journal.end();
}

void Node::begin_story(Scope& scope, const role::RoleChanged& change, TimePoint now) {
  switchover::Story story;
  story.scope = scope.id;
  story.at = now;
  story.from = change.from;
  story.to = change.role;
  story.term = change.term;
  story.cause = change.cause;
  story.planned = change.cause == keeper::Cause::handover && !change.kept;
  if (change.kept) story.remark = "kept by the keeper over a restart of the daemon";
  for (const auto& [id, link] : links_)
    if (link.settings.scope == scope.id)
      story.memberships += gmp_.group_count(id, Family::ipv4) + gmp_.group_count(id, Family::ipv6);
  const bool gave = story.planned && change.role == role::Role::backup && scope.done_handover;
  scope.story_began = story.at = gave ? scope.handover_asked : now;
  scope.story = history_.begin(std::move(story));
  scope.awaits_partner = change.role == role::Role::master && change.from == role::Role::backup &&
                         !different_systems(scope).empty();
  if (gave) tell_handover(scope, now);
}

/// The old side's part of a planned switchover.
void Node::tell_handover(Scope& scope, TimePoint now) {
  const switchover::HandoverEnded& told = *scope.done_handover;
  phase(scope, "term offered", told.began);
  if (told.ready) phase(scope, "peer's gate open", *told.ready);
  if (scope.carrier_held) phase(scope, "gate closed, carrier dropped", *scope.carrier_held);
  if (told.committed) phase(scope, "gate closed, committed", *told.committed);
  phase(scope, "engines in standby", now);
  scope.done_handover.reset();
}

void Node::phase(const Scope& scope, const std::string& name, TimePoint at) {
  if (scope.story != 0) history_.add_phase(scope.story, name, at - scope.story_began);
}

// ---- planned ----

/// First the peer's copy is proved equal. With `force` nothing is proved, and what can be waived
/// is.
Result<void> Node::begin_handover(Scope& scope, TimePoint now, bool force) {
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorCode::refused,
                fmt::format("{} cannot be switched over: {}", scope_in_words(scope.id), why));
  };
  if (scope.role.role() != role::Role::master) return refuse("this node is not its master");
  if (const std::string blockers = readiness(scope).blockers(force); !blockers.empty())
    return refuse(blockers);
  scope.handover_asked = now;
  scope.forced = force;
  // The gate that the last one closed must be closed before it opens again, or the bound of two
  // open gates would begin anew while it lasts.
  if (now < scope.both_open_until) {
    scope.begin_at = scope.both_open_until;
    return {};
  }
  if (const auto begun = compare_or_offer(scope, now); !begun) return refuse(begun.error().detail);
  return {};
}

Result<void> Node::compare_or_offer(Scope& scope, TimePoint now) {
  if (scope.forced) {
    offer(scope, now);
    return {};
  }
  const auto asked = service_of(scope)->session->check_digest(scope.id, now);
  if (asked) scope.check_until = now + kDigestWait;
  return asked;
}

void Node::begin_waiting(Scope& scope, TimePoint now) {
  if (!scope.begin_at || *scope.begin_at > now) return;
  scope.begin_at.reset();
  if (scope.role.role() != role::Role::master)
    return fail_handover(scope, "this node is not its master any more", now);
  if (const auto begun = compare_or_offer(scope, now); !begun)
    fail_handover(scope, begun.error().detail, now);
}

/// The peer's copy is equal: offer it the next term.
void Node::offer(Scope& scope, TimePoint now) {
  scope.check_until.reset();
  const auto next = scope.role.next_term();
  if (!next || !scope.role.peer()) {
    fail_handover(scope, "no term is reserved yet", now);
    return;
  }
  if (!scope.handover.begin({next->counter, scope.role.peer()->node}, now))
    fail_handover(scope, "a switchover is under way", now);
}

void Node::fail_handover(Scope& scope, const std::string& why, TimePoint now) {
  static_cast<void>(now);
  scope.begin_at.reset();
  scope.check_until.reset();
  log(kHandoverEnded, scope.id.value(), "-", "was given up: " + why);
  end_ticket(scope, {}, Error{ErrorCode::refused, why});
}

bool Node::pump_handover(Scope& scope, TimePoint now) {
  bool progress = false;
  while (auto effect = scope.handover.poll_effect()) {
    progress = true;
    Service* service = service_of(scope);
    const auto send = [&](const auto& frame) {
      if (service == nullptr) return;
      if (!service->session->send_handover(frame, now)) scope.handover.on_session_lost(now);
    };
    if (const auto* to_keeper = std::get_if<switchover::ToKeeper>(&*effect)) {
      std::visit([&](const auto& message) { effects_.push(SendToKeeper{message}); }, *to_keeper);
    } else if (const auto* handover = std::get_if<switchover::SendHandover>(&*effect)) {
      send(rbs::session::Handover{handover->scope, handover->term, handover->hello_counter});
    } else if (const auto* ready = std::get_if<switchover::SendReady>(&*effect)) {
      send(rbs::session::HandoverReady{ready->scope, ready->term});
    } else if (const auto* done = std::get_if<switchover::SendDone>(&*effect)) {
      send(rbs::session::HandoverDone{done->scope, done->term, 0});
    } else if (const auto* abort = std::get_if<switchover::SendAbort>(&*effect)) {
      send(rbs::session::HandoverAbort{abort->scope, abort->term});
    } else if (const auto* burnt = std::get_if<switchover::TermBurnt>(&*effect)) {
      scope.role.burn(burnt->term, now);
    } else if (const auto* ended = std::get_if<switchover::HandoverEnded>(&*effect)) {
      const std::string result = ended->failure.empty() ? "done" : "failed: " + ended->failure;
      log(kHandoverEnded, scope.id.value(), to_string(ended->term), result);
      if (ended->failure.empty()) scope.both_open_until = now + keeper::kTwoGatesMax;
      if (!ended->old_side) continue;
      if (ended->failure.empty()) scope.done_handover = *ended;
      if (ended->failure.empty() && scope.carrier_held) continue;  // until the partner has moved
      if (ended->failure.empty())
        end_ticket(scope,
                   fmt::format("{} was handed over in term {}", scope_in_words(scope.id),
                               to_string(ended->term)),
                   std::nullopt);
      else
        end_ticket(scope, {}, Error{ErrorCode::refused, ended->failure});
    }
  }
  return progress;
}

void Node::end_ticket(Scope& scope, const std::string& text, std::optional<Error> error) {
  if (!scope.ticket) return;
  effects_.push(ActionEnded{*scope.ticket, text, std::move(error), {}});
  scope.ticket.reset();
}

Result<std::uint64_t> Node::switchover(const SwitchoverWish& wish, TimePoint now) {
  std::vector<Scope*> scopes;
  for (const auto& [id, scope] : scopes_) {
    if (id == kWholeNode || (wish.scope && id != *wish.scope) ||
        (wish.etrunk && scope->settings.etrunk != *wish.etrunk))
      continue;
    if (wish.scope || scope->role.role() == role::Role::master) scopes.push_back(scope.get());
  }
  if (scopes.empty())
    return fail(ErrorCode::refused, wish.scope ? "no profile has this backup-id"
                                               : "this node is master of none; run it on the peer");
  // All are judged before the first one moves.
  for (const Scope* scope : scopes) {
    const std::string blockers = readiness(*scope).blockers(wish.force);
    if (!blockers.empty())
      return fail(ErrorCode::refused, fmt::format("{} cannot be switched over: {}",
                                                  scope_in_words(scope->id), blockers));
  }
  const std::uint64_t ticket = next_ticket_++;
  for (Scope* scope : scopes) {
    scope->ticket = ticket;
    if (auto begun = begin_handover(*scope, now, wish.force); !begun) {
      scope->ticket.reset();
      pump(now);
      return std::unexpected(begun.error());
    }
  }
  pump(now);
  return ticket;
}

std::uint64_t Node::leave(const std::string& reason, TimePoint now) {
  if (leaving_) return leave_ticket_;
  leaving_ = true;
  leave_ticket_ = next_ticket_++;
  leave_until_ = now + kLeaveWait;
  log(kLeaving, reason);
  for (const auto& [id, scope] : scopes_) {
    if (id == kWholeNode || scope->role.role() != role::Role::master) continue;
    if (const auto begun = begin_handover(*scope, now, false); !begun)
      log(kHandoverEnded, id.value(), "-", "was not begun: " + begun.error().detail);
  }
  pump(now);
  continue_leaving(now);
  return leave_ticket_;
}

void Node::continue_leaving(TimePoint now) {
  if (!leave_until_) return;
  bool busy = false;
  for (const auto& [id, scope] : scopes_)
    busy |= scope->handover.under_way() || scope->is_preparing();
  if (leave_ticket_ == 0) {
    // Goodbye was said; the time for it to leave this machine is over.
    if (*leave_until_ <= now) {
      leave_until_.reset();
      for (auto& [id, link] : links_) remove_floating(link);
      effects_.push(Stop{});
    }
    return;
  }
  if (busy && now < *leave_until_) {
    return;
  }
  // The goodbye goes out with this turn's effects: the time that is left is short.
  for (const auto& [name, service] : services_) {
    service->session->close("leaving the pair", now);
    while (pump_session(*service, now)) {
    }
  }
  effects_.push(SendToKeeper{keeper::Leave{}});
  effects_.push(ActionEnded{leave_ticket_, "left the pair", std::nullopt, {}});
  leave_ticket_ = 0;
  leave_until_ = now + kGoodbyeWait;
}

}  // namespace hotpair::ha::node
