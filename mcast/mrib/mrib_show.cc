#include "mcast/mrib/mrib_show.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {

std::vector<OutgoingModel> Mrib::outgoing_of(std::span<const std::uint32_t> links,
                                             std::span<const ScopeId> closed) const {
  std::vector<OutgoingModel> outgoing;
  for (const std::uint32_t number : links) {
    OutgoingModel& link = outgoing.emplace_back();
    link.link = LinkId{number};
    link.scope = links_[number].config.scope;
    link.closed_gate = link.scope && std::ranges::count(closed, *link.scope) > 0;
  }
  return outgoing;
}

std::optional<RouteModel> Mrib::star_model(std::uint32_t slot, const RouteFilter& filter,
                                           std::span<const ScopeId> closed, TimePoint now) const {
  const GroupEntry& group = groups_[slot];
  if (filter.source) return std::nullopt;
  std::optional<RouteModel> row;
  if (group.star.kind != RouteKind::none) {
    row = model_of(group, group.star, group.rp_target, closed, now);
  } else if (filter.trees) {
    const Want tree = star_tree(slot);
    if (tree.outgoing.empty()) return std::nullopt;
    row = RouteModel{.vrf = group.vrf, .group = group.group, .source = std::nullopt};
    if (tree.incoming != kNone) row->incoming = LinkId{tree.incoming};
    row->outgoing = outgoing_of(tree.outgoing, closed);
    row->closed_gate_only = std::ranges::all_of(row->outgoing, &OutgoingModel::closed_gate);
  }
  if (!row) return row;
  row->bidir = group.bidir;
  if (group.rp_target != kNone) {
    row->rp = targets_[group.rp_target].address;
    row->rpf_neighbour = next_hop(group.rp_target, Towards::rp);
  }
  return row;
}

RouteModel Mrib::model_of(const GroupEntry& entry, const RouteState& state, std::uint32_t target,
                          std::span<const ScopeId> closed, TimePoint now) const {
  RouteModel row{.vrf = entry.vrf, .group = entry.group, .source = std::nullopt};
  if (state.incoming != kNone) row.incoming = LinkId{state.incoming};
  if (target != kNone) row.rpf_neighbour = targets_[target].answer.neighbour;
  row.outgoing = outgoing_of(lists_[state.outgoing], closed);
  row.closed_gate_only =
      !row.outgoing.empty() && std::ranges::all_of(row.outgoing, &OutgoingModel::closed_gate);
  row.uptime = now - state.since;
  row.negative = state.kind == RouteKind::negative;
  row.stale = state.stale;
  row.not_installed = state.failed;
  return row;
}

RouteTableModel Mrib::show(const RouteFilter& filter, std::span<const ScopeId> closed,
                           TimePoint now) const {
  RouteTableModel model;
  for (std::uint32_t slot = 0; slot < groups_.slots(); ++slot) {
    if (!groups_.contains(slot)) continue;
    const GroupEntry& group = groups_[slot];
    if (filter.vrf && group.vrf != *filter.vrf) continue;
    if (filter.family && group.group.family() != *filter.family) continue;
    if (filter.group && group.group != *filter.group) continue;
    if (auto row = star_model(slot, filter, closed, now)) model.rows.push_back(std::move(*row));
    for (std::uint32_t source = group.first_source; source != kNone;
         source = sources_[source].next_in_group) {
      const SourceEntry& entry = sources_[source];
      if (entry.route.kind == RouteKind::none) continue;
      if (filter.source && entry.source != *filter.source) continue;
      RouteModel row = model_of(group, entry.route, entry.target, closed, now);
      row.source = entry.source;
      row.bidir = group.bidir;
      row.data_driven = entry.by_traffic || entry.recorded != 0;
      if (entry.counted) {
        row.packets = entry.packets;
        row.bytes = entry.bytes;
      }
      model.rows.push_back(std::move(row));
    }
  }
  std::ranges::sort(model.rows, [](const RouteModel& a, const RouteModel& b) {
    return std::tie(a.vrf, a.group, a.source) < std::tie(b.vrf, b.group, b.source);
  });
  model.rows_total = model.rows.size();
  if (model.rows.size() > filter.rows_max)
    model.rows.erase(model.rows.begin() + static_cast<std::ptrdiff_t>(filter.rows_max),
                     model.rows.end());
  return model;
}

StatisticsModel Mrib::statistics() const {
  StatisticsModel model;
  model.groups = groups_.size();
  model.rpf_targets = targets_.size();
  model.counters = counters_;
  const auto add = [&model](const RouteState& state) {
    if (state.kind == RouteKind::none) return;
    ++model.routes;
    model.negative += state.kind == RouteKind::negative ? 1 : 0;
    model.not_installed += state.failed ? 1 : 0;
    model.stale += state.stale ? 1 : 0;
  };
  for (std::uint32_t slot = 0; slot < groups_.slots(); ++slot)
    if (groups_.contains(slot)) add(groups_[slot].star);
  for (std::uint32_t slot = 0; slot < sources_.slots(); ++slot)
    if (sources_.contains(slot)) add(sources_[slot].route);
  model.rpf_unreachable = unreachable_;
  return model;
}

StandingModel Mrib::standing(std::span<const IpAddress> peer) const {
  StandingModel model{.silent = silent_};
  for (std::uint32_t slot = 0; slot < targets_.slots(); ++slot) {
    if (!targets_.contains(slot)) continue;
    const Target& target = targets_[slot];
    const std::size_t routes = std::size_t{target.groups} + target.sources;
    if (target.state == RpfState::unreachable) model.without_way += routes;
    if (target.state == RpfState::reachable && target.answer.neighbour &&
        std::ranges::find(peer, *target.answer.neighbour) != peer.end())
      model.by_peer += routes;
  }
  return model;
}

DataDrivenSlice Mrib::snapshot(ScopeId scope, std::uint32_t cursor, std::size_t max) const {
  DataDrivenSlice slice;
  const std::uint64_t end = std::min<std::uint64_t>(sources_.slots(), std::uint64_t{cursor} + max);
  for (; cursor < end; ++cursor) {
    if (!sources_.contains(cursor)) continue;
    const SourceEntry& entry = sources_[cursor];
    if (!std::ranges::binary_search(lists_[entry.recorded], scope.value())) continue;
    const GroupEntry& group = groups_[entry.group];
    slice.records.push_back({scope, group.vrf, group.group, entry.source, entry.record_kind});
  }
  if (cursor < sources_.slots()) slice.next = cursor;
  return slice;
}

}  // namespace hotpair::mcast::mrib
