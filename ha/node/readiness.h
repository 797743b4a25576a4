#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ha/etrunk/etrunk_types.h"
#include "platform/base/ids.h"
#include "rbs/session/session_frames.h"

/// What stands in the way of a planned switchover. Design section 8.
namespace hotpair::ha::node {

/// One thing that is not as a switchover without loss needs it.
struct Finding {
  std::string what;         ///< "unacknowledged records", "copy of the peer incomplete", …
  std::uint64_t count = 0;  ///< how many of it; 0 where it is not counted
  bool blocks = true;       ///< false: told, but no reason to refuse
  bool forceable = true;    ///< `force` goes on in spite of it
};

/// One scope as this node sees it, and what the peer's hellos say of it.
struct Readiness {
  ScopeId scope;
  std::string profile;
  etrunk::Role role = etrunk::Role::init;
  std::optional<etrunk::ScopeReport> peer;  ///< nothing while no peer is heard
  etrunk::ControlState peer_control = etrunk::ControlState::running;
  std::vector<Finding> findings;
  /// As master: how the routes of the backup stand, as it says; nothing: unknown.
  std::optional<rbs::session::RouteStanding> peer_routes = std::nullopt;

  [[nodiscard]] bool ready() const;
  /// The blocking findings in words, separated by "; ". With `force` those alone that stay.
  [[nodiscard]] std::string blockers(bool force = false) const;
};

}  // namespace hotpair::ha::node
