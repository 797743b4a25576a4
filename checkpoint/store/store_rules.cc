#include "checkpoint/store/store_rules.h"

#include <algorithm>
#include <string>

#include "checkpoint/record/digest.h"

namespace hotpair::checkpoint::store {
namespace {

std::string text(Sequence sequence) { return std::to_string(sequence.value()); }

}  // namespace

void ScopeState::add_record(const RecordKey& key, const RecordValue& value) {
  DatabaseDigest& entry = digests[key.database];
  entry.database = key.database;
  ++entry.records;
  entry.digest = add(entry.digest, digest_of(key, value));
}

void ScopeState::subtract_record(const RecordKey& key, const RecordValue& value) {
  const auto found = digests.find(key.database);
  if (found == digests.end()) return;
  found->second.digest = subtract(found->second.digest, digest_of(key, value));
  if (--found->second.records == 0) digests.erase(found);
}

std::vector<DatabaseDigest> ScopeState::digest_list() const {
  std::vector<DatabaseDigest> list;
  list.reserve(digests.size());
  for (const auto& [database, digest] : digests) list.push_back(digest);
  return list;
}

ScopeMeta ScopeState::meta() const { return {history, last, floor, incomplete, digest_list()}; }

Result<void> check_key(const RecordKey& key) {
  if (key.key.size() > kKeyBytesMax)
    return fail(ErrorCode::refused, "key of " + std::to_string(key.key.size()) +
                                        " bytes, at most " + std::to_string(kKeyBytesMax) +
                                        " are kept");
  if (key.family != Family::ipv4 && key.family != Family::ipv6)
    return fail(ErrorCode::refused, "address family " +
                                        std::to_string(static_cast<unsigned>(key.family)) +
                                        " of a key is neither 4 nor 6");
  return {};
}

Result<void> check_record(const RecordKey& key, const RecordValue& value) {
  if (auto good = check_key(key); !good) return good;
  const std::size_t size = key.key.size() + value.bytes.size();
  if (size > kRecordBytesMax)
    return fail(ErrorCode::refused, "record of " + std::to_string(size) + " bytes, at most " +
                                        std::to_string(kRecordBytesMax) + " are kept");
  return {};
}

Result<void> check_put(const ScopeState& state, const PutChanges& put) {
  const bool begins = state.history.empty() || state.history.back().epoch != put.epoch;
  if (begins && !state.history.empty() && put.epoch < state.history.back().epoch)
    return fail(ErrorCode::refused, "changes of epoch " + to_string(put.epoch) +
                                        ", which is older than " +
                                        to_string(state.history.back().epoch));
  Sequence previous;
  for (const SequencedChange& change : put.changes) {
    if (change.sequence <= previous)
      return fail(ErrorCode::refused, "sequence " + text(change.sequence) + " after " +
                                          text(previous) + ", expected an ascending one");
    previous = change.sequence;
    auto good = change.change.value ? check_record(change.change.key, *change.change.value)
                                    : check_key(change.change.key);
    if (!good) return good;
  }
  if (begins && !put.changes.empty() && put.changes.front().sequence <= state.last)
    return fail(ErrorCode::refused, "epoch " + to_string(put.epoch) + " begins with sequence " +
                                        text(put.changes.front().sequence) +
                                        ", but the store is at " + text(state.last));
  return {};
}

void begin_epoch(ScopeState& state, Epoch epoch) {
  if (!state.history.empty() && state.history.back().epoch == epoch) return;
  state.history.push_back({epoch, state.last});
  if (state.history.size() > kEpochsKept) state.history.erase(state.history.begin());
}

Result<void> check_replace(const ReplaceRange& replace) {
  if (replace.after && replace.through && *replace.through < *replace.after)
    return fail(ErrorCode::refused, "a range that ends before it begins");
  const RecordKey* previous = replace.after ? &*replace.after : nullptr;
  for (const Record& record : replace.records) {
    if (auto good = check_record(record.key, record.value); !good) return good;
    if (previous && record.key <= *previous)
      return fail(ErrorCode::refused, "records of a range are not in ascending order within it");
    previous = &record.key;
  }
  if (replace.through && !replace.records.empty() && *replace.through < replace.records.back().key)
    return fail(ErrorCode::refused, "a record lies beyond the end of its range");
  return {};
}

Result<void> check_meta(const PutMeta& put) {
  const EpochHistory& history = put.meta.history;
  if (history.size() > kEpochsKept)
    return fail(ErrorCode::refused, "epoch history of " + std::to_string(history.size()) +
                                        " entries, at most " + std::to_string(kEpochsKept));
  for (std::size_t i = 1; i < history.size(); ++i)
    if (history[i].epoch <= history[i - 1].epoch ||
        history[i].begins_after < history[i - 1].begins_after)
      return fail(ErrorCode::refused, "epoch history is not ascending");
  return {};
}

void apply_meta(ScopeState& state, const ScopeMeta& meta) {
  state.history = meta.history;
  state.last = meta.last;
  state.floor = meta.floor;
  state.incomplete = meta.incomplete;
  state.swept = std::min(state.swept, meta.last);
}

Sequence raised_floor(const ScopeState& state, Sequence asked) {
  return std::max(state.floor, std::min(asked, state.last));
}

std::size_t scan_cost(const RecordKey& key, const RecordValue* value) {
  constexpr std::size_t kFixed = 16;
  return kFixed + key.key.size() + (value ? value->bytes.size() : 0);
}

RangeSummer::RangeSummer(std::uint32_t parts, std::optional<RecordKey> through)
    : parts_(std::max<std::uint32_t>(parts, 1)), through_(std::move(through)) {}

void RangeSummer::add(const RecordKey& key, const Digest& digest) {
  if (sums_.size() == parts_ && sums_.back().records == size_) halve();
  if (sums_.empty() || sums_.back().records == size_) sums_.emplace_back();
  RangeSum& last = sums_.back();
  last.through = key;
  ++last.records;
  last.digest = checkpoint::add(last.digest, digest);
}

void RangeSummer::halve() {
  std::vector<RangeSum> merged;
  for (std::size_t i = 0; i < sums_.size(); i += 2) {
    merged.push_back(std::move(sums_[i]));
    if (i + 1 == sums_.size()) break;
    merged.back().through = std::move(sums_[i + 1].through);
    merged.back().records += sums_[i + 1].records;
    merged.back().digest = checkpoint::add(merged.back().digest, sums_[i + 1].digest);
  }
  sums_ = std::move(merged);
  size_ *= 2;
}

std::vector<RangeSum> RangeSummer::finish() && {
  if (sums_.empty()) sums_.emplace_back();
  sums_.back().through = std::move(through_);
  return std::move(sums_);
}

ScopeId scope_of(const StoreRequest& request) {
  return std::visit([](const auto& body) { return body.scope; }, request.body);
}

bool is_read(const StoreRequest& request) {
  return std::holds_alternative<ScanRecords>(request.body) ||
         std::holds_alternative<ScanChanges>(request.body) ||
         std::holds_alternative<SumRanges>(request.body) ||
         std::holds_alternative<ReadMeta>(request.body);
}

}  // namespace hotpair::checkpoint::store
