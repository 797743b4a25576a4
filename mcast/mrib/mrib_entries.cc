#include <algorithm>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

namespace hotpair::mcast::mrib {

std::uint32_t Mrib::find_source(VrfId vrf, const Group& group, const IpAddress& source) const {
  const std::uint32_t slot = groups_.find({vrf, group});
  return slot == kNone ? kNone : sources_.find({slot, source});
}

std::uint32_t Mrib::group_of(VrfId vrf, const Group& group) {
  const std::uint32_t found = groups_.find({vrf, group});
  if (found != kNone) return found;
  GroupEntry entry{.group = group, .vrf = vrf, .members = {}, .star = {}};
  entry.star.stamp = next_stamp_++;
  const std::uint32_t slot = groups_.add(std::move(entry));
  assign_rp(slot);
  return slot;
}

std::uint32_t Mrib::source_of(std::uint32_t group, const IpAddress& source) {
  const std::uint32_t found = sources_.find({group, source});
  if (found != kNone) return found;
  SourceEntry entry{.source = source, .group = group, .route = {}};
  entry.route.stamp = next_stamp_++;
  entry.target = target_of(groups_[group].vrf, source);

  GroupEntry& owner = groups_[group];
  Target& target = targets_[entry.target];
  entry.next_in_group = owner.first_source;
  entry.next_of_target = target.first_source;
  const std::uint32_t slot = sources_.add(std::move(entry));
  if (owner.first_source != kNone) sources_[owner.first_source].previous_in_group = slot;
  if (target.first_source != kNone) sources_[target.first_source].previous_of_target = slot;
  owner.first_source = slot;
  target.first_source = slot;
  ++owner.source_count;
  ++target.sources;
  if (!counters_at_) counters_at_ = last_now_ + counter_interval();
  return slot;
}

std::uint32_t Mrib::target_of(VrfId vrf, const IpAddress& address) {
  const std::uint32_t found = targets_.find({vrf, address});
  if (found != kNone) return found;
  const std::uint32_t slot = targets_.add(Target{.address = address, .vrf = vrf, .answer = {}});
  ask(slot);
  return slot;
}

void Mrib::ask(std::uint32_t target) {
  Target& entry = targets_[target];
  if (entry.to_ask) return;
  entry.to_ask = true;
  asks_.push_back(target);
}

void Mrib::free_group_if_idle(std::uint32_t slot) {
  const GroupEntry& entry = groups_[slot];
  const RouteState& star = entry.star;
  if (!entry.members.empty() || entry.first_source != kNone || entry.queued || star.pending ||
      star.kind != RouteKind::none || star.in_flight != InFlight::nothing || entry.joined != 0)
    return;
  if (entry.rp_target != kNone) {
    --targets_[entry.rp_target].groups;
    free_target_if_unused(entry.rp_target);
  }
  drop_side(slot, true);
  release_reservations(slot, true);
  groups_.remove(slot);
}

bool Mrib::free_source_if_idle(std::uint32_t slot) {
  SourceEntry& entry = sources_[slot];
  const RouteState& route = entry.route;
  if (route.kind != RouteKind::none || route.in_flight != InFlight::nothing || route.pending ||
      entry.by_traffic || entry.recorded != 0 || entry.joined != 0 || entry.pruned != 0 ||
      want_source(slot, {}).named)
    return false;
  HA_ASSERT(!entry.negative_timed);
  drop_side(slot, false);
  release_reservations(slot, false);
  tell_register(slot);
  GroupEntry& owner = groups_[entry.group];
  Target& target = targets_[entry.target];
  if (group_cursor_ == slot) group_cursor_ = entry.next_in_group;
  if (target.walk == slot) target.walk = entry.next_of_target;
  if (entry.next_in_group != kNone)
    sources_[entry.next_in_group].previous_in_group = entry.previous_in_group;
  if (entry.next_of_target != kNone)
    sources_[entry.next_of_target].previous_of_target = entry.previous_of_target;
  (entry.previous_in_group == kNone ? owner.first_source
                                    : sources_[entry.previous_in_group].next_in_group) =
      entry.next_in_group;
  (entry.previous_of_target == kNone ? target.first_source
                                     : sources_[entry.previous_of_target].next_of_target) =
      entry.next_of_target;
  --owner.source_count;
  --target.sources;
  free_target_if_unused(entry.target);
  sources_.remove(slot);
  return true;
}

void Mrib::free_target_if_unused(std::uint32_t slot) {
  const Target& target = targets_[slot];
  if (target.groups != 0 || target.sources != 0) return;
  unreachable_ -= target.state == RpfState::unreachable ? 1U : 0U;
  targets_.remove(slot);
}

// Sources that a membership names stand in the table; those of a link that was away do not.
void Mrib::name_sources(std::uint32_t slot) {
  for (const Member& member : groups_[slot].members) {
    if (!member.sources || current_link(member, groups_[slot].group) == nullptr) continue;
    for (const IpAddress& source : *member.sources) static_cast<void>(source_of(slot, source));
  }
}

void Mrib::assign_rp(std::uint32_t slot) {
  GroupEntry& entry = groups_[slot];
  const auto set = rps_.find({entry.vrf, entry.group.family()});
  const auto ssm = ssm_ranges_.find({entry.vrf, entry.group.family()});
  const bool is_ssm =
      ssm != ssm_ranges_.end() && std::ranges::any_of(ssm->second, [&](const IpPrefix& range) {
        return range.contains(entry.group.address());
      });
  const bool has_none = is_ssm || is_flooded(entry) || set == rps_.end();
  const auto mapping = has_none ? std::nullopt : set->second.rp_of(entry.group);
  entry.bidir = mapping && mapping->bidir;
  const std::uint32_t target = mapping ? target_of(entry.vrf, mapping->rp) : kNone;
  if (target == entry.rp_target) return;
  if (target != kNone) ++targets_[target].groups;
  const std::uint32_t old = std::exchange(entry.rp_target, target);
  if (old == kNone) return;
  --targets_[old].groups;
  free_target_if_unused(old);
}

void Mrib::set_traffic(SourceEntry& entry, bool by_traffic) {
  if (entry.by_traffic == by_traffic) return;
  entry.by_traffic = by_traffic;
  entry.patience_over = false;
  entry.keepalive = false;
  entry.registered = false;
  entry.arrived = kNone;
  entry.elsewhere = false;
  by_traffic ? ++data_driven_ : --data_driven_;
}

void Mrib::set_outgoing(RouteState& state, const std::vector<std::uint32_t>& outgoing) {
  const std::uint32_t id = lists_.acquire(outgoing);
  lists_.release(state.outgoing);
  state.outgoing = id;
}

void Mrib::prune_members(GroupEntry& entry) {
  const Family family = entry.group.family();
  std::erase_if(entry.members, [&](const Member& member) { return is_void(member, family); });
}

}  // namespace hotpair::mcast::mrib
