#include "checkpoint/store/memory_store.h"

#include <algorithm>
#include <utility>

#include "checkpoint/record/digest.h"

namespace hotpair::checkpoint::store {
namespace {

const ScopeState kNoScope;

/// First record after an optional bound.
template <typename Map>
auto begin_after(Map& records, const std::optional<RecordKey>& after) {
  return after ? records.upper_bound(*after) : records.begin();
}

bool beyond(const RecordKey& key, const std::optional<RecordKey>& through) {
  return through && *through < key;
}

}  // namespace

std::vector<StoreReply> MemoryStore::execute(std::span<const StoreRequest> requests) {
  std::vector<StoreReply> replies;
  replies.reserve(requests.size());
  for (const StoreRequest& request : requests) replies.push_back(execute_one(request));
  return replies;
}

StoreReply MemoryStore::execute_one(const StoreRequest& request) {
  return {request.id, std::visit([this](const auto& body) { return run(body); }, request.body)};
}

std::size_t MemoryStore::records() const {
  std::size_t count = 0;
  for (const auto& [id, scope] : scopes_) count += scope.records.size();
  return count;
}

MemoryStore::Body MemoryStore::committed(ScopeId id) const {
  const auto found = scopes_.find(id);
  const ScopeState& state = found == scopes_.end() ? kNoScope : found->second.state;
  return Committed{id, state.last, state.digest_list()};
}

void MemoryStore::forget_index(Scope& scope, const RecordKey& key) {
  if (const auto record = scope.records.find(key); record != scope.records.end())
    scope.by_sequence.erase(record->second.sequence);
  if (const auto grave = scope.graves.find(key); grave != scope.graves.end()) {
    scope.by_sequence.erase(grave->second);
    scope.graves.erase(grave);
  }
}

void MemoryStore::apply(Scope& scope, const SequencedChange& change) {
  if (change.sequence <= scope.state.last) return;
  const RecordKey& key = change.change.key;
  forget_index(scope, key);
  const auto record = scope.records.find(key);
  if (record != scope.records.end()) scope.state.subtract_record(key, record->second.value);
  if (change.change.value) {
    scope.records.insert_or_assign(key, Entry{*change.change.value, change.sequence});
    scope.state.add_record(key, *change.change.value);
  } else {
    if (record != scope.records.end()) scope.records.erase(record);
    scope.graves[key] = change.sequence;
  }
  scope.by_sequence[change.sequence] = {key, !change.change.value};
  scope.state.last = change.sequence;
}

MemoryStore::Body MemoryStore::run(const PutChanges& put) {
  const auto found = scopes_.find(put.scope);
  const ScopeState& state = found == scopes_.end() ? kNoScope : found->second.state;
  if (auto good = check_put(state, put); !good) return StoreFailed{put.scope, good.error()};
  Scope& scope = scopes_[put.scope];
  begin_epoch(scope.state, put.epoch);
  for (const SequencedChange& change : put.changes) apply(scope, change);
  return committed(put.scope);
}

MemoryStore::Body MemoryStore::run(const ReplaceRange& replace) {
  if (auto good = check_replace(replace); !good) return StoreFailed{replace.scope, good.error()};
  Scope& scope = scopes_[replace.scope];
  RangeReplaced reply{replace.scope, {}, {}};
  std::map<RecordKey, Sequence>::iterator grave = begin_after(scope.graves, replace.after);
  while (grave != scope.graves.end() && !beyond(grave->first, replace.through)) {
    scope.by_sequence.erase(grave->second);
    grave = scope.graves.erase(grave);
  }
  auto next = replace.records.begin();
  auto old = begin_after(scope.records, replace.after);
  while (old != scope.records.end() && !beyond(old->first, replace.through)) {
    while (next != replace.records.end() && next->key < old->first) ++next;
    scope.by_sequence.erase(old->second.sequence);
    scope.state.subtract_record(old->first, old->second.value);
    if (next == replace.records.end() || old->first < next->key)
      reply.removed.push_back(old->first);
    old = scope.records.erase(old);
  }
  for (const Record& record : replace.records) {
    scope.records.insert_or_assign(record.key, Entry{record.value, Sequence{}});
    scope.state.add_record(record.key, record.value);
  }
  reply.digests = scope.state.digest_list();
  return reply;
}

MemoryStore::Body MemoryStore::run(const PutMeta& put) {
  if (auto good = check_meta(put); !good) return StoreFailed{put.scope, good.error()};
  Scope& scope = scopes_[put.scope];
  auto entry = scope.by_sequence.upper_bound(put.meta.last);
  while (entry != scope.by_sequence.end()) {
    const RecordKey& key = entry->second.key;
    if (entry->second.tombstone)
      scope.graves.erase(key);
    else
      scope.records.at(key).sequence = Sequence{};
    entry = scope.by_sequence.erase(entry);
  }
  apply_meta(scope.state, put.meta);
  return committed(put.scope);
}

MemoryStore::Body MemoryStore::run(const ScanRecords& scan) const {
  RecordSlice slice{scan.scope, {}, true};
  const auto found = scopes_.find(scan.scope);
  if (found == scopes_.end()) return slice;
  const std::size_t limit = std::max<std::size_t>(scan.max_records, 1);
  std::size_t bytes = 0;
  const auto& records = found->second.records;
  for (auto it = begin_after(records, scan.after); it != records.end(); ++it) {
    if (beyond(it->first, scan.through)) break;
    if (slice.records.size() == limit || (bytes >= scan.max_bytes && !slice.records.empty())) {
      slice.done = false;
      break;
    }
    bytes += scan_cost(it->first, &it->second.value);
    slice.records.push_back({it->first, it->second.value});
  }
  return slice;
}

MemoryStore::Body MemoryStore::run(const ScanChanges& scan) const {
  ChangeSlice slice{scan.scope, {}, true};
  const auto found = scopes_.find(scan.scope);
  if (found == scopes_.end()) return slice;
  const Scope& scope = found->second;
  const std::size_t limit = std::max<std::size_t>(scan.max_records, 1);
  std::size_t bytes = 0;
  for (auto it = scope.by_sequence.upper_bound(scan.after); it != scope.by_sequence.end(); ++it) {
    if (slice.changes.size() == limit || (bytes >= scan.max_bytes && !slice.changes.empty())) {
      slice.done = false;
      break;
    }
    RecordChange change{it->second.key, std::nullopt};
    if (!it->second.tombstone) change.value = scope.records.at(change.key).value;
    bytes += scan_cost(change.key, change.value ? &*change.value : nullptr);
    slice.changes.push_back({it->first, std::move(change)});
  }
  return slice;
}

MemoryStore::Body MemoryStore::run(const SumRanges& sum) const {
  RangeSummer summer(sum.parts, sum.through);
  if (const auto found = scopes_.find(sum.scope); found != scopes_.end()) {
    const auto& records = found->second.records;
    for (auto it = begin_after(records, sum.after); it != records.end(); ++it) {
      if (beyond(it->first, sum.through)) break;
      summer.add(it->first, digest_of(it->first, it->second.value));
    }
  }
  return RangeSums{sum.scope, std::move(summer).finish()};
}

MemoryStore::Body MemoryStore::run(const ReadMeta& read) const {
  const auto found = scopes_.find(read.scope);
  const auto term = reserved_terms_.find(read.scope);
  return MetaRead{read.scope, (found == scopes_.end() ? kNoScope : found->second.state).meta(),
                  term == reserved_terms_.end() ? 0 : term->second};
}

MemoryStore::Body MemoryStore::run(const DropScope& drop) {
  scopes_.erase(drop.scope);
  return committed(drop.scope);
}

MemoryStore::Body MemoryStore::run(const ReserveTerm& reserve) {
  std::uint64_t& counter = reserved_terms_[reserve.scope];
  counter = std::max(counter, reserve.counter);
  return committed(reserve.scope);
}

MemoryStore::Body MemoryStore::run(const RaiseFloor& raise) {
  Scope& scope = scopes_[raise.scope];
  ScopeState& state = scope.state;
  state.floor = raised_floor(state, raise.floor);
  auto entry = scope.by_sequence.upper_bound(state.swept);
  for (std::size_t looked = 0; looked < kSweepEntriesMax; ++looked) {
    if (entry == scope.by_sequence.end() || entry->first > state.floor) {
      state.swept = std::max(state.swept, state.floor);
      break;
    }
    state.swept = entry->first;
    if (entry->second.tombstone) {
      scope.graves.erase(entry->second.key);
      entry = scope.by_sequence.erase(entry);
    } else {
      ++entry;
    }
  }
  return committed(raise.scope);
}

}  // namespace hotpair::checkpoint::store
