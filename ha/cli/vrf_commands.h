#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ha/cli/command_rows.h"
#include "ha/cli/display_answers.h"
#include "ha/cli/json.h"
#include "ha/cli/render_json.h"

/// Displays of the public instance, run for another one: `vpn-instance NAME`, `vrf NAME`.
namespace hotpair::ha::cli {

/// Of a display's document.
inline constexpr std::size_t kDepthMax = 32;

/// The document with the name of the VRF that it shows; null: the public instance.
[[nodiscard]] inline Json with_instance(const Call& call, Json document) {
  document.set("vrf", vrf_of(call.view.instance()));
  return document;
}

[[nodiscard]] inline Call in_view(const Call& call, const NodeView& view) {
  return {call.values, call.request, call.caller,       call.instant,
          view,        call.actions, call.transactions, call.verbose};
}

/// `Run` for the instance that the command names.
template <RunCommand Run>
Response of_instance(const Call& call) {
  const std::string& name = call.values.text("vrf");
  const std::unique_ptr<NodeView> view = call.view.of_instance(name);
  if (view == nullptr) return refuse(ErrorCode::not_found, "there is no VPN instance " + name);
  return Run(in_view(call, *view));
}

/// `Run` for the public instance and then for each other: texts one after the other, documents in
/// an array `instances`.
template <RunCommand Run>
Response of_all_instances(const Call& call) {
  std::vector<Response> parts;
  parts.push_back(Run(call));
  for (const auto& vrf : call.view.running_config().vrfs)
    if (const auto view = call.view.of_instance(vrf.name))
      parts.push_back(Run(in_view(call, *view)));
  Response all;
  Json instances = Json::array();
  for (Response& part : parts) {
    if (part.error) return std::move(part);
    all.text += part.text;
    if (!call.request.json) continue;
    if (auto parsed = Json::parse(part.text, kDepthMax)) instances.push(std::move(*parsed));
  }
  if (!call.request.json) return all;
  return document(Json::object().set("instances", std::move(instances)));
}

}  // namespace hotpair::ha::cli
