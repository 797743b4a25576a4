#include <algorithm>

#include "ha/lacp/lacp_port.h"

// Periodic Transmission machine (6.4.13, figure 6-19) and Transmit machine (6.4.16).
namespace hotpair::ha::lacp {
namespace {

bool is_quiet(const Port& port) {
  return !port.enabled || (!port.actor.has(kStateActivity) && !port.partner.has(kStateActivity));
}

void enter_periodic(Port& port, PeriodicState state, TimePoint now) {
  port.periodic = state;
  port.periodic_at =
      now + (state == PeriodicState::fast_periodic ? kFastPeriodicTime : kSlowPeriodicTime);
}

// PERIODIC_TX lasts no time: NTT, and on to the state that the partner's timeout asks for.
void periodic_tx(Port& port, TimePoint now) {
  port.ntt = true;
  enter_periodic(
      port,
      port.partner.has(kStateTimeout) ? PeriodicState::fast_periodic : PeriodicState::slow_periodic,
      now);
}

bool step(Port& port, TimePoint now) {
  if (is_quiet(port)) {
    const bool changed = port.periodic != PeriodicState::no_periodic;
    port.periodic = PeriodicState::no_periodic;
    port.periodic_at.reset();
    return changed;
  }
  const bool due = port.periodic_at && *port.periodic_at <= now;
  switch (port.periodic) {
    case PeriodicState::no_periodic:
      enter_periodic(port, PeriodicState::fast_periodic, now);
      return true;
    case PeriodicState::fast_periodic:
      if (!port.partner.has(kStateTimeout)) {
        enter_periodic(port, PeriodicState::slow_periodic, now);
        return true;
      }
      if (due) periodic_tx(port, now);
      return due;
    case PeriodicState::slow_periodic:
      if (!due && !port.partner.has(kStateTimeout)) return false;
      periodic_tx(port, now);
      return true;
    case PeriodicState::periodic_tx:
      break;
  }
  return false;
}

// How many LACPDUs may leave within one Fast_Periodic_Time: the last one only with news of
// Synchronization.
std::size_t limit_of(const Port& port) {
  const bool sync_changed = port.actor.has(kStateSynchronization) != port.sent_sync;
  return sync_changed ? kTransmitsMax : kTransmitsMax - 1;
}

void forget_old(Port& port, TimePoint now) {
  const auto begin = port.sent.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(port.sent_count);
  const auto kept =
      std::find_if(begin, end, [&](TimePoint at) { return at + kFastPeriodicTime > now; });
  std::rotate(begin, kept, end);
  port.sent_count = static_cast<std::size_t>(end - kept);
}

}  // namespace

bool run_periodic(Port& port, TimePoint now) {
  bool any = false;
  while (step(port, now)) any = true;
  return any;
}

bool may_transmit(Port& port, TimePoint now) {
  if (!port.ntt) return false;
  if (is_quiet(port)) {
    port.ntt = false;
    return false;
  }
  forget_old(port, now);
  if (port.sent_count >= limit_of(port)) {
    if (!port.delayed) ++port.counters.sends_delayed;
    port.delayed = true;
    return false;
  }
  port.sent[port.sent_count++] = now;
  port.sent_sync = port.actor.has(kStateSynchronization);
  port.ntt = false;
  port.delayed = false;
  return true;
}

std::optional<TimePoint> transmit_due(const Port& port) {
  if (!port.ntt || !port.delayed || port.sent_count < limit_of(port)) return std::nullopt;
  return port.sent[port.sent_count - limit_of(port)] + kFastPeriodicTime;
}

}  // namespace hotpair::ha::lacp
