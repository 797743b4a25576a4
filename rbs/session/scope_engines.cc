#include <algorithm>
#include <iterator>
#include <utility>

#include "rbs/session/scope_receiver.h"

/// What was received and settled goes to the engines: in order, in slices, behind the store.
namespace hotpair::rbs::session {

using checkpoint::RecordChange;

void ScopeReceiver::apply_slice(TimePoint now) {
  std::size_t& budget = core_.apply_budget;
  while (budget > 0 && settled_ > 0) {
    Item& head = pipeline_.front();
    if (std::exchange(head.forget, false)) core_.effects.push(ScopeRefill{scope_});
    const std::size_t count = std::min(budget, head.changes.size() - head.applied);
    if (count > 0) {
      const auto begin = head.changes.begin() + static_cast<std::ptrdiff_t>(head.applied);
      const auto end = begin + static_cast<std::ptrdiff_t>(count);
      Apply apply{scope_, head.epoch, {}};
      if (count == head.changes.size())
        apply.changes = std::exchange(head.changes, {});
      else
        apply.changes.assign(std::make_move_iterator(begin), std::make_move_iterator(end));
      head.applied += head.changes.empty() ? 0 : count;
      core_.effects.push(std::move(apply));
      budget -= count;
    }
    if (head.applied < head.changes.size()) break;
    finish(head);
    pipeline_.pop_front();
    --settled_;
  }
  retire(now);
}

/// Lets go of what has nothing for the engines, and goes on with what has.
void ScopeReceiver::retire(TimePoint now) {
  while (settled_ > 0) {
    Item& head = pipeline_.front();
    if (head.forget || head.applied < head.changes.size()) break;
    finish(head);
    pipeline_.pop_front();
    --settled_;
  }
  if (settled_ == 0)
    apply_at_.reset();
  else if (!apply_at_)
    apply_at_ = now;
  continue_feed(now);
}

/// All of the item is in the engines.
void ScopeReceiver::finish(Item& item) {
  release(item);
  if (item.kind == Kind::end && !item.failed && item.round == round_ && !degraded_) {
    ended_in_engines_ = true;
    maybe_complete();
  }
  if (item.kind != Kind::feed) return;
  feeding_ = false;
  if (!feed_ || item.failed || item.feed != feed_number_) return;
  count_unfed(feed_->records - std::min(feed_->records, item.records));
  feed_->after = std::move(item.through);
  if (!item.to_end) return;
  end_feed();
  maybe_complete();
}

/// Complete is what both store and engines have to the end.
void ScopeReceiver::maybe_complete() {
  if (!ended_in_engines_ || feed_ || degraded_) return;
  set_complete(true);
  report_progress();
}

// ---- the feed ----

void ScopeReceiver::begin_feed() {
  end_feed();
  if (!degraded_) feed_.emplace();
}

void ScopeReceiver::end_feed() {
  if (feed_) count_unfed(0);
  feed_.reset();
  feed_at_.reset();
  ++feed_number_;
}

void ScopeReceiver::count_unfed(std::uint64_t records) {
  core_.unfed_records += records;
  core_.unfed_records -= std::exchange(feed_->records, records);
}

/// Asks the store for what the engines get next. A bulk in full flow goes first: being behind costs
/// nothing but the wait of a takeover, which the limit of unfed records bounds.
void ScopeReceiver::continue_feed(TimePoint now) {
  if (!feed_ || feeding_ || degraded_ || !feed_->pending()) return;
  const bool flows = in_sync_ && kind_ == SyncKind::bulk && !walked_;
  if (flows && feed_at_ && now < *feed_at_) return;
  Item item;
  item.kind = Kind::feed;
  item.epoch = journal_->epoch();
  item.through = feed_->through;
  item.to_end = feed_->to_end;
  item.feed = feed_number_;
  feeding_ = true;
  checkpoint::ScanRecords scan{scope_, feed_->after, feed_->through, core_.config.apply_records,
                               core_.config.slice_bytes};
  accept(std::move(item), std::move(scan), now);
}

std::optional<TimePoint> ScopeReceiver::next_deadline() const {
  std::optional<TimePoint> due = earliest(retry_at_, apply_at_);
  if (feed_ && !feeding_ && !degraded_ && feed_->pending()) due = earliest(due, feed_at_);
  return due;
}

// ---- takeover ----

bool ScopeReceiver::drain(bool forced, TimePoint now) {
  const auto waits = [](const Item& item) {
    return (item.kind == Kind::bulk || item.kind == Kind::repair) && !item.answered;
  };
  const bool waiting = std::any_of(pipeline_.begin(), pipeline_.end(), waits);
  const bool unfed = feed_ && feed_->pending();
  if (!forced && (waiting || unfed)) {
    continue_feed(now);
    return false;
  }
  // What a slice deletes, or what was not fed, will never be known: engines and store differ.
  if (waiting || unfed) journal_->set_torn(true);
  end_feed();
  abandon_requests();
  core_.apply_budget = core_.config.apply_records;
  apply_slice(now);
  if (!pipeline_.empty()) return false;
  leave_sync();
  degraded_ = false;
  retry_at_.reset();
  resync_wanted_ = false;
  return true;
}

void ScopeReceiver::drain_all(TimePoint now) {
  while (!drain(true, now)) {
  }
}

/// Everything received counts as settled; nobody waits for the store any more.
void ScopeReceiver::abandon_requests() {
  for (; settled_ < pipeline_.size(); ++settled_) {
    Item& item = pipeline_[settled_];
    if (item.request && !item.answered) abandoned_.insert(*item.request);
    item.request.reset();
    item.answered = true;
    if (item.kind == Kind::end) item.failed = true;
  }
}

}  // namespace hotpair::rbs::session
