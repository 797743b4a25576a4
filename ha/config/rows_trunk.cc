#include <fmt/core.h>

#include "ha/config/config_rows.h"

/// Rows of Eth-Trunks and their LACP: in the system view, on the trunk, on its member ports.
namespace hotpair::ha::config {
namespace {

// ---- system view ----

std::uint16_t number16(const Values& values, std::string_view name) {
  return values.has(name) ? static_cast<std::uint16_t>(values.number(name)) : std::uint16_t{0};
}

void set_system_priority(Editor& editor, const Values& values) {
  editor.assign(editor.config, &Config::lacp_priority, number16(values, "priority"));
}
void print_system_priority(const PrintScope& scope, LineSink& sink) {
  const auto& priority = scope.config.lacp_priority;
  if (priority) sink.line(fmt::format("lacp priority {}", *priority), priority.line);
}

void set_etrunk_priority(Editor& editor, const Values& values) {
  editor.assign(editor.config, &Config::etrunk_lacp_priority, number16(values, "priority"));
}
void print_etrunk_priority(const PrintScope& scope, LineSink& sink) {
  const auto& priority = scope.config.etrunk_lacp_priority;
  if (priority) sink.line(fmt::format("lacp e-trunk priority {}", *priority), priority.line);
}

void set_system_id(Editor& editor, const Values& values) {
  MacAddress id;
  if (values.has("id")) id = values.get<MacAddress>("id");
  if (!editor.undo && (id == MacAddress{} || (id.octets[0] & 1U) != 0)) {
    editor.refuse("a system id is a unicast address and not zero");
    return;
  }
  editor.assign(editor.config, &Config::etrunk_system_id, id);
}
void print_system_id(const PrintScope& scope, LineSink& sink) {
  const auto& id = scope.config.etrunk_system_id;
  if (id) sink.line("lacp e-trunk system-id " + id->to_string(), id.line);
}

// ---- interface view ----

bool is_trunk(Editor& editor, std::string_view what) {
  if (editor.undo || editor.interface_name.is_eth_trunk()) return true;
  editor.refuse(fmt::format("only an Eth-Trunk interface has '{}'", what));
  return false;
}

void set_mode(Editor& editor, const Values& values) {
  if (!is_trunk(editor, "mode")) return;
  TrunkMode mode = TrunkMode::manual;
  if (values.has("mode") && values.text("mode") == "lacp-static") mode = TrunkMode::lacp_static;
  if (values.has("mode") && values.text("mode") == "lacp-dynamic") mode = TrunkMode::lacp_dynamic;
  editor.assign(editor.interface(), &InterfaceModel::trunk_mode, mode);
}
void print_mode(const PrintScope& scope, LineSink& sink) {
  const auto& mode = scope.interface->trunk_mode;
  if (!mode) return;
  const std::string_view word = *mode == TrunkMode::lacp_static    ? "lacp-static"
                                : *mode == TrunkMode::lacp_dynamic ? "lacp-dynamic"
                                                                   : "manual";
  sink.line(fmt::format("mode {}", word), mode.line);
}

void set_timeout(Editor& editor, const Values& values) {
  if (!is_trunk(editor, "lacp timeout")) return;
  const bool fast = values.has("timeout") && values.text("timeout") == "fast";
  editor.assign(editor.interface(), &InterfaceModel::lacp_timeout,
                fast ? LacpTimeout::fast : LacpTimeout::slow);
}
void print_timeout(const PrintScope& scope, LineSink& sink) {
  const auto& timeout = scope.interface->lacp_timeout;
  if (timeout)
    sink.line(*timeout == LacpTimeout::fast ? "lacp timeout fast" : "lacp timeout slow",
              timeout.line);
}

void set_port_priority(Editor& editor, const Values& values) {
  editor.assign(editor.interface(), &InterfaceModel::lacp_priority, number16(values, "priority"));
}
void print_port_priority(const PrintScope& scope, LineSink& sink) {
  const auto& priority = scope.interface->lacp_priority;
  if (priority) sink.line(fmt::format("lacp priority {}", *priority), priority.line);
}

void set_least(Editor& editor, const Values& values) {
  if (!is_trunk(editor, "least active-linknumber")) return;
  editor.assign(editor.interface(), &InterfaceModel::least_active, number16(values, "number"));
}
void print_least(const PrintScope& scope, LineSink& sink) {
  const auto& least = scope.interface->least_active;
  if (least) sink.line(fmt::format("least active-linknumber {}", *least), least.line);
}

void set_max(Editor& editor, const Values& values) {
  if (!is_trunk(editor, "max active-linknumber")) return;
  editor.assign(editor.interface(), &InterfaceModel::max_active, number16(values, "number"));
}
void print_max(const PrintScope& scope, LineSink& sink) {
  const auto& max = scope.interface->max_active;
  if (max) sink.line(fmt::format("max active-linknumber {}", *max), max.line);
}

void set_eth_trunk(Editor& editor, const Values& values) {
  if (!editor.undo && editor.interface_name.kind != InterfaceKind::ethernet &&
      editor.interface_name.kind != InterfaceKind::plain) {
    editor.refuse(fmt::format("{} cannot be a member of an Eth-Trunk", editor.interface_name.name));
    return;
  }
  editor.assign(editor.interface(), &InterfaceModel::eth_trunk, number16(values, "id"));
}
void print_eth_trunk(const PrintScope& scope, LineSink& sink) {
  const auto& id = scope.interface->eth_trunk;
  if (id) sink.line(fmt::format("eth-trunk {}", *id), id.line);
}

void set_member(Editor& editor, const Values& values) {
  if (!editor.undo && !editor.interface_name.is_eth_trunk()) {
    editor.refuse("only an Eth-Trunk interface can be a member of an E-Trunk");
    return;
  }
  editor.assign(editor.interface(), &InterfaceModel::etrunk, number16(values, "id"));
}
void print_member(const PrintScope& scope, LineSink& sink) {
  const auto& id = scope.interface->etrunk;
  if (id) sink.line(fmt::format("e-trunk {}", *id), id.line);
}

void set_member_mode(Editor& editor, const Values& values) {
  if (!is_trunk(editor, "e-trunk mode")) return;
  EtrunkMode mode = EtrunkMode::automatic;
  if (values.has("mode") && values.text("mode") == "force-master") mode = EtrunkMode::force_master;
  if (values.has("mode") && values.text("mode") == "force-backup") mode = EtrunkMode::force_backup;
  editor.assign(editor.interface(), &InterfaceModel::etrunk_mode, mode);
}
void print_member_mode(const PrintScope& scope, LineSink& sink) {
  const auto& mode = scope.interface->etrunk_mode;
  if (!mode) return;
  const std::string_view word = *mode == EtrunkMode::force_master   ? "force-master"
                                : *mode == EtrunkMode::force_backup ? "force-backup"
                                                                    : "auto";
  sink.line(fmt::format("e-trunk mode {}", word), mode.line);
}

constexpr auto kSystem = View::system;
constexpr auto kView = View::interface;
constexpr auto kLater = RowKind::not_active;

constexpr ConfigRow kSystemRows[] = {
    {kSystem, "lacp priority priority:0-65535", "LACP system priority, default 32768",
     set_system_priority, print_system_priority, RowKind::active, false, true},
    {kSystem, "lacp e-trunk priority priority:0-65535",
     "LACP system priority of E-Trunk members, default 32768", set_etrunk_priority,
     print_etrunk_priority, RowKind::active, false, true},
    {kSystem, "lacp e-trunk system-id id:MAC",
     "LACP system id of E-Trunk members, equal on both nodes; tie-breaker of the election",
     set_system_id, print_system_id, RowKind::active, false, true},
};

constexpr ConfigRow kInterfaceRows[] = {
    {kView, "mode mode:{lacp-static|lacp-dynamic|manual}", "How the Eth-Trunk works", set_mode,
     print_mode},
    {kView, "lacp timeout timeout:{fast|slow}", "How often the partner is to send, default slow",
     set_timeout, print_timeout},
    {kView, "lacp priority priority:0-65535", "LACP priority of this port, default 32768",
     set_port_priority, print_port_priority},
    {kView, "lacp text:REST", "LACP of this interface", nullptr, nullptr, kLater, true},
    {kView, "least active-linknumber number:1-32", "Links needed, default 1", set_least,
     print_least},
    {kView, "max active-linknumber number:1-32", "Links used, default 16", set_max, print_max},
    {kView, "load-balance text:REST", "How links share the load", nullptr, nullptr, kLater},
    {kView, "eth-trunk id:1-1024", "Member of this Eth-Trunk", set_eth_trunk, print_eth_trunk},
    {kView, "e-trunk id:1-1024", "Member of this E-Trunk", set_member, print_member},
    {kView, "e-trunk mode mode:{auto|force-master|force-backup}", "How the member gets its role",
     set_member_mode, print_member_mode},
};

}  // namespace

std::span<const ConfigRow> trunk_system_rows() { return kSystemRows; }
std::span<const ConfigRow> trunk_rows() { return kInterfaceRows; }

}  // namespace hotpair::ha::config
