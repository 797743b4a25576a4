#include <fmt/core.h>

#include <algorithm>

#include "ha/config/config_rows.h"

/// Rows of the interface view about addresses that move with a scope.
namespace hotpair::ha::config {
namespace {

constexpr std::size_t kFloatingMax = 16;

void change_floating(Editor& editor, IpPrefix prefix) {
  auto& list = editor.interface().floating;
  if (prefix.address.is_link_local_unicast()) prefix.length = 64;
  if (editor.undo) {
    std::erase_if(list, [&](const auto& each) { return each->address == prefix.address; });
    return;
  }
  const IpAddress& address = prefix.address;
  if (address.is_multicast() || address.is_unspecified() || address.is_loopback()) {
    editor.refuse(fmt::format("{} cannot be the address of an interface", shown(address)));
    return;
  }
  std::erase_if(list, [&](const auto& each) { return each->address == address; });
  if (list.size() >= kFloatingMax) {
    editor.refuse(fmt::format("{} has {} floating addresses, more are refused",
                              editor.interface().name.name, kFloatingMax));
    return;
  }
  Setting<IpPrefix> setting;
  setting.set(prefix, editor.line);
  const auto at = std::ranges::lower_bound(list, prefix, {},
                                           [](const Setting<IpPrefix>& each) { return *each; });
  list.insert(at, std::move(setting));
}

void set_masked(Editor& editor, const Values& values) {
  change_floating(editor,
                  {values.address("address"), static_cast<std::uint8_t>(values.number("mask"))});
}
void set_prefix(Editor& editor, const Values& values) {
  change_floating(editor, values.prefix("address"));
}
void set_length(Editor& editor, const Values& values) {
  change_floating(editor,
                  {values.address("address"), static_cast<std::uint8_t>(values.number("length"))});
}

std::string dotted_mask(unsigned length) {
  const std::uint32_t bits = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
  return IpAddress::v4(bits).to_string();
}
void print_ipv4(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.interface->floating)
    if (each->address.is_v4())
      sink.line(
          fmt::format("ip address {} {} floating", shown(each->address), dotted_mask(each->length)),
          each.line);
}
void print_ipv6(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.interface->floating)
    if (each->address.is_v6())
      sink.line(fmt::format("ipv6 address {} floating", shown(*each)), each.line);
}

void set_identity(Editor& editor, const Values&) {
  editor.assign(editor.interface(), &InterfaceModel::pim_floating, true);
}
void set_separate(Editor& editor, const Values&) {
  editor.interface().pim_floating = InterfaceModel{}.pim_floating;
}
void print_identity(const PrintScope& scope, LineSink& sink) {
  const auto& floating = scope.interface->pim_floating;
  if (*floating) sink.line("pim identity floating", floating.line);
}

constexpr auto kView = View::interface;
constexpr auto kActive = RowKind::active;

constexpr ConfigRow kRows[] = {
    {kView, "ip address address:IPV4 mask:MASK floating",
     "IPv4 address of the pair, which moves with the scope of the interface", set_masked,
     print_ipv4, kActive, true},
    {kView, "ip address address:PREFIX4 floating",
     "IPv4 address of the pair, which moves with the scope of the interface", set_prefix},
    {kView, "ipv6 address address:PREFIX6 floating",
     "IPv6 address of the pair, which moves with the scope of the interface", set_prefix,
     print_ipv6, kActive, true},
    {kView, "ipv6 address address:IPV6 length:1-128 floating",
     "IPv6 address of the pair, which moves with the scope of the interface", set_length},
    {kView, "pim identity floating",
     "Both nodes are one PIM router here: the active one speaks from the floating address",
     set_identity, print_identity},
    {kView, "pim identity separate", "Each node is a PIM router of its own here (default)",
     set_separate},
    {kView, "ip pim identity floating", "Both nodes are one PIM router here (IOS)", set_identity},
    {kView, "ip pim identity separate", "Each node is a PIM router of its own here (IOS)",
     set_separate},
};

}  // namespace

std::span<const ConfigRow> floating_rows() { return kRows; }

}  // namespace hotpair::ha::config
