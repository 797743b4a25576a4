#pragma once

#include <cstdint>
#include <string_view>

#include "platform/base/ids.h"
#include "platform/base/result.h"

namespace hotpair::platform::kernel {

/// Priority of our filters: 1 runs before any filter of somebody else.
inline constexpr std::uint32_t kFilterPriority = 1;
/// Handles tell our filters apart on one interface.
inline constexpr std::uint32_t kGateFilterHandle = 0x6870;
inline constexpr std::uint32_t kTrunkFilterHandle = 0x6871;

enum class Direction : std::uint8_t { ingress, egress };

/// A clsact filter of ours on an interface. It is no link: it outlives every process.
struct ClsactFilter {
  Ifindex interface;
  Direction direction = Direction::ingress;
  std::uint32_t handle = 0;
  std::string_view what;  ///< "gate", "Eth-Trunk": for errors
};

/// Attaches a loaded program, making clsact if need be; a filter of the same handle is replaced in
/// place, without a packet between the two.
[[nodiscard]] Result<void> attach_filter(const ClsactFilter& filter, int program_fd);
/// Fine when there is no such filter, no clsact or no interface. clsact itself stays: it may carry
/// filters of others.
[[nodiscard]] Result<void> detach_filter(const ClsactFilter& filter);

}  // namespace hotpair::platform::kernel
