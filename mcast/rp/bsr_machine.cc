#include "mcast/rp/bsr_machine.h"

#include <algorithm>
#include <utility>

namespace hotpair::mcast::rp {

Bsr::Bsr(const BsrConfig& config, std::uint64_t seed, TimePoint now, Mode mode)
    : config_(config), entropy_(seed), started_(now), mode_(mode) {
  zone_of(std::nullopt);
  if (mode_ == Mode::standby) return;
  for (const CandidateBsr& candidate : config_.candidate_bsrs) set_candidate(candidate.zone, now);
  settle();
}

void Bsr::configure(const BsrConfig& config, TimePoint now) {
  const BsrConfig before = std::exchange(config_, config);
  config_.vrf = before.vrf;
  config_.family = before.family;
  adverts_.clear();
  for (auto& [id, zone] : zones_) zone.learned.set_limit(config_.rps_max);
  if (mode_ == Mode::standby) return;
  withdraw_adverts(before, now);
  for (const CandidateBsr& candidate : before.candidate_bsrs) set_candidate(candidate.zone, now);
  for (const CandidateBsr& candidate : config_.candidate_bsrs) set_candidate(candidate.zone, now);
  for (const auto& [id, zone] : zones_) schedule_adverts(zone, true, now);
  settle();
}

void Bsr::set_link(const BsrLink& link) { links_.insert_or_assign(link.link, link); }

void Bsr::remove_link(LinkId link) { links_.erase(link); }

void Bsr::leave(TimePoint now) {
  BsrConfig config = config_;
  config.candidate_bsrs.clear();
  config.candidate_rps.clear();
  configure(config, now);
}

const CandidateBsr* Bsr::configured(const ScopeZone& id) const {
  const auto found = std::ranges::find(config_.candidate_bsrs, id, &CandidateBsr::zone);
  return found == config_.candidate_bsrs.end() ? nullptr : &*found;
}

BsrZone& Bsr::zone_of(const ScopeZone& id) {
  const auto found = zones_.find(id);
  if (found != zones_.end()) return found->second;
  BsrZone& zone = zones_.try_emplace(id, id, config_.rps_max).first->second;
  zone.tag = static_cast<std::uint16_t>(entropy_.next());
  if (id) zone.state = BsrState::no_info;
  return zone;
}

void Bsr::set_candidate(const ScopeZone& id, TimePoint now) {
  const CandidateBsr* wanted = configured(id);
  const auto found = zones_.find(id);
  if (wanted == nullptr) {
    if (found != zones_.end() && found->second.candidate) end_candidate(found->second, now);
    return;
  }
  BsrZone& zone = zone_of(id);
  if (zone.candidate == *wanted) return;
  if (zone.candidate && zone.candidate->address != wanted->address) end_candidate(zone, now);
  zone.candidate = *wanted;
  begin_candidate(zone, now);
}

// RFC 5059 3.1.1: a candidate begins as P-BSR. One that knows of a better BSR need not ask.
void Bsr::begin_candidate(BsrZone& zone, TimePoint now) {
  zone.zone_timer.reset();
  if (zone.state == BsrState::elected) {
    zone.hash_mask_length = zone.candidate->hash_mask_length;
    set_bsr(zone, zone.own(), now);
    originate_when_allowed(zone, now);
  } else if (zone.bsr && *zone.bsr >= zone.own()) {
    zone.state = BsrState::candidate;
    if (!zone.bootstrap_timer) zone.bootstrap_timer = now + kBootstrapTimeout;
  } else {
    zone.state = BsrState::pending;
    zone.bootstrap_timer = now + override_delay(zone.own(), zone.bsr);
  }
}

void Bsr::end_candidate(BsrZone& zone, TimePoint now) {
  if (zone.state == BsrState::candidate) {
    zone.state = BsrState::accept_preferred;
  } else {
    // RFC 5059 3.1.5: the lowest priority makes others elect at once.
    if (zone.state == BsrState::elected) send_own(zone, 0, now);
    zone.state = BsrState::accept_any;
    zone.bootstrap_timer.reset();
    zone.originate_at.reset();
    zone.offered.clear();
    zone.learned.refresh(now);
    zone.cache.clear();
    set_bsr(zone, std::nullopt, now);
  }
  zone.candidate.reset();
  if (zone.zone) zone.zone_timer = now + kZoneTimeout;
}

void Bsr::set_bsr(BsrZone& zone, const std::optional<BsrWeight>& bsr, TimePoint now) {
  const std::optional<BsrWeight> before = std::exchange(zone.bsr, bsr);
  const auto address = [](const std::optional<BsrWeight>& weight) {
    return weight ? std::optional(weight->address) : std::nullopt;
  };
  const bool changed = address(before) != address(bsr);
  if (changed) {
    zone.bsr_since = now;
    zone.learned.forget_partial();
    if (before) paths_.erase(before->address);
    effects_.push(
        BsrChanged{.vrf = config_.vrf,
                   .family = config_.family,
                   .zone = zone.zone,
                   .before = address(before),
                   .now = address(bsr),
                   .self = bsr && zone.candidate && bsr->address == zone.candidate->address});
  }
  schedule_adverts(zone, changed, now);
  if (zone.zone && before.has_value() != bsr.has_value()) move_offers(zone, now);
}

void Bsr::on_bootstrap_timer(BsrZone& zone, TimePoint now) {
  switch (zone.state) {
    case BsrState::candidate:
      zone.state = BsrState::pending;
      zone.bootstrap_timer = now + override_delay(zone.own(), zone.bsr);
      return;
    case BsrState::pending:
      zone.state = BsrState::elected;
      zone.hash_mask_length = zone.candidate->hash_mask_length;
      zone.offered.clear();
      set_bsr(zone, zone.own(), now);
      originate(zone, now);
      return;
    case BsrState::elected:
      originate(zone, now);
      return;
    case BsrState::accept_preferred:
      zone.state = BsrState::accept_any;
      zone.bootstrap_timer.reset();
      zone.learned.refresh(now);
      zone.cache.clear();
      set_bsr(zone, std::nullopt, now);
      return;
    case BsrState::no_info:
    case BsrState::accept_any:
      zone.bootstrap_timer.reset();
      return;
  }
}

void Bsr::expire_zones(TimePoint now) {
  for (auto at = zones_.begin(); at != zones_.end();) {
    BsrZone& zone = at->second;
    if (!zone.zone_timer || *zone.zone_timer > now || zone.state != BsrState::accept_any) {
      ++at;
      continue;
    }
    bool changed = zone.learned.size() != 0;
    zone.learned.clear();
    settle(zone, changed);
    if (zone.recorded)
      effects_.push(
          RecordChanged{BsrZoneRecord{{config_.vrf, config_.family, zone.zone}, std::nullopt}});
    if (changed) effects_.push(RpSetChanged{config_.vrf, config_.family});
    at = zones_.erase(at);
  }
}

void Bsr::on_timeout(TimePoint now) {
  if (mode_ == Mode::standby) return;
  for (auto& [id, zone] : zones_) {
    zone.learned.expire(now);
    if (zone.offered.expire(now)) originate_when_allowed(zone, now);
    if (zone.originate_at && *zone.originate_at <= now) originate(zone, now);
    if (zone.bootstrap_timer && *zone.bootstrap_timer <= now) on_bootstrap_timer(zone, now);
  }
  expire_zones(now);
  run_adverts(now);
  expire_waiting(now);
  settle();
}

std::optional<TimePoint> Bsr::next_deadline() const {
  if (mode_ == Mode::standby) return std::nullopt;
  std::optional<TimePoint> next;
  for (const auto& [id, zone] : zones_) {
    next = earliest(next, zone.learned.soonest());
    next = earliest(next, zone.offered.soonest());
    next = earliest(next, zone.originate_at);
    next = earliest(next, zone.bootstrap_timer);
    if (zone.state == BsrState::accept_any) next = earliest(next, zone.zone_timer);
  }
  for (const auto& [place, advert] : adverts_) next = earliest(next, advert.at);
  if (!waiting_.empty()) next = earliest(next, waiting_.front().since + kRpfPatience);
  return next;
}

void Bsr::ignore(BsrIgnored reason, std::uint64_t times) {
  counters_.ignored[static_cast<std::size_t>(reason)] += times;
}

void Bsr::tell_limit(RpLimit limit, const IpAddress& from) {
  effects_.push(RpLimitReached{config_.vrf, config_.family, limit, from});
}

void Bsr::settle() {
  bool changed = false;
  for (auto& [id, zone] : zones_) settle(zone, changed);
  if (changed) effects_.push(RpSetChanged{config_.vrf, config_.family});
}

void Bsr::settle(BsrZone& zone, bool& changed) {
  for (LearnedRps::Change& change : zone.learned.take_changes()) {
    effects_.push(RecordChanged{
        RpMappingRecord{{config_.vrf, RpSource::bootstrap, zone.zone, change.range, change.rp},
                        std::move(change.value)}});
    changed = true;
  }
  // Which RP a group hashes to depends on the mask.
  if (zone.told_hash_mask_length != zone.hash_mask_length && zone.learned.size() != 0)
    changed = true;
  zone.told_hash_mask_length = zone.hash_mask_length;
  const BsrZoneKey key{config_.vrf, config_.family, zone.zone};
  for (auto& [index, fragment] : zone.cache.take_changes())
    effects_.push(RecordChanged{BsrFragmentRecord{{key, index}, std::move(fragment)}});
  const bool blank = !zone.bsr && !zone.candidate;
  if (zone.recorded == zone.value() || (blank && !zone.recorded)) return;
  zone.recorded = zone.value();
  effects_.push(RecordChanged{BsrZoneRecord{key, zone.recorded}});
}

namespace {

void add_mappings(const BsrZone& zone, std::vector<RpMapping>& result) {
  for (const auto& [range, entries] : zone.learned.ranges())
    for (const LearnedRps::Entry& entry : entries)
      result.push_back({.range = range,
                        .rp = entry.rp,
                        .source = RpSource::bootstrap,
                        .priority = entry.priority,
                        .hash_mask_length = zone.hash_mask_length,
                        .holdtime = std::chrono::seconds(entry.holdtime_s),
                        .bidir = entry.bidir});
}

}  // namespace

std::vector<RpMapping> Bsr::mappings() const {
  std::vector<RpMapping> result;
  for (const auto& [id, zone] : zones_) add_mappings(zone, result);
  return result;
}

std::vector<RpMapping> Bsr::mappings(const Bsr& other) const {
  std::vector<RpMapping> result;
  for (const auto& [id, zone] : zones_) {
    const auto theirs = other.zones_.find(id);
    if (theirs == other.zones_.end() || !lacks(theirs->second)) add_mappings(zone, result);
  }
  for (const auto& [id, theirs] : other.zones_)
    if (lacks(theirs)) add_mappings(theirs, result);
  return result;
}

std::vector<LearnedRpModel> Bsr::learned_model(TimePoint now) const {
  std::vector<LearnedRpModel> result;
  std::vector<RpMapping> flat = mappings();
  auto mapping = flat.begin();
  for (const auto& [id, zone] : zones_)
    for (const auto& [range, entries] : zone.learned.ranges())
      for (const LearnedRps::Entry& entry : entries) {
        LearnedRpModel& model = result.emplace_back();
        model.mapping = *mapping++;
        model.zone = id;
        if (zone.bsr) model.told_by = zone.bsr->address;
        model.uptime = now - entry.since;
        if (mode_ == Mode::active) model.expires = entry.expires - now;
      }
  return result;
}

BsrInfoModel Bsr::show(TimePoint now) const {
  BsrInfoModel model{
      .vrf = config_.vrf, .family = config_.family, .zones = {}, .counters = counters_};
  for (const auto& [id, zone] : zones_) {
    BsrZoneModel& row = model.zones.emplace_back();
    row.zone = id;
    row.state = zone.state;
    row.bsr = zone.bsr;
    row.hash_mask_length = zone.hash_mask_length;
    if (zone.bsr) row.uptime = now - zone.bsr_since;
    const bool elected = zone.state == BsrState::elected;
    if (zone.bootstrap_timer)
      (elected ? row.next_bootstrap : row.expires) = *zone.bootstrap_timer - now;
    row.candidate = zone.candidate;
    row.mappings = zone.learned.size();
    row.offers = zone.offered.size();
  }
  return model;
}

}  // namespace hotpair::mcast::rp
