#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "ha/cli/command_rows.h"
#include "ha/cli/json.h"
#include "ha/cli/words.h"
#include "ha/config/parser.h"
#include "ha/config/printer.h"
#include "ha/node/floating_pair.h"

/// Commands that change something.
namespace hotpair::ha::cli {
namespace {

constexpr std::uint64_t kWaitDefaultS = 60;

Response refuse(Error error) {
  Response response;
  response.error = std::move(error);
  response.exit_code = 1;
  return response;
}

Response started(const Result<ActionTicket>& ticket) {
  if (!ticket) return refuse(ticket.error());
  Response response;
  response.pending = *ticket;
  return response;
}

template <ResetTarget Target>
Response reset(const Call& call) {
  const auto done = call.actions.reset(Target);
  return done ? Response{} : refuse(done.error());
}

Response switchover(const Call& call) {
  SwitchoverTarget target;
  if (call.values.has("id"))
    target.scope = ScopeId(static_cast<std::uint32_t>(call.values.number("id")));
  if (call.values.has("etrunk"))
    target.etrunk = etrunk::EtrunkId(static_cast<std::uint16_t>(call.values.number("etrunk")));
  target.force = call.values.has("force");
  return started(call.actions.switchover(target));
}

Response switchover_pair(const Call& call) {
  return started(call.actions.switchover(
      {.scope = node::kFloatingPair, .etrunk = {}, .force = call.values.has("force")}));
}

Response reload(const Call& call) { return started(call.actions.reload()); }

Response leave(const Call& call) { return started(call.actions.leave()); }

Response save(const Call& call) {
  if (call.transactions.pending())
    return refuse({ErrorCode::refused, call.transactions.countdown(call.instant) +
                                           " Decide about it before it is saved."});
  return started(call.actions.save(config::print_config(call.view.running_config())));
}

Response wait(const Call& call) {
  const std::string& what = call.values.text("what");
  const WaitFor condition = what == "ready"    ? WaitFor::ready
                            : what == "synced" ? WaitFor::synced
                                               : WaitFor::master;
  const std::uint64_t limit =
      call.values.has("seconds") ? call.values.number("seconds") : kWaitDefaultS;
  return started(call.actions.wait(condition, std::chrono::seconds(limit)));
}

Json diagnostic_json(const config::Diagnostic& from) {
  Json out = Json::object();
  out.set("severity", from.severity == config::Severity::error ? "error" : "warning");
  out.set("file", from.file).set("line", from.line.number).set("column", from.column);
  out.set("word", from.word).set("message", from.message).set("expected", from.expected);
  return out.set("nearest", from.nearest);
}

Json error_json(const Error& error) {
  Json out = Json::object();
  return out.set("code", name_of(error.code)).set("text", error.detail);
}

std::string report(const Call& call, const config::Diagnostics& found,
                   const std::vector<std::string>& changes,
                   const std::optional<Error>& error = {}) {
  if (!call.request.json) {
    std::string text;
    for (const config::Diagnostic& each : found) text += to_string(each) + "\n";
    for (const std::string& line : changes) text += masked(line) + "\n";
    if (changes.empty() && !config::has_errors(found)) text += "No changes.\n";
    return text;
  }
  Json diagnostics = Json::array();
  for (const config::Diagnostic& each : found) diagnostics.push(diagnostic_json(each));
  Json lines = Json::array();
  for (const std::string& line : changes) lines.push(masked(line));
  Json out = Json::object();
  out.set("diagnostics", std::move(diagnostics)).set("changes", std::move(lines));
  if (error) out.set("error", error_json(*error));
  return out.dump(2) + "\n";
}

Response apply(const Call& call, bool dry_run) {
  if (!call.request.input)
    return refuse({ErrorCode::malformed, "'apply' came without the text of the file"});
  const InputFile& file = *call.request.input;
  config::ParseOutcome parsed = config::parse_config(file.text, file.name);
  Transactions::Outcome outcome;
  if (!parsed.ok()) {
    const auto errors = std::ranges::count(parsed.diagnostics, config::Severity::error,
                                           &config::Diagnostic::severity);
    outcome.error =
        Error{ErrorCode::refused, fmt::format("{}: {} error{}, nothing was changed", file.name,
                                              errors, errors == 1 ? "" : "s")};
  } else if (dry_run) {
    outcome = call.transactions.check(parsed.config, file.name, Transactions::Warnings::all);
  } else {
    Transactions::Change change;
    change.kind = Transactions::Kind::apply;
    change.config = std::move(parsed.config);
    change.caller = call.caller;
    change.file = file.name;
    outcome = call.transactions.commit(std::move(change), call.instant);
  }
  for (auto& each : outcome.found) parsed.diagnostics.push_back(std::move(each));
  Response response;
  if (outcome.error) {
    response = refuse(*outcome.error);
    response.text = report(call, parsed.diagnostics, {}, response.error);
    return response;
  }
  response.pending = outcome.ticket;
  // With JSON there is one document: of an action that goes on it is the one of its end.
  if (!response.pending || !call.request.json)
    response.text = report(call, parsed.diagnostics, outcome.changes);
  return response;
}
Response apply_now(const Call& call) { return apply(call, false); }
Response apply_dry(const Call& call) { return apply(call, true); }

Response help(const Call& call) {
  Response response;
  if (!call.request.json) {
    response.text = help_text();
    return response;
  }
  Json list = Json::array();
  for (const CommandRow& row : command_rows()) {
    Json one = Json::object();
    one.set("syntax", row.syntax).set("help", row.help).set("right", name_of(row.role));
    list.push(std::move(one));
  }
  Json out = Json::object();
  response.text = out.set("commands", std::move(list)).dump(2) + "\n";
  return response;
}

constexpr CommandRow kRows[] = {
    {"reset igmp counters", "Set the counters of IGMP to zero", AccessRole::operate,
     reset<ResetTarget::igmp>},
    {"reset mld counters", "Set the counters of MLD to zero", AccessRole::operate,
     reset<ResetTarget::mld>},
    {"reset remote-backup-service counters", "Set the counters of the channel to zero",
     AccessRole::operate, reset<ResetTarget::remote_backup_service>},
    {"switchover [ backup-id id:1-65535 ] [ force:{force} ]",
     "Hand mastership to the peer, planned", AccessRole::operate, switchover},
    {"switchover e-trunk etrunk:1-1024 [ force:{force} ]",
     "Hand over every profile of the E-Trunk, planned", AccessRole::operate, switchover},
    {"switchover floating-pair [ force:{force} ]",
     "Hand over the interfaces with 'pim identity floating', planned", AccessRole::operate,
     switchover_pair},
    {"switchover all [ force:{force} ]", "Hand over every profile, planned", AccessRole::operate,
     switchover},
    {"leave", "Hand everything over, say goodbye, close the gates", AccessRole::operate, leave},
    {"wait what:{ready|synced|master} [ --timeout seconds:1-86400 ]",
     "Wait for a state, for scripts; 60 s unless told", AccessRole::view, wait},
    {"apply file:STRING", "Make a file the running configuration, all or nothing",
     AccessRole::admin, apply_now},
    {"apply file:STRING --dry-run", "Show what the file would change", AccessRole::operate,
     apply_dry},
    {"reload", "Read configuration, ports, keys and certificates again; no channel drops",
     AccessRole::admin, reload},
    {"save", "Write the running configuration to its file", AccessRole::admin, save},
    {"copy running-config startup-config", "Save, in the words of IOS", AccessRole::admin, save},
    {"pair init [ --pair-key file:STRING ]", "Make the pair key (runs without the daemon)",
     AccessRole::admin, nullptr},
    {"pair rotate [ step:{--add|--promote|--retire|--status} ] [ --pair-key file:STRING ]",
     "Change the pair key in three steps without a drop; says what comes next", AccessRole::admin,
     nullptr},
    {"pair ca init [ --tls-dir folder:STRING ] [ --name name:STRING64 ]",
     "Make the pair's own CA: ca.pem and ca.key in /etc/hotpair/tls", AccessRole::admin, nullptr},
    {"pair certificate node:STRING63 [ --uri uri:STRING ] [ --days days:1-3650 ]"
     " [ --tls-dir folder:STRING ]",
     "Issue key and certificate of a node: NODE.pem and NODE.key", AccessRole::admin, nullptr},
    {"render frr [ file:STRING ] [ --ports ports:STRING ] [ --strict ]",
     "Write the unicast routing of the configuration file for FRR (runs without the daemon)",
     AccessRole::view, nullptr},
    {"help", "Every command", AccessRole::view, help},
};

}  // namespace

std::span<const CommandRow> action_rows() { return kRows; }

}  // namespace hotpair::ha::cli
