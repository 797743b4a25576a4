#include <algorithm>

#include "ha/keeper/core/keeper.h"
#include "platform/gate/trunk_words.h"

// Eth-Trunks: LACP follows the gate of the trunk's scope in the same step. Design sections 4, 7, 8.
namespace hotpair::ha::keeper {

namespace gate = platform::gate;

void Keeper::configure_trunks(TimePoint now) {
  const auto wanted_with = [&](lacp::TrunkId id, std::uint32_t slot) {
    return std::any_of(config_.trunks.begin(), config_.trunks.end(), [&](const TrunkSetup& wanted) {
      return wanted.lacp.id == id && wanted.slot == slot;
    });
  };
  for (auto it = trunks_.begin(); it != trunks_.end();) {
    const bool kept = wanted_with(it->first, it->second.setup.slot);
    if (!kept) effects_.push(StoreTrunk{it->second.setup.slot, gate::kTrunkClosed});
    it = kept ? std::next(it) : trunks_.erase(it);
  }
  for (const TrunkSetup& wanted : config_.trunks) {
    const auto it = trunks_.find(wanted.lacp.id);
    if (it == trunks_.end()) {
      add_trunk(wanted, now);
    } else {
      const bool same = it->second.setup.lacp == wanted.lacp;
      it->second.setup = wanted;
      if (!same) it->second.machine.reconfigure(wanted.lacp, now);
    }
  }
  resumed_.clear();
  follow_gates(now);
  for (const auto& [device, up] : carriers_) set_carrier(device, up, now);
}

void Keeper::handle(const ResumeTrunks& message, TimePoint /*now*/) {
  if (trunks_.empty()) resumed_ = message.members;
}

// A trunk whose keeper was lost a moment ago goes on: its word stays as that one left it, LACP says
// what it last said, and Sync waits for what becomes of the gate, whose lease goes on as well.
void Keeper::add_trunk(const TrunkSetup& wanted, TimePoint now) {
  const auto of_trunk = [&](const ResumedMember& each) { return each.trunk == wanted.lacp.id; };
  const bool resumed = wanted.scope && wanted.mode == TrunkMode::automatic &&
                       std::any_of(resumed_.begin(), resumed_.end(), of_trunk);
  const auto place = trunks_.emplace(
      wanted.lacp.id, Trunk{wanted, lacp::LacpTrunk(wanted.lacp, resumed, now), 0, {}, true, {}});
  if (!resumed) {
    effects_.push(StoreTrunk{wanted.slot, gate::kTrunkClosed});
    return;
  }
  Trunk& trunk = place.first->second;
  trunk.resumed_until = now + kResumedMax;
  for (const ResumedMember& each : resumed_)
    if (of_trunk(each)) trunk.machine.resume(each.member, each.partner, now);
}

// Over when the gate is open, when this node turns out not to be master, or by its time.
void Keeper::end_resumption(Trunk& trunk, TimePoint now) {
  if (!trunk.resumed_until) return;
  const auto scope = scopes_.find(*trunk.setup.scope);
  const bool known = scope != scopes_.end() && scope->second.known;
  const bool settled = known && (scope->second.role != Role::master ||
                                 scope->second.gate == Gate::open ||
                                 scope->second.gate == Gate::leased);
  if (settled || *trunk.resumed_until <= now) trunk.resumed_until.reset();
}

bool Keeper::may_sync(const Trunk& trunk) const {
  if (leaving_ == Leaving::gone || trunk.setup.mode == TrunkMode::force_backup) return false;
  if (!trunk.setup.scope || trunk.resumed_until) return true;
  const auto scope = scopes_.find(*trunk.setup.scope);
  return scope != scopes_.end() && (scope->second.gate == Gate::open ||
                                    scope->second.gate == Gate::leased || scope->second.old_link);
}

bool Keeper::behind_trunk(const Scope& scope) const {
  return std::any_of(trunks_.begin(), trunks_.end(), [&](const auto& each) {
    return each.second.setup.scope == scope.config.scope;
  });
}

bool Keeper::partner_collects(const Scope& scope) const {
  return std::any_of(trunks_.begin(), trunks_.end(), [&](const auto& each) {
    return each.second.setup.scope == scope.config.scope && each.second.machine.distributing() != 0;
  });
}

// The members that frames go out on. The new side of a handover only collects until the old one has
// committed. Where no partner says that it collects, Sync of both ends has to do, as in the Mux
// machine with coupled control (IEEE 802.1AX 6.4.15): Linux's bond has that one, and says
// Collecting up to 200 ms after it began to. A takeover has no time for that, and nothing to lose.
std::uint32_t Keeper::sends_on(const Trunk& trunk) const {
  if (!trunk.setup.scope) return trunk.machine.distributing();
  const auto scope = scopes_.find(*trunk.setup.scope);
  if (scope != scopes_.end() && scope->second.opening) return 0;
  const std::uint32_t told = trunk.machine.distributing();
  return told != 0 ? told : trunk.machine.collecting();
}

void Keeper::follow_gates(TimePoint now) {
  for (auto& [id, trunk] : trunks_) {
    end_resumption(trunk, now);
    const bool silent = must_be_silent(trunk);
    if (!silent) trunk.machine.set_silent(false, now);
    trunk.machine.set_sync_allowed(may_sync(trunk), now);
    pump(trunk, now);
    trunk.machine.set_silent(silent, now);  // Sync = 0 is still said
  }
}

// With system ids that differ the partner takes the two nodes for two systems, attaches the one
// that it hears first and keeps it while that speaks, in sync or not: the backup must not be it.
bool Keeper::must_be_silent(const Trunk& trunk) const {
  if (!trunk.setup.scope) return false;
  const auto scope = scopes_.find(*trunk.setup.scope);
  if (scope != scopes_.end() && scope->second.speaks_by) return true;
  if (may_sync(trunk)) return false;
  const Session* session = scope == scopes_.end() ? nullptr : session_of(scope->second);
  if (session == nullptr) return false;
  const auto& peer = session->machine.peer();
  return !peer || peer->system_id != session->machine.config().system_id;
}

void Keeper::set_carrier(const std::string& device, bool up, TimePoint now) {
  for (auto& [id, trunk] : trunks_) {
    for (const lacp::MemberConfig& member : trunk.setup.lacp.members) {
      if (member.device != device) continue;
      trunk.machine.set_enabled(member.index, up, now);
      pump(trunk, now);
    }
  }
}

void Keeper::on_lacpdu(const std::string& device, ByteSpan payload, TimePoint now) {
  begin(now);
  for (auto& [id, trunk] : trunks_) {
    for (const lacp::MemberConfig& member : trunk.setup.lacp.members) {
      if (member.device != device || leaving_ == Leaving::gone) continue;
      trunk.machine.on_pdu(member.index, payload, now);
      pump(trunk, now);
    }
  }
  for (auto& [id, scope] : scopes_) refresh_access(scope);
  check_admitted(now);
  finish(now);
}

void Keeper::on_lacpdu_failed(const std::string& device) {
  for (auto& [id, trunk] : trunks_)
    for (const lacp::MemberConfig& member : trunk.setup.lacp.members)
      if (member.device == device) trunk.machine.on_send_failed(member.index);
}

void Keeper::check_trunks(TimePoint now) {
  for (auto& [id, trunk] : trunks_) {
    trunk.machine.on_timeout(now);
    if (trunk.hold_until && *trunk.hold_until <= now && trunk.setup.scope)
      if (Scope* scope = find(*trunk.setup.scope); scope != nullptr && scope->old_link) {
        end_old_link(*scope);
        follow_gates(now);
      }
    if (trunk.hold_until && *trunk.hold_until <= now) {
      trunk.hold_until.reset();
      store(trunk, now);
    }
    pump(trunk, now);
  }
  for (auto& [id, scope] : scopes_) refresh_access(scope);
}

// A member is named by its index in the machine and by its device outside.
void Keeper::pump(Trunk& trunk, TimePoint now) {
  while (auto effect = trunk.machine.poll_effect()) {
    if (auto* send = std::get_if<lacp::SendPdu>(&*effect)) {
      for (const lacp::MemberConfig& member : trunk.setup.lacp.members)
        if (member.index == send->member)
          effects_.push(SendLacpdu{member.device, std::move(send->bytes)});
    } else if (std::holds_alternative<lacp::MasksChanged>(*effect)) {
      trunk.changed = true;
      store(trunk, now);
    } else if (std::holds_alternative<lacp::PartnerChanged>(*effect)) {
      trunk.changed = true;
    }
  }
}

// A hold keeps what was open; what opens is stored at once and ends it.
void Keeper::store(Trunk& trunk, TimePoint now) {
  const std::uint64_t word = gate::make_trunk_word(trunk.machine.collecting(), sends_on(trunk));
  if (word == trunk.word) return;
  const bool only_closes = (word & ~trunk.word) == 0;
  if (trunk.hold_until && only_closes && *trunk.hold_until > now) return;
  trunk.hold_until.reset();
  trunk.word = word;
  effects_.push(StoreTrunk{trunk.setup.slot, word});
}

void Keeper::tell_trunks() {
  for (auto& [id, trunk] : trunks_) {
    if (!std::exchange(trunk.changed, false)) continue;
    tell(TrunkChanged{id, trunk.machine.sync_allowed(), trunk.machine.partner_heard(),
                      trunk.machine.collecting(), trunk.machine.distributing()});
  }
}

// The commit point of a handover. On a shared LAN the gate closes. Behind a trunk this side goes on
// until the new one says that it distributes, so that nothing falls between the two; what the
// partner still sends here is forwarded for as long as it may need to move.
void Keeper::close_after_partner_moved(Scope& scope, TimePoint now) {
  TimePoint end = now + kPartnerMoves;
  if (scope.offered) end = std::min(end, scope.offer_ends - kHandoverOfferMax + kTwoGatesMax);
  for (auto& [id, trunk] : trunks_) {
    if (trunk.setup.scope != scope.config.scope || trunk.word == gate::kTrunkClosed) continue;
    scope.old_link = true;
    trunk.hold_until = end;
  }
  if (!scope.old_link || scope.gate != Gate::leased) {
    apply_posture(scope, GatePosture::closed, now);
    return;
  }
  scope.posture = GatePosture::closed;
  scope.gate = Gate::closed;
  store(scope, static_cast<std::uint64_t>(end.time_since_epoch().count()));
}

// Sync = 0 follows in this step, by follow_gates(). The partner needs up to 15 ms to drop this link
// (seen with Open vSwitch): what would be sent here until then is doubled, so nothing is.
void Keeper::end_old_link(Scope& scope) {
  if (!std::exchange(scope.old_link, false)) return;
  for (auto& [id, trunk] : trunks_) {
    if (trunk.setup.scope != scope.config.scope || gate::distributing_of(trunk.word) == 0) continue;
    trunk.word = gate::make_trunk_word(gate::collecting_of(trunk.word), 0);
    effects_.push(StoreTrunk{trunk.setup.slot, trunk.word});
  }
}

// nullopt: no trunk is bound to the scope.
std::optional<bool> Keeper::trunk_access(const Scope& scope) const {
  std::optional<bool> access;
  for (const auto& [id, trunk] : trunks_) {
    if (trunk.setup.scope != scope.config.scope) continue;
    const bool usable = trunk.setup.mode != TrunkMode::force_backup && trunk.machine.has_access();
    access = access.value_or(false) || usable;
  }
  return access;
}

std::optional<TimePoint> Keeper::trunk_deadline() const {
  std::optional<TimePoint> due;
  for (const auto& [id, trunk] : trunks_) {
    due = earliest(due, trunk.hold_until);
    due = earliest(due, trunk.resumed_until);
    due = earliest(due, trunk.machine.next_deadline());
  }
  return due;
}

std::vector<StoreTrunk> Keeper::trunk_words() const {
  std::vector<StoreTrunk> words;
  for (const auto& [id, trunk] : trunks_) words.push_back({trunk.setup.slot, trunk.word});
  return words;
}

TrunkStatus Keeper::status_of(const Trunk& trunk, TimePoint now) const {
  return {trunk.machine.show(now), trunk.setup.slot, trunk.word};
}

}  // namespace hotpair::ha::keeper
