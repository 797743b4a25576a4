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

/// Of the whole domain first, then of the administrative scopes.
std::vector<mcast::rp::CandidateBsr> candidate_bsrs(const config::PimModel& model, Family family,
                                                    const IpAddress& address) {
  mcast::rp::CandidateBsr whole{.zone = {}, .address = address};
  whole.hash_mask_length =
      model.c_bsr->hash_length.value_or(mcast::rp::default_hash_mask_length(family));
  whole.priority = model.c_bsr->priority.value_or(whole.priority);
  std::vector<mcast::rp::CandidateBsr> candidates{whole};
  if (!*model.admin_scope) return candidates;
  for (const auto& each : model.zone_bsrs) {
    mcast::rp::CandidateBsr& one = each->zone ? candidates.emplace_back(whole) : candidates.front();
    one.zone = each->zone;
    one.hash_mask_length = each->hash_length.value_or(whole.hash_mask_length);
    one.priority = each->priority.value_or(whole.priority);
  }
  return candidates;
}

mcast::rp::BsrConfig bsr_settings(const config::PimInstance& instance, const Config& config,
                                  Family family) {
  const config::PimModel& model = instance.pim_of(family);
  mcast::rp::BsrConfig settings;
  settings.family = family;
  if (model.c_bsr)
    if (const auto address = config.address_of(model.c_bsr->address, family))
      settings.candidate_bsrs = candidate_bsrs(model, family, *address);
  for (const auto& each : model.c_rps) {
    const auto address = config.address_of(each->address, family);
    if (!address) continue;  // refused by the check
    mcast::rp::CandidateRp candidate;
    candidate.address = *address;
    candidate.ranges = each->groups;
    candidate.bidir = each->bidir;
    candidate.in_every_zone = true;
    candidate.priority = each->priority.value_or(candidate.priority);
    if (each->interval_s) {
      candidate.period = seconds(*each->interval_s);
      // RFC 5059 5: 2.5 advertisements; but never less than 2.5 Bootstrap messages, which tell it.
      candidate.holdtime_s = static_cast<std::uint16_t>(std::clamp<std::uint32_t>(
          (*each->interval_s * 5U + 1U) / 2U, mcast::rp::kCandidateRpHoldtime_s,
          std::numeric_limits<std::uint16_t>::max()));
    }
    candidate.holdtime_s = each->holdtime_s.value_or(candidate.holdtime_s);
    settings.candidate_rps.push_back(std::move(candidate));
  }
  settings.bsr_filter = values_of(model.bsr_policy);
  settings.rp_filter = values_of(model.crp_policy);
  return settings;
}

/// Three messages, as the default times have it.
std::uint16_t auto_rp_holdtime_s(std::uint16_t interval_s) {
  return static_cast<std::uint16_t>(
      std::min<std::uint32_t>(interval_s * 3U, std::numeric_limits<std::uint16_t>::max()));
}

mcast::rp::AutoRpConfig auto_rp_settings(const config::PimModel& model, const Config& config) {
  mcast::rp::AutoRpConfig settings;
  settings.listen = *model.auto_rp_listening;
  if (const auto& discovery = model.auto_rp_discovery) {
    settings.mapping_agent = config.address_of(discovery->address, Family::ipv4);
    settings.agent_ttl = discovery->scope.value_or(settings.agent_ttl);
    if (discovery->interval_s) {
      settings.period = seconds(*discovery->interval_s);
      settings.holdtime_s = auto_rp_holdtime_s(*discovery->interval_s);
    }
  }
  for (const auto& each : model.auto_rp_announce) {
    const auto address = config.address_of(each->address, Family::ipv4);
    if (!address) continue;  // refused by the check
    mcast::rp::AnnouncedRp announced{*address, each->groups, {}};
    announced.ttl = each->scope.value_or(announced.ttl);
    if (each->interval_s) {
      announced.period = seconds(*each->interval_s);
      announced.holdtime_s = auto_rp_holdtime_s(*each->interval_s);
    }
    settings.announced.push_back(std::move(announced));
  }
  return settings;
}

}  // namespace

node::PimSettings pim_settings(const config::PimInstance& instance, const Config& config,
                               Family family) {
  const config::PimModel& model = instance.pim_of(family);
  node::PimSettings settings;
  settings.rp_rules.embedded = *model.embedded_rp;
  settings.rp_rules.static_preferred = std::ranges::any_of(
      instance.static_rps,
      [&](const auto& each) { return each.preferred && each.rp.family() == family; });
  settings.bsr = bsr_settings(instance, config, family);
  settings.auto_rp = auto_rp_settings(model, config);
  settings.spt = {model.spt->infinity, model.spt->kbps};
  for (const auto& range : instance.ssm_ranges)
    if (range->address.family() == family) settings.ssm_ranges.push_back(*range);
  settings.register_filter = values_of(model.register_policy);
  return settings;
}

std::optional<node::PimLinkSettings> pim_link_settings(const config::InterfaceModel& interface,
                                                       Family family, const Config& config) {
  const config::PimInterfaceModel& model = interface.pim_of(family);
  if (!*model.sm) return std::nullopt;
  const config::PimModel& view = config.instance_of(interface).pim_of(family);
  const config::PimHelloModel hello = config::in_force(model.hello, view.hello);
  node::PimLinkSettings settings;
  mcast::pim::LinkConfig& link = settings.link;
  link.dr_priority = *hello.dr_priority;
  link.hello_period = seconds(*hello.hello_s);
  if (hello.holdtime_s) link.holdtime = seconds(*hello.holdtime_s);
  link.propagation_delay = milliseconds(*hello.lan_delay_ms);
  link.override_interval = milliseconds(*hello.override_interval_ms);
  link.join_prune_period = seconds(*hello.join_prune_s);
  link.tracking = *hello.neighbor_tracking;
  link.bidir = family == Family::ipv4 && *view.bidir;
  link.neighbour_filter = values_of(model.neighbor_policy);
  link.silent = *model.silent;
  link.require_genid = *model.require_genid;
  for (const auto& each : model.join_policy)
    link.join_policy.push_back({each->groups, each->sources});
  settings.bsr_border = *model.bsr_boundary;
  if (*model.bfd.enabled)
    settings.bfd = node::PimBfd{*model.bfd.min_tx_ms * 1000, *model.bfd.min_rx_ms * 1000,
                                *model.bfd.multiplier};
  return settings;
}

}  // namespace hotpair::ha::daemon
