#include "ha/keeper/core/keeper.h"

#include <algorithm>

namespace hotpair::ha::keeper {
namespace {

constexpr Duration kLate = std::chrono::milliseconds(1);
constexpr Duration kHeartbeatExtension = std::chrono::milliseconds(500);

template <typename... F>
struct Overload : F... {
  using F::operator()...;
};

}  // namespace

Keeper::Keeper(const Identity& identity, TimePoint now)
    : identity_(identity), started_(now), bfd_(identity.secret) {
  grace_ends_ = now + grace();
}

void Keeper::begin(TimePoint now) { check_leases(now); }

void Keeper::finish(TimePoint now) {
  decide(now);
  check_carriers(now);
  renew_leases(now);
  follow_gates(now);
  send_reports(now);
  follow_announcements(now);
  tell_trunks();
  tell_outbox();
}

void Keeper::tell_outbox() {
  std::vector<FromKeeper> messages;
  messages.swap(outbox_);
  for (FromKeeper& message : messages) effects_.push(ToDaemon{std::move(message)});
}

void Keeper::tell(FromKeeper message) { outbox_.push_back(std::move(message)); }

void Keeper::tell_changed(const Scope& scope, Cause cause, TimePoint now) {
  const Session* session = session_of(scope);
  ScopeChanged changed;
  changed.state = state_of(scope);
  changed.cause = cause;
  if (session != nullptr) changed.last_heard = session->machine.last_heard().value_or(TimePoint{});
  changed.decided = now;
  changed.gate_stored = now;
  tell(std::move(changed));
}

void Keeper::request_drain() {
  if (draining_) return;
  draining_ = true;
  effects_.push(DrainSockets{});
}

Keeper::Scope* Keeper::find(ScopeId id) {
  const auto it = scopes_.find(id);
  return it == scopes_.end() ? nullptr : &it->second;
}

Keeper::Scope* Keeper::find_known(ScopeId id) {
  Scope* scope = find(id);
  return scope != nullptr && scope->known ? scope : nullptr;
}

const Keeper::Session* Keeper::session_of(const Scope& scope) const {
  const auto it = sessions_.find(scope.config.etrunk);
  return it == sessions_.end() ? nullptr : &it->second;
}

Keeper::Session* Keeper::session_of(const Scope& scope) {
  const auto it = sessions_.find(scope.config.etrunk);
  return it == sessions_.end() ? nullptr : &it->second;
}

ScopeState Keeper::state_of(const Scope& scope) {
  ScopeState state;
  state.scope = scope.config.scope;
  state.role = scope.role;
  state.term = scope.term;
  state.posture = scope.posture;
  state.gate_open = scope.gate == Gate::open || scope.gate == Gate::leased;
  state.access_up = scope.access_up;
  state.armed = scope.plan;
  state.cause = scope.cause;
  state.opened_at = scope.opened_at;
  state.announced = scope.announced;
  return state;
}

// ---- the daemon ----

void Keeper::on_daemon_connected(TimePoint now) {
  begin(now);
  connected_ = true;
  welcomed_ = false;
  ++daemon_connects_;
  finish(now);
}

void Keeper::on_daemon_disconnected(TimePoint now) {
  begin(now);
  connected_ = false;
  welcomed_ = false;
  daemon_lost(now);
  if (leaving_ == Leaving::asked) goodbye(now);
  finish(now);
}

void Keeper::daemon_lost(TimePoint now) {
  if (!heartbeat_due_) return;
  heartbeat_due_.reset();
  if (control_ != ControlState::running) return;
  control_ = ControlState::restarting;
  grace_ends_ = now + grace();
}

void Keeper::on_message(const ToKeeper& message, TimePoint now) {
  if (!connected_ || leaving_ == Leaving::gone) return;
  begin(now);
  if (welcomed_ || std::holds_alternative<DaemonHello>(message)) {
    std::visit([&](const auto& body) { handle(body, now); }, message);
    pump_bfd(now);
    if (welcomed_ && leaving_ != Leaving::gone) {
      heartbeat_due_ = now + kHeartbeatMax;
      heartbeat_extended_ = false;
      control_ = ControlState::running;
      grace_ends_.reset();
    }
  }
  finish(now);
}

void Keeper::handle(const DaemonHello& message, TimePoint now) {
  if (message.version_min > kProtocolVersion || message.version_max < kProtocolVersion) {
    effects_.push(ToDaemon{Refused{"no common version of the keeper protocol"}});
    return;
  }
  node_ = message.node;
  for (auto& [id, session] : sessions_) session.machine.set_node(node_);
  welcomed_ = true;
  welcome();
  welcome_bfd(now);
}

void Keeper::welcome() {
  Welcome welcome;
  welcome.pid = identity_.pid;
  welcome.session = identity_.session;
  for (const auto& [id, scope] : scopes_)
    if (scope.known) welcome.scopes.push_back(state_of(scope));
  welcome.descriptors = descriptors_;
  effects_.push(ToDaemon{std::move(welcome)});
  for (const auto& [id, session] : sessions_) {
    const etrunk::EtrunkSession& machine = session.machine;
    for (const etrunk::PathView& path : machine.paths())
      if (path.up) tell(PathChanged{id, path.path, true, 0});
    if (machine.peer_heard()) tell(PeerChanged{id, true});
    if (machine.peer()) tell(PeerHello{*machine.peer()});
    if (machine.ever_heard() && !machine.peer_heard()) tell(PeerChanged{id, false});
    if (machine.absent()) tell(Alone{id});
  }
  for (const auto& [id, scope] : scopes_)
    if (scope.hold) tell(CarrierChanged{id, true, {}, scope.hold->devices});
}

void Keeper::handle(const Heartbeat& /*message*/, TimePoint /*now*/) {}

void Keeper::handle(const AskStatus& /*message*/, TimePoint now) {
  tell(status(now));
  for (const auto& [id, trunk] : trunks_) tell(status_of(trunk, now));
}

void Keeper::handle(const Descriptors& message, TimePoint /*now*/) {
  for (const std::string& name : message.names)
    if (std::find(descriptors_.begin(), descriptors_.end(), name) == descriptors_.end())
      descriptors_.push_back(name);
}

// ---- configuration ----

void Keeper::handle(const Configure& message, TimePoint now) {
  if (config_.announcements != message.announcements)
    for (auto& [id, scope] : scopes_)
      if (scope.was_open) begin_announcing(scope, now);
  config_ = message;
  for (EtrunkConfig& etrunk : config_.etrunks) {
    etrunk.hello_ms = std::clamp(etrunk.hello_ms, etrunk::kHelloMsMin, etrunk::kHelloMsMax);
    etrunk.multiplier =
        std::clamp(etrunk.multiplier, etrunk::kMultiplierMin, etrunk::kMultiplierMax);
  }
  configure_sessions(now);
  configure_trunks(now);
  configure_scopes();
  effects_.push(Reconfigured{});
}

void Keeper::configure_sessions(TimePoint now) {
  std::erase_if(sessions_, [&](const auto& entry) {
    return std::none_of(config_.etrunks.begin(), config_.etrunks.end(),
                        [&](const EtrunkConfig& wanted) { return wanted.id == entry.first; });
  });
  for (const EtrunkConfig& wanted : config_.etrunks) {
    const Duration alone_after = std::max(wanted.timeout(), grace());
    const auto it = sessions_.find(wanted.id);
    if (it == sessions_.end()) {
      sessions_.emplace(wanted.id, Session{etrunk::EtrunkSession(wanted, {node_, identity_.session},
                                                                 alone_after, counter_, now),
                                           wanted.priority, SentHellos{}});
      continue;
    }
    Session& session = it->second;
    if (session.machine.config().priority != wanted.priority) session.rank = wanted.priority;
    session.machine.reconfigure(wanted, alone_after, now);
    pump(wanted.id, session);
  }
}

void Keeper::configure_scopes() {
  for (auto it = scopes_.begin(); it != scopes_.end();) {
    const bool wanted =
        std::any_of(config_.scopes.begin(), config_.scopes.end(),
                    [&](const ScopeConfig& config) { return config.scope == it->first; });
    if (!wanted) store(it->second, kGateClosed);
    if (!wanted) give_carrier_back(it->second, CarrierEnd::ended);
    it = wanted ? std::next(it) : scopes_.erase(it);
  }
  for (const ScopeConfig& wanted : config_.scopes) {
    Scope& scope = scopes_[wanted.scope];
    if (scope.config.gate_slot != wanted.gate_slot && scope.word != kGateClosed) {
      effects_.push(StoreGate{scope.config.gate_slot, kGateClosed});
      effects_.push(StoreGate{wanted.gate_slot, scope.word});
    }
    scope.config = wanted;
    refresh_access(scope);
  }
}

void Keeper::handle(const SetRank& message, TimePoint /*now*/) {
  const auto it = sessions_.find(message.etrunk);
  if (it != sessions_.end()) it->second.rank = message.rank;
}

void Keeper::handle(const SetScope& message, TimePoint now) {
  Scope* scope = find(message.scope);
  if (scope == nullptr) return;
  if (scope->known && message.term < scope->term) {
    tell_changed(*scope, Cause::none, now);
    return;
  }
  const bool raised = scope->known && scope->term < message.term;
  scope->known = true;
  if (message.cause != Cause::none || scope->role != message.role) scope->cause = message.cause;
  scope->role = message.role;
  scope->term = message.term;
  scope->complete = message.complete;
  if (raised || message.role == Role::master) scope->handed_over = false;
  if (message.role == Role::master) scope->plan.reset();
  if (scope->plan && scope->plan->term <= scope->term) scope->plan.reset();
  if (message.role != Role::master || raised) end_offer(*scope);
  scope->opening.reset();
  if (raised && message.role == Role::master) scope->fresh = true;
  apply_posture(*scope, message.posture, now);
}

void Keeper::handle(const Arm& message, TimePoint /*now*/) {
  Scope* scope = find_known(message.plan.scope);
  if (scope == nullptr || scope->role == Role::master || message.plan.term <= scope->term) return;
  const Session* session = session_of(*scope);
  const etrunk::ScopeReport* report =
      session == nullptr ? nullptr : session->machine.peer_scope(message.plan.scope);
  if (report != nullptr && report->term != message.plan.against) return;
  scope->plan = message.plan;
}

void Keeper::handle(const Disarm& message, TimePoint /*now*/) {
  if (Scope* scope = find(message.scope)) scope->plan.reset();
}

// ---- the network and the links ----

void Keeper::on_hello(EtrunkId etrunk, PathId path, const Hello& hello, TimePoint now) {
  begin(now);
  const auto it = sessions_.find(etrunk);
  if (it != sessions_.end() && leaving_ != Leaving::gone) {
    etrunk::EtrunkSession& machine = it->second.machine;
    const bool heard = machine.peer_heard();
    if (machine.on_hello(path, hello, now) == etrunk::HelloVerdict::heard) {
      it->second.sent.on_echo(hello.session, hello.echo_counter);
      if (machine.peer()->counter == hello.counter) obey(etrunk, hello, now);
      allow_reopen(etrunk);
    }
    if (!heard && machine.peer_heard()) announce_again(etrunk, now);
    pump(etrunk, it->second);
  }
  finish(now);
}

void Keeper::on_datagram_dropped(EtrunkId etrunk, PathId path, DatagramDrop reason) {
  const auto it = sessions_.find(etrunk);
  if (it == sessions_.end() || path.value() >= etrunk::kPathsMax) return;
  Session& session = it->second;
  ++(reason == DatagramDrop::authentication ? session.rejected_auth
                                            : session.malformed)[path.value()];
}

void Keeper::on_hello_sent(EtrunkId etrunk, PathId path, TimePoint now) {
  begin(now);
  const auto it = sessions_.find(etrunk);
  if (it != sessions_.end()) {
    it->second.machine.on_sent(path, now);
    it->second.sent.on_sent(sending_, now);
    for (auto& [id, scope] : scopes_)
      if (scope.config.etrunk == etrunk && !scope.opening) scope.fresh = false;
  }
  finish(now);
}

void Keeper::on_hello_failed(EtrunkId etrunk, PathId path, TimePoint now) {
  begin(now);
  const auto it = sessions_.find(etrunk);
  if (it != sessions_.end()) it->second.machine.on_send_failed(path);
  finish(now);
}

void Keeper::on_carrier(const std::string& device, bool up, TimePoint now) {
  begin(now);
  carriers_[device] = up;
  watch_held(device, up);
  set_carrier(device, up, now);
  for (auto& [id, scope] : scopes_) refresh_access(scope);
  finish(now);
}

void Keeper::refresh_access(Scope& scope) {
  const auto& devices = scope.config.access_devices;
  const bool linked = devices.empty() ||
                      std::any_of(devices.begin(), devices.end(), [&](const std::string& device) {
                        const auto it = carriers_.find(device);
                        return it == carriers_.end() || it->second;
                      });
  const bool up = linked && trunk_access(scope).value_or(true);
  if (up == scope.access_up) return;
  scope.access_up = up;
  tell(AccessChanged{scope.config.scope, up});
}

void Keeper::on_timeout(TimePoint now) {
  begin(now);
  bfd_.on_timeout(now);
  pump_bfd(now);
  check_daemon(now);
  check_offers(now);
  check_admitted(now);
  for (auto& [id, session] : sessions_) {
    session.machine.on_timeout(now);
    pump(id, session);
  }
  check_silence(now);
  check_trunks(now);
  if (leaving_ == Leaving::asked && leave_at_ <= now) goodbye(now);
  finish(now);
}

void Keeper::check_daemon(TimePoint now) {
  if (heartbeat_due_ && *heartbeat_due_ <= now) {
    if (!heartbeat_extended_ && now - *heartbeat_due_ > kLate) {
      heartbeat_extended_ = true;
      heartbeat_due_ = now + kHeartbeatExtension;
    } else {
      daemon_lost(now);
    }
  }
  if (grace_ends_ && *grace_ends_ <= now) {
    grace_ends_.reset();
    if (control_ == ControlState::restarting) control_ = ControlState::dead;
  }
}

void Keeper::on_drained(TimePoint now) {
  begin(now);
  draining_ = false;
  for (auto& [id, scope] : scopes_) {
    if (scope.gate != Gate::expired || scope.drained) continue;
    scope.drained = true;
    if (!scope.silence_from) scope.silence_from = now;
  }
  finish(now);
}

// ---- leaving ----

void Keeper::on_leave_requested(TimePoint now) {
  begin(now);
  if (leaving_ == Leaving::no) {
    if (welcomed_ && control_ == ControlState::running) {
      leaving_ = Leaving::asked;
      leave_at_ = now + kLeaveWaitMax;
      tell(LeaveRequested{});
    } else {
      goodbye(now);
    }
  }
  finish(now);
}

void Keeper::handle(const Leave& /*message*/, TimePoint now) { goodbye(now); }

void Keeper::goodbye(TimePoint now) {
  if (leaving_ == Leaving::gone) return;
  leaving_ = Leaving::gone;
  control_ = ControlState::leaving;
  heartbeat_due_.reset();
  grace_ends_.reset();
  for (auto& [id, scope] : scopes_) {
    scope.plan.reset();
    end_opening(scope);
    scope.offered.reset();
    scope.old_link = false;
    give_carrier_back(scope, CarrierEnd::ended);
    apply_posture(scope, GatePosture::closed, now);
    if (scope.role == Role::master) scope.role = Role::init;
  }
  for (auto& [id, session] : sessions_) session.machine.announce();
  follow_gates(now);
  send_reports(now);
  bfd_.shut_down(now);
  pump_bfd(now);
  effects_.push(Exit{});
}

// ---- what goes out ----

void Keeper::pump(EtrunkId id, Session& session) {
  while (auto effect = session.machine.poll_effect()) {
    std::visit(
        Overload{
            [&](etrunk::SendHello& send) {
              effects_.push(SendHello{id, send.hello.path, std::move(send.hello)});
            },
            [&](etrunk::PathUp& up) {
              tell(PathChanged{id, up.path, true, 0});
            },
            [&](etrunk::PathDown& down) {
              const auto silent =
                  std::chrono::duration_cast<std::chrono::milliseconds>(down.silent);
              tell(PathChanged{id, down.path, false, static_cast<std::uint32_t>(silent.count()),
                               down.detected});
            },
            [&](etrunk::PeerUp&) {
              tell(PeerChanged{id, true});
            },
            [&](etrunk::PeerDown&) {
              tell(PeerChanged{id, false});
            },
            [&](etrunk::PeerReport&) { tell(PeerHello{*session.machine.peer()}); },
            [&](etrunk::PeerAbsent&) { tell(Alone{id}); },
            [&](etrunk::Drain&) { request_drain(); },
        },
        *effect);
  }
}

void Keeper::send_reports(TimePoint now) {
  for (auto& [id, session] : sessions_) {
    etrunk::Report report;
    report.rank = session.rank;
    report.control = control_;
    for (const auto& [scope_id, scope] : scopes_) {
      if (!scope.known || scope.config.etrunk != id) continue;
      if (report.scopes.size() == etrunk::kScopesPerHelloMax) break;
      report.scopes.push_back({scope_id, scope.role, scope.term, scope.complete, scope.access_up,
                               scope.handed_over, scope.offered.has_value(), forwards(scope),
                               mark_of_opened(scope)});
    }
    session.machine.set_report(std::move(report));
    const etrunk::Detectors detectors = detectors_of(id);
    const auto& proof = session.sent.proof();
    session.machine.set_detectors(detectors, proof && now - proof->sent <= detectors.time);
    // The lease is shorter before the hello leaves that lets the peer be less patient.
    if (session.sent.on_built(session.machine.patience_asked())) renew_leases(now);
    session.machine.flush(now);
    pump(id, session);
  }
}

void Keeper::send_now(Scope& scope, TimePoint now) {
  if (Session* session = session_of(scope)) session->machine.announce();
  follow_gates(now);
  send_reports(now);
}

std::optional<Effect> Keeper::poll_effect() {
  std::optional<Effect> effect = effects_.poll();
  if (effect)
    if (const auto* send = std::get_if<SendHello>(&*effect))
      sending_ = {send->hello.echo, send->hello.counter, send->hello.patience()};
  return effect;
}

std::optional<TimePoint> Keeper::next_deadline() const {
  std::optional<TimePoint> due = earliest(heartbeat_due_, grace_ends_);
  due = earliest(due, trunk_deadline());
  due = earliest(due, bfd_.next_deadline());
  if (leaving_ == Leaving::asked) due = earliest(due, leave_at_);
  for (const auto& [id, session] : sessions_) due = earliest(due, session.machine.next_deadline());
  for (const auto& [id, scope] : scopes_) {
    due = earliest(due, announcement_due(scope));
    if (scope.offered) due = earliest(due, scope.offer_ends);
    due = earliest(due, scope.admitted_at);
    due = earliest(due, carrier_deadline(scope));
    if (scope.plan) due = earliest(due, waits_for_lease_of_peer(scope));
    if (scope.gate == Gate::leased)
      due = earliest(due, TimePoint(Duration(static_cast<Duration::rep>(scope.word))));
    if (scope.gate == Gate::expired && scope.drained && !scope.may_reopen && scope.silence_from)
      due = earliest(due, *scope.silence_from + silence_needed(scope));
  }
  return due;
}

// The peer is silent and the plan only waits for the end of its lease.
std::optional<TimePoint> Keeper::waits_for_lease_of_peer(const Scope& scope) const {
  const Session* session = session_of(scope);
  if (session == nullptr || !session->machine.peer_dead()) return std::nullopt;
  if (std::ranges::find(scope.plan->causes, Cause::paths_down) == scope.plan->causes.end())
    return std::nullopt;
  const TimePoint over = lease_of_peer_over(session->machine);
  return over == TimePoint{} ? std::nullopt : std::optional(over);
}

std::vector<StoreGate> Keeper::gate_words() const {
  std::vector<StoreGate> words;
  for (const auto& [id, scope] : scopes_)
    if (scope.stored) words.push_back({scope.config.gate_slot, scope.word});
  return words;
}

KeeperStatus Keeper::status(TimePoint now) const {
  using std::chrono::milliseconds;
  const auto ms = [](Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(duration).count());
  };
  KeeperStatus status;
  status.pid = identity_.pid;
  status.uptime_ms = ms(now - started_);
  status.daemon_connects = daemon_connects_;
  status.hello_counter = counter_.last();
  for (const auto& [id, scope] : scopes_)
    if (scope.known) status.scopes.push_back(state_of(scope));
  for (const auto& [id, session] : sessions_) {
    for (const etrunk::PathView& view : session.machine.paths()) {
      const auto count = [&](etrunk::HelloVerdict verdict) {
        return view.verdicts[static_cast<std::size_t>(verdict)];
      };
      PathStatus path{id, view.path, view.up, view.sent};
      path.received = count(etrunk::HelloVerdict::heard);
      path.rejected_auth = session.rejected_auth[view.path.value()];
      path.rejected_other =
          session.malformed[view.path.value()] + count(etrunk::HelloVerdict::wrong_etrunk) +
          count(etrunk::HelloVerdict::own_session) + count(etrunk::HelloVerdict::replayed);
      path.not_echoed = count(etrunk::HelloVerdict::not_echoed);
      if (view.last_heard)
        path.last_heard_ms = static_cast<std::uint32_t>(ms(now - *view.last_heard));
      status.paths.push_back(path);
    }
  }
  status.descriptors = descriptors_;
  return status;
}

}  // namespace hotpair::ha::keeper
