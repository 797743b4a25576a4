#include <fmt/core.h>

#include "ha/bfd/bfd_show.h"
#include "ha/cli/render_json.h"
#include "ha/cli/render_text.h"
#include "ha/cli/words.h"

/// Text and JSON of BFD sessions.
namespace hotpair::ha::cli {
namespace {

using bfd::LatenessHistogram;
using bfd::State;
using bfd::Verdict;

const std::string kRule = fmt::format("{:-<88}\n", "");

std::string_view type_of(const BfdSessionRow& row) {
  return row.interface.empty() ? "S_IP_PEER" : "S_IP_IF";
}

std::string ms(std::uint64_t us) {
  return us % 1000 == 0 ? fmt::format("{}", us / 1000) : fmt::format("{:.3f}", double(us) / 1000);
}

std::string two(std::string_view left, const std::string& a, std::string_view right,
                const std::string& b) {
  return fmt::format("  {:<23}: {:<18}{:<23}: {}\n", left, a, right, b);
}
std::string one(std::string_view name, const std::string& value) {
  return fmt::format("  {:<23}: {}\n", name, value);
}

std::string verdict_name(std::size_t index) {
  return index < static_cast<std::size_t>(Verdict::count)
             ? bfd::to_string(static_cast<Verdict>(index))
             : fmt::format("reason {}", index);
}

std::string bucket_name(std::size_t index) {
  return index < LatenessHistogram::kUpperUs.size()
             ? fmt::format("<={}us", LatenessHistogram::kUpperUs[index])
             : "more";
}

std::string remote_diag_name(std::uint8_t diag) {
  return bfd::to_string(static_cast<bfd::Diag>(diag));
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& each : list) text += (text.empty() ? "" : ", ") + each;
  return text.empty() ? "--" : text;
}

std::uint64_t received(const keeper::BfdSessionStatus& status) {
  return status.verdicts.empty() ? 0 : status.verdicts.front();
}

std::string verbose_counters(const keeper::BfdSessionStatus& status) {
  std::string text = two("Packets sent", fmt::format("{}", status.sent), "Packets received",
                         fmt::format("{}", received(status)));
  text += two("Send failures", fmt::format("{}", status.send_failures), "Longest gap (ms)",
              ms(status.longest_gap_us));
  for (std::size_t i = 1; i < status.verdicts.size(); ++i)
    if (status.verdicts[i] != 0)
      text += one("Dropped", fmt::format("{} ({})", status.verdicts[i], verdict_name(i)));
  std::string lateness;
  for (std::size_t i = 0; i < status.lateness.size(); ++i)
    if (status.lateness[i] != 0)
      lateness +=
          fmt::format("{}{}: {}", lateness.empty() ? "" : ", ", bucket_name(i), status.lateness[i]);
  text += one("Timer lateness", lateness.empty() ? "--" : lateness);
  text += two("Worst lateness (ms)", ms(status.worst_late_us), "Own pauses forgiven",
              fmt::format("{}", status.extensions));
  return text;
}

std::string verbose(const BfdSessionRow& row) {
  const keeper::BfdSessionStatus& status = row.status;
  const bfd::SessionConfig& config = status.config;
  std::string text = kRule;
  text += fmt::format("({}) State : {:<12} Name : {}\n", config.multihop ? "Multi Hop" : "One Hop",
                      bfd::to_string(status.state), config.name);
  text += kRule;
  text += two("Local Discriminator", fmt::format("{}", status.local_discriminator.value()),
              "Remote Discriminator", fmt::format("{}", status.remote_discriminator.value()));
  text += one("BFD Bind Type", row.interface.empty() ? "Peer IP Address"
                                                     : fmt::format("Interface({})", row.interface));
  text += two("Bind Peer IP Address", shown(config.peer), "Bind Source IP Address",
              shown(config.local));
  text += two("Min Tx Interval (ms)", ms(config.min_tx_us), "Min Rx Interval (ms)",
              ms(config.min_rx_us));
  text +=
      two("Actual Tx Interval (ms)", ms(status.tx_us), "Actual Rx Interval (ms)", ms(status.rx_us));
  text += two("Local Detect Multi", fmt::format("{}", config.multiplier), "Detect Interval (ms)",
              status.detection_us == 0 ? "--" : ms(status.detection_us));
  text += two("Remote Detect Multi", fmt::format("{}", status.remote_multiplier), "Remote State",
              bfd::to_string(status.remote_state));
  text += two("Authentication", status.authenticated ? "met-sha1" : "none", "Poll Sequence",
              status.polling ? "running" : "none");
  text += two("Remote C bit", status.remote_control_plane_independent ? "set" : "clear",
              "Remote Demand Mode", status.remote_demand ? "set" : "clear");
  text += one("Last Local Diagnostic", bfd::to_string(status.diag));
  text += one("Last Remote Diagnostic", remote_diag_name(status.remote_diag));
  text += one("Last Reason", bfd::to_string(status.last_reason));
  text += two("Times Up", fmt::format("{}", status.times_up), "Times Down",
              fmt::format("{}", status.times_down));
  text += one("Last Change (s ago)", fmt::format("{}", status.changed_ms / 1000));
  text += one("Followed by", joined(row.followers));
  return text + verbose_counters(status);
}

std::string totals(const BfdSessionsModel& model) {
  std::size_t up = 0;
  for (const BfdSessionRow& row : model.sessions) up += row.status.state == State::up ? 1 : 0;
  std::string text =
      fmt::format("     Total UP/DOWN Session Number : {}/{}\n", up, model.sessions.size() - up);
  if (model.unknown_session != 0)
    text += fmt::format("     Packets for no session : {}\n", model.unknown_session);
  for (const auto& [reason, count] : model.rejected)
    text += fmt::format("     Packets refused ({}) : {}\n", reason, count);
  return text;
}

Json session_json(const BfdSessionRow& row) {
  const keeper::BfdSessionStatus& status = row.status;
  const bfd::SessionConfig& config = status.config;
  Json out = Json::object();
  out.set("name", config.name).set("state", bfd::to_string(status.state));
  out.set("multihop", config.multihop).set("interface", row.interface);
  out.set("local", config.local.to_string()).set("peer", config.peer.to_string());
  out.set("local_discriminator", std::uint64_t{status.local_discriminator.value()});
  out.set("remote_discriminator", std::uint64_t{status.remote_discriminator.value()});
  out.set("remote_state", bfd::to_string(status.remote_state));
  out.set("min_tx_us", std::uint64_t{config.min_tx_us});
  out.set("min_rx_us", std::uint64_t{config.min_rx_us});
  out.set("multiplier", unsigned{config.multiplier});
  out.set("tx_interval_us", std::uint64_t{status.tx_us});
  out.set("rx_interval_us", std::uint64_t{status.rx_us});
  out.set("detection_us", status.detection_us);
  out.set("remote_multiplier", unsigned{status.remote_multiplier});
  out.set("authenticated", status.authenticated).set("polling", status.polling);
  out.set("remote_control_plane_independent", status.remote_control_plane_independent);
  out.set("remote_demand", status.remote_demand);
  out.set("diagnostic", bfd::to_string(status.diag));
  out.set("remote_diagnostic", remote_diag_name(status.remote_diag));
  out.set("last_reason", bfd::to_string(status.last_reason));
  out.set("times_up", status.times_up).set("times_down", status.times_down);
  out.set("changed_ms", status.changed_ms).set("sent", status.sent);
  out.set("received", received(status)).set("send_failures", status.send_failures);
  Json dropped = Json::object();
  for (std::size_t i = 1; i < status.verdicts.size(); ++i)
    if (status.verdicts[i] != 0) dropped.set(verdict_name(i), status.verdicts[i]);
  out.set("dropped", std::move(dropped));
  Json lateness = Json::object();
  for (std::size_t i = 0; i < status.lateness.size(); ++i)
    lateness.set(bucket_name(i), status.lateness[i]);
  out.set("lateness", std::move(lateness)).set("worst_late_us", status.worst_late_us);
  out.set("longest_gap_us", status.longest_gap_us).set("pauses_forgiven", status.extensions);
  Json followers = Json::array();
  for (const std::string& each : row.followers) followers.push(each);
  return out.set("followers", std::move(followers));
}

}  // namespace

std::string to_text(const BfdSessionsModel& model, TextOptions options) {
  if (!model.connected) return "The keeper, which runs BFD, is not connected.\n";
  std::string text;
  if (options.verbose) {
    for (const BfdSessionRow& row : model.sessions) text += verbose(row);
    return text + kRule + totals(model);
  }
  text = kRule;
  text += fmt::format("{:<11}{:<11}{:<26}{:<10}{:<11}{}\n", "Local", "Remote", "PeerIpAddr",
                      "State", "Type", "InterfaceName");
  text += kRule;
  for (const BfdSessionRow& row : model.sessions)
    text +=
        fmt::format("{:<11}{:<11}{:<26}{:<10}{:<11}{}\n", row.status.local_discriminator.value(),
                    row.status.remote_discriminator.value(), shown(row.status.config.peer),
                    bfd::to_string(row.status.state), type_of(row),
                    row.interface.empty() ? "-" : row.interface);
  return text + kRule + totals(model);
}

Json to_json(const BfdSessionsModel& model) {
  Json sessions = Json::array();
  for (const BfdSessionRow& row : model.sessions) sessions.push(session_json(row));
  Json rejected = Json::object();
  for (const auto& [reason, count] : model.rejected) rejected.set(reason, count);
  Json out = Json::object();
  out.set("connected", model.connected).set("sessions", std::move(sessions));
  out.set("unknown_session", model.unknown_session);
  return out.set("rejected", std::move(rejected));
}

}  // namespace hotpair::ha::cli
