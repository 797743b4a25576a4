#include <algorithm>

#include "ha/keeper/core/keeper.h"
#include "platform/gate/trunk_words.h"

// A handover between two LACP system ids. A partner keeps the system that it attached first, in
// sync or not, as long as it hears it: the old side breaks that by dropping the carrier of its
// members, the new side is silent until then and tells by hello when the partner uses its link.
namespace hotpair::ha::keeper {
namespace {

// The new master has spoken for longer than a short timeout and still hears no partner.
constexpr Duration kAnswerMax = lacp::kShortTimeoutTime + kOldLinkFalls;

// The partner learns of the lost carrier at the same time as this side; a LACPDU that it takes
// before that is judged against a system that still stands, and the next ones say nothing new.
constexpr Duration kPartnerNotices = std::chrono::milliseconds(50);

}  // namespace

bool Keeper::unlike_systems(const Scope& scope) const {
  const Session* session = session_of(scope);
  if (session == nullptr || !behind_trunk(scope)) return false;
  const auto& peer = session->machine.peer();
  return peer && peer->system_id != session->machine.config().system_id;
}

// Every trunk of the scope that has a partner; one at least.
bool Keeper::forwards(const Scope& scope) const {
  bool any = false;
  for (const auto& [id, trunk] : trunks_) {
    if (trunk.setup.scope != scope.config.scope) continue;
    const bool distributes = platform::gate::distributing_of(trunk.word) != 0;
    if (!distributes && trunk.machine.partner_heard()) return false;
    any = any || distributes;
  }
  return any && scope.role == Role::master;
}

// Links that have no carrier are left alone: an operator may hold them down.
void Keeper::drop_carrier(Scope& scope, TimePoint now) {
  CarrierHold hold{{}, now};
  for (const auto& [id, trunk] : trunks_) {
    if (trunk.setup.scope != scope.config.scope) continue;
    for (const lacp::MemberConfig& member : trunk.setup.lacp.members)
      if (const auto carrier = carriers_.find(member.device);
          carrier != carriers_.end() && carrier->second)
        hold.devices.push_back(member.device);
  }
  if (hold.devices.empty()) return;
  for (const std::string& device : hold.devices) effects_.push(HoldLink{device, true});
  tell(CarrierChanged{scope.config.scope, true, {}, hold.devices});
  scope.hold = std::move(hold);
}

void Keeper::give_carrier_back(Scope& scope, CarrierEnd end) {
  if (!scope.hold) return;
  for (const std::string& device : scope.hold->devices) effects_.push(HoldLink{device, false});
  tell(CarrierChanged{scope.config.scope, false, end, scope.hold->devices});
  scope.hold.reset();
}

void Keeper::watch_held(const std::string& device, bool up) {
  for (auto& [id, scope] : scopes_) {
    if (!scope.hold || std::ranges::find(scope.hold->devices, device) == scope.hold->devices.end())
      continue;
    if (!up)
      scope.hold->fell = true;
    else if (scope.hold->fell)
      give_carrier_back(scope, CarrierEnd::operator_up);
  }
}

std::optional<CarrierEnd> Keeper::end_of_hold(const Scope& scope, TimePoint now) const {
  const Session* session = session_of(scope);
  if (scope.role == Role::master) return CarrierEnd::taken_back;
  if (session == nullptr || !behind_trunk(scope)) return CarrierEnd::ended;
  const etrunk::EtrunkSession& machine = session->machine;
  if (!machine.peer_heard() || machine.peer()->control == ControlState::leaving)
    return CarrierEnd::peer_silent;
  const etrunk::ScopeReport* report = machine.peer_scope(scope.config.scope);
  const bool taken = report != nullptr && report->role == Role::master;
  if (taken && report->forwarding) return CarrierEnd::partner_moved;
  if (taken && !report->access_up && scope.hold->since + kAnswerMax <= now)
    return CarrierEnd::peer_lost_access;
  if (scope.hold->since + kCarrierHoldMax <= now) return CarrierEnd::timed_out;
  return std::nullopt;
}

void Keeper::check_silence_of_new(Scope& scope, TimePoint now) {
  if (!scope.speaks_by) return;
  const Session* session = session_of(scope);
  const bool takes = scope.opening || scope.role == Role::master;
  if (!takes || session == nullptr || !session->machine.peer_heard()) {
    scope.speaks_by.reset();
    return;
  }
  const etrunk::ScopeReport* report = session->machine.peer_scope(scope.config.scope);
  if (report == nullptr || !report->access_up)
    scope.speaks_by = std::min(*scope.speaks_by, now + kPartnerNotices);
  if (*scope.speaks_by <= now) scope.speaks_by.reset();
}

void Keeper::check_carriers(TimePoint now) {
  for (auto& [id, scope] : scopes_) {
    if (scope.hold)
      if (const auto end = end_of_hold(scope, now)) give_carrier_back(scope, *end);
    check_silence_of_new(scope, now);
  }
}

std::optional<TimePoint> Keeper::carrier_deadline(const Scope& scope) const {
  std::optional<TimePoint> due = scope.speaks_by;
  if (!scope.hold) return due;
  const Session* session = session_of(scope);
  const etrunk::ScopeReport* report =
      session == nullptr ? nullptr : session->machine.peer_scope(scope.config.scope);
  if (report != nullptr && report->role == Role::master && !report->access_up)
    due = earliest(due, scope.hold->since + kAnswerMax);
  return earliest(due, scope.hold->since + kCarrierHoldMax);
}

}  // namespace hotpair::ha::keeper
