#include "ha/cli/render_mcac.h"

#include <fmt/core.h>

#include "ha/cli/words.h"

/// `display multicast limit`, `show ip multicast limit`.
namespace hotpair::ha::cli {
namespace {

namespace mrib = mcast::mrib;

std::string_view word_of(mrib::LimitKind kind) {
  switch (kind) {
    case mrib::LimitKind::both:
      return "both";
    case mrib::LimitKind::connected:
      return "connected";
    case mrib::LimitKind::rpf:
      return "rpf";
    case mrib::LimitKind::out:
      return "out";
  }
  return "unknown";
}

std::string_view word_of(mrib::Direction direction) {
  return direction == mrib::Direction::in ? "in" : "out";
}

std::string text_of(const IpPrefix& prefix) {
  return fmt::format("{}/{}", shown(prefix.address), prefix.length);
}

std::string text_of(const mrib::ChannelRange& range) {
  return text_of(range.groups) + (range.sources ? " source " + text_of(*range.sources) : "");
}

std::string text_of(const mrib::StateKey& state) {
  return fmt::format("({}, {})", state.source ? shown(*state.source) : "*",
                     shown(state.group.address()));
}

std::string_view standing_of(const mrib::LimitedState& state) {
  if (!state.admitted) return "denied";
  return state.unclaimed ? "reserved" : "admitted";
}

std::string none_text(Family family) {
  return fmt::format("No interface has an {} multicast limit.\n",
                     family == Family::ipv4 ? "IPv4" : "IPv6");
}

std::string details(const MulticastLimit& each) {
  const mrib::LimitRow& row = each.row;
  std::string text = fmt::format(" Interface: {}\n", each.interface);
  text += fmt::format("     Channels: {}\n", text_of(row.limit.channels));
  text += fmt::format("     Direction: {}\n", word_of(row.limit.kind));
  text += fmt::format("     Cost in use: {} of {}, {} channels\n", row.in_use, row.limit.max,
                      row.admitted);
  if (row.limit.threshold_percent != 0)
    text += fmt::format("     Threshold: {} percent\n", row.limit.threshold_percent);
  text += fmt::format("     Denied now: {}, in all: {}\n", row.denied, row.denied_total);
  text += fmt::format("     Decided by: {}\n",
                      row.by_records ? "the master of the profile" : "this node");
  for (const mrib::LimitedState& state : row.states)
    text += fmt::format("     {} {}, cost {}, {}\n", text_of(state.state), word_of(state.direction),
                        state.cost, standing_of(state));
  return text;
}

Json state_json(const mrib::LimitedState& state) {
  Json out = Json::object();
  out.set("group", state.state.group.to_string());
  out.set("source", state.state.source ? Json(state.state.source->to_string()) : Json());
  out.set("direction", word_of(state.direction)).set("cost", state.cost);
  return out.set("standing", standing_of(state));
}

Json limit_json(const MulticastLimit& each) {
  const mrib::LimitRow& row = each.row;
  Json out = Json::object();
  out.set("interface", each.interface).set("direction", word_of(row.limit.kind));
  out.set("groups", row.limit.channels.groups.to_string());
  out.set("sources",
          row.limit.channels.sources ? Json(row.limit.channels.sources->to_string()) : Json());
  out.set("max", row.limit.max).set("in_use", row.in_use).set("admitted", row.admitted);
  out.set("threshold_percent",
          row.limit.threshold_percent != 0 ? Json(row.limit.threshold_percent) : Json());
  out.set("denied", row.denied).set("denied_total", row.denied_total);
  out.set("by_records", row.by_records);
  Json states = Json::array();
  for (const mrib::LimitedState& state : row.states) states.push(state_json(state));
  return out.set("states", std::move(states));
}

}  // namespace

std::string to_text(const MulticastLimitsModel& model, TextOptions options) {
  if (model.limits.empty()) return none_text(model.family);
  if (options.verbose) {
    std::string text;
    for (const MulticastLimit& each : model.limits) text += details(each);
    return text;
  }
  Table table({"Interface", "Direction", "Channels", "In use", "Max", "Denied", "Denied in all"});
  for (const auto& [interface, row] : model.limits)
    table.add({interface, std::string(word_of(row.limit.kind)), text_of(row.limit.channels),
               fmt::format("{}", row.in_use), fmt::format("{}", row.limit.max),
               fmt::format("{}", row.denied), fmt::format("{}", row.denied_total)});
  return table.text();
}

std::string ios_text(const MulticastLimitsModel& model, TextOptions options) {
  if (model.limits.empty()) return none_text(model.family);
  std::string text;
  const std::string* interface = nullptr;
  for (const MulticastLimit& each : model.limits) {
    if (interface == nullptr || *interface != each.interface)
      text += fmt::format("Interface {}\n  Multicast Access Limits\n", each.interface);
    interface = &each.interface;
    const mrib::LimitRow& row = each.row;
    text += fmt::format("  {} acl {} ({} / {}), denied {}, exceeded {} times\n",
                        word_of(row.limit.kind), text_of(row.limit.channels), row.in_use,
                        row.limit.max, row.denied, row.denied_total);
    if (!options.verbose) continue;
    for (const mrib::LimitedState& state : row.states)
      text += fmt::format("    {} {}, cost {}, {}\n", text_of(state.state),
                          word_of(state.direction), state.cost, standing_of(state));
  }
  return text;
}

Json to_json(const MulticastLimitsModel& model) {
  Json list = Json::array();
  for (const MulticastLimit& each : model.limits) list.push(limit_json(each));
  Json out = Json::object();
  out.set("family", model.family == Family::ipv4 ? "ipv4" : "ipv6");
  return out.set("limits", std::move(list));
}

}  // namespace hotpair::ha::cli
