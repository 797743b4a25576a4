#include <fmt/core.h>

#include <algorithm>

#include "ha/config/rows_pim.h"

/// Rows of `pim …` in the interface view that say whose Hellos and which Joins are taken.
namespace hotpair::ha::config {
namespace {

constexpr std::size_t kPermitsMax = 256;  // each entry of a Join is compared with all of them

template <Family F>
constexpr std::string_view kPrefix = F == Family::ipv4 ? "pim" : "pim ipv6";

template <Family F>
PimInterfaceModel& pim(Editor& editor) {
  InterfaceModel& interface = editor.interface();
  return F == Family::ipv4 ? interface.pim : interface.pim_ipv6;
}

template <Family F>
void set_genid(Editor& editor, const Values&) {
  editor.assign(pim<F>(editor), &PimInterfaceModel::require_genid, true);
}
template <Family F>
void print_genid(const PrintScope& scope, LineSink& sink) {
  const auto& required = scope.interface->pim_of(F).require_genid;
  if (*required) sink.line(fmt::format("{} require-genid", kPrefix<F>), required.line);
}

template <Family F>
void set_policy(Editor& editor, const Values& values) {
  auto& list = pim<F>(editor).join_policy;
  if (!values.has("groups")) {
    list.clear();
    return;
  }
  const auto groups = group_ranges(editor, values, "groups");
  if (!groups) return;
  JoinPolicyModel line{groups->front(), std::nullopt};
  if (values.has("sources")) line.sources = values.prefix("sources").network();
  if (line.sources && line.sources->address.is_multicast()) {
    editor.refuse(fmt::format("{} is not a range of sources", shown(*line.sources)));
    return;
  }
  std::erase_if(list, [&](const auto& each) { return *each == line; });
  if (editor.undo) return;
  if (list.size() >= kPermitsMax) {
    editor.refuse(
        fmt::format("there are {} lines of the join policy, more are refused", kPermitsMax));
    return;
  }
  Setting<JoinPolicyModel> setting;
  setting.set(line, editor.line);
  list.insert(std::lower_bound(list.begin(), list.end(), setting,
                               [](const auto& a, const auto& b) { return *a < *b; }),
              std::move(setting));
}
template <Family F>
void print_policy(const PrintScope& scope, LineSink& sink) {
  for (const auto& each : scope.interface->pim_of(F).join_policy)
    sink.line(fmt::format("{} join-policy {}{}", kPrefix<F>, shown(each->groups),
                          each->sources ? " source " + shown(*each->sources) : ""),
              each.line);
}

constexpr auto kView = View::interface;
constexpr auto kActive = RowKind::active;
constexpr auto kLater = RowKind::not_active;
constexpr auto k4 = Family::ipv4;
constexpr auto k6 = Family::ipv6;
constexpr char kGenidHelp[] = "Refuse Hellos without a generation id";
constexpr char kPolicyHelp[] =
    "Joins to take: these groups, and of these sources only; default all";
constexpr char kAclHelp[] = "Which Joins to take, by access list";

constexpr ConfigRow kRows[] = {
    {kView, "pim require-genid", kGenidHelp, set_genid<k4>, print_genid<k4>},
    {kView, "pim join-policy groups:PREFIX4 [ source sources:PREFIX4 ]", kPolicyHelp,
     set_policy<k4>, print_policy<k4>, kActive, true},
    {kView, "pim join-policy acl:2000-3999", kAclHelp, nullptr, nullptr, kLater},
    {kView, "pim join-policy asm acl:2000-2999", kAclHelp, nullptr, nullptr, kLater},
    {kView, "pim join-policy ssm acl:3000-3999", kAclHelp, nullptr, nullptr, kLater},

    {kView, "pim ipv6 require-genid", kGenidHelp, set_genid<k6>, print_genid<k6>},
    {kView, "pim ipv6 join-policy groups:PREFIX6 [ source sources:PREFIX6 ]", kPolicyHelp,
     set_policy<k6>, print_policy<k6>, kActive, true},
    {kView, "pim ipv6 join-policy acl:2000-3999", kAclHelp, nullptr, nullptr, kLater},

    {kView, "ip pim jp-policy groups:PREFIX4 [ source sources:PREFIX4 ]",
     "Joins to take: these groups, and of these sources only (IOS)", set_policy<k4>, nullptr,
     kActive, true},
    {kView, "ipv6 pim jp-policy groups:PREFIX6 [ source sources:PREFIX6 ]",
     "Joins to take: these groups, and of these sources only (IOS)", set_policy<k6>, nullptr,
     kActive, true},
};

}  // namespace

std::span<const ConfigRow> pim_join_rows() { return kRows; }

}  // namespace hotpair::ha::config
