#pragma once

namespace hotpair {

/// Prints the broken invariant and aborts, so that the standby takes over.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace hotpair

/// A broken invariant of our own; on in release. Never for bytes from the wire, disk or peer: the
/// same bytes would end both routers.
#define HA_ASSERT(expression)          \
  ((expression) ? static_cast<void>(0) \
                : ::hotpair::assertion_failed(#expression, __FILE__, __LINE__))
