#include "platform/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace hotpair {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "HA-BASE-0001 broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace hotpair
