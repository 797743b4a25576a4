#include "mcast/gmp/gmp_store.h"

#include <bit>
#include <cstring>

namespace hotpair::mcast::gmp {

// ---- GroupIndex ----

std::uint64_t GroupIndex::hash(const IpAddress& group) const {
  std::uint64_t words[2] = {};
  std::memcpy(words, group.bytes().data(), group.bytes().size());
  std::uint64_t value = seed_ ^ 0x9e3779b97f4a7c15ULL;
  for (const std::uint64_t word : words) {
    value ^= word;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 32U;
    value *= 0xc4ceb9fe1a85ec53ULL;
    value ^= value >> 29U;
    value += std::rotl(seed_, 23);
  }
  return value ^ (value >> 32U);
}

std::uint32_t GroupIndex::bucket_of(const IpAddress& group) const {
  const std::uint64_t value = hash(group);
  const auto wide = static_cast<std::uint32_t>(value & (2ULL * round_ - 1));
  return wide < buckets_ ? wide : static_cast<std::uint32_t>(value & (round_ - 1));
}

std::uint32_t GroupIndex::find(const GroupPool& pool, const IpAddress& group) const {
  if (count_ == 0) return kNone;
  std::uint32_t index = head(bucket_of(group));
  while (index != kNone && pool[index].group != group) index = pool[index].hash_next;
  return index;
}

void GroupIndex::add_bucket(GroupPool& pool) {
  if (buckets_ % kChunk == 0) {
    chunks_.push_back(std::make_unique<std::array<std::uint32_t, kChunk>>());
    chunks_.back()->fill(kNone);
  }
  ++buckets_;
  if (buckets_ == 1) return;
  // The new bucket takes its part of the one it is split from.
  const std::uint32_t old = buckets_ - 1 - round_;
  std::uint32_t index = head(old);
  head(old) = kNone;
  while (index != kNone) {
    const std::uint32_t next = pool[index].hash_next;
    std::uint32_t& target = head(bucket_of(pool[index].group));
    pool[index].hash_next = target;
    target = index;
    index = next;
  }
  if (buckets_ == 2 * round_) round_ *= 2;
}

void GroupIndex::insert(GroupPool& pool, std::uint32_t index) {
  if (count_ >= buckets_) add_bucket(pool);
  std::uint32_t& first = head(bucket_of(pool[index].group));
  pool[index].hash_next = first;
  first = index;
  ++count_;
}

void GroupIndex::erase(GroupPool& pool, std::uint32_t index) {
  std::uint32_t* link = &head(bucket_of(pool[index].group));
  while (*link != index) {
    HA_ASSERT(*link != kNone);
    link = &pool[*link].hash_next;
  }
  *link = pool[index].hash_next;
  pool[index].hash_next = kNone;
  --count_;
}

// ---- TimingWheel ----

namespace {

constexpr std::uint16_t kUnarmed = 0xffff;

/// First occupied slot at or after `from`, going round once; nullopt when all are empty.
std::optional<unsigned> distance_to_occupied(const std::array<std::uint64_t, 4>& occupied,
                                             unsigned from) {
  for (unsigned step = 0; step <= 4; ++step) {
    const unsigned word = (from / 64 + step) % 4;
    std::uint64_t bits = occupied[word];
    if (step == 0) bits &= ~0ULL << (from % 64);
    if (step == 4) bits &= from % 64 == 0 ? 0 : ~(~0ULL << (from % 64));
    if (bits == 0) continue;
    const unsigned slot = word * 64 + static_cast<unsigned>(std::countr_zero(bits));
    return (slot - from) & 255U;
  }
  return std::nullopt;
}

}  // namespace

std::int64_t TimingWheel::tick_not_before(TimePoint deadline) {
  const std::int64_t since = deadline.time_since_epoch().count();
  return since <= 0 ? 0 : (since + kTick.count() - 1) / kTick.count();
}

void TimingWheel::link(GroupPool& pool, std::uint32_t index) {
  GroupEntry& entry = pool[index];
  const std::int64_t tick = std::max(entry.wheel_tick, current_);
  unsigned level = 0;
  std::int64_t slot = tick;
  if (tick - current_ >= kSlots) {
    level = 1;
    slot = tick >> 8U;
    if (slot - (current_ >> 8U) >= kSlots) {
      level = 2;
      slot = std::min(tick >> 16U, (current_ >> 16U) + kSlots - 1);
    }
  }
  const auto position = static_cast<unsigned>(slot) & (kSlots - 1);
  std::uint32_t& head = levels_[level].heads[position];
  entry.wheel_previous = kNone;
  entry.wheel_next = head;
  if (head != kNone) pool[head].wheel_previous = index;
  head = index;
  levels_[level].occupied[position / 64] |= 1ULL << (position % 64);
  entry.wheel_slot = static_cast<std::uint16_t>(level * kSlots + position);
}

void TimingWheel::unlink(GroupPool& pool, std::uint32_t index) {
  GroupEntry& entry = pool[index];
  Level& level = levels_[entry.wheel_slot / kSlots];
  const unsigned position = entry.wheel_slot % kSlots;
  if (entry.wheel_previous != kNone) {
    pool[entry.wheel_previous].wheel_next = entry.wheel_next;
  } else {
    level.heads[position] = entry.wheel_next;
    if (entry.wheel_next == kNone) level.occupied[position / 64] &= ~(1ULL << (position % 64));
  }
  if (entry.wheel_next != kNone) pool[entry.wheel_next].wheel_previous = entry.wheel_previous;
  entry.wheel_next = entry.wheel_previous = kNone;
  entry.wheel_slot = kUnarmed;
}

void TimingWheel::arm(GroupPool& pool, std::uint32_t index, TimePoint deadline) {
  const std::int64_t tick = tick_not_before(deadline);
  GroupEntry& entry = pool[index];
  if (entry.wheel_slot != kUnarmed) {
    if (entry.wheel_tick <= tick) return;
    unlink(pool, index);
  }
  entry.wheel_tick = tick;
  link(pool, index);
}

void TimingWheel::disarm(GroupPool& pool, std::uint32_t index) {
  if (pool[index].wheel_slot != kUnarmed) unlink(pool, index);
}

std::optional<std::int64_t> TimingWheel::next_tick() const {
  std::optional<std::int64_t> next;
  for (unsigned level = 0; level < 3; ++level) {
    const std::int64_t block = current_ >> (8U * level);
    const auto distance = distance_to_occupied(levels_[level].occupied,
                                               static_cast<unsigned>(block) & (kSlots - 1));
    if (!distance) continue;
    const std::int64_t tick =
        std::max((block + static_cast<std::int64_t>(*distance)) << (8U * level), current_);
    if (!next || tick < *next) next = tick;
  }
  return next;
}

std::optional<TimePoint> TimingWheel::next_deadline() const {
  const auto tick = next_tick();
  if (!tick) return std::nullopt;
  return TimePoint{} + *tick * kTick;
}

bool TimingWheel::cascade_one(GroupPool& pool) {
  for (const unsigned level : {2U, 1U}) {
    if ((current_ & ((1LL << (8U * level)) - 1)) != 0) continue;
    const unsigned position = static_cast<unsigned>(current_ >> (8U * level)) & (kSlots - 1);
    const std::uint32_t index = levels_[level].heads[position];
    if (index == kNone) continue;
    unlink(pool, index);
    link(pool, index);
    return true;
  }
  return false;
}

std::uint32_t TimingWheel::take_due(GroupPool& pool, TimePoint now, std::size_t& budget) {
  const std::int64_t now_tick = now.time_since_epoch().count() / kTick.count();
  while (budget > 0) {
    const auto next = next_tick();
    if (!next || *next > now_tick) {
      current_ = std::max(current_, now_tick);
      return kNone;
    }
    current_ = *next;
    --budget;
    if (cascade_one(pool)) continue;
    const unsigned position = static_cast<unsigned>(current_) & (kSlots - 1);
    const std::uint32_t index = levels_[0].heads[position];
    if (index == kNone) continue;
    unlink(pool, index);
    return index;
  }
  return kNone;
}

}  // namespace hotpair::mcast::gmp
