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

void add_counters(cli::PimInterface& interface, const mcast::pim::MessageCounters& counters) {
  for (std::size_t i = 0; i < kMessages.size(); ++i)
    interface.messages.push_back(
        {std::string(kMessages[i]), counters.received[i], counters.sent[i]});
  const auto add = [&](std::string_view reason, std::uint64_t count) {
    if (count != 0) interface.ignored.emplace_back(reason, count);
  };
  for (std::size_t i = 0; i < counters.rejected.size(); ++i)
    add(to_string(static_cast<mcast::wire::PimReject>(i)), counters.rejected[i]);
  for (std::size_t i = 0; i < counters.ignored.size(); ++i)
    add(to_string(static_cast<mcast::pim::PacketIgnored>(i)), counters.ignored[i]);
}

}  // namespace

std::vector<IpAddress> LiveView::own_addresses() const {
  std::vector<IpAddress> own;
  for (const auto& [id, link] : node_.links())
    for (const IpPrefix& prefix : link.settings.addresses) own.push_back(prefix.address);
  return own;
}

cli::PimNeighborsModel LiveView::pim_neighbors(Family family) const {
  cli::PimNeighborsModel model;
  model.family = family;
  for (auto& row : node_.pim(family).show_neighbours(now_))
    model.neighbors.push_back({link_name(row.link), std::move(row)});
  return model;
}

cli::PimInterfacesModel LiveView::pim_interfaces(Family family) const {
  cli::PimInterfacesModel model;
  model.family = family;
  for (auto& row : node_.pim(family).show_interfaces(now_)) {
    cli::PimInterface interface;
    interface.name = link_name(row.link);
    interface.up = !row.address.is_unspecified();
    const auto link = node_.links().find(row.link);
    if (link != node_.links().end()) {
      if (const auto& settings = settings_of(link->second, family)) {
        interface.bsr_boundary = settings->bsr_border;
        interface.tracking = settings->link.tracking;
        interface.propagation_delay = settings->link.propagation_delay;
        interface.override_interval = settings->link.override_interval;
      }
    }
    add_counters(interface, node_.pim(family).message_counters(row.link));
    interface.row = std::move(row);
    model.interfaces.push_back(std::move(interface));
  }
  return model;
}

cli::PimRoutesModel LiveView::pim_routes(const cli::PimRoutesQuery& query) const {
  mcast::mrib::RouteFilter routes_of;
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
  const mcast::pim::Pim& pim = node_.pim(query.family);
  const auto routes = node_.mrib().show(routes_of, closed_scopes(), now_);
  const auto downstream = pim.show_downstream(trees_of, now_);
  const auto upstream = pim.show_upstream(trees_of, now_);
  const auto own = own_addresses();
  return cli::pim_routes({
      .family = query.family,
      .routes = routes,
      .downstream = downstream,
      .upstream = upstream,
      .name_of = [&](LinkId link) { return link_name(link); },
      .rp_of = [&](const Group& group) -> std::optional<IpAddress> {
        const auto mapping = node_.rp_set(query.family).rp_of(group);
        return mapping ? std::optional(mapping->rp) : std::nullopt;
      },
      .is_own = [&](const IpAddress& address) { return std::ranges::count(own, address) != 0; },
      .is_ssm = [](const Group& group) { return group.is_default_ssm(); },
  });
}

cli::PimRpModel LiveView::pim_rps(Family family, const std::optional<IpAddress>& group) const {
  cli::PimRpModel model;
  model.family = family;
  if (group) {
    const auto parsed = Group::from(*group);
    model.group = parsed ? mcast::rp::group_rp(node_.rp_set(family), *parsed)
                         : mcast::rp::GroupRpModel{*group, std::nullopt};
    return model;
  }
  auto learned = node_.bsr(family).learned_model(now_);
  model.info = mcast::rp::rp_info(node_.rp_set(family), learned, own_addresses());
  return model;
}

cli::PimBsrModel LiveView::pim_bsr(Family family) const { return node_.bsr(family).show(now_); }

}  // namespace hotpair::ha::daemon
