#pragma once

#include "platform/base/result.h"
#include "platform/probe/options.h"
#include "platform/probe/probe_report.h"

namespace hotpair::platform::probe {

/// Joins and listens until the duration is over, the senders have ended (`until_end`) or SIGINT or
/// SIGTERM comes, then says what arrived.
[[nodiscard]] Result<ReceiveReport> run_receiver(const ReceiveOptions& options);

}  // namespace hotpair::platform::probe
