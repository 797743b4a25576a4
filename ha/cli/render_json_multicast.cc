#include <fmt/core.h>

#include "ha/cli/render_json.h"
#include "ha/cli/words.h"

/// JSON of the displays about multicast.
namespace hotpair::ha::cli {
namespace {

namespace gmp = mcast::gmp;

Json ms(const std::optional<Duration>& duration) {
  return duration ? Json(ms_of(*duration)) : Json();
}
Json address(const IpAddress& value) {
  return value.is_unspecified() ? Json() : Json(value.to_string());
}
std::string_view name_of(Family family) { return family == Family::ipv4 ? "ipv4" : "ipv6"; }

// A counter's word as a key.
std::string key_of(std::string_view word) {
  std::string key(word);
  for (char& each : key)
    if (each == ' ' || each == '-') each = '_';
  return key;
}

Json counters(const gmp::Counters& from) {
  Json queries = Json::array();
  for (const std::uint64_t count : from.queries) queries.push(count);
  Json reports = Json::array();
  for (const std::uint64_t count : from.reports) reports.push(count);
  Json ignored = Json::object();
  for (std::size_t i = 0; i < from.ignored.size(); ++i)
    ignored.set(key_of(word_of(static_cast<gmp::Ignored>(i))), from.ignored[i]);
  Json rejected = Json::object();
  for (std::size_t i = 0; i < from.rejects.size(); ++i)
    rejected.set(key_of(word_of(static_cast<mcast::wire::Reject>(i))), from.rejects[i]);
  Json out = Json::object();
  out.set("queries_by_version", std::move(queries)).set("reports_by_version", std::move(reports));
  out.set("leaves", from.leaves).set("sent_general_queries", from.sent_general);
  out.set("sent_group_queries", from.sent_group).set("sent_source_queries", from.sent_source);
  return out.set("ignored", std::move(ignored)).set("rejected", std::move(rejected));
}

Json interface_json(const GmpInterface& each) {
  const gmp::InterfaceRow& row = each.row;
  Json out = Json::object();
  out.set("interface", each.name).set("up", each.up).set("version", unsigned{row.version});
  out.set("querier_role", key_of(word_of(row.role)));
  out.set("backup_id", row.scope ? Json(row.scope->value()) : Json());
  out.set("address", address(row.address)).set("querier", address(row.querier));
  out.set("querier_expires_ms", ms(row.querier_expires))
      .set("other_querier", address(row.other_querier));
  out.set("querier_uptime_ms", ms_of(row.querier_uptime)).set("next_query_ms", ms(row.next_query));
  out.set("robustness", unsigned{row.robustness})
      .set("query_interval_ms", ms_of(row.query_interval));
  out.set("query_response_interval_ms", ms_of(row.query_response_interval));
  out.set("last_member_query_interval_ms", ms_of(row.last_member_query_interval));
  out.set("last_member_query_count", unsigned{row.last_member_query_count});
  out.set("startup_query_interval_ms", ms_of(row.startup_query_interval));
  out.set("startup_query_count", unsigned{row.startup_query_count});
  out.set("membership_interval_ms", ms_of(row.membership_interval))
      .set("prompt_leave", row.fast_leave);
  out.set("groups", row.groups)
      .set("groups_peak", row.groups_peak)
      .set("groups_max", row.max_groups);
  out.set("groups_per_host_max", row.max_groups_per_host);
  out.set("sources_per_group_max", row.max_sources_per_group);
  return out.set("counters", counters(row.counters));
}

Json route_json(const ForwardingRoute& route) {
  Json outgoing = Json::array();
  for (const auto& each : route.outgoing) {
    Json one = Json::object();
    one.set("interface", each.interface);
    one.set("backup_id", each.scope ? Json(each.scope->value()) : Json())
        .set("gate_open", each.gate_open);
    outgoing.push(std::move(one));
  }
  Json out = Json::object();
  out.set("family", name_of(route.family));
  out.set("source", route.source ? Json(route.source->to_string()) : Json());
  out.set("group", route.group.to_string()).set("incoming", route.incoming);
  out.set("outgoing", std::move(outgoing)).set("negative", route.negative);
  out.set("installed", route.installed).set("origin", route.origin);
  out.set("uptime_s", route.uptime_s ? Json(*route.uptime_s) : Json());
  out.set("expires_s", route.expires_s ? Json(*route.expires_s) : Json());
  const auto& counters = route.counters;
  out.set("packets", counters ? Json(counters->packets) : Json());
  out.set("bytes", counters ? Json(counters->bytes) : Json());
  return out.set("wrong_interface", counters ? Json(counters->wrong_interface) : Json());
}

Json database_json(const DatabaseRow& row) {
  Json out = Json::object();
  out.set("id", unsigned{row.database}).set("name", row.name).set("entries", row.entries);
  out.set("sent", row.sent).set("acked", row.acked).set("awaiting_ack", row.awaiting_ack);
  out.set("digest", key_of(word_of(row.digest))).set("lag_records", row.lag_records);
  return out.set("lag_ms", row.lag_ms);
}

}  // namespace

Json to_json(const GmpGroup& each) {
  const gmp::GroupRow& row = each.row;
  Json sources = Json::array();
  for (const gmp::SourceRow& source : row.sources) {
    Json one = Json::object();
    one.set("source", source.source.to_string()).set("forwarding", source.forwarding);
    one.set("static", source.is_static).set("expires_ms", ms(source.expires));
    sources.push(std::move(one));
  }
  Json out = Json::object();
  out.set("interface", each.interface).set("group", row.group.to_string());
  out.set("mode", word_of(row.mode)).set("older_host_version", unsigned{row.older_host_version});
  out.set("static", row.is_static).set("dynamic", row.is_dynamic).set("synced", row.synced);
  out.set("last_reporter", address(row.last_reporter)).set("uptime_ms", ms_of(row.uptime));
  out.set("expires_ms", ms(row.expires));
  return out.set("sources", std::move(sources));
}

Json to_json(const GmpInterfacesModel& model) {
  Json list = Json::array();
  for (const GmpInterface& each : model.interfaces) list.push(interface_json(each));
  Json out = Json::object();
  out.set("family", name_of(model.family));
  return out.set("interfaces", std::move(list)).set("vrf", vrf_of(model.instance));
}

Json to_json(const GmpGroupsModel& model) {
  Json list = Json::array();
  for (const GmpGroup& each : model.groups) list.push(to_json(each));
  Json out = Json::object();
  out.set("family", name_of(model.family)).set("total", std::uint64_t{model.total});
  return out.set("groups", std::move(list)).set("vrf", vrf_of(model.instance));
}

Json to_json(const ForwardingTableModel& model) {
  Json list = Json::array();
  for (const ForwardingRoute& each : model.routes) list.push(route_json(each));
  Json out = Json::object();
  out.set("total", std::uint64_t{model.total});
  return out.set("routes", std::move(list));
}

Json to_json(const DatabasesModel& model) {
  Json list = Json::array();
  for (const ScopeDatabases& scope : model.scopes) {
    Json databases = Json::array();
    for (const DatabaseRow& row : scope.databases) databases.push(database_json(row));
    Json term = Json::object();
    term.set("counter", scope.term.counter).set("node", hex_of(scope.term.node));
    Json out = Json::object();
    out.set("scope", scope.scope.value()).set("profile", scope.profile);
    out.set("role", word_of(scope.role)).set("term", std::move(term));
    out.set("sync_state", scope.sync_state).set("store_degraded", scope.store_degraded);
    out.set("store_failures", scope.store_failures).set("store_failure", scope.store_failure);
    out.set("databases", std::move(databases));
    list.push(std::move(out));
  }
  Json out = Json::object();
  return out.set("scopes", std::move(list));
}

}  // namespace hotpair::ha::cli
