#pragma once

#include <string>

#include "checkpoint/record/floating_scope.h"

namespace hotpair::ha::node {

using hotpair::kFloatingPair;

/// How operators call it: "backup-id 10", "floating pair".
[[nodiscard]] inline std::string scope_in_words(ScopeId scope) {
  return scope == kFloatingPair ? "floating pair" : "backup-id " + std::to_string(scope.value());
}

}  // namespace hotpair::ha::node
