#include <algorithm>
#include <utility>

#include "mcast/mrib/mrib_machine.h"

// Bidirectional groups (RFC 5015): one tree around an RP, in both directions. See DESIGN.md.
namespace hotpair::mcast::mrib {

namespace {

/// local_receiver_include and joins(*,G): whoever wants anything of the group gets all of it, since
/// nothing of the tree depends on sources (RFC 5015 3.3).
bool wants_group(const Member& member) {
  if (member.mode == FilterMode::exclude) return true;
  return member.origin == Origin::hosts && member.sources != nullptr;
}

}  // namespace

// ---- RPs ----

void Mrib::refresh_bidir_rps(VrfId vrf, Family family) {
  for (const rp::RpMapping& mapping : rps_[{vrf, family}].mappings()) {
    if (!mapping.bidir || mapping.negative || mapping.rp.family() != family) continue;
    const auto [found, is_new] = bidir_rps_.try_emplace({vrf, mapping.rp});
    found->second.wanted = true;
    if (!is_new) continue;
    found->second.target = target_of(vrf, mapping.rp);
    ++targets_[found->second.target].groups;
    // Whom its trees join is another matter now, by the same way.
    targets_[found->second.target].way = next_way_++;
    if (targets_[found->second.target].state != RpfState::asked) tell_bidir_rp(vrf, mapping.rp);
  }
  for (auto at = bidir_rps_.begin(); at != bidir_rps_.end();) {
    auto& [key, rp] = *at;
    const bool is_ours = key.first == vrf && key.second.family() == family;
    if (!is_ours || std::exchange(rp.wanted, false)) {
      ++at;
      continue;
    }
    effects_.push(BidirRpChanged{.vrf = vrf, .rp = key.second, .gone = true, .way = {}});
    targets_[rp.target].way = next_way_++;
    --targets_[rp.target].groups;
    free_target_if_unused(rp.target);
    at = bidir_rps_.erase(at);
  }
}

void Mrib::tell_bidir_rp(VrfId vrf, const IpAddress& address) {
  const auto found = bidir_rps_.find({vrf, address});
  if (found == bidir_rps_.end()) return;
  BidirRp& rp = found->second;
  const Target& target = targets_[rp.target];
  std::optional<RpfAnswer> way;
  if (target.state == RpfState::reachable) way = target.answer;
  if (rp.was_told && rp.told == way) return;
  rp.was_told = true;
  rp.told = way;
  effects_.push(BidirRpChanged{.vrf = vrf, .rp = address, .gone = false, .way = way});
}

void Mrib::on_df(VrfId vrf, const IpAddress& address, LinkId link,
                 const std::optional<IpAddress>& df, bool self, TimePoint now) {
  last_now_ = now;
  const auto found = bidir_rps_.find({vrf, address});
  if (found == bidir_rps_.end()) return;
  BidirRp& rp = found->second;
  rp.ours.erase(link.value());
  rp.others.erase(link.value());
  if (self)
    rp.ours.insert(link.value());
  else if (df)
    rp.others.insert_or_assign(link.value(), *df);
  // Whom the link joins upstream is who acts there.
  Target& target = targets_[rp.target];
  if (target.state == RpfState::reachable && target.answer.link == link) target.way = next_way_++;
  sweep_.start();
}

const BidirRp* Mrib::bidir_rp(const GroupEntry& entry) const {
  if (!entry.bidir || entry.rp_target == kNone) return nullptr;
  const auto found = bidir_rps_.find({entry.vrf, targets_[entry.rp_target].address});
  return found == bidir_rps_.end() ? nullptr : &found->second;
}

/// RPF_interface(RPA) where packets may go up and come down: the RP link, or a link where another
/// router acts. kNone also where this router is the root.
std::uint32_t Mrib::bidir_upstream(const BidirRp& rp, const Group& group) const {
  const Target& target = targets_[rp.target];
  if (target.state != RpfState::reachable) return kNone;
  if (target.answer.local) {
    const auto home = target.answer.home;
    const bool carries = home && link_for(*home, target.address.family()) != nullptr &&
                         !is_bounded(home->value(), group);
    return carries ? home->value() : kNone;
  }
  const std::uint32_t link = rpf_link(rp.target, group);
  if (link == kNone || target.answer.connected || rp.others.contains(link)) return link;
  return kNone;
}

// ---- routes ----

// olist(G) of 3.3, without RPF_interface(RPA).
Want Mrib::bidir_star(std::uint32_t slot) const {
  const GroupEntry& entry = groups_[slot];
  const BidirRp* rp = bidir_rp(entry);
  Want want;
  if (rp == nullptr) return want;
  want.incoming = bidir_upstream(*rp, entry.group);
  for (const Member& member : entry.members) {
    if (!wants_group(member) || member.link == want.incoming) continue;
    if (!rp->ours.contains(member.link) || current_link(member, entry.group) == nullptr) continue;
    want.local |= member.origin == Origin::hosts;
    want.outgoing.push_back(member.link);
  }
  if (want.outgoing.empty()) return want;
  sort_unique(want.outgoing);
  want.kind = RouteKind::route;
  return want;
}

// What a packet of the source meets: 3.3. It is accepted from a link where this router acts, where
// it was last seen, else from upstream.
Want Mrib::bidir_source(std::uint32_t slot) const {
  const SourceEntry& entry = sources_[slot];
  const GroupEntry& group = groups_[entry.group];
  Want want;
  for (const Member& member : group.members)
    want.named |= member.sources && current_link(member, group.group) != nullptr &&
                  std::ranges::binary_search(*member.sources, entry.source);
  const BidirRp* rp = bidir_rp(group);
  if (!entry.by_traffic) return want;
  want.kind = RouteKind::negative;
  want.timed = true;
  if (rp == nullptr) return want;
  const Want star = bidir_star(entry.group);
  // Under a hold it goes on as it was told, unless another router acts there by now.
  const bool was_accepted = held_ && entry.arrived == entry.route.incoming &&
                            entry.route.kind == RouteKind::route &&
                            !rp->others.contains(entry.arrived);
  const bool accepted =
      (was_accepted || rp->ours.contains(entry.arrived)) && !is_bounded(entry.arrived, group.group);
  want.incoming = accepted ? entry.arrived : star.incoming;
  if (want.incoming == kNone) return want;
  want.outgoing = star.outgoing;
  if (star.incoming != kNone) want.outgoing.push_back(star.incoming);
  std::erase(want.outgoing, want.incoming);
  sort_unique(want.outgoing);
  want.receivers = !want.outgoing.empty();
  if (!want.receivers) return want;
  want.kind = RouteKind::route;
  want.timed = false;
  return want;
}

/// Packets that come in by the link are another router's business.
bool Mrib::is_elsewhere(const GroupEntry& group, std::uint32_t link) const {
  const BidirRp* rp = bidir_rp(group);
  return rp != nullptr && !rp->ours.contains(link) && bidir_upstream(*rp, group.group) != link;
}

/// A packet of the source came in on a link that its route does not accept it from.
void Mrib::note_arrival(std::uint32_t slot, std::uint32_t link, TimePoint now) {
  SourceEntry& entry = sources_[slot];
  const BidirRp* rp = bidir_rp(groups_[entry.group]);
  if (rp == nullptr || entry.arrived == link) return;
  const bool elsewhere = is_elsewhere(groups_[entry.group], link);
  // Beside links where this router acts, the others are remembered: it may come to act there.
  if (elsewhere && rp->ours.contains(entry.arrived)) return;
  entry.arrived = link;
  entry.elsewhere = elsewhere;
  entry.active_at = now;
  evaluate_source(slot, now);
}

/// This router came to act where packets of the source were seen that another one was to take.
/// Whether they came from the source there or from that router nobody can tell, and a packet on the
/// wrong link is told once in seconds; without a route the next packet tells at once and waits.
bool Mrib::must_be_seen_anew(const SourceEntry& entry) const {
  return entry.elsewhere && !held_ && !is_elsewhere(groups_[entry.group], entry.arrived);
}

// ---- upstream ----

// JoinDesired(*,G) of 3.4.2: to who acts on RPF_interface(RPA); on the RP link to nobody.
void Mrib::wish_bidir(GroupEntry& entry, const Want& star) {
  const BidirRp* rp = bidir_rp(entry);
  const bool wanted =
      rp != nullptr && ((held_ && entry.joined != 0) || star.kind == RouteKind::route);
  UpstreamChanged change{.vrf = entry.vrf, .group = entry.group, .source = {}};
  std::uint32_t way = 0;
  if (wanted) {
    const Target& target = targets_[rp->target];
    const std::uint32_t link = rpf_link(rp->target, entry.group);
    const auto df = rp->others.find(link);
    const bool joins = target.state == RpfState::reachable && !target.answer.local &&
                       !target.answer.connected && df != rp->others.end();
    if (joins && is_pim(link, entry.group.family())) {
      way = target.way;
      change.wish = Wish::join;
      change.link = LinkId{link};
      change.neighbour = df->second;
      change.rp = target.address;
    }
  }
  if (std::exchange(entry.joined, way) != way) effects_.push(std::move(change));
}

}  // namespace hotpair::mcast::mrib
