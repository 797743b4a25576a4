#include <fmt/core.h>

#include <algorithm>

#include "ha/config/rows_pim.h"

/// Administrative scopes: where they end (`multicast boundary …`), and who may be their bootstrap
/// router (`c-bsr group …`).
namespace hotpair::ha::config {
namespace {

constexpr std::size_t kBoundariesMax = 128;  // of an interface
constexpr std::size_t kZonesMax = 16;        // that this router offers to be BSR of

/// `WORD address:… mask:…` or `WORD groups:PREFIX`; nullopt: refused.
std::optional<IpPrefix> range_of(Editor& editor, const Values& values) {
  IpPrefix range = values.has("mask") ? IpPrefix{values.address("address"),
                                                 static_cast<std::uint8_t>(values.number("mask"))}
                                      : values.prefix("groups");
  range = range.network();
  const IpPrefix all = all_groups(range.address.family());
  if (all.contains(range.address) && range.length >= all.length) return range;
  editor.refuse(fmt::format("{} is not a range of multicast groups", shown(range)));
  return std::nullopt;
}

/// With the length apart, as VRP writes it.
std::string apart(const IpPrefix& range) {
  return fmt::format("{} {}", shown(range.address), range.length);
}

// ---- interfaces ----

template <Family F>
void set_boundary(Editor& editor, const Values& values) {
  auto& list = editor.interface().multicast_boundaries;
  if (!values.has("address") && !values.has("groups")) {  // which only `undo` can say
    std::erase_if(list, [](const auto& each) { return each->address.family() == F; });
    if (F == Family::ipv6) editor.interface().boundary_scope = {};
    return;
  }
  if (values.has("address") && !values.has("mask")) {  // likewise
    std::erase_if(list,
                  [&](const auto& each) { return each->address == values.address("address"); });
    return;
  }
  const auto range = range_of(editor, values);
  if (!range) return;
  std::erase_if(list, [&](const auto& each) { return *each == *range; });
  if (editor.undo) return;
  if (list.size() >= kBoundariesMax) {
    editor.refuse(fmt::format("{} has {} multicast boundaries, more are refused",
                              editor.interface_name.name, kBoundariesMax));
    return;
  }
  Setting<IpPrefix> setting;
  setting.set(*range, editor.line);
  list.insert(std::ranges::lower_bound(list, *range, {}, [](const auto& each) { return *each; }),
              std::move(setting));
}
template <Family F>
void print_boundaries(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.interface->multicast_boundaries)
    if (each->address.family() == F)
      sink.line(
          fmt::format("multicast {}boundary {}", F == Family::ipv4 ? "" : "ipv6 ", apart(*each)),
          each.line);
}
void set_scope(Editor& editor, const Values& values) {
  const auto scope =
      static_cast<std::uint8_t>(values.has("scope") ? values.number("scope") : std::uint64_t{0});
  editor.assign(editor.interface(), &InterfaceModel::boundary_scope, scope);
}
void print_scope(const PrintScope& scope, LineSink& sink) {
  const auto& boundary = scope.interface->boundary_scope;
  if (boundary)
    sink.line(fmt::format("multicast ipv6 boundary scope {}", *boundary), boundary.line);
}

// ---- views pim and pim-ipv6 ----

template <Family F>
void set_admin(Editor& editor, const Values&) {
  editor.assign(pim_of<F>(editor), &PimModel::admin_scope, true);
}
template <Family F>
void print_admin(const PrintScope& scope, LineSink& sink) {
  const auto& admin = scope.instance().pim_of(F).admin_scope;
  if (*admin) sink.line("c-bsr admin-scope", admin.line);
}

/// Flags of an IPv6 group are no part of its scope.
IpPrefix zone_of_scope(std::uint64_t scope) {
  std::array<std::byte, 16> bytes{std::byte{0xff}, static_cast<std::byte>(scope)};
  return {IpAddress::from_bytes(bytes).value(), 16};
}

template <Family F>
void change_zone(Editor& editor, const Values& values, const std::optional<IpPrefix>& zone) {
  auto& list = pim_of<F>(editor).zone_bsrs;
  std::erase_if(list, [&](const auto& each) { return each->zone == zone; });
  if (editor.undo) return;
  if (list.size() >= kZonesMax) {
    editor.refuse(fmt::format("there are {} such lines, more are refused", kZonesMax));
    return;
  }
  ZoneBsrModel line{zone, std::nullopt, std::nullopt};
  if (values.has("hash")) line.hash_length = static_cast<std::uint8_t>(values.number("hash"));
  if (values.has("priority")) line.priority = static_cast<std::uint8_t>(values.number("priority"));
  Setting<ZoneBsrModel> setting;
  setting.set(line, editor.line);
  list.insert(std::ranges::lower_bound(list, zone, {}, [](const auto& each) { return each->zone; }),
              std::move(setting));
}
template <Family F>
void set_global(Editor& editor, const Values& values) {
  change_zone<F>(editor, values, std::nullopt);
}
void set_group(Editor& editor, const Values& values) {
  if (!values.has("address") && !values.has("groups")) {
    std::erase_if(pim_of<Family::ipv4>(editor).zone_bsrs,
                  [](const auto& each) { return each->zone.has_value(); });
    return;
  }
  if (values.has("address") && !values.has("mask")) {  // only with undo
    std::erase_if(pim_of<Family::ipv4>(editor).zone_bsrs, [&](const auto& each) {
      return each->zone && each->zone->address == values.address("address");
    });
    return;
  }
  const auto zone = range_of(editor, values);
  if (!zone) return;
  const IpPrefix scoped{IpAddress::v4(0xef000000), 8};
  if (scoped.contains(zone->address) && zone->length >= scoped.length)
    return change_zone<Family::ipv4>(editor, values, zone);
  editor.refuse(
      fmt::format("{} is no administrative scope: those lie in {}", shown(*zone), shown(scoped)));
}
void set_zone_scope(Editor& editor, const Values& values) {
  if (values.has("scope"))
    return change_zone<Family::ipv6>(editor, values, zone_of_scope(values.number("scope")));
  std::erase_if(pim_of<Family::ipv6>(editor).zone_bsrs,
                [](const auto& each) { return each->zone.has_value(); });
}

template <Family F>
void print_zones(const PrintScope& scope, LineSink& sink, bool global) {
  for (const auto& each : scope.instance().pim_of(F).zone_bsrs) {
    if (global == each->zone.has_value()) continue;
    std::string text = "c-bsr global";
    if (each->zone && F == Family::ipv4) text = "c-bsr group " + apart(*each->zone);
    if (each->zone && F == Family::ipv6)
      text = fmt::format("c-bsr scope {}", std::to_integer<int>(each->zone->address.bytes()[1]));
    if (each->hash_length) text += fmt::format(" hash-length {}", *each->hash_length);
    if (each->priority) text += fmt::format(" priority {}", *each->priority);
    sink.line(std::move(text), each.line);
  }
}
template <Family F>
void print_global(const PrintScope& scope, LineSink& sink) {
  print_zones<F>(scope, sink, true);
}
template <Family F>
void print_scoped(const PrintScope& scope, LineSink& sink) {
  print_zones<F>(scope, sink, false);
}

constexpr auto kView = View::interface;
constexpr auto kActive = RowKind::active;
constexpr auto kLater = RowKind::not_active;
constexpr auto k4 = Family::ipv4;
constexpr auto k6 = Family::ipv6;
constexpr char kBoundaryHelp[] = "Nothing of these groups passes this interface, either way";
constexpr char kScopeHelp[] = "Nothing of groups of this scope, or a smaller one, passes";

constexpr ConfigRow kInterfaceRows[] = {
    {kView, "multicast boundary address:IPV4 mask:MASK", kBoundaryHelp, set_boundary<k4>,
     print_boundaries<k4>, kActive, true},
    {kView, "multicast boundary groups:PREFIX4", kBoundaryHelp, set_boundary<k4>, nullptr, kActive,
     true},
    {kView, "ip multicast boundary groups:PREFIX4",
     "Nothing of these groups passes this interface (IOS)", set_boundary<k4>, nullptr, kActive,
     true},
    {kView, "ip multicast boundary acl:1-199 [ text:REST ]",
     "The same, groups by access list (IOS)", nullptr, nullptr, kLater, true},
    {kView, "multicast ipv6 boundary address:IPV6 mask:8-128", kBoundaryHelp, set_boundary<k6>,
     print_boundaries<k6>, kActive, true},
    {kView, "multicast ipv6 boundary groups:PREFIX6", kBoundaryHelp, set_boundary<k6>, nullptr,
     kActive, true},
    {kView, "multicast ipv6 boundary scope scope:3-15", kScopeHelp, set_scope, print_scope},
    {kView, "ipv6 multicast boundary scope scope:3-15",
     "Nothing of groups of this scope, or a smaller one, passes (IOS)", set_scope},
};

constexpr char kAdminHelp[] = "Be bootstrap router of administrative scopes too";
constexpr char kGlobalHelp[] =
    "Hash length and priority as bootstrap router of the whole domain, with c-bsr admin-scope";

constexpr ConfigRow kViewRows[] = {
    {View::pim, "c-bsr admin-scope", kAdminHelp, set_admin<k4>, print_admin<k4>},
    {View::pim, "c-bsr global [ hash-length hash:0-32 ] [ priority priority:0-255 ]", kGlobalHelp,
     set_global<k4>, print_global<k4>},
    {View::pim,
     "c-bsr group address:IPV4 mask:MASK [ hash-length hash:0-32 ] [ priority priority:0-255 ]",
     "Offer to be the bootstrap router of an administrative scope", set_group, print_scoped<k4>,
     kActive, true},
    {View::pim, "c-bsr group groups:PREFIX4 [ hash-length hash:0-32 ] [ priority priority:0-255 ]",
     "Offer to be the bootstrap router of an administrative scope", set_group, nullptr, kActive,
     true},
    {View::pim_ipv6, "c-bsr admin-scope", kAdminHelp, set_admin<k6>, print_admin<k6>},
    {View::pim_ipv6, "c-bsr global [ hash-length hash:0-128 ] [ priority priority:0-255 ]",
     kGlobalHelp, set_global<k6>, print_global<k6>},
    {View::pim_ipv6,
     "c-bsr scope scope:3-15 [ hash-length hash:0-128 ] [ priority priority:0-255 ]",
     "Offer to be the bootstrap router of a scope", set_zone_scope, print_scoped<k6>, kActive,
     true},
};

}  // namespace

std::span<const ConfigRow> scope_interface_rows() { return kInterfaceRows; }
std::span<const ConfigRow> scope_view_rows() { return kViewRows; }

}  // namespace hotpair::ha::config
