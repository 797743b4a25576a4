#include <algorithm>
#include <set>
#include <utility>

#include "mcast/rp/bsr_machine.h"
#include "mcast/wire/pim_bootstrap.h"

namespace hotpair::mcast::rp {
namespace {

constexpr std::size_t kUsualMtu = 1500;

/// The ranges that a candidate serves, written out.
std::vector<IpPrefix> ranges_of(const CandidateRp& rp) {
  if (!rp.ranges.empty()) return rp.ranges;
  return {rp.zone ? *rp.zone : all_groups(rp.address.family())};
}

bool serves(const CandidateRp& rp, const IpPrefix& range) {
  const std::vector<IpPrefix> ranges = ranges_of(rp);
  return std::ranges::find(ranges, range) != ranges.end();
}

wire::PimCandidateRp advert_of(const CandidateRp& rp) {
  wire::PimCandidateRp advert{
      .priority = rp.priority, .holdtime_s = rp.holdtime_s, .rp = rp.address, .ranges = {}};
  // None at all says: all groups.
  if (rp.ranges.empty() && !rp.zone && !rp.bidir) return advert;
  for (const IpPrefix& range : ranges_of(rp))
    advert.ranges.push_back({.address = range.network().address,
                             .mask_length = range.length,
                             .bidirectional = rp.bidir,
                             .scope_zone = rp.zone.has_value()});
  return advert;
}

}  // namespace

// RFC 5059 3.1.5 "Forward BSM": every link, the one it came by too, unless it would leave its zone.
std::vector<LinkId> Bsr::links_for(const ScopeZone& zone) const {
  std::vector<LinkId> result;
  for (const auto& [id, link] : links_) {
    const bool at_boundary = zone && std::ranges::any_of(link.boundaries, [&](const auto& range) {
                               return range.contains(zone->address);
                             });
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

void Bsr::schedule_adverts(const BsrZone& zone, bool new_bsr, TimePoint now) {
  for (std::size_t i = 0; i < adverts_.size(); ++i) {
    if (config_.candidate_rps[i].zone != zone.zone) continue;
    Advert& advert = adverts_[i];
    if (!zone.bsr) {
      advert = {};
    } else if (new_bsr || !advert.at) {
      advert = {now + entropy_.up_to(kCandidateRpBackoff), 2};
    }
  }
}

void Bsr::run_adverts(TimePoint now) {
  for (std::size_t i = 0; i < adverts_.size(); ++i) {
    Advert& advert = adverts_[i];
    if (!advert.at || *advert.at > now) continue;
    const CandidateRp& rp = config_.candidate_rps[i];
    const auto zone = zones_.find(rp.zone);
    if (zone == zones_.end() || !zone->second.bsr || zone->second.state == BsrState::pending) {
      advert = {};  // the next BSR starts it again
      continue;
    }
    const Duration wait = advert.triggered > 0 ? entropy_.up_to(kCandidateRpBackoff) : rp.period;
    if (advert.triggered > 0) --advert.triggered;
    advert.at = now + std::max<Duration>(wait, std::chrono::milliseconds(1));
    advertise(rp, now);
  }
}

void Bsr::advertise(const CandidateRp& rp, TimePoint now) {
  const auto zone = zones_.find(rp.zone);
  if (zone == zones_.end() || !zone->second.bsr) return;
  const wire::PimCandidateRp advert = advert_of(rp);
  if (zone->second.state == BsrState::elected) return offer(advert, now);
  for (wire::PimCandidateRp& message : wire::pack_candidate_rp(advert, smallest_mtu())) {
    ++counters_.candidate_rps_sent;
    effects_.push(
        SendCandidateRp{config_.vrf, rp.address, zone->second.bsr->address, std::move(message)});
  }
}

// What is no longer offered is withdrawn by holdtime 0, range by range.
void Bsr::withdraw_adverts(const BsrConfig& before, TimePoint now) {
  for (const CandidateRp& old : before.candidate_rps) {
    CandidateRp gone = old;
    gone.ranges.clear();
    gone.holdtime_s = 0;
    for (const IpPrefix& range : ranges_of(old))
      if (std::ranges::none_of(config_.candidate_rps, [&](const CandidateRp& rp) {
            return rp.zone == old.zone && rp.address == old.address && serves(rp, range);
          }))
        gone.ranges.push_back(range);
    if (!gone.ranges.empty()) advertise(gone, now);
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
    if (id && (range.length < id->length || !id->contains(range.address))) continue;
    if (best == nullptr || !best->zone || id->length > best->zone->length) best = &zone;
  }
  return best;
}

}  // namespace hotpair::mcast::rp
