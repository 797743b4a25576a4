#pragma once

#include <string>
#include <string_view>

#include "ha/config/config_model.h"
#include "ha/config/diagnostic.h"
#include "ha/config/ports.h"

namespace hotpair::ha::config {

/// What FRR 8.4 or later is to do for a configuration.
struct FrrOutcome {
  std::string text;          ///< an integrated frr.conf
  Diagnostics untranslated;  ///< one warning per line without a counterpart; comments of `text` too
};

/// Writes the unicast routing of a configuration (sections `ospf`, `ospfv3`, `isis`, static routes,
/// and lines of interfaces that belong to them) for FRR, with Linux devices in place of interface
/// names. Addresses and multicast stay with hotpair. `file` is only the name in messages.
[[nodiscard]] FrrOutcome render_frr(const Config& config, const PortMap& ports,
                                    std::string_view file);

}  // namespace hotpair::ha::config
