#pragma once

#include <map>
#include <optional>
#include <vector>

#include "checkpoint/record/store_port.h"

/// What every store does alike, whatever it keeps its records in: which requests are refused, how
/// the meta of a scope moves, how ranges are summed. Pure.
namespace hotpair::checkpoint::store {

inline constexpr std::size_t kEpochsKept = 64;
/// Index entries that one RaiseFloor looks at; the rest waits for the next one.
inline constexpr std::size_t kSweepEntriesMax = 4096;

/// Count and digest of each database of a scope.
using DigestTable = std::map<std::uint8_t, DatabaseDigest>;

/// What a store keeps beside the records of a scope.
struct ScopeState {
  EpochHistory history;
  Sequence last;
  Sequence floor;
  Sequence swept;  ///< no deletion at or below it is left in the index
  bool incomplete = false;
  DigestTable digests;

  void add_record(const RecordKey& key, const RecordValue& value);
  void subtract_record(const RecordKey& key, const RecordValue& value);
  [[nodiscard]] std::vector<DatabaseDigest> digest_list() const;
  [[nodiscard]] ScopeMeta meta() const;
  friend bool operator==(const ScopeState&, const ScopeState&) = default;
};

/// A key that no store takes: longer than kKeyBytesMax or of no known family.
[[nodiscard]] Result<void> check_key(const RecordKey& key);
[[nodiscard]] Result<void> check_record(const RecordKey& key, const RecordValue& value);

/// Checks a PutChanges against the scope as it is: sequences ascend and begin at 1 or later, no
/// record is too large, the epoch is not older than the newest one, and a new epoch brings no old
/// sequence.
[[nodiscard]] Result<void> check_put(const ScopeState& state, const PutChanges& put);
/// Begins the epoch of an accepted put, if the history does not end with it.
void begin_epoch(ScopeState& state, Epoch epoch);
/// Checks that records ascend strictly and lie in (after, through].
[[nodiscard]] Result<void> check_replace(const ReplaceRange& replace);
/// Checks that epochs ascend and starts do not fall.
[[nodiscard]] Result<void> check_meta(const PutMeta& put);
/// Takes over the meta; digests stay.
void apply_meta(ScopeState& state, const ScopeMeta& meta);
/// The floor that a RaiseFloor leads to: never lower than before, never above `last`.
[[nodiscard]] Sequence raised_floor(const ScopeState& state, Sequence asked);

/// Bytes that a record or change counts for against `max_bytes` of a scan.
[[nodiscard]] std::size_t scan_cost(const RecordKey& key, const RecordValue* value);

/// Sums a key-ordered scan of unknown length in at most `parts` ranges of equal size (the last one
/// may be smaller): whenever `parts` ranges are full, neighbours are merged and the size doubles.
class RangeSummer {
 public:
  RangeSummer(std::uint32_t parts, std::optional<RecordKey> through);
  void add(const RecordKey& key, const Digest& digest);
  /// The ranges; the last one ends where the request ended.
  [[nodiscard]] std::vector<RangeSum> finish() &&;

 private:
  void halve();

  std::size_t parts_;
  std::uint64_t size_ = 1;  // records per range
  std::optional<RecordKey> through_;
  std::vector<RangeSum> sums_;
};

[[nodiscard]] ScopeId scope_of(const StoreRequest& request);
[[nodiscard]] bool is_read(const StoreRequest& request);

}  // namespace hotpair::checkpoint::store
