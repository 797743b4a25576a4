#include "ha/config/rows_pim.h"

#include <fmt/core.h>

#include <algorithm>

#include "ha/config/config_rows.h"

/// Rows of `pim …` in the interface view, and of what views pim and pim-ipv6 say for all
/// interfaces.
namespace hotpair::ha::config {
namespace {

// Where Hello options and timers stand.
template <Family F>
struct OfInterface {
  static constexpr std::string_view kPrefix = F == Family::ipv4 ? "pim " : "pim ipv6 ";
  static PimInterfaceModel& pim(Editor& editor) {
    InterfaceModel& interface = editor.interface();
    return F == Family::ipv4 ? interface.pim : interface.pim_ipv6;
  }
  static const PimInterfaceModel& pim(const PrintScope& scope) {
    return scope.interface->pim_of(F);
  }
  static PimHelloModel& hello(Editor& editor) { return pim(editor).hello; }
  static const PimHelloModel& hello(const PrintScope& scope) { return pim(scope).hello; }
};
template <Family F>
struct OfView {
  static constexpr std::string_view kPrefix = "";
  static PimHelloModel& hello(Editor& editor) { return pim_of<F>(editor).hello; }
  static const PimHelloModel& hello(const PrintScope& scope) {
    return scope.instance().pim_of(F).hello;
  }
};

using H = PimHelloModel;
using If4 = OfInterface<Family::ipv4>;
using If6 = OfInterface<Family::ipv6>;
using All4 = OfView<Family::ipv4>;
using All6 = OfView<Family::ipv6>;

template <typename Where, auto Member>
void set_number(Editor& editor, const Values& values) {
  H& hello = Where::hello(editor);
  using Number = std::remove_cvref_t<decltype((hello.*Member).value)>;
  const std::uint64_t value = values.has("value") ? values.number("value") : 0;
  editor.assign(hello, Member, static_cast<Number>(value));
}
template <typename Where>
void set_tracking(Editor& editor, const Values&) {
  editor.assign(Where::hello(editor), &H::neighbor_tracking, true);
}

template <typename Where>
struct Print {
  template <typename T>
  static void number(LineSink& sink, std::string_view words, const Setting<T>& setting) {
    if (setting) sink.line(fmt::format("{}{} {}", Where::kPrefix, words, *setting), setting.line);
  }
  static void dr_priority(const PrintScope& scope, LineSink& sink) {
    number(sink, "hello-option dr-priority", Where::hello(scope).dr_priority);
  }
  static void holdtime(const PrintScope& scope, LineSink& sink) {
    number(sink, "hello-option holdtime", Where::hello(scope).holdtime_s);
  }
  static void lan_delay(const PrintScope& scope, LineSink& sink) {
    number(sink, "hello-option lan-delay", Where::hello(scope).lan_delay_ms);
  }
  static void override_interval(const PrintScope& scope, LineSink& sink) {
    number(sink, "hello-option override-interval", Where::hello(scope).override_interval_ms);
  }
  static void tracking(const PrintScope& scope, LineSink& sink) {
    const auto& tracking = Where::hello(scope).neighbor_tracking;
    if (*tracking)
      sink.line(fmt::format("{}hello-option neighbor-tracking", Where::kPrefix), tracking.line);
  }
  static void hello(const PrintScope& scope, LineSink& sink) {
    number(sink, "timer hello", Where::hello(scope).hello_s);
  }
  static void join_prune(const PrintScope& scope, LineSink& sink) {
    number(sink, "timer join-prune", Where::hello(scope).join_prune_s);
  }
};

template <typename Where>
void set_sm(Editor& editor, const Values&) {
  editor.assign(Where::pim(editor), &PimInterfaceModel::sm, true);
}
template <typename Where>
void print_sm(const PrintScope& scope, LineSink& sink) {
  const auto& sm = Where::pim(scope).sm;
  if (*sm) sink.line(fmt::format("{}sm", Where::kPrefix), sm.line);
}
template <typename Where>
void set_boundary(Editor& editor, const Values&) {
  editor.assign(Where::pim(editor), &PimInterfaceModel::bsr_boundary, true);
}
template <typename Where>
void print_boundary(const PrintScope& scope, LineSink& sink) {
  const auto& boundary = Where::pim(scope).bsr_boundary;
  if (*boundary) sink.line(fmt::format("{}bsr-boundary", Where::kPrefix), boundary.line);
}
template <typename Where>
void set_silent(Editor& editor, const Values&) {
  editor.assign(Where::pim(editor), &PimInterfaceModel::silent, true);
}
template <typename Where>
void print_silent(const PrintScope& scope, LineSink& sink) {
  const auto& silent = Where::pim(scope).silent;
  if (*silent) sink.line(fmt::format("{}silent", Where::kPrefix), silent.line);
}
template <typename Where>
void set_bfd(Editor& editor, const Values&) {
  editor.assign(Where::pim(editor).bfd, &PimBfdModel::enabled, true);
}
template <typename Where, auto Member>
void set_bfd_number(Editor& editor, const Values& values) {
  PimBfdModel& bfd = Where::pim(editor).bfd;
  using Number = std::remove_cvref_t<decltype((bfd.*Member).value)>;
  const std::uint64_t value = values.has("value") ? values.number("value") : 0;
  editor.assign(bfd, Member, static_cast<Number>(value));
}
// The timers of an interface in one line, for both families.
void set_ios_bfd(Editor& editor, const Values& values) {
  for (PimInterfaceModel* pim : {&editor.interface().pim, &editor.interface().pim_ipv6}) {
    const auto number = [&](std::string_view name) {
      return values.has(name) ? static_cast<std::uint32_t>(values.number(name)) : 0;
    };
    editor.assign(pim->bfd, &PimBfdModel::min_tx_ms, number("tx"));
    editor.assign(pim->bfd, &PimBfdModel::min_rx_ms, number("rx"));
    editor.assign(pim->bfd, &PimBfdModel::multiplier,
                  static_cast<std::uint8_t>(number("multiplier")));
  }
}
template <typename Where>
void print_bfd(const PrintScope& scope, LineSink& sink) {
  const PimBfdModel& bfd = Where::pim(scope).bfd;
  const auto number = [&](std::string_view words, const auto& setting) {
    if (setting.configured)
      sink.line(fmt::format("{}bfd {} {}", Where::kPrefix, words, *setting), setting.line);
  };
  if (*bfd.enabled) sink.line(fmt::format("{}bfd enable", Where::kPrefix), bfd.enabled.line);
  number("min-tx-interval", bfd.min_tx_ms);
  number("min-rx-interval", bfd.min_rx_ms);
  number("detect-multiplier", bfd.multiplier);
}

template <typename Where>
void set_neighbors(Editor& editor, const Values& values) {
  change_prefixes(editor, Where::pim(editor).neighbor_policy, values, "neighbors");
}
template <typename Where>
void print_neighbors(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : Where::pim(scope).neighbor_policy)
    sink.line(fmt::format("{}neighbor-policy {}", Where::kPrefix, shown(*each)), each.line);
}

constexpr auto kView = View::interface;
constexpr auto kActive = RowKind::active;
constexpr auto kLater = RowKind::not_active;

constexpr ConfigRow kInterfaceRows[] = {
    {kView, "pim sm", "Enable PIM sparse mode for IPv4", set_sm<If4>, print_sm<If4>},
    {kView, "ip pim sparse-mode", "Enable PIM sparse mode (IOS)", set_sm<If4>},
    {kView, "pim ipv6 sm", "Enable PIM sparse mode for IPv6", set_sm<If6>, print_sm<If6>},
    {kView, "ipv6 pim", "Enable PIM sparse mode for IPv6 (IOS)", set_sm<If6>},
    {kView, "pim hello-option dr-priority value:0-4294967295",
     "The largest becomes designated router, default 1", set_number<If4, &H::dr_priority>,
     Print<If4>::dr_priority},
    {kView, "pim hello-option holdtime value:1-65535",
     "Seconds without a Hello after which a neighbor gives us up; 65535: never. Default 3.5 Hellos",
     set_number<If4, &H::holdtime_s>, Print<If4>::holdtime},
    {kView, "pim hello-option lan-delay value:1-32767",
     "Milliseconds that a message takes on the link, default 500",
     set_number<If4, &H::lan_delay_ms>, Print<If4>::lan_delay},
    {kView, "pim hello-option override-interval value:1-65535",
     "Milliseconds in which a Prune may be overridden, default 2500",
     set_number<If4, &H::override_interval_ms>, Print<If4>::override_interval},
    {kView, "pim hello-option neighbor-tracking", "We can do without join suppression",
     set_tracking<If4>, Print<If4>::tracking},
    {kView, "pim timer hello value:1-18000", "Seconds between Hellos, default 30",
     set_number<If4, &H::hello_s>, Print<If4>::hello},
    {kView, "pim timer join-prune value:1-18000", "Seconds between Join/Prune messages, default 60",
     set_number<If4, &H::join_prune_s>, Print<If4>::join_prune},
    {kView, "pim timer dr-switch-delay value:10-3600", "Wait before another router takes over",
     nullptr, nullptr, kLater},
    {kView, "pim neighbor-policy neighbors:PREFIXES4",
     "Who may be a neighbor: one of these prefixes; default everybody", set_neighbors<If4>,
     print_neighbors<If4>, kActive, true},
    {kView, "pim neighbor-policy acl:2000-2999", "Who may be a neighbor, by access list", nullptr,
     nullptr, kLater},
    {kView, "pim silent", "Serve hosts and sources, speak and hear no PIM", set_silent<If4>,
     print_silent<If4>},
    {kView, "pim bfd enable", "BFD with every PIM neighbor", set_bfd<If4>, print_bfd<If4>},
    {kView, "pim bfd min-tx-interval value:3-20000", "Send interval in ms, default 1000",
     set_bfd_number<If4, &PimBfdModel::min_tx_ms>},
    {kView, "pim bfd min-rx-interval value:3-20000", "Receive interval in ms, default 1000",
     set_bfd_number<If4, &PimBfdModel::min_rx_ms>},
    {kView, "pim bfd detect-multiplier value:1-50",
     "Packets missed before the neighbor is gone, default 3",
     set_bfd_number<If4, &PimBfdModel::multiplier>},
    {kView, "pim bsr-boundary", "Bootstrap messages stop here", set_boundary<If4>,
     print_boundary<If4>},

    {kView, "pim ipv6 hello-option dr-priority value:0-4294967295",
     "The largest becomes designated router, default 1", set_number<If6, &H::dr_priority>,
     Print<If6>::dr_priority},
    {kView, "pim ipv6 hello-option holdtime value:1-65535",
     "Seconds without a Hello after which a neighbor gives us up; 65535: never. Default 3.5 Hellos",
     set_number<If6, &H::holdtime_s>, Print<If6>::holdtime},
    {kView, "pim ipv6 hello-option lan-delay value:1-32767",
     "Milliseconds that a message takes on the link, default 500",
     set_number<If6, &H::lan_delay_ms>, Print<If6>::lan_delay},
    {kView, "pim ipv6 hello-option override-interval value:1-65535",
     "Milliseconds in which a Prune may be overridden, default 2500",
     set_number<If6, &H::override_interval_ms>, Print<If6>::override_interval},
    {kView, "pim ipv6 hello-option neighbor-tracking", "We can do without join suppression",
     set_tracking<If6>, Print<If6>::tracking},
    {kView, "pim ipv6 timer hello value:1-18000", "Seconds between Hellos, default 30",
     set_number<If6, &H::hello_s>, Print<If6>::hello},
    {kView, "pim ipv6 timer join-prune value:1-18000",
     "Seconds between Join/Prune messages, default 60", set_number<If6, &H::join_prune_s>,
     Print<If6>::join_prune},
    {kView, "pim ipv6 neighbor-policy neighbors:PREFIXES6",
     "Who may be a neighbor: one of these prefixes; default everybody", set_neighbors<If6>,
     print_neighbors<If6>, kActive, true},
    {kView, "pim ipv6 neighbor-policy acl:2000-2999", "Who may be a neighbor, by access list",
     nullptr, nullptr, kLater},
    {kView, "pim ipv6 silent", "Serve hosts and sources, speak and hear no PIM", set_silent<If6>,
     print_silent<If6>},
    {kView, "pim ipv6 bfd enable", "BFD with every PIM neighbor", set_bfd<If6>, print_bfd<If6>},
    {kView, "pim ipv6 bfd min-tx-interval value:3-20000", "Send interval in ms, default 1000",
     set_bfd_number<If6, &PimBfdModel::min_tx_ms>},
    {kView, "pim ipv6 bfd min-rx-interval value:3-20000", "Receive interval in ms, default 1000",
     set_bfd_number<If6, &PimBfdModel::min_rx_ms>},
    {kView, "pim ipv6 bfd detect-multiplier value:1-50",
     "Packets missed before the neighbor is gone, default 3",
     set_bfd_number<If6, &PimBfdModel::multiplier>},
    {kView, "pim ipv6 bsr-boundary", "Bootstrap messages stop here", set_boundary<If6>,
     print_boundary<If6>},

    {kView, "ip pim dr-priority value:0-4294967295",
     "The largest becomes designated router, default 1 (IOS)", set_number<If4, &H::dr_priority>},
    {kView, "ip pim query-interval value:1-18000", "Seconds between Hellos, default 30 (IOS)",
     set_number<If4, &H::hello_s>},
    {kView, "ip pim passive", "Serve hosts and sources, speak and hear no PIM (IOS)",
     set_silent<If4>},
    {kView, "ip pim bfd", "BFD with every PIM neighbor (IOS)", set_bfd<If4>},
    {kView, "ipv6 pim passive", "Serve hosts and sources, speak and hear no PIM (IOS)",
     set_silent<If6>},
    {kView, "ipv6 pim bfd", "BFD with every PIM neighbor (IOS)", set_bfd<If6>},
    {kView, "bfd interval tx:3-20000 min_rx rx:3-20000 multiplier multiplier:1-50",
     "Timers of BFD with PIM neighbors, in ms (IOS)", set_ios_bfd},
    {kView, "ip pim bsr-border", "Bootstrap messages stop here (IOS)", set_boundary<If4>},
    {kView, "ip pim neighbor-filter neighbors:PREFIXES4", "Who may be a neighbor (IOS)",
     set_neighbors<If4>, nullptr, kActive, true},
    {kView, "ipv6 pim dr-priority value:0-4294967295",
     "The largest becomes designated router, default 1 (IOS)", set_number<If6, &H::dr_priority>},
    {kView, "ipv6 pim hello-interval value:1-18000", "Seconds between Hellos, default 30 (IOS)",
     set_number<If6, &H::hello_s>},
    {kView, "ipv6 pim join-prune-interval value:1-18000",
     "Seconds between Join/Prune messages, default 60 (IOS)", set_number<If6, &H::join_prune_s>},
    {kView, "ipv6 pim bsr border", "Bootstrap messages stop here (IOS)", set_boundary<If6>},
};

constexpr ConfigRow kDefaultRows[] = {
    {View::pim, "timer hello value:1-18000", "Seconds between Hellos of all interfaces, default 30",
     set_number<All4, &H::hello_s>, Print<All4>::hello},
    {View::pim, "timer join-prune value:1-18000",
     "Seconds between Join/Prune messages of all interfaces, default 60",
     set_number<All4, &H::join_prune_s>, Print<All4>::join_prune},
    {View::pim, "hello-option dr-priority value:0-4294967295",
     "DR priority of all interfaces, default 1", set_number<All4, &H::dr_priority>,
     Print<All4>::dr_priority},
    {View::pim, "hello-option holdtime value:1-65535",
     "Hold time of all interfaces in seconds, default 3.5 Hellos", set_number<All4, &H::holdtime_s>,
     Print<All4>::holdtime},
    {View::pim, "hello-option lan-delay value:1-32767",
     "Delay of all interfaces in ms, default 500", set_number<All4, &H::lan_delay_ms>,
     Print<All4>::lan_delay},
    {View::pim, "hello-option override-interval value:1-65535",
     "Override interval of all interfaces in ms, default 2500",
     set_number<All4, &H::override_interval_ms>, Print<All4>::override_interval},
    {View::pim, "hello-option neighbor-tracking", "We can do without join suppression",
     set_tracking<All4>, Print<All4>::tracking},

    {View::pim_ipv6, "timer hello value:1-18000",
     "Seconds between Hellos of all interfaces, default 30", set_number<All6, &H::hello_s>,
     Print<All6>::hello},
    {View::pim_ipv6, "timer join-prune value:1-18000",
     "Seconds between Join/Prune messages of all interfaces, default 60",
     set_number<All6, &H::join_prune_s>, Print<All6>::join_prune},
    {View::pim_ipv6, "hello-option dr-priority value:0-4294967295",
     "DR priority of all interfaces, default 1", set_number<All6, &H::dr_priority>,
     Print<All6>::dr_priority},
    {View::pim_ipv6, "hello-option holdtime value:1-65535",
     "Hold time of all interfaces in seconds, default 3.5 Hellos", set_number<All6, &H::holdtime_s>,
     Print<All6>::holdtime},
    {View::pim_ipv6, "hello-option lan-delay value:1-32767",
     "Delay of all interfaces in ms, default 500", set_number<All6, &H::lan_delay_ms>,
     Print<All6>::lan_delay},
    {View::pim_ipv6, "hello-option override-interval value:1-65535",
     "Override interval of all interfaces in ms, default 2500",
     set_number<All6, &H::override_interval_ms>, Print<All6>::override_interval},
    {View::pim_ipv6, "hello-option neighbor-tracking", "We can do without join suppression",
     set_tracking<All6>, Print<All6>::tracking},
};

}  // namespace

PimHelloModel in_force(const PimHelloModel& interface, const PimHelloModel& view) {
  PimHelloModel result;
  const auto take = [&](auto member) {
    if ((interface.*member).configured)
      result.*member = interface.*member;
    else if ((view.*member).configured)
      result.*member = view.*member;
  };
  take(&H::dr_priority);
  take(&H::holdtime_s);
  take(&H::lan_delay_ms);
  take(&H::override_interval_ms);
  take(&H::neighbor_tracking);
  take(&H::hello_s);
  take(&H::join_prune_s);
  return result;
}

std::span<const ConfigRow> pim_interface_rows() { return kInterfaceRows; }
std::span<const ConfigRow> pim_default_rows() { return kDefaultRows; }

}  // namespace hotpair::ha::config
