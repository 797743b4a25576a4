#include <fmt/core.h>

#include <algorithm>

#include "ha/config/config_rows.h"

/// Rows of the system view.
namespace hotpair::ha::config {
namespace {

// Far beyond what a node can use; they bound the work that a hostile file can ask for.
constexpr std::size_t kInterfacesMax = 2'048;
constexpr std::size_t kNamedMax = 512;

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
  editor.assign(editor.instance(), &PimInstance::multicast_ipv4, true);
}
void print_multicast(const PrintScope& scope, LineSink& sink) {
  const auto& enabled = scope.config.multicast_ipv4;
  if (*enabled) sink.line("multicast routing-enable", enabled.line);
}
void set_multicast_ipv6(Editor& editor, const Values&) {
  editor.assign(editor.instance(), &PimInstance::multicast_ipv6, true);
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
};

}  // namespace

std::span<const ConfigRow> first_rows() { return kFirstRows; }
std::span<const ConfigRow> system_rows() { return kRows; }

}  // namespace hotpair::ha::config
