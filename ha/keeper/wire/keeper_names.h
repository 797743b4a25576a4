#pragma once

#include <string_view>

#include "ha/keeper/wire/keeper_protocol.h"

/// Words for what travels as numbers, the same in logs and displays of both processes.
namespace hotpair::ha::keeper {

/// "all paths down", "handover", …
[[nodiscard]] std::string_view name_of(Cause cause);
/// "init", "backup", "master".
[[nodiscard]] std::string_view name_of(Role role);

}  // namespace hotpair::ha::keeper
