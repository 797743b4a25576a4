#include "mcast/rp/bsr_learned.h"

#include <algorithm>
#include <utility>

namespace hotpair::mcast::rp {
namespace {

bool is_outside(const ScopeZone& zone, const IpPrefix& range) {
  return zone && !lies_in(*zone, range);
}

bool has(const std::vector<LearnedRps::Entry>& entries, const IpAddress& rp) {
  return std::ranges::find(entries, rp, &LearnedRps::Entry::rp) != entries.end();
}

}  // namespace

LearnedRps::Refused LearnedRps::add(const wire::PimBootstrap& fragment, TimePoint now) {
  if (fragment.fragment_tag != tag_ || fragment.bsr != bsr_) forget_partial();
  tag_ = fragment.fragment_tag;
  bsr_ = fragment.bsr;
  Refused refused;
  for (const wire::PimBootstrapRange& range : fragment.ranges) add_range(range, refused, now);
  set_soonest();
  return refused;
}

void LearnedRps::add_range(const wire::PimBootstrapRange& range, Refused& refused, TimePoint now) {
  const wire::PimEntryFault fault = wire::fault_of_range(range.range);
  if (fault != wire::PimEntryFault::none && fault != wire::PimEntryFault::reserved_flags) {
    ++refused.bad_ranges;
    return;
  }
  if (range.range.bidirectional && range.range.address.is_v6()) {
    ++refused.bidirectional;
    return;
  }
  const IpPrefix prefix = IpPrefix{range.range.address, range.range.mask_length}.network();
  if (is_outside(zone_, prefix)) {
    ++refused.bad_ranges;
    return;
  }
  if (range.rp_count == 0) return replace(prefix, {}, refused, now);
  const auto found = partial_.find(prefix);
  const std::size_t more = range.rps.size() + (found == partial_.end() ? 1 : 0);
  // Twice the limit: a set of as many ranges as RPs is as large as it may be.
  if (partial_size_ + more > 2 * std::size_t{rps_max_}) {
    ++refused.over_limit;
    return;
  }
  Partial& partial = found == partial_.end() ? partial_[prefix] : found->second;
  if (found == partial_.end()) ++partial_size_;
  partial.expected = range.rp_count;
  for (const wire::PimBootstrapRp& rp : range.rps) {
    if (has(partial.entries, rp.address)) continue;
    partial.entries.push_back({.rp = rp.address,
                               .priority = rp.priority,
                               .holdtime_s = rp.holdtime_s,
                               .bidir = range.range.bidirectional,
                               .since = now,
                               .expires = now + std::chrono::seconds(rp.holdtime_s)});
    ++partial_size_;
  }
  if (partial.entries.size() < partial.expected) return;
  const std::vector<Entry> entries = std::move(partial.entries);
  partial_size_ -= entries.size() + 1;
  partial_.erase(prefix);
  replace(prefix, entries, refused, now);
}

void LearnedRps::replace(const IpPrefix& range, const std::vector<Entry>& entries, Refused& refused,
                         TimePoint now) {
  std::vector<Entry> old;
  if (const auto found = ranges_.find(range); found != ranges_.end()) {
    old = std::move(found->second);
    size_ -= old.size();
    ranges_.erase(found);
  }
  std::vector<Entry> fresh;
  for (const Entry& entry : entries) {
    if (entry.holdtime_s == 0) continue;  // told as down
    if (size_ + fresh.size() >= rps_max_) {
      ++refused.over_limit;
      break;
    }
    fresh.push_back(entry);
    fresh.back().expires = now + std::chrono::seconds(entry.holdtime_s);
    const auto before = std::ranges::find(old, entry.rp, &Entry::rp);
    if (before != old.end()) fresh.back().since = before->since;
    if (before == old.end() || before->priority != entry.priority ||
        before->holdtime_s != entry.holdtime_s || before->bidir != entry.bidir)
      note(range, entry, false);
  }
  for (const Entry& entry : old)
    if (!has(fresh, entry.rp)) note(range, entry, true);
  std::ranges::sort(fresh, {}, &Entry::rp);
  size_ += fresh.size();
  if (!fresh.empty()) ranges_.emplace(range, std::move(fresh));
}

void LearnedRps::forget_partial() {
  partial_.clear();
  partial_size_ = 0;
}

void LearnedRps::refresh(TimePoint now) {
  for (auto& [range, entries] : ranges_)
    for (Entry& entry : entries) entry.expires = now + std::chrono::seconds(entry.holdtime_s);
  set_soonest();
}

void LearnedRps::expire(TimePoint now) {
  if (!soonest_ || *soonest_ > now) return;
  for (auto& [range, entries] : ranges_) {
    for (const Entry& entry : entries)
      if (entry.expires <= now) note(range, entry, true);
    size_ -= std::erase_if(entries, [&](const Entry& entry) { return entry.expires <= now; });
  }
  std::erase_if(ranges_, [](const auto& range) { return range.second.empty(); });
  set_soonest();
}

void LearnedRps::restore(const IpPrefix& range, const IpAddress& rp,
                         const std::optional<RpMappingValue>& value, TimePoint now) {
  const auto found = ranges_.find(range);
  const bool full = size_ >= kRestoredFactor * rps_max_;
  if (found == ranges_.end() && (!value || full)) return;
  std::vector<Entry>& entries = found == ranges_.end() ? ranges_[range] : found->second;
  const auto at = std::ranges::lower_bound(entries, rp, {}, &Entry::rp);
  const bool known = at != entries.end() && at->rp == rp;
  if (known && value) {
    at->priority = value->priority;
    at->holdtime_s = value->holdtime_s;
    at->bidir = value->bidir;
  } else if (known) {
    entries.erase(at);
    --size_;
  } else if (value && !full) {
    entries.insert(at, {.rp = rp,
                        .priority = value->priority,
                        .holdtime_s = value->holdtime_s,
                        .bidir = value->bidir,
                        .since = now,
                        .expires = now + std::chrono::seconds(value->holdtime_s)});
    ++size_;
  }
  if (entries.empty()) ranges_.erase(range);
}

void LearnedRps::adopt(const LearnedRps& other, TimePoint now) {
  clear();
  for (const auto& [range, entries] : other.ranges_) {
    if (size_ + entries.size() > rps_max_) break;  // a range as a whole or not at all
    std::vector<Entry>& own = ranges_[range];
    own = entries;
    size_ += own.size();
    for (Entry& entry : own) {
      entry.since = now;
      note(range, entry, false);
    }
  }
  refresh(now);
}

void LearnedRps::clear() {
  for (const auto& [range, entries] : ranges_)
    for (const Entry& entry : entries) note(range, entry, true);
  ranges_.clear();
  size_ = 0;
  forget_partial();
  set_soonest();
}

std::vector<LearnedRps::Change> LearnedRps::take_changes() { return std::exchange(changes_, {}); }

void LearnedRps::note(const IpPrefix& range, const Entry& entry, bool gone) {
  changes_.push_back({range, entry.rp, std::nullopt});
  if (gone) return;
  changes_.back().value = RpMappingValue{.priority = entry.priority,
                                         .holdtime_s = entry.holdtime_s,
                                         .negative = false,
                                         .told_by = IpAddress::any(entry.rp.family()),
                                         .bidir = entry.bidir};
}

void LearnedRps::set_soonest() {
  soonest_.reset();
  for (const auto& [range, entries] : ranges_)
    for (const Entry& entry : entries) soonest_ = earliest(soonest_, entry.expires);
}

}  // namespace hotpair::mcast::rp
