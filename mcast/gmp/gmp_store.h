#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mcast/gmp/gmp_records.h"
#include "platform/base/address.h"
#include "platform/base/assert.h"
#include "platform/base/time.h"

/// Memory of the membership engine: pools addressed by 32-bit numbers, a hash that grows one bucket
/// at a time, and a timing wheel. Nothing here does more than a bounded piece of work per call.
namespace hotpair::mcast::gmp {

inline constexpr std::uint32_t kNone = 0xffffffffU;

/// A source of a group; a group's sources form a list sorted by address.
struct SourceEntry {
  IpAddress address;
  bool is_dynamic : 1 = false;
  bool is_static : 1 = false;
  bool forwarding : 1 = false;  ///< dynamic part: timer runs (A or X); else blocked (Y)
  bool lowered : 1 = false;     ///< timer lowered by a query, no answer yet
  bool dirty : 1 = false;       ///< record differs from the one last announced
  bool tentative : 1 = false;   ///< known from a peer only; no host has confirmed it yet
  std::uint8_t queries_left = 0;
  std::uint32_t next = kNone;
  TimePoint expiry{};
};

/// A group on an interface.
struct GroupEntry {
  IpAddress group;
  IpAddress reporter;
  FilterMode mode = FilterMode::include;
  std::uint8_t older_version = 0;
  std::uint8_t queries_left = 0;
  bool has_group_record : 1 = false;  ///< the group's own record exists (not only its sources')
  bool is_static : 1 = false;         ///< configured for any source
  bool lowered : 1 = false;
  bool dirty : 1 = false;
  bool sources_dirty : 1 = false;
  bool view_dirty : 1 = false;
  bool charged : 1 = false;        ///< counted to its reporter, against max_groups_per_host
  bool heard_exclude : 1 = false;  ///< EXCLUDE by a report of this generation, not by a record
  bool tentative : 1 = false;      ///< EXCLUDE known from a peer only, not confirmed yet
  std::uint16_t wheel_slot = 0xffff;  ///< 0xffff: not armed
  std::uint32_t interface = kNone;
  std::uint32_t hash_next = kNone;
  std::uint32_t wheel_next = kNone;
  std::uint32_t wheel_previous = kNone;
  std::uint32_t first_source = kNone;
  std::uint32_t source_count = 0;
  std::uint32_t generation = 0;  ///< of the interface's role when the timers were last valid
  std::uint32_t created_s = 0;   ///< seconds since the machine's first input
  std::int64_t wheel_tick = 0;
  TimePoint expiry{};            ///< group timer, in EXCLUDE mode
  TimePoint version1_until{};    ///< older version host present timers
  TimePoint version2_until{};
  TimePoint query_at = TimePoint::max();  ///< next retransmission
};

/// Entries in chunks that never move, addressed by number; freed numbers are used again.
template <typename Entry>
class Pool {
 public:
  [[nodiscard]] std::uint32_t take() {
    ++used_;
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      (*this)[index] = Entry{};
      return index;
    }
    if (end_ % kChunk == 0) chunks_.push_back(std::make_unique<std::array<Entry, kChunk>>());
    return end_++;
  }
  void give(std::uint32_t index) {
    (*this)[index] = Entry{};
    free_.push_back(index);
    --used_;
  }
  [[nodiscard]] Entry& operator[](std::uint32_t index) {
    return (*chunks_[index / kChunk])[index % kChunk];
  }
  [[nodiscard]] const Entry& operator[](std::uint32_t index) const {
    return (*chunks_[index / kChunk])[index % kChunk];
  }
  /// One past the largest number ever given out.
  [[nodiscard]] std::uint32_t end() const { return end_; }
  [[nodiscard]] std::uint32_t used() const { return used_; }

 private:
  static constexpr std::uint32_t kChunk = 1024;
  std::vector<std::unique_ptr<std::array<Entry, kChunk>>> chunks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t end_ = 0;
  std::uint32_t used_ = 0;
};

using GroupPool = Pool<GroupEntry>;
using SourcePool = Pool<SourceEntry>;

/// Finds the groups of one interface: linear hashing, one bucket is split per insertion, so that no
/// insertion is slow. Keyed, so that nobody outside can choose colliding groups.
class GroupIndex {
 public:
  explicit GroupIndex(std::uint64_t seed) : seed_(seed) {}
  [[nodiscard]] std::uint32_t find(const GroupPool& pool, const IpAddress& group) const;
  void insert(GroupPool& pool, std::uint32_t index);
  void erase(GroupPool& pool, std::uint32_t index);
  [[nodiscard]] std::uint32_t size() const { return count_; }
  /// Any entry of bucket `bucket`, for sweeps; kNone when it is empty.
  [[nodiscard]] std::uint32_t first_in(std::uint32_t bucket) const { return head(bucket); }
  [[nodiscard]] std::uint32_t buckets() const { return buckets_; }

 private:
  static constexpr std::uint32_t kChunk = 1024;
  [[nodiscard]] std::uint64_t hash(const IpAddress& group) const;
  [[nodiscard]] std::uint32_t bucket_of(const IpAddress& group) const;
  [[nodiscard]] std::uint32_t& head(std::uint32_t bucket) {
    return (*chunks_[bucket / kChunk])[bucket % kChunk];
  }
  [[nodiscard]] std::uint32_t head(std::uint32_t bucket) const {
    return (*chunks_[bucket / kChunk])[bucket % kChunk];
  }
  void add_bucket(GroupPool& pool);

  std::uint64_t seed_;
  std::vector<std::unique_ptr<std::array<std::uint32_t, kChunk>>> chunks_;
  std::uint32_t buckets_ = 0;
  std::uint32_t round_ = 1;  ///< buckets at the start of the doubling under way, a power of two
  std::uint32_t count_ = 0;
};

/// A hierarchical timing wheel of 10 ms ticks: three levels of 256 slots reach 46 hours, what is
/// due later waits in the last slot. An entry is in one slot; arming earlier moves it, arming later
/// is the caller's choice to leave out.
class TimingWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds{10};
  /// Puts the entry to fire at the first tick not before `deadline`.
  void arm(GroupPool& pool, std::uint32_t index, TimePoint deadline);
  void disarm(GroupPool& pool, std::uint32_t index);
  /// Takes the next entry due at `now`, or kNone. Every call, entry or not, costs one unit of
  /// `budget`; with the budget at zero the answer is kNone though more may be due.
  [[nodiscard]] std::uint32_t take_due(GroupPool& pool, TimePoint now, std::size_t& budget);
  /// When take_due() has work next; may be earlier than the earliest deadline, never later.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] static std::int64_t tick_not_before(TimePoint deadline);

 private:
  static constexpr unsigned kSlots = 256;
  struct Level {
    Level() { heads.fill(kNone); }
    std::array<std::uint32_t, kSlots> heads{};
    std::array<std::uint64_t, kSlots / 64> occupied{};
  };
  void link(GroupPool& pool, std::uint32_t index);
  void unlink(GroupPool& pool, std::uint32_t index);
  [[nodiscard]] std::optional<std::int64_t> next_tick() const;
  /// Moves one entry of the coarser levels due at the current tick down; false if there is none.
  bool cascade_one(GroupPool& pool);

  std::array<Level, 3> levels_;
  std::int64_t current_ = 0;  ///< every tick before it is done
};

}  // namespace hotpair::mcast::gmp
