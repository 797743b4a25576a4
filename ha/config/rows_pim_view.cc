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

std::string path_of(Family family, const std::string& vrf) {
  const std::string path(path_of(family));
  return vrf.empty() ? path : path + " vpn-instance " + vrf;
}

template <Family F>
void clear_instance(PimInstance& instance) {
  (F == Family::ipv4 ? instance.pim : instance.pim_ipv6) = PimModel{};
  std::erase_if(instance.static_rps, [](const StaticRp& each) { return each.rp.family() == F; });
  std::erase_if(instance.ssm_ranges, [](const auto& each) { return each->address.family() == F; });
}

template <Family F>
void enter_pim(Editor& editor, const Values& values) {
  const std::string vrf = values.has("name") ? values.text("name") : std::string();
  const std::string path = path_of(F, vrf);
  if (!editor.undo) {
    if (!vrf.empty() && !may_open_vrf(editor, vrf)) return;
    editor.enter(view_of(F), path);
    editor.vrf = vrf;
    static_cast<void>(editor.instance());
    return;
  }
  std::erase_if(editor.config.inactive, [&](const auto& each) { return each.path == path; });
  if (vrf.empty()) {
    clear_instance<F>(editor.config);
    return;
  }
  for (VrfModel& each : editor.config.vrfs)
    if (each.name == vrf) clear_instance<F>(each);
  std::erase_if(editor.config.vrfs, [](const VrfModel& each) {
    return !*each.declared && static_cast<const PimInstance&>(each) == PimInstance{};
  });
}

template <Family F>
void print_instance(const PrintScope& scope, LineSink& sink) {
  const PimInstance& instance = scope.instance();
  PrintScope inner = scope;
  inner.path = path_of(F, scope.vrf == nullptr ? std::string() : scope.vrf->name);
  std::optional<SourceLine> first;
  if (instance.pim_of(F) != PimModel{}) first = SourceLine{};
  for (const StaticRp& each : instance.static_rps)
    if (each.rp.family() == F && !first) first = each.line;
  for (const auto& each : instance.ssm_ranges)
    if (each->address.family() == F && !first) first = each.line;
  for (const InactiveLine& each : scope.config.inactive)
    if (each.path == inner.path && !first) first = each.line;
  if (first) sink.section(inner, view_of(F), inner.path, *first);
}
template <Family F>
void print_pim(const PrintScope& scope, LineSink& sink) {
  print_instance<F>(scope, sink);
}
template <Family F>
void print_vrf_pim(const PrintScope& scope, LineSink& sink) {
  for (const VrfModel& each : scope.config.vrfs) {
    PrintScope inner = scope;
    inner.vrf = &each;
    print_instance<F>(inner, sink);
  }
}

// ---- static RPs ----

struct RpKind {
  bool preferred = false;
  bool bidir = false;
};

template <Family F>
void set_rp(Editor& editor, const Values& values, RpKind kind) {
  auto& list = editor.instance().static_rps;
  if (!values.has("rp")) {
    std::erase_if(list, [](const StaticRp& each) { return each.rp.family() == F; });
    return;
  }
  StaticRp rp{values.address("rp"), all_groups(F), kind.preferred, kind.bidir, editor.line};
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
  set_rp<F>(editor, values, {});
}
template <Family F>
void set_preferred_rp(Editor& editor, const Values& values) {
  set_rp<F>(editor, values, {.preferred = true});
}
void set_bidir_rp(Editor& editor, const Values& values) {
  set_rp<Family::ipv4>(editor, values, {.bidir = true});
}
void set_preferred_bidir_rp(Editor& editor, const Values& values) {
  set_rp<Family::ipv4>(editor, values, {.preferred = true, .bidir = true});
}

template <Family F>
void print_rps(const PrintScope& scope, LineSink& sink, RpKind kind) {
  for (const StaticRp& each : scope.instance().static_rps) {
    if (each.rp.family() != F || each.preferred != kind.preferred || each.bidir != kind.bidir)
      continue;
    const bool all = each.groups == all_groups(F);
    sink.line(fmt::format("static-rp {}{}{}{}", shown(each.rp), all ? "" : " " + shown(each.groups),
                          kind.preferred ? " preferred" : "", kind.bidir ? " bidir" : ""),
              each.line);
  }
}
template <Family F>
void print_plain_rps(const PrintScope& scope, LineSink& sink) {
  print_rps<F>(scope, sink, {});
}
template <Family F>
void print_preferred_rps(const PrintScope& scope, LineSink& sink) {
  print_rps<F>(scope, sink, {.preferred = true});
}
void print_bidir_rps(const PrintScope& scope, LineSink& sink) {
  print_rps<Family::ipv4>(scope, sink, {.bidir = true});
}
void print_preferred_bidir_rps(const PrintScope& scope, LineSink& sink) {
  print_rps<Family::ipv4>(scope, sink, {.preferred = true, .bidir = true});
}

void set_bidir(Editor& editor, const Values&) {
  editor.assign(pim_of<Family::ipv4>(editor), &PimModel::bidir, true);
}
void refuse_bidir(Editor& editor, const Values&) {
  if (!editor.undo) editor.refuse("bidirectional PIM runs for IPv4 only");
}
void print_bidir(const PrintScope& scope, LineSink& sink) {
  const auto& bidir = scope.instance().pim_of(Family::ipv4).bidir;
  if (*bidir) sink.line("bidir-pim enable", bidir.line);
}

// ---- source-specific groups ----

template <Family F>
void set_ssm(Editor& editor, const Values& values) {
  auto& list = editor.instance().ssm_ranges;
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
  for (const auto& each : scope.instance().ssm_ranges)
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
  const auto& spt = scope.instance().pim_of(F).spt;
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
  for (const auto& each : scope.instance().pim_of(F).register_policy)
    sink.line("register-policy " + shown(*each), each.line);
}

// On by default, so its undo is what is said.
void set_embedded(Editor& editor, const Values&) {
  auto& embedded = editor.instance().pim_ipv6.embedded_rp;
  if (editor.undo)
    embedded.set(false, editor.line);
  else
    embedded = PimModel{}.embedded_rp;
}
void print_embedded(const PrintScope& scope, LineSink& sink) {
  const auto& embedded = scope.instance().pim_ipv6.embedded_rp;
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
    {kSystem, "pim vpn-instance name:STRING31", "Enter the PIM view of a VPN instance",
     enter_pim<k4>, print_vrf_pim<k4>, kActive, true, true},
    {kSystem, "pim-ipv6 vpn-instance name:STRING31",
     "Enter the PIM view of a VPN instance for IPv6", enter_pim<k6>, print_vrf_pim<k6>, kActive,
     true, true},
    {kSystem, "ip pim vrf name:STRING31 rp-address rp:IPV4 [ groups:PREFIX4 ]",
     "Static rendezvous point of a VRF (IOS)", in_vrf<set_plain_rp<k4>>, nullptr, kActive, true},
    {kSystem, "ip pim vrf name:STRING31 rp-address rp:IPV4 [ groups:PREFIX4 ] override",
     "Static rendezvous point of a VRF that beats a learned one (IOS)",
     in_vrf<set_preferred_rp<k4>>, nullptr, kActive, true},
    {kSystem, "ip pim vrf name:STRING31 rp-address rp:IPV4 [ groups:PREFIX4 ] bidir",
     "Static rendezvous point of bidirectional groups of a VRF (IOS)", in_vrf<set_bidir_rp>,
     nullptr, kActive, true},
    {kSystem, "ip pim vrf name:STRING31 rp-address rp:IPV4 [ groups:PREFIX4 ] override bidir",
     "The same, and it beats a learned one (IOS)", in_vrf<set_preferred_bidir_rp>, nullptr, kActive,
     true},
    {kSystem, "ip pim vrf name:STRING31 bidir-enable", "Enable bidirectional PIM in a VRF (IOS)",
     in_vrf<set_bidir>},
    {kSystem, "ip pim vrf name:STRING31 ssm range groups:PREFIX4",
     "Source-specific groups of a VRF in place of 232.0.0.0/8 (IOS)", in_vrf<set_ssm<k4>>, nullptr,
     kActive, true},
    {kSystem, "ip pim vrf name:STRING31 spt-threshold kbps:0-4294967",
     "When to join the source in a VRF, in kbit/s (IOS)", in_vrf<set_threshold<k4>>},
    {kSystem, "ip pim vrf name:STRING31 spt-threshold infinity",
     "Never join the source in a VRF (IOS)", in_vrf<set_infinity<k4>>},
    {kSystem, "ipv6 pim vrf name:STRING31 rp-address rp:IPV6 [ groups:PREFIX6 ]",
     "Static rendezvous point of a VRF (IOS)", in_vrf<set_plain_rp<k6>>, nullptr, kActive, true},
    {kSystem, "ipv6 pim vrf name:STRING31 spt-threshold infinity",
     "Never join the source in a VRF (IOS)", in_vrf<set_infinity<k6>>},
    {kSystem, "ipv6 pim vrf name:STRING31 rp embedded",
     "Groups of ff70::/12 name their RP in a VRF, default (IOS)", in_vrf<set_embedded>},
    {kSystem, "ip pim rp-address rp:IPV4 [ groups:PREFIX4 ]", "Static rendezvous point (IOS)",
     set_plain_rp<k4>, nullptr, kActive, true},
    {kSystem, "ip pim rp-address rp:IPV4 [ groups:PREFIX4 ] override",
     "Static rendezvous point that beats a learned one (IOS)", set_preferred_rp<k4>, nullptr,
     kActive, true},
    {kSystem, "ip pim rp-address rp:IPV4 [ groups:PREFIX4 ] bidir",
     "Static rendezvous point of bidirectional groups (IOS)", set_bidir_rp, nullptr, kActive, true},
    {kSystem, "ip pim rp-address rp:IPV4 [ groups:PREFIX4 ] override bidir",
     "The same, and it beats a learned one (IOS)", set_preferred_bidir_rp, nullptr, kActive, true},
    {kSystem, "ip pim bidir-enable", "Enable bidirectional PIM (IOS)", set_bidir},
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
    {View::pim, "static-rp rp:IPV4 [ groups:PREFIX4 ] bidir",
     "Rendezvous point of bidirectional groups", set_bidir_rp, print_bidir_rps, kActive, true},
    {View::pim, "static-rp rp:IPV4 [ groups:PREFIX4 ] preferred bidir",
     "The same, and it beats what is learned for an equal range", set_preferred_bidir_rp,
     print_preferred_bidir_rps, kActive, true},
    {View::pim, "bidir-pim enable", "Enable bidirectional PIM", set_bidir, print_bidir},
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
    {View::pim_ipv6, "bidir-pim enable", "Refused: bidirectional PIM runs for IPv4 only",
     refuse_bidir},
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
