#include <fmt/core.h>

#include <algorithm>

#include "ha/config/rows_pim.h"

/// VPN instances: a routing table of Linux each, and which interfaces belong to them.
namespace hotpair::ha::config {
namespace {

std::string path_of(std::string_view name) { return fmt::format("ip vpn-instance {}", name); }

void enter_vrf(Editor& editor, const Values& values) {
  const std::string& name = values.text("name");
  const std::string path = path_of(name);
  if (editor.undo) {
    std::erase_if(editor.config.vrfs, [&](const VrfModel& each) { return each.name == name; });
    std::erase_if(editor.config.inactive, [&](const InactiveLine& each) {
      return each.path == path || each.path == "pim vpn-instance " + name ||
             each.path == "pim-ipv6 vpn-instance " + name;
    });
    return;
  }
  if (!may_open_vrf(editor, name)) return;
  editor.enter(View::vrf, path);
  editor.vrf = name;
  VrfModel& vrf = editor.vpn_instance();
  if (*vrf.declared) return;
  vrf.declared.set(true, editor.line);
  vrf.line = editor.line;
}
void print_vrfs(const PrintScope& scope, LineSink& sink) {
  for (const VrfModel& each : scope.config.vrfs) {
    if (!*each.declared) continue;
    PrintScope inner = scope;
    inner.vrf = &each;
    inner.path = path_of(each.name);
    sink.section(inner, View::vrf, inner.path, each.line);
  }
}

void set_table(Editor& editor, const Values& values) {
  const std::uint64_t table = values.has("table") ? values.number("table") : 0;
  if (!editor.undo && table >= 253 && table <= 255) {
    editor.refuse(
        fmt::format("{} is the number of a table that Linux has for itself (253 default, "
                    "254 main, 255 local)",
                    table));
    return;
  }
  editor.assign(editor.vpn_instance(), &VrfModel::table, static_cast<std::uint32_t>(table));
}
void print_table(const PrintScope& scope, LineSink& sink) {
  if (scope.vrf->table)
    sink.line(fmt::format("route-table {}", *scope.vrf->table), scope.vrf->table.line);
}

void set_multicast(Editor& editor, const Values&) {
  editor.assign(editor.instance(), &PimInstance::multicast_ipv4, true);
}
void print_multicast(const PrintScope& scope, LineSink& sink) {
  const auto& enabled = scope.instance().multicast_ipv4;
  if (*enabled) sink.line("multicast routing-enable", enabled.line);
}
void set_multicast_ipv6(Editor& editor, const Values&) {
  editor.assign(editor.instance(), &PimInstance::multicast_ipv6, true);
}
void print_multicast_ipv6(const PrintScope& scope, LineSink& sink) {
  const auto& enabled = scope.instance().multicast_ipv6;
  if (*enabled) sink.line("multicast ipv6 routing-enable", enabled.line);
}

void set_binding(Editor& editor, const Values& values) {
  editor.assign(editor.interface(), &InterfaceModel::vrf,
                values.has("name") ? values.text("name") : "");
}
void print_binding(const PrintScope& scope, LineSink& sink) {
  const auto& vrf = scope.interface->vrf;
  if (vrf) sink.line("ip binding vpn-instance " + *vrf, vrf.line);
}

constexpr auto kSystem = View::system;
constexpr auto kActive = RowKind::active;
constexpr auto kForeign = RowKind::foreign;
constexpr std::string_view kKept = "Kept for the unicast routing daemon";

constexpr ConfigRow kRows[] = {
    {kSystem, "ip vpn-instance name:STRING31", "A routing table beside the public one", enter_vrf,
     print_vrfs, kActive, true, true},
    {kSystem, "vrf definition name:STRING31", "A routing table beside the public one (IOS)",
     enter_vrf, nullptr, kActive, true},
    {kSystem, "ip multicast-routing vrf name:STRING31", "Enable IPv4 multicast in a VRF (IOS)",
     in_vrf<set_multicast>, nullptr, kActive, true},
    {kSystem, "ipv6 multicast-routing vrf name:STRING31", "Enable IPv6 multicast in a VRF (IOS)",
     in_vrf<set_multicast_ipv6>, nullptr, kActive, true},
    {View::vrf, "route-table table:1-99999999",
     "Number of the Linux routing table, and of the multicast ones; equal on both nodes", set_table,
     print_table},
    {View::vrf, "multicast routing-enable", "Enable IPv4 multicast in the instance", set_multicast,
     print_multicast},
    {View::vrf, "multicast ipv6 routing-enable", "Enable IPv6 multicast in the instance",
     set_multicast_ipv6, print_multicast_ipv6},
    {View::vrf, "ipv4-family", kKept, nullptr, nullptr, kForeign},
    {View::vrf, "ipv6-family", kKept, nullptr, nullptr, kForeign},
    {View::vrf, "route-distinguisher text:REST", kKept, nullptr, nullptr, kForeign},
    {View::vrf, "vpn-target text:REST", kKept, nullptr, nullptr, kForeign, true},
    {View::vrf, "rd text:REST", kKept, nullptr, nullptr, kForeign},
    {View::vrf, "route-target text:REST", kKept, nullptr, nullptr, kForeign, true},
    {View::vrf, "address-family text:REST", kKept, nullptr, nullptr, kForeign, true},
    {View::vrf, "exit-address-family", kKept, nullptr, nullptr, kForeign},
};

constexpr ConfigRow kBindingRows[] = {
    {View::interface, "ip binding vpn-instance name:STRING31",
     "The VPN instance that the interface belongs to", set_binding, print_binding},
    {View::interface, "vrf forwarding name:STRING31", "The VRF that the interface belongs to (IOS)",
     set_binding},
    {View::interface, "ip vrf forwarding name:STRING31",
     "The VRF that the interface belongs to (IOS)", set_binding},
};

}  // namespace

bool may_open_vrf(Editor& editor, const std::string& name) {
  const bool fits = editor.config.vrfs.size() < kVrfsMax || editor.config.find_vrf(name) != nullptr;
  if (!fits) editor.refuse(fmt::format("there are {} VPN instances, more are refused", kVrfsMax));
  return fits;
}

std::span<const ConfigRow> vrf_rows() { return kRows; }
std::span<const ConfigRow> vrf_binding_rows() { return kBindingRows; }

}  // namespace hotpair::ha::config
