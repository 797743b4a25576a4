#include "checkpoint/journal/journal.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "platform/base/assert.h"

namespace hotpair::checkpoint::journal {

namespace {

/// What an entry costs in memory, about: the value, and its key twice.
std::size_t cost_of(const RecordChange& change) {
  return 160 + 2 * change.key.key.size() + (change.value ? change.value->bytes.size() : 0);
}

}  // namespace

std::size_t Journal::KeyHash::operator()(const RecordKey& key) const noexcept {
  const std::size_t head = (std::size_t{key.vrf.value()} << 16U) ^
                           (std::size_t{key.database} << 8U) ^ static_cast<std::size_t>(key.family);
  return std::hash<std::string_view>{}(as_text(key.key)) ^ (head * 0x9e3779b97f4a7c15ULL);
}

Journal::Journal(ScopeId scope, const JournalConfig& config, RequestIds& ids)
    : scope_(scope), config_(config), ids_(ids) {}

void Journal::restore(const ScopeMeta& meta) { adopt(meta); }

void Journal::adopt(const ScopeMeta& meta) {
  HA_ASSERT(!writing_);
  meta_ = meta;
  truncate_history(meta_.history, meta_.last);
  drop_window();
}

Epoch Journal::epoch() const {
  return meta_.history.empty() ? Epoch{} : meta_.history.back().epoch;
}

// ---- as master ----

Epoch Journal::begin(Term term, TimePoint now) {
  static_cast<void>(now);
  if (!writing_) drop_window();
  writing_ = true;
  truncate_history(meta_.history, meta_.last);
  // A line that ends in a larger term cannot go on in this one, and of an unfinished bulk or repair
  // nobody knows at which point of its line it is: nothing is in common, peers get a bulk.
  if (meta_.incomplete || (!meta_.history.empty() && term < meta_.history.back().epoch.term))
    meta_.history.clear();
  const Epoch newest = epoch();
  const bool again = !meta_.history.empty() && newest.term == term;
  begin_epoch(meta_.history, Epoch{term, again ? newest.restarts + 1 : 0}, meta_.last);
  // The index of an unfinished bulk does not know what happened before it.
  if (meta_.incomplete || torn_) meta_.floor = meta_.last;
  meta_.incomplete = false;
  // Changes that are still to be handed to the store come after this; they must not look old.
  ScopeMeta meta = meta_;
  meta.last = submitted_;
  ask(PutMeta{scope_, std::move(meta)});
  return epoch();
}

void Journal::end() {
  if (!writing_) return;
  if (in_flight_) others_in_flight_.emplace(*in_flight_, true);
  in_flight_.reset();
  while (window_.upper_bound(submitted_) != window_.end()) {
    const RequestId id = ids_.next();
    others_in_flight_.emplace(id, true);
    requests_.push_back({id, next_batch()});
  }
  if (degraded_) torn_ = true;
  writing_ = false;
  degraded_ = false;
  retry_at_.reset();
  statistics_.restart_transmission({});  // this line sends no more
  drop_window();
}

void Journal::drop_window() {
  window_.clear();
  by_key_.clear();
  window_bytes_ = 0;
  window_after_ = meta_.last;
  submitted_ = meta_.last;
  committed_ = meta_.last;
  acked_ = std::min(acked_, meta_.last);
  sent_ = std::min(sent_, meta_.last);
}

bool Journal::fits(const RecordChange& change) {
  const std::size_t value = change.value ? change.value->bytes.size() : 0;
  if (change.key.key.size() > kKeyBytesMax || change.key.key.size() + value > kRecordBytesMax)
    return false;
  // What the store has is evicted, so only a store that fails or hangs lets the window grow.
  if (window_.size() < config_.unstored_records || by_key_.contains(change.key)) return true;
  torn_ = true;
  return false;
}

Sequence Journal::append(RecordChange change, TimePoint now) {
  HA_ASSERT(writing_);
  const std::uint8_t database = change.key.database;
  statistics_.on_append(database);
  if (!fits(change)) {
    statistics_.on_superseded(database);
    statistics_.on_failure(database);
    return meta_.last;
  }
  const Sequence sequence{meta_.last.value() + 1};
  meta_.last = sequence;
  if (!change.value) ++deletions_;
  ++unswept_;
  const auto [old, fresh] = by_key_.try_emplace(change.key, sequence);
  if (!fresh) {
    if (old->second > sent_) statistics_.on_superseded(database);
    const auto entry = window_.find(old->second);
    window_bytes_ -= cost_of(entry->second.change);
    window_.erase(entry);
    old->second = sequence;
  }
  window_bytes_ += cost_of(change);
  window_.emplace_hint(window_.end(), sequence, Entry{std::move(change), now});
  submit();
  return sequence;
}

void Journal::reset(TimePoint now) {
  HA_ASSERT(writing_);
  static_cast<void>(now);
  meta_.last = Sequence{meta_.last.value() + 1};
  meta_.floor = meta_.last;
  drop_window();
  if (in_flight_) others_in_flight_.emplace(*in_flight_, false);
  in_flight_.reset();
  degraded_ = false;
  torn_ = false;
  retry_at_.reset();
  deletions_ = 0;
  unswept_ = 0;
  ask(DropScope{scope_});
  ask(PutMeta{scope_, meta_});
}

// ---- as backup ----

void Journal::received(Epoch epoch, Sequence last, std::uint64_t deletions) {
  HA_ASSERT(!writing_);
  if (last <= meta_.last) return;
  begin_epoch(meta_.history, epoch, meta_.last);
  unswept_ += last.value() - meta_.last.value();
  meta_.last = last;
  deletions_ += deletions;
  drop_window();
  raise_floor_if_due();
}

// ---- the store ----

void Journal::ask(decltype(StoreRequest::body) body) {
  const RequestId id = ids_.next();
  others_in_flight_.emplace(id, std::holds_alternative<DropScope>(body));
  requests_.push_back({id, std::move(body)});
}

void Journal::submit() {
  if (in_flight_ || retry_at_ || !writing_) return;
  if (window_.upper_bound(submitted_) == window_.end()) return;
  in_flight_ = ids_.next();
  requests_.push_back({*in_flight_, next_batch()});
}

PutChanges Journal::next_batch() {
  auto entry = window_.upper_bound(submitted_);
  PutChanges put{scope_, epoch(), {}};
  std::size_t bytes = 0;
  while (entry != window_.end() && put.changes.size() < config_.batch_records &&
         bytes < config_.batch_bytes) {
    bytes += cost_of(entry->second.change);
    put.changes.push_back({entry->first, entry->second.change});
    ++entry;
  }
  submitted_ = put.changes.back().sequence;
  return put;
}

std::optional<StoreRequest> Journal::poll_request() {
  if (requests_.empty()) return std::nullopt;
  std::optional<StoreRequest> request(std::move(requests_.front()));
  requests_.pop_front();
  return request;
}

bool Journal::on_store_reply(const StoreReply& reply, TimePoint now) {
  const auto* failure = std::get_if<StoreFailed>(&reply.body);
  const bool failed = failure != nullptr;
  if (in_flight_ == reply.id) {
    in_flight_.reset();
    if (failed) note_failure(failure->error.detail);
    if (const auto* done = std::get_if<Committed>(&reply.body)) meta_.digests = done->digests;
    on_put_answered(!failed, now);
    return true;
  }
  const auto other = others_in_flight_.find(reply.id);
  if (other == others_in_flight_.end()) return false;
  if (failed) {
    note_failure(failure->error.detail);
    if (other->second) torn_ = tail_lost_ = true;
  }
  others_in_flight_.erase(other);
  return true;
}

void Journal::note_failure(const std::string& detail) {
  ++store_failures_;
  store_failure_ = detail;
}

void Journal::on_put_answered(bool committed, TimePoint now) {
  if (committed) {
    committed_ = submitted_;
    if (committed_ == meta_.last) degraded_ = false;
    evict();
    raise_floor_if_due();
  } else {
    for (auto it = window_.upper_bound(committed_); it != window_.end() && it->first <= submitted_;
         ++it)
      statistics_.on_failure(it->second.change.key.database);
    submitted_ = committed_;
    degraded_ = true;
    retry_at_ = now + config_.retry;
  }
  submit();
}

void Journal::on_timeout(TimePoint now) {
  if (!retry_at_ || now < *retry_at_) return;
  retry_at_.reset();
  // Says again where the store is: what failed must not look old to it.
  ScopeMeta meta = meta_;
  meta.last = committed_;
  ask(PutMeta{scope_, std::move(meta)});
  submit();
}

void Journal::evict() {
  while (!window_.empty() && window_.begin()->first <= committed_ &&
         (window_.size() > config_.window_records || window_bytes_ > config_.window_bytes)) {
    const auto oldest = window_.begin();
    window_after_ = oldest->first;
    window_bytes_ -= cost_of(oldest->second.change);
    by_key_.erase(oldest->second.change.key);
    window_.erase(oldest);
  }
}

void Journal::raise_floor_if_due() {
  if (unswept_ < config_.sweep_every || deletions_ == 0 || meta_.incomplete) return;
  Sequence target = writing_ ? std::min(acked_, committed_) : meta_.last;
  // A peer that does not come, or does not acknowledge, gets a bulk one day; one that reads does
  // not.
  if (writing_ && deletions_ > config_.deletions_max) target = std::min(sent_, committed_);
  if (deletions_ > 4 * config_.deletions_max) target = committed_;
  // The newest entry stays, so that the end of the index is the end of the journal.
  if (target >= meta_.last) target = Sequence{meta_.last.value() - 1};
  if (target <= meta_.floor) return;
  unswept_ = 0;
  deletions_ = 0;
  meta_.floor = target;
  ask(RaiseFloor{scope_, target});
}

// ---- for the session ----

std::optional<std::vector<SequencedChange>> Journal::changes_after(Sequence after, Sequence through,
                                                                   std::uint32_t max_records,
                                                                   std::uint32_t max_bytes) const {
  std::vector<SequencedChange> changes;
  if (after >= through) return changes;
  if (after < window_after_) return std::nullopt;
  std::size_t bytes = 0;
  for (auto it = window_.upper_bound(after); it != window_.end() && it->first <= through; ++it) {
    if (changes.size() == max_records || bytes >= max_bytes) break;
    bytes += cost_of(it->second.change);
    changes.push_back({it->first, it->second.change});
  }
  return changes;
}

void Journal::on_sent(const std::vector<SequencedChange>& changes, TimePoint now) {
  for (const SequencedChange& one : changes) {
    const auto entry = window_.find(one.sequence);
    std::optional<TimePoint> appended;
    if (entry != window_.end()) appended = entry->second.appended;
    statistics_.on_sent(one.change.key.database, one.sequence, appended, now);
    sent_ = std::max(sent_, one.sequence);
  }
  if (sent_ == meta_.last) statistics_.on_all_sent();
}

void Journal::on_acked(Sequence through, TimePoint now) {
  acked_ = std::max(acked_, through);
  statistics_.on_acked(through, now);
}

void Journal::on_restart(Sequence after) {
  sent_ = after;
  acked_ = after;
  std::map<std::uint8_t, std::uint64_t> unsent;
  for (auto it = window_.upper_bound(after); it != window_.end(); ++it)
    ++unsent[it->second.change.key.database];
  statistics_.restart_transmission(unsent);
}

}  // namespace hotpair::checkpoint::journal
