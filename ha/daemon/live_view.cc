#include "ha/daemon/live_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "ha/switchover/history.h"
#include "mcast/mrib/mrib_show.h"

namespace hotpair::ha::daemon {
namespace {

using etrunk::Role;
using keeper::Cause;

template <typename To>
std::uint32_t count_of(Duration duration) {
  return static_cast<std::uint32_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<To>(duration).count()));
}

/// The vendor's words for why a member has its state (semantics 3.7).
std::string member_reason(const node::Scope& scope) {
  if (scope.role.role() == Role::init) return "ETRUNK_INIT";
  if (scope.role.cause() == Cause::peer_access_lost) return "PEER_MEMBER_DOWN";
  return scope.role.role() == Role::master ? "ETRUNK_MASTER" : "ETRUNK_BACKUP";
}

std::string etrunk_reason(Cause cause) {
  switch (cause) {
    case Cause::election:
    case Cause::handover:
    case Cause::larger_term:
      return "PRI";
    case Cause::paths_down:
      return "PEER_TIMEOUT";
    case Cause::alone:
      return "TIMEOUT";
    case Cause::peer_access_lost:
      return "PEER_MEMBER_DOWN";
    case Cause::peer_control_dead:
      return "PEER_CONTROL_DEAD";
    case Cause::peer_leaving:
      return "PEER_LEAVING";
    case Cause::none:
    case Cause::lease_expired:
      break;
  }
  return "INIT";
}

/// What saw the reason of a change of role.
std::string detection_of(Cause cause) {
  switch (cause) {
    case Cause::paths_down:
      return "silence on every path";
    case Cause::peer_access_lost:
      return "the master's hello: its access link is down";
    case Cause::peer_control_dead:
      return "the master's hello: its control is dead";
    case Cause::peer_leaving:
      return "the master's hello: it leaves";
    case Cause::election:
      return "hello of the peer";
    case Cause::handover:
      return "the master, which hands over";
    case Cause::larger_term:
      return "hello with a larger term";
    case Cause::alone:
      return "no hello since start";
    case Cause::lease_expired:
      return "lease";
    case Cause::none:
      break;
  }
  return {};
}

cli::DigestState digest_state(rbs::session::DigestState state) {
  switch (state) {
    case rbs::session::DigestState::equal:
      return cli::DigestState::equal;
    case rbs::session::DigestState::different:
      return cli::DigestState::different;
    case rbs::session::DigestState::unknown:
      break;
  }
  return cli::DigestState::not_compared;
}

std::string severity_of(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return "major";
    case LogLevel::warning:
      return "warning";
    default:
      return "minor";
  }
}

}  // namespace

std::int32_t utc_offset_s(WallTime time) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm local{};
  localtime_r(&seconds, &local);
  return static_cast<std::int32_t>(local.tm_gmtoff);
}

std::string LiveView::link_name(LinkId link) const {
  const auto found = node_.links().find(link);
  return found == node_.links().end() ? "?" : found->second.settings.name;
}

std::vector<std::string> LiveView::interfaces_of(ScopeId scope) const {
  std::vector<std::string> names;
  for (const auto& [id, link] : node_.links())
    if (link.settings.scope == scope) names.push_back(link.settings.name);
  std::ranges::sort(names);
  return names;
}

cli::RemoteBackupServicesModel LiveView::remote_backup_services() const {
  cli::RemoteBackupServicesModel model;
  std::uint32_t index = 1;
  for (const config::RbsModel& rbs : config_.services) {
    cli::RemoteBackupService row;
    row.index = index++;
    row.name = rbs.name;
    row.tcp_state = "down";
    if (rbs.peer) row.peer = *rbs.peer;
    if (rbs.source) row.source = *rbs.source;
    if (rbs.port) row.port = *rbs.port;
    if (rbs.ssl_policy) {
      row.ssl_policy_name = *rbs.ssl_policy;
      row.ssl_state = "down";
    }
    if (rbs.track_bfd) row.track_bfd = *rbs.track_bfd;
    if (const auto found = node_.services().find(rbs.name); found != node_.services().end()) {
      const node::Service& service = *found->second;
      const auto session = service.session->show(now_);
      if (service.stream_up && !service.key_id.empty()) row.pair_key_id = service.key_id;
      if (service.stream_up && rbs.ssl_policy) row.ssl_state = "authenticated";
      if (service.up)
        row.tcp_state = "connected";
      else if (node_.has_pair_key() || rbs.ssl_policy)
        row.tcp_state = service.settings.local < service.settings.peer ? "connecting" : "listening";
      if (service.last_up) {
        row.last_up_time = wall_of(*service.last_up);
        row.utc_offset_s = utc_offset_s(*row.last_up_time);
      }
      if (!service.up && !service.last_error.empty()) row.last_error = service.last_error;
      row.statistics.connects = service.connects;
      row.statistics.disconnects = service.disconnects;
      row.statistics.renewals = service.renewals;
      row.statistics.frames_sent = session.frames_sent;
      row.statistics.frames_received = session.frames_received;
      row.statistics.bytes_sent = service.bytes_sent;
      row.statistics.bytes_received = service.bytes_received;
      for (const auto& [name, times] : service.failures)
        row.statistics.refused.emplace_back(name, times);
      if (service.limited > 0)
        row.statistics.refused.emplace_back("handshake-limit", service.limited);
      for (std::size_t i = 0; i < session.rejected.size(); ++i)
        if (session.rejected[i] != 0)
          row.statistics.refused.emplace_back(
              rbs::session::name_of(static_cast<rbs::session::Reason>(i)), session.rejected[i]);
    }
    model.services.push_back(std::move(row));
  }
  return model;
}

cli::SslPoliciesModel LiveView::ssl_policies() const {
  cli::SslPoliciesModel model;
  if (read_policies_) model = read_policies_();
  model.now = wall_;
  return model;
}

cli::RemoteBackupProfilesModel LiveView::remote_backup_profiles() const {
  cli::RemoteBackupProfilesModel model;
  std::uint32_t index = 0x1000;
  for (const config::RbpModel& profile : config_.profiles) {
    cli::RemoteBackupProfile row;
    row.index = index++;
    row.name = profile.name;
    for (const auto& service : profile.services) row.services.push_back(*service);
    if (profile.rbs) row.service_name = *profile.rbs;
    if (profile.backup_id) row.backup_id = *profile.backup_id;
    if (profile.track) row.track = *profile.track;
    for (const auto* interface : config_.interfaces_of(profile))
      row.interfaces.push_back(interface->name.name);
    row.hot = *profile.peer_backup_hot;
    if (profile.backup_id) {
      const auto found = node_.scopes().find(ScopeId{*profile.backup_id});
      if (found != node_.scopes().end()) {
        const node::Scope& scope = *found->second;
        row.role = scope.role.role();
        row.term = scope.role.term();
        row.gate_open = scope.gate_open;
        row.complete = scope.role.complete();
        const bool keyed = profile.rbs && config_.find_service(*profile.rbs) != nullptr &&
                           !config_.find_service(*profile.rbs)->ssl_policy;
        if (!node_.has_pair_key() && keyed)
          row.notes.push_back("no pair key: run hotpair pair init");
      }
    }
    model.profiles.push_back(std::move(row));
  }
  return model;
}

cli::EtrunkMember LiveView::member_model(const node::Scope& scope) const {
  cli::EtrunkMember member;
  member.eth_trunk = scope.settings.eth_trunk;
  member.physical_up = scope.access_up;
  member.profile = scope.settings.name;
  member.scope = scope.id;
  member.role = scope.role.role();
  member.term = scope.role.term();
  member.reason = member_reason(scope);
  member.gate_open = scope.gate_open;
  return member;
}

cli::Etrunk LiveView::etrunk_model(const node::EtrunkState& state) const {
  const etrunk::EtrunkConfig& settings = state.settings.etrunk;
  cli::Etrunk row;
  row.id = settings.id.value();
  row.peer = settings.paths.front().peer;
  row.source = settings.paths.front().local;
  row.port = settings.port;
  row.priority = settings.priority;
  row.rank = state.rank;
  row.order = settings.order;
  row.system_id = settings.system_id;
  row.hello_ms = settings.hello_ms;
  row.timeout_ms = settings.hello_ms * settings.multiplier;
  row.revert_delay_s = count_of<std::chrono::seconds>(state.settings.revert_delay);
  row.restart_grace_s = count_of<std::chrono::seconds>(node_.config().restart_grace);
  if (state.heard && state.peer) {
    row.peer_heard = cli::EtrunkPeer{state.peer->node, state.peer->rank, state.peer->system_id,
                                     count_of<std::chrono::milliseconds>(state.peer->timeout()),
                                     state.peer->control};
  }
  for (const etrunk::PathConfig& path : settings.paths) {
    cli::EtrunkPath one;
    one.id = path.path.value();
    one.local = path.local;
    one.peer = path.peer;
    one.device = path.device;
    if (const auto up = state.path_up.find(one.id); up != state.path_up.end()) one.up = up->second;
    if (const auto& status = node_.keeper_status()) {
      for (const keeper::PathStatus& known : status->paths) {
        if (known.etrunk != settings.id || known.path != path.path) continue;
        one.up = known.up;
        one.sent = known.sent;
        one.received = known.received;
        one.rejected_auth = known.rejected_auth;
        one.rejected_other = known.rejected_other;
        one.not_echoed = known.not_echoed;
        if (known.received > 0) one.last_heard_ms = known.last_heard_ms;
      }
    }
    row.paths.push_back(std::move(one));
  }
  row.reason = "INIT";
  for (const auto& [id, scope] : node_.scopes()) {
    if (id == kWholeNode || scope->settings.etrunk != settings.id) continue;
    row.members.push_back(member_model(*scope));
    if (scope->role.role() >= row.state) {
      row.state = scope->role.role();
      const Cause cause = scope->role.cause();
      row.reason = cause == Cause::paths_down && state.detected ? "BFD_DOWN" : etrunk_reason(cause);
    }
    if (const auto revert = scope->role.revert_at())
      row.revert_left_s = count_of<std::chrono::seconds>(*revert - now_);
  }
  for (const std::string& reason : state.lowered_by) row.notes.push_back("rank lowered: " + reason);
  if (state.has_single_path()) row.notes.push_back("single path: cutting it makes two masters");
  return row;
}

cli::EtrunksModel LiveView::etrunks() const {
  cli::EtrunksModel model;
  for (const auto& [id, state] : node_.etrunks())
    if (!state.settings.etrunk.paths.empty()) model.etrunks.push_back(etrunk_model(state));
  return model;
}

cli::GmpInterfacesModel LiveView::gmp_interfaces(Family family) const {
  cli::GmpInterfacesModel model;
  model.family = family;
  model.instance = instance_;
  for (auto& row : mcast::gmp::show_interfaces(node_.gmp(), family, now_)) {
    if (!is_shown(row.link)) continue;
    const auto link = node_.links().find(row.link);
    const bool up = link != node_.links().end() && link->second.facts.up;
    model.interfaces.push_back({link_name(row.link), up, std::move(row)});
  }
  return model;
}

cli::AlarmsModel LiveView::alarms() const {
  cli::AlarmsModel model;
  for (const node::ActiveAlarm& alarm : node_.alarms().active()) {
    const WallTime since = wall_of(alarm.since);
    model.alarms.push_back({std::string(alarm.message->id), severity_of(alarm.message->level),
                            alarm.subject, alarm.text, since, utc_offset_s(since),
                            std::string(alarm.message->action)});
  }
  std::ranges::sort(model.alarms, [](const cli::Alarm& a, const cli::Alarm& b) {
    return std::tie(a.since, a.id, a.subject) < std::tie(b.since, b.id, b.subject);
  });
  return model;
}

std::vector<ScopeId> LiveView::closed_scopes() const {
  std::vector<ScopeId> closed;
  for (const auto& [id, scope] : node_.scopes())
    if (id != kWholeNode && !scope->gate_open) closed.push_back(id);
  return closed;
}

cli::ForwardingTableModel LiveView::forwarding_table(const cli::ForwardingQuery& query) const {
  mcast::mrib::RouteFilter filter;
  filter.vrf = vrf_;
  filter.family = query.family;
  filter.source = query.source;
  filter.rows_max = query.max_rows;
  if (query.group)
    if (const auto group = Group::from(*query.group)) filter.group = *group;
  const auto table = node_.mrib().show(filter, closed_scopes(), now_);
  cli::ForwardingTableModel model;
  model.total = table.rows_total;
  for (const mcast::mrib::RouteModel& route : table.rows) {
    cli::ForwardingRoute row;
    row.family = route.group.family();
    row.source = route.source;
    row.group = route.group.address();
    if (route.incoming) row.incoming = link_name(*route.incoming);
    for (const auto& outgoing : route.outgoing)
      row.outgoing.push_back({link_name(outgoing.link), outgoing.scope, !outgoing.closed_gate});
    row.negative = route.negative;
    row.installed = !route.not_installed;
    row.origin = route.stale ? "stale" : route.data_driven ? "traffic" : "membership";
    if (route.uptime) row.uptime_s = count_of<std::chrono::seconds>(*route.uptime);
    model.routes.push_back(std::move(row));
  }
  if (!read_counters_ || table.rows.empty() || table.rows.size() > kCountedRowsMax) return model;
  std::vector<fwd::RouteKey> keys;
  for (const mcast::mrib::RouteModel& route : table.rows)
    keys.push_back({route.vrf, route.group, route.source});
  const auto counters = read_counters_(keys);
  for (std::size_t i = 0; i < counters.size() && i < model.routes.size(); ++i) {
    if (!counters[i]) continue;
    model.routes[i].counters = cli::ForwardingRoute::Counters{
        counters[i]->packets, counters[i]->bytes, counters[i]->wrong_interface};
  }
  return model;
}

void LiveView::on_store(const checkpoint::StoreReply& reply) {
  if (const auto* done = std::get_if<checkpoint::Committed>(&reply.body))
    stored_[done->scope] = done->digests;
  else if (const auto* replaced = std::get_if<checkpoint::RangeReplaced>(&reply.body))
    stored_[replaced->scope] = replaced->digests;
  else if (const auto* read = std::get_if<checkpoint::MetaRead>(&reply.body))
    stored_[read->scope] = read->meta.digests;
}

cli::ScopeDatabases LiveView::database_model(const node::Scope& scope) const {
  cli::ScopeDatabases model;
  model.scope = scope.id;
  model.profile = scope.settings.name;
  model.role = scope.id == kWholeNode ? Role::master : scope.role.role();
  model.term = scope.role.term();
  std::optional<rbs::session::ScopeModel> session;
  const auto service = node_.services().find(scope.settings.service);
  if (service != node_.services().end()) session = service->second->session->show(scope.id, now_);
  const bool connected = service != node_.services().end() && service->second->up;
  if (scope.id == kWholeNode)
    model.sync_state = "local";
  else if (!connected)
    model.sync_state = "no peer";
  else if (session && session->complete)
    model.sync_state = "in sync";
  else if (session && session->expected != 0)
    model.sync_state = fmt::format("{} {} %", rbs::session::name_of(session->state),
                                   rbs::session::bulk_percent(*session));
  else if (session)
    model.sync_state = rbs::session::name_of(session->state);
  model.store_degraded = scope.journal.degraded() || scope.journal.torn();
  model.store_failures = scope.journal.store_failures();
  model.store_failure = scope.journal.store_failure();
  std::map<std::uint8_t, cli::DatabaseRow> rows;
  for (const auto& known : checkpoint::kDatabases) {
    if (known.scope_zero_only && scope.id != kWholeNode) continue;
    const auto id = static_cast<std::uint8_t>(known.id);
    rows[id].database = id;
    rows[id].name = std::string(known.name);
  }
  for (const auto& statistics : scope.journal.statistics()) {
    cli::DatabaseRow& row = rows[statistics.database];
    row.database = statistics.database;
    row.acked = statistics.syncs;
    row.awaiting_ack = statistics.awaiting_ack;
    row.sent = statistics.syncs + statistics.awaiting_ack;
    row.lag_records = statistics.awaiting_send + statistics.awaiting_ack;
  }
  if (const auto stored = stored_.find(scope.id); stored != stored_.end()) {
    for (const checkpoint::DatabaseDigest& digest : stored->second) {
      rows[digest.database].database = digest.database;
      rows[digest.database].entries = digest.records;
    }
  }
  if (session) {
    // A database without records on both nodes is in no digest: then it is the same.
    if (session->digest == rbs::session::DigestState::equal)
      for (auto& [id, row] : rows) row.digest = cli::DigestState::equal;
    for (const auto& database : session->databases) {
      cli::DatabaseRow& row = rows[database.database];
      row.database = database.database;
      row.digest = digest_state(database.digest);
      // The age of the lag is the scope's; a database with nothing under way has none.
      if (row.lag_records != 0) row.lag_ms = static_cast<std::uint32_t>(session->lag_ms);
    }
  }
  for (auto& [id, row] : rows) model.databases.push_back(std::move(row));
  return model;
}

cli::DatabasesModel LiveView::databases() const {
  cli::DatabasesModel model;
  for (const auto& [id, scope] : node_.scopes()) model.scopes.push_back(database_model(*scope));
  return model;
}

cli::KeeperModel LiveView::keeper() const {
  cli::KeeperModel model;
  model.connected = node_.keeper_connected();
  model.socket = fixed_.keeper_socket;
  model.status = node_.keeper_status();
  if (model.status)
    model.status_age_ms = count_of<std::chrono::milliseconds>(now_ - node_.keeper_status_at());
  return model;
}

cli::SwitchoverHistoryModel LiveView::switchover_history() const {
  cli::SwitchoverHistoryModel model;
  for (const switchover::Story& story : node_.history().stories()) {
    cli::Switchover row;
    row.number = static_cast<std::uint32_t>(story.number);
    row.scope = story.scope;
    if (const auto scope = node_.scopes().find(story.scope); scope != node_.scopes().end())
      row.profile = scope->second->settings.name;
    row.planned = story.planned;
    row.cause = switchover::to_string(story.cause);
    row.from = story.from;
    row.to = story.to;
    row.term = story.term;
    row.began = wall_of(story.at);
    row.utc_offset_s = utc_offset_s(row.began);
    row.result = story.remark.empty() ? "done" : story.remark;
    row.detection = detection_of(story.cause);
    row.memberships = story.memberships;
    for (const switchover::Phase& phase : story.phases)
      row.phases.push_back({phase.name, count_of<std::chrono::microseconds>(phase.at), {}});
    model.switchovers.push_back(std::move(row));
  }
  std::ranges::reverse(model.switchovers);
  return model;
}

cli::ReadinessModel LiveView::switchover_readiness() const {
  cli::ReadinessModel model;
  for (const node::Readiness& found : node_.readiness()) {
    cli::ReadinessRow row{.scope = found.scope,
                          .profile = found.profile,
                          .role = found.role,
                          .ready = found.ready(),
                          .peer = std::nullopt,
                          .findings = {}};
    if (found.peer)
      row.peer = cli::ReadinessPeer{found.peer->role, found.peer->complete, found.peer->access_up,
                                    found.peer_control};
    if (row.peer && found.peer_routes)
      row.peer->routes = cli::ReadinessRoutes{
          found.peer_routes->without_way, found.peer_routes->by_peer, found.peer_routes->silent};
    for (const node::Finding& each : found.findings)
      row.findings.push_back({each.what, each.count, each.blocks, each.forceable});
    model.scopes.push_back(std::move(row));
  }
  return model;
}

cli::VersionModel LiveView::version() const {
  cli::VersionModel model;
  model.version = node_.identity().software;
  model.node = node_.identity().node;
  model.sysname = *config_.sysname;
  model.boot_id = fixed_.boot_id;
  model.uptime_s = count_of<std::chrono::seconds>(now_ - fixed_.started);
  model.protocols = {{"replication", rbs::session::kProtocolMax},
                     {"keeper", keeper::kProtocolVersion},
                     {"schema", checkpoint::schema::kSchemaVersion}};
  return model;
}

}  // namespace hotpair::ha::daemon
