#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "ha/etrunk/etrunk_types.h"
#include "ha/keeper/wire/keeper_protocol.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// Mastership of one scope. Design section 7.
namespace hotpair::ha::role {

using etrunk::Role;
using keeper::Cause;

/// What the E-Trunk and the node give one scope's machine.
struct RoleConfig {
  ScopeId scope;
  NodeId node;
  etrunk::EtrunkId etrunk;
  std::uint8_t rank = 100;
  bool lowered = false;  ///< tracking made the rank worse than the priority: no delay to hand over
  etrunk::PriorityOrder order = etrunk::PriorityOrder::larger;
  MacAddress system_id;
  IpAddress source;
  Duration revert_delay = std::chrono::seconds(120);
  friend bool operator==(const RoleConfig&, const RoleConfig&) = default;
};

/// Tell the keeper.
using ToKeeper = std::variant<keeper::SetScope, keeper::Arm, keeper::Disarm>;

/// Make the store remember, durably, before the term is used.
struct ReserveTerm {
  ScopeId scope;
  std::uint64_t counter = 0;
};
/// The scope has this role and term now, by the keeper's word.
struct RoleChanged {
  ScopeId scope;
  Role from = Role::init;
  Role role = Role::init;
  Term term;
  Cause cause = Cause::none;
  /// Nothing changed hands: the keeper held it while the daemon was away.
  bool kept = false;
};
/// The better node is back and in sync, and the revert delay is over: hand over as planned.
struct RevertWanted {
  ScopeId scope;
};
/// The two ends differ in what must be equal; raised and cleared.
struct ConventionConflict {
  ScopeId scope;
  bool raised = false;
};

using Effect = std::variant<ToKeeper, ReserveTerm, RoleChanged, RevertWanted, ConventionConflict>;

}  // namespace hotpair::ha::role
