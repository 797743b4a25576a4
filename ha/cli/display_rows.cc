#include <fmt/core.h>

#include <algorithm>

#include "ha/cli/command_rows.h"
#include "ha/cli/display_answers.h"
#include "ha/cli/group_stream.h"
#include "ha/cli/render_json.h"
#include "ha/cli/render_text.h"
#include "ha/cli/vrf_commands.h"
#include "ha/config/printer.h"

/// `display …`: query, pick what was named, render.
namespace hotpair::ha::cli {
namespace {

template <typename Model, typename... Options>
Response rendered(const Call& call, const Model& model, Options... options) {
  if (call.request.json) return document(to_json(model));
  Response response;
  response.text = to_text(model, options...);
  return response;
}

std::optional<std::string> text_of(const Call& call, std::string_view name) {
  if (!call.values.has(name)) return std::nullopt;
  return call.values.text(name);
}

Response profiles(const Call& call) {
  auto model = call.view.remote_backup_profiles();
  if (auto none = keep_named(model.profiles, text_of(call, "name"), "remote-backup-profile",
                             [](const auto& each) { return each.name; }))
    return std::move(*none);
  return rendered(call, model);
}

Response services(const Call& call) {
  auto model = call.view.remote_backup_services();
  if (auto none = keep_named(model.services, text_of(call, "name"), "remote-backup-service",
                             [](const auto& each) { return each.name; }))
    return std::move(*none);
  return rendered(call, model);
}

Response service_statistics(const Call& call) {
  const auto model = call.view.remote_backup_services();
  if (call.request.json) return document(to_json(model));
  Response response;
  response.text = statistics_text(model);
  return response;
}

Response ssl_policies(const Call& call) {
  auto model = call.view.ssl_policies();
  if (auto none = keep_named(model.policies, text_of(call, "name"), "ssl policy",
                             [](const auto& each) { return each.name; }))
    return std::move(*none);
  return rendered(call, model);
}

Response etrunks(const Call& call) {
  auto model = call.view.etrunks();
  std::optional<std::string> id;
  if (call.values.has("id")) id = fmt::format("{}", call.values.number("id"));
  if (auto none = keep_named(model.etrunks, id, "e-trunk",
                             [](const auto& each) { return fmt::format("{}", each.id); }))
    return std::move(*none);
  return rendered(call, model);
}

Response eth_trunks(const Call& call) {
  auto model = call.view.eth_trunks();
  std::optional<std::string> id;
  if (call.values.has("id")) id = fmt::format("{}", call.values.number("id"));
  if (auto none = keep_named(model.trunks, id, "Eth-Trunk",
                             [](const auto& each) { return fmt::format("{}", each.id); }))
    return std::move(*none);
  return rendered(call, model, TextOptions{call.verbose});
}

template <Family Which>
std::string_view kind_of() {
  return Which == Family::ipv4 ? "interface with IGMP" : "interface with MLD";
}

template <Family Which>
Response gmp_interfaces(const Call& call) {
  auto model = call.view.gmp_interfaces(Which);
  if (auto none = keep_named(model.interfaces, interface_of(call), kind_of<Which>(),
                             [](const auto& each) { return each.name; }))
    return std::move(*none);
  return rendered(call, model, TextOptions{call.verbose});
}

template <Family Which>
Response gmp_groups(const Call& call) {
  GmpGroupQuery query;
  query.family = Which;
  query.instance = call.view.instance();
  query.interface = interface_of(call);
  if (call.values.has("group")) query.group = call.values.address("group");
  if (query.group && !query.group->is_multicast())
    return refuse(ErrorCode::malformed, query.group->to_string() + " is not a multicast group");
  if (query.interface) {
    auto known = call.view.gmp_interfaces(Which);
    if (auto none = keep_named(known.interfaces, query.interface, kind_of<Which>(),
                               [](const auto& each) { return each.name; }))
      return std::move(*none);
  }
  if (auto reader = call.view.gmp_group_reader(query)) {
    Response response;
    response.more =
        group_stream(std::move(reader), query, call.request.json, TextOptions{call.verbose});
    return response;
  }
  return rendered(call, call.view.gmp_groups(query), TextOptions{call.verbose});
}

Response alarms(const Call& call) { return rendered(call, call.view.alarms()); }

Response forwarding(const Call& call, std::optional<Family> family) {
  ForwardingQuery query;
  query.family = family;
  if (call.values.has("group")) query.group = call.values.address("group");
  if (call.values.has("source")) query.source = call.values.address("source");
  if (query.group && !query.group->is_multicast())
    return refuse(ErrorCode::malformed, query.group->to_string() + " is not a multicast group");
  const ForwardingTableModel model = call.view.forwarding_table(query);
  if (call.request.json) return document(with_instance(call, to_json(model)));
  return rendered(call, model);
}
Response forwarding_all(const Call& call) { return forwarding(call, std::nullopt); }
Response forwarding_ipv6(const Call& call) { return forwarding(call, Family::ipv6); }

Response databases(const Call& call) { return rendered(call, call.view.databases()); }
Response keeper_status(const Call& call) { return rendered(call, call.view.keeper()); }
Response bfd_sessions(const Call& call) {
  auto model = call.view.bfd_sessions();
  if (auto none = keep_named(model.sessions, text_of(call, "name"), "bfd session",
                             [](const auto& each) { return each.status.config.name; }))
    return std::move(*none);
  return rendered(call, model, TextOptions{call.verbose});
}
Response history(const Call& call) { return rendered(call, call.view.switchover_history()); }
Response readiness(const Call& call) { return rendered(call, call.view.switchover_readiness()); }
Response version(const Call& call) { return rendered(call, call.view.version()); }

Response configuration(const Call& call) {
  const bool secrets = call.caller.role == AccessRole::admin;
  const std::string text = config::print_config(call.view.running_config(), {.secrets = secrets});
  if (call.request.json) {
    Json json = Json::object();
    return document(json.set("configuration", text));
  }
  Response response;
  response.text = text;
  return response;
}

Response inactive(const Call& call) {
  const auto lines = config::list_inactive(call.view.running_config());
  if (call.request.json) {
    Json list = Json::array();
    for (const std::string& line : lines) list.push(line);
    Json json = Json::object();
    return document(json.set("inactive", std::move(list)));
  }
  Response response;
  for (const std::string& line : lines) response.text += line + "\n";
  if (lines.empty()) response.text = "Every line is active.\n";
  return response;
}

constexpr CommandRow kRows[] = {
    {"display version", "Version, node id and uptime", AccessRole::view, version},
    {"display remote-backup-profile [ name:STRING31 ]", "What is backed up, where, in which mode",
     AccessRole::view, profiles},
    {"display remote-backup-service [ name:STRING31 ]", "The channel to the peer", AccessRole::view,
     services},
    {"display remote-backup-service statistics", "Counters of the channel to the peer",
     AccessRole::view, service_statistics},
    {"display ssl policy [ name:STRING31 ]", "Certificates of the channels and their ends",
     AccessRole::view, ssl_policies},
    {"display e-trunk [ id:1-1024 ]", "Who is master, paths to the peer, members", AccessRole::view,
     etrunks},
    {"display eth-trunk [ id:1-1024 ] [ verbose ]", "LACP of Eth-Trunks, members and partners",
     AccessRole::view, eth_trunks},
    {"display igmp group [ group:IPV4 ] [ interface interface:INTERFACE ] [ verbose ]",
     "IPv4 groups with members", AccessRole::view, gmp_groups<Family::ipv4>},
    {"display igmp interface [ interface:INTERFACE ] [ verbose ]", "IGMP on interfaces",
     AccessRole::view, gmp_interfaces<Family::ipv4>},
    {"display mld group [ group:IPV6 ] [ interface interface:INTERFACE ] [ verbose ]",
     "IPv6 groups with members", AccessRole::view, gmp_groups<Family::ipv6>},
    {"display mld interface [ interface:INTERFACE ] [ verbose ]", "MLD on interfaces",
     AccessRole::view, gmp_interfaces<Family::ipv6>},
    {"display igmp vpn-instance vrf:STRING31 group [ group:IPV4 ] [ interface "
     "interface:INTERFACE ] [ verbose ]",
     "IPv4 groups with members of a VPN instance", AccessRole::view,
     of_instance<gmp_groups<Family::ipv4>>},
    {"display igmp vpn-instance vrf:STRING31 interface [ interface:INTERFACE ] [ verbose ]",
     "IGMP on interfaces of a VPN instance", AccessRole::view,
     of_instance<gmp_interfaces<Family::ipv4>>},
    {"display mld vpn-instance vrf:STRING31 group [ group:IPV6 ] [ interface interface:INTERFACE ] "
     "[ verbose ]",
     "IPv6 groups with members of a VPN instance", AccessRole::view,
     of_instance<gmp_groups<Family::ipv6>>},
    {"display mld vpn-instance vrf:STRING31 interface [ interface:INTERFACE ] [ verbose ]",
     "MLD on interfaces of a VPN instance", AccessRole::view,
     of_instance<gmp_interfaces<Family::ipv6>>},
    {"display alarm active", "What is wrong, since when, and the next step", AccessRole::view,
     alarms},
    {"display multicast forwarding-table [ group:IP ] [ source source:IP ]", "Multicast routes",
     AccessRole::view, forwarding_all},
    {"display multicast vpn-instance vrf:STRING31 forwarding-table [ group:IP ] "
     "[ source source:IP ]",
     "Multicast routes of a VPN instance", AccessRole::view, of_instance<forwarding_all>},
    {"display multicast ipv6 vpn-instance vrf:STRING31 forwarding-table [ group:IPV6 ] "
     "[ source source:IPV6 ]",
     "IPv6 multicast routes of a VPN instance", AccessRole::view, of_instance<forwarding_ipv6>},
    {"display multicast all-instance forwarding-table", "Multicast routes of all instances",
     AccessRole::view, of_all_instances<forwarding_all>},
    {"display multicast ipv6 forwarding-table [ group:IPV6 ] [ source source:IPV6 ]",
     "IPv6 multicast routes", AccessRole::view, forwarding_ipv6},
    {"display multicast redundancy databases", "What is replicated, how far, digests",
     AccessRole::view, databases},
    {"display keeper", "The reflex process: gates, leases, armed plans", AccessRole::view,
     keeper_status},
    {"display bfd session [ all ] [ session-name name:STRING15 ] [ verbose ]",
     "BFD sessions, or one of them", AccessRole::view, bfd_sessions},
    {"display switchover history", "Each change of master as one story", AccessRole::view, history},
    {"display switchover readiness", "What stands in the way of a planned switchover",
     AccessRole::view, readiness},
    {"display current-configuration", "The running configuration", AccessRole::view, configuration},
    {"display running-config", "The running configuration, in the words of IOS", AccessRole::view,
     configuration},
    {"display ip igmp groups [ group:IPV4 ] [ interface interface:INTERFACE ] [ verbose ]",
     "IPv4 groups with members, in the words of IOS", AccessRole::view, gmp_groups<Family::ipv4>},
    {"display ip igmp interface [ interface:INTERFACE ] [ verbose ]",
     "IGMP on interfaces, in the words of IOS", AccessRole::view, gmp_interfaces<Family::ipv4>},
    {"display ipv6 mld groups [ group:IPV6 ] [ interface interface:INTERFACE ] [ verbose ]",
     "IPv6 groups with members, in the words of IOS", AccessRole::view, gmp_groups<Family::ipv6>},
    {"display ipv6 mld interface [ interface:INTERFACE ] [ verbose ]",
     "MLD on interfaces, in the words of IOS", AccessRole::view, gmp_interfaces<Family::ipv6>},
    {"display ip igmp vrf vrf:STRING31 groups [ group:IPV4 ] [ interface interface:INTERFACE ] "
     "[ verbose ]",
     "IPv4 groups with members of a VRF, in the words of IOS", AccessRole::view,
     of_instance<gmp_groups<Family::ipv4>>},
    {"display ip igmp vrf vrf:STRING31 interface [ interface:INTERFACE ] [ verbose ]",
     "IGMP on interfaces of a VRF, in the words of IOS", AccessRole::view,
     of_instance<gmp_interfaces<Family::ipv4>>},
    {"display ipv6 mld vrf vrf:STRING31 groups [ group:IPV6 ] [ interface interface:INTERFACE ] "
     "[ verbose ]",
     "IPv6 groups with members of a VRF, in the words of IOS", AccessRole::view,
     of_instance<gmp_groups<Family::ipv6>>},
    {"display ipv6 mld vrf vrf:STRING31 interface [ interface:INTERFACE ] [ verbose ]",
     "MLD on interfaces of a VRF, in the words of IOS", AccessRole::view,
     of_instance<gmp_interfaces<Family::ipv6>>},
    {"display current-configuration inactive", "Lines without an engine in this version",
     AccessRole::view, inactive},
};

}  // namespace

Response refuse(ErrorCode code, std::string detail) {
  Response response;
  response.error = Error{code, std::move(detail)};
  response.exit_code = 1;
  return response;
}

Response document(const Json& json) {
  Response response;
  response.text = json.dump(2) + "\n";
  return response;
}

std::optional<std::string> interface_of(const Call& call) {
  if (!call.values.has("interface")) return std::nullopt;
  return call.values.get<config::InterfaceName>("interface").name;
}

std::span<const CommandRow> display_rows() { return kRows; }

}  // namespace hotpair::ha::cli
