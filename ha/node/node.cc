#include "ha/node/node.h"

#include <algorithm>

#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

namespace hotpair::ha::node {

Node::Node(const Identity& identity, TimePoint now)
    : identity_(identity), gmp_(identity.hash_seed), mrib_({}, now) {
  for (const Family family : {Family::ipv4, Family::ipv6})
    pim_.push_back(
        std::make_unique<PimFamily>(VrfId{}, family, pim_seed(VrfId{}, family), mrib_, now));
  mrib_.begin_hold(now);
}

Node::~Node() = default;

const Link* Node::find_link(std::string_view name) const {
  for (const auto& [id, link] : links_)
    if (link.settings.name == name) return &link;
  return nullptr;
}

Scope* Node::find(ScopeId scope) {
  const auto found = scopes_.find(scope);
  return found == scopes_.end() ? nullptr : found->second.get();
}

Service* Node::service_of(const Scope& scope) {
  const auto found = services_.find(scope.settings.service);
  return found == services_.end() ? nullptr : found->second.get();
}

Service* Node::find(TransportId transport) {
  for (const auto& [name, service] : services_)
    if (service->transport == transport) return service.get();
  return nullptr;
}

Link* Node::link_of_device(std::string_view device) {
  for (auto& [id, link] : links_)
    if (link.settings.device == device) return &link;
  return nullptr;
}

void Node::clear(const Message& message, const std::string& subject) {
  if (alarms_.clear(message, subject)) effects_.push(WriteLog{&message, "cleared: " + subject});
}

void Node::pump(TimePoint now) {
  bool progress = true;
  while (progress) {
    progress = false;
    for (const auto& [id, scope] : scopes_) {
      progress |= pump_role(*scope, now);
      progress |= pump_handover(*scope, now);
    }
    for (const auto& [name, service] : services_) progress |= pump_session(*service, now);
    for (const auto& [id, scope] : scopes_) progress |= pump_journal(*scope);
    progress |= pump_gmp(now);
    progress |= pump_pim(now);
    progress |= pump_mrib(now);
  }
  for (const auto& [id, scope] : scopes_) settle_divergence(*scope, now);
  settle_waiters(now);
}

void Node::on_timeout(TimePoint now) {
  if (heartbeat_at_ && *heartbeat_at_ <= now) {
    heartbeat_at_ = now + kHeartbeat;
    effects_.push(SendToKeeper{keeper::Heartbeat{}});
    effects_.push(SendToKeeper{keeper::AskStatus{}});
    refresh_ranks(now);
    if (standings_at_ <= now) {
      standings_at_ = now + kStandingPeriod;
      tell_standings(now);
    }
    if (bfd_told_) effects_.push(SendToKeeper{keeper::AskBfd{}});
  }
  for (const auto& [id, scope] : scopes_) {
    scope->role.on_timeout(now);
    scope->handover.on_timeout(now);
    scope->journal.on_timeout(now);
    if (scope->take_at && *scope->take_at <= now) take(*scope, now);
    if (scope->check_until && *scope->check_until <= now)
      fail_handover(*scope, "the peer's copy was not proved equal within 3 s", now);
    begin_waiting(*scope, now);
    if (scope->refill) refill(*scope, now);
  }
  for (const auto& [name, service] : services_) service->session->on_timeout(now);
  gmp_.on_timeout(now);
  for (const auto& family : pim_) {
    family->pim.on_timeout(now);
    family->bsr.on_timeout(now);
    family->auto_rp.engine.on_timeout(now);
    family->tunnels.on_timeout(now);
    family->receiver.on_timeout(now);
  }
  mrib_.on_timeout(now);
  settle_registers(now);
  ask_doubtful(now);
  for (const ActiveAlarm& alarm : alarms_.on_timeout(now))
    effects_.push(WriteLog{alarm.message, alarm.text});
  if (leaving_) continue_leaving(now);
  pump(now);
}

std::optional<TimePoint> Node::next_deadline() const {
  std::optional<TimePoint> deadline = earliest(heartbeat_at_, leave_until_);
  deadline = earliest(deadline, alarms_.next_deadline());
  for (const auto& [id, scope] : scopes_) {
    deadline = earliest(deadline, scope->role.next_deadline());
    deadline = earliest(deadline, scope->handover.next_deadline());
    deadline = earliest(deadline, scope->journal.next_deadline());
    deadline = earliest(deadline, scope->take_at);
    deadline = earliest(deadline, earliest(scope->begin_at, scope->check_until));
    if (scope->divergence && !scope->divergence->told)
      deadline = earliest(deadline, scope->divergence->told_at + kTellingEnds);
    if (scope->refill) deadline = earliest(deadline, TimePoint{});
  }
  for (const auto& [name, service] : services_)
    deadline = earliest(deadline, service->session->next_deadline());
  deadline = earliest(deadline, gmp_.next_deadline());
  for (const auto& family : pim_) {
    deadline = earliest(deadline, family->pim.next_deadline());
    deadline = earliest(deadline, family->bsr.next_deadline());
    deadline = earliest(deadline, family->auto_rp.engine.next_deadline());
    deadline = earliest(deadline, family->tunnels.next_deadline());
    deadline = earliest(deadline, family->receiver.next_deadline());
  }
  deadline = earliest(deadline, mrib_.next_deadline());
  deadline = earliest(deadline, doubtful_at_);
  for (const Waiter& waiter : waiters_) deadline = earliest(deadline, waiter.until);
  return deadline;
}

/// The peer's store has acknowledged all of it, and its engines have it: its hello says so.
bool Node::peer_ready(const Scope& scope) {
  const auto* report = scope.role.peer_report();
  return scope.peer_complete && report != nullptr && report->complete;
}

void Node::reset_gmp_counters(Family family) {
  for (const auto& [id, link] : links_) gmp_.reset_counters(id, family);
}

void Node::reset_service_counters() {
  for (const auto& [name, service] : services_) {
    service->session->reset_counters();
    service->connects = service->disconnects = 0;
    service->bytes_sent = service->bytes_received = 0;
    service->renewals = service->limited = 0;
    service->failures.clear();
  }
  for (const auto& [id, scope] : scopes_) scope->journal.reset_statistics();
}

}  // namespace hotpair::ha::node
