#include <fmt/core.h>

#include "ha/cli/render_text.h"
#include "ha/cli/words.h"

/// Text of `display eth-trunk`. The seeds print the same display with four different spacings; this
/// is that of DeviceA in seed 003, letter by letter.
namespace hotpair::ha::cli {
namespace {

std::string two(const std::string& left, const std::string& right) {
  return fmt::format("{:<32}{}\n", left, right);
}

std::string marks(const EthTrunk& trunk, const EthTrunkPort& row) {
  const bool reference = trunk.reference == row.port.index;
  if (!row.high && !reference) return row.name;
  return fmt::format("{} ({}{})", row.name, row.high ? "h" : "", reference ? "r" : "");
}

std::string actor_line(const EthTrunk& trunk, const EthTrunkPort& row) {
  const lacp::PortInfo& actor = row.port.actor;
  const bool selected = row.port.selected == lacp::Selected::selected;
  return fmt::format("{:<25} {:<8} {:<8} {:<11} {:<7} {:<10} {:<12} 1\n", marks(trunk, row),
                     selected ? "Selected" : "Unselect", row.type, actor.port_priority, actor.port,
                     actor.key, lacp::state_digits(actor.state));
}

std::string partner_line(const EthTrunkPort& row) {
  const lacp::PortInfo& partner = row.port.partner;
  return fmt::format("{:<21} {:<8} {:<15} {:<8} {:<8} {:<9} {}\n", row.name,
                     partner.system_priority, partner.system.to_string(), partner.port_priority,
                     partner.port, partner.key, lacp::state_digits(partner.state));
}

std::string seed_text(const EthTrunk& trunk) {
  const std::string rule(80, '-');
  std::string text = fmt::format("Eth-Trunk{}'s state information is:\n", trunk.id);
  text += "(h): high priority\n(r): reference port\nLocal:\n";
  text += two(fmt::format("LAG ID: {}", trunk.id), "WorkingMode: STATIC");
  text += two("Preempt Delay: Disabled", "Hash arithmetic: According to flow");
  text += two(fmt::format("System Priority: {}", trunk.system_priority),
              fmt::format("System ID: {}(Local)", trunk.system_id.to_string()));
  text += two(fmt::format("Least Active-linknumber: {}", trunk.least_active),
              fmt::format("Max Active-linknumber: {}", trunk.max_active));
  text += two(fmt::format("Operate status: {}", trunk.up ? "up" : "down"),
              fmt::format("Number Of Up Ports In Trunk: {}", trunk.up_ports));
  text += fmt::format("Timeout Period: {}\nPortKeyMode: Auto\n", trunk.fast ? "Fast" : "Slow");
  text += rule +
          "\nActorPortName             Status   PortType PortPri    PortNo   PortKey    PortState "
          "  Weight\n";
  for (const EthTrunkPort& row : trunk.ports) text += actor_line(trunk, row);
  text += "Partner:\n" + rule +
          "\nActorPortName         SysPri   SystemID        PortPri  PortNo   PortKey  PortState\n";
  for (const EthTrunkPort& row : trunk.ports) text += partner_line(row);
  return text;
}

std::string ago(const std::optional<std::uint32_t>& milliseconds) {
  return milliseconds ? fmt::format("{}.{:03} s", *milliseconds / 1000, *milliseconds % 1000)
                      : "--";
}

std::string port_text(const EthTrunkPort& row) {
  const lacp::PortShow& port = row.port;
  const lacp::PortCounters& count = port.counters;
  std::string text =
      fmt::format("{} ({}): link {}\n", row.name, port.device, port.enabled ? "up" : "down");
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<28}: {}\n", name, value);
  };
  line("Selection", to_string(port.selected));
  line("Receive machine", to_string(port.receive));
  line("Periodic machine", to_string(port.periodic));
  line("Mux machine", to_string(port.mux));
  line("Actor churn / partner churn",
       fmt::format("{} / {}", to_string(port.actor_churn), to_string(port.partner_churn)));
  line("Partner heard / expires in",
       fmt::format("{} ago / {}", ago(port.last_heard_ms), ago(port.expires_ms)));
  line("Partner's version", fmt::format("{}", port.partner_version));
  line("LACPDUs sent / received",
       fmt::format("{} / {}", count.lacpdus_sent, count.lacpdus_received));
  line("Markers received / answered",
       fmt::format("{} / {}", count.markers_received, count.marker_responses_sent));
  line("Sends delayed / failed", fmt::format("{} / {}", count.sends_delayed, count.send_failures));
  line("Partner changes", fmt::format("{}", count.partner_changes));
  line("Expired / defaulted", fmt::format("{} / {}", count.expirations, count.defaults));
  line("Sync changes / mux changes", fmt::format("{} / {}", count.sync_changes, count.mux_changes));
  line("Churns, actor / partner", fmt::format("{} / {}", count.actor_churns, count.partner_churns));
  for (std::size_t i = 0; i < count.rejected.size(); ++i)
    if (count.rejected[i] != 0)
      line(fmt::format("Dropped, {}", to_string(static_cast<lacp::PduReject>(i))),
           fmt::format("{}", count.rejected[i]));
  return text;
}

}  // namespace

std::string to_text(const EthTrunksModel& model, TextOptions options) {
  std::string text;
  for (const EthTrunk& trunk : model.trunks) {
    text += seed_text(trunk);
    if (!options.verbose) continue;
    text += fmt::format("Sync: {}; partner {}; collecting {:#x}, distributing {:#x}\n",
                        trunk.sync_allowed ? "allowed" : "kept out (backup)",
                        trunk.partner_heard ? "heard" : "not heard", trunk.collecting,
                        trunk.distributing);
    for (const EthTrunkPort& row : trunk.ports) text += port_text(row);
  }
  return text;
}

}  // namespace hotpair::ha::cli
