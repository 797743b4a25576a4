#include "mcast/mrib/mrib_tables.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace hotpair::mcast::mrib {

namespace {

std::size_t mix(std::size_t a, std::size_t b) {
  // The finalizer of splitmix64: flat tables need every bit.
  std::uint64_t x = a * 0x9e3779b97f4a7c15U + b;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}
std::size_t hash_of(const GroupKeyView& view) {
  return mix(std::hash<Group>{}(view.group), view.vrf.value());
}
std::size_t hash_of(const SourceKeyView& view) {
  return mix(std::hash<IpAddress>{}(view.source), view.group);
}
std::size_t hash_of(const TargetKeyView& view) {
  return mix(std::hash<IpAddress>{}(view.address), view.vrf.value());
}
GroupKeyView view_of(const GroupEntry& entry) { return {entry.vrf, entry.group}; }
SourceKeyView view_of(const SourceEntry& entry) { return {entry.group, entry.source}; }
TargetKeyView view_of(const Target& target) { return {target.vrf, target.address}; }
bool same(const GroupKeyView& a, const GroupKeyView& b) {
  return a.vrf == b.vrf && a.group == b.group;
}
bool same(const SourceKeyView& a, const SourceKeyView& b) {
  return a.group == b.group && a.source == b.source;
}
bool same(const TargetKeyView& a, const TargetKeyView& b) {
  return a.vrf == b.vrf && a.address == b.address;
}

}  // namespace

template <typename Entry, typename View>
std::size_t SlotHash<Entry, View>::operator()(std::uint32_t slot) const {
  return hash_of(view_of((*pool)[slot]));
}
template <typename Entry, typename View>
std::size_t SlotHash<Entry, View>::operator()(const View& view) const {
  return hash_of(view);
}
template <typename Entry, typename View>
bool SlotEqual<Entry, View>::operator()(const View& view, std::uint32_t slot) const {
  return same(view, view_of((*pool)[slot]));
}

template struct SlotHash<GroupEntry, GroupKeyView>;
template struct SlotHash<SourceEntry, SourceKeyView>;
template struct SlotHash<Target, TargetKeyView>;
template struct SlotEqual<GroupEntry, GroupKeyView>;
template struct SlotEqual<SourceEntry, SourceKeyView>;
template struct SlotEqual<Target, TargetKeyView>;

std::uint32_t ListTable::acquire(std::vector<std::uint32_t> list) {
  if (list.empty()) return 0;
  const auto [found, is_new] = ids_.try_emplace(list, 0U);
  if (!is_new) {
    ++lists_[found->second].references;
    return found->second;
  }
  std::uint32_t id = 0;
  if (free_.empty()) {
    id = static_cast<std::uint32_t>(lists_.size());
    lists_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  lists_[id] = {std::move(list), 1};
  found->second = id;
  return id;
}

void ListTable::release(std::uint32_t id) {
  if (id == 0) return;
  HA_ASSERT(lists_[id].references > 0);
  if (--lists_[id].references > 0) return;
  ids_.erase(lists_[id].values);
  lists_[id].values = {};
  free_.push_back(id);
}

bool TokenBucket::take(std::uint32_t per_second, TimePoint now) {
  const double burst = per_second;
  if (!started) {
    started = true;
    tokens = burst;
  } else {
    const double seconds = std::chrono::duration<double>(now - at).count();
    tokens = std::min(burst, tokens + seconds * burst);
  }
  at = now;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

bool SourceBuckets::take(LinkId link, const IpAddress& source, std::uint32_t per_second,
                         TimePoint now) {
  const std::size_t hash = mix(std::hash<IpAddress>{}(source), link.value());
  return buckets_[hash % buckets_.size()].take(per_second, now);
}

const char* to_string(Count count) {
  switch (count) {
    case Count::upcalls:
      return "upcalls";
    case Count::upcall_limited_link:
      return "upcalls ignored, rate of link";
    case Count::upcall_limited_source:
      return "upcalls ignored, rate of source";
    case Count::upcall_limited_table:
      return "upcalls ignored, table full";
    case Count::upcall_link_local:
      return "upcalls ignored, link-local group";
    case Count::upcall_bad_source:
      return "upcalls ignored, source not routable";
    case Count::upcall_unknown_link:
      return "upcalls ignored, link not configured";
    case Count::negative_made:
      return "negative routes made";
    case Count::negative_expired:
      return "negative routes expired";
    case Count::negative_evicted:
      return "negative routes evicted";
    case Count::wrong_interface:
      return "packets on a wrong interface";
    case Count::membership_ignored:
      return "memberships ignored, link not configured";
    case Count::expired:
      return "(S,G) expired without traffic";
    case Count::adopted:
      return "routes adopted at start";
    case Count::plane_failed:
      return "changes refused by the plane";
    case Count::plane_lost:
      return "routes lost by the plane";
    case Count::register_ignored:
      return "registered sources ignored";
    case Count::record_ignored:
      return "records ignored";
    case Count::reservation_ignored:
      return "reservations ignored";
    case Count::kCount:
      break;
  }
  return "unknown";
}

}  // namespace hotpair::mcast::mrib
