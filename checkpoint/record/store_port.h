#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "checkpoint/record/record.h"
#include "platform/base/result.h"

/// What the brain asks of its store and what the store answers. The store executes requests in the
/// order in which they came, groups them into transactions as it likes, and answers each after the
/// transaction that holds it has committed. LMDB in a thread, or memory in the simulator: the
/// same requests, the same answers.
namespace hotpair::checkpoint {

using RequestId = std::uint64_t;

/// Live changes in ascending sequence, own or received. Each moves its key to the end of the
/// sequence index. A put with an `epoch` that the scope's history does not end with begins it.
struct PutChanges {
  ScopeId scope;
  Epoch epoch;
  std::vector<SequencedChange> changes;
};

/// Replaces what the store holds in (after, through] by `records`: keys of the range that are not
/// among them are deleted. No bound means from the start, to the end. Bulk and repair. The records
/// are sorted by key and get no entry in the sequence index; entries of replaced keys are removed.
struct ReplaceRange {
  ScopeId scope;
  std::optional<RecordKey> after;
  std::optional<RecordKey> through;
  std::vector<Record> records;
};

/// What a scope's store stands for, kept with its records.
struct ScopeMeta {
  EpochHistory history;                 ///< empty: nothing was ever stored
  Sequence last;                        ///< newest change, local or received
  Sequence floor;                       ///< the index knows every deletion after this
  bool incomplete = false;              ///< a bulk or repair was begun and has not ended
  std::vector<DatabaseDigest> digests;  ///< of databases with records, ascending; answers only
  friend bool operator==(const ScopeMeta&, const ScopeMeta&) = default;
};

/// Overwrites the meta of a scope, except the digests, which the store computes.
struct PutMeta {
  ScopeId scope;
  ScopeMeta meta;
};

/// Reads at most `max_records` and about `max_bytes` in key order.
struct ScanRecords {
  ScopeId scope;
  std::optional<RecordKey> after;
  std::optional<RecordKey> through;
  std::uint32_t max_records = 512;
  std::uint32_t max_bytes = 64 * 1024;
};

/// Reads the sequence index from the entry after `after`; values come with it.
struct ScanChanges {
  ScopeId scope;
  Sequence after;
  std::uint32_t max_records = 512;
  std::uint32_t max_bytes = 64 * 1024;
};

/// Sums (after, through] of one scope in at most `parts` consecutive ranges of about equal size, to
/// locate a difference.
struct SumRanges {
  ScopeId scope;
  std::optional<RecordKey> after;
  std::optional<RecordKey> through;
  std::uint32_t parts = 256;
};

struct ReadMeta {
  ScopeId scope;
};
/// Removes a scope with all its records.
struct DropScope {
  ScopeId scope;
};
/// Makes sure, fsynced, that this node never again starts a term of the scope at or below
/// `counter`.
struct ReserveTerm {
  ScopeId scope;
  std::uint64_t counter = 0;
};
/// Drops deletions at or below `floor` from the index.
struct RaiseFloor {
  ScopeId scope;
  Sequence floor;
};

struct StoreRequest {
  RequestId id = 0;
  std::variant<PutChanges, ReplaceRange, PutMeta, ScanRecords, ScanChanges, SumRanges, ReadMeta,
               DropScope, ReserveTerm, RaiseFloor>
      body;
};

/// Answer to PutChanges, PutMeta, DropScope, RaiseFloor and ReserveTerm: it is committed.
struct Committed {
  ScopeId scope;
  Sequence last;  ///< newest sequence of the scope, committed
  std::vector<DatabaseDigest> digests;
};
/// Answer to ReplaceRange: committed, and these keys were deleted since they did not come.
struct RangeReplaced {
  ScopeId scope;
  std::vector<RecordKey> removed;
  std::vector<DatabaseDigest> digests;
};
struct RecordSlice {
  ScopeId scope;
  std::vector<Record> records;
  bool done = false;  ///< nothing more up to `through`
};
struct ChangeSlice {
  ScopeId scope;
  std::vector<SequencedChange> changes;
  bool done = false;
};
struct RangeSum {
  std::optional<RecordKey> through;  ///< inclusive end; nullopt only in the last one: to the end
  std::uint64_t records = 0;
  Digest digest;
  friend bool operator==(const RangeSum&, const RangeSum&) = default;
};
struct RangeSums {
  ScopeId scope;
  std::vector<RangeSum> sums;
};
struct MetaRead {
  ScopeId scope;
  ScopeMeta meta;
  std::uint64_t reserved_term = 0;
};
/// The request was not executed, or its transaction failed: nothing of it is in the store.
struct StoreFailed {
  ScopeId scope;
  Error error;
};

struct StoreReply {
  RequestId id = 0;
  std::variant<Committed, RangeReplaced, RecordSlice, ChangeSlice, RangeSums, MetaRead, StoreFailed>
      body;
};

}  // namespace hotpair::checkpoint
