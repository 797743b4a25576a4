#pragma once

#include <cstdint>
#include <string>

#include "platform/base/time.h"

namespace hotpair::ha::node {

/// How near the end of a certificate is; each stage has its alarm.
enum class ExpiryStage : std::uint8_t { good, month, week, day, expired };

/// 30, 7 and 1 days before the end, and after it.
[[nodiscard]] ExpiryStage expiry_stage(WallTime not_after, WallTime now);
/// "2026-11-21 08:00 UTC"
[[nodiscard]] std::string date_text(WallTime time);

}  // namespace hotpair::ha::node
