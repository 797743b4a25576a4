#include "checkpoint/store/lmdb_read.h"

#include <algorithm>
#include <utility>

#include "checkpoint/record/digest.h"

namespace hotpair::checkpoint::store {
namespace {

constexpr std::size_t kSuspectEntriesMax = 4096;

}  // namespace

/// A walk over the records of one scope in (after, through]; stands on a sound record or at the
/// end.
struct Reader::Range {
  ScopeId scope;
  Slot slot = 0;
  const std::optional<RecordKey>& after;
  const std::optional<RecordKey>& through;
  bool here = false;
  RecordKey key;
  RecordView record;
};

const StoredScope* Reader::find(ScopeId scope) const {
  const auto found = scopes_.find(scope);
  return found == scopes_.end() ? nullptr : &found->second;
}

int Reader::execute(const StoreRequest& request, std::uint64_t reserved_term, ReplyBody& reply) {
  int rc = 0;
  if (txn_) {
    rc = mdb_txn_renew(txn_.get());
  } else {
    MDB_txn* raw = nullptr;
    rc = mdb_txn_begin(environment_.get(), nullptr, MDB_RDONLY, &raw);
    txn_.reset(raw);
  }
  if (rc != 0) {
    txn_.reset();
    return rc;
  }
  reserved_term_ = reserved_term;
  rc = std::visit([&](const auto& body) { return run(body, reply); }, request.body);
  mdb_txn_reset(txn_.get());
  return rc;
}

template <typename Other>
int Reader::run(const Other& request, ReplyBody& reply) {
  reply = StoreFailed{request.scope, {ErrorCode::unsupported, "not a read"}};
  return 0;
}

int Reader::open_cursor(MDB_dbi dbi, CursorPtr& cursor) {
  MDB_cursor* raw = nullptr;
  const int rc = mdb_cursor_open(txn_.get(), dbi, &raw);
  cursor.reset(raw);
  return rc;
}

int Reader::first(MDB_cursor* cursor, Range& range) {
  const RawKey from = raw_key(range.slot, range.after ? *range.after : RecordKey{});
  MDB_val key = to_val(range.after ? from.span() : from.span().first(2));
  MDB_val value;
  const int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  if (rc == MDB_NOTFOUND) return 0;
  if (rc != 0) return rc;
  const bool skip = range.after && std::ranges::equal(to_span(key), from.span());
  return next(cursor, range, skip ? MDB_NEXT : MDB_GET_CURRENT);
}

/// Goes to a record that fits its checksum. The checksum covers the key, so a damaged key does not
/// end the walk.
int Reader::next(MDB_cursor* cursor, Range& range, MDB_cursor_op op) {
  range.here = false;
  for (;; op = MDB_NEXT) {
    MDB_val key;
    MDB_val value;
    const int rc = mdb_cursor_get(cursor, &key, &value, op);
    if (rc == MDB_NOTFOUND) return 0;
    if (rc != 0) return rc;
    const auto record = decode_record(to_span(key), to_span(value));
    auto slotted = record ? decode_raw_key(to_span(key)) : std::nullopt;
    if (!slotted) {
      suspects_.scopes.insert(range.scope);
      continue;
    }
    if (slotted->slot != range.slot) return 0;
    if (range.through && *range.through < slotted->key) return 0;
    range.key = std::move(slotted->key);
    range.record = *record;
    range.here = true;
    return 0;
  }
}

int Reader::run(const ScanRecords& scan, ReplyBody& reply) {
  RecordSlice slice{scan.scope, {}, true};
  const StoredScope* scope = find(scan.scope);
  CursorPtr cursor;
  Range range{scan.scope, scope ? scope->slot : Slot{0}, scan.after, scan.through, false, {}, {}};
  int rc = scope ? open_cursor(environment_.tables().records, cursor) : 0;
  if (scope && rc == 0) rc = first(cursor.get(), range);
  const std::size_t limit = std::max<std::size_t>(scan.max_records, 1);
  std::size_t bytes = 0;
  while (rc == 0 && range.here) {
    if (slice.records.size() == limit || (bytes >= scan.max_bytes && !slice.records.empty())) {
      slice.done = false;
      break;
    }
    Record record{std::move(range.key), range.record.copy()};
    bytes += scan_cost(record.key, &record.value);
    slice.records.push_back(std::move(record));
    rc = next(cursor.get(), range, MDB_NEXT);
  }
  reply = std::move(slice);
  return rc;
}

int Reader::run(const SumRanges& sum, ReplyBody& reply) {
  RangeSummer summer(sum.parts, sum.through);
  const StoredScope* scope = find(sum.scope);
  CursorPtr cursor;
  Range range{sum.scope, scope ? scope->slot : Slot{0}, sum.after, sum.through, false, {}, {}};
  int rc = scope ? open_cursor(environment_.tables().records, cursor) : 0;
  if (scope && rc == 0) rc = first(cursor.get(), range);
  while (rc == 0 && range.here) {
    summer.add(range.key, digest_of(range.key, range.record.copy()));
    rc = next(cursor.get(), range, MDB_NEXT);
  }
  reply = RangeSums{sum.scope, std::move(summer).finish()};
  return rc;
}

/// The change that an index entry stands for; none if entry or record is damaged or superseded.
int Reader::read_change(Slot slot, ByteSpan key, ByteSpan value,
                        std::optional<SequencedChange>& out) {
  out.reset();
  const auto sequence = decode_index_key(key);
  const auto entry = decode_index(key, value);
  auto slotted = entry ? decode_raw_key(entry->raw_key) : std::nullopt;
  if (!sequence || !slotted || slotted->slot != slot) return 0;
  SequencedChange change{*sequence, {std::move(slotted->key), std::nullopt}};
  if (!entry->tombstone) {
    MDB_val k = to_val(entry->raw_key);
    MDB_val v;
    const int rc = mdb_get(txn_.get(), environment_.tables().records, &k, &v);
    if (rc == MDB_NOTFOUND) return 0;
    if (rc != 0) return rc;
    const auto record = decode_record(entry->raw_key, to_span(v));
    if (!record || record->sequence != *sequence) return 0;
    change.change.value = record->copy();
  }
  out = std::move(change);
  return 0;
}

int Reader::run(const ScanChanges& scan, ReplyBody& reply) {
  ChangeSlice slice{scan.scope, {}, true};
  const StoredScope* scope = find(scan.scope);
  const bool none = !scope || scan.after >= scope->state.last;
  CursorPtr cursor;
  int rc = none ? MDB_NOTFOUND : open_cursor(environment_.tables().by_sequence, cursor);
  const Slot slot = scope ? scope->slot : Slot{0};
  const auto from = index_key(slot, Sequence(none ? 0 : scan.after.value() + 1));
  const std::size_t limit = std::max<std::size_t>(scan.max_records, 1);
  std::size_t bytes = 0;
  MDB_val key = to_val(from);
  MDB_val value;
  if (rc == 0) rc = mdb_cursor_get(cursor.get(), &key, &value, MDB_SET_RANGE);
  for (; rc == 0; rc = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT)) {
    if (to_span(key).size() < 2 || ByteReader(to_span(key)).u16() != slot) break;
    std::optional<SequencedChange> change;
    if (rc = read_change(slot, to_span(key), to_span(value), change); rc != 0) return rc;
    if (!change) {
      suspects_.scopes.insert(scan.scope);
      if (suspects_.index_entries.size() < kSuspectEntriesMax)
        suspects_.index_entries.push_back(to_bytes(to_span(key)));
      continue;
    }
    if (slice.changes.size() == limit || (bytes >= scan.max_bytes && !slice.changes.empty())) {
      slice.done = false;
      break;
    }
    bytes += scan_cost(change->change.key,
                       change->change.value ? &*change->change.value : nullptr);
    slice.changes.push_back(std::move(*change));
  }
  reply = std::move(slice);
  return rc == MDB_NOTFOUND ? 0 : rc;
}

int Reader::run(const ReadMeta& read, ReplyBody& reply) {
  const StoredScope* scope = find(read.scope);
  reply = MetaRead{read.scope, scope ? scope->state.meta() : ScopeMeta{}, reserved_term_};
  return 0;
}

}  // namespace hotpair::checkpoint::store
