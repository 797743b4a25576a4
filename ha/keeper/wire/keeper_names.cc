#include "ha/keeper/wire/keeper_names.h"

namespace hotpair::ha::keeper {

std::string_view name_of(Cause cause) {
  switch (cause) {
    case Cause::none:
      return "none";
    case Cause::paths_down:
      return "all paths down";
    case Cause::peer_access_lost:
      return "peer access lost";
    case Cause::peer_control_dead:
      return "peer control dead";
    case Cause::peer_leaving:
      return "peer leaving";
    case Cause::election:
      return "election";
    case Cause::handover:
      return "handover";
    case Cause::larger_term:
      return "larger term";
    case Cause::alone:
      return "alone";
    case Cause::lease_expired:
      return "lease expired";
  }
  return "unknown";
}

std::string_view name_of(Role role) {
  switch (role) {
    case Role::init:
      return "init";
    case Role::backup:
      return "backup";
    case Role::master:
      return "master";
  }
  return "unknown";
}

}  // namespace hotpair::ha::keeper
