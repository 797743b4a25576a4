#include "ha/daemon/settings.h"

#include <algorithm>
#include <chrono>

#include "ha/daemon/bfd_settings.h"
#include "ha/daemon/mcac_settings.h"
#include "ha/daemon/pim_settings.h"

namespace hotpair::ha::daemon {
namespace {

using config::Config;
using config::GmpSettings;

node::EtrunkSettings etrunk_settings(const config::EtrunkConfigModel& model, const Config& config,
                                     const config::PortMap& ports, const SettingsContext& context) {
  node::EtrunkSettings settings;
  etrunk::EtrunkConfig& etrunk = settings.etrunk;
  etrunk.id = etrunk::EtrunkId{model.id};
  etrunk.port = *model.port;
  etrunk.paths.push_back({etrunk::PathId{0}, *model.source, *model.peer, {}});
  for (const auto& path : model.paths) {
    const config::InterfaceModel* interface = config.interface_with(path->source);
    if (interface == nullptr) continue;  // refused by the check
    const auto id = static_cast<std::uint8_t>(etrunk.paths.size());
    etrunk.paths.push_back(
        {etrunk::PathId{id}, path->source, path->peer, ports.device_of(interface->name)});
  }
  etrunk.hello_ms = *model.hello_ms;
  etrunk.multiplier = *model.multiplier;
  etrunk.priority = *model.priority;
  etrunk.order = *model.priority_order == config::PriorityOrder::smaller
                     ? etrunk::PriorityOrder::smaller
                     : etrunk::PriorityOrder::larger;
  etrunk.system_id =
      config.etrunk_system_id ? *config.etrunk_system_id : system_id_of(context.node);
  if (model.security_key)
    etrunk.keys = {model.security_key->text};
  else
    etrunk.keys = context.derived_keys;
  if (model.accept_key) etrunk.keys.push_back(model.accept_key->text);
  for (const auto& track : model.tracks)
    settings.tracks.push_back({track->interface, track->reduced});
  settings.rpf_reduced = *model.track_rpf_reduced;
  settings.revert_delay = std::chrono::seconds(*model.revert_delay_s);
  return settings;
}

std::optional<mcast::gmp::InterfaceConfig> gmp_settings(const GmpSettings& model, Family family,
                                                        bool bound,
                                                        const config::PimInstance& instance) {
  if (!*model.enabled) return std::nullopt;
  mcast::gmp::InterfaceConfig settings;
  const std::uint8_t newest = family == Family::ipv4 ? 3 : 2;
  settings.version = model.version.configured ? *model.version : newest;
  settings.robustness = *model.robustness;
  settings.query_interval = std::chrono::seconds(*model.query_interval_s);
  settings.query_response_interval = std::chrono::milliseconds(*model.max_response_ms);
  settings.last_member_query_interval = std::chrono::milliseconds(*model.last_member_interval_ms);
  settings.fast_leave = *model.fast_leave;
  if (model.require_router_alert.configured)
    settings.require_router_alert = *model.require_router_alert;
  // Hosts behind an access device sit in one node's subnet, so a bound interface does not check.
  settings.check_source_subnet =
      model.subnet_check.configured ? *model.subnet_check : !bound && family == Family::ipv4;
  if (*model.group_limit != 0) settings.max_groups = *model.group_limit;
  if (*model.host_limit != 0) settings.max_groups_per_host = *model.host_limit;
  if (*model.source_limit != 0) settings.max_sources_per_group = *model.source_limit;
  for (const auto& range : instance.ssm_ranges)
    if (range->address.family() == family) settings.ssm_ranges.push_back(*range);
  return settings;
}

node::LinkSettings link_settings(const config::InterfaceModel& model, const Config& config,
                                 const config::PortMap& ports) {
  node::LinkSettings link;
  link.name = model.name.name;
  link.device = ports.device_of(model.name);
  link.shutdown = *model.shutdown;
  const config::PimInstance& instance = config.instance_of(model);
  link.ipv4 = *instance.multicast_ipv4 && model.multicast_ipv4();
  link.ipv6 = *instance.multicast_ipv6 && model.multicast_ipv6();
  if (const config::VrfModel* vrf = model.vrf ? config.find_vrf(*model.vrf) : nullptr)
    link.vrf = VrfId{*vrf->table};
  link.eth_trunk = model.name.eth_trunk_id();
  bool bound = false;
  if (model.remote_backup_profile) {
    const config::RbpModel* profile = config.find_profile(*model.remote_backup_profile);
    if (profile != nullptr && profile->backup_id) {
      link.scope = ScopeId{*profile->backup_id};
      bound = true;
    }
  }
  for (const auto& address : model.ipv4_addresses) link.addresses.push_back(*address);
  for (const auto& address : model.ipv6_addresses) link.addresses.push_back(*address);
  for (const auto& address : model.floating) link.floating.push_back(*address);
  link.pim_floating = *model.pim_floating;
  if (link.pim_floating) link.scope = node::kFloatingPair;
  if (link.ipv4) link.igmp = gmp_settings(model.igmp, Family::ipv4, bound, instance);
  if (link.ipv6) link.mld = gmp_settings(model.mld, Family::ipv6, bound, instance);
  if (link.ipv4) link.pim_ipv4 = pim_link_settings(model, Family::ipv4, config);
  if (link.ipv6) link.pim_ipv6 = pim_link_settings(model, Family::ipv6, config);
  const auto add_static = [&](const GmpSettings& from) {
    for (const auto& each : from.static_groups)
      if (const auto group = Group::from(each->group))
        link.static_groups.push_back({*group, each->source});
  };
  if (link.ipv4) link.limits_ipv4 = limit_settings(model, Family::ipv4);
  if (link.ipv6) link.limits_ipv6 = limit_settings(model, Family::ipv6);
  for (const auto& range : model.multicast_boundaries) link.boundary.ranges.push_back(*range);
  link.boundary.ipv6_scope = *model.boundary_scope;
  if (link.igmp) add_static(model.igmp);
  if (link.mld) add_static(model.mld);
  return link;
}

std::vector<mcast::rp::RpMapping> static_rps(const config::PimInstance& instance) {
  std::vector<mcast::rp::RpMapping> mappings;
  for (const auto& rp : instance.static_rps)
    if (auto mapping = mcast::rp::make_static_rp(rp.rp, rp.groups)) {
      mapping->bidir = rp.bidir;
      mappings.push_back(*mapping);
    }
  return mappings;
}

/// The scope of interfaces whose identity floats; the rules leave one E-Trunk and one RBS for it.
std::optional<node::ScopeSettings> floating_pair(const Config& config) {
  const auto peered = [](const auto& each) { return each.peer.configured; };
  const auto etrunk = std::ranges::find_if(config.etrunks, peered);
  const auto service = std::ranges::find_if(config.services, peered);
  if (std::ranges::none_of(config.interfaces,
                           [](const auto& each) { return *each.pim_floating; }) ||
      etrunk == config.etrunks.end() || service == config.services.end())
    return std::nullopt;
  return node::ScopeSettings{.scope = node::kFloatingPair,
                             .name = "floating",
                             .service = service->name,
                             .etrunk = etrunk::EtrunkId{etrunk->id},
                             .eth_trunk = 0,
                             .igmp = true,
                             .mld = true};
}

}  // namespace

MacAddress system_id_of(NodeId node) {
  MacAddress mac;
  for (unsigned i = 0; i < 6; ++i)
    mac.octets[i] = static_cast<std::uint8_t>((node.value() >> (8U * (5U - i))) & 0xffU);
  mac.octets[0] = static_cast<std::uint8_t>((mac.octets[0] & 0xfcU) | 0x02U);
  return mac;
}

node::NodeConfig to_node_config(const Config& config, const config::PortMap& ports,
                                const SettingsContext& context) {
  node::NodeConfig settings;
  settings.sysname = *config.sysname;
  settings.system_id =
      config.etrunk_system_id ? *config.etrunk_system_id : system_id_of(context.node);
  std::uint32_t grace_s = 0;
  for (const auto& etrunk : config.etrunks) {
    if (!etrunk.peer || !etrunk.source) continue;
    settings.etrunks.push_back(etrunk_settings(etrunk, config, ports, context));
    grace_s = std::max(grace_s, *etrunk.restart_grace_s);
  }
  if (grace_s != 0) settings.restart_grace = std::chrono::seconds(grace_s);
  for (const auto& service : config.services)
    if (service.peer && service.source) {
      const config::BfdSessionModel* tracked =
          service.track_bfd ? config.find_bfd_session(*service.track_bfd) : nullptr;
      settings.services.push_back({service.name, *service.source, *service.peer, *service.port,
                                   *service.ssl_policy, tracked == nullptr ? "" : tracked->name});
    }
  settings.bfd = bfd_settings(config, ports);
  for (const auto& profile : config.profiles) {
    if (!profile.backup_id || !profile.track) continue;
    settings.scopes.push_back({ScopeId{*profile.backup_id}, profile.name, *profile.rbs,
                               etrunk::EtrunkId{profile.track->etrunk}, profile.track->eth_trunk,
                               profile.has_service(config::ServiceType::igmp),
                               profile.has_service(config::ServiceType::mld)});
  }
  if (auto pair = floating_pair(config)) settings.scopes.push_back(std::move(*pair));
  for (const auto& interface : config.interfaces)
    if (interface.name.kind != config::InterfaceKind::null)
      settings.links.push_back(link_settings(interface, config, ports));
  settings.trunks = trunk_settings(config, ports, system_id_of(context.node), context.trunks);
  settings.static_rps = static_rps(config);
  settings.pim_ipv4 = pim_settings(config, config, Family::ipv4);
  settings.pim_ipv6 = pim_settings(config, config, Family::ipv6);
  for (const auto& vrf : config.vrfs)
    if (vrf.table)
      settings.vrfs.push_back({VrfId{*vrf.table}, vrf.name, pim_settings(vrf, config, Family::ipv4),
                               pim_settings(vrf, config, Family::ipv6), static_rps(vrf)});
  settings.admission_ipv4 = admission_settings(config, Family::ipv4);
  settings.admission_ipv6 = admission_settings(config, Family::ipv6);
  return settings;
}

}  // namespace hotpair::ha::daemon
