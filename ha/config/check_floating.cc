#include "ha/config/check_floating.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "ha/config/config_rows.h"

namespace hotpair::ha::config {
namespace {

class FloatingChecker : private Findings {
 public:
  FloatingChecker(const Config& config, const CheckContext& context)
      : Findings(context.file), config_(config) {}

  Diagnostics run() {
    for (const InterfaceModel& each : config_.interfaces) {
      if (*each.pim_floating) check_identity(each);
      if (!each.floating.empty()) check_interface(each);
      for (const auto& address : each.floating) check_address(each, address);
    }
    check_pair();
    return take();
  }

 private:
  void check_identity(const InterfaceModel& interface);
  void check_interface(const InterfaceModel& interface);
  void check_address(const InterfaceModel& interface, const Setting<IpPrefix>& address);
  void check_pair();
  [[nodiscard]] bool is_of_peer(const IpAddress& address) const;

  const Config& config_;
  /// VPN instance and floating address -> interface.
  std::map<std::pair<std::string, IpAddress>, std::string> seen_;
};

bool has(const InterfaceModel& interface, Family family) {
  return std::ranges::any_of(interface.floating,
                             [&](const auto& each) { return each->address.family() == family; });
}

void FloatingChecker::check_identity(const InterfaceModel& interface) {
  const std::string who = fmt::format("interface {}: 'pim identity floating'", interface.name.name);
  const SourceLine line = interface.pim_floating.line;
  if (interface.remote_backup_profile)
    error(line, fmt::format("{} and 'remote-backup-profile {}' exclude each other: a bound "
                            "interface follows its profile and keeps addresses of its own for PIM",
                            who, *interface.remote_backup_profile));
  if (interface.name.eth_trunk_id() != 0)
    error(line, who + ": an Eth-Trunk follows its profile; bind it to one");
  if (!*interface.pim.sm && !*interface.pim_ipv6.sm)
    error(line, who + " has no effect without 'pim sm' or 'pim ipv6 sm'");
  if (*interface.pim.sm && !has(interface, Family::ipv4))
    error(line, who + " needs an address to speak from: 'ip address … floating'");
  if (*interface.pim_ipv6.sm && !has(interface, Family::ipv6))
    error(line, who + " needs an address to speak from: 'ipv6 address … floating'");
}

void FloatingChecker::check_interface(const InterfaceModel& interface) {
  const std::string who = fmt::format("interface {}", interface.name.name);
  const SourceLine line = interface.floating.front().line;
  if (interface.name.kind == InterfaceKind::loopback)
    error(line, who + ": a floating address needs a link; a loopback has none");
  if (!interface.remote_backup_profile && !*interface.pim_floating)
    error(line, who +
                    ": a floating address follows a scope; bind the interface with "
                    "'remote-backup-profile NAME' or set 'pim identity floating'");
}

/// Both nodes speak with each other in the public instance.
bool FloatingChecker::is_of_peer(const IpAddress& address) const {
  for (const EtrunkConfigModel& etrunk : config_.etrunks) {
    if (etrunk.peer && *etrunk.peer == address) return true;
    for (const auto& path : etrunk.paths)
      if (path->peer == address) return true;
  }
  return std::ranges::any_of(config_.services, [&](const RbsModel& service) {
    return service.peer && *service.peer == address;
  });
}

void FloatingChecker::check_address(const InterfaceModel& interface,
                                    const Setting<IpPrefix>& address) {
  const std::string who =
      fmt::format("interface {}: floating address {}", interface.name.name, shown(*address));
  const std::string& vrf = *interface.vrf;
  if (const InterfaceModel* own = config_.interface_with(address->address, vrf))
    error(address.line, fmt::format("{} is this node's own address on {}", who, own->name.name));
  if (vrf.empty() && is_of_peer(address->address))
    error(address.line, who + " is an address of the peer's own");
  const auto [known, fresh] = seen_.try_emplace({vrf, address->address}, interface.name.name);
  if (!fresh && !address->address.is_link_local_unicast())
    error(address.line, fmt::format("{} floats on {} too", who, known->second));
  if (address->address.is_link_local_unicast()) return;
  const auto& own = address->address.is_v4() ? interface.ipv4_addresses : interface.ipv6_addresses;
  const bool fits = std::ranges::any_of(
      own, [&](const auto& each) { return each->network() == address->network(); });
  if (!fits) error(address.line, who + " is in no subnet of an own address of the interface");
}

/// Role and records of the floating pair travel in one E-Trunk and over one channel.
void FloatingChecker::check_pair() {
  const auto floats = std::ranges::find_if(
      config_.interfaces, [](const InterfaceModel& each) { return *each.pim_floating; });
  if (floats == config_.interfaces.end()) return;
  const auto etrunks = std::ranges::count_if(
      config_.etrunks, [](const EtrunkConfigModel& each) { return each.peer.configured; });
  const auto services = std::ranges::count_if(
      config_.services, [](const RbsModel& each) { return each.peer.configured; });
  if (etrunks != 1)
    error(floats->pim_floating.line,
          fmt::format("'pim identity floating' needs one e-trunk, whose hellos say who is active; "
                      "there are {}",
                      etrunks));
  if (services != 1)
    error(floats->pim_floating.line,
          fmt::format("'pim identity floating' needs one remote-backup-service, which mirrors to "
                      "the peer; there are {}",
                      services));
}

}  // namespace

Diagnostics check_floating(const Config& config, const CheckContext& context) {
  return FloatingChecker(config, context).run();
}

}  // namespace hotpair::ha::config
