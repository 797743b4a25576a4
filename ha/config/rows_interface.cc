#include <fmt/core.h>

#include <algorithm>

#include "ha/config/config_rows.h"

/// Rows of the interface view: addresses, multicast, bindings.
namespace hotpair::ha::config {
namespace {

using Addresses = std::vector<Setting<IpPrefix>>;

void set_description(Editor& editor, const Values& values) {
  editor.assign(editor.interface(), &InterfaceModel::description,
                values.has("text") ? values.text("text") : "");
}
void print_description(const PrintScope& scope, LineSink& sink) {
  const auto& text = scope.interface->description;
  if (text) sink.line("description " + *text, text.line);
}

void set_shutdown(Editor& editor, const Values&) {
  editor.assign(editor.interface(), &InterfaceModel::shutdown, true);
}
// As VRP: a port says either, always; other interfaces only that they are shut.
void print_shutdown(const PrintScope& scope, LineSink& sink) {
  const auto& shutdown = scope.interface->shutdown;
  if (*shutdown) {
    sink.line("shutdown", shutdown.line);
  } else if (scope.interface->name.kind == InterfaceKind::ethernet) {
    sink.line("undo shutdown", scope.interface->line);
  }
}

std::string dotted_mask(unsigned length) {
  const std::uint32_t bits = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
  return IpAddress::v4(bits).to_string();
}

Setting<IpPrefix> setting_of(const IpPrefix& prefix, SourceLine line) {
  Setting<IpPrefix> setting;
  setting.set(prefix, line);
  return setting;
}

void insert_sorted(Addresses& list, std::size_t from, Setting<IpPrefix> setting) {
  const auto begin = list.begin() + static_cast<std::ptrdiff_t>(from);
  const auto at = std::lower_bound(begin, list.end(), setting,
                                   [](const auto& a, const auto& b) { return *a < *b; });
  list.insert(at, std::move(setting));
}

constexpr std::size_t kAddressesMax = 256;

bool can_have_address(Editor& editor, const IpAddress& address) {
  const InterfaceModel& interface = editor.interface();
  if (interface.ipv4_addresses.size() + interface.ipv6_addresses.size() >= kAddressesMax) {
    editor.refuse(
        fmt::format("{} has {} addresses, more are refused", interface.name.name, kAddressesMax));
    return false;
  }
  if (editor.interface_name.kind == InterfaceKind::null) {
    editor.refuse(fmt::format("{} takes no address", editor.interface_name.name));
    return false;
  }
  if (address.is_multicast() || address.is_unspecified() || address.is_loopback()) {
    editor.refuse(fmt::format("{} cannot be the address of an interface", shown(address)));
    return false;
  }
  return true;
}

// A new primary replaces the old one, as in VRP; secondary addresses stay sorted behind it.
void set_ipv4(Editor& editor, const Values& values, bool secondary) {
  Addresses& list = editor.interface().ipv4_addresses;
  if (!values.has("address")) {
    list.clear();
    return;
  }
  if (values.holds<IpAddress>("address") && !values.has("mask")) {  // only with undo
    std::erase_if(list,
                  [&](const auto& each) { return each->address == values.address("address"); });
    return;
  }
  const IpPrefix prefix =
      values.has("mask")
          ? IpPrefix{values.address("address"), static_cast<std::uint8_t>(values.number("mask"))}
          : values.prefix("address");
  if (editor.undo) {
    std::erase_if(list, [&](const auto& each) { return *each == prefix; });
    return;
  }
  if (!can_have_address(editor, prefix.address)) return;
  const bool only_primary = list.size() == 1 && list.front()->address == prefix.address;
  if (secondary && (list.empty() || only_primary)) {
    editor.refuse("a secondary address needs a primary one before it");
    return;
  }
  std::erase_if(list, [&](const auto& each) { return each->address == prefix.address; });
  Setting<IpPrefix> setting = setting_of(prefix, editor.line);
  if (secondary) {
    insert_sorted(list, 1, std::move(setting));
    return;
  }
  if (list.empty()) list.emplace_back();
  list.front() = std::move(setting);
}
void set_primary(Editor& editor, const Values& values) { set_ipv4(editor, values, false); }
void set_secondary(Editor& editor, const Values& values) { set_ipv4(editor, values, true); }

void print_primary(const PrintScope& scope, LineSink& sink) {
  const Addresses& list = scope.interface->ipv4_addresses;
  if (list.empty()) return;
  const IpPrefix& prefix = *list.front();
  sink.line(fmt::format("ip address {} {}", shown(prefix.address), dotted_mask(prefix.length)),
            list.front().line);
}
void print_secondary(const PrintScope& scope, LineSink& sink) {
  const Addresses& list = scope.interface->ipv4_addresses;
  for (std::size_t i = 1; i < list.size(); ++i)
    sink.line(
        fmt::format("ip address {} {} sub", shown(list[i]->address), dotted_mask(list[i]->length)),
        list[i].line);
}

void set_ipv6_enable(Editor& editor, const Values&) {
  editor.assign(editor.interface(), &InterfaceModel::ipv6_enable, true);
}
void print_ipv6_enable(const PrintScope& scope, LineSink& sink) {
  const auto& enabled = scope.interface->ipv6_enable;
  if (*enabled) sink.line("ipv6 enable", enabled.line);
}

void change_ipv6(Editor& editor, IpPrefix prefix) {
  Addresses& list = editor.interface().ipv6_addresses;
  if (prefix.address.is_link_local_unicast()) prefix.length = 64;
  if (editor.undo) {
    std::erase_if(list, [&](const auto& each) { return *each == prefix; });
    return;
  }
  if (!can_have_address(editor, prefix.address)) return;
  std::erase_if(list, [&](const auto& each) { return each->address == prefix.address; });
  insert_sorted(list, 0, setting_of(prefix, editor.line));
}
void set_ipv6(Editor& editor, const Values& values) {
  if (!values.has("address")) {
    editor.interface().ipv6_addresses.clear();
    return;
  }
  change_ipv6(editor, values.prefix("address"));
}
void set_ipv6_length(Editor& editor, const Values& values) {
  if (!values.has("length")) {  // only with undo
    std::erase_if(editor.interface().ipv6_addresses,
                  [&](const auto& each) { return each->address == values.address("address"); });
    return;
  }
  change_ipv6(editor,
              {values.address("address"), static_cast<std::uint8_t>(values.number("length"))});
}
void set_link_local(Editor& editor, const Values& values) {
  if (!values.address("address").is_link_local_unicast()) {
    editor.refuse(fmt::format("{} is not a link-local address", shown(values.address("address"))));
    return;
  }
  change_ipv6(editor, {values.address("address"), 64});
}
void print_ipv6(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.interface->ipv6_addresses)
    if (!each->address.is_link_local_unicast())
      sink.line("ipv6 address " + shown(*each), each.line);
}
void print_link_local(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.interface->ipv6_addresses)
    if (each->address.is_link_local_unicast())
      sink.line(fmt::format("ipv6 address {} link-local", shown(each->address)), each.line);
}

void set_binding(Editor& editor, const Values& values) {
  editor.assign(editor.interface(), &InterfaceModel::remote_backup_profile,
                values.has("name") ? values.text("name") : "");
}
void print_binding(const PrintScope& scope, LineSink& sink) {
  const auto& name = scope.interface->remote_backup_profile;
  if (name) sink.line("remote-backup-profile " + *name, name.line);
}

constexpr auto kView = View::interface;
constexpr auto kLater = RowKind::not_active;
constexpr auto kForeign = RowKind::foreign;

constexpr ConfigRow kAddressRows[] = {
    {kView, "description text:REST", "Text for operators", set_description, print_description},
    {kView, "portswitch", "Layer 2 port", nullptr, nullptr, kLater},
    {kView, "shutdown", "Take the interface down", set_shutdown, print_shutdown},
    {kView, "port text:REST", "VLAN of a layer 2 port", nullptr, nullptr, kLater, true},
    {kView, "mtu value:64-9600", "Largest packet", nullptr, nullptr, kLater},
    {kView, "ip address address:IPV4 mask:MASK", "Primary IPv4 address", set_primary,
     print_primary},
    {kView, "ip address address:PREFIX4", "Primary IPv4 address", set_primary},
    {kView, "ip address address:IPV4 mask:MASK sub", "Secondary IPv4 address", set_secondary,
     print_secondary, RowKind::active, true},
    {kView, "ip address address:PREFIX4 sub", "Secondary IPv4 address", set_secondary},
    {kView, "ip address address:IPV4 mask:MASK secondary", "Secondary IPv4 address (IOS)",
     set_secondary},
    {kView, "ipv6 enable", "Enable IPv6", set_ipv6_enable, print_ipv6_enable},
    {kView, "ipv6 address address:PREFIX6", "IPv6 address", set_ipv6, print_ipv6, RowKind::active,
     true},
    {kView, "ipv6 address address:IPV6 length:1-128", "IPv6 address", set_ipv6_length},
    {kView, "ipv6 address address:IPV6 link-local", "Link-local address", set_link_local,
     print_link_local, RowKind::active, true},
};

constexpr ConfigRow kBindingRows[] = {
    {kView, "isis text:REST", "IS-IS (kept for the unicast routing daemon)", nullptr, nullptr,
     kForeign, true},
    {kView, "ospf text:REST", "OSPF (kept for the unicast routing daemon)", nullptr, nullptr,
     kForeign, true},
    {kView, "ospfv3 text:REST", "OSPFv3 (kept for the unicast routing daemon)", nullptr, nullptr,
     kForeign, true},
    {kView, "ip ospf text:REST", "OSPF (IOS, kept for the unicast routing daemon)", nullptr,
     nullptr, kForeign, true},
    {kView, "remote-backup-profile name:STRING31", "Backed up by this profile", set_binding,
     print_binding},
};

}  // namespace

std::span<const ConfigRow> address_rows() { return kAddressRows; }
std::span<const ConfigRow> binding_rows() { return kBindingRows; }

}  // namespace hotpair::ha::config
