#include <fmt/format.h>

#include <utility>

#include "ha/node/node.h"
#include "ha/node/node_log.h"
#include "ha/node/node_messages.h"

// Two LACP system ids on one access device: what a forced switchover costs, told on both sides.
namespace hotpair::ha::node {
namespace {

std::int64_t milliseconds_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string subject_of(const Scope& scope) { return fmt::format("scope {}", scope.id.value()); }

}  // namespace

/// As the old side: the operator's switchover ends when the carrier is given back.
void Node::handle(const keeper::CarrierChanged& message, TimePoint now) {
  Scope* scope = find(message.scope);
  if (scope == nullptr) return;
  if (message.held) {
    scope->carrier_held = now;
    raise(kCarrierHeld, subject_of(*scope), now, scope->id.value(), joined(message.devices));
    return;
  }
  clear(kCarrierHeld, subject_of(*scope));
  const auto since = std::exchange(scope->carrier_held, std::nullopt);
  if (!since) return;
  const std::string why = switchover::to_string(message.end);
  const auto ms = milliseconds_of(now - *since);
  log(kCarrierGivenBack, scope->id.value(), joined(message.devices), ms, why);
  if (scope->role.role() != role::Role::master) {
    phase(*scope, "carrier given back", now);
    history_.set_remark(scope->story,
                        fmt::format("the LACP system ids differ: {} after {} ms", why, ms));
  }
  const std::string text = fmt::format("backup-id {} was handed over in term {}; {} after {} ms",
                                       scope->id.value(), to_string(scope->role.term()), why, ms);
  if (message.end == keeper::CarrierEnd::partner_moved)
    end_ticket(*scope, text, std::nullopt);
  else
    end_ticket(*scope, {}, Error{ErrorCode::timeout, text});
}

void Node::forget_held_carriers() {
  for (const auto& [id, scope] : scopes_) {
    if (!scope->carrier_held) continue;
    scope->carrier_held.reset();
    clear(kCarrierHeld, subject_of(*scope));
    end_ticket(*scope, {},
               Error{ErrorCode::unavailable,
                     "the keeper was lost; the next one gives the carrier of the links back"});
  }
}

/// As the new master: the partner collects what this node sends.
void Node::note_forwarding(const TrunkSettings& trunk, TimePoint now) {
  Scope* scope = trunk.scope ? find(*trunk.scope) : nullptr;
  if (scope == nullptr || !std::exchange(scope->awaits_partner, false)) return;
  phase(*scope, "access device moved", now);
  history_.set_remark(scope->story,
                      fmt::format("the LACP system ids differ: the access device moved after {} ms",
                                  milliseconds_of(now - scope->story_began)));
}

}  // namespace hotpair::ha::node
