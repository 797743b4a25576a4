#include "ha/cli/pim_routes.h"

#include <map>
#include <utility>

namespace hotpair::ha::cli {
namespace {

using mcast::pim::DownstreamRow;
using mcast::pim::DownstreamState;
using mcast::pim::TreeKey;
using mcast::pim::UpstreamRow;
using mcast::pim::UpstreamState;

// Rows by what a route asks for; they point into the tables.
class Index {
 public:
  explicit Index(const PimTables& tables) {
    for (const DownstreamRow& row : tables.downstream.rows)
      if (row.state == DownstreamState::join || row.state == DownstreamState::prune_pending)
        downstream_.emplace(std::pair(row.link, row.key), &row);
    for (const UpstreamRow& row : tables.upstream.rows) upstream_.emplace(row.key, &row);
  }
  // A source's tree goes out where the source is joined, or else the group is.
  [[nodiscard]] const DownstreamRow* downstream(LinkId link, TreeKey key) const {
    if (const auto found = downstream_.find({link, key}); found != downstream_.end())
      return found->second;
    if (!key.source) return nullptr;
    key.source.reset();
    const auto shared = downstream_.find({link, key});
    return shared == downstream_.end() ? nullptr : shared->second;
  }
  [[nodiscard]] const UpstreamRow* upstream(const TreeKey& key) const {
    const auto found = upstream_.find(key);
    return found == upstream_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::pair<LinkId, TreeKey>, const DownstreamRow*> downstream_;
  std::map<TreeKey, const UpstreamRow*> upstream_;
};

PimRoute pim_route(const PimTables& tables, const Index& index,
                   const mcast::mrib::RouteModel& from) {
  PimRoute route;
  route.source = from.source;
  route.group = from.group.address();
  route.bidir = from.bidir;
  route.source_specific = tables.is_ssm(from.group);
  if (!route.source_specific) route.rp = from.rp ? from.rp : tables.rp_of(from.group);
  route.rp_is_local = route.rp && tables.is_own(*route.rp);
  route.uptime = from.uptime;
  if (from.incoming) route.upstream = tables.name_of(*from.incoming);
  route.upstream_neighbor = from.rpf_neighbour;
  route.active = from.data_driven;
  route.installed = !from.not_installed;
  const TreeKey key{from.group, from.source, false};
  if (const UpstreamRow* upstream = index.upstream(key)) {
    route.state = upstream->state;
    route.rpf_prime = upstream->neighbour;
    route.by_assert = upstream->by_assert;
    route.next_join = upstream->timer;
  }
  const UpstreamRow* rpt = from.source ? index.upstream({from.group, from.source, true}) : nullptr;
  route.pruned_off_shared_tree = rpt != nullptr && rpt->state == UpstreamState::pruned;
  for (const auto& outgoing : from.outgoing) {
    PimDownstream downstream;
    downstream.interface = tables.name_of(outgoing.link);
    downstream.scope = outgoing.scope;
    downstream.gate_open = !outgoing.closed_gate;
    if (outgoing.link == tables.register_link) {
      downstream.interface = "Register";
      downstream.of = PimDownstreamOf::register_tunnel;
    } else if (const DownstreamRow* row = index.downstream(outgoing.link, key)) {
      downstream.of = PimDownstreamOf::routers;
      downstream.expires = row->expires;
    }
    route.downstreams.push_back(std::move(downstream));
  }
  return route;
}

}  // namespace

PimRoutesModel pim_routes(const PimTables& tables) {
  const Index index(tables);
  PimRoutesModel model;
  model.family = tables.family;
  model.total = tables.routes.rows_total;
  for (const auto& row : tables.routes.rows) {
    if (row.negative)
      --model.total;
    else
      model.routes.push_back(pim_route(tables, index, row));
  }
  return model;
}

std::optional<PimRpfModel> rpf_of(const PimRoutesModel& routes, const IpAddress& target) {
  for (const PimRoute& route : routes.routes) {
    const bool to_source = route.source == target;
    if (!to_source && (route.source || route.rp != target)) continue;
    return PimRpfModel{target, !to_source, route.upstream, route.upstream_neighbor,
                       route.rpf_prime};
  }
  return std::nullopt;
}

}  // namespace hotpair::ha::cli
