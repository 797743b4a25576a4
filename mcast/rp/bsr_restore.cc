#include <algorithm>
#include <utility>

#include "mcast/rp/bsr_machine.h"

namespace hotpair::mcast::rp {

void Bsr::on_record(const RpRecord& record, TimePoint now) {
  if (mode_ != Mode::standby) return;
  std::visit([&](const auto& one) { restore(one, now); }, record);
}

bool Bsr::is_mine(const BsrZoneKey& key) const {
  if (key.vrf != config_.vrf || key.family != config_.family) return false;
  // The active one may have had room for more: its limits were others, or candidates took theirs.
  return zones_.contains(key.zone) || zones_.size() < kRestoredFactor * config_.zones_max;
}

void Bsr::restore(const RpMappingRecord& record, TimePoint now) {
  const RpMappingKey& key = record.key;
  const bool bootstrap = key.source == RpSource::bootstrap;
  const RpMapping mapping{.range = key.range, .rp = key.rp};
  if (!bootstrap || !is_mine({key.vrf, key.rp.family(), key.zone}) || !is_valid(mapping)) return;
  BsrZone& zone = zone_of(key.zone);
  zone.heard = true;
  zone.learned.restore(key.range, key.rp, record.value, now);
  effects_.push(RpSetChanged{config_.vrf, config_.family});
}

void Bsr::restore(const BsrZoneRecord& record, TimePoint now) {
  const bool foreign =
      record.value && record.value->bsr && record.value->bsr->address.family() != config_.family;
  if (foreign || !is_mine(record.key)) return;
  BsrZone& zone = zone_of(record.key.zone);
  zone.recorded = record.value;
  const bool known = zone.bsr.has_value();
  if (!record.value) {
    const bool forgotten = zone.zone && zone.learned.size() == 0 && zone.cache.slots().empty();
    if (forgotten) {
      zones_.erase(record.key.zone);
      return;
    }
    zone.state = zone.zone ? BsrState::no_info : BsrState::accept_any;
    zone.bsr.reset();
    if (known && zone.learned.size() != 0)
      effects_.push(RpSetChanged{config_.vrf, config_.family});
    return;
  }
  zone.heard = true;
  if (zone.bsr != record.value->bsr) zone.bsr_since = now;
  zone.state = record.value->state;
  zone.bsr = record.value->bsr;
  const bool hashed = zone.hash_mask_length != record.value->hash_mask_length;
  zone.hash_mask_length = record.value->hash_mask_length;
  // Whether a BSR is known says whether another engine uses this beside what it knows itself.
  const bool changed = hashed || known != zone.bsr.has_value();
  if (changed && zone.learned.size() != 0) effects_.push(RpSetChanged{config_.vrf, config_.family});
}

void Bsr::restore(const BsrFragmentRecord& record, TimePoint) {
  const bool foreign = record.value && record.value->bsr.family() != config_.family;
  if (foreign || !is_mine(record.key.zone)) return;
  BsrZone& zone = zone_of(record.key.zone.zone);
  zone.heard = true;
  zone.cache.restore(record.key.index, record.value);
}

void Bsr::activate(TimePoint now) {
  if (mode_ == Mode::active) return;
  mode_ = Mode::active;
  started_ = now;
  for (const CandidateBsr& candidate : config_.candidate_bsrs) zone_of(candidate.zone);
  for (auto& [id, zone] : zones_) resume(zone, now);
  settle();
}

void Bsr::resume(BsrZone& zone, TimePoint now) {
  const CandidateBsr* candidate = configured(zone.zone);
  const BsrState before = zone.state;
  zone.told_hash_mask_length = zone.hash_mask_length;
  zone.learned.refresh(now);
  zone.candidate = candidate == nullptr ? std::nullopt : std::optional(*candidate);
  zone.bootstrap_timer = now + kBootstrapTimeout;
  const bool other_bsr =
      zone.bsr && (before == BsrState::accept_preferred || before == BsrState::candidate);
  if (candidate != nullptr && before == BsrState::elected && zone.bsr &&
      zone.bsr->address == candidate->address) {
    zone.state = BsrState::elected;
    zone.bsr = zone.own();
    zone.hash_mask_length = candidate->hash_mask_length;
    zone.offered.seed(zone.learned, now);
    originate(zone, now);
  } else if (candidate != nullptr && other_bsr && *zone.bsr >= zone.own()) {
    zone.state = BsrState::candidate;
  } else if (candidate != nullptr) {
    zone.state = BsrState::pending;
    zone.bootstrap_timer = now + override_delay(zone.own(), zone.bsr);
  } else if (other_bsr) {
    zone.state = BsrState::accept_preferred;
  } else {
    zone.state = BsrState::accept_any;
    zone.bootstrap_timer.reset();
    zone.bsr.reset();
    zone.cache.clear();
  }
  if (zone.zone && candidate == nullptr) zone.zone_timer = now + kZoneTimeout;
  schedule_adverts(zone, true, now);
}

// ---- another one's knowledge ----

/// It knows a BSR of its zone, and this one none.
bool Bsr::lacks(const BsrZone& theirs) const {
  if (!theirs.bsr) return false;
  const auto known = zones_.find(theirs.zone);
  return known == zones_.end() ? zones_.size() < config_.zones_max : !known->second.bsr;
}

void Bsr::adopt(const Bsr& other, TimePoint now) {
  if (mode_ != Mode::active) return;
  for (const auto& [id, theirs] : other.zones_)
    if (lacks(theirs)) adopt(zone_of(id), theirs, now);
  settle();
}

// Who was the BSR there is one that was heard, unless it spoke from an address that is ours now.
void Bsr::adopt(BsrZone& zone, const BsrZone& theirs, TimePoint now) {
  const CandidateBsr* candidate = configured(zone.zone);
  const bool same = theirs.state == BsrState::elected && candidate != nullptr &&
                    candidate->address == theirs.bsr->address;
  zone.heard = true;
  zone.learned.adopt(theirs.learned, now);
  zone.cache.clear();
  for (const wire::PimBootstrap& fragment : theirs.cache.slots())
    static_cast<void>(zone.cache.add(fragment));  // as much as was kept there fits here
  zone.hash_mask_length = theirs.hash_mask_length;
  zone.state = same ? BsrState::elected : BsrState::accept_preferred;
  zone.bsr = theirs.bsr;
  zone.bsr_since = now;
  effects_.push(BsrChanged{.vrf = config_.vrf,
                           .family = config_.family,
                           .zone = zone.zone,
                           .before = std::nullopt,
                           .now = theirs.bsr->address,
                           .self = same});
  resume(zone, now);
}

RpRecordSlice Bsr::snapshot(std::size_t cursor, std::size_t max) const {
  RpRecordSlice slice;
  std::size_t index = 0;
  const auto put = [&](RpRecord record) {
    if (index++ < cursor) return;
    if (slice.records.size() < max)
      slice.records.push_back(std::move(record));
    else if (!slice.next)
      slice.next = cursor + max;
  };
  for (const auto& [id, zone] : zones_) {
    for (const auto& [range, entries] : zone.learned.ranges())
      for (const LearnedRps::Entry& entry : entries)
        put(RpMappingRecord{{config_.vrf, RpSource::bootstrap, id, range, entry.rp},
                            RpMappingValue{.priority = entry.priority,
                                           .holdtime_s = entry.holdtime_s,
                                           .told_by = IpAddress::any(entry.rp.family()),
                                           .bidir = entry.bidir}});
    const BsrZoneKey key{config_.vrf, config_.family, id};
    if (zone.recorded) put(BsrZoneRecord{key, zone.recorded});
    for (std::size_t i = 0; i < zone.cache.slots().size(); ++i)
      put(BsrFragmentRecord{{key, static_cast<std::uint16_t>(i)}, zone.cache.slots()[i]});
  }
  return slice;
}

}  // namespace hotpair::mcast::rp
