#include "platform/base/ids.h"

#include <fmt/format.h>

namespace hotpair {

std::string to_string(const Term& term) {
  return fmt::format("{}.{:04x}", term.counter, term.node.value() >> 48U);
}

std::string to_string(const Epoch& epoch) {
  return fmt::format("{}/{}", to_string(epoch.term), epoch.restarts);
}

}  // namespace hotpair
