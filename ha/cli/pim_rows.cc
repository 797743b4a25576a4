#include <fmt/core.h>

#include <algorithm>

#include "ha/cli/command_rows.h"
#include "ha/cli/display_answers.h"
#include "ha/cli/render_floating.h"
#include "ha/cli/render_pim.h"
#include "ha/cli/vrf_commands.h"

/// `display pim …` and the same in the words of IOS.
namespace hotpair::ha::cli {
namespace {

constexpr auto k4 = Family::ipv4;
constexpr auto k6 = Family::ipv6;

enum class Dialect : bool { vrp, ios };

// A model that one dialect shows in short and at length, the other in one form.
template <Dialect D, typename Model>
Response answer(const Call& call, const Model& model) {
  if (call.request.json) return document(with_instance(call, to_json(model)));
  Response response;
  if constexpr (D == Dialect::ios)
    response.text = ios_text(model);
  else if constexpr (requires { to_text(model, TextOptions{}); })
    response.text = to_text(model, TextOptions{call.verbose});
  else
    response.text = to_text(model);
  return response;
}

template <Family F>
std::string_view kind_of() {
  return F == k4 ? "interface with PIM" : "interface with IPv6 PIM";
}

// The interfaces of PIM, or the one that the command names.
template <Family F>
std::optional<Response> named_interfaces(const Call& call, PimInterfacesModel& model) {
  model = call.view.pim_interfaces(F);
  return keep_named(model.interfaces, interface_of(call), kind_of<F>(),
                    [](const auto& each) { return each.name; });
}

template <Family F, Dialect D>
Response interfaces(const Call& call) {
  PimInterfacesModel model;
  if (auto none = named_interfaces<F>(call, model)) return std::move(*none);
  return answer<D>(call, model);
}

template <Family F, Dialect D>
Response neighbors(const Call& call) {
  PimInterfacesModel known;
  if (auto none = named_interfaces<F>(call, known)) return std::move(*none);
  auto model = call.view.pim_neighbors(F);
  if (const auto interface = interface_of(call))
    std::erase_if(model.neighbors, [&](const auto& each) { return each.interface != *interface; });
  if (call.values.has("neighbor")) {
    const IpAddress& wanted = call.values.address("neighbor");
    std::erase_if(model.neighbors, [&](const auto& each) {
      return each.row.address != wanted && !std::ranges::count(each.row.secondary, wanted);
    });
    if (model.neighbors.empty())
      return refuse(ErrorCode::not_found,
                    fmt::format("there is no neighbor {}", wanted.to_upper_string()));
  }
  return answer<D>(call, model);
}

std::optional<Response> bad_group(const Call& call) {
  if (!call.values.has("group") || call.values.address("group").is_multicast()) return std::nullopt;
  return refuse(ErrorCode::malformed,
                call.values.address("group").to_string() + " is not a multicast group");
}

template <Family F, Dialect D>
Response routes(const Call& call) {
  if (auto bad = bad_group(call)) return std::move(*bad);
  PimRoutesQuery query;
  query.family = F;
  if (call.values.has("group")) query.group = call.values.address("group");
  if (call.values.has("source")) query.source = call.values.address("source");
  return answer<D>(call, call.view.pim_routes(query));
}

template <Family F, Dialect D>
Response rps(const Call& call) {
  if (auto bad = bad_group(call)) return std::move(*bad);
  std::optional<IpAddress> group;
  if (call.values.has("group")) group = call.values.address("group");
  return answer<D>(call, call.view.pim_rps(F, group));
}

template <Family F, Dialect D>
Response bsr(const Call& call) {
  return answer<D>(call, call.view.pim_bsr(F));
}

template <Dialect D>
Response auto_rp(const Call& call) {
  return answer<D>(call, call.view.pim_auto_rp());
}

template <Dialect D>
Response forwarders(const Call& call) {
  PimInterfacesModel known;
  if (auto none = named_interfaces<k4>(call, known)) return std::move(*none);
  auto model = call.view.pim_df();
  if (const auto interface = interface_of(call))
    std::erase_if(model.elections, [&](const auto& each) { return each.interface != *interface; });
  if (call.values.has("rp"))
    std::erase_if(model.elections, [&](const auto& each) {
      return each.row.rp.address != call.values.address("rp");
    });
  return answer<D>(call, model);
}

template <Family F>
Response counters(const Call& call) {
  PimInterfacesModel model;
  if (auto none = named_interfaces<F>(call, model)) return std::move(*none);
  const PimBsrModel bsr = call.view.pim_bsr(F);
  if (call.request.json) return document(with_instance(call, counters_json(model, bsr)));
  Response response;
  response.text = counters_text(model, bsr);
  return response;
}

template <Family F>
Response rpf(const Call& call) {
  PimRoutesQuery query;
  query.family = F;
  const IpAddress& target = call.values.address("target");
  const auto model = rpf_of(call.view.pim_routes(query), target);
  if (model) return answer<Dialect::ios>(call, *model);
  return refuse(ErrorCode::not_found,
                fmt::format("{} is neither a source nor an RP in use, so its way is not looked up",
                            target.to_upper_string()));
}

template <Dialect D>
Response floating(const Call& call) {
  FloatingAddressesModel model = call.view.floating_addresses();
  if (auto none =
          keep_named(model.interfaces, interface_of(call), "interface with floating addresses",
                     [](const auto& each) { return each.name; }))
    return std::move(*none);
  return answer<D>(call, model);
}

constexpr auto kView = AccessRole::view;
constexpr auto kVrp = Dialect::vrp;
constexpr auto kIos = Dialect::ios;

constexpr CommandRow kRows[] = {
    {"display pim interface [ interface:INTERFACE ] [ verbose ]", "PIM on interfaces", kView,
     interfaces<k4, kVrp>},
    {"display pim neighbor [ neighbor:IPV4 ] [ interface interface:INTERFACE ] [ verbose ]",
     "PIM neighbors", kView, neighbors<k4, kVrp>},
    {"display pim routing-table [ group:IPV4 ] [ source source:IPV4 ] [ verbose ]",
     "Trees of PIM, up and down", kView, routes<k4, kVrp>},
    {"display pim rp-info [ group:IPV4 ]", "Rendezvous points, or that of a group", kView,
     rps<k4, kVrp>},
    {"display pim df-info [ rp:IPV4 ]", "Designated forwarders of bidirectional groups", kView,
     forwarders<kVrp>},
    {"display pim bsr-info", "The bootstrap router", kView, bsr<k4, kVrp>},
    {"display pim auto-rp", "Auto-RP: mapping agent, own part, messages", kView, auto_rp<kVrp>},
    {"display pim control-message counters [ interface interface:INTERFACE ]",
     "Messages of PIM, sent, received, ignored", kView, counters<k4>},

    {"display floating-address [ interface:INTERFACE ] [ verbose ]",
     "Addresses that move with a scope, and who owns them", kView, floating<kVrp>},
    {"display ip floating-address [ interface:INTERFACE ]",
     "Addresses that move with a scope, in the words of IOS", kView, floating<kIos>},

    {"display pim ipv6 interface [ interface:INTERFACE ] [ verbose ]", "IPv6 PIM on interfaces",
     kView, interfaces<k6, kVrp>},
    {"display pim ipv6 neighbor [ neighbor:IPV6 ] [ interface interface:INTERFACE ] [ verbose ]",
     "IPv6 PIM neighbors", kView, neighbors<k6, kVrp>},
    {"display pim ipv6 routing-table [ group:IPV6 ] [ source source:IPV6 ] [ verbose ]",
     "Trees of IPv6 PIM, up and down", kView, routes<k6, kVrp>},
    {"display pim ipv6 rp-info [ group:IPV6 ]", "IPv6 rendezvous points, or that of a group", kView,
     rps<k6, kVrp>},
    {"display pim ipv6 bsr-info", "The IPv6 bootstrap router", kView, bsr<k6, kVrp>},
    {"display pim ipv6 control-message counters [ interface interface:INTERFACE ]",
     "Messages of IPv6 PIM, sent, received, ignored", kView, counters<k6>},

    {"display ip pim interface [ interface:INTERFACE ]", "PIM on interfaces, in the words of IOS",
     kView, interfaces<k4, kIos>},
    {"display ip pim neighbor [ interface:INTERFACE ]", "PIM neighbors, in the words of IOS", kView,
     neighbors<k4, kIos>},
    {"display ip pim rp mapping", "Rendezvous points, in the words of IOS", kView, rps<k4, kIos>},
    {"display ip pim interface df [ rp:IPV4 ]",
     "Designated forwarders of bidirectional groups, in the words of IOS", kView, forwarders<kIos>},
    {"display ip pim interface interface:INTERFACE df",
     "Designated forwarders of one interface, in the words of IOS", kView, forwarders<kIos>},
    {"display ip pim bsr-router", "The bootstrap router, in the words of IOS", kView,
     bsr<k4, kIos>},
    {"display ip pim autorp", "Auto-RP, in the words of IOS", kView, auto_rp<kIos>},
    {"display ip mroute [ group:IPV4 ] [ source source:IPV4 ]",
     "Multicast routes, in the words of IOS", kView, routes<k4, kIos>},
    {"display ip rpf target:IPV4", "The way to a source or RP in use, in the words of IOS", kView,
     rpf<k4>},

    {"display ipv6 pim interface [ interface:INTERFACE ]",
     "IPv6 PIM on interfaces, in the words of IOS", kView, interfaces<k6, kIos>},
    {"display ipv6 pim neighbor [ interface:INTERFACE ]", "IPv6 PIM neighbors, in the words of IOS",
     kView, neighbors<k6, kIos>},
    {"display ipv6 pim group-map", "IPv6 rendezvous points, in the words of IOS", kView,
     rps<k6, kIos>},
    {"display ipv6 pim bsr election", "The IPv6 bootstrap router, in the words of IOS", kView,
     bsr<k6, kIos>},
    {"display ipv6 mroute [ group:IPV6 ] [ source source:IPV6 ]",
     "IPv6 multicast routes, in the words of IOS", kView, routes<k6, kIos>},
    {"display ipv6 rpf target:IPV6", "The way to a source or RP in use, in the words of IOS", kView,
     rpf<k6>},
};

constexpr CommandRow kVrfRows[] = {
    {"display pim vpn-instance vrf:STRING31 interface [ interface:INTERFACE ] [ verbose ]",
     "PIM on interfaces of a VPN instance", kView, of_instance<interfaces<k4, kVrp>>},
    {"display pim vpn-instance vrf:STRING31 neighbor [ neighbor:IPV4 ] [ interface "
     "interface:INTERFACE ] [ verbose ]",
     "PIM neighbors of a VPN instance", kView, of_instance<neighbors<k4, kVrp>>},
    {"display pim vpn-instance vrf:STRING31 routing-table [ group:IPV4 ] [ source source:IPV4 ] [ "
     "verbose ]",
     "Trees of PIM in a VPN instance", kView, of_instance<routes<k4, kVrp>>},
    {"display pim vpn-instance vrf:STRING31 rp-info [ group:IPV4 ]",
     "Rendezvous points of a VPN instance, or that of a group", kView, of_instance<rps<k4, kVrp>>},
    {"display pim vpn-instance vrf:STRING31 bsr-info", "The bootstrap router of a VPN instance",
     kView, of_instance<bsr<k4, kVrp>>},
    {"display pim vpn-instance vrf:STRING31 auto-rp",
     "Auto-RP of a VPN instance: mapping agent, own part, messages", kView,
     of_instance<auto_rp<kVrp>>},
    {"display pim vpn-instance vrf:STRING31 df-info [ rp:IPV4 ]",
     "Designated forwarders of a VPN instance", kView, of_instance<forwarders<kVrp>>},
    {"display pim vpn-instance vrf:STRING31 control-message counters [ interface "
     "interface:INTERFACE ]",
     "Messages of PIM in a VPN instance", kView, of_instance<counters<k4>>},
    {"display pim all-instance interface", "The same of all instances: interface", kView,
     of_all_instances<interfaces<k4, kVrp>>},
    {"display pim all-instance neighbor", "The same of all instances: neighbor", kView,
     of_all_instances<neighbors<k4, kVrp>>},
    {"display pim all-instance routing-table", "The same of all instances: routing-table", kView,
     of_all_instances<routes<k4, kVrp>>},
    {"display pim all-instance rp-info", "The same of all instances: rp-info", kView,
     of_all_instances<rps<k4, kVrp>>},
    {"display pim all-instance bsr-info", "The same of all instances: bsr-info", kView,
     of_all_instances<bsr<k4, kVrp>>},
    {"display pim ipv6 vpn-instance vrf:STRING31 interface [ interface:INTERFACE ] [ verbose ]",
     "IPv6 PIM on interfaces of a VPN instance", kView, of_instance<interfaces<k6, kVrp>>},
    {"display pim ipv6 vpn-instance vrf:STRING31 neighbor [ neighbor:IPV6 ] [ interface "
     "interface:INTERFACE ] [ verbose ]",
     "IPv6 PIM neighbors of a VPN instance", kView, of_instance<neighbors<k6, kVrp>>},
    {"display pim ipv6 vpn-instance vrf:STRING31 routing-table [ group:IPV6 ] [ source source:IPV6 "
     "] [ verbose ]",
     "Trees of IPv6 PIM in a VPN instance", kView, of_instance<routes<k6, kVrp>>},
    {"display pim ipv6 vpn-instance vrf:STRING31 rp-info [ group:IPV6 ]",
     "Rendezvous points of a VPN instance, or that of a group", kView, of_instance<rps<k6, kVrp>>},
    {"display pim ipv6 vpn-instance vrf:STRING31 bsr-info",
     "The bootstrap router of a VPN instance", kView, of_instance<bsr<k6, kVrp>>},
    {"display pim ipv6 vpn-instance vrf:STRING31 control-message counters [ interface "
     "interface:INTERFACE ]",
     "Messages of IPv6 PIM in a VPN instance", kView, of_instance<counters<k6>>},
    {"display pim ipv6 all-instance interface", "The same of all instances: interface", kView,
     of_all_instances<interfaces<k6, kVrp>>},
    {"display pim ipv6 all-instance neighbor", "The same of all instances: neighbor", kView,
     of_all_instances<neighbors<k6, kVrp>>},
    {"display pim ipv6 all-instance routing-table", "The same of all instances: routing-table",
     kView, of_all_instances<routes<k6, kVrp>>},
    {"display pim ipv6 all-instance rp-info", "The same of all instances: rp-info", kView,
     of_all_instances<rps<k6, kVrp>>},
    {"display pim ipv6 all-instance bsr-info", "The same of all instances: bsr-info", kView,
     of_all_instances<bsr<k6, kVrp>>},
    {"display ip pim vrf vrf:STRING31 interface [ interface:INTERFACE ]",
     "PIM on interfaces of a VRF, in the words of IOS", kView, of_instance<interfaces<k4, kIos>>},
    {"display ip pim vrf vrf:STRING31 neighbor [ interface:INTERFACE ]",
     "PIM neighbors of a VRF, in the words of IOS", kView, of_instance<neighbors<k4, kIos>>},
    {"display ip pim vrf vrf:STRING31 rp mapping",
     "Rendezvous points of a VRF, in the words of IOS", kView, of_instance<rps<k4, kIos>>},
    {"display ip pim vrf vrf:STRING31 bsr-router",
     "The bootstrap router of a VRF, in the words of IOS", kView, of_instance<bsr<k4, kIos>>},
    {"display ip pim vrf vrf:STRING31 autorp", "Auto-RP of a VRF, in the words of IOS", kView,
     of_instance<auto_rp<kIos>>},
    {"display ip mroute vrf vrf:STRING31 [ group:IPV4 ] [ source source:IPV4 ]",
     "Multicast routes of a VRF, in the words of IOS", kView, of_instance<routes<k4, kIos>>},
    {"display ip rpf vrf vrf:STRING31 target:IPV4",
     "The way to a source or RP in use, in the words of IOS", kView, of_instance<rpf<k4>>},
    {"display ipv6 pim vrf vrf:STRING31 interface [ interface:INTERFACE ]",
     "IPv6 PIM on interfaces of a VRF, in the words of IOS", kView,
     of_instance<interfaces<k6, kIos>>},
    {"display ipv6 pim vrf vrf:STRING31 neighbor [ interface:INTERFACE ]",
     "IPv6 PIM neighbors of a VRF, in the words of IOS", kView, of_instance<neighbors<k6, kIos>>},
    {"display ipv6 pim vrf vrf:STRING31 group-map",
     "Rendezvous points of a VRF, in the words of IOS", kView, of_instance<rps<k6, kIos>>},
    {"display ipv6 pim vrf vrf:STRING31 bsr election",
     "The bootstrap router of a VRF, in the words of IOS", kView, of_instance<bsr<k6, kIos>>},
    {"display ipv6 mroute vrf vrf:STRING31 [ group:IPV6 ] [ source source:IPV6 ]",
     "Multicast routes of a VRF, in the words of IOS", kView, of_instance<routes<k6, kIos>>},
    {"display ipv6 rpf vrf vrf:STRING31 target:IPV6",
     "The way to a source or RP in use, in the words of IOS", kView, of_instance<rpf<k6>>},
    {"display ip pim vrf vrf:STRING31 interface df [ rp:IPV4 ]",
     "Designated forwarders of a VRF, in the words of IOS", kView, of_instance<forwarders<kIos>>},
};

}  // namespace

std::span<const CommandRow> pim_rows() { return kRows; }
std::span<const CommandRow> pim_vrf_rows() { return kVrfRows; }

}  // namespace hotpair::ha::cli
