#include "ha/config/check_vrf.h"

#include <fmt/core.h>

#include <map>

namespace hotpair::ha::config {
namespace {

class VrfChecker : private Findings {
 public:
  VrfChecker(const Config& config, const CheckContext& context)
      : Findings(context.file), config_(config) {}

  Diagnostics run() {
    for (const VrfModel& each : config_.vrfs) check_instance(each);
    for (const InterfaceModel& each : config_.interfaces)
      if (each.vrf) check_interface(each);
    return take();
  }

 private:
  void check_instance(const VrfModel& vrf);
  void check_interface(const InterfaceModel& interface);

  const Config& config_;
  std::map<std::uint32_t, std::string> tables_;
};

void VrfChecker::check_instance(const VrfModel& vrf) {
  if (!*vrf.declared) {
    error(vrf.line,
          fmt::format("pim vpn-instance {}: there is no 'ip vpn-instance {}'", vrf.name, vrf.name));
    return;
  }
  const std::string who = "ip vpn-instance " + vrf.name;
  if (!vrf.table) {
    error(vrf.line, who + " needs the number of its Linux routing table: 'route-table N'");
    return;
  }
  const auto [known, fresh] = tables_.try_emplace(*vrf.table, vrf.name);
  if (!fresh)
    error(vrf.table.line, fmt::format("{}: route-table {} is that of VPN instance {} already", who,
                                      *vrf.table, known->second));
}

void VrfChecker::check_interface(const InterfaceModel& interface) {
  const std::string who = "interface " + interface.name.name;
  const SourceLine line = interface.vrf.line;
  const VrfModel* vrf = config_.find_vrf(*interface.vrf);
  if (vrf == nullptr || !*vrf->declared)
    error(line, fmt::format("{}: there is no VPN instance {}", who, *interface.vrf));
  if (interface.eth_trunk)
    error(line, fmt::format("{}: a member of Eth-Trunk{} follows it; bind the Eth-Trunk to the VPN "
                            "instance",
                            who, *interface.eth_trunk));
  const auto speaks_from_here = [&](const Setting<IpAddress>& source) {
    return source && config_.interface_with(*source) == nullptr &&
           config_.interface_with(*source, *interface.vrf) == &interface;
  };
  for (const EtrunkConfigModel& each : config_.etrunks)
    if (speaks_from_here(each.source))
      error(line,
            fmt::format("{}: e-trunk {} speaks from {}, and it does so in the public instance", who,
                        each.id, each.source->to_string()));
  for (const RbsModel& each : config_.services)
    if (speaks_from_here(each.source))
      error(line, fmt::format("{}: remote-backup-service {} speaks from {}, and it does so in the "
                              "public instance",
                              who, each.name, each.source->to_string()));
}

}  // namespace

Diagnostics check_vrf(const Config& config, const CheckContext& context) {
  return VrfChecker(config, context).run();
}

}  // namespace hotpair::ha::config
