#include "ha/cli/render_json.h"
#include "ha/cli/words.h"

/// JSON of `display eth-trunk`.
namespace hotpair::ha::cli {
namespace {

Json info(const lacp::PortInfo& value) {
  Json out = Json::object();
  out.set("system_priority", unsigned{value.system_priority});
  out.set("system_id", value.system.to_string());
  out.set("port_priority", unsigned{value.port_priority}).set("port", unsigned{value.port});
  out.set("key", unsigned{value.key}).set("state", lacp::state_digits(value.state));
  return out;
}

Json milliseconds(const std::optional<std::uint32_t>& value) {
  return value ? Json(std::uint64_t{*value}) : Json();
}

Json counters(const lacp::PortCounters& count) {
  Json out = Json::object();
  out.set("lacpdus_sent", count.lacpdus_sent).set("lacpdus_received", count.lacpdus_received);
  out.set("markers_received", count.markers_received);
  out.set("marker_responses_sent", count.marker_responses_sent);
  out.set("marker_responses_received", count.marker_responses_received);
  out.set("send_failures", count.send_failures).set("sends_delayed", count.sends_delayed);
  out.set("partner_changes", count.partner_changes).set("expirations", count.expirations);
  out.set("defaults", count.defaults).set("sync_changes", count.sync_changes);
  out.set("mux_changes", count.mux_changes).set("actor_churns", count.actor_churns);
  out.set("partner_churns", count.partner_churns);
  Json dropped = Json::object();
  for (std::size_t i = 0; i < count.rejected.size(); ++i)
    if (count.rejected[i] != 0)
      dropped.set(to_string(static_cast<lacp::PduReject>(i)), count.rejected[i]);
  out.set("dropped", std::move(dropped));
  return out;
}

Json port_json(const EthTrunk& trunk, const EthTrunkPort& row) {
  const lacp::PortShow& port = row.port;
  Json out = Json::object();
  out.set("name", row.name).set("device", port.device).set("type", row.type);
  out.set("link_up", port.enabled).set("high_priority", row.high);
  out.set("reference", trunk.reference == port.index);
  out.set("selected", to_string(port.selected)).set("receive", to_string(port.receive));
  out.set("periodic", to_string(port.periodic)).set("mux", to_string(port.mux));
  out.set("actor_churn", to_string(port.actor_churn));
  out.set("partner_churn", to_string(port.partner_churn));
  out.set("actor", info(port.actor)).set("partner", info(port.partner));
  out.set("partner_version", unsigned{port.partner_version});
  out.set("last_heard_ms", milliseconds(port.last_heard_ms));
  out.set("expires_ms", milliseconds(port.expires_ms));
  out.set("counters", counters(port.counters));
  return out;
}

}  // namespace

Json to_json(const EthTrunksModel& model) {
  Json list = Json::array();
  for (const EthTrunk& trunk : model.trunks) {
    Json ports = Json::array();
    for (const EthTrunkPort& row : trunk.ports) ports.push(port_json(trunk, row));
    Json out = Json::object();
    out.set("id", unsigned{trunk.id}).set("working_mode", "STATIC");
    out.set("system_priority", unsigned{trunk.system_priority});
    out.set("system_id", trunk.system_id.to_string());
    out.set("least_active", unsigned{trunk.least_active});
    out.set("max_active", unsigned{trunk.max_active});
    out.set("timeout", trunk.fast ? "fast" : "slow").set("up", trunk.up);
    out.set("up_ports", trunk.up_ports).set("sync_allowed", trunk.sync_allowed);
    out.set("partner_heard", trunk.partner_heard).set("collecting", trunk.collecting);
    out.set("distributing", trunk.distributing).set("ports", std::move(ports));
    list.push(std::move(out));
  }
  Json json = Json::object();
  return json.set("eth_trunks", std::move(list));
}

}  // namespace hotpair::ha::cli
