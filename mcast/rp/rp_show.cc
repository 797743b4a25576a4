#include "mcast/rp/rp_show.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace hotpair::mcast::rp {

RpInfoModel rp_info(const RpSet& set, std::span<const LearnedRpModel> learned,
                    std::span<const IpAddress> own_addresses) {
  RpInfoModel model{.rules = set.rules(), .rows = {}};
  std::multimap<RpMapping, const LearnedRpModel*> times;
  for (const LearnedRpModel& one : learned) times.emplace(one.mapping, &one);
  for (const RpMapping& mapping : set.mappings()) {
    RpInfoRow row;
    row.mapping = mapping;
    row.local = std::ranges::find(own_addresses, mapping.rp) != own_addresses.end();
    const auto [first, last] = times.equal_range(mapping);
    if (first == last) model.rows.push_back(row);
    for (auto at = first; at != last; ++at) {
      row.zone = at->second->zone;
      row.told_by = at->second->told_by;
      row.uptime = at->second->uptime;
      row.expires = at->second->expires;
      model.rows.push_back(row);
    }
  }
  return model;
}

GroupRpModel group_rp(const RpSet& set, const Group& group) {
  return {group.address(), set.rp_of(group)};
}

namespace {

using Side = std::map<IpPrefix, std::vector<const RpMapping*>>;

/// The longest range of a side that covers all of `range`.
Side::const_iterator cover(const Side& side, const IpPrefix& range) {
  for (int length = range.length; length >= 0; --length) {
    const auto found =
        side.find(IpPrefix{range.address, static_cast<std::uint8_t>(length)}.network());
    if (found != side.end()) return found;
  }
  return side.end();
}

/// Of the mappings of one learned range those that may be chosen.
std::vector<const RpMapping*> best_of(const std::vector<const RpMapping*>& mappings) {
  const auto order = [](const RpMapping* mapping) {
    return std::pair(mapping->source != RpSource::auto_rp, mapping->priority);
  };
  const auto best = order(*std::ranges::min_element(mappings, {}, order));
  std::vector<const RpMapping*> result;
  for (const RpMapping* mapping : mappings)
    if (order(mapping) == best) result.push_back(mapping);
  return result;
}

}  // namespace

std::vector<RpConflict> rp_conflicts(const RpSet& set) {
  Side configured;
  Side learned;
  for (const RpMapping& mapping : set.mappings())
    if (!mapping.negative)
      (mapping.source == RpSource::configured ? configured : learned)[mapping.range].push_back(
          &mapping);
  std::set<IpPrefix> ranges;
  for (const auto& [range, mappings] : configured) ranges.insert(range);
  for (const auto& [range, mappings] : learned) ranges.insert(range);
  std::vector<RpConflict> result;
  for (const IpPrefix& range : ranges) {
    const auto here = cover(configured, range);
    const auto there = cover(learned, range);
    if (here == configured.end() || there == learned.end()) continue;
    const std::vector<const RpMapping*> best = best_of(there->second);
    RpConflict conflict{.range = range, .configured = here->second.front()->rp, .learned = {}};
    for (const RpMapping* mapping : best) conflict.learned.push_back(mapping->rp);
    std::ranges::sort(conflict.learned);
    if (conflict.learned == std::vector{conflict.configured}) continue;
    conflict.learned_from = best.front()->source;
    const std::uint8_t static_length = here->first.length;
    const std::uint8_t learned_length = there->first.length;
    const bool by_static = static_length != learned_length ? static_length > learned_length
                                                           : set.rules().static_preferred;
    conflict.in_force = by_static ? RpSource::configured : conflict.learned_from;
    result.push_back(std::move(conflict));
  }
  return result;
}

}  // namespace hotpair::mcast::rp
