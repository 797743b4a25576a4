#include "ha/daemon/mcac_settings.h"

namespace hotpair::ha::daemon {
namespace {

namespace mrib = mcast::mrib;

mrib::ChannelRange range_of(const config::ChannelRangeModel& model) {
  return {model.groups, model.sources};
}

mrib::LimitKind kind_of(config::LimitDirection direction) {
  switch (direction) {
    case config::LimitDirection::connected:
      return mrib::LimitKind::connected;
    case config::LimitDirection::rpf:
      return mrib::LimitKind::rpf;
    case config::LimitDirection::out:
      return mrib::LimitKind::out;
    case config::LimitDirection::both:
      break;
  }
  return mrib::LimitKind::both;
}

}  // namespace

mrib::AdmissionSettings admission_settings(const config::Config& config, Family family) {
  mrib::AdmissionSettings settings;
  for (const auto& each : config.multicast_costs)
    if (each->channels.groups.address.family() == family)
      settings.costs.push_back({range_of(each->channels), each->cost});
  settings.denials_per_s =
      family == Family::ipv4 ? *config.multicast_limit_rate : *config.multicast_limit_rate_ipv6;
  return settings;
}

std::vector<mrib::Limit> limit_settings(const config::InterfaceModel& interface, Family family) {
  std::vector<mrib::Limit> limits;
  for (const auto& each : interface.multicast_limits)
    if (each->channels.groups.address.family() == family)
      limits.push_back({kind_of(each->direction), range_of(each->channels), each->max,
                        each->threshold_percent.value_or(0)});
  return limits;
}

}  // namespace hotpair::ha::daemon
