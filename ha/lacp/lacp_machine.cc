#include "ha/lacp/lacp_machine.h"

#include <algorithm>

#include "platform/base/assert.h"

namespace hotpair::ha::lacp {
namespace {

// Slow protocols send at most 10 frames a second (802.3 57A.3). A machine that was paused finds
// those of its pause together, hence the burst.
constexpr Duration kReceiveInterval = std::chrono::milliseconds(100);
constexpr Duration kReceiveBurst = kReceiveInterval * 20;
// Of our ten a second LACPDUs need three; markers are answered at five a second.
constexpr Duration kMarkerInterval = std::chrono::milliseconds(200);
constexpr Duration kMarkerBurst = kMarkerInterval * 5;

bool take_credit(TimePoint& credit, Duration interval, Duration burst, TimePoint now) {
  credit = std::max(credit, now - burst);
  if (credit + interval > now) return false;
  credit += interval;
  return true;
}

std::uint32_t milliseconds_of(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return static_cast<std::uint32_t>(std::clamp<Duration::rep>(ms, 0, UINT32_MAX));
}

}  // namespace

LacpTrunk::LacpTrunk(const TrunkConfig& config, bool sync_allowed, TimePoint now)
    : config_(config), sync_allowed_(sync_allowed) {
  build_ports();
  run(now);
}

PortInfo LacpTrunk::actor_of(const MemberConfig& member) const {
  PortInfo actor;
  actor.system_priority = config_.system_priority;
  actor.system = config_.system;
  actor.key = config_.key;
  actor.port_priority = member.priority;
  actor.port = member.port;
  actor.set(kStateActivity, config_.active);
  actor.set(kStateTimeout, config_.fast);
  actor.set(kStateAggregation, true);
  return actor;
}

// The Actor's operational parameters of every member; a change of what names it makes the port
// leave its aggregate first, as a change of the partner does.
void LacpTrunk::build_ports() {
  std::erase_if(ports_, [&](const auto& entry) {
    return std::none_of(
        config_.members.begin(), config_.members.end(), [&](const MemberConfig& wanted) {
          return wanted.index == entry.first && wanted.device == entry.second.config.device;
        });
  });
  for (const MemberConfig& member : config_.members) {
    if (member.index >= kMembersMax || member.port == 0) continue;
    const auto [place, fresh] = ports_.try_emplace(member.index);
    Port& port = place->second;
    PortInfo actor = actor_of(member);
    constexpr std::uint8_t kConfigured = kStateActivity | kStateTimeout | kStateAggregation;
    actor.state |= static_cast<std::uint8_t>(port.actor.state & ~unsigned{kConfigured});
    port.config = member;
    if (!fresh && port.actor != actor) port.ntt = true;
    if (!fresh &&
        (port.actor.system != actor.system || port.actor.key != actor.key ||
         port.actor.system_priority != actor.system_priority || port.actor.port != actor.port)) {
      port.selected = Selected::unselected;
    }
    port.actor = actor;
  }
}

void LacpTrunk::reconfigure(const TrunkConfig& config, TimePoint now) {
  config_ = config;
  build_ports();
  std::erase_if(reported_, [&](const auto& entry) { return !ports_.contains(entry.first); });
  run(now);
}

void LacpTrunk::resume(MemberIndex member, const PortInfo& partner, TimePoint now) {
  const auto place = ports_.find(member);
  if (place == ports_.end()) return;
  resume_port(place->second, partner, now);
  run(now);
}

void LacpTrunk::set_silent(bool silent, TimePoint now) {
  if (!std::exchange(silent_, silent) || silent) return;
  was_silent_ = true;
  for (auto& [index, port] : ports_)
    if (port.enabled) end_silence(port, now);
  run(now);
}

void LacpTrunk::set_sync_allowed(bool allowed, TimePoint now) {
  if (sync_allowed_ == allowed) return;
  sync_allowed_ = allowed;
  if (!allowed)
    for (auto& [index, port] : ports_)
      if (port.mux == MuxState::waiting) port.wait_while = now;  // see wait()
  run(now);
}

void LacpTrunk::set_enabled(MemberIndex member, bool enabled, TimePoint now) {
  const auto port = ports_.find(member);
  if (port == ports_.end() || port->second.enabled == enabled) return;
  port->second.enabled = enabled;
  port->second.ntt = enabled;  // the partner need not wait for our first period
  run(now);
}

void LacpTrunk::on_pdu(MemberIndex member, ByteSpan payload, TimePoint now) {
  const auto place = ports_.find(member);
  if (place == ports_.end()) return;
  Port& port = place->second;
  const auto reject = [&](PduReject reason) {
    ++port.counters.rejected[static_cast<std::size_t>(reason)];
  };
  if (!port.enabled) return reject(PduReject::port_down);
  if (!take_credit(port.receive_credit, kReceiveInterval, kReceiveBurst, now))
    return reject(PduReject::over_rate);
  const auto pdu = decode_pdu(payload);
  if (!pdu) return reject(pdu.error());
  std::visit([&](const auto& body) { handle(port, body, now); }, *pdu);
  run(now);
}

void LacpTrunk::handle(Port& port, const Lacpdu& pdu, TimePoint now) {
  if (pdu.actor.system == config_.system && pdu.actor.key == config_.key) {
    ++port.counters.rejected[static_cast<std::size_t>(PduReject::looped)];
    return;
  }
  ++port.counters.lacpdus_received;
  // The partner's end came out of another of our ports, whose link is down: the cable was moved.
  for (auto& [index, other] : ports_)
    if (&other != &port && other.receive == ReceiveState::port_disabled &&
        other.partner.system == pdu.actor.system && other.partner.port == pdu.actor.port) {
      other.port_moved = true;
    }
  static_cast<void>(run_receive(port, now));
  receive_lacpdu(port, pdu, now);
}

void LacpTrunk::handle(Port& port, const Marker& marker, TimePoint now) {
  if (marker.response) {
    ++port.counters.marker_responses_received;
    return;
  }
  ++port.counters.markers_received;
  if (!take_credit(port.marker_credit, kMarkerInterval, kMarkerBurst, now)) return;
  Marker response = marker;
  response.response = true;
  ++port.counters.marker_responses_sent;
  effects_.push(SendPdu{port.config.index, encode_pdu(response)});
}

void LacpTrunk::on_send_failed(MemberIndex member) {
  const auto port = ports_.find(member);
  if (port != ports_.end()) ++port->second.counters.send_failures;
}

void LacpTrunk::on_timeout(TimePoint now) { run(now); }

bool LacpTrunk::ready() const {
  return std::all_of(ports_.begin(), ports_.end(), [](const auto& entry) {
    const Port& port = entry.second;
    return port.mux != MuxState::waiting || port.selected != Selected::selected || port.ready_n;
  });
}

// A trunk that an E-Trunk keeps out of sync has all the time to wait before it is let in. A silent
// one may not know its partner until that answers: it does not begin to wait then.
Duration LacpTrunk::wait() const {
  return sync_allowed_ && !was_silent_ ? kAggregateWaitTime : Duration{};
}

// Every machine until none moves. UNSELECTED reaches the Mux before the selection acts on it. The
// rounds are bounded: more than a few would be a loop between machines, a broken invariant.
void LacpTrunk::run(TimePoint now) {
  bool moved = true;
  for (int round = 0; moved; ++round) {
    HA_ASSERT(round < 64);
    moved = false;
    for (auto& [index, port] : ports_) moved = run_receive(port, now) || moved;
    for (auto& [index, port] : ports_)
      if (port.selected == Selected::unselected)
        moved = run_mux(port, false, wait(), now) || moved;
    select();
    const bool all_ready = ready();
    for (auto& [index, port] : ports_) moved = run_mux(port, all_ready, wait(), now) || moved;
    for (auto& [index, port] : ports_) moved = run_periodic(port, now) || moved;
    for (auto& [index, port] : ports_) moved = run_churn(port, now) || moved;
  }
  report();
  for (auto& [index, port] : ports_) {
    if (silent_ || !may_transmit(port, now)) continue;
    ++port.counters.lacpdus_sent;
    effects_.push(SendPdu{index, encode_pdu(Lacpdu{kLacpVersion, port.actor, port.partner, 0})});
  }
}

void LacpTrunk::report() {
  std::uint32_t collecting = 0;
  std::uint32_t distributing = 0;
  bool heard = false;
  for (const auto& [index, port] : ports_) {
    if (port.collecting()) collecting |= std::uint32_t{1} << index;
    if (port.distributing()) distributing |= std::uint32_t{1} << index;
    heard = heard || port.works_both_ways();
  }
  if (collecting != 0) was_silent_ = false;
  if (collecting != collecting_ || distributing != distributing_) {
    collecting_ = collecting;
    distributing_ = distributing;
    effects_.push(MasksChanged{collecting, distributing});
  }
  if (heard != partner_heard_) {
    partner_heard_ = heard;
    effects_.push(PartnerChanged{heard});
  }
  for (const auto& [index, port] : ports_) {
    const PortChanged said{index, port.enabled, port.selected, port.receive, port.mux};
    const auto [place, fresh] = reported_.try_emplace(index, PortChanged{index});
    const PortChanged& before = place->second;
    const bool same = before.enabled == said.enabled && before.selected == said.selected &&
                      before.receive == said.receive && before.mux == said.mux;
    if (same && !fresh) continue;
    place->second = said;
    effects_.push(said);
  }
}

std::optional<TimePoint> LacpTrunk::next_deadline() const {
  std::optional<TimePoint> due;
  for (const auto& [index, port] : ports_) {
    due = earliest(due, port.current_while);
    due = earliest(due, port.periodic_at);
    due = earliest(due, port.wait_while);
    due = earliest(due, port.actor_churn_at);
    due = earliest(due, port.partner_churn_at);
    if (!silent_) due = earliest(due, transmit_due(port));  // until the end of silence it waits
  }
  return due;
}

bool LacpTrunk::has_access() const {
  return std::any_of(ports_.begin(), ports_.end(), [this](const auto& entry) {
    const Port& port = entry.second;
    if (silent_) return port.enabled;
    const bool untold = !port.last_heard && port.counters.defaults == 0;
    return port.works_both_ways() ||
           (port.receive == ReceiveState::expired && (untold || port.unanswered));
  });
}

TrunkShow LacpTrunk::show(TimePoint now) const {
  TrunkShow show{config_.id, sync_allowed_, partner_heard_, collecting_, distributing_, reference_,
                 {}};
  for (const auto& [index, port] : ports_) {
    PortShow row;
    row.index = index;
    row.device = port.config.device;
    row.enabled = port.enabled;
    row.selected = port.selected;
    row.receive = port.receive;
    row.periodic = port.periodic;
    row.mux = port.mux;
    row.actor_churn = port.actor_churn;
    row.partner_churn = port.partner_churn;
    row.actor = port.actor;
    row.partner = port.partner;
    row.partner_version = port.partner_version;
    if (port.last_heard) row.last_heard_ms = milliseconds_of(now - *port.last_heard);
    if (port.current_while) row.expires_ms = milliseconds_of(*port.current_while - now);
    row.counters = port.counters;
    show.ports.push_back(std::move(row));
  }
  return show;
}

}  // namespace hotpair::ha::lacp
