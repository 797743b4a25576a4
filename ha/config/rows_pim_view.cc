#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "ha/config/rows_pim.h"

/// Views pim and pim-ipv6: RPs, source-specific groups, trees, Registers.
namespace hotpair::ha::config {
namespace {

constexpr std::size_t kRangesMax = 1'024;

bool is_full(Editor& editor, std::size_t count, std::string_view what) {
  if (count < kRangesMax) return false;
  editor.refuse(fmt::format("there are {} {}, more are refused", kRangesMax, what));
  return true;
}

constexpr std::string_view path_of(Family family) {
  return family == Family::ipv4 ? "pim" : "pim-ipv6";
}
constexpr View view_of(Family family) {
  return family == Family::ipv4 ? View::pim : View::pim_ipv6;
}

// ---- headers ----

template <Family F>
void enter_pim(Editor& editor, const Values&) {
  if (!editor.undo) {
    editor.enter(view_of(F), std::string(path_of(F)));
    return;
  }
  pim_of<F>(editor) = PimModel{};
  std::erase_if(editor.config.static_rps,
                [](const StaticRp& each) { return each.rp.family() == F; });
  std::erase_if(editor.config.ssm_ranges,
                [](const auto& each) { return each->address.family() == F; });
  std::erase_if(editor.config.inactive, [](const auto& each) { return each.path == path_of(F); });
}

template <Family F>
void print_pim(const PrintScope& scope, LineSink& sink) {
  const Config& config = scope.config;
  PrintScope inner = scope;
  inner.path = std::string(path_of(F));
  std::optional<SourceLine> first;
  if (config.pim_of(F) != PimModel{}) first = SourceLine{};
  for (const StaticRp& each : config.static_rps)
    if (each.rp.family() == F && !first) first = each.line;
  for (const auto& each : config.ssm_ranges)
    if (each->address.family() == F && !first) first = each.line;
  for (const InactiveLine& each : config.inactive)
    if (each.path == path_of(F) && !first) first = each.line;
  if (first) sink.section(inner, view_of(F), inner.path, *first);
}

// ---- static RPs ----

template <Family F>
void set_rp(Editor& editor, const Values& values, bool preferred) {
  auto& list = editor.config.static_rps;
  if (!values.has("rp")) {
    std::erase_if(list, [](const StaticRp& each) { return each.rp.family() == F; });
    return;
  }
  StaticRp rp{values.address("rp"), all_groups(F), preferred, editor.line};
  if (values.has("groups")) {
    const auto ranges = group_ranges(editor, values, "groups");
    if (!ranges) return;
    rp.groups = ranges->front();
  }
  if (rp.rp.is_multicast() || rp.rp.is_unspecified() || rp.rp.is_link_local_unicast() ||
      rp.rp.is_loopback()) {
    editor.refuse(fmt::format("{} cannot be a rendezvous point: it is no routable unicast address",
                              shown(rp.rp)));
    return;
  }
  std::erase_if(list,
                [&](const StaticRp& each) { return each.rp == rp.rp && each.groups == rp.groups; });
  if (editor.undo || is_full(editor, list.size(), "static RPs")) return;
  list.push_back(rp);
  std::sort(list.begin(), list.end(), [](const StaticRp& a, const StaticRp& b) {
    return std::tie(a.rp, a.groups) < std::tie(b.rp, b.groups);
  });
}
template <Family F>
void set_plain_rp(Editor& editor, const Values& values) {
  set_rp<F>(editor, values, false);
}
template <Family F>
void set_preferred_rp(Editor& editor, const Values& values) {
  set_rp<F>(editor, values, true);
}

template <Family F>
void print_rps(const PrintScope& scope, LineSink& sink, bool preferred) {
  for (const StaticRp& each : scope.config.static_rps) {
    if (each.rp.family() != F || each.preferred != preferred) continue;
    const bool all = each.groups == all_groups(F);
    sink.line(fmt::format("static-rp {}{}{}", shown(each.rp), all ? "" : " " + shown(each.groups),
                          preferred ? " preferred" : ""),
              each.line);
  }
}
template <Family F>
void print_plain_rps(const PrintScope& scope, LineSink& sink) {
  print_rps<F>(scope, sink, false);
}
template <Family F>
void print_preferred_rps(const PrintScope& scope, LineSink& sink) {
  print_rps<F>(scope, sink, true);
}

// ---- source-specific groups ----

template <Family F>
void set_ssm(Editor& editor, const Values& values) {
  auto& list = editor.config.ssm_ranges;
  if (!values.has("groups")) {
    std::erase_if(list, [](const auto& each) { return each->address.family() == F; });
    return;
  }
  const auto ranges = group_ranges(editor, values, "groups");
  if (!ranges) return;
  const IpPrefix range = ranges->front();
  std::erase_if(list, [&](const auto& each) { return *each == range; });
  if (editor.undo || is_full(editor, list.size(), "SSM ranges")) return;
  Setting<IpPrefix> setting;
  setting.set(range, editor.line);
  list.push_back(setting);
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return *a < *b; });
}
template <Family F>
void print_ssm(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.config.ssm_ranges)
    if (each->address.family() == F) sink.line("ssm-range " + shown(*each), each.line);
}

// ---- trees, Registers, embedded RP ----

template <Family F>
void set_threshold(Editor& editor, const Values& values) {
  const auto kbps =
      static_cast<std::uint32_t>(values.has("kbps") ? values.number("kbps") : std::uint64_t{0});
  editor.assign(pim_of<F>(editor), &PimModel::spt, {false, kbps});
}
template <Family F>
void set_infinity(Editor& editor, const Values&) {
  editor.assign(pim_of<F>(editor), &PimModel::spt, {true, 0});
}
template <Family F>
void print_threshold(const PrintScope& scope, LineSink& sink) {
  const auto& spt = scope.config.pim_of(F).spt;
  if (spt)
    sink.line("spt-switch-threshold " +
                  (spt->infinity ? std::string("infinity") : fmt::format("{}", spt->kbps)),
              spt.line);
}

template <Family F>
void set_register_policy(Editor& editor, const Values& values) {
  change_prefixes(editor, pim_of<F>(editor).register_policy, values, "sources");
}
template <Family F>
void print_register_policy(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.config.pim_of(F).register_policy)
    sink.line("register-policy " + shown(*each), each.line);
}

// On by default, so its undo is what is said.
void set_embedded(Editor& editor, const Values&) {
  auto& embedded = editor.config.pim_ipv6.embedded_rp;
  if (editor.undo)
    embedded.set(false, editor.line);
  else
    embedded = PimModel{}.embedded_rp;
}
void print_embedded(const PrintScope& scope, LineSink& sink) {
  const auto& embedded = scope.config.pim_ipv6.embedded_rp;
  if (!*embedded) sink.line("undo embedded-rp", embedded.line);
}

constexpr auto kSystem = View::system;
constexpr auto k4 = Family::ipv4;
constexpr auto k6 = Family::ipv6;
constexpr auto kActive = RowKind::active;
constexpr auto kLater = RowKind::not_active;

constexpr ConfigRow kRows[] = {
    {kSystem, "pim", "Enter the PIM view", enter_pim<k4>, print_pim<k4>, kActive, true, true},
    {kSystem, "pim-ipv6", "Enter the PIM view for IPv6", enter_pim<k6>, print_pim<k6>, kActive,
     true, true},
    {kSystem, "ip pim rp-address rp:IPV4 [ groups:PREFIX4 ]", "Static rendezvous point (IOS)",
     set_plain_rp<k4>, nullptr, kActive, true},
    {kSystem, "ip pim rp-address rp:IPV4 [ groups:PREFIX4 ] override",
     "Static rendezvous point that beats a learned one (IOS)", set_preferred_rp<k4>, nullptr,
     kActive, true},
    {kSystem, "ip pim spt-threshold kbps:0-4294967", "When to join the source, in kbit/s (IOS)",
     set_threshold<k4>},
    {kSystem, "ip pim spt-threshold infinity", "Never join the source (IOS)", set_infinity<k4>},
    {kSystem, "ipv6 pim rp-address rp:IPV6 [ groups:PREFIX6 ]", "Static rendezvous point (IOS)",
     set_plain_rp<k6>, nullptr, kActive, true},
    {kSystem, "ipv6 pim spt-threshold infinity", "Never join the source (IOS)", set_infinity<k6>},
    {kSystem, "ipv6 pim rp embedded", "Groups of ff70::/12 name their RP, default (IOS)",
     set_embedded},

    {View::pim, "static-rp rp:IPV4 [ groups:PREFIX4 ]", "Rendezvous point of all or some groups",
     set_plain_rp<k4>, print_plain_rps<k4>, kActive, true},
    {View::pim, "static-rp rp:IPV4 [ groups:PREFIX4 ] preferred",
     "The same, and it beats what is learned for an equal range", set_preferred_rp<k4>,
     print_preferred_rps<k4>, kActive, true},
    {View::pim, "ssm-range groups:PREFIX4", "Source-specific groups in place of 232.0.0.0/8",
     set_ssm<k4>, print_ssm<k4>, kActive, true},
    {View::pim, "ssm-policy text:REST", "Source-specific groups by access list", nullptr, nullptr,
     kLater, true},
    {View::pim, "spt-switch-threshold kbps:0-4294967",
     "Rate of a source, in kbit/s, at which it is joined; default at its first packet",
     set_threshold<k4>, print_threshold<k4>},
    {View::pim, "spt-switch-threshold infinity", "Never join the source", set_infinity<k4>},
    {View::pim, "register-policy sources:PREFIXES4",
     "Sources whose Registers are taken; default all", set_register_policy<k4>,
     print_register_policy<k4>, kActive, true},
    {View::pim, "register-policy acl:2000-3999", "Which Registers to take, by access list", nullptr,
     nullptr, kLater},

    {View::pim_ipv6, "static-rp rp:IPV6 [ groups:PREFIX6 ]",
     "Rendezvous point of all or some groups", set_plain_rp<k6>, print_plain_rps<k6>, kActive,
     true},
    {View::pim_ipv6, "static-rp rp:IPV6 [ groups:PREFIX6 ] preferred",
     "The same, and it beats what is learned for an equal range", set_preferred_rp<k6>,
     print_preferred_rps<k6>, kActive, true},
    {View::pim_ipv6, "ssm-range groups:PREFIX6", "Source-specific groups in place of ff3x::/32",
     set_ssm<k6>, print_ssm<k6>, kActive, true},
    {View::pim_ipv6, "embedded-rp", "Groups of ff70::/12 name their RP, default", set_embedded,
     print_embedded},
    {View::pim_ipv6, "embedded-rp acl:2000-3999", "Groups that name their RP, by access list",
     nullptr, nullptr, kLater},
    {View::pim_ipv6, "ssm-policy text:REST", "Source-specific groups by access list", nullptr,
     nullptr, kLater, true},
    {View::pim_ipv6, "spt-switch-threshold kbps:0-4294967",
     "Rate of a source, in kbit/s, at which it is joined; default at its first packet",
     set_threshold<k6>, print_threshold<k6>},
    {View::pim_ipv6, "spt-switch-threshold infinity", "Never join the source", set_infinity<k6>},
    {View::pim_ipv6, "register-policy sources:PREFIXES6",
     "Sources whose Registers are taken; default all", set_register_policy<k6>,
     print_register_policy<k6>, kActive, true},
    {View::pim_ipv6, "register-policy acl:2000-3999", "Which Registers to take, by access list",
     nullptr, nullptr, kLater},
};

}  // namespace

IpPrefix all_groups(Family family) {
  return family == Family::ipv4 ? IpPrefix{IpAddress::v4(0xe0000000), 4}
                                : *IpPrefix::parse("ff00::/8");
}

std::optional<std::vector<IpPrefix>> group_ranges(Editor& editor, const Values& values,
                                                  std::string_view parameter) {
  std::vector<IpPrefix> ranges;
  if (values.holds<IpPrefix>(parameter))
    ranges.push_back(values.prefix(parameter));
  else
    ranges = values.prefixes(parameter);
  for (IpPrefix& range : ranges) {
    range = range.network();
    const IpPrefix all = all_groups(range.address.family());
    if (all.contains(range.address) && range.length >= all.length) continue;
    editor.refuse(fmt::format("{} is not a range of multicast groups", shown(range)));
    return std::nullopt;
  }
  std::ranges::sort(ranges);
  ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
  return ranges;
}

void change_prefixes(Editor& editor, std::vector<Setting<IpPrefix>>& list, const Values& values,
                     std::string_view parameter) {
  if (!values.has(parameter)) {
    list.clear();
    return;
  }
  for (const IpPrefix& each : values.prefixes(parameter)) {
    Setting<IpPrefix> setting;
    setting.set(each.network(), editor.line);
    std::erase_if(list, [&](const auto& old) { return *old == *setting; });
    if (editor.undo) continue;
    if (is_full(editor, list.size(), "prefixes")) return;
    const auto at = std::lower_bound(list.begin(), list.end(), setting,
                                     [](const auto& a, const auto& b) { return *a < *b; });
    list.insert(at, std::move(setting));
  }
}

std::optional<OwnAddress> own_address(Editor& editor, const Values& values) {
  OwnAddress own;
  if (values.has("address")) {
    own.address = values.address("address");
    if (!own.address.is_multicast() && !own.address.is_unspecified() &&
        !own.address.is_link_local_unicast() && !own.address.is_loopback())
      return own;
    editor.refuse(fmt::format("{} is no routable unicast address", shown(own.address)));
    return std::nullopt;
  }
  own.interface = values.get<InterfaceName>("interface").name;
  return own;
}

std::string ranges_text(std::string_view words, const std::vector<IpPrefix>& ranges) {
  if (ranges.empty()) return {};
  std::string text = fmt::format(" {}", words);
  for (const IpPrefix& range : ranges) text += " " + shown(range);
  return text;
}

std::span<const ConfigRow> pim_view_rows() { return kRows; }

}  // namespace hotpair::ha::config
