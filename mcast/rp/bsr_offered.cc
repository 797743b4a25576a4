#include "mcast/rp/bsr_offered.h"

#include <algorithm>

namespace hotpair::mcast::rp {
namespace {

constexpr std::size_t kRangeRpsMax = 255;  // the RP count is one octet

wire::PimGroupRange wire_range(const IpPrefix& range) {
  return {.address = range.address, .mask_length = range.length};
}

}  // namespace

OfferedRps::Outcome OfferedRps::offer(const Offer& offer, std::uint32_t rps_max, TimePoint now) {
  const auto& [range, rp, priority, holdtime_s, bidir] = offer;
  const auto found = ranges_.find(range);
  const bool known = found != ranges_.end() && found->second.contains(rp);
  if (holdtime_s == 0) {
    if (!known) return Outcome::same;
    found->second.erase(rp);
    --size_;
    withdraw_if_empty(range);
    return Outcome::changed;
  }
  if (!known &&
      (size_ >= rps_max || (found != ranges_.end() && found->second.size() >= kRangeRpsMax)))
    return Outcome::refused;
  Entry& entry = ranges_[range][rp];
  const bool changed = !known || entry.priority != priority || entry.holdtime_s != holdtime_s ||
                       entry.bidir != bidir;
  entry = {priority, holdtime_s, bidir, now + std::chrono::seconds(holdtime_s)};
  if (!known) ++size_;
  withdrawn_.erase(range);
  soonest_ = earliest(soonest_, entry.expires);
  return changed ? Outcome::changed : Outcome::same;
}

bool OfferedRps::expire(TimePoint now) {
  if (!soonest_ || *soonest_ > now) return false;
  std::vector<IpPrefix> touched;
  for (auto& [range, entries] : ranges_) {
    const std::size_t gone =
        std::erase_if(entries, [&](const auto& entry) { return entry.second.expires <= now; });
    size_ -= gone;
    if (gone != 0) touched.push_back(range);
  }
  for (const IpPrefix& range : touched) withdraw_if_empty(range);
  set_soonest();
  return !touched.empty();
}

void OfferedRps::seed(const LearnedRps& told, TimePoint now) {
  clear();
  for (const auto& [range, entries] : told.ranges())
    for (const LearnedRps::Entry& entry : entries) {
      ranges_[range][entry.rp] = {entry.priority, entry.holdtime_s, entry.bidir,
                                  now + std::chrono::seconds(entry.holdtime_s)};
      ++size_;
    }
  set_soonest();
}

void OfferedRps::clear() {
  ranges_.clear();
  withdrawn_.clear();
  size_ = 0;
  soonest_.reset();
}

std::vector<wire::PimBootstrapRange> OfferedRps::ranges() const {
  std::vector<wire::PimBootstrapRange> result;
  for (const auto& [range, entries] : ranges_) {
    wire::PimBootstrapRange& out = result.emplace_back();
    const auto best =
        std::ranges::min_element(entries, {}, [](const auto& one) { return one.second.priority; });
    out.range = wire_range(range);
    out.range.bidirectional = best->second.bidir;
    for (const auto& [rp, entry] : entries)
      if (entry.bidir == best->second.bidir)
        out.rps.push_back(
            {.address = rp, .holdtime_s = entry.holdtime_s, .priority = entry.priority});
    out.rp_count = static_cast<std::uint8_t>(out.rps.size());
  }
  for (const auto& [range, left] : withdrawn_)
    result.push_back({.range = wire_range(range), .rp_count = 0, .rps = {}});
  return result;
}

void OfferedRps::on_sent() {
  for (auto& [range, left] : withdrawn_) --left;
  std::erase_if(withdrawn_, [](const auto& entry) { return entry.second == 0; });
}

void OfferedRps::withdraw_if_empty(const IpPrefix& range) {
  const auto found = ranges_.find(range);
  if (found == ranges_.end() || !found->second.empty()) return;
  ranges_.erase(found);
  // Bounded as the offers are; a range that is not told as empty expires everywhere by itself.
  if (withdrawn_.size() < 1024) withdrawn_[range] = kWithdrawals;
}

void OfferedRps::set_soonest() {
  soonest_.reset();
  for (const auto& [range, entries] : ranges_)
    for (const auto& [rp, entry] : entries) soonest_ = earliest(soonest_, entry.expires);
}

}  // namespace hotpair::mcast::rp
