#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

#include "ha/cli/pim_routes.h"
#include "ha/daemon/live_view.h"

/// PIM of the running node.
namespace hotpair::ha::daemon {
namespace {

// In the order of wire::PimMessage.
constexpr std::array<std::string_view, std::variant_size_v<mcast::wire::PimMessage>> kMessages = {
    "Hello",     "Register", "Register-Stop", "Join/Prune",
    "Bootstrap", "Assert",   "Candidate-RP",  "DF-Election"};

const std::optional<node::PimLinkSettings>& settings_of(const node::Link& link, Family family) {
  return family == Family::ipv4 ? link.settings.pim_ipv4 : link.settings.pim_ipv6;
}

using Ignored = std::vector<std::pair<std::string, std::uint64_t>>;

/// The reasons that came up, `what` in front of each.
template <typename Reason, std::size_t N>
void add_reasons(Ignored& ignored, std::string_view what,
                 const std::array<std::uint64_t, N>& counts) {
  for (std::size_t i = 0; i < N; ++i)
    if (counts[i] != 0)
      ignored.emplace_back(std::string(what).append(to_string(static_cast<Reason>(i))), counts[i]);
}

/// What the parts of PIM left out of the messages that they were given.
void add_part_counters(cli::PimInterface& interface, const mcast::pim::Pim& pim, LinkId link) {
  namespace p = mcast::pim;
  Ignored& ignored = interface.ignored;
  add_reasons<p::HelloIgnored>(ignored, "Hello ", interface.row.counters.ignored);
  if (const p::DownstreamCounters* joins = pim.downstream_counters(link)) {
    add_reasons<mcast::wire::PimEntryFault>(ignored, "Join/Prune ", joins->faults);
    add_reasons<p::DownstreamIgnored>(ignored, "Join/Prune ", joins->ignored);
  }
  add_reasons<p::AssertIgnored>(ignored, "Assert ", pim.assert_counters(link).ignored);
}

void add_counters(cli::PimInterface& interface, const mcast::pim::MessageCounters& counters) {
  for (std::size_t i = 0; i < kMessages.size(); ++i)
    interface.messages.push_back(
        {std::string(kMessages[i]), counters.received[i], counters.sent[i]});
  add_reasons<mcast::wire::PimReject>(interface.ignored, "", counters.rejected);
  add_reasons<mcast::pim::PacketIgnored>(interface.ignored, "", counters.ignored);
}

}  // namespace

std::vector<IpAddress> LiveView::own_addresses() const {
  std::vector<IpAddress> own;
  for (const auto& [id, link] : node_.links())
    if (link.settings.vrf == vrf_)
      for (const IpPrefix& prefix : link.settings.addresses) own.push_back(prefix.address);
  return own;
}

cli::PimNeighborsModel LiveView::pim_neighbors(Family family) const {
  cli::PimNeighborsModel model;
  model.family = family;
  model.instance = instance_;
  for (auto& row : node_.pim(family, vrf_).show_neighbours(now_))
    model.neighbors.push_back({link_name(row.link), std::move(row)});
  return model;
}

cli::PimInterfacesModel LiveView::pim_interfaces(Family family) const {
  cli::PimInterfacesModel model;
  model.family = family;
  model.instance = instance_;
  for (auto& row : node_.pim(family, vrf_).show_interfaces(now_)) {
    cli::PimInterface interface;
    interface.name = link_name(row.link);
    interface.up = !row.address.is_unspecified();
    const auto link = node_.links().find(row.link);
    if (link != node_.links().end()) {
      interface.floating = link->second.settings.pim_floating;
      if (const auto& settings = settings_of(link->second, family)) {
        interface.bsr_boundary = settings->bsr_border;
        interface.tracking = settings->link.tracking;
        interface.propagation_delay = settings->link.propagation_delay;
        interface.override_interval = settings->link.override_interval;
      }
    }
    add_counters(interface, node_.pim(family, vrf_).message_counters(row.link));
    interface.row = std::move(row);
    add_part_counters(interface, node_.pim(family, vrf_), interface.row.link);
    model.interfaces.push_back(std::move(interface));
  }
  add_reasons<mcast::pim::RegisterIgnored>(model.registers_ignored, "",
                                           node_.register_tunnels(family, vrf_).counters().ignored);
  add_reasons<mcast::pim::RegisterRefused>(
      model.registers_ignored, "refused, ",
      node_.register_receiver(family, vrf_).counters().refused);
  return model;
}

cli::PimRoutesModel LiveView::pim_routes(const cli::PimRoutesQuery& query) const {
  mcast::mrib::RouteFilter routes_of;
  routes_of.vrf = vrf_;
  routes_of.family = query.family;
  routes_of.source = query.source;
  routes_of.trees = true;
  routes_of.rows_max = query.max_rows;
  mcast::pim::JoinPruneFilter trees_of;
  if (query.group) {
    if (const auto group = Group::from(*query.group)) {
      routes_of.group = *group;
      trees_of.group = *group;
    }
  }
  const mcast::pim::Pim& pim = node_.pim(query.family, vrf_);
  const auto routes = node_.mrib().show(routes_of, closed_scopes(), now_);
  const auto downstream = pim.show_downstream(trees_of, now_);
  const auto upstream = pim.show_upstream(trees_of, now_);
  const auto own = own_addresses();
  auto model = cli::pim_routes({
      .family = query.family,
      .routes = routes,
      .downstream = downstream,
      .upstream = upstream,
      .name_of = [&](LinkId link) { return link_name(link); },
      .register_link = node_.register_link(),
      .rp_of = [&](const Group& group) -> std::optional<IpAddress> {
        const auto mapping = node_.rp_set(query.family, vrf_).rp_of(group);
        return mapping ? std::optional(mapping->rp) : std::nullopt;
      },
      .is_own = [&](const IpAddress& address) { return std::ranges::count(own, address) != 0; },
      .is_ssm = [&](const Group& group) { return node_.is_ssm(group, vrf_); },
  });
  model.instance = instance_;
  return model;
}

cli::PimRpModel LiveView::pim_rps(Family family, const std::optional<IpAddress>& group) const {
  cli::PimRpModel model;
  model.family = family;
  model.instance = instance_;
  if (group) {
    const auto parsed = Group::from(*group);
    model.group = parsed ? mcast::rp::group_rp(node_.rp_set(family, vrf_), *parsed)
                         : mcast::rp::GroupRpModel{*group, std::nullopt};
    return model;
  }
  auto learned = node_.bsr(family, vrf_).learned_model(now_);
  if (family == Family::ipv4)
    for (auto& each : node_.auto_rp(vrf_).engine.learned_model(now_))
      learned.push_back(std::move(each));
  model.info = mcast::rp::rp_info(node_.rp_set(family, vrf_), learned, own_addresses());
  return model;
}

cli::PimAutoRpModel LiveView::pim_auto_rp() const {
  const node::AutoRpEdge& edge = node_.auto_rp(vrf_);
  const mcast::rp::AutoRpCounters& counters = edge.engine.counters();
  cli::PimAutoRpModel model;
  model.instance = instance_;
  model.listening = edge.config.listen;
  model.own_agent = edge.config.mapping_agent;
  model.agent = edge.engine.agent();
  for (const auto& each : edge.config.announced) model.announced.push_back(each.address);
  model.announcements_sent = counters.announcements_sent;
  model.announcements_heard = counters.announcements_heard;
  model.discoveries_sent = counters.discoveries_sent;
  model.discoveries_heard = counters.discoveries_heard;
  const auto add = [&](std::string_view reason, std::uint64_t count) {
    if (count != 0) model.ignored.emplace_back(reason, count);
  };
  for (std::size_t i = 0; i < counters.ignored.size(); ++i)
    add(to_string(static_cast<mcast::rp::AutoRpIgnored>(i)), counters.ignored[i]);
  for (std::size_t i = 0; i < edge.rejected.size(); ++i)
    add(to_string(static_cast<mcast::wire::AutoRpReject>(i)), edge.rejected[i]);
  add("wrong group", edge.wrong_group);
  return model;
}

cli::PimDfModel LiveView::pim_df() const {
  cli::PimDfModel model;
  model.instance = instance_;
  for (auto& row : node_.pim(Family::ipv4, vrf_).show_df(now_))
    model.elections.push_back({link_name(row.link), std::move(row)});
  return model;
}

cli::PimBsrModel LiveView::pim_bsr(Family family) const {
  return {node_.bsr(family, vrf_).show(now_), instance_};
}

std::unique_ptr<cli::NodeView> LiveView::of_instance(std::string_view name) const {
  const config::VrfModel* vrf = config_.find_vrf(name);
  if (vrf == nullptr || !vrf->table) return nullptr;
  auto view = std::make_unique<LiveView>(*this);
  view->vrf_ = VrfId{*vrf->table};
  view->instance_ = vrf->name;
  return view;
}

bool LiveView::is_shown(LinkId link) const {
  const auto found = node_.links().find(link);
  return found != node_.links().end() && found->second.settings.vrf == vrf_;
}

}  // namespace hotpair::ha::daemon
