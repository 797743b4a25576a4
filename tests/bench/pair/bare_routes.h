#pragma once

#include <cstdint>

namespace hotpair::bench {

/// Milliseconds that bare rtnetlink takes for that many IPv4 multicast routes, (*,G) or (S,G), in
/// messages encoded beforehand, 512 to a send. Moves this process into a network namespace of its
/// own.
[[nodiscard]] double bare_routes(std::uint32_t count, bool any_source);

}  // namespace hotpair::bench
