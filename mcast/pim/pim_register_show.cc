#include "mcast/pim/pim_register_show.h"

#include "mcast/pim/pim_register.h"
#include "mcast/pim/pim_register_rp.h"

namespace hotpair::mcast::pim {
namespace {

bool matches(const RegisterFilter& filter, const RegisterKey& key) {
  return (!filter.vrf || *filter.vrf == key.vrf) && (!filter.group || *filter.group == key.group);
}

}  // namespace

std::string_view to_string(RegisterState state) {
  switch (state) {
    case RegisterState::join:
      return "join";
    case RegisterState::join_pending:
      return "join-pending";
    case RegisterState::prune:
      return "prune";
  }
  return "unknown";
}

std::string_view to_string(RegisterIgnored reason) {
  switch (reason) {
    case RegisterIgnored::data_no_state:
      return "data of a source that is not registered";
    case RegisterIgnored::data_not_joined:
      return "data while the tunnel is pruned";
    case RegisterIgnored::data_malformed:
      return "malformed data";
    case RegisterIgnored::data_ttl:
      return "data at the end of its TTL";
    case RegisterIgnored::data_rate:
      return "data above the rate limit";
    case RegisterIgnored::data_too_large:
      return "data too large for a Register";
    case RegisterIgnored::data_beyond_mtu:
      return "data beyond the MTU of the tunnel";
    case RegisterIgnored::stop_no_state:
      return "Register-Stop of a source that is not registered";
    case RegisterIgnored::stop_wrong_sender:
      return "Register-Stop not from the RP";
    case RegisterIgnored::stop_no_row:
      return "Register-Stop while pruned";
    case RegisterIgnored::not_registrable:
      return "group or source that cannot be registered";
    case RegisterIgnored::entries_max:
      return "more sources than the limit";
    case RegisterIgnored::bad_record:
      return "bad record";
    case RegisterIgnored::count_:
      break;
  }
  return "unknown";
}

std::string_view to_string(RegisterRefused reason) {
  switch (reason) {
    case RegisterRefused::bad_address:
      return "bad address";
    case RegisterRefused::not_routable:
      return "source-specific or link-local group";
    case RegisterRefused::filtered:
      return "source not permitted";
    case RegisterRefused::rp_unknown:
      return "group without RP";
    case RegisterRefused::not_rp:
      return "not the RP of the group";
    case RegisterRefused::count_:
      break;
  }
  return "unknown";
}

RegisterTunnelModel RegisterTunnels::show(const RegisterFilter& filter, TimePoint now) const {
  RegisterTunnelModel model;
  for (const auto& [key, entry] : entries_) {
    if (!matches(filter, key)) continue;
    if (++model.rows_total > filter.rows_max) continue;
    RegisterTunnelRow row{.key = key,
                          .state = entry.value.state,
                          .rp = entry.value.rp,
                          .remembered = !entry.confirmed,
                          .timer = {},
                          .packets = entry.packets,
                          .dropped = entry.dropped};
    if (entry.timer) row.timer = std::max(*entry.timer - now, Duration::zero());
    model.rows.push_back(std::move(row));
  }
  return model;
}

RegisterSourceModel RegisterReceiver::show(const RegisterFilter& filter, TimePoint now) const {
  RegisterSourceModel model;
  for (const auto& [key, entry] : entries_) {
    if (!matches(filter, key.source)) continue;
    if (++model.rows_total > filter.rows_max) continue;
    model.rows.push_back({.key = key.source,
                          .dr = key.dr,
                          .registers = entry.registers,
                          .null_registers = entry.null_registers,
                          .stops = entry.stops,
                          .since = std::max(now - entry.heard_at, Duration::zero())});
  }
  return model;
}

}  // namespace hotpair::mcast::pim
