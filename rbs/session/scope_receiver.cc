#include "rbs/session/scope_receiver.h"

#include <algorithm>
#include <utility>

#include "checkpoint/record/digest.h"
#include "rbs/session/scope_sender.h"

namespace hotpair::rbs::session {

using checkpoint::RecordChange;

namespace {

constexpr std::size_t kSumsAtOnce = 16;
constexpr std::uint64_t kProgressEvery = 8192;

}  // namespace

// ---- frames ----

void ScopeReceiver::on_begin(const BulkBegin& frame, TimePoint now) {
  if (frame.history.empty() || !checkpoint::journal::is_valid(frame.history) ||
      frame.term < frame.history.back().epoch.term)
    return core_.fail(Reason::out_of_order, "BulkBegin with a history that cannot be");
  const bool delta = frame.kind == SyncKind::delta;
  if (delta && (frame.base != journal_->last() || journal_->incomplete()))
    return core_.fail(Reason::out_of_order, "delta from a point where our copy is not");
  ++round_;
  in_sync_ = true;
  ended_ = false;
  walked_ = false;
  cursor_.reset();
  ranges_.clear();
  sync_ = frame.sync;
  kind_ = frame.kind;
  history_ = frame.history;
  progress_ = 0;
  expected_ = frame.records;
  may_ack_ = delta && !degraded_;
  ack_due_ = false;
  ended_in_engines_ = false;
  set_complete(false);
  if (delta) {
    committed_ = frame.base;
  } else {
    ++(frame.kind == SyncKind::bulk ? bulks_ : repairs_);
    // What another bulk left to be fed comes with this one.
    if (frame.kind == SyncKind::bulk) begin_feed();
    checkpoint::ScopeMeta meta{frame.history, frame.base, frame.base, true, {}};
    checkpoint::journal::truncate_history(meta.history, meta.last);
    meta.digests = journal_->digests();
    journal_->adopt(meta);
    committed_ = Sequence{};
    Item item;
    item.kind = Kind::begin;
    accept(std::move(item), checkpoint::PutMeta{scope_, std::move(meta)}, now);
  }
  report_progress();
}

bool ScopeReceiver::check_record(const RecordKey& key, std::size_t value_bytes) {
  if (key.key.size() <= checkpoint::kKeyBytesMax &&
      key.key.size() + value_bytes <= checkpoint::kRecordBytesMax &&
      (key.family == Family::ipv4 || key.family == Family::ipv6))
    return true;
  core_.fail(Reason::limit, "a record over its size limit, or of no known family");
  return false;
}

void ScopeReceiver::on_bulk(BulkRecords&& frame, TimePoint now) {
  if (!in_sync_ || kind_ != SyncKind::bulk || walked_ || frame.after != cursor_)
    return core_.fail(Reason::out_of_order, "a bulk slice that does not follow the one before");
  Item item;
  item.kind = Kind::bulk;
  item.through = frame.through;
  item.to_end = !frame.through;
  item.records = frame.records.size();
  item.feed = feed_number_;
  feed_at_ = now + core_.config.feed_pause;
  on_slice(std::move(item),
           {scope_, std::move(frame.after), std::move(frame.through), std::move(frame.records)},
           now);
}

void ScopeReceiver::on_repair(Repair&& frame, TimePoint now) {
  if (!in_sync_ || kind_ != SyncKind::repair || walked_ || ended_ || ranges_.empty() ||
      compared_ < ranges_.size() || frame.after < cursor_)
    return core_.fail(Reason::out_of_order, "a repair that was not asked for");
  Item item;
  item.kind = Kind::repair;
  on_slice(std::move(item),
           {scope_, std::move(frame.after), std::move(frame.through), std::move(frame.records)},
           now);
}

void ScopeReceiver::on_slice(Item item, checkpoint::ReplaceRange range, TimePoint now) {
  const auto& [scope, after, through, records] = range;
  if (records.size() > kRecordsMax) return core_.fail(Reason::limit, "too many records in a slice");
  item.epoch = journal_->epoch();
  const RecordKey* previous = after ? &*after : nullptr;
  for (const Record& record : records) {
    if (!check_record(record.key, record.value.bytes.size())) return;
    if ((previous != nullptr && record.key <= *previous) || (through && *through < record.key))
      return core_.fail(Reason::out_of_order, "records of a slice out of key order");
    previous = &record.key;
  }
  if (through && after && *through <= *after)
    return core_.fail(Reason::out_of_order, "a slice that ends before it begins");
  const std::uint64_t before = progress_ / kProgressEvery;
  progress_ += records.size();
  cursor_ = through;
  if (!through) walked_ = true;
  item.bytes = cost_of(records);
  // The engines get a bulk from the store, unless that fails.
  if (item.kind == Kind::repair || degraded_) {
    item.changes.reserve(records.size());
    for (const Record& record : records) item.changes.push_back({record.key, record.value});
  }
  accept(std::move(item), std::move(range), now);
  if (progress_ / kProgressEvery != before) report_progress();
}

void ScopeReceiver::on_live(LiveRecords&& frame, TimePoint now) {
  if (!in_sync_) return core_.fail(Reason::out_of_order, "records before BulkBegin");
  if (frame.changes.empty() || frame.changes.size() > kRecordsMax)
    return core_.fail(Reason::limit, "no records, or too many, in a frame");
  if (frame.epoch < journal_->epoch() || frame.term < frame.epoch.term)
    return core_.fail(Reason::out_of_order, "records of an epoch that is over");
  Item item;
  item.epoch = frame.epoch;
  Sequence previous = journal_->last();
  std::uint64_t deletions = 0;
  item.changes.reserve(frame.changes.size());
  for (const SequencedChange& one : frame.changes) {
    const auto& value = one.change.value;
    if (!check_record(one.change.key, value ? value->bytes.size() : 0)) return;
    if (one.sequence <= previous)
      return core_.fail(Reason::out_of_order, "records out of sequence");
    previous = one.sequence;
    if (!value) ++deletions;
    item.changes.push_back(one.change);
  }
  item.sequence = previous;
  item.bytes = cost_of(frame.changes);
  journal_->received(frame.epoch, previous, deletions);
  accept(std::move(item), checkpoint::PutChanges{scope_, frame.epoch, std::move(frame.changes)},
         now);
}

void ScopeReceiver::on_ranges(const Ranges& frame, TimePoint now) {
  if (!in_sync_ || kind_ != SyncKind::repair || !ranges_.empty() || frame.sums.empty() || ended_)
    return core_.fail(Reason::out_of_order, "ranges that do not belong to a repair");
  if (frame.sums.size() > kRangesMax) return core_.fail(Reason::limit, "too many ranges");
  for (std::size_t i = 0; i < frame.sums.size(); ++i) {
    const auto& through = frame.sums[i].through;
    const bool last = i + 1 == frame.sums.size();
    if (last == through.has_value() || (i > 0 && through && *through <= *frame.sums[i - 1].through))
      return core_.fail(Reason::out_of_order, "ranges out of key order");
  }
  ranges_ = frame.sums;
  asked_ = 0;
  compared_ = 0;
  differing_ranges_.clear();
  ask_sums(now);
}

void ScopeReceiver::ask_sums(TimePoint now) {
  while (asked_ < ranges_.size() && asked_ < compared_ + kSumsAtOnce) {
    checkpoint::SumRanges sum{scope_, std::nullopt, ranges_[asked_].through, 1};
    if (asked_ > 0) sum.after = ranges_[asked_ - 1].through;
    Item item;
    item.kind = Kind::sum;
    ++asked_;
    accept(std::move(item), std::move(sum), now);
  }
}

void ScopeReceiver::on_end(const BulkEnd& frame, TimePoint now) {
  const bool walked =
      kind_ == SyncKind::delta || (kind_ == SyncKind::bulk && walked_) ||
      (kind_ == SyncKind::repair && !ranges_.empty() && compared_ == ranges_.size());
  if (!in_sync_ || ended_ || !walked)
    return core_.fail(Reason::out_of_order, "BulkEnd before the end");
  ended_ = true;
  checkpoint::ScopeMeta meta = journal_->meta();
  meta.last = std::max(meta.last, frame.target);
  // Records of a bulk or repair are not in our sequence index, so it begins here.
  if (kind_ != SyncKind::delta) meta.floor = meta.last;
  if (journal_->epoch() <= history_.back().epoch) meta.history = history_;
  checkpoint::journal::truncate_history(meta.history, meta.last);
  journal_->adopt(meta);
  meta.incomplete = false;
  Item item;
  item.kind = Kind::end;
  item.sequence = meta.last;
  accept(std::move(item), checkpoint::PutMeta{scope_, std::move(meta)}, now);
}

void ScopeReceiver::on_digests(const Digests& frame, TimePoint now) {
  if (!in_sync_ || !ended_)
    return core_.fail(Reason::out_of_order, "digests before the copy is complete");
  if (frame.digests.size() > kDatabasesMax) return core_.fail(Reason::limit, "too many digests");
  Item item;
  item.kind = Kind::digest;
  item.sequence = frame.at;
  item.digests = frame.digests;
  accept(std::move(item), checkpoint::ReadMeta{scope_}, now);
}

// ---- the pipeline ----

void ScopeReceiver::accept(Item item, RequestBody body, TimePoint now) {
  item.round = round_;
  item.bytes += 64;
  core_.store_bytes += item.bytes;
  ++core_.store_requests;
  if (degraded_ && item.kind != Kind::probe) {
    // What the store missed makes it worthless until it is filled anew; the engines go on.
    item.answered = true;
    item.failed = true;
    pipeline_.push_back(std::move(item));
    return settle_answers(now);
  }
  item.request = core_.ask(scope_, std::move(body));
  pipeline_.push_back(std::move(item));
}

void ScopeReceiver::release(const Item& item) {
  core_.store_bytes -= item.bytes;
  --core_.store_requests;
}

bool ScopeReceiver::on_store_reply(checkpoint::StoreReply&& reply, TimePoint now) {
  if (abandoned_.erase(reply.id) == 1) {
    if (!std::holds_alternative<checkpoint::StoreFailed>(reply.body)) return true;
    journal_->set_torn(true);
    core_.effects.push(
        StoreDegraded{scope_, true, std::get<checkpoint::StoreFailed>(reply.body).error.detail});
    return true;
  }
  const auto item = std::find_if(pipeline_.begin(), pipeline_.end(),
                                 [&](const Item& one) { return one.request == reply.id; });
  if (item == pipeline_.end()) return false;
  take_answer(*item, std::move(reply));
  settle_answers(now);
  return true;
}

void ScopeReceiver::take_answer(Item& item, checkpoint::StoreReply&& reply) {
  item.answered = true;
  if (const auto* failure = std::get_if<checkpoint::StoreFailed>(&reply.body)) {
    item.failed = true;
    failure_ = failure->error.detail;
  } else if (auto* done = std::get_if<checkpoint::Committed>(&reply.body)) {
    journal_->set_digests(std::move(done->digests));
  } else if (auto* replaced = std::get_if<checkpoint::RangeReplaced>(&reply.body)) {
    journal_->set_digests(std::move(replaced->digests));
    for (RecordKey& key : replaced->removed) item.changes.push_back({std::move(key), std::nullopt});
  } else if (auto* slice = std::get_if<checkpoint::RecordSlice>(&reply.body)) {
    item.records = slice->records.size();
    if (!slice->done && item.records > 0) {
      item.through = slice->records.back().key;
      item.to_end = false;
    }
    item.changes.reserve(slice->records.size());
    for (Record& record : slice->records)
      item.changes.push_back({std::move(record.key), std::move(record.value)});
  } else if (auto* read = std::get_if<checkpoint::MetaRead>(&reply.body)) {
    item.read = std::move(read->meta);
  } else if (const auto* sums = std::get_if<checkpoint::RangeSums>(&reply.body)) {
    DatabaseDigest total;
    for (const RangeSum& one : sums->sums) {
      total.records += one.records;
      total.digest = checkpoint::add(total.digest, one.digest);
    }
    item.digests = {total};
  }
}

void ScopeReceiver::settle_answers(TimePoint now) {
  if (settling_) return;  // what an item adds is settled by the loop below
  settling_ = true;
  while (settled_ < pipeline_.size() && pipeline_[settled_].answered)
    settle(pipeline_[settled_++], now);
  settling_ = false;
  retire(now);
}

void ScopeReceiver::settle(Item& item, TimePoint now) {
  switch (item.kind) {
    case Kind::begin:
      item.forget = journal_->torn();
      if (item.failed) degrade(now);
      return;
    case Kind::live:
      return settle_live(item, now);
    case Kind::bulk:
      return settle_bulk(item, now);
    case Kind::repair:
      if (item.failed) degrade(now);
      return;
    case Kind::feed:
      fed_ = true;
      if (item.failed && feed_ && item.feed == feed_number_) degrade(now);
      return;
    case Kind::end:
      return settle_end(item, now);
    case Kind::digest:
      return settle_digest(item, now);
    case Kind::sum:
      return settle_sum(item, now);
    case Kind::probe:
      return settle_probe(item, now);
  }
}

void ScopeReceiver::settle_live(const Item& item, TimePoint now) {
  if (item.failed) return degrade(now);
  if (item.round != round_) return;
  committed_ = std::max(committed_, item.sequence);
  if (may_ack_) ack_due_ = true;
}

void ScopeReceiver::settle_bulk(const Item& item, TimePoint now) {
  if (item.failed) return degrade(now);
  if (!feed_ || item.feed != feed_number_) return;
  feed_->through = item.through;
  feed_->to_end = item.to_end;
  count_unfed(feed_->records + item.records);
}

void ScopeReceiver::settle_end(const Item& item, TimePoint now) {
  if (item.failed) return degrade(now);
  if (item.round != round_ || degraded_) return;
  journal_->set_incomplete(false);
  journal_->set_torn(false);
  committed_ = std::max(committed_, item.sequence);
  if (!in_sync_) return;
  may_ack_ = true;
  ack_due_ = true;
}

void ScopeReceiver::settle_digest(const Item& item, TimePoint now) {
  if (item.round != round_ || !in_sync_ || !core_.up) return;
  Digests answer{scope_, sync_, item.sequence, true, false, {}};
  if (item.read && item.read->last == item.sequence && !degraded_) {
    answer.conclusive = true;
    answer.digests = item.read->digests;
    journal_->set_digests(item.read->digests);
    differing_ = differing_databases(answer.digests, item.digests);
    digest_state_ = differing_.empty() ? DigestState::equal : DigestState::different;
    if (!differing_.empty()) {
      ++mismatches_;
      core_.effects.push(DigestMismatch{scope_, item.sequence, differing_});
    }
    core_.effects.push(DigestChecked{scope_, item.sequence, differing_.empty()});
  }
  core_.send(std::move(answer), now);
}

void ScopeReceiver::settle_sum(const Item& item, TimePoint now) {
  if (item.round != round_ || !in_sync_ || compared_ >= ranges_.size()) return;
  const RangeSum& theirs = ranges_[compared_];
  const bool equal = !item.failed && !item.digests.empty() &&
                     item.digests[0].records == theirs.records &&
                     item.digests[0].digest == theirs.digest;
  if (!equal) differing_ranges_.push_back(static_cast<std::uint32_t>(compared_));
  ++compared_;
  if (compared_ < ranges_.size()) return ask_sums(now);
  if (core_.up) core_.send(RangesDiffer{scope_, sync_, differing_ranges_}, now);
}

// ---- a store that fails ----

void ScopeReceiver::degrade(TimePoint now) {
  if (degraded_) return;
  degraded_ = true;
  may_ack_ = false;
  ack_due_ = false;
  // Records of a bulk that the engines do not have come again, and go to them past the store.
  const auto from_bulk = [](const Item& item) { return item.kind == Kind::bulk; };
  const auto first =
      pipeline_.begin() + (settled_ > 0 ? static_cast<std::ptrdiff_t>(settled_) - 1 : 0);
  if ((feed_ && feed_->pending()) || std::any_of(first, pipeline_.end(), from_bulk))
    resync_wanted_ = true;
  end_feed();
  journal_->set_torn(true);
  journal_->set_incomplete(true);
  set_complete(false);
  retry_at_ = now + core_.config.store_retry;
  core_.effects.push(StoreDegraded{scope_, true, failure_});
}

void ScopeReceiver::on_timeout(TimePoint now) {
  if (apply_at_ && *apply_at_ <= now)
    apply_slice(now);
  else
    continue_feed(now);
  if (!retry_at_ || now < *retry_at_) return;
  retry_at_.reset();
  Item item;
  item.kind = Kind::probe;
  accept(std::move(item), checkpoint::PutMeta{scope_, journal_->meta()}, now);
}

void ScopeReceiver::settle_probe(const Item& item, TimePoint now) {
  if (item.failed) {
    retry_at_ = now + core_.config.store_retry;
    return;
  }
  degraded_ = false;
  resync_wanted_ = true;
  core_.effects.push(StoreDegraded{scope_, false, {}});
}

bool ScopeReceiver::take_resync_wanted() { return std::exchange(resync_wanted_, false); }

// ---- connection, takeover ----

void ScopeReceiver::leave_sync() {
  const bool was = in_sync_;
  in_sync_ = false;
  may_ack_ = false;
  ack_due_ = false;
  if (was) report_progress();
}

void ScopeReceiver::pump(TimePoint now) {
  if (!ack_due_ || !core_.up || core_.output_bytes >= core_.config.output_bytes) return;
  ack_due_ = false;
  core_.send(Ack{scope_, sync_, journal_->epoch(), committed_}, now);
}

void ScopeReceiver::set_complete(bool complete) {
  if (complete_ == complete) return;
  complete_ = complete;
  core_.effects.push(ScopeComplete{scope_, Direction::receiving, complete});
}

SyncState ScopeReceiver::state() const {
  if (!in_sync_) return SyncState::none;
  if (complete_) return SyncState::synced;
  switch (kind_) {
    case SyncKind::bulk:
      return SyncState::bulk;
    case SyncKind::delta:
      return SyncState::delta;
    case SyncKind::repair:
      return SyncState::repair;
  }
  return SyncState::none;
}

void ScopeReceiver::report_progress() {
  core_.effects.push(ScopeProgress{scope_, Direction::receiving, state(), progress_});
}

}  // namespace hotpair::rbs::session
