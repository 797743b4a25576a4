#include <fmt/core.h>

#include <algorithm>

#include "ha/config/config_rows.h"

/// Rows of `igmp …` and `mld …` in the interface view; both families share their code.
namespace hotpair::ha::config {
namespace {

using Family4 = std::integral_constant<GmpSettings InterfaceModel::*, &InterfaceModel::igmp>;
using Family6 = std::integral_constant<GmpSettings InterfaceModel::*, &InterfaceModel::mld>;

template <typename Which>
constexpr std::string_view kWord = "igmp";
template <>
constexpr std::string_view kWord<Family6> = "mld";

template <typename Which>
GmpSettings& settings(Editor& editor) {
  return editor.interface().*Which::value;
}
template <typename Which>
const GmpSettings& settings(const PrintScope& scope) {
  return scope.interface->*Which::value;
}

// A flag that a line sets and its undo clears.
template <typename Which, auto Member>
void set_flag(Editor& editor, const Values&) {
  editor.assign(settings<Which>(editor), Member, true);
}
// A number called "value", times Factor.
template <typename Which, auto Member, unsigned Factor = 1>
void set_number(Editor& editor, const Values& values) {
  using Number = std::remove_cvref_t<decltype((settings<Which>(editor).*Member).value)>;
  const std::uint64_t value = values.has("value") ? values.number("value") * Factor : 0;
  editor.assign(settings<Which>(editor), Member, static_cast<Number>(value));
}

template <typename Which>
void set_subnet_check(Editor& editor, const Values& values) {
  const bool on = values.has("state") && values.text("state") == "enable";
  editor.assign(settings<Which>(editor), &GmpSettings::subnet_check, on);
}

constexpr std::size_t kStaticGroupsMax = 1'000;

// Without a group: all of them, which only `undo` can say.
template <typename Which>
void set_static_group(Editor& editor, const Values& values) {
  auto& list = settings<Which>(editor).static_groups;
  if (!values.has("group")) {
    list.clear();
    return;
  }
  StaticGroup wanted{values.address("group"), std::nullopt};
  if (values.has("source")) wanted.source = values.address("source");
  if (!wanted.group.is_multicast() || wanted.group.is_link_local_multicast()) {
    editor.refuse(fmt::format("{} is not a group that is routed", shown(wanted.group)));
    return;
  }
  if (wanted.source && (wanted.source->is_multicast() || wanted.source->is_unspecified())) {
    editor.refuse(fmt::format("{} cannot be a source", shown(*wanted.source)));
    return;
  }
  std::erase_if(list, [&](const auto& each) { return *each == wanted; });
  if (editor.undo) return;
  if (list.size() >= kStaticGroupsMax) {
    editor.refuse(fmt::format("{} has {} static groups, more are refused",
                              editor.interface_name.name, kStaticGroupsMax));
    return;
  }
  Setting<StaticGroup> setting;
  setting.set(wanted, editor.line);
  const auto at = std::lower_bound(list.begin(), list.end(), setting,
                                   [](const auto& a, const auto& b) { return *a < *b; });
  list.insert(at, std::move(setting));
}

template <typename Which, typename T>
void print_number(LineSink& sink, std::string_view words, const Setting<T>& setting) {
  if (setting) sink.line(fmt::format("{} {} {}", kWord<Which>, words, *setting), setting.line);
}
template <typename Which>
void print_flag(LineSink& sink, std::string_view words, const Setting<bool>& setting) {
  if (*setting) sink.line(fmt::format("{} {}", kWord<Which>, words), setting.line);
}

// Whole seconds are printed in the vendor's unit, the rest in ms.
template <typename Which>
void print_interval(LineSink& sink, std::string_view words, const Setting<std::uint16_t>& setting,
                    bool in_ms) {
  const bool whole_seconds = *setting % 1000 == 0;
  if (!setting || whole_seconds == in_ms) return;
  if (in_ms) {
    sink.line(fmt::format("{} {}-ms {}", kWord<Which>, words, *setting), setting.line);
  } else {
    sink.line(fmt::format("{} {} {}", kWord<Which>, words, *setting / 1000), setting.line);
  }
}

template <typename Which>
struct Print {
  static constexpr bool kIgmp = std::is_same_v<Which, Family4>;
  static constexpr std::string_view kLast =
      kIgmp ? "lastmember-queryinterval" : "lastlistener-queryinterval";

  static void enable(const PrintScope& scope, LineSink& sink) {
    print_flag<Which>(sink, "enable", settings<Which>(scope).enabled);
  }
  static void version(const PrintScope& scope, LineSink& sink) {
    print_number<Which>(sink, "version", settings<Which>(scope).version);
  }
  static void query(const PrintScope& scope, LineSink& sink) {
    print_number<Which>(sink, "timer query", settings<Which>(scope).query_interval_s);
  }
  static void robustness(const PrintScope& scope, LineSink& sink) {
    print_number<Which>(sink, "robust-count", settings<Which>(scope).robustness);
  }
  static void response(const PrintScope& scope, LineSink& sink) {
    print_interval<Which>(sink, "max-response-time", settings<Which>(scope).max_response_ms, false);
  }
  static void response_ms(const PrintScope& scope, LineSink& sink) {
    print_interval<Which>(sink, "max-response-time", settings<Which>(scope).max_response_ms, true);
  }
  static void last(const PrintScope& scope, LineSink& sink) {
    print_interval<Which>(sink, kLast, settings<Which>(scope).last_member_interval_ms, false);
  }
  static void last_ms(const PrintScope& scope, LineSink& sink) {
    print_interval<Which>(sink, kLast, settings<Which>(scope).last_member_interval_ms, true);
  }
  static void prompt_leave(const PrintScope& scope, LineSink& sink) {
    print_flag<Which>(sink, "prompt-leave", settings<Which>(scope).fast_leave);
  }
  static void limit(const PrintScope& scope, LineSink& sink) {
    print_number<Which>(sink, "limit", settings<Which>(scope).group_limit);
  }
  static void source_limit(const PrintScope& scope, LineSink& sink) {
    print_number<Which>(sink, "source-limit", settings<Which>(scope).source_limit);
  }
  static void host_limit(const PrintScope& scope, LineSink& sink) {
    print_number<Which>(sink, "host-limit", settings<Which>(scope).host_limit);
  }
  static void static_groups(const PrintScope& scope, LineSink& sink) {
    for (const auto& each : settings<Which>(scope).static_groups)
      sink.line(fmt::format("{} static-group {}{}", kWord<Which>, shown(each->group),
                            each->source ? " source " + shown(*each->source) : std::string()),
                each.line);
  }
  static void router_alert(const PrintScope& scope, LineSink& sink) {
    print_flag<Which>(sink, "require-router-alert", settings<Which>(scope).require_router_alert);
  }
  static void subnet_check(const PrintScope& scope, LineSink& sink) {
    const Setting<bool>& check = settings<Which>(scope).subnet_check;
    if (check.configured)
      sink.line(fmt::format("{} subnet-check {}", kWord<Which>, *check ? "enable" : "disable"),
                check.line);
  }
};

using G = GmpSettings;
using P4 = Print<Family4>;
using P6 = Print<Family6>;
constexpr auto kView = View::interface;
constexpr auto kLater = RowKind::not_active;

constexpr ConfigRow kRows[] = {
    {kView, "igmp enable", "Enable IGMP", set_flag<Family4, &G::enabled>, P4::enable},
    {kView, "igmp version value:1-3", "IGMP version, default 3", set_number<Family4, &G::version>,
     P4::version},
    {kView, "igmp timer query value:1-18000", "Seconds between general queries, default 125",
     set_number<Family4, &G::query_interval_s>, P4::query},
    {kView, "igmp robust-count value:2-7", "Packets that may be lost, default 2",
     set_number<Family4, &G::robustness>, P4::robustness},
    {kView, "igmp max-response-time value:1-25", "Seconds that hosts have to answer, default 10",
     set_number<Family4, &G::max_response_ms, 1000>, P4::response},
    {kView, "igmp max-response-time-ms value:100-25500", "The same in ms",
     set_number<Family4, &G::max_response_ms>, P4::response_ms},
    {kView, "igmp lastmember-queryinterval value:1-25",
     "Seconds to answer a last-member query, default 1",
     set_number<Family4, &G::last_member_interval_ms, 1000>, P4::last},
    {kView, "igmp lastmember-queryinterval-ms value:100-25500", "The same in ms",
     set_number<Family4, &G::last_member_interval_ms>, P4::last_ms},
    {kView, "igmp prompt-leave", "Believe a leave at once (one host behind the link)",
     set_flag<Family4, &G::fast_leave>, P4::prompt_leave},
    {kView, "igmp limit value:1-1000000", "Most groups on the interface",
     set_number<Family4, &G::group_limit>, P4::limit},
    {kView, "igmp source-limit value:1-16384", "Most sources of a group",
     set_number<Family4, &G::source_limit>, P4::source_limit},
    {kView, "igmp host-limit value:1-1000000", "Most groups that one host may bring in",
     set_number<Family4, &G::host_limit>, P4::host_limit},
    {kView, "igmp require-router-alert", "Refuse packets without the router alert option",
     set_flag<Family4, &G::require_router_alert>, P4::router_alert},
    {kView, "igmp subnet-check state:{enable|disable}", "Refuse reports from hosts off the subnet",
     set_subnet_check<Family4>, P4::subnet_check},
    {kView, "igmp static-group group:IPV4 [ source source:IPV4 ]",
     "Group without a host, for any source or for one", set_static_group<Family4>,
     P4::static_groups, RowKind::active, true},
    {kView, "igmp group-policy text:REST", "Which groups hosts may join", nullptr, nullptr, kLater,
     true},
    {kView, "igmp ssm-mapping text:REST", "Sources for hosts that cannot name them", nullptr,
     nullptr, kLater, true},

    {kView, "mld enable", "Enable MLD", set_flag<Family6, &G::enabled>, P6::enable},
    {kView, "mld version value:1-2", "MLD version, default 2", set_number<Family6, &G::version>,
     P6::version},
    {kView, "mld timer query value:1-18000", "Seconds between general queries, default 125",
     set_number<Family6, &G::query_interval_s>, P6::query},
    {kView, "mld robust-count value:2-7", "Packets that may be lost, default 2",
     set_number<Family6, &G::robustness>, P6::robustness},
    {kView, "mld max-response-time value:1-25", "Seconds that hosts have to answer, default 10",
     set_number<Family6, &G::max_response_ms, 1000>, P6::response},
    {kView, "mld max-response-time-ms value:100-25500", "The same in ms",
     set_number<Family6, &G::max_response_ms>, P6::response_ms},
    {kView, "mld lastlistener-queryinterval value:1-25",
     "Seconds to answer a last-listener query, default 1",
     set_number<Family6, &G::last_member_interval_ms, 1000>, P6::last},
    {kView, "mld lastlistener-queryinterval-ms value:100-25500", "The same in ms",
     set_number<Family6, &G::last_member_interval_ms>, P6::last_ms},
    {kView, "mld prompt-leave", "Believe a done message at once (one host behind the link)",
     set_flag<Family6, &G::fast_leave>, P6::prompt_leave},
    {kView, "mld limit value:1-1000000", "Most groups on the interface",
     set_number<Family6, &G::group_limit>, P6::limit},
    {kView, "mld source-limit value:1-16384", "Most sources of a group",
     set_number<Family6, &G::source_limit>, P6::source_limit},
    {kView, "mld host-limit value:1-1000000", "Most groups that one host may bring in",
     set_number<Family6, &G::host_limit>, P6::host_limit},
    {kView, "mld require-router-alert", "Refuse packets without the router alert option",
     set_flag<Family6, &G::require_router_alert>, P6::router_alert},
    {kView, "mld subnet-check state:{enable|disable}", "Refuse reports from hosts off the subnet",
     set_subnet_check<Family6>, P6::subnet_check},
    {kView, "mld static-group group:IPV6 [ source source:IPV6 ]",
     "Group without a host, for any source or for one", set_static_group<Family6>,
     P6::static_groups, RowKind::active, true},
    {kView, "mld group-policy text:REST", "Which groups hosts may join", nullptr, nullptr, kLater,
     true},
    {kView, "mld ssm-mapping text:REST", "Sources for hosts that cannot name them", nullptr,
     nullptr, kLater, true},

    {kView, "ip igmp version value:1-3", "IGMP version (IOS)", set_number<Family4, &G::version>},
    {kView, "ip igmp query-interval value:1-18000", "Seconds between general queries (IOS)",
     set_number<Family4, &G::query_interval_s>},
    {kView, "ip igmp query-max-response-time value:1-25", "Seconds that hosts have to answer (IOS)",
     set_number<Family4, &G::max_response_ms, 1000>},
    {kView, "ip igmp last-member-query-interval value:100-25500", "Milliseconds (IOS)",
     set_number<Family4, &G::last_member_interval_ms>},
    {kView, "ip igmp robustness-variable value:2-7", "Packets that may be lost (IOS)",
     set_number<Family4, &G::robustness>},
    {kView, "ip igmp static-group group:IPV4 [ source source:IPV4 ]", "Group without a host (IOS)",
     set_static_group<Family4>, nullptr, RowKind::active, true},
    {kView, "ip igmp limit value:1-1000000", "Most groups on the interface (IOS)",
     set_number<Family4, &G::group_limit>},
};

}  // namespace

std::span<const ConfigRow> membership_rows() { return kRows; }

}  // namespace hotpair::ha::config
