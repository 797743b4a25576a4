#include "ha/lacp/lacp_port.h"

// Mux machine with independent control of collecting and distributing (6.4.15, figure 6-21).
namespace hotpair::ha::lacp {
namespace {

void enter(Port& port, MuxState state) {
  ++port.counters.mux_changes;
  port.mux = state;
  port.wait_while.reset();
  port.ready_n = false;
  const bool sync = state >= MuxState::attached;
  if (sync != port.actor.has(kStateSynchronization)) ++port.counters.sync_changes;
  port.actor.set(kStateSynchronization, sync);
  port.actor.set(kStateCollecting, state >= MuxState::collecting);
  port.actor.set(kStateDistributing, state == MuxState::distributing);
  // The figure has no NTT in WAITING, where nothing changes that the partner could see. It has none
  // in DISTRIBUTING either; there the partner's display would be wrong for up to 30 s.
  if (state != MuxState::waiting) port.ntt = true;
}

bool step(Port& port, bool ready, Duration wait, TimePoint now) {
  const bool selected = port.selected == Selected::selected;
  const bool partner_sync = port.partner.has(kStateSynchronization);
  switch (port.mux) {
    case MuxState::detached:
      if (port.selected == Selected::unselected) return false;
      enter(port, MuxState::waiting);
      port.wait_while = now + wait;
      return true;
    case MuxState::waiting:
      if (port.selected == Selected::unselected) {
        enter(port, MuxState::detached);
        return true;
      }
      if (port.wait_while && *port.wait_while <= now) {
        port.wait_while.reset();
        port.ready_n = true;
        return true;
      }
      if (!selected || !port.ready_n || !ready) return false;
      enter(port, MuxState::attached);
      return true;
    case MuxState::attached:
      if (!selected) {
        enter(port, MuxState::detached);
        return true;
      }
      if (!partner_sync) return false;
      enter(port, MuxState::collecting);
      return true;
    case MuxState::collecting:
      if (!selected || !partner_sync) {
        enter(port, MuxState::attached);
        return true;
      }
      if (!port.partner.has(kStateCollecting)) return false;
      enter(port, MuxState::distributing);
      return true;
    case MuxState::distributing:
      if (selected && partner_sync && port.partner.has(kStateCollecting)) return false;
      enter(port, MuxState::collecting);
      return true;
  }
  return false;
}

}  // namespace

bool run_mux(Port& port, bool ready, Duration wait, TimePoint now) {
  bool any = false;
  while (step(port, ready, wait, now)) any = true;
  return any;
}

}  // namespace hotpair::ha::lacp
