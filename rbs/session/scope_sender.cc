#include "rbs/session/scope_sender.h"

#include <algorithm>
#include <map>

namespace hotpair::rbs::session {

using checkpoint::journal::Standing;

namespace {

constexpr std::uint64_t kProgressEvery = 8192;
constexpr unsigned kRepairsInRow = 3;  // then a bulk

}  // namespace

std::vector<std::uint8_t> differing_databases(const std::vector<DatabaseDigest>& a,
                                              const std::vector<DatabaseDigest>& b) {
  std::map<std::uint8_t, int> seen;  // in how many lists, unless equal
  std::vector<std::uint8_t> differing;
  const auto find = [](const std::vector<DatabaseDigest>& in, std::uint8_t database) {
    const auto at = std::find_if(in.begin(), in.end(),
                                 [&](const auto& one) { return one.database == database; });
    return at == in.end() ? DatabaseDigest{database, 0, {}} : *at;
  };
  for (const auto& one : a) seen[one.database] = 0;
  for (const auto& one : b) seen[one.database] = 0;
  for (const auto& [database, unused] : seen)
    if (find(a, database) != find(b, database)) differing.push_back(database);
  return differing;
}

// ---- begin, restart, end ----

void ScopeSender::start(const ScopeState& peer, Term term, checkpoint::journal::Journal& journal,
                        TimePoint now) {
  stop();
  journal_ = &journal;
  term_ = term;
  sync_ = peer.generation;
  ever_started_ = true;
  SyncKind kind = SyncKind::bulk;
  Sequence base = journal.sendable();
  if (!peer.incomplete) {
    switch (
        checkpoint::journal::standing(journal.history(), journal.last(), peer.history, peer.last)) {
      case Standing::on_line:
        if (peer.last >= journal.floor()) {
          kind = SyncKind::delta;
          base = peer.last;
        }
        break;
      case Standing::beyond:
        kind = SyncKind::repair;
        break;
      case Standing::unknown:
        break;
    }
  }
  begin(kind, base, now);
  pump(now);
}

void ScopeSender::stop() {
  set_complete(false);
  const bool reported = phase_ != Phase::idle;
  phase_ = Phase::idle;
  if (reported) report_progress();
  journal_ = nullptr;
  acked_.reset();
  ranges_.clear();
  sums_.clear();
  slice_request_.reset();
  index_request_.reset();
  sums_request_.reset();
  meta_request_.reset();
  retry_at_.reset();
  digest_at_.reset();
  digest_waiting_.reset();
  repairs_in_row_ = 0;
}

void ScopeSender::begin(SyncKind kind, Sequence base, TimePoint now) {
  set_complete(false);
  kind_ = kind;
  progress_ = 0;
  ranges_.clear();
  cursor_.reset();
  slice_request_.reset();
  index_request_.reset();
  sums_request_.reset();
  meta_request_.reset();
  retry_at_.reset();
  digest_at_.reset();
  digest_waiting_.reset();
  acked_.reset();
  if (kind != SyncKind::delta && store_unfit()) {
    phase_ = Phase::store_down;
    report_progress();
    return;
  }
  sent_ = base;
  journal_->on_restart(base);
  expected_ = 0;
  for (const DatabaseDigest& one : journal_->digests()) expected_ += one.records;
  core_.send(BulkBegin{scope_, term_, sync_, kind, journal_->history(), base, expected_}, now);
  switch (kind) {
    case SyncKind::delta:
      target_ = std::max(base, journal_->sendable());
      phase_ = Phase::ending;
      break;
    case SyncKind::bulk:
      ++bulks_;
      ranges_.push_back({});
      phase_ = Phase::scanning;
      break;
    case SyncKind::repair:
      ++repairs_;
      phase_ = Phase::summing;
      sums_request_ = core_.ask(scope_, checkpoint::SumRanges{scope_, std::nullopt, std::nullopt,
                                                              core_.config.range_parts});
      break;
  }
  report_progress();
}

void ScopeSender::restart(SyncKind kind, TimePoint now) {
  begin(kind, journal_->sendable(), now);
  pump(now);
}

void ScopeSender::set_complete(bool complete) {
  if (complete_ == complete) return;
  complete_ = complete;
  core_.effects.push(ScopeComplete{scope_, Direction::sending, complete});
}

SyncState ScopeSender::state() const {
  if (phase_ == Phase::idle || phase_ == Phase::store_down) return SyncState::none;
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

void ScopeSender::report_progress() {
  core_.effects.push(ScopeProgress{scope_, Direction::sending, state(), progress_});
}

// ---- sending ----

bool ScopeSender::store_unfit() const { return journal_->degraded() || journal_->torn(); }

Sequence ScopeSender::live_limit() const {
  // A slice that is being read shows at least what was committed when it was asked for; nothing
  // newer may reach the peer before the slice, or the slice would undo it there.
  return slice_request_ ? std::min(scan_limit_, journal_->sendable()) : journal_->sendable();
}

void ScopeSender::pump(TimePoint now) {
  if (phase_ == Phase::idle || !core_.up || retry_at_) return;
  if (phase_ == Phase::store_down) {
    if (store_unfit()) return;
    return restart(kind_, now);
  }
  const bool walking =
      phase_ == Phase::scanning || phase_ == Phase::summing || phase_ == Phase::comparing;
  // The index has forgotten what is next (too slow a peer, or the journal was reset), or misses it.
  const bool lost = sent_ < journal_->floor() || journal_->torn();
  if (lost || (walking && journal_->degraded())) {
    if (store_unfit()) return begin(SyncKind::bulk, sent_, now);
    return restart(SyncKind::bulk, now);
  }
  send_live(now);
  if (phase_ == Phase::scanning) ask_slice();
  maybe_end(now);
  maybe_compare(now);
}

void ScopeSender::send_live(TimePoint now) {
  while (core_.may_send() && !index_request_) {
    const Sequence limit = live_limit();
    if (sent_ >= limit) return;
    auto changes =
        journal_->changes_after(sent_, limit, core_.config.slice_records, core_.config.slice_bytes);
    if (!changes) {
      index_limit_ = std::min(limit, journal_->committed());  // all that the store can know
      index_request_ =
          core_.ask(scope_, checkpoint::ScanChanges{scope_, sent_, core_.config.slice_records,
                                                    core_.config.slice_bytes});
      return;
    }
    if (changes->empty()) {
      sent_ = limit;  // all of them have newer versions, which follow
      return;
    }
    send_changes(std::move(*changes), now);
  }
}

void ScopeSender::send_changes(std::vector<SequencedChange> changes, TimePoint now) {
  journal_->on_sent(changes, now);
  changed_since_digest_ = true;
  if (complete_) digest_at_ = earliest(digest_at_, now + core_.config.digest_busy);
  sent_ = changes.back().sequence;
  // One frame holds changes of one epoch.
  auto from = changes.begin();
  while (from != changes.end()) {
    const Epoch epoch = checkpoint::journal::epoch_at(journal_->history(), from->sequence);
    auto to = from;
    while (to != changes.end() &&
           checkpoint::journal::epoch_at(journal_->history(), to->sequence) == epoch)
      ++to;
    LiveRecords frame{scope_, term_, sync_, epoch, {}};
    frame.changes.assign(std::make_move_iterator(from), std::make_move_iterator(to));
    core_.send(std::move(frame), now);
    from = to;
  }
}

void ScopeSender::ask_slice() {
  if (slice_request_ || ranges_.empty() || !core_.may_send()) return;
  scan_limit_ = journal_->sendable();
  const auto& after = cursor_ ? cursor_ : ranges_.front().after;
  slice_request_ = core_.ask(
      scope_, checkpoint::ScanRecords{scope_, after, ranges_.front().through,
                                      core_.config.slice_records, core_.config.slice_bytes});
}

void ScopeSender::end_scan() {
  target_ = std::max(sent_, journal_->sendable());
  phase_ = Phase::ending;
}

void ScopeSender::maybe_end(TimePoint now) {
  if (phase_ != Phase::ending || sent_ < target_) return;
  core_.send(BulkEnd{scope_, term_, sync_, target_}, now);
  phase_ = Phase::caught_up;
}

// ---- digests ----

bool ScopeSender::quiet() const {
  return phase_ == Phase::caught_up && complete_ && !journal_->degraded() &&
         sent_ == journal_->last() && journal_->committed() == sent_;
}

void ScopeSender::maybe_compare(TimePoint now) {
  if (!digest_at_ || now < *digest_at_ || meta_request_ || digest_waiting_ || !quiet()) return;
  meta_request_ = core_.ask(scope_, checkpoint::ReadMeta{scope_});
}

void ScopeSender::request_digest(TimePoint now) {
  if (phase_ == Phase::idle) return;
  digest_at_ = now;
  pump(now);
}

void ScopeSender::on_meta(const checkpoint::MetaRead& read, TimePoint now) {
  if (!quiet() || read.meta.last != sent_) {
    digest_at_ = now + core_.config.digest_busy;
    return;
  }
  own_digests_ = read.meta.digests;
  journal_->set_digests(read.meta.digests);
  digest_waiting_ = sent_;
  changed_since_digest_ = false;
  digest_at_.reset();
  core_.send(Digests{scope_, sync_, sent_, false, true, own_digests_}, now);
}

void ScopeSender::on_digests(const Digests& frame, TimePoint now) {
  if (!digest_waiting_ || frame.at != *digest_waiting_) return core_.count(Reason::stale_sync);
  digest_waiting_.reset();
  digest_at_ = now + (changed_since_digest_ || !frame.conclusive ? core_.config.digest_busy
                                                                 : core_.config.digest_idle);
  if (!frame.conclusive) return;
  differing_ = differing_databases(own_digests_, frame.digests);
  digest_state_ = differing_.empty() ? DigestState::equal : DigestState::different;
  if (differing_.empty()) {
    repairs_in_row_ = 0;
    core_.effects.push(DigestChecked{scope_, frame.at, true});
    return;
  }
  ++mismatches_;
  core_.effects.push(DigestMismatch{scope_, frame.at, differing_});
  core_.effects.push(DigestChecked{scope_, frame.at, false});
  restart(++repairs_in_row_ > kRepairsInRow ? SyncKind::bulk : SyncKind::repair, now);
}

// ---- what the peer answers ----

void ScopeSender::on_ack(const Ack& frame, TimePoint now) {
  if (frame.sequence > std::max(sent_, target_))
    return core_.fail(Reason::out_of_order, "acknowledgement of a record that was not sent");
  if (acked_ && frame.sequence < *acked_) return;
  acked_ = frame.sequence;
  journal_->on_acked(frame.sequence, now);
  if (phase_ != Phase::caught_up || complete_ || *acked_ < target_) return;
  set_complete(true);
  report_progress();
  digest_at_ = now;
  maybe_compare(now);
}

void ScopeSender::on_differ(const RangesDiffer& frame, TimePoint now) {
  if (phase_ != Phase::comparing) return core_.count(Reason::stale_sync);
  std::optional<std::uint32_t> previous;
  for (const std::uint32_t index : frame.differing) {
    if (index >= sums_.size() || (previous && index <= *previous))
      return core_.fail(Reason::out_of_order, "range numbers that were not offered");
    KeyRange range{std::nullopt, sums_[index].through};
    if (index > 0) range.after = sums_[index - 1].through;
    if (previous && *previous + 1 == index)
      ranges_.back().through = std::move(range.through);
    else
      ranges_.push_back(std::move(range));
    previous = index;
  }
  phase_ = Phase::scanning;
  if (ranges_.empty()) end_scan();
  pump(now);
}

// ---- what our store answers ----

bool ScopeSender::on_store_reply(checkpoint::StoreReply&& reply, TimePoint now) {
  const auto is = [&](std::optional<checkpoint::RequestId>& request) {
    if (request != reply.id) return false;
    request.reset();
    return true;
  };
  const bool failed = std::holds_alternative<checkpoint::StoreFailed>(reply.body);
  if (is(meta_request_)) {
    if (const auto* read = std::get_if<checkpoint::MetaRead>(&reply.body)) on_meta(*read, now);
    if (failed) digest_at_ = now + core_.config.digest_idle;
    return true;
  }
  if (is(slice_request_)) {
    auto* slice = std::get_if<checkpoint::RecordSlice>(&reply.body);
    slice != nullptr ? on_slice(std::move(*slice), now) : on_read_failed(now);
    return true;
  }
  if (is(index_request_)) {
    auto* slice = std::get_if<checkpoint::ChangeSlice>(&reply.body);
    slice != nullptr ? on_changes(std::move(*slice), now) : on_read_failed(now);
    return true;
  }
  if (is(sums_request_)) {
    auto* sums = std::get_if<checkpoint::RangeSums>(&reply.body);
    sums != nullptr ? on_sums(std::move(*sums), now) : on_read_failed(now);
    return true;
  }
  return false;
}

void ScopeSender::on_read_failed(TimePoint now) {
  set_complete(false);
  retry_at_ = now + core_.config.store_retry;
}

void ScopeSender::on_slice(checkpoint::RecordSlice slice, TimePoint now) {
  if (store_unfit()) return pump(now);  // begins anew
  const bool done = slice.done || slice.records.empty();
  const KeyRange& range = ranges_.front();
  auto after = cursor_ ? cursor_ : range.after;
  auto through = done ? range.through : std::optional(slice.records.back().key);
  const std::uint64_t before = progress_ / kProgressEvery;
  progress_ += slice.records.size();
  cursor_ = through;
  if (done) {
    ranges_.pop_front();
    cursor_.reset();
  }
  if (kind_ == SyncKind::bulk)
    core_.send(BulkRecords{scope_, term_, sync_, std::move(after), std::move(through),
                           std::move(slice.records)},
               now);
  else
    core_.send(Repair{scope_, term_, sync_, std::move(after), std::move(through),
                      std::move(slice.records)},
               now);
  if (progress_ / kProgressEvery != before) report_progress();
  if (ranges_.empty()) end_scan();
  pump(now);
}

void ScopeSender::on_changes(checkpoint::ChangeSlice slice, TimePoint now) {
  const Sequence limit = std::max(live_limit(), index_limit_);
  auto& changes = slice.changes;
  const std::size_t before = changes.size();
  while (!changes.empty() && changes.back().sequence > limit) changes.pop_back();
  const bool all = changes.size() == before && slice.done;
  while (!changes.empty() && changes.front().sequence <= sent_) changes.erase(changes.begin());
  if (!changes.empty()) send_changes(std::move(changes), now);
  if (all) sent_ = std::max(sent_, index_limit_);
  pump(now);
}

void ScopeSender::on_sums(checkpoint::RangeSums sums, TimePoint now) {
  if (sums.sums.empty()) sums.sums.push_back({});
  sums_ = std::move(sums.sums);
  core_.send(Ranges{scope_, term_, sync_, sums_}, now);
  phase_ = Phase::comparing;
  pump(now);
}

// ---- time ----

void ScopeSender::on_timeout(TimePoint now) {
  if (phase_ == Phase::idle) return;
  if (retry_at_ && *retry_at_ <= now) {
    retry_at_.reset();
    // Live records go on from the cursor; a walk begins anew.
    const bool walking = phase_ == Phase::scanning || phase_ == Phase::summing;
    if (walking) return restart(kind_, now);
    if (phase_ == Phase::caught_up && acked_ && *acked_ >= target_) set_complete(true);
    pump(now);
  }
  maybe_compare(now);
}

std::optional<TimePoint> ScopeSender::next_deadline() const {
  if (phase_ == Phase::idle) return std::nullopt;
  std::optional<TimePoint> due = retry_at_;
  if (digest_at_ && !meta_request_ && !digest_waiting_ && quiet()) due = earliest(due, digest_at_);
  return due;
}

}  // namespace hotpair::rbs::session
