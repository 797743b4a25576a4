#include "ha/cli/command_rows.h"
#include "ha/cli/display_answers.h"
#include "ha/cli/render_mcac.h"

/// `display multicast limit` and the same in the words of IOS.
namespace hotpair::ha::cli {
namespace {

enum class Dialect : bool { vrp, ios };

template <Family F, Dialect D>
Response limits(const Call& call) {
  MulticastLimitsModel model = call.view.multicast_limits(F, call.verbose || call.request.json);
  if (auto none = keep_named(model.limits, interface_of(call), "interface with a multicast limit",
                             [](const auto& each) { return each.interface; }))
    return std::move(*none);
  if (call.request.json) return document(to_json(model));
  Response response;
  response.text = D == Dialect::ios ? ios_text(model, TextOptions{call.verbose})
                                    : to_text(model, TextOptions{call.verbose});
  return response;
}

constexpr auto kView = AccessRole::view;
constexpr auto k4 = Family::ipv4;
constexpr auto k6 = Family::ipv6;

constexpr CommandRow kRows[] = {
    {"display multicast limit [ interface:INTERFACE ] [ verbose ]",
     "Admission control: costs in use, limits, denied channels", kView, limits<k4, Dialect::vrp>},
    {"display multicast ipv6 limit [ interface:INTERFACE ] [ verbose ]",
     "Admission control of IPv6", kView, limits<k6, Dialect::vrp>},
    {"display ip multicast limit [ interface:INTERFACE ] [ verbose ]",
     "Admission control, in the words of IOS", kView, limits<k4, Dialect::ios>},
    {"display ipv6 multicast limit [ interface:INTERFACE ] [ verbose ]",
     "Admission control of IPv6, in the words of IOS", kView, limits<k6, Dialect::ios>},
};

}  // namespace

std::span<const CommandRow> mcac_rows() { return kRows; }

}  // namespace hotpair::ha::cli
