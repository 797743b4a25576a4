#pragma once

#include <cstdint>
#include <string>

#include "platform/base/result.h"
#include "platform/base/time.h"

namespace hotpair::platform::io {

/// CLOCK_MONOTONIC, the time base of every timer and of the gate words.
[[nodiscard]] TimePoint now();
/// CLOCK_BOOTTIME: as now(), but it also runs while the machine sleeps.
[[nodiscard]] TimePoint boot_now();
/// UTC, for displays and logs only.
[[nodiscard]] WallTime wall_now();
/// The kernel's id of this boot, 36 characters.
[[nodiscard]] Result<std::string> read_boot_id();
/// 64 bits from the kernel's random source.
[[nodiscard]] std::uint64_t random_u64();

}  // namespace hotpair::platform::io
