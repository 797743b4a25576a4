#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/result.h"

namespace hotpair::platform::probe {

/// More groups than this are refused: a typing error in a range must not eat the machine.
inline constexpr std::uint32_t groups_max = 65536;

/// Groups of one list, in the order written: `239.1.1.1`, `239.1.1.1-239.1.1.200` (both ends
/// belong), `239.1.1.1+200` (200 groups from there), joined by commas. One family only, no group
/// twice.
[[nodiscard]] Result<std::vector<Group>> parse_groups(std::string_view text);

/// Unicast addresses joined by commas, all of `family`.
[[nodiscard]] Result<std::vector<IpAddress>> parse_sources(std::string_view text, Family family);

}  // namespace hotpair::platform::probe
