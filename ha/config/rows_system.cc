#include <fmt/core.h>

#include <algorithm>

#include "ha/config/config_rows.h"

/// Rows of the system view and of the views pim and pim-ipv6.
namespace hotpair::ha::config {
namespace {

// Far beyond what a node can use; they bound the work that a hostile file can ask for.
constexpr std::size_t kInterfacesMax = 2'048;
constexpr std::size_t kNamedMax = 512;
constexpr std::size_t kRangesMax = 1'024;

bool is_full(Editor& editor, std::size_t count, std::size_t max, std::string_view what) {
  if (count < max) return false;
  editor.refuse(fmt::format("there are {} {}, more are refused", max, what));
  return true;
}

bool belongs_to(const InactiveLine& line, std::string_view path) { return line.path == path; }

// ---- system view ----

void set_sysname(Editor& editor, const Values& values) {
  editor.assign(editor.config, &Config::sysname, values.has("name") ? values.text("name") : "");
}
void print_sysname(const PrintScope& scope, LineSink& sink) {
  const auto& name = scope.config.sysname;
  if (name) sink.line("sysname " + *name, name.line);
}

void set_multicast(Editor& editor, const Values&) {
  editor.assign(editor.config, &Config::multicast_ipv4, true);
}
void print_multicast(const PrintScope& scope, LineSink& sink) {
  const auto& enabled = scope.config.multicast_ipv4;
  if (*enabled) sink.line("multicast routing-enable", enabled.line);
}
void set_multicast_ipv6(Editor& editor, const Values&) {
  editor.assign(editor.config, &Config::multicast_ipv6, true);
}
void print_multicast_ipv6(const PrintScope& scope, LineSink& sink) {
  const auto& enabled = scope.config.multicast_ipv6;
  if (*enabled) sink.line("multicast ipv6 routing-enable", enabled.line);
}

// ---- headers of views ----

template <typename List, typename Matches>
void remove_view(Editor& editor, List& list, std::string_view path, Matches matches) {
  std::erase_if(list, matches);
  std::erase_if(editor.config.inactive, [&](const auto& each) { return belongs_to(each, path); });
}

void enter_etrunk(Editor& editor, const Values& values) {
  const auto id = static_cast<std::uint16_t>(values.number("id"));
  const std::string path = fmt::format("e-trunk {}", id);
  if (editor.undo) {
    remove_view(editor, editor.config.etrunks, path,
                [&](const auto& each) { return each.id == id; });
    return;
  }
  editor.etrunk_id = id;
  static_cast<void>(editor.etrunk());
  editor.enter(View::etrunk, path);
}
void print_etrunks(const PrintScope& scope, LineSink& sink) {
  for (const EtrunkConfigModel& each : scope.config.etrunks) {
    PrintScope inner = scope;
    inner.etrunk = &each;
    inner.path = fmt::format("e-trunk {}", each.id);
    sink.section(inner, View::etrunk, inner.path, each.line);
  }
}

void enter_service(Editor& editor, const Values& values) {
  const std::string path = "remote-backup-service " + values.text("name");
  if (editor.undo) {
    remove_view(editor, editor.config.services, path,
                [&](const auto& each) { return each.name == values.text("name"); });
    return;
  }
  if (is_full(editor, editor.config.services.size(), kNamedMax, "remote backup services")) return;
  editor.name = values.text("name");
  static_cast<void>(editor.service());
  editor.enter(View::service, path);
}
void print_services(const PrintScope& scope, LineSink& sink) {
  for (const RbsModel& each : scope.config.services) {
    PrintScope inner = scope;
    inner.service = &each;
    inner.path = "remote-backup-service " + each.name;
    sink.section(inner, View::service, inner.path, each.line);
  }
}

void enter_profile(Editor& editor, const Values& values) {
  const std::string path = "remote-backup-profile " + values.text("name");
  if (editor.undo) {
    remove_view(editor, editor.config.profiles, path,
                [&](const auto& each) { return each.name == values.text("name"); });
    return;
  }
  if (is_full(editor, editor.config.profiles.size(), kNamedMax, "remote backup profiles")) return;
  editor.name = values.text("name");
  static_cast<void>(editor.profile());
  editor.enter(View::profile, path);
}
void print_profiles(const PrintScope& scope, LineSink& sink) {
  for (const RbpModel& each : scope.config.profiles) {
    PrintScope inner = scope;
    inner.profile = &each;
    inner.path = "remote-backup-profile " + each.name;
    sink.section(inner, View::profile, inner.path, each.line);
  }
}

void enter_interface(Editor& editor, const Values& values) {
  const auto& name = values.get<InterfaceName>("name");
  const std::string path = "interface " + name.name;
  if (editor.undo) {
    remove_view(editor, editor.config.interfaces, path,
                [&](const auto& each) { return each.name == name; });
    return;
  }
  if (is_full(editor, editor.config.interfaces.size(), kInterfacesMax, "interfaces")) return;
  editor.interface_name = name;
  static_cast<void>(editor.interface());
  editor.enter(View::interface, path);
}
void print_interfaces(const PrintScope& scope, LineSink& sink) {
  for (const InterfaceModel& each : scope.config.interfaces) {
    PrintScope inner = scope;
    inner.interface = &each;
    inner.path = "interface " + each.name.name;
    // The seeds' files spell it "Loopback0"; everywhere else it is "LoopBack0".
    const bool loopback = each.name.kind == InterfaceKind::loopback;
    sink.section(inner, View::interface,
                 loopback ? "interface Loopback" + each.name.number : inner.path, each.line);
  }
}

void enter_pim(Editor& editor, std::string_view path, View view, Family family) {
  if (!editor.undo) {
    editor.enter(view, std::string(path));
    return;
  }
  std::erase_if(editor.config.static_rps,
                [&](const StaticRp& each) { return each.rp.family() == family; });
  std::erase_if(editor.config.ssm_ranges,
                [&](const auto& each) { return each->address.family() == family; });
  std::erase_if(editor.config.inactive, [&](const auto& each) { return belongs_to(each, path); });
}
void enter_pim4(Editor& editor, const Values&) {
  enter_pim(editor, "pim", View::pim, Family::ipv4);
}
void enter_pim6(Editor& editor, const Values&) {
  enter_pim(editor, "pim-ipv6", View::pim_ipv6, Family::ipv6);
}
void print_pim(const PrintScope& scope, LineSink& sink, std::string_view path, View view,
               Family family) {
  const Config& config = scope.config;
  PrintScope inner = scope;
  inner.path = std::string(path);
  std::optional<SourceLine> first;
  for (const StaticRp& each : config.static_rps)
    if (each.rp.family() == family && !first) first = each.line;
  for (const auto& each : config.ssm_ranges)
    if (each->address.family() == family && !first) first = each.line;
  for (const InactiveLine& each : config.inactive)
    if (belongs_to(each, path) && !first) first = each.line;
  if (first) sink.section(inner, view, inner.path, *first);
}
void print_pim4(const PrintScope& scope, LineSink& sink) {
  print_pim(scope, sink, "pim", View::pim, Family::ipv4);
}
void print_pim6(const PrintScope& scope, LineSink& sink) {
  print_pim(scope, sink, "pim-ipv6", View::pim_ipv6, Family::ipv6);
}

// ---- views pim and pim-ipv6 ----

IpPrefix all_groups(Family family) {
  return family == Family::ipv4 ? IpPrefix{IpAddress::v4(0xe0000000), 4}
                                : *IpPrefix::parse("ff00::/8");
}

bool is_multicast_range(const IpPrefix& range) {
  return all_groups(range.address.family()).contains(range.address) &&
         range.length >= all_groups(range.address.family()).length;
}

void set_rp(Editor& editor, const Values& values, Family family) {
  auto& list = editor.config.static_rps;
  if (!values.has("rp")) {
    std::erase_if(list, [&](const StaticRp& each) { return each.rp.family() == family; });
    return;
  }
  StaticRp rp{values.address("rp"), all_groups(family), editor.line};
  if (values.has("groups")) rp.groups = values.prefix("groups").network();
  if (!is_multicast_range(rp.groups)) {
    editor.refuse(fmt::format("{} is not a range of multicast groups", shown(rp.groups)));
    return;
  }
  if (rp.rp.is_multicast() || rp.rp.is_unspecified() || rp.rp.is_link_local_unicast() ||
      rp.rp.is_loopback()) {
    editor.refuse(fmt::format("{} cannot be a rendezvous point: it is no routable unicast address",
                              shown(rp.rp)));
    return;
  }
  std::erase_if(list,
                [&](const StaticRp& each) { return each.rp == rp.rp && each.groups == rp.groups; });
  if (editor.undo || is_full(editor, list.size(), kRangesMax, "static RPs")) return;
  list.push_back(rp);
  std::sort(list.begin(), list.end(), [](const StaticRp& a, const StaticRp& b) {
    return std::tie(a.rp, a.groups) < std::tie(b.rp, b.groups);
  });
}
void set_rp4(Editor& editor, const Values& values) { set_rp(editor, values, Family::ipv4); }
void set_rp6(Editor& editor, const Values& values) { set_rp(editor, values, Family::ipv6); }

void print_rps(const PrintScope& scope, LineSink& sink, Family family) {
  for (const StaticRp& each : scope.config.static_rps) {
    if (each.rp.family() != family) continue;
    const bool all = each.groups == all_groups(family);
    sink.line("static-rp " + shown(each.rp) + (all ? "" : " " + shown(each.groups)), each.line);
  }
}
void print_rps4(const PrintScope& scope, LineSink& sink) { print_rps(scope, sink, Family::ipv4); }
void print_rps6(const PrintScope& scope, LineSink& sink) { print_rps(scope, sink, Family::ipv6); }

void set_ssm(Editor& editor, const Values& values, Family family) {
  auto& list = editor.config.ssm_ranges;
  if (!values.has("groups")) {
    std::erase_if(list, [&](const auto& each) { return each->address.family() == family; });
    return;
  }
  const IpPrefix range = values.prefix("groups").network();
  if (!is_multicast_range(range)) {
    editor.refuse(fmt::format("{} is not a range of multicast groups", shown(range)));
    return;
  }
  std::erase_if(list, [&](const auto& each) { return *each == range; });
  if (editor.undo || is_full(editor, list.size(), kRangesMax, "SSM ranges")) return;
  Setting<IpPrefix> setting;
  setting.set(range, editor.line);
  list.push_back(setting);
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return *a < *b; });
}
void set_ssm4(Editor& editor, const Values& values) { set_ssm(editor, values, Family::ipv4); }
void set_ssm6(Editor& editor, const Values& values) { set_ssm(editor, values, Family::ipv6); }

void print_ssm(const PrintScope& scope, LineSink& sink, Family family) {
  for (const auto& each : scope.config.ssm_ranges)
    if (each->address.family() == family) sink.line("ssm-range " + shown(*each), each.line);
}
void print_ssm4(const PrintScope& scope, LineSink& sink) { print_ssm(scope, sink, Family::ipv4); }
void print_ssm6(const PrintScope& scope, LineSink& sink) { print_ssm(scope, sink, Family::ipv6); }

constexpr auto kSystem = View::system;
constexpr auto kLater = RowKind::not_active;

constexpr ConfigRow kFirstRows[] = {
    {kSystem, "sysname name:STRING64", "Name of this node", set_sysname, print_sysname,
     RowKind::active, false, true},
    {kSystem, "hostname name:STRING64", "Name of this node (IOS)", set_sysname},
    {kSystem, "vlan batch text:REST", "Create VLANs", nullptr, nullptr, kLater, true, true},
    {kSystem, "multicast routing-enable", "Enable IPv4 multicast", set_multicast, print_multicast,
     RowKind::active, false, true},
    {kSystem, "multicast ipv6 routing-enable", "Enable IPv6 multicast", set_multicast_ipv6,
     print_multicast_ipv6, RowKind::active, false, true},
    {kSystem, "ip multicast-routing", "Enable IPv4 multicast (IOS)", set_multicast},
    {kSystem, "ipv6 multicast-routing", "Enable IPv6 multicast (IOS)", set_multicast_ipv6},
    {kSystem, "e-trunk id:1-1024", "Enter an E-Trunk view", enter_etrunk, print_etrunks,
     RowKind::active, true, true},
};

// Those of trunks stand between (rows_trunk.cc).
constexpr ConfigRow kRows[] = {
    {kSystem, "ssl policy name:STRING31", "Enter the view of certificates for a channel",
     enter_ssl_policy, print_ssl_policies, RowKind::active, true, true},
    {kSystem, "remote-backup-service name:STRING31", "Enter the view of a channel to the peer",
     enter_service, print_services, RowKind::active, true, true},
    {kSystem, "remote-backup-profile name:STRING31", "Enter the view of what is backed up",
     enter_profile, print_profiles, RowKind::active, true, true},
    {kSystem, "isis [ text:REST ]", "IS-IS (kept for the unicast routing daemon)", nullptr, nullptr,
     RowKind::section, true, true},
    {kSystem, "interface name:INTERFACE", "Enter an interface view", enter_interface,
     print_interfaces, RowKind::active, true, true},
    {kSystem, "bgp [ text:REST ]", "BGP (kept for the unicast routing daemon)", nullptr, nullptr,
     RowKind::section, true, true},
    {kSystem, "ospf [ text:REST ]", "OSPF (kept for the unicast routing daemon)", nullptr, nullptr,
     RowKind::section, true, true},
    {kSystem, "ospfv3 [ text:REST ]", "OSPFv3 (kept for the unicast routing daemon)", nullptr,
     nullptr, RowKind::section, true, true},
    {kSystem, "rip [ text:REST ]", "RIP (kept for the unicast routing daemon)", nullptr, nullptr,
     RowKind::section, true, true},
    {kSystem, "router text:REST", "Unicast routing (IOS, kept for the unicast routing daemon)",
     nullptr, nullptr, RowKind::section, true, true},
    {kSystem, "route-policy text:REST", "Routing policy (kept for the unicast routing daemon)",
     nullptr, nullptr, RowKind::section, true, true},
    {kSystem, "ip route-static text:REST", "Static route (kept for the unicast routing daemon)",
     nullptr, nullptr, RowKind::section, true, true},
    {kSystem, "ipv6 route-static text:REST", "Static route (kept for the unicast routing daemon)",
     nullptr, nullptr, RowKind::section, true, true},
    {kSystem, "ip route text:REST", "Static route (IOS, kept for the unicast routing daemon)",
     nullptr, nullptr, RowKind::section, true, true},
    {kSystem, "ipv6 route text:REST", "Static route (IOS, kept for the unicast routing daemon)",
     nullptr, nullptr, RowKind::section, true, true},
    {kSystem, "acl text:REST", "Access list", nullptr, nullptr, RowKind::later_section, true, true},
    {kSystem, "pim", "Enter the PIM view", enter_pim4, print_pim4, RowKind::active, true, true},
    {kSystem, "pim-ipv6", "Enter the PIM view for IPv6", enter_pim6, print_pim6, RowKind::active,
     true, true},
    {kSystem, "ip pim rp-address rp:IPV4", "Static rendezvous point (IOS)", set_rp4},
    {kSystem, "ipv6 pim rp-address rp:IPV6", "Static rendezvous point (IOS)", set_rp6},

    {View::pim, "static-rp rp:IPV4 [ groups:PREFIX4 ]", "Rendezvous point of all or some groups",
     set_rp4, print_rps4, RowKind::active, true},
    {View::pim, "ssm-range groups:PREFIX4", "Source-specific groups in place of 232.0.0.0/8",
     set_ssm4, print_ssm4, RowKind::active, true},
    {View::pim, "c-bsr text:REST", "Candidate BSR", nullptr, nullptr, kLater, true},
    {View::pim, "c-rp text:REST", "Candidate RP", nullptr, nullptr, kLater, true},
    {View::pim, "auto-rp text:REST", "Auto-RP", nullptr, nullptr, kLater, true},
    {View::pim, "ssm-policy text:REST", "Source-specific groups by access list", nullptr, nullptr,
     kLater, true},
    {View::pim, "spt-switch-threshold text:REST", "When to join the source", nullptr, nullptr,
     kLater, true},
    {View::pim, "timer text:REST", "PIM timers", nullptr, nullptr, kLater, true},
    {View::pim, "hello-option text:REST", "PIM hello options", nullptr, nullptr, kLater, true},
    {View::pim, "register-policy text:REST", "Which registers to accept", nullptr, nullptr, kLater,
     true},

    {View::pim_ipv6, "static-rp rp:IPV6 [ groups:PREFIX6 ]",
     "Rendezvous point of all or some groups", set_rp6, print_rps6, RowKind::active, true},
    {View::pim_ipv6, "ssm-range groups:PREFIX6", "Source-specific groups in place of ff3x::/32",
     set_ssm6, print_ssm6, RowKind::active, true},
    {View::pim_ipv6, "embedded-rp [ text:REST ]", "Embedded RP", nullptr, nullptr, kLater, true},
    {View::pim_ipv6, "c-bsr text:REST", "Candidate BSR", nullptr, nullptr, kLater, true},
    {View::pim_ipv6, "c-rp text:REST", "Candidate RP", nullptr, nullptr, kLater, true},
    {View::pim_ipv6, "ssm-policy text:REST", "Source-specific groups by access list", nullptr,
     nullptr, kLater, true},
    {View::pim_ipv6, "timer text:REST", "PIM timers", nullptr, nullptr, kLater, true},
    {View::pim_ipv6, "hello-option text:REST", "PIM hello options", nullptr, nullptr, kLater, true},
};

}  // namespace

std::span<const ConfigRow> first_rows() { return kFirstRows; }
std::span<const ConfigRow> system_rows() { return kRows; }

}  // namespace hotpair::ha::config
