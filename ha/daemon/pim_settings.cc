#include "ha/daemon/pim_settings.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "mcast/rp/rp_choice.h"

namespace hotpair::ha::daemon {
namespace {

using config::Config;
using std::chrono::milliseconds;
using std::chrono::seconds;

template <typename T>
std::vector<T> values_of(const std::vector<config::Setting<T>>& list) {
  std::vector<T> values;
  for (const auto& each : list) values.push_back(*each);
  return values;
}

mcast::rp::BsrConfig bsr_settings(const Config& config, Family family) {
  const config::PimModel& model = config.pim_of(family);
  mcast::rp::BsrConfig settings;
  settings.family = family;
  if (model.c_bsr) {
    mcast::rp::CandidateBsr candidate;
    candidate.hash_mask_length =
        model.c_bsr->hash_length.value_or(mcast::rp::default_hash_mask_length(family));
    candidate.priority = model.c_bsr->priority.value_or(candidate.priority);
    if (const auto address = config.address_of(model.c_bsr->address, family)) {
      candidate.address = *address;
      settings.candidate_bsrs.push_back(candidate);
    }
  }
  for (const auto& each : model.c_rps) {
    const auto address = config.address_of(each->address, family);
    if (!address) continue;  // refused by the check
    mcast::rp::CandidateRp candidate;
    candidate.address = *address;
    candidate.ranges = each->groups;
    candidate.priority = each->priority.value_or(candidate.priority);
    if (each->interval_s) {
      candidate.period = seconds(*each->interval_s);
      // RFC 5059 5: 2.5 advertisements.
      candidate.holdtime_s = static_cast<std::uint16_t>(std::min<std::uint32_t>(
          (*each->interval_s * 5U + 1U) / 2U, std::numeric_limits<std::uint16_t>::max()));
    }
    candidate.holdtime_s = each->holdtime_s.value_or(candidate.holdtime_s);
    settings.candidate_rps.push_back(std::move(candidate));
  }
  settings.bsr_filter = values_of(model.bsr_policy);
  settings.rp_filter = values_of(model.crp_policy);
  return settings;
}

mcast::rp::AutoRpConfig auto_rp_settings(const Config& config) {
  const config::PimModel& model = config.pim;
  mcast::rp::AutoRpConfig settings;
  settings.listen = *model.auto_rp_listening;
  if (model.auto_rp_discovery)
    settings.mapping_agent = config.address_of(*model.auto_rp_discovery, Family::ipv4);
  for (const auto& each : model.auto_rp_announce)
    if (const auto address = config.address_of(each->address, Family::ipv4))
      settings.announced.push_back({*address, each->groups, {}});
  return settings;
}

}  // namespace

node::PimSettings pim_settings(const Config& config, Family family) {
  const config::PimModel& model = config.pim_of(family);
  node::PimSettings settings;
  settings.rp_rules.embedded = *model.embedded_rp;
  settings.rp_rules.static_preferred = std::ranges::any_of(
      config.static_rps,
      [&](const auto& each) { return each.preferred && each.rp.family() == family; });
  settings.bsr = bsr_settings(config, family);
  if (family == Family::ipv4) settings.auto_rp = auto_rp_settings(config);
  settings.spt = {model.spt->infinity, model.spt->kbps};
  for (const auto& range : config.ssm_ranges)
    if (range->address.family() == family) settings.ssm_ranges.push_back(*range);
  settings.register_filter = values_of(model.register_policy);
  return settings;
}

std::optional<node::PimLinkSettings> pim_link_settings(const config::InterfaceModel& interface,
                                                       Family family, const Config& config) {
  const config::PimInterfaceModel& model = interface.pim_of(family);
  if (!*model.sm) return std::nullopt;
  const config::PimHelloModel hello = config::in_force(model.hello, config.pim_of(family).hello);
  node::PimLinkSettings settings;
  mcast::pim::LinkConfig& link = settings.link;
  link.dr_priority = *hello.dr_priority;
  link.hello_period = seconds(*hello.hello_s);
  if (hello.holdtime_s) link.holdtime = seconds(*hello.holdtime_s);
  link.propagation_delay = milliseconds(*hello.lan_delay_ms);
  link.override_interval = milliseconds(*hello.override_interval_ms);
  link.join_prune_period = seconds(*hello.join_prune_s);
  link.tracking = *hello.neighbor_tracking;
  link.neighbour_filter = values_of(model.neighbor_policy);
  settings.bsr_border = *model.bsr_boundary;
  return settings;
}

}  // namespace hotpair::ha::daemon
