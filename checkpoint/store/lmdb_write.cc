#include "checkpoint/store/lmdb_write.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <utility>

namespace hotpair::checkpoint::store {
namespace {

const ScopeState kNoScope;

std::array<std::byte, 2> slot_prefix(Slot slot) {
  return {static_cast<std::byte>(slot >> 8U), static_cast<std::byte>(slot & 0xffU)};
}

bool in_slot(ByteSpan key, Slot slot) { return key.size() >= 2 && ByteReader(key).u16() == slot; }

int compare(ByteSpan a, ByteSpan b) {
  const int order = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
  if (order != 0) return order;
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

ReplyBody no_slot(ScopeId scope) {
  return StoreFailed{scope, {ErrorCode::exhausted, "the store holds no more than 65535 scopes"}};
}

}  // namespace

/// Position of the cursor within the range that is replaced.
struct WriteBatch::Existing {
  Slot slot = 0;
  std::optional<RawKey> through;
  bool here = false;  // the cursor is on a record of the range
  MDB_val key{};
  MDB_val value{};
};

ReplyBody committed_reply(ScopeId scope, const StoredScope* stored) {
  if (!stored) return Committed{scope, Sequence{}, {}};
  return Committed{scope, stored->state.last, stored->state.digest_list()};
}

WriteBatch::WriteBatch(const Environment& environment, const ScopeTable& scopes)
    : environment_(environment), committed_(scopes) {}

WriteBatch::~WriteBatch() = default;

int WriteBatch::begin() {
  MDB_txn* raw = nullptr;
  if (const int rc = mdb_txn_begin(environment_.get(), nullptr, 0, &raw); rc != 0) return rc;
  txn_.reset(raw);
  return mdb_cursor_open(raw, environment_.tables().records, &records_);
}

int WriteBatch::execute(const StoreRequest& request, ReplyBody& reply) {
  recount_needed_ = false;
  const int rc = std::visit([&](const auto& body) { return run(body, reply); }, request.body);
  if (rc != 0 || !recount_needed_) return rc;
  if (const int counted = recount(scope_of(request)); counted != 0) return counted;
  // The digests of the answer are those after the count.
  const StoredScope* stored = find(scope_of(request));
  if (!stored) return 0;
  if (auto* done = std::get_if<Committed>(&reply)) done->digests = stored->state.digest_list();
  if (auto* done = std::get_if<RangeReplaced>(&reply)) done->digests = stored->state.digest_list();
  return 0;
}

int WriteBatch::commit(ScopeTable& scopes) {
  const MDB_dbi meta = environment_.tables().meta;
  for (const auto& [scope, stored] : touched_) {
    const Bytes key_bytes = meta_key(scope);
    MDB_val key = to_val(key_bytes);
    int rc = 0;
    if (stored) {
      const Bytes bytes = encode_scope(scope, *stored);
      MDB_val value = to_val(bytes);
      rc = mdb_put(txn_.get(), meta, &key, &value, 0);
    } else {
      rc = mdb_del(txn_.get(), meta, &key, nullptr);
      if (rc == MDB_NOTFOUND) rc = 0;
    }
    if (rc != 0) return rc;
  }
  if (const int rc = mdb_txn_commit(txn_.release()); rc != 0) return rc;
  for (auto& [scope, stored] : touched_) {
    if (stored)
      scopes[scope] = std::move(*stored);
    else
      scopes.erase(scope);
  }
  touched_.clear();
  return 0;
}

StoredScope* WriteBatch::find(ScopeId scope) {
  if (const auto touched = touched_.find(scope); touched != touched_.end())
    return touched->second ? &*touched->second : nullptr;
  const auto found = committed_.find(scope);
  if (found == committed_.end()) return nullptr;
  return &*touched_.emplace(scope, found->second).first->second;
}

StoredScope* WriteBatch::obtain(ScopeId scope) {
  if (StoredScope* found = find(scope)) return found;
  std::set<Slot> used;
  for (const auto& [id, stored] : committed_)
    if (!touched_.contains(id)) used.insert(stored.slot);
  for (const auto& [id, stored] : touched_)
    if (stored) used.insert(stored->slot);
  Slot slot = 0;
  for (const Slot taken : used) {
    if (taken != slot) break;
    if (++slot == 0) return nullptr;
  }
  StoredScope fresh;
  fresh.slot = slot;
  return &*touched_.insert_or_assign(scope, std::move(fresh)).first->second;
}

bool WriteBatch::has_highest_slot(Slot slot) const {
  for (const auto& [id, stored] : committed_)
    if (stored.slot > slot) return false;
  for (const auto& [id, stored] : touched_)
    if (stored && stored->slot > slot) return false;
  return true;
}

template <typename Other>
int WriteBatch::run(const Other& request, ReplyBody& reply) {
  reply = StoreFailed{request.scope, {ErrorCode::unsupported, "not a write"}};
  return 0;
}

// ---- changes ----

int WriteBatch::run(const PutChanges& put, ReplyBody& reply) {
  const StoredScope* known = find(put.scope);
  if (auto good = check_put(known ? known->state : kNoScope, put); !good) {
    reply = StoreFailed{put.scope, good.error()};
    return 0;
  }
  StoredScope* scope = obtain(put.scope);
  if (!scope) {
    reply = no_slot(put.scope);
    return 0;
  }
  begin_epoch(scope->state, put.epoch);
  const bool append = has_highest_slot(scope->slot);
  for (const SequencedChange& change : put.changes) {
    if (change.sequence <= scope->state.last) continue;
    if (const int rc = apply(*scope, change, append); rc != 0) return rc;
  }
  reply = committed_reply(put.scope, scope);
  return 0;
}

int WriteBatch::apply(StoredScope& scope, const SequencedChange& change, bool append) {
  const RecordKey& key = change.change.key;
  const RawKey raw = raw_key(scope.slot, key);
  if (const int rc = forget_old(scope, key, raw.span(), !change.change.value); rc != 0) return rc;
  if (change.change.value) {
    scope.state.add_record(key, *change.change.value);
    if (const int rc = put_record(raw.span(), change.sequence, *change.change.value); rc != 0)
      return rc;
  } else {
    const auto grave = encode_grave(raw.span(), change.sequence);
    MDB_val k = to_val(raw.span());
    MDB_val v = to_val(grave);
    if (const int rc = mdb_put(txn_.get(), environment_.tables().graves, &k, &v, 0); rc != 0)
      return rc;
  }
  scope.state.last = change.sequence;
  return put_index(scope.slot, change, raw.span(), append);
}

/// Takes the old record of a key, or its grave, out of digest and index; `erase` deletes the
/// record.
int WriteBatch::forget_old(StoredScope& scope, const RecordKey& key, ByteSpan raw, bool erase) {
  MDB_val k = to_val(raw);
  MDB_val v;
  const int found = mdb_cursor_get(records_, &k, &v, MDB_SET_KEY);
  if (found == MDB_NOTFOUND) return dig_up(scope.slot, raw);
  if (found != 0) return found;
  Sequence sequence;
  if (const auto old = decode_record(raw, to_span(v))) {
    sequence = old->sequence;
    scope.state.subtract_record(key, old->copy());
  } else {
    ++damage_.records;
    recount_needed_ = true;
  }
  if (erase)
    if (const int rc = mdb_cursor_del(records_, 0); rc != 0) return rc;
  return drop_sequence(scope.slot, sequence);
}

int WriteBatch::put_index(Slot slot, const SequencedChange& change, ByteSpan raw, bool append) {
  const auto key_bytes = index_key(slot, change.sequence);
  encode_index(buffer_, key_bytes, !change.change.value, raw);
  MDB_val key = to_val(key_bytes);
  MDB_val value = to_val(buffer_);
  const MDB_dbi dbi = environment_.tables().by_sequence;
  int rc = mdb_put(txn_.get(), dbi, &key, &value, append ? MDB_APPEND : 0U);
  if (rc == MDB_KEYEXIST) rc = mdb_put(txn_.get(), dbi, &key, &value, 0);
  return rc;
}

int WriteBatch::put_record(ByteSpan raw, Sequence sequence, const RecordValue& value) {
  encode_record(buffer_, raw, sequence, value);
  MDB_val k = to_val(raw);
  MDB_val v = to_val(buffer_);
  return mdb_cursor_put(records_, &k, &v, 0);
}

int WriteBatch::drop_sequence(Slot slot, Sequence sequence) {
  if (sequence == Sequence{}) return 0;
  return drop_index_entry(index_key(slot, sequence));
}

int WriteBatch::drop_index_entry(ByteSpan key_bytes) {
  MDB_val key = to_val(key_bytes);
  const int rc = mdb_del(txn_.get(), environment_.tables().by_sequence, &key, nullptr);
  return rc == MDB_NOTFOUND ? 0 : rc;
}

int WriteBatch::dig_up(Slot slot, ByteSpan raw) {
  const MDB_dbi graves = environment_.tables().graves;
  MDB_stat stat{};
  if (const int rc = mdb_stat(txn_.get(), graves, &stat); rc != 0 || stat.ms_entries == 0)
    return rc;
  MDB_val key = to_val(raw);
  MDB_val value;
  int rc = mdb_get(txn_.get(), graves, &key, &value);
  if (rc == MDB_NOTFOUND) return 0;
  if (rc != 0) return rc;
  const auto sequence = decode_grave(raw, to_span(value));
  if (rc = mdb_del(txn_.get(), graves, &key, nullptr); rc != 0) return rc;
  if (!sequence) {
    ++damage_.index_entries;
    return 0;
  }
  return drop_sequence(slot, *sequence);
}

// ---- ranges ----

int WriteBatch::run(const ReplaceRange& replace, ReplyBody& reply) {
  if (auto good = check_replace(replace); !good) {
    reply = StoreFailed{replace.scope, good.error()};
    return 0;
  }
  StoredScope* scope = obtain(replace.scope);
  if (!scope) {
    reply = no_slot(replace.scope);
    return 0;
  }
  if (const int rc = clear_graves(scope->slot, replace); rc != 0) return rc;
  RangeReplaced done{replace.scope, {}, {}};
  Existing at{scope->slot, std::nullopt, false, {}, {}};
  if (replace.through) at.through = raw_key(scope->slot, *replace.through);
  int rc = seek(records_, scope->slot, replace.after, at);
  for (const Record& record : replace.records) {
    const RawKey raw = raw_key(scope->slot, record.key);
    while (rc == 0 && at.here && compare(to_span(at.key), raw.span()) < 0)
      rc = remove_existing(*scope, at, &done.removed);
    if (rc != 0) return rc;
    if (at.here && compare(to_span(at.key), raw.span()) == 0) {
      rc = replace_existing(*scope, at, record);
    } else {
      scope->state.add_record(record.key, record.value);
      rc = put_record(raw.span(), Sequence{}, record.value);
      if (rc == 0 && at.here) rc = advance(records_, at, MDB_NEXT);
    }
    if (rc != 0) return rc;
  }
  while (rc == 0 && at.here) rc = remove_existing(*scope, at, &done.removed);
  if (rc != 0) return rc;
  done.digests = scope->state.digest_list();
  reply = std::move(done);
  return 0;
}

int WriteBatch::seek(MDB_cursor* cursor, Slot slot, const std::optional<RecordKey>& after,
                     Existing& at) {
  const auto prefix = slot_prefix(slot);
  if (!after) {
    at.key = to_val(prefix);
    return advance(cursor, at, MDB_SET_RANGE);
  }
  const RawKey raw = raw_key(slot, *after);
  at.key = to_val(raw.span());
  const int rc = advance(cursor, at, MDB_SET_RANGE);
  if (rc == 0 && at.here && compare(to_span(at.key), raw.span()) == 0)
    return advance(cursor, at, MDB_NEXT);
  return rc;
}

int WriteBatch::advance(MDB_cursor* cursor, Existing& at, MDB_cursor_op op) {
  at.here = false;
  const int rc = mdb_cursor_get(cursor, &at.key, &at.value, op);
  if (rc == MDB_NOTFOUND) return 0;
  if (rc != 0) return rc;
  const ByteSpan key = to_span(at.key);
  at.here = in_slot(key, at.slot) && (!at.through || compare(key, at.through->span()) <= 0);
  return 0;
}

/// Deletes the record under the cursor and goes on to the next.
int WriteBatch::remove_existing(StoredScope& scope, Existing& at, std::vector<RecordKey>* removed) {
  auto key = decode_raw_key(to_span(at.key));
  const auto old = decode_record(to_span(at.key), to_span(at.value));
  Sequence sequence;
  if (key && old) {
    sequence = old->sequence;
    scope.state.subtract_record(key->key, old->copy());
  } else {
    ++damage_.records;
    recount_needed_ = true;
  }
  if (const int rc = mdb_cursor_del(records_, 0); rc != 0) return rc;
  if (const int rc = drop_sequence(scope.slot, sequence); rc != 0) return rc;
  if (key && removed) removed->push_back(std::move(key->key));
  return advance(records_, at, MDB_NEXT);
}

int WriteBatch::replace_existing(StoredScope& scope, Existing& at, const Record& record) {
  const RawKey raw = raw_key(scope.slot, record.key);
  const auto old = decode_record(raw.span(), to_span(at.value));
  const bool same = old && old->schema_version == record.value.schema_version &&
                    std::ranges::equal(old->value, record.value.bytes);
  const Sequence sequence = old ? old->sequence : Sequence{};
  if (!old) {
    ++damage_.records;
    recount_needed_ = true;
  } else if (!same) {
    scope.state.subtract_record(record.key, old->copy());
  }
  if (!same) scope.state.add_record(record.key, record.value);
  if (!same || sequence != Sequence{}) {
    if (const int rc = put_record(raw.span(), Sequence{}, record.value); rc != 0) return rc;
    if (const int rc = drop_sequence(scope.slot, sequence); rc != 0) return rc;
  }
  return advance(records_, at, MDB_NEXT);
}

/// Deletions of keys in the range are no news any more: what stands there now is what came.
int WriteBatch::clear_graves(Slot slot, const ReplaceRange& replace) {
  const MDB_dbi graves = environment_.tables().graves;
  MDB_stat stat{};
  if (const int rc = mdb_stat(txn_.get(), graves, &stat); rc != 0 || stat.ms_entries == 0)
    return rc;
  MDB_cursor* raw_cursor = nullptr;
  if (const int rc = mdb_cursor_open(txn_.get(), graves, &raw_cursor); rc != 0) return rc;
  const CursorPtr cursor(raw_cursor);
  Existing at{slot, std::nullopt, false, {}, {}};
  if (replace.through) at.through = raw_key(slot, *replace.through);
  int rc = seek(raw_cursor, slot, replace.after, at);
  while (rc == 0 && at.here) {
    const auto sequence = decode_grave(to_span(at.key), to_span(at.value));
    if (!sequence) ++damage_.index_entries;
    rc = mdb_cursor_del(raw_cursor, 0);
    if (rc == 0 && sequence) rc = drop_sequence(slot, *sequence);
    if (rc == 0) rc = advance(raw_cursor, at, MDB_NEXT);
  }
  return rc;
}

// ---- meta, floor, drop, repair ----

int WriteBatch::run(const PutMeta& put, ReplyBody& reply) {
  if (auto good = check_meta(put); !good) {
    reply = StoreFailed{put.scope, good.error()};
    return 0;
  }
  StoredScope* scope = obtain(put.scope);
  if (!scope) {
    reply = no_slot(put.scope);
    return 0;
  }
  if (put.meta.last < scope->state.last)
    if (const int rc = truncate_index(*scope, put.meta.last); rc != 0) return rc;
  apply_meta(scope->state, put.meta);
  reply = committed_reply(put.scope, scope);
  return 0;
}

/// Forgets index entries above `last`, so that the sequences can be given anew.
int WriteBatch::truncate_index(StoredScope& scope, Sequence last) {
  MDB_cursor* raw_cursor = nullptr;
  int rc = mdb_cursor_open(txn_.get(), environment_.tables().by_sequence, &raw_cursor);
  if (rc != 0) return rc;
  const CursorPtr cursor(raw_cursor);
  const auto first = index_key(scope.slot, Sequence(last.value() + 1));
  MDB_val key = to_val(first);
  MDB_val value;
  rc = mdb_cursor_get(raw_cursor, &key, &value, MDB_SET_RANGE);
  while (rc == 0 && in_slot(to_span(key), scope.slot)) {
    const auto entry = decode_index(to_span(key), to_span(value));
    const Bytes record_key = entry ? to_bytes(entry->raw_key) : Bytes{};
    MDB_val k = to_val(record_key);
    MDB_val v;
    if (!entry) {
      ++damage_.index_entries;
    } else if (entry->tombstone) {
      rc = mdb_del(txn_.get(), environment_.tables().graves, &k, nullptr);
    } else {
      rc = mdb_cursor_get(records_, &k, &v, MDB_SET_KEY);
      const auto record = rc == 0 ? decode_record(record_key, to_span(v)) : std::nullopt;
      if (record) rc = put_record(record_key, Sequence{}, record->copy());
      if (rc == 0 && !record) recount_needed_ = true;
    }
    if (rc != 0 && rc != MDB_NOTFOUND) return rc;
    if (rc = mdb_cursor_del(raw_cursor, 0); rc != 0) return rc;
    rc = mdb_cursor_get(raw_cursor, &key, &value, MDB_NEXT);
  }
  return rc == MDB_NOTFOUND ? 0 : rc;
}

int WriteBatch::run(const RaiseFloor& raise, ReplyBody& reply) {
  StoredScope* scope = obtain(raise.scope);
  if (!scope) {
    reply = no_slot(raise.scope);
    return 0;
  }
  scope->state.floor = raised_floor(scope->state, raise.floor);
  if (const int rc = sweep(*scope); rc != 0) return rc;
  reply = committed_reply(raise.scope, scope);
  return 0;
}

/// Drops deletions up to the floor, as many entries as one request may look at.
int WriteBatch::sweep(StoredScope& scope) {
  ScopeState& state = scope.state;
  MDB_cursor* raw_cursor = nullptr;
  int rc = mdb_cursor_open(txn_.get(), environment_.tables().by_sequence, &raw_cursor);
  if (rc != 0) return rc;
  const CursorPtr cursor(raw_cursor);
  const auto first = index_key(scope.slot, Sequence(state.swept.value() + 1));
  MDB_val key = to_val(first);
  MDB_val value;
  rc = mdb_cursor_get(raw_cursor, &key, &value, MDB_SET_RANGE);
  for (std::size_t looked = 0; looked < kSweepEntriesMax; ++looked) {
    if (rc != 0 && rc != MDB_NOTFOUND) return rc;
    const bool here = rc == 0 && in_slot(to_span(key), scope.slot);
    const auto sequence = here ? decode_index_key(to_span(key)) : std::nullopt;
    if (!sequence || *sequence > state.floor) {
      state.swept = std::max(state.swept, state.floor);
      return 0;
    }
    state.swept = *sequence;
    const auto entry = decode_index(to_span(key), to_span(value));
    if (!entry || entry->tombstone) {
      if (entry) {
        const Bytes record_key = to_bytes(entry->raw_key);
        MDB_val k = to_val(record_key);
        rc = mdb_del(txn_.get(), environment_.tables().graves, &k, nullptr);
        if (rc != 0 && rc != MDB_NOTFOUND) return rc;
      } else {
        ++damage_.index_entries;
      }
      if (rc = mdb_cursor_del(raw_cursor, 0); rc != 0) return rc;
    }
    rc = mdb_cursor_get(raw_cursor, &key, &value, MDB_NEXT);
  }
  return rc == MDB_NOTFOUND ? 0 : rc;
}

int WriteBatch::run(const DropScope& drop, ReplyBody& reply) {
  reply = committed_reply(drop.scope, nullptr);
  const StoredScope* scope = find(drop.scope);
  if (!scope) return 0;
  const Environment::Tables& tables = environment_.tables();
  for (const MDB_dbi dbi : {tables.records, tables.by_sequence, tables.graves})
    if (const int rc = erase_slot(dbi, scope->slot); rc != 0) return rc;
  touched_[drop.scope] = std::nullopt;
  return 0;
}

int WriteBatch::erase_slot(MDB_dbi dbi, Slot slot) {
  MDB_cursor* raw_cursor = nullptr;
  int rc = mdb_cursor_open(txn_.get(), dbi, &raw_cursor);
  if (rc != 0) return rc;
  const CursorPtr cursor(raw_cursor);
  const auto prefix = slot_prefix(slot);
  MDB_val key = to_val(prefix);
  MDB_val value;
  rc = mdb_cursor_get(raw_cursor, &key, &value, MDB_SET_RANGE);
  while (rc == 0 && in_slot(to_span(key), slot)) {
    if (rc = mdb_cursor_del(raw_cursor, 0); rc != 0) return rc;
    rc = mdb_cursor_get(raw_cursor, &key, &value, MDB_NEXT);
  }
  return rc == MDB_NOTFOUND ? 0 : rc;
}

int WriteBatch::recount(ScopeId id) {
  StoredScope* scope = find(id);
  if (!scope) return 0;
  scope->state.digests.clear();
  const auto prefix = slot_prefix(scope->slot);
  MDB_val key = to_val(prefix);
  MDB_val value;
  int rc = mdb_cursor_get(records_, &key, &value, MDB_SET_RANGE);
  while (rc == 0) {
    // The checksum covers the key: a damaged key in the middle does not end the walk.
    const auto record = decode_record(to_span(key), to_span(value));
    const auto slotted = record ? decode_raw_key(to_span(key)) : std::nullopt;
    if (slotted) {
      if (slotted->slot != scope->slot) return 0;
      scope->state.add_record(slotted->key, record->copy());
    } else {
      ++damage_.records;
      if (rc = mdb_cursor_del(records_, 0); rc != 0) return rc;
    }
    rc = mdb_cursor_get(records_, &key, &value, MDB_NEXT);
  }
  return rc == MDB_NOTFOUND ? 0 : rc;
}

}  // namespace hotpair::checkpoint::store
