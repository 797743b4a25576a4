#include <fmt/core.h>

#include "ha/cli/render_json.h"
#include "ha/cli/words.h"

/// JSON of the displays about the pair.
namespace hotpair::ha::cli {
namespace {

Json address(const std::optional<IpAddress>& value) {
  return value ? Json(value->to_string()) : Json();
}
Json date(const std::optional<WallTime>& value) { return value ? Json(rfc3339(*value)) : Json(); }

Json term(const Term& value) {
  Json out = Json::object();
  out.set("counter", value.counter).set("node", hex_of(value.node));
  return out;
}

Json strings(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const std::string& each : list) out.push(each);
  return out;
}

template <typename T>
Json number(const std::optional<T>& value) {
  return value ? Json(std::uint64_t{*value}) : Json();
}

Json statistics(const RbsStatistics& count) {
  Json refused = Json::object();
  for (const auto& [reason, times] : count.refused) refused.set(reason, times);
  Json out = Json::object();
  out.set("connects", count.connects).set("disconnects", count.disconnects);
  out.set("renewals", count.renewals);
  out.set("frames_sent", count.frames_sent).set("frames_received", count.frames_received);
  out.set("bytes_sent", count.bytes_sent).set("bytes_received", count.bytes_received);
  out.set("refused", std::move(refused));
  return out;
}

Json path_json(const EtrunkPath& path) {
  Json out = Json::object();
  out.set("id", unsigned{path.id})
      .set("local", path.local.to_string())
      .set("peer", path.peer.to_string());
  out.set("device", path.device)
      .set("up", path.up)
      .set("last_heard_ms", number(path.last_heard_ms));
  out.set("sent", path.sent).set("received", path.received);
  out.set("rejected_auth", path.rejected_auth).set("rejected_other", path.rejected_other);
  out.set("not_echoed", path.not_echoed);
  return out;
}

Json member_json(const EtrunkMember& member) {
  Json out = Json::object();
  out.set("eth_trunk", unsigned{member.eth_trunk}).set("physical_up", member.physical_up);
  out.set("profile", member.profile);
  out.set("backup_id", member.scope ? Json(member.scope->value()) : Json());
  out.set("role", word_of(member.role)).set("term", term(member.term)).set("reason", member.reason);
  out.set("gate_open", member.gate_open);
  return out;
}

Json peer_json(const std::optional<EtrunkPeer>& peer) {
  if (!peer) return {};
  Json out = Json::object();
  out.set("node", peer->node ? Json(hex_of(*peer->node)) : Json());
  out.set("priority", unsigned{peer->priority}).set("system_id", peer->system_id.to_string());
  out.set("timeout_ms", peer->timeout_ms).set("control", word_of(peer->control));
  return out;
}

Json etrunk_json(const Etrunk& each) {
  Json paths = Json::array();
  for (const EtrunkPath& path : each.paths) paths.push(path_json(path));
  Json members = Json::array();
  for (const EtrunkMember& member : each.members) members.push(member_json(member));
  Json out = Json::object();
  out.set("id", unsigned{each.id}).set("state", word_of(each.state)).set("reason", each.reason);
  out.set("peer", each.peer.to_string()).set("source", each.source.to_string());
  out.set("udp_port", unsigned{each.port}).set("priority", unsigned{each.priority});
  out.set("rank", unsigned{each.rank}).set("priority_order", word_of(each.order));
  out.set("system_id", each.system_id.to_string()).set("hello_ms", each.hello_ms);
  out.set("timeout_ms", each.timeout_ms).set("revert_delay_s", each.revert_delay_s);
  out.set("restart_grace_s", each.restart_grace_s).set("revert_left_s", number(each.revert_left_s));
  out.set("peer_heard", peer_json(each.peer_heard)).set("paths", std::move(paths));
  out.set("members", std::move(members)).set("notes", strings(each.notes));
  return out;
}

Json scope_state(const keeper::ScopeState& scope) {
  Json armed;
  if (scope.armed) {
    armed = Json::object();
    armed.set("against", term(scope.armed->against)).set("term", term(scope.armed->term));
  }
  Json out = Json::object();
  out.set("scope", scope.scope.value())
      .set("role", word_of(scope.role))
      .set("term", term(scope.term));
  out.set("posture", word_of(scope.posture)).set("gate_open", scope.gate_open);
  out.set("access_up", scope.access_up).set("armed", std::move(armed));
  return out;
}

Json keeper_path(const keeper::PathStatus& path) {
  Json out = Json::object();
  out.set("e_trunk", unsigned{path.etrunk.value()}).set("path", unsigned{path.path.value()});
  out.set("up", path.up).set("sent", path.sent).set("received", path.received);
  out.set("rejected_auth", path.rejected_auth).set("rejected_other", path.rejected_other);
  out.set("not_echoed", path.not_echoed);
  out.set("last_heard_ms", path.received == 0 ? Json() : Json(path.last_heard_ms));
  return out;
}

Json list_of(std::string_view key, Json list) {
  Json out = Json::object();
  out.set(key, std::move(list));
  return out;
}

}  // namespace

Json to_json(const RemoteBackupServicesModel& model) {
  Json list = Json::array();
  for (const RemoteBackupService& each : model.services) {
    Json out = Json::object();
    out.set("index", each.index).set("name", each.name).set("tcp_state", each.tcp_state);
    out.set("peer", address(each.peer)).set("source", address(each.source));
    out.set("tcp_port", number(each.port)).set("track_bfd", number(each.track_bfd));
    out.set("ssl_policy_name", each.ssl_policy_name).set("ssl_state", each.ssl_state);
    out.set("pair_key_id", each.pair_key_id);
    out.set("last_up_time", date(each.last_up_time)).set("last_error", each.last_error);
    out.set("statistics", statistics(each.statistics));
    list.push(std::move(out));
  }
  return list_of("remote_backup_services", std::move(list));
}

Json to_json(const RemoteBackupProfilesModel& model) {
  Json list = Json::array();
  for (const RemoteBackupProfile& each : model.profiles) {
    Json services = Json::array();
    for (const config::ServiceType type : each.services)
      services.push(type == config::ServiceType::igmp ? "igmp" : "mld");
    Json out = Json::object();
    out.set("index", each.index).set("name", each.name).set("services", std::move(services));
    out.set("remote_backup_service", each.service_name).set("backup_id", number(each.backup_id));
    out.set("e_trunk", each.track ? Json(unsigned{each.track->etrunk}) : Json());
    out.set("eth_trunk", each.track ? Json(unsigned{each.track->eth_trunk}) : Json());
    out.set("interfaces", strings(each.interfaces))
        .set("backup_mode", each.hot ? Json("hot") : Json());
    out.set("role", word_of(each.role))
        .set("term", term(each.term))
        .set("gate_open", each.gate_open);
    out.set("complete", each.complete).set("notes", strings(each.notes));
    list.push(std::move(out));
  }
  return list_of("remote_backup_profiles", std::move(list));
}

Json to_json(const EtrunksModel& model) {
  Json list = Json::array();
  for (const Etrunk& each : model.etrunks) list.push(etrunk_json(each));
  return list_of("e_trunks", std::move(list));
}

Json to_json(const AlarmsModel& model) {
  Json list = Json::array();
  for (const Alarm& each : model.alarms) {
    Json out = Json::object();
    out.set("id", each.id).set("severity", each.severity).set("subject", each.subject);
    out.set("text", each.text).set("since", rfc3339(each.since)).set("next_step", each.next_step);
    list.push(std::move(out));
  }
  return list_of("alarms", std::move(list));
}

Json to_json(const KeeperModel& model) {
  Json out = Json::object();
  out.set("connected", model.connected).set("socket", model.socket);
  if (!model.status) return out.set("status", Json());
  const keeper::KeeperStatus& from = *model.status;
  Json scopes = Json::array();
  for (const keeper::ScopeState& scope : from.scopes) scopes.push(scope_state(scope));
  Json paths = Json::array();
  for (const keeper::PathStatus& path : from.paths) paths.push(keeper_path(path));
  Json status = Json::object();
  status.set("age_ms", model.status_age_ms).set("pid", from.pid).set("uptime_ms", from.uptime_ms);
  status.set("realtime", from.realtime).set("memory_locked", from.locked);
  status.set("late_timers", from.late_timers).set("worst_late_us", from.worst_late_us);
  status.set("daemon_connects", from.daemon_connects).set("hello_counter", from.hello_counter);
  status.set("scopes", std::move(scopes)).set("paths", std::move(paths));
  status.set("descriptors", strings(from.descriptors));
  return out.set("status", std::move(status));
}

Json to_json(const SwitchoverHistoryModel& model) {
  Json list = Json::array();
  for (const Switchover& each : model.switchovers) {
    Json phases = Json::array();
    for (const SwitchoverPhase& phase : each.phases) {
      Json one = Json::object();
      one.set("name", phase.name).set("at_us", phase.at_us).set("detail", phase.detail);
      phases.push(std::move(one));
    }
    Json out = Json::object();
    out.set("number", each.number).set("scope", each.scope.value()).set("profile", each.profile);
    out.set("planned", each.planned).set("cause", each.cause).set("detection", each.detection);
    out.set("from", word_of(each.from)).set("to", word_of(each.to)).set("term", term(each.term));
    out.set("memberships", each.memberships);
    out.set("began", rfc3339(each.began))
        .set("result", each.result)
        .set("phases", std::move(phases));
    list.push(std::move(out));
  }
  return list_of("switchovers", std::move(list));
}

Json to_json(const ReadinessModel& model) {
  Json list = Json::array();
  for (const ReadinessRow& row : model.scopes) {
    Json findings = Json::array();
    for (const ReadinessFinding& each : row.findings) {
      Json one = Json::object();
      one.set("text", each.text).set("count", each.count).set("blocks", each.blocks);
      findings.push(std::move(one.set("forceable", each.forceable)));
    }
    Json out = Json::object();
    out.set("scope", row.scope.value()).set("profile", row.profile).set("role", word_of(row.role));
    out.set("ready", row.ready);
    if (row.peer) {
      Json peer = Json::object();
      peer.set("role", word_of(row.peer->role)).set("complete", row.peer->complete);
      peer.set("access_up", row.peer->access_up).set("control", word_of(row.peer->control));
      if (const auto& routes = row.peer->routes) {
        Json counts = Json::object();
        counts.set("without_rpf", routes->without_way).set("by_peer", routes->by_peer);
        peer.set("routes", std::move(counts.set("without_traffic", routes->silent)));
      } else {
        peer.set("routes", Json());
      }
      out.set("peer", std::move(peer));
    } else {
      out.set("peer", Json());
    }
    list.push(std::move(out.set("findings", std::move(findings))));
  }
  return list_of("scopes", std::move(list));
}

Json to_json(const VersionModel& model) {
  Json protocols = Json::object();
  for (const auto& [name, version] : model.protocols) protocols.set(name, version);
  Json out = Json::object();
  out.set("version", model.version).set("sysname", model.sysname).set("node", hex_of(model.node));
  out.set("boot_id", model.boot_id).set("uptime_s", model.uptime_s);
  return out.set("protocols", std::move(protocols));
}

}  // namespace hotpair::ha::cli
