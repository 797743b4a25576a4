#include <algorithm>
#include <set>
#include <utility>

#include "mcast/rp/bsr_machine.h"
#include "mcast/wire/pim_bootstrap.h"

namespace hotpair::mcast::rp {
namespace {

constexpr std::size_t kUsualMtu = 1500;

bool holds(const std::vector<IpPrefix>& ranges, const IpPrefix& range) {
  return std::ranges::find(ranges, range) != ranges.end();
}

std::vector<IpPrefix> without(std::vector<IpPrefix> ranges, const std::vector<IpPrefix>& others) {
  std::erase_if(ranges, [&](const IpPrefix& range) { return holds(others, range); });
  return ranges;
}

wire::PimCandidateRp advert_of(const CandidateRp& rp, const std::vector<IpPrefix>& ranges,
                               bool scoped) {
  wire::PimCandidateRp advert{
      .priority = rp.priority, .holdtime_s = rp.holdtime_s, .rp = rp.address, .ranges = {}};
  // None at all says: all groups.
  if (rp.ranges.empty() && !scoped && !rp.bidir) return advert;
  for (const IpPrefix& range : ranges)
    advert.ranges.push_back({.address = range.network().address,
                             .mask_length = range.length,
                             .bidirectional = rp.bidir,
                             .scope_zone = scoped});
  return advert;
}

}  // namespace

// RFC 5059 3.1.5 "Forward BSM": every link, the one it came by too, unless it would leave its zone.
std::vector<LinkId> Bsr::links_for(const ScopeZone& zone) const {
  std::vector<LinkId> result;
  for (const auto& [id, link] : links_) {
    const bool at_boundary = zone && link.boundary.contains(zone->address);
    if (!link.border && !link.muted && !at_boundary) result.push_back(id);
  }
  return result;
}

std::size_t Bsr::smallest_mtu() const {
  std::size_t smallest = kUsualMtu;
  for (const auto& [id, link] : links_) smallest = std::min(smallest, link.mtu);
  return smallest;
}

void Bsr::forward(const BsrZone& zone, const BootstrapInput& input) {
  if (input.unicast || input.message.no_forward) return;
  ++counters_.bootstraps_forwarded;
  effects_.push(SendBootstrap{links_for(zone.zone), input.message});
}

void Bsr::originate(BsrZone& zone, TimePoint now) {
  zone.bootstrap_timer = now + kBootstrapPeriod;
  send_own(zone, zone.candidate->priority, now);
}

// RFC 5059 3.3: BS_Min_Interval lies between any two messages, so that the first one after an
// election, which knows of no candidate yet, is followed by one that knows them all.
void Bsr::originate_when_allowed(BsrZone& zone, TimePoint now) {
  const TimePoint allowed = zone.originated ? *zone.originated + kBootstrapMinInterval : now;
  if (allowed <= now) return originate(zone, now);
  zone.originate_at = allowed;
}

void Bsr::send_own(BsrZone& zone, std::uint8_t priority, TimePoint now) {
  zone.originated = now;
  zone.originate_at.reset();
  wire::PimBootstrap whole{.no_forward = false,
                           .fragment_tag = ++zone.tag,
                           .hash_mask_length = zone.hash_mask_length,
                           .bsr_priority = priority,
                           .bsr = zone.candidate->address,
                           .ranges = zone.offered.ranges()};
  if (zone.zone) {
    // The zone's own range comes first, with RPs or without, and carries the Z bit (4.1).
    const auto own = std::ranges::find_if(whole.ranges, [&](const wire::PimBootstrapRange& range) {
      return range.range.address == zone.zone->address &&
             range.range.mask_length == zone.zone->length;
    });
    if (own != whole.ranges.end())
      std::rotate(whole.ranges.begin(), own, own + 1);
    else
      whole.ranges.insert(whole.ranges.begin(), {.range = {.address = zone.zone->address,
                                                           .mask_length = zone.zone->length},
                                                 .rp_count = 0,
                                                 .rps = {}});
    whole.ranges.front().range.scope_zone = true;
  }
  const std::vector<LinkId> links = links_for(zone.zone);
  for (const wire::PimBootstrap& fragment :
       wire::fragment_bootstrap(whole, smallest_mtu()).fragments) {
    ++counters_.bootstraps_originated;
    effects_.push(SendBootstrap{links, fragment});
    store(zone, fragment, now);
  }
  zone.offered.on_sent();
}

void Bsr::on_new_neighbour(LinkId link, const IpAddress& address) {
  if (mode_ == Mode::standby) return;
  for (const auto& [id, zone] : zones_) {
    const std::vector<LinkId> links = links_for(id);
    if (!zone.bsr || std::ranges::find(links, link) == links.end()) continue;
    for (wire::PimBootstrap& fragment : zone.cache.message()) {
      fragment.no_forward = true;
      effects_.push(
          SendBootstrapTo{link, config_.answer_by_unicast ? std::optional(address) : std::nullopt,
                          std::move(fragment)});
    }
  }
}

// ---- candidate RP, RFC 5059 3.2 ----

// What lies in an administrative scope of which a BSR is known is offered there, and not to the
// whole domain.
std::vector<IpPrefix> Bsr::ranges_in(const ScopeZone& zone, const CandidateRp& rp) const {
  const IpPrefix all = all_groups(config_.family);
  if (!rp.in_every_zone) {
    if (rp.zone != zone) return {};
    return rp.ranges.empty() ? std::vector{zone.value_or(all)} : rp.ranges;
  }
  std::vector<IpPrefix> result;
  for (const IpPrefix& range : rp.ranges.empty() ? std::vector{all} : rp.ranges) {
    const bool is_scoped = std::ranges::any_of(zones_, [&](const auto& one) {
      return one.first && one.second.bsr && lies_in(*one.first, range);
    });
    if (!zone && !is_scoped) result.push_back(range);
    if (zone && lies_in(*zone, range)) result.push_back(range);
    if (zone && lies_in(range, *zone) && !holds(result, *zone)) result.push_back(*zone);
  }
  return result;
}

void Bsr::schedule_adverts(const BsrZone& zone, bool new_bsr, TimePoint now) {
  for (std::size_t i = 0; i < config_.candidate_rps.size(); ++i) {
    const std::pair place{i, zone.zone};
    if (!zone.bsr || ranges_in(zone.zone, config_.candidate_rps[i]).empty())
      adverts_.erase(place);
    else if (new_bsr || !adverts_.contains(place))
      adverts_.insert_or_assign(place, Advert{now + entropy_.up_to(kCandidateRpBackoff), 2});
  }
}

/// A zone got its BSR, or lost it: ranges in it move from the whole domain to it, or back.
void Bsr::move_offers(const BsrZone& zone, TimePoint now) {
  const auto whole = zones_.find(std::nullopt);
  if (whole == zones_.end() || !whole->second.bsr) return;
  for (const CandidateRp& rp : config_.candidate_rps) {
    if (!rp.in_every_zone || !zone.bsr) continue;
    std::vector<IpPrefix> moved = rp.ranges;
    std::erase_if(moved, [&](const IpPrefix& range) { return !lies_in(*zone.zone, range); });
    if (!moved.empty()) send_advert(whole->second, rp, moved, 0, now);
  }
  schedule_adverts(whole->second, !zone.bsr, now);
}

void Bsr::run_adverts(TimePoint now) {
  for (auto at = adverts_.begin(); at != adverts_.end();) {
    auto& [place, advert] = *at;
    if (*advert.at > now) {
      ++at;
      continue;
    }
    const CandidateRp& rp = config_.candidate_rps[place.first];
    const auto zone = zones_.find(place.second);
    if (zone == zones_.end() || !zone->second.bsr || zone->second.state == BsrState::pending) {
      at = adverts_.erase(at);  // the next BSR starts it again
      continue;
    }
    const Duration wait = advert.triggered > 0 ? entropy_.up_to(kCandidateRpBackoff) : rp.period;
    if (advert.triggered > 0) --advert.triggered;
    advert.at = now + std::max<Duration>(wait, std::chrono::milliseconds(1));
    ++at;
    advertise(zone->second, rp, now);
  }
}

void Bsr::advertise(const BsrZone& zone, const CandidateRp& rp, TimePoint now) {
  const std::vector<IpPrefix> ranges = ranges_in(zone.zone, rp);
  if (!ranges.empty()) send_advert(zone, rp, ranges, rp.holdtime_s, now);
}

void Bsr::send_advert(const BsrZone& zone, const CandidateRp& rp,
                      const std::vector<IpPrefix>& ranges, std::uint16_t holdtime_s,
                      TimePoint now) {
  if (!zone.bsr) return;
  wire::PimCandidateRp advert = advert_of(rp, ranges, zone.zone.has_value());
  advert.holdtime_s = holdtime_s;
  if (zone.state == BsrState::elected) return offer(advert, now);
  for (wire::PimCandidateRp& message : wire::pack_candidate_rp(advert, smallest_mtu())) {
    ++counters_.candidate_rps_sent;
    effects_.push(SendCandidateRp{config_.vrf, rp.address, zone.bsr->address, std::move(message)});
  }
}

// What is no longer offered is withdrawn by holdtime 0, range by range.
void Bsr::withdraw_adverts(const BsrConfig& before, TimePoint now) {
  for (const CandidateRp& old : before.candidate_rps)
    for (const auto& [id, zone] : zones_) {
      std::vector<IpPrefix> gone = ranges_in(id, old);
      for (const CandidateRp& rp : config_.candidate_rps)
        if (rp.address == old.address) gone = without(std::move(gone), ranges_in(id, rp));
      if (!gone.empty()) send_advert(zone, old, gone, 0, now);
    }
}

// ---- BSR, RFC 5059 3.3 ----

void Bsr::on_candidate_rp(const wire::PimCandidateRp& message, TimePoint now) {
  if (mode_ == Mode::standby) return ignore(BsrIgnored::standby);
  if (message.rp.family() != config_.family) return ignore(BsrIgnored::family);
  if (!passes(config_.rp_filter, message.rp)) return ignore(BsrIgnored::filtered);
  ++counters_.candidate_rps_heard;
  offer(message, now);
  settle();
}

void Bsr::offer(const wire::PimCandidateRp& message, TimePoint now) {
  std::vector<wire::PimGroupRange> ranges = message.ranges;
  if (ranges.empty()) {
    const IpPrefix all = all_groups(config_.family);
    ranges.push_back({.address = all.address, .mask_length = all.length});
  }
  bool limited = false;
  std::set<ScopeZone> changed;
  for (const wire::PimGroupRange& range : ranges) {
    const wire::PimEntryFault fault = wire::fault_of_range(range);
    if (fault != wire::PimEntryFault::none && fault != wire::PimEntryFault::reserved_flags) {
      ignore(BsrIgnored::bad_range);
      continue;
    }
    if (range.bidirectional && range.address.is_v6()) {
      ignore(BsrIgnored::bidirectional);
      continue;
    }
    const IpPrefix prefix = IpPrefix{range.address, range.mask_length}.network();
    BsrZone* zone = elected_zone(prefix, range.scope_zone);
    if (zone == nullptr) {
      ignore(BsrIgnored::not_elected);
      continue;
    }
    const OfferedRps::Outcome outcome = zone->offered.offer(
        {prefix, message.rp, message.priority, message.holdtime_s, range.bidirectional},
        config_.rps_max, now);
    limited = limited || outcome == OfferedRps::Outcome::refused;
    if (outcome == OfferedRps::Outcome::refused) ignore(BsrIgnored::mapping_limit);
    if (outcome == OfferedRps::Outcome::changed) changed.insert(zone->zone);
  }
  if (limited) tell_limit(RpLimit::candidates, message.rp);
  for (const ScopeZone& id : changed) originate_when_allowed(zones_.at(id), now);
}

BsrZone* Bsr::elected_zone(const IpPrefix& range, bool scoped) {
  BsrZone* best = nullptr;
  for (auto& [id, zone] : zones_) {
    if (zone.state != BsrState::elected || (scoped && !id)) continue;
    if (id && !lies_in(*id, range)) continue;
    if (best == nullptr || !best->zone || id->length > best->zone->length) best = &zone;
  }
  return best;
}

}  // namespace hotpair::mcast::rp
