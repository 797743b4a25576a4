#include <fmt/core.h>

#include "ha/cli/command_rows.h"
#include "ha/cli/display_answers.h"
#include "ha/cli/models_scope.h"
#include "ha/cli/words.h"

/// `display multicast boundary`: where administrative scopes end.
namespace hotpair::ha::cli {
namespace {

template <Family F>
Response boundaries(const Call& call) {
  MulticastBoundariesModel model = call.view.multicast_boundaries(F);
  if (auto none =
          keep_named(model.boundaries, interface_of(call), "interface with a multicast boundary",
                     [](const auto& each) { return each.interface; }))
    return std::move(*none);
  constexpr std::string_view kFamily = F == Family::ipv4 ? "IPv4" : "IPv6";
  if (call.request.json) {
    Json list = Json::array();
    for (const MulticastBoundary& each : model.boundaries) {
      Json row = Json::object();
      list.push(row.set("interface", each.interface).set("boundary", each.boundary));
    }
    Json out = Json::object();
    out.set("family", F == Family::ipv4 ? "ipv4" : "ipv6");
    return document(out.set("boundaries", std::move(list)));
  }
  Response response;
  if (model.boundaries.empty()) {
    response.text = fmt::format("No interface has an {} multicast boundary.\n", kFamily);
    return response;
  }
  Table table({"Boundary", "Interface"});
  for (const auto& [interface, boundary] : model.boundaries) table.add({boundary, interface});
  response.text = table.text();
  return response;
}

constexpr CommandRow kRows[] = {
    {"display multicast boundary [ interface:INTERFACE ]",
     "Administrative scopes that end at interfaces", AccessRole::view, boundaries<Family::ipv4>},
    {"display multicast ipv6 boundary [ interface:INTERFACE ]",
     "Administrative scopes of IPv6 that end at interfaces", AccessRole::view,
     boundaries<Family::ipv6>},
};

}  // namespace

std::span<const CommandRow> scope_rows() { return kRows; }

}  // namespace hotpair::ha::cli
