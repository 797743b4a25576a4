#include "ha/lacp/lacp_port.h"

// Actor and Partner Churn Detection machines (6.4.17).
namespace hotpair::ha::lacp {
namespace {

bool run_one(bool watched, bool in_sync, ChurnState& state, std::optional<TimePoint>& until,
             std::uint64_t& count, TimePoint now) {
  if (!watched) {
    const bool changed = state != ChurnState::monitor || until.has_value();
    state = ChurnState::monitor;
    until.reset();
    return changed;
  }
  if (in_sync) {
    if (state == ChurnState::no_churn) return false;
    state = ChurnState::no_churn;
    until.reset();
    return true;
  }
  if (state == ChurnState::no_churn || (state == ChurnState::monitor && !until)) {
    state = ChurnState::monitor;
    until = now + kChurnDetectionTime;
    return true;
  }
  if (state != ChurnState::monitor || *until > now) return false;
  state = ChurnState::churn;
  until.reset();
  ++count;
  return true;
}

}  // namespace

bool run_churn(Port& port, TimePoint now) {
  const bool standby = port.selected == Selected::standby;
  const bool actor =
      run_one(port.enabled, standby || port.actor.has(kStateSynchronization), port.actor_churn,
              port.actor_churn_at, port.counters.actor_churns, now);
  const bool partner =
      run_one(port.enabled, standby || port.partner.has(kStateSynchronization), port.partner_churn,
              port.partner_churn_at, port.counters.partner_churns, now);
  return actor || partner;
}

}  // namespace hotpair::ha::lacp
