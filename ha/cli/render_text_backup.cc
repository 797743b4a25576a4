#include <fmt/core.h>

#include "ha/cli/render_text.h"
#include "ha/cli/words.h"
#include "ha/node/floating_pair.h"

/// Text of the displays about the pair: services, profiles, E-Trunk, keeper, switchovers.
namespace hotpair::ha::cli {
namespace {

template <typename T>
std::string or_dashes(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "--";
}

std::string or_dashes(const std::optional<IpAddress>& address) {
  return address ? shown(*address) : "--";
}

std::string term_text(const Term& term) { return term.counter == 0 ? "-" : to_string(term); }

}  // namespace

std::string to_text(const RemoteBackupServicesModel& model) {
  const std::string rule(58, '-');
  std::string text;
  for (const RemoteBackupService& each : model.services) {
    text += rule + "\n";
    const auto field = [&](std::string_view name, const std::string& value) {
      text += fmt::format(" {:<17}: {}\n", name, value);
    };
    field("Service-Index", fmt::format("{}", each.index));
    field("Service-Name", each.name);
    field("TCP-State", each.tcp_state);
    field("Peer-ip", or_dashes(each.peer));
    field("Source-ip", or_dashes(each.source));
    field("TCP-Port", or_dashes(each.port));
    field("Track-BFD", or_dashes(each.track_bfd));
    field("SSL-Policy-Name", or_dashes(each.ssl_policy_name));
    field("SSL-State", or_dashes(each.ssl_state));
    field("Last up time",
          each.last_up_time ? date_of(*each.last_up_time, each.utc_offset_s) : "--");
    if (each.last_error) field("Last-Error", *each.last_error);
  }
  return text.empty() ? text : text + rule + "\n";
}

std::string statistics_text(const RemoteBackupServicesModel& model) {
  std::string text;
  for (const RemoteBackupService& each : model.services) {
    const RbsStatistics& count = each.statistics;
    text += fmt::format("{}: {}\n", each.name, each.tcp_state);
    text += fmt::format("  connected {} times, disconnected {} times\n", count.connects,
                        count.disconnects);
    text += fmt::format("  renewed without an interruption {} times\n", count.renewals);
    text +=
        fmt::format("  frames   sent {}, received {}\n", count.frames_sent, count.frames_received);
    text +=
        fmt::format("  bytes    sent {}, received {}\n", count.bytes_sent, count.bytes_received);
    for (const auto& [reason, times] : count.refused)
      text += fmt::format("  refused  {}: {}\n", reason, times);
  }
  return text;
}

std::string to_text(const RemoteBackupProfilesModel& model) {
  std::string text;
  for (const RemoteBackupProfile& each : model.profiles) {
    text += " " + std::string(47, '-') + "\n";
    const auto field = [&](std::string_view name, const std::string& value) {
      text += fmt::format(" {:<21}:{}{}\n", name, value.empty() ? "" : " ", value);
    };
    std::string services;
    for (const config::ServiceType type : each.services)
      services += fmt::format("{}{}", services.empty() ? "" : ", ", word_of(type));
    field("Profile-Index", fmt::format("{:#x}", each.index));
    field("Profile-Name", each.name);
    field("Service", services.empty() ? "--" : services);
    field("Remote-backup-service", or_dashes(each.service_name));
    field("Backup-ID", or_dashes(each.backup_id));
    field("track protocol", each.track ? "E-TRUNK" : "--");
    if (each.track) {
      field("    E-Trunk  ID", fmt::format("{}", each.track->etrunk));
      field("    Eth-trunk ID", fmt::format("{}", each.track->eth_trunk));
    }
    field("Interface", each.interfaces.empty() ? "--" : "");
    for (const std::string& name : each.interfaces) text += std::string(24, ' ') + name + "\n";
    field("Forwarding Configured", each.hot ? "Slave Forwarding" : "--");
    field("Backup mode", each.hot ? "hot" : "--");
    field("Slot-Number", "--");
    field("Card-Number", "--");
    field("Port-Number", "--");
    for (const std::string& note : each.notes) field("Last-Error", note);
  }
  return text;
}

namespace {

std::string two(const std::string& left, const std::string& right) {
  return fmt::format("{:<40}{}\n", left, right);
}

std::string etrunk_text(const Etrunk& each) {
  std::string text = fmt::format("{:26}The E-Trunk information\n", "");
  text += two(fmt::format("E-TRUNK-ID : {}", each.id),
              fmt::format("Revert-Delay-Time (s) : {}", each.revert_delay_s));
  text += two(fmt::format("Priority : {} ({} wins)", each.priority, word_of(each.order)),
              fmt::format("System-ID : {}", each.system_id.to_string()));
  text += two(fmt::format("Peer-IP : {}", shown(each.peer)),
              fmt::format("Source-IP : {}", shown(each.source)));
  text += two(fmt::format("State : {}", capital(word_of(each.state))),
              fmt::format("Causation : {}", each.reason));
  text += two(fmt::format("Send-Period (ms) : {}", each.hello_ms),
              fmt::format("Fail-Time (ms) : {}", each.timeout_ms));
  text += two(fmt::format("Restart-Grace (s) : {}", each.restart_grace_s),
              fmt::format("UDP-Port : {}", each.port));
  if (each.rank != each.priority) text += fmt::format("Rank after tracking : {}\n", each.rank);
  if (each.revert_left_s) text += fmt::format("Revert in (s) : {}\n", *each.revert_left_s);
  if (each.peer_heard) {
    const EtrunkPeer& peer = *each.peer_heard;
    text += two(fmt::format("Peer-Priority : {}", peer.priority),
                fmt::format("Peer-System-ID : {}", peer.system_id.to_string()));
    text += two(fmt::format("Peer-Fail-Time (ms) : {}", peer.timeout_ms),
                fmt::format("Peer-Control : {}", word_of(peer.control)));
  } else {
    text += "Peer : not heard\n";
  }
  return text;
}

}  // namespace

std::string to_text(const EtrunksModel& model) {
  std::string text;
  const std::string rule(80, '-');
  for (const Etrunk& each : model.etrunks) {
    text += etrunk_text(each);
    for (const std::string& note : each.notes) text += "Note : " + note + "\n";
    text += rule + "\n" + std::string(26, ' ') + "The Path information\n";
    Table paths({"Path", "Local", "Peer", "Device", "State", "Last-Heard(ms)", "Send", "Receive",
                 "RecDrop"});
    for (const EtrunkPath& path : each.paths)
      paths.add({fmt::format("{}", path.id), shown(path.local), shown(path.peer),
                 path.device.empty() ? "routed" : path.device, path.up ? "Up" : "Down",
                 path.last_heard_ms ? fmt::format("{}", *path.last_heard_ms) : "never",
                 fmt::format("{}", path.sent), fmt::format("{}", path.received),
                 fmt::format("{}", path.rejected_auth + path.rejected_other + path.not_echoed)});
    text += paths.text() + rule + "\n" + std::string(26, ' ') + "The Member information\n";
    Table members(
        {"Type", "ID", "LocalPhyState", "State", "Causation", "Backup-ID", "Term", "Forwarding"});
    for (const EtrunkMember& member : each.members)
      members.add({member.scope == node::kFloatingPair ? "Floating" : "Eth-Trunk",
                   member.scope == node::kFloatingPair ? "-" : fmt::format("{}", member.eth_trunk),
                   member.physical_up ? "Up" : "Down", capital(word_of(member.role)),
                   member.reason.empty() ? "-" : member.reason,
                   member.scope && *member.scope != node::kFloatingPair
                       ? fmt::format("{}", member.scope->value())
                       : "-",
                   term_text(member.term), member.gate_open ? "open" : "closed"});
    text += members.text();
  }
  return text;
}

std::string to_text(const KeeperModel& model) {
  if (!model.connected) return fmt::format("No keeper is connected ({}).\n", model.socket);
  std::string text = fmt::format("Keeper on {}: connected\n", model.socket);
  if (!model.status) return text;
  const keeper::KeeperStatus& status = *model.status;
  text += fmt::format("  process {}, up {}, real-time {}, memory locked {}\n", status.pid,
                      clock_of(std::chrono::milliseconds(status.uptime_ms)),
                      status.realtime ? "yes" : "no", status.locked ? "yes" : "no");
  text += fmt::format("  late timers {}, worst {} us; daemon connected {} times; hellos sent {}\n",
                      status.late_timers, status.worst_late_us, status.daemon_connects,
                      status.hello_counter);
  Table scopes({"Scope", "Role", "Term", "Gate", "Lease", "Access", "Armed-Against", "Armed-Term"});
  for (const keeper::ScopeState& scope : status.scopes)
    scopes.add({fmt::format("{}", scope.scope.value()), std::string(word_of(scope.role)),
                term_text(scope.term), scope.gate_open ? "open" : "closed",
                std::string(word_of(scope.posture)), scope.access_up ? "up" : "down",
                scope.armed ? term_text(scope.armed->against) : "-",
                scope.armed ? term_text(scope.armed->term) : "-"});
  if (!scopes.empty()) text += scopes.text();
  Table paths({"E-Trunk", "Path", "State", "Send", "Receive", "BadKey", "Rejected", "Not-Echoed"});
  for (const keeper::PathStatus& path : status.paths)
    paths.add({fmt::format("{}", path.etrunk.value()), fmt::format("{}", path.path.value()),
               path.up ? "up" : "down", fmt::format("{}", path.sent),
               fmt::format("{}", path.received), fmt::format("{}", path.rejected_auth),
               fmt::format("{}", path.rejected_other), fmt::format("{}", path.not_echoed)});
  if (!paths.empty()) text += paths.text();
  std::string kept;
  for (const std::string& name : status.descriptors) kept += (kept.empty() ? "" : ", ") + name;
  return text + fmt::format("Kept descriptors: {}\n", kept.empty() ? "none" : kept);
}

std::string to_text(const SwitchoverHistoryModel& model) {
  if (model.switchovers.empty()) return "No switchover since the daemon was first started.\n";
  std::string text;
  for (const Switchover& each : model.switchovers) {
    // A master that stays one: a split has healed.
    const std::string_view kind = each.from == each.to ? "healed"
                                  : each.planned       ? "planned"
                                                       : "unplanned";
    text += fmt::format("#{} {} {} scope {}{}: {} -> {}, {}\n", each.number,
                        date_of(each.began, each.utc_offset_s), kind, each.scope.value(),
                        each.profile.empty() ? "" : " (" + each.profile + ")", word_of(each.from),
                        word_of(each.to), each.result);
    text += fmt::format("   cause {}, seen by {}, term {}\n", each.cause,
                        each.detection.empty() ? "-" : each.detection, term_text(each.term));
    text += fmt::format("   {} memberships\n", each.memberships);
    for (const SwitchoverPhase& phase : each.phases)
      text += fmt::format("   {:>10.3f} ms  {}{}\n", static_cast<double>(phase.at_us) / 1000.0,
                          phase.name, phase.detail.empty() ? "" : ": " + phase.detail);
  }
  return text;
}

std::string to_text(const ReadinessModel& model) {
  if (model.scopes.empty()) return "No profile, so there is nothing to switch over.\n";
  std::string text;
  for (const ReadinessRow& row : model.scopes) {
    const bool pair = row.scope == node::kFloatingPair;
    const std::string name =
        pair ? "Floating pair" : fmt::format("Backup-ID {} ({})", row.scope.value(), row.profile);
    text += fmt::format("{}: {}, {}\n", name, word_of(row.role), row.ready ? "ready" : "not ready");
    text += row.peer ? fmt::format("   peer says: {}, copy {}, access link {}, control {}\n",
                                   word_of(row.peer->role),
                                   row.peer->complete || row.peer->role == etrunk::Role::master
                                       ? "complete"
                                       : "incomplete",
                                   row.peer->access_up ? "up" : "down", word_of(row.peer->control))
                     : "   peer says: nothing\n";
    for (const ReadinessFinding& each : row.findings) {
      const std::string count = each.count == 0 ? "" : fmt::format("{} ", each.count);
      text += fmt::format("   {}: {}{}{}\n", each.blocks ? "blocks" : "note", count, each.text,
                          each.blocks && each.forceable ? " (force goes on)" : "");
    }
  }
  return text;
}

std::string to_text(const AlarmsModel& model) {
  if (model.alarms.empty()) return "No active alarms.\n";
  std::string text;
  for (const Alarm& each : model.alarms) {
    text += fmt::format("{} {} {} since {}\n", each.id, each.severity, each.subject,
                        date_of(each.since, each.utc_offset_s));
    text += fmt::format("   {}\n   next step: {}\n", each.text, each.next_step);
  }
  return text;
}

std::string to_text(const VersionModel& model) {
  std::string text = fmt::format("hotpair {} on {}, up {}\n", model.version, model.sysname,
                                 clock_of(std::chrono::seconds(model.uptime_s)));
  text += fmt::format("node id {}, boot id {}\n", hex_of(model.node), model.boot_id);
  for (const auto& [name, version] : model.protocols)
    text += fmt::format("protocol {} {}\n", name, version);
  return text;
}

}  // namespace hotpair::ha::cli
