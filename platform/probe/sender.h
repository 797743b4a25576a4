#pragma once

#include "platform/base/result.h"
#include "platform/probe/options.h"
#include "platform/probe/probe_report.h"

namespace hotpair::platform::probe {

/// Sends until the duration is over or SIGINT or SIGTERM comes, then says what was sent.
[[nodiscard]] Result<SendReport> run_sender(const SendOptions& options);

}  // namespace hotpair::platform::probe
