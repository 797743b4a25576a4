#include "ha/cli/render_pim.h"
#include "ha/cli/words.h"

/// JSON of the displays of PIM.
namespace hotpair::ha::cli {
namespace {

Json ms(const std::optional<Duration>& duration) {
  return duration ? Json(ms_of(*duration)) : Json();
}
Json address(const std::optional<IpAddress>& value) {
  return !value || value->is_unspecified() ? Json() : Json(value->to_string());
}
Json backup_id(const std::optional<ScopeId>& scope) {
  return scope ? Json(scope->value()) : Json();
}
std::string_view name_of(Family family) { return family == Family::ipv4 ? "ipv4" : "ipv6"; }

// A word as a key or a fixed value.
std::string key_of(std::string_view word) {
  std::string key;
  for (const char each : word) {
    if (each == '\'' || each == ',') continue;
    const bool capital = each >= 'A' && each <= 'Z';
    key += each == ' ' || each == '-' || each == '/' ? '_'
           : capital                                 ? static_cast<char>(each - 'A' + 'a')
                                                     : each;
  }
  return key;
}

template <typename Rows, typename Make>
Json list(const Rows& rows, Make make) {
  Json out = Json::array();
  for (const auto& row : rows) out.push(make(row));
  return out;
}

Json neighbor_json(const PimNeighbor& each) {
  const auto& row = each.row;
  const auto& lan = row.lan_prune_delay;
  Json out = Json::object();
  out.set("interface", each.interface).set("address", row.address.to_string());
  out.set("secondary", list(row.secondary, [](const auto& one) { return Json(one.to_string()); }));
  out.set("uptime_ms", ms_of(row.uptime)).set("expires_ms", ms(row.expires));
  out.set("version", unsigned{row.version});
  out.set("dr_priority", row.dr_priority ? Json(*row.dr_priority) : Json());
  out.set("generation_id", row.generation_id ? Json(*row.generation_id) : Json());
  out.set("lan_delay_ms", lan ? Json(unsigned{lan->propagation_delay_ms}) : Json());
  out.set("override_interval_ms", lan ? Json(unsigned{lan->override_interval_ms}) : Json());
  out.set("neighbor_tracking", lan && lan->tracking).set("dr", row.is_dr);
  out.set("bidirectional", row.bidirectional).set("proxy", row.proxy);
  return out.set("state_refresh", row.state_refresh);
}

Json interface_json(const PimInterface& each) {
  const auto& row = each.row;
  Json out = Json::object();
  out.set("interface", each.name).set("up", each.up).set("address", address(row.address));
  out.set("backup_id", backup_id(each.floating ? std::nullopt : row.scope));
  out.set("identity", each.floating ? "floating" : "separate");
  out.set("muted", row.mode == mcast::pim::LinkMode::muted);
  out.set("dr", address(row.dr)).set("am_dr", row.am_dr).set("dr_priority", row.dr_priority);
  out.set("neighbors", row.neighbours).set("generation_id", row.generation_id);
  out.set("hello_interval_ms", ms_of(row.hello_period)).set("next_hello_ms", ms(row.next_hello));
  out.set("holdtime_ms", ms_of(row.holdtime));
  out.set("lan_delay_ms", ms_of(row.propagation_delay));
  out.set("lan_delay_configured_ms", ms_of(each.propagation_delay));
  out.set("override_interval_ms", ms_of(row.override_interval));
  out.set("override_interval_configured_ms", ms_of(each.override_interval));
  out.set("neighbor_tracking", !row.suppression);
  out.set("neighbor_tracking_configured", each.tracking);
  out.set("join_prune_interval_ms", ms_of(row.join_prune_period));
  out.set("silent", row.silent).set("require_genid", row.require_genid);
  out.set("join_policy_lines", row.join_policy);
  return out.set("bsr_boundary", each.bsr_boundary);
}

std::string_view purpose_of(PimDownstreamOf of) {
  switch (of) {
    case PimDownstreamOf::hosts:
      return "hosts";
    case PimDownstreamOf::routers:
      return "routers";
    case PimDownstreamOf::register_tunnel:
      break;
  }
  return "register";
}

Json downstream_json(const PimDownstream& each) {
  Json out = Json::object();
  out.set("interface", each.interface).set("by", purpose_of(each.of));
  out.set("expires_ms", ms(each.expires)).set("backup_id", backup_id(each.scope));
  return out.set("gate_open", each.gate_open);
}

Json route_json(const PimRoute& route) {
  Json out = Json::object();
  out.set("source", address(route.source)).set("group", route.group.to_string());
  out.set("rp", address(route.rp)).set("rp_local", route.rp_is_local);
  out.set("source_specific", route.source_specific).set("bidir", route.bidir);
  out.set("uptime_ms", ms(route.uptime));
  out.set("upstream_interface", route.upstream);
  out.set("upstream_neighbor", address(route.upstream_neighbor));
  out.set("rpf_prime", address(route.rpf_prime)).set("by_assert", route.by_assert);
  out.set("upstream_state", key_of(word_of(route.state))).set("next_join_ms", ms(route.next_join));
  out.set("on_source_tree", route.on_source_tree());
  out.set("pruned_off_shared_tree", route.pruned_off_shared_tree);
  out.set("active", route.active).set("installed", route.installed);
  return out.set("downstreams", list(route.downstreams, downstream_json));
}

std::string prefix_text(const IpPrefix& prefix) { return prefix.to_string(); }

Json rp_json(const mcast::rp::RpInfoRow& row) {
  const mcast::rp::RpMapping& mapping = row.mapping;
  Json out = Json::object();
  out.set("range", prefix_text(mapping.range)).set("rp", mapping.rp.to_string());
  out.set("source", key_of(word_of(mapping.source))).set("priority", unsigned{mapping.priority});
  out.set("negative", mapping.negative).set("bidir", mapping.bidir).set("local", row.local);
  out.set("zone", row.zone ? Json(prefix_text(*row.zone)) : Json());
  out.set("told_by", address(row.told_by)).set("uptime_ms", ms(row.uptime));
  return out.set("expires_ms", ms(row.expires));
}

Json zone_json(const mcast::rp::BsrZoneModel& zone) {
  Json out = Json::object();
  out.set("zone", zone.zone ? Json(prefix_text(*zone.zone)) : Json());
  out.set("state", key_of(word_of(zone.state)));
  out.set("bsr", zone.bsr ? Json(zone.bsr->address.to_string()) : Json());
  out.set("priority", zone.bsr ? Json(unsigned{zone.bsr->priority}) : Json());
  out.set("hash_mask_length", unsigned{zone.hash_mask_length});
  out.set("uptime_ms", ms_of(zone.uptime)).set("next_bootstrap_ms", ms(zone.next_bootstrap));
  out.set("expires_ms", ms(zone.expires)).set("mappings", zone.mappings);
  out.set("offers", zone.offers);
  if (!zone.candidate) return out.set("candidate", Json());
  Json candidate = Json::object();
  candidate.set("address", zone.candidate->address.to_string());
  candidate.set("priority", unsigned{zone.candidate->priority});
  candidate.set("hash_mask_length", unsigned{zone.candidate->hash_mask_length});
  return out.set("candidate", std::move(candidate));
}

Json bsr_counters_json(const mcast::rp::BsrCounters& from) {
  Json ignored = Json::object();
  for (std::size_t i = 0; i < from.ignored.size(); ++i)
    ignored.set(key_of(word_of(static_cast<mcast::rp::BsrIgnored>(i))), from.ignored[i]);
  Json out = Json::object();
  out.set("bootstraps_accepted", from.bootstraps_heard);
  out.set("bootstraps_forwarded", from.bootstraps_forwarded);
  out.set("bootstraps_originated", from.bootstraps_originated);
  out.set("candidate_rps_accepted", from.candidate_rps_heard);
  out.set("candidate_rps_sent", from.candidate_rps_sent);
  return out.set("ignored", std::move(ignored));
}

Json messages_json(const PimInterface& each) {
  Json received = Json::object();
  Json sent = Json::object();
  for (const PimMessageCount& count : each.messages) {
    received.set(key_of(count.name), count.received);
    sent.set(key_of(count.name), count.sent);
  }
  Json ignored = Json::object();
  for (const auto& [reason, count] : each.ignored) ignored.set(key_of(reason), count);
  Json out = Json::object();
  out.set("interface", each.name).set("received", std::move(received));
  return out.set("sent", std::move(sent)).set("ignored", std::move(ignored));
}

}  // namespace

Json to_json(const PimNeighborsModel& model) {
  Json out = Json::object();
  out.set("family", name_of(model.family));
  return out.set("neighbors", list(model.neighbors, neighbor_json));
}

Json to_json(const PimInterfacesModel& model) {
  Json out = Json::object();
  out.set("family", name_of(model.family));
  return out.set("interfaces", list(model.interfaces, interface_json));
}

Json to_json(const PimRoutesModel& model) {
  Json out = Json::object();
  out.set("family", name_of(model.family)).set("total", model.total);
  return out.set("routes", list(model.routes, route_json));
}

Json to_json(const PimRpModel& model) {
  Json out = Json::object();
  out.set("family", name_of(model.family));
  if (!model.group) {
    out.set("static_preferred", model.info.rules.static_preferred);
    out.set("embedded_rp", model.info.rules.embedded);
    return out.set("mappings", list(model.info.rows, rp_json));
  }
  const auto& mapping = model.group->mapping;
  out.set("group", model.group->group.to_string());
  out.set("rp", mapping ? Json(mapping->rp.to_string()) : Json());
  out.set("source", mapping ? Json(key_of(word_of(mapping->source))) : Json());
  return out.set("range", mapping ? Json(prefix_text(mapping->range)) : Json());
}

Json to_json(const PimBsrModel& model) {
  Json out = Json::object();
  out.set("family", name_of(model.family)).set("zones", list(model.zones, zone_json));
  return out.set("counters", bsr_counters_json(model.counters));
}

Json to_json(const PimRpfModel& model) {
  Json out = Json::object();
  out.set("target", model.target.to_string()).set("is_rp", model.is_rp);
  out.set("interface", model.interface).set("neighbor", address(model.neighbor));
  return out.set("rpf_prime", address(model.rpf_prime));
}

Json counters_json(const PimInterfacesModel& model, const PimBsrModel& bsr) {
  Json out = Json::object();
  out.set("family", name_of(model.family)).set("bootstrap", bsr_counters_json(bsr.counters));
  Json registers = Json::object();
  for (const auto& [reason, count] : model.registers_ignored) registers.set(key_of(reason), count);
  out.set("registers_ignored", std::move(registers));
  return out.set("interfaces", list(model.interfaces, messages_json));
}

}  // namespace hotpair::ha::cli
