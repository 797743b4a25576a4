#include <fmt/core.h>

#include "ha/cli/render_pim.h"
#include "ha/cli/words.h"

/// Auto-RP as text and as JSON.
namespace hotpair::ha::cli {
namespace {

bool is_enabled(const PimAutoRpModel& model) {
  return model.listening || model.own_agent || !model.announced.empty();
}

std::string ignored_text(const PimAutoRpModel& model) {
  std::string text;
  for (const auto& [reason, count] : model.ignored)
    text += fmt::format("     Ignored, {}: {}\n", reason, count);
  return text;
}

Json address(const std::optional<IpAddress>& value) {
  return value ? Json(value->to_string()) : Json();
}

}  // namespace

std::string to_text(const PimAutoRpModel& model) {
  if (!is_enabled(model)) return "Auto-RP is not enabled.\n";
  std::string text = fmt::format(" VPN-Instance: {}\n", model.instance);
  text += fmt::format(" Listening: {}\n", model.listening ? "enabled" : "disabled");
  text += fmt::format(" Mapping agent: {}\n", model.agent ? shown(*model.agent) : "none");
  if (model.own_agent)
    text += fmt::format(" This router is a mapping agent: {}{}\n", shown(*model.own_agent),
                        model.agent == model.own_agent ? "" : " (silent)");
  for (const IpAddress& rp : model.announced)
    text += fmt::format(" This router is a candidate RP: {}\n", shown(rp));
  text += fmt::format(" Announcements: sent {}, heard {}\n", model.announcements_sent,
                      model.announcements_heard);
  text += fmt::format(" Discovery messages: sent {}, heard {}\n", model.discoveries_sent,
                      model.discoveries_heard);
  return text + ignored_text(model);
}

std::string ios_text(const PimAutoRpModel& model) {
  std::string text = "AutoRP Information:\n";
  text += fmt::format("  AutoRP is {}.\n", is_enabled(model) ? "enabled" : "disabled");
  if (model.agent) text += fmt::format("  RP-mapping agent is {}\n", shown(*model.agent));
  if (model.own_agent)
    text += fmt::format("  This system is an RP-mapping agent ({})\n", shown(*model.own_agent));
  for (const IpAddress& rp : model.announced)
    text += fmt::format("  This system is an RP ({})\n", shown(rp));
  text += "\nPIM AutoRP Statistics: Sent/Received\n";
  return text + fmt::format("  RP Announce: {}/{}, RP Discovery: {}/{}\n", model.announcements_sent,
                            model.announcements_heard, model.discoveries_sent,
                            model.discoveries_heard);
}

Json to_json(const PimAutoRpModel& model) {
  Json announced = Json::array();
  for (const IpAddress& rp : model.announced) announced.push(Json(rp.to_string()));
  Json ignored = Json::object();
  for (const auto& [reason, count] : model.ignored) ignored.set(reason, count);
  Json out = Json::object();
  out.set("listening", model.listening).set("mapping_agent", address(model.agent));
  out.set("own_mapping_agent", address(model.own_agent)).set("announced", std::move(announced));
  out.set("announcements_sent", model.announcements_sent);
  out.set("announcements_heard", model.announcements_heard);
  out.set("discoveries_sent", model.discoveries_sent);
  out.set("discoveries_heard", model.discoveries_heard);
  return out.set("ignored", std::move(ignored));
}

}  // namespace hotpair::ha::cli
