#include "ha/config/check.h"

#include <fmt/core.h>

#include <map>
#include <optional>

#include "ha/config/check_bfd.h"
#include "ha/config/check_floating.h"
#include "ha/config/check_pim.h"
#include "ha/config/check_ssl.h"
#include "ha/config/check_vrf.h"
#include "ha/config/config_rows.h"

namespace hotpair::ha::config {
namespace {

constexpr std::size_t kMulticastLinksMax = 31;  // the kernel has 32 VIFs, one is for registers
constexpr std::uint16_t kFirstEphemeralPort = 49'152;
constexpr std::size_t kPathsMax = 7;  // a hello has a bit for each of eight paths
constexpr std::uint32_t kShortTimeoutMs =
    100;  // pauses of 2 to 45 ms are common on virtual machines

class Checker : private Findings {
 public:
  Checker(const Config& config, const CheckContext& context)
      : Findings(context.file), config_(config), context_(context) {}

  Diagnostics run() {
    for (const EtrunkConfigModel& each : config_.etrunks) check_etrunk(each);
    for (const RbsModel& each : config_.services) check_service(each);
    for (const RbpModel& each : config_.profiles) check_profile(each);
    for (const InterfaceModel& each : config_.interfaces) check_interface(each);
    for (Diagnostic& each : check_bfd(config_, context_)) add(std::move(each));
    for (Diagnostic& each : check_pim(config_, context_)) add(std::move(each));
    for (Diagnostic& each : check_vrf(config_, context_)) add(std::move(each));
    for (Diagnostic& each : check_floating(config_, context_)) add(std::move(each));
    check_unique();
    check_capacity();
    check_kept();
    for (Diagnostic& each : check_ssl(config_, context_)) add(std::move(each));
    for (Diagnostic& each : check_trunks(config_, context_)) add(std::move(each));
    return take();
  }

 private:
  void check_etrunk(const EtrunkConfigModel& etrunk);
  void check_paths(const EtrunkConfigModel& etrunk);
  void check_tracks(const EtrunkConfigModel& etrunk);
  void check_service(const RbsModel& service);
  void check_profile(const RbpModel& profile);
  void check_track(const RbpModel& profile, Severity unfinished);
  void check_bound(const RbpModel& profile, const InterfaceModel& interface);
  void check_interface(const InterfaceModel& interface);
  void check_static_groups(const InterfaceModel& interface, const GmpSettings& gmp,
                           std::string_view word);
  [[nodiscard]] static bool is_ssm(const PimInstance& instance, const IpAddress& group);
  void check_member_port(const InterfaceModel& interface);
  void check_unique();
  void check_capacity();
  void check_kept();
  void check_source(const IpAddress& source, SourceLine line, const std::string& who);
  void check_port(const Setting<std::uint16_t>& port, const std::string& who);

  const Config& config_;
  const CheckContext& context_;
};

void Checker::check_source(const IpAddress& source, SourceLine line, const std::string& who) {
  if (config_.interface_with(source) != nullptr) return;
  warn(line,
       fmt::format("{}: source address {} is not on any configured interface", who, shown(source)));
}

void Checker::check_port(const Setting<std::uint16_t>& port, const std::string& who) {
  if (*port >= kFirstEphemeralPort)
    error(port.line,
          fmt::format("{}: port {} is refused, 49152 to 65535 are taken by outgoing sessions", who,
                      *port));
}

void Checker::check_etrunk(const EtrunkConfigModel& etrunk) {
  const std::string who = fmt::format("e-trunk {}", etrunk.id);
  if (!etrunk.peer) {
    error(etrunk.line, who +
                           ": no peer; it needs 'peer-address X.X.X.X source-address X.X.X.X' or "
                           "'peer-ipv6 … source-ipv6 …'");
  } else {
    if (*etrunk.peer == *etrunk.source)
      error(etrunk.peer.line, who + ": peer and source are the same address");
    if (etrunk.peer->is_multicast() || etrunk.peer->is_unspecified())
      error(etrunk.peer.line, fmt::format("{}: {} cannot be a peer", who, shown(*etrunk.peer)));
    check_source(*etrunk.source, etrunk.source.line, who);
    if (etrunk.paths.empty())
      warn(etrunk.peer.line, who + ": single path: cutting it makes two masters");
  }
  check_paths(etrunk);
  check_tracks(etrunk);
  check_port(etrunk.port, who);
  if (!etrunk.security_key && !context_.pair_key_present)
    error(etrunk.line, who +
                           ": hellos cannot be authenticated; set a 'security-key' or run 'hotpair "
                           "pair init'");
  if (etrunk.timeout_ms() < 3 * *etrunk.hello_ms)
    error(etrunk.multiplier.line, who + ": the timeout is less than three hellos");
  if (etrunk.timeout_ms() < kShortTimeoutMs)
    warn(etrunk.hello_ms.line,
         fmt::format("{}: a timeout of {} ms takes ordinary pauses of a machine "
                     "for a death",
                     who, etrunk.timeout_ms()));
}

/// A path is bound to the interface that has its source, or it would share the fate of path 0.
void Checker::check_paths(const EtrunkConfigModel& etrunk) {
  if (etrunk.paths.size() > kPathsMax)
    error(etrunk.paths.back().line,
          fmt::format("e-trunk {}: more than {} paths beside the first", etrunk.id, kPathsMax));
  for (const auto& path : etrunk.paths) {
    const std::string who =
        fmt::format("e-trunk {}: path source {}", etrunk.id, shown(path->source));
    if (path->source.family() != path->peer.family())
      error(path.line, who + ": source and peer are of different families");
    if (path->source == path->peer)
      error(path.line, who + ": source and peer are the same address");
    if (path->peer.is_multicast() || path->peer.is_unspecified())
      error(path.line, fmt::format("{}: {} cannot be a peer", who, shown(path->peer)));
    if (etrunk.source && path->source == *etrunk.source)
      error(path.line, who + ": that is the source of the first path");
    const InterfaceModel* interface = config_.interface_with(path->source);
    if (interface == nullptr)
      error(path.line, who +
                           ": no configured interface has this address, so there is none to "
                           "bind the path to");
    else if (interface->name.kind == InterfaceKind::loopback)
      error(path.line, fmt::format("{}: {} is a loopback; a path is bound to a link", who,
                                   interface->name.name));
  }
}

void Checker::check_tracks(const EtrunkConfigModel& etrunk) {
  for (const auto& track : etrunk.tracks)
    if (config_.find_interface(track->interface) == nullptr)
      error(track.line, fmt::format("e-trunk {}: there is no interface {} to track", etrunk.id,
                                    track->interface));
  if (etrunk.accept_key && !etrunk.security_key)
    error(etrunk.accept_key.line,
          fmt::format("e-trunk {}: 'security-key accept' needs a 'security-key', which signs",
                      etrunk.id));
}

void Checker::check_service(const RbsModel& service) {
  const std::string who = "remote-backup-service " + service.name;
  if (!service.peer) {
    error(service.line,
          who + ": no peer; it needs 'peer X.X.X.X source X.X.X.X port N' or 'peer-ipv6 …'");
    return;
  }
  if (*service.peer == *service.source)
    error(service.peer.line, who + ": peer and source are the same address");
  if (service.peer->family() != service.source->family())
    error(service.peer.line, who + ": peer and source are of different families");
  if (service.peer->is_multicast() || service.peer->is_unspecified())
    error(service.peer.line, fmt::format("{}: {} cannot be a peer", who, shown(*service.peer)));
  check_source(*service.source, service.source.line, who);
  check_port(service.port, who);
  if (!context_.pair_key_present && !service.ssl_policy)
    warn(service.line, who + ": no pair key: run hotpair pair init");
}

void Checker::check_profile(const RbpModel& profile) {
  const std::string who = "remote-backup-profile " + profile.name;
  const auto bound = config_.interfaces_of(profile);
  // Nothing depends on an unbound profile yet: an operator may commit it step by step.
  const Severity unfinished = bound.empty() ? Severity::warning : Severity::error;
  if (!profile.backup_id) {
    add(unfinished, profile.line, who + ": no 'backup-id N remote-backup-service NAME'");
  } else if (config_.find_service(*profile.rbs) == nullptr) {
    error(profile.backup_id.line,
          fmt::format("{}: there is no remote-backup-service {}", who, *profile.rbs));
  }
  if (!*profile.peer_backup_hot)
    warn(profile.line, who +
                           ": no 'peer-backup hot', but the backup keeps its entries installed "
                           "all the same: there is no other mode");
  if (profile.services.empty())
    warn(profile.line, who + ": no 'service-type', nothing is backed up");
  check_track(profile, unfinished);
  if (bound.empty()) warn(profile.line, who + ": no interface binds it");
  for (const InterfaceModel* interface : bound) check_bound(profile, *interface);
}

void Checker::check_track(const RbpModel& profile, Severity unfinished) {
  const std::string who = "remote-backup-profile " + profile.name;
  if (!profile.track) {
    add(unfinished, profile.line,
        who + ": no 'e-trunk N eth-trunk M', so nothing decides its role");
    return;
  }
  const RbpTrack& track = *profile.track;
  if (config_.find_etrunk(track.etrunk) == nullptr) {
    error(profile.track.line, fmt::format("{}: there is no e-trunk {}", who, track.etrunk));
    return;
  }
  const auto* trunk = config_.find_interface(fmt::format("Eth-Trunk{}", track.eth_trunk));
  if (trunk == nullptr) {
    error(profile.track.line,
          fmt::format("{}: there is no interface Eth-Trunk{}", who, track.eth_trunk));
  } else if (!trunk->etrunk || *trunk->etrunk != track.etrunk) {
    error(profile.track.line, fmt::format("{}: interface Eth-Trunk{} is not in e-trunk {}", who,
                                          track.eth_trunk, track.etrunk));
  }
}

void Checker::check_bound(const RbpModel& profile, const InterfaceModel& interface) {
  const std::string who = "interface " + interface.name.name;
  const SourceLine line = interface.remote_backup_profile.line;
  if (profile.track && interface.name.eth_trunk_id() != profile.track->eth_trunk)
    error(line, fmt::format("{}: remote-backup-profile {} follows Eth-Trunk{}, not this interface",
                            who, profile.name, profile.track->eth_trunk));
  if (profile.has_service(ServiceType::igmp) && !*interface.igmp.enabled)
    warn(line, fmt::format("{}: profile {} backs up IGMP, but there is no 'igmp enable' here", who,
                           profile.name));
  if (profile.has_service(ServiceType::mld) && !*interface.mld.enabled)
    warn(line, fmt::format("{}: profile {} backs up MLD, but there is no 'mld enable' here", who,
                           profile.name));
  if (*interface.igmp.enabled && !profile.has_service(ServiceType::igmp))
    warn(line, fmt::format("{}: IGMP is enabled, but profile {} has no 'service-type igmp'", who,
                           profile.name));
  if (*interface.mld.enabled && !profile.has_service(ServiceType::mld))
    warn(line, fmt::format("{}: MLD is enabled, but profile {} has no 'service-type mld'", who,
                           profile.name));
}

void Checker::check_interface(const InterfaceModel& interface) {
  const std::string who = "interface " + interface.name.name;
  if (interface.remote_backup_profile &&
      config_.find_profile(*interface.remote_backup_profile) == nullptr)
    error(interface.remote_backup_profile.line,
          fmt::format("{}: there is no remote-backup-profile {}", who,
                      *interface.remote_backup_profile));
  if (interface.etrunk && config_.find_etrunk(*interface.etrunk) == nullptr)
    error(interface.etrunk.line, fmt::format("{}: there is no e-trunk {}", who, *interface.etrunk));
  const bool multicast = interface.multicast_ipv4() || interface.multicast_ipv6();
  if (interface.name.kind == InterfaceKind::null && multicast)
    error(interface.line, who + ": it cannot carry multicast");
  if (interface.multicast_ipv4() && !*config_.instance_of(interface).multicast_ipv4)
    warn(interface.line, who + ": IPv4 multicast is used without 'multicast routing-enable'");
  if (interface.multicast_ipv6() && !*config_.instance_of(interface).multicast_ipv6)
    warn(interface.line, who + ": IPv6 multicast is used without 'multicast ipv6 routing-enable'");
  if (*interface.igmp.enabled && interface.ipv4_addresses.empty())
    warn(interface.igmp.enabled.line, who + ": IGMP needs an IPv4 address to ask from");
  if (!*interface.ipv6_enable && (*interface.mld.enabled || !interface.ipv6_addresses.empty()))
    warn(interface.line, who + ": IPv6 is used without 'ipv6 enable'");
  for (const auto& limit : interface.multicast_limits) {
    const bool ipv4 = limit->channels.groups.address.is_v4();
    if (ipv4 ? interface.multicast_ipv4() : interface.multicast_ipv6()) continue;
    warn(limit.line, fmt::format("{}: 'multicast {}limit' has no effect, the interface carries no "
                                 "{} multicast",
                                 who, ipv4 ? "" : "ipv6 ", ipv4 ? "IPv4" : "IPv6"));
  }
  for (const auto& boundary : interface.multicast_boundaries) {
    const bool ipv4 = boundary->address.is_v4();
    if (ipv4 ? interface.multicast_ipv4() : interface.multicast_ipv6()) continue;
    warn(boundary.line, fmt::format("{}: 'multicast {}boundary' has no effect, the interface "
                                    "carries no {} multicast",
                                    who, ipv4 ? "" : "ipv6 ", ipv4 ? "IPv4" : "IPv6"));
  }
  check_static_groups(interface, interface.igmp, "igmp");
  check_static_groups(interface, interface.mld, "mld");
  check_member_port(interface);
}

bool Checker::is_ssm(const PimInstance& instance, const IpAddress& group) {
  bool configured = false;
  for (const auto& range : instance.ssm_ranges) {
    if (range->address.family() != group.family()) continue;
    configured = true;
    if (range->contains(group)) return true;
  }
  const auto parsed = Group::from(group);
  return !configured && parsed && parsed->is_default_ssm();
}

void Checker::check_static_groups(const InterfaceModel& interface, const GmpSettings& gmp,
                                  std::string_view word) {
  const std::string who = "interface " + interface.name.name;
  for (const auto& each : gmp.static_groups) {
    if (!each->source && is_ssm(config_.instance_of(interface), each->group))
      error(each.line, fmt::format("{}: {} is a source-specific group, '{} static-group' needs its "
                                   "source",
                                   who, shown(each->group), word));
    if (!*gmp.enabled) {
      warn(each.line,
           fmt::format("{}: '{} static-group' has no effect without '{} enable'", who, word, word));
      return;
    }
  }
}

void Checker::check_member_port(const InterfaceModel& interface) {
  if (!interface.eth_trunk) return;
  const std::string who = "interface " + interface.name.name;
  if (!interface.ipv4_addresses.empty() || !interface.ipv6_addresses.empty() ||
      interface.multicast_ipv4() || interface.multicast_ipv6())
    error(interface.eth_trunk.line,
          fmt::format("{}: a member of Eth-Trunk{} has no addresses and no "
                      "multicast of its own",
                      who, *interface.eth_trunk));
  if (config_.find_interface(fmt::format("Eth-Trunk{}", *interface.eth_trunk)) == nullptr)
    warn(interface.eth_trunk.line,
         fmt::format("{}: there is no interface Eth-Trunk{}", who, *interface.eth_trunk));
}

void Checker::check_unique() {
  std::map<std::uint32_t, const RbpModel*> by_backup_id;
  std::map<std::uint16_t, const RbpModel*> by_trunk;
  for (const RbpModel& profile : config_.profiles) {
    const std::string who = "remote-backup-profile " + profile.name;
    if (profile.backup_id) {
      const auto [at, fresh] = by_backup_id.emplace(*profile.backup_id, &profile);
      if (!fresh)
        error(profile.backup_id.line, fmt::format("{}: backup-id {} is that of {} already", who,
                                                  *profile.backup_id, at->second->name));
    }
    if (profile.track) {
      const auto [at, fresh] = by_trunk.emplace(profile.track->eth_trunk, &profile);
      if (!fresh)
        error(profile.track.line, fmt::format("{}: Eth-Trunk{} is followed by {} already", who,
                                              profile.track->eth_trunk, at->second->name));
    }
  }
  std::map<std::pair<std::string, IpAddress>, const InterfaceModel*> by_address;
  for (const InterfaceModel& interface : config_.interfaces) {
    for (const auto* list : {&interface.ipv4_addresses, &interface.ipv6_addresses}) {
      for (const auto& each : *list) {
        if (each->address.is_link_local_unicast()) continue;
        const auto [at, fresh] =
            by_address.emplace(std::pair(*interface.vrf, each->address), &interface);
        if (!fresh)
          error(each.line, fmt::format("interface {}: {} is on {} already", interface.name.name,
                                       shown(each->address), at->second->name.name));
      }
    }
  }
}

void Checker::check_capacity() {
  std::map<std::pair<std::string, Family>, std::size_t> links;  // each VRF has tables of its own
  for (const InterfaceModel& interface : config_.interfaces) {
    std::size_t& ipv4 = links[{*interface.vrf, Family::ipv4}];
    std::size_t& ipv6 = links[{*interface.vrf, Family::ipv6}];
    if (interface.multicast_ipv4() && ++ipv4 == kMulticastLinksMax + 1)
      error(interface.line,
            fmt::format("more than {} interfaces with IPv4 multicast: the kernel has no "
                        "room for them",
                        kMulticastLinksMax));
    if (interface.multicast_ipv6() && ++ipv6 == kMulticastLinksMax + 1)
      error(interface.line,
            fmt::format("more than {} interfaces with IPv6 multicast: the kernel has no "
                        "room for them",
                        kMulticastLinksMax));
  }
}

void Checker::check_kept() {
  for (const PrintedLine& line : printed_lines(config_, false)) {
    if (is_later(config_rows()[line.row].kind))
      warn(line.line, fmt::format("{}{}'{}' is not active in this version", line.path,
                                  line.path.empty() ? "" : ": ", line.text));
  }
}

}  // namespace

Diagnostics check_config(const Config& config, const CheckContext& context) {
  return Checker(config, context).run();
}

}  // namespace hotpair::ha::config
