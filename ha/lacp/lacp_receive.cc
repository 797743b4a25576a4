#include "ha/lacp/lacp_port.h"

// Receive machine, IEEE 802.1AX-2014 6.4.9 (functions) and 6.4.12 (figure 6-18).
namespace hotpair::ha::lacp {
namespace {

Duration timeout_of(const Port& port) {
  return port.actor.has(kStateTimeout) ? kShortTimeoutTime : kLongTimeoutTime;
}

// What makes two ends of a link the same partner: all but the state, save Aggregation.
bool same_identity(const PortInfo& a, const PortInfo& b) {
  return a.port == b.port && a.port_priority == b.port_priority && a.system == b.system &&
         a.system_priority == b.system_priority && a.key == b.key &&
         a.has(kStateAggregation) == b.has(kStateAggregation);
}

void record_default(Port& port) {
  port.partner = PortInfo{};
  port.actor.set(kStateDefaulted, true);
}

void update_selected(Port& port, const PortInfo& partner) {
  if (same_identity(partner, port.partner)) return;
  if (port.partner.system != MacAddress{}) ++port.counters.partner_changes;
  port.selected = Selected::unselected;
}

void update_ntt(Port& port, const PortInfo& said_of_us) {
  constexpr std::uint8_t kCompared = kStateActivity | kStateTimeout | kStateSynchronization;
  const bool same_state = ((said_of_us.state ^ port.actor.state) & kCompared) == 0;
  if (!same_identity(said_of_us, port.actor) || !same_state) port.ntt = true;
}

// The partner keeps the link up actively: it sends by itself, or we ask for it and it knows.
bool actively_maintained(const Port& port, const Lacpdu& pdu) {
  return pdu.actor.has(kStateActivity) ||
         (port.actor.has(kStateActivity) && pdu.partner.has(kStateActivity));
}

void record_pdu(Port& port, const Lacpdu& pdu) {
  const bool knows_us = same_identity(pdu.partner, port.actor);
  const bool individual = !pdu.actor.has(kStateAggregation);
  port.partner = pdu.actor;
  port.partner.set(kStateSynchronization, (knows_us || individual) &&
                                              pdu.actor.has(kStateSynchronization) &&
                                              actively_maintained(port, pdu));
  port.actor.set(kStateDefaulted, false);
}

void enter_initialize(Port& port) {
  port.receive = ReceiveState::initialize;
  port.selected = Selected::unselected;
  record_default(port);
  port.actor.set(kStateExpired, false);
  port.port_moved = false;
}

void enter_port_disabled(Port& port) {
  port.receive = ReceiveState::port_disabled;
  port.partner.set(kStateSynchronization, false);
  port.current_while.reset();
  port.deaf_since.reset();
}

void enter_expired(Port& port, TimePoint now) {
  port.receive = ReceiveState::expired;
  port.partner.set(kStateSynchronization, false);
  port.partner.set(kStateTimeout, true);
  port.current_while = now + kShortTimeoutTime;
  port.actor.set(kStateExpired, true);
}

void enter_defaulted(Port& port) {
  port.unanswered = false;
  port.receive = ReceiveState::defaulted;
  ++port.counters.defaults;
  // update_Default_Selected: the administrative partner is nobody.
  if (!same_identity(port.partner, PortInfo{})) port.selected = Selected::unselected;
  record_default(port);
  port.actor.set(kStateExpired, false);
  port.current_while.reset();
}

bool step(Port& port, TimePoint now) {
  if (!port.enabled && !port.port_moved && port.receive != ReceiveState::port_disabled &&
      port.receive != ReceiveState::initialize) {
    enter_port_disabled(port);
    return true;
  }
  switch (port.receive) {
    case ReceiveState::initialize:
      enter_initialize(port);
      enter_port_disabled(port);
      return true;
    case ReceiveState::port_disabled:
      if (port.port_moved) {
        enter_initialize(port);
        return true;
      }
      if (!port.enabled) return false;
      enter_expired(port, now);
      return true;
    case ReceiveState::expired:
      if (!port.current_while || *port.current_while > now) return false;
      enter_defaulted(port);
      return true;
    case ReceiveState::current:
      if (!port.current_while || *port.current_while > now) return false;
      ++port.counters.expirations;
      enter_expired(port, now);
      return true;
    case ReceiveState::defaulted:
    case ReceiveState::lacp_disabled:  // LACP is always enabled on a member
      return false;
  }
  return false;
}

}  // namespace

bool run_receive(Port& port, TimePoint now) {
  bool any = false;
  while (step(port, now)) any = true;
  return any;
}

void resume_port(Port& port, const PortInfo& partner, TimePoint now) {
  port.enabled = true;
  port.partner = partner;
  port.receive = ReceiveState::current;
  port.current_while = now + timeout_of(port);  // slow: the partner may speak in 30 s only
  port.last_heard = now;
  port.selected = Selected::selected;
  port.mux = MuxState::distributing;
  port.actor.set(kStateSynchronization | kStateCollecting | kStateDistributing, true);
  port.actor.set(kStateDefaulted | kStateExpired, false);
  port.ntt = true;
}

void end_silence(Port& port, TimePoint now) {
  port.ntt = true;
  port.unanswered = true;
  port.deaf_since.reset();
  if (port.receive == ReceiveState::defaulted) enter_expired(port, now);
}

void receive_lacpdu(Port& port, const Lacpdu& pdu, TimePoint now) {
  port.unanswered = false;
  port.receive = ReceiveState::current;
  update_selected(port, pdu.actor);
  update_ntt(port, pdu.partner);
  record_pdu(port, pdu);
  port.current_while = now + timeout_of(port);
  port.actor.set(kStateExpired, false);
  port.last_heard = now;
  const bool deaf = pdu.actor.has(kStateExpired) || pdu.actor.has(kStateDefaulted);
  if (!deaf) port.deaf_since.reset();
  if (deaf && !port.deaf_since) port.deaf_since = now;
  port.partner_version = pdu.version;
}

}  // namespace hotpair::ha::lacp
