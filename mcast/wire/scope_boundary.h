#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "platform/base/address.h"

namespace hotpair::mcast::wire {

/// Administrative scopes that end at a link (RFC 2365 3, RFC 4007 5): nothing of their groups, be
/// it packets, joins or bootstrap messages, passes it in either direction.
struct ScopeBoundary {
  std::vector<IpPrefix> ranges;
  std::uint8_t ipv6_scope =
      0;  ///< this scope (RFC 7346 2) ends here, and every smaller one; 0: none

  [[nodiscard]] bool empty() const { return ranges.empty() && ipv6_scope == 0; }
  [[nodiscard]] bool contains(const IpAddress& group) const {
    if (ipv6_scope != 0 && group.is_v6() && group.is_multicast() && scope_of(group) <= ipv6_scope)
      return true;
    return std::ranges::any_of(ranges,
                               [&](const IpPrefix& range) { return range.contains(group); });
  }
  friend bool operator==(const ScopeBoundary&, const ScopeBoundary&) = default;

 private:
  static std::uint8_t scope_of(const IpAddress& group) {
    return std::to_integer<std::uint8_t>(group.bytes()[1] & std::byte{0x0f});
  }
};

}  // namespace hotpair::mcast::wire
