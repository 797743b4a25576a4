#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "ha/config/rows_pim.h"

/// Rows of `multicast limit …`: admission control, in the interface view and for all interfaces.
namespace hotpair::ha::config {
namespace {

constexpr std::size_t kLimitsMax = 128;  // of an interface
constexpr std::size_t kCostsMax = 1'024;

template <Family F>
constexpr std::string_view kWords = F == Family::ipv4 ? "multicast limit" : "multicast ipv6 limit";

std::string_view word_of(LimitDirection direction) {
  switch (direction) {
    case LimitDirection::connected:
      return "connected ";
    case LimitDirection::rpf:
      return "rpf ";
    case LimitDirection::out:
      return "out ";
    case LimitDirection::both:
      return "";
  }
  return "";
}

LimitDirection direction_of(const Values& values) {
  if (!values.has("direction")) return LimitDirection::both;
  const std::string& word = values.text("direction");
  if (word == "connected") return LimitDirection::connected;
  return word == "rpf" ? LimitDirection::rpf : LimitDirection::out;
}

std::string range_text(const ChannelRangeModel& range) {
  return shown(range.groups) + (range.sources ? " source " + shown(*range.sources) : "");
}

/// nullopt: refused.
std::optional<ChannelRangeModel> range_of(Editor& editor, const Values& values) {
  const auto groups = group_ranges(editor, values, "groups");
  if (!groups) return std::nullopt;
  ChannelRangeModel range{groups->front(), std::nullopt};
  if (!values.has("source")) return range;
  const IpPrefix sources = values.prefix("source").network();
  if (sources.address.is_multicast()) {
    editor.refuse(fmt::format("{} are no sources: it is a range of groups", shown(sources)));
    return std::nullopt;
  }
  if (sources.length != 0) range.sources = sources;
  return range;
}

template <Family F>
bool is_of(const ChannelRangeModel& range) {
  return range.groups.address.family() == F;
}

template <Family F>
void set_limit(Editor& editor, const Values& values) {
  auto& list = editor.interface().multicast_limits;
  const LimitDirection direction = direction_of(values);
  if (!values.has("groups")) {  // which only `undo` can say
    const bool all = !values.has("direction");
    std::erase_if(list, [&](const auto& each) {
      return is_of<F>(each->channels) && (all || each->direction == direction);
    });
    return;
  }
  const auto range = range_of(editor, values);
  if (!range) return;
  std::erase_if(list, [&](const auto& each) {
    return each->channels == *range && each->direction == direction;
  });
  if (editor.undo) return;
  if (list.size() >= kLimitsMax) {
    editor.refuse(fmt::format("{} has {} multicast limits, more are refused",
                              editor.interface_name.name, kLimitsMax));
    return;
  }
  MulticastLimitModel limit{direction, *range, static_cast<std::uint32_t>(values.number("max")),
                            std::nullopt};
  if (values.has("threshold"))
    limit.threshold_percent = static_cast<std::uint8_t>(values.number("threshold"));
  Setting<MulticastLimitModel> setting;
  setting.set(limit, editor.line);
  const auto at = std::ranges::find_if(list, [&](const auto& each) {
    if (each->channels == *range) return each->direction > direction;
    return is_before(*range, each->channels);
  });
  list.insert(at, std::move(setting));
}

template <Family F, bool Both>
void print_limits(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.interface->multicast_limits) {
    if (!is_of<F>(each->channels) || (each->direction == LimitDirection::both) != Both) continue;
    std::string text = fmt::format("{} {}{} {}", kWords<F>, word_of(each->direction),
                                   range_text(each->channels), each->max);
    if (each->threshold_percent) text += fmt::format(" threshold {}", *each->threshold_percent);
    sink.line(std::move(text), each.line);
  }
}

template <Family F>
void set_cost(Editor& editor, const Values& values) {
  auto& list = editor.config.multicast_costs;
  if (!values.has("groups")) {
    std::erase_if(list, [](const auto& each) { return is_of<F>(each->channels); });
    return;
  }
  const auto range = range_of(editor, values);
  if (!range) return;
  std::erase_if(list, [&](const auto& each) { return each->channels == *range; });
  if (editor.undo) return;
  if (list.size() >= kCostsMax) {
    editor.refuse(fmt::format("there are {} multicast costs, more are refused", kCostsMax));
    return;
  }
  Setting<MulticastCostModel> setting;
  setting.set({*range, static_cast<std::uint32_t>(values.number("cost"))}, editor.line);
  const auto at = std::ranges::find_if(
      list, [&](const auto& each) { return is_before(*range, each->channels); });
  list.insert(at, std::move(setting));
}
template <Family F>
void print_costs(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.config.multicast_costs)
    if (is_of<F>(each->channels))
      sink.line(fmt::format("{} cost {} {}", kWords<F>, range_text(each->channels), each->cost),
                each.line);
}

template <Family F>
constexpr auto kRate =
    F == Family::ipv4 ? &Config::multicast_limit_rate : &Config::multicast_limit_rate_ipv6;
template <Family F>
void set_rate(Editor& editor, const Values& values) {
  const std::uint64_t rate = values.has("rate") ? values.number("rate") : 0;
  editor.assign(editor.config, kRate<F>, static_cast<std::uint32_t>(rate));
}
template <Family F>
void print_rate(const PrintScope& scope, LineSink& sink) {
  const auto& rate = scope.config.*kRate<F>;
  if (rate) sink.line(fmt::format("{} rate {}", kWords<F>, *rate), rate.line);
}

constexpr auto kView = View::interface;
constexpr auto kSystem = View::system;
constexpr auto kActive = RowKind::active;
constexpr auto k4 = Family::ipv4;
constexpr auto k6 = Family::ipv6;

constexpr ConfigRow kInterfaceRows[] = {
    {kView,
     "multicast limit direction:{connected|rpf|out} groups:PREFIX4 [ source source:PREFIX4 ] "
     "max:0-2147483647 [ threshold threshold:1-100 ]",
     "Most that these channels may cost as incoming or outgoing ones", set_limit<k4>,
     print_limits<k4, false>, kActive, true},
    {kView,
     "multicast limit groups:PREFIX4 [ source source:PREFIX4 ] max:0-2147483647 [ threshold "
     "threshold:1-100 ]",
     "Most that these channels may cost, incoming and outgoing", set_limit<k4>,
     print_limits<k4, true>, kActive, true},
    {kView,
     "multicast ipv6 limit direction:{connected|rpf|out} groups:PREFIX6 [ source source:PREFIX6 ] "
     "max:0-2147483647 [ threshold threshold:1-100 ]",
     "Most that these IPv6 channels may cost as incoming or outgoing ones", set_limit<k6>,
     print_limits<k6, false>, kActive, true},
    {kView,
     "multicast ipv6 limit groups:PREFIX6 [ source source:PREFIX6 ] max:0-2147483647 [ threshold "
     "threshold:1-100 ]",
     "Most that these IPv6 channels may cost, incoming and outgoing", set_limit<k6>,
     print_limits<k6, true>, kActive, true},
    {kView,
     "ip multicast limit direction:{connected|rpf|out} groups:PREFIX4 [ source source:PREFIX4 ] "
     "max:0-2147483647 [ threshold threshold:1-100 ]",
     "Most that these channels may cost (IOS)", set_limit<k4>, nullptr, kActive, true},
    {kView,
     "ip multicast limit groups:PREFIX4 [ source source:PREFIX4 ] max:0-2147483647 [ threshold "
     "threshold:1-100 ]",
     "Most that these channels may cost, incoming and outgoing (IOS)", set_limit<k4>, nullptr,
     kActive, true},
    {kView,
     "ipv6 multicast limit direction:{connected|rpf|out} groups:PREFIX6 [ source source:PREFIX6 ] "
     "max:0-2147483647 [ threshold threshold:1-100 ]",
     "Most that these IPv6 channels may cost (IOS)", set_limit<k6>, nullptr, kActive, true},
    {kView,
     "ipv6 multicast limit groups:PREFIX6 [ source source:PREFIX6 ] max:0-2147483647 [ threshold "
     "threshold:1-100 ]",
     "Most that these IPv6 channels may cost, incoming and outgoing (IOS)", set_limit<k6>, nullptr,
     kActive, true},
};

constexpr ConfigRow kSystemRows[] = {
    {kSystem, "multicast limit cost groups:PREFIX4 [ source source:PREFIX4 ] cost:0-2147483647",
     "What each of these channels counts in limits, default 1", set_cost<k4>, print_costs<k4>,
     kActive, true},
    {kSystem, "multicast limit rate rate:0-1000", "Denials told a second, default 1", set_rate<k4>,
     print_rate<k4>},
    {kSystem,
     "multicast ipv6 limit cost groups:PREFIX6 [ source source:PREFIX6 ] cost:0-2147483647",
     "What each of these IPv6 channels counts in limits, default 1", set_cost<k6>, print_costs<k6>,
     kActive, true},
    {kSystem, "multicast ipv6 limit rate rate:0-1000", "IPv6 denials told a second, default 1",
     set_rate<k6>, print_rate<k6>},
    {kSystem, "ip multicast limit cost groups:PREFIX4 [ source source:PREFIX4 ] cost:0-2147483647",
     "What each of these channels counts in limits (IOS)", set_cost<k4>, nullptr, kActive, true},
    {kSystem, "ip multicast limit rate rate:0-1000", "Denials told a second (IOS)", set_rate<k4>},
    {kSystem,
     "ipv6 multicast limit cost groups:PREFIX6 [ source source:PREFIX6 ] cost:0-2147483647",
     "What each of these IPv6 channels counts in limits (IOS)", set_cost<k6>, nullptr, kActive,
     true},
    {kSystem, "ipv6 multicast limit rate rate:0-1000", "IPv6 denials told a second (IOS)",
     set_rate<k6>},
};

}  // namespace

bool is_before(const ChannelRangeModel& a, const ChannelRangeModel& b) {
  const auto key = [](const ChannelRangeModel& range) {
    const IpPrefix sources = range.sources.value_or(IpPrefix{});
    return std::tuple(range.groups.address.family(), -int{range.groups.length},
                      range.groups.address, -(range.sources ? int{sources.length} : 0),
                      sources.address);
  };
  return key(a) < key(b);
}

std::span<const ConfigRow> mcac_interface_rows() { return kInterfaceRows; }
std::span<const ConfigRow> mcac_system_rows() { return kSystemRows; }

}  // namespace hotpair::ha::config
