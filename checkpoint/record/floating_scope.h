#pragma once

#include "platform/base/ids.h"

namespace hotpair {

/// The scope of interfaces with `pim identity floating`: mirrored as that of an RBP is, and above
/// every backup-id. Scope 0, the node's own journal, stays where it is: in it are also interfaces
/// that do not float.
inline constexpr ScopeId kFloatingPair{65536};

}  // namespace hotpair
