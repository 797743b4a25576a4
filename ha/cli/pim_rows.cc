#include <fmt/core.h>

#include <algorithm>

#include "ha/cli/command_rows.h"
#include "ha/cli/display_answers.h"
#include "ha/cli/render_pim.h"

/// `display pim …` and the same in the words of IOS.
namespace hotpair::ha::cli {
namespace {

constexpr auto k4 = Family::ipv4;
constexpr auto k6 = Family::ipv6;

enum class Dialect : bool { vrp, ios };

// A model that one dialect shows in short and at length, the other in one form.
template <Dialect D, typename Model>
Response answer(const Call& call, const Model& model) {
  if (call.request.json) return document(to_json(model));
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

template <Family F>
Response counters(const Call& call) {
  PimInterfacesModel model;
  if (auto none = named_interfaces<F>(call, model)) return std::move(*none);
  const PimBsrModel bsr = call.view.pim_bsr(F);
  if (call.request.json) return document(counters_json(model, bsr));
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
    {"display pim bsr-info", "The bootstrap router", kView, bsr<k4, kVrp>},
    {"display pim control-message counters [ interface interface:INTERFACE ]",
     "Messages of PIM, sent, received, ignored", kView, counters<k4>},

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
    {"display ip pim bsr-router", "The bootstrap router, in the words of IOS", kView,
     bsr<k4, kIos>},
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

}  // namespace

std::span<const CommandRow> pim_rows() { return kRows; }

}  // namespace hotpair::ha::cli
