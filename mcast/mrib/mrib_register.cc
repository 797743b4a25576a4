#include <algorithm>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

// The first hop of a source, the RP, and what is configured of them (RFC 7761 4.4).
namespace hotpair::mcast::mrib {

namespace {

constexpr SptPolicy kNeverJoin{.never = true};

}  // namespace

void Mrib::set_register_link(VrfId vrf, Family family, std::optional<LinkId> link, TimePoint now) {
  last_now_ = now;
  const auto found = register_links_.find({vrf, family});
  const bool is_set = found != register_links_.end();
  if (is_set == link.has_value() && (!is_set || found->second == *link)) return;
  if (link)
    register_links_.insert_or_assign({vrf, family}, *link);
  else
    register_links_.erase(found);
  sweep_.start();
}

void Mrib::set_spt_policy(Family family, const SptPolicy& policy, TimePoint now, VrfId vrf) {
  last_now_ = now;
  SptPolicy& current = spt_policies_.try_emplace({vrf, family}, kNeverJoin).first->second;
  if (current == policy) return;
  current = policy;
  if (counters_at_) counters_at_ = std::min(*counters_at_, now + counter_interval());
  sweep_.start();
}

void Mrib::set_ssm_ranges(Family family, std::vector<IpPrefix> ranges, TimePoint now, VrfId vrf) {
  last_now_ = now;
  std::vector<IpPrefix>& current = ssm_ranges_[{vrf, family}];
  if (current == ranges) return;
  current = std::move(ranges);
  sweep_.start();
}

void Mrib::set_register_filter(Family family, std::vector<IpPrefix> sources, TimePoint now,
                               VrfId vrf) {
  last_now_ = now;
  std::vector<IpPrefix>& current = register_filters_[{vrf, family}];
  if (current == sources) return;
  current = std::move(sources);
  sweep_.start();
}

SptPolicy Mrib::spt_policy(VrfId vrf, Family family) const {
  const auto found = spt_policies_.find({vrf, family});
  return found == spt_policies_.end() ? kNeverJoin : found->second;
}

std::span<const IpPrefix> Mrib::register_filter(VrfId vrf, Family family) const {
  const auto found = register_filters_.find({vrf, family});
  return found == register_filters_.end() ? std::span<const IpPrefix>{} : found->second;
}

std::uint32_t Mrib::register_link(VrfId vrf, Family family) const {
  if (register_links_.empty()) return kNone;
  const auto found = register_links_.find({vrf, family});
  if (found == register_links_.end() || link_for(found->second, family) == nullptr) return kNone;
  return found->second.value();
}

/// I_am_DR as far as sources go: on a scope's link the master is.
bool Mrib::serves_sources(const LinkConfig& link, Family family) const {
  if (!link.scope) return serves_hosts(link, family);
  const auto found = scopes_.find(*link.scope);
  return found != scopes_.end() && found->second.mode == ScopeMode::active;
}

/// The source is on a link of ours; its RP is another router, reached by Registers.
bool Mrib::is_beside_source(const SourceEntry& entry) const {
  if (register_links_.empty()) return false;
  const GroupEntry& group = groups_[entry.group];
  if (register_link(group.vrf, group.group.family()) == kNone || group.rp_target == kNone ||
      group.bidir)
    return false;
  const Target& rp = targets_[group.rp_target];
  const bool is_far =
      rp.state != RpfState::asked && !(rp.state == RpfState::reachable && rp.answer.local);
  return is_far && rpf_link(entry.target, group.group) != kNone &&
         targets_[entry.target].answer.connected;
}

/// And it is active, as its packets or the master say.
bool Mrib::is_first_hop(const SourceEntry& entry) const {
  return ((entry.by_traffic && entry.keepalive) || entry.recorded != 0) && is_beside_source(entry);
}

/// Its first packet is to be seen here, to register it: until then the plane has no route for it,
/// whoever has joined it.
bool Mrib::awaits_first_packet(const SourceEntry& entry) const {
  return !entry.by_traffic && entry.recorded == 0 && is_beside_source(entry) &&
         serves_sources(links_[rpf_link(entry.target, groups_[entry.group].group)].config,
                        entry.source.family());
}

// CouldRegister(S,G) of 4.4.1.
bool Mrib::could_register(const SourceEntry& entry) const {
  return is_first_hop(entry) &&
         serves_sources(links_[rpf_link(entry.target, groups_[entry.group].group)].config,
                        entry.source.family());
}

/// It stays until its Keepalive Timer ends, also while nobody wants it: a Register of it may come,
/// or is to be sent, at any time.
bool Mrib::is_kept(const SourceEntry& entry) const {
  return entry.registered || is_first_hop(entry);
}

bool Mrib::is_refused(const SourceView& view) const {
  const std::span<const IpPrefix> filter = register_filter(view.group.vrf, view.family);
  if (filter.empty() || view.tree.link == kNone ||
      view.tree.link != register_link(view.group.vrf, view.family))
    return false;
  return std::ranges::none_of(
      filter, [&](const IpPrefix& prefix) { return prefix.contains(view.entry.source); });
}

void Mrib::tell_register(std::uint32_t slot) {
  if (register_links_.empty() && first_hops_.empty()) return;
  const SourceEntry& entry = sources_[slot];
  const GroupEntry& group = groups_[entry.group];
  const auto found = first_hops_.find(slot);
  RegisterChanged change{.vrf = group.vrf, .group = group.group, .source = entry.source, .rp = {}};
  if (!could_register(entry)) {
    if (found == first_hops_.end()) return;
    change.rp = found->second.rp;
    first_hops_.erase(found);
  } else {
    change.rp = targets_[group.rp_target].address;
    if (found != first_hops_.end() && found->second.rp == change.rp) return;
    first_hops_.insert_or_assign(slot, FirstHop{.rp = change.rp});
    change.could_register = true;
  }
  effects_.push(std::move(change));
}

void Mrib::set_register_tunnel(VrfId vrf, const Group& group, const IpAddress& source, bool on,
                               TimePoint now) {
  last_now_ = now;
  const std::uint32_t slot = find_source(vrf, group, source);
  const auto found = slot == kNone ? first_hops_.end() : first_hops_.find(slot);
  if (found == first_hops_.end() || found->second.tunnel == on) return;
  found->second.tunnel = on;
  evaluate_source(slot, now);
}

void Mrib::on_register_source(VrfId vrf, const Group& group, const IpAddress& source,
                              TimePoint now) {
  last_now_ = now;
  const std::uint32_t known = find_source(vrf, group, source);
  const bool is_new = known == kNone || !sources_[known].by_traffic;
  if (group.address().is_link_local_multicast() || !is_routable_source(source, group.family()) ||
      (is_new && !make_room(now))) {
    count(Count::register_ignored);
    return;
  }
  const std::uint32_t slot = source_of(group_of(vrf, group), source);
  SourceEntry& entry = sources_[slot];
  if (groups_[entry.group].bidir) {  // nobody registers such a group (RFC 5015 3)
    count(Count::register_ignored);
    evaluate_source(slot, now);
    return;
  }
  set_traffic(entry, true);
  entry.active_at = now;
  entry.registered = true;
  entry.keepalive = true;
  evaluate_source(slot, now);
}

}  // namespace hotpair::mcast::mrib
