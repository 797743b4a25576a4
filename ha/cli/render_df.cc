#include <fmt/core.h>

#include <array>
#include <string_view>

#include "ha/cli/render_pim.h"
#include "ha/cli/words.h"

/// Designated forwarders of bidirectional groups: text in both dialects and JSON.
namespace hotpair::ha::cli {
namespace {

using mcast::pim::DfRow;

constexpr std::array<std::string_view, 4> kStates = {"Offer", "Lose", "Win", "Backoff"};

std::string state_of(const DfRow& row) {
  return std::string(row.state ? kStates[static_cast<std::size_t>(*row.state)] : "-");
}
std::string forwarder_of(const DfRow& row) {
  if (!row.df) return "-";
  return shown(*row.df) + (row.self ? " (local)" : "");
}

}  // namespace

std::string to_text(const PimDfModel& model) {
  std::string text = fmt::format(" VPN-Instance: {}\n", model.instance);
  std::optional<IpAddress> rp;
  for (const auto& [interface, row] : model.elections) {
    if (rp != row.rp.address) text += fmt::format(" RP Address: {}\n", shown(row.rp.address));
    rp = row.rp.address;
    text += fmt::format("  Interface: {}, {}\n", interface, shown(row.address));
    text += fmt::format("     State        : {}\n", state_of(row));
    text += fmt::format("     DF preference: {}\n", row.metric.preference);
    text += fmt::format("     DF metric    : {}\n", row.metric.metric);
    text += fmt::format("     DF uptime    : {}\n", row.df ? clock_of(row.uptime) : "-");
    text += fmt::format("     DF address   : {}\n", forwarder_of(row));
  }
  return text;
}

std::string ios_text(const PimDfModel& model) {
  std::string text = "* implies this system is the DF\n";
  text += fmt::format("{:<25}{:<17}{:<17}{:<11}{}\n", "Interface", "RP", "DF Winner", "Metric",
                      "Uptime");
  for (const auto& [interface, row] : model.elections)
    text += fmt::format("{:<25}{:<16}{}{:<17}{:<11}{}\n", interface, shown(row.rp.address),
                        row.self ? "*" : " ", row.df ? shown(*row.df) : "0.0.0.0",
                        row.metric.metric, row.df ? clock_of(row.uptime) : "00:00:00");
  return text;
}

Json to_json(const PimDfModel& model) {
  Json elections = Json::array();
  for (const auto& [interface, row] : model.elections) {
    Json out = Json::object();
    out.set("rp", row.rp.address.to_string()).set("interface", interface);
    out.set("address", row.address.to_string());
    out.set("state", row.state ? Json(state_of(row)) : Json());
    out.set("df", row.df ? Json(row.df->to_string()) : Json()).set("local", row.self);
    out.set("preference", row.df ? Json(row.metric.preference) : Json());
    out.set("metric", row.df ? Json(row.metric.metric) : Json());
    out.set("uptime_ms", row.df ? Json(ms_of(row.uptime)) : Json());
    elections.push(std::move(out));
  }
  return Json::object().set("elections", std::move(elections));
}

}  // namespace hotpair::ha::cli
