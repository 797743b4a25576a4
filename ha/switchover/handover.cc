#include "ha/switchover/handover.h"

namespace hotpair::ha::switchover {
namespace {

/// The new side waits this long for Done before it asks nobody any more: its keeper decides by
/// hello or by silence, and reports.
constexpr Duration kDoneTimeout = std::chrono::seconds(5);

}  // namespace

bool Handover::begin(const Term& term, TimePoint now) {
  if (under_way()) return false;
  state_ = State::asking;
  term_ = term;
  began_ = now;
  ready_.reset();
  committed_.reset();
  deadline_ = now + kReadyTimeout;
  effects_.push(TermBurnt{scope_, term_});
  effects_.push(ToKeeper{keeper::HandoverOffer{scope_, term_}});
  return true;
}

void Handover::on_offered(const keeper::HandoverOffered& offered, TimePoint now) {
  if (offered.term != term_) return;
  if (!offered.offered) {
    if (offering()) end_old(state_ == State::aborting ? failure_ : "the keeper ended the offer");
  } else if (state_ == State::asking) {
    state_ = State::offered;
    deadline_ = now + kReadyTimeout;
    effects_.push(SendHandover{scope_, term_, offered.hello_counter});
  }
}

void Handover::on_ready(const Term& term, TimePoint now) {
  if (state_ != State::offered || term != term_) return;
  state_ = State::committing;
  ready_ = now;
  deadline_ = now + kReadyTimeout;
  effects_.push(ToKeeper{keeper::HandoverCommit{scope_, term_}});
}

void Handover::on_committed(const Term& term, TimePoint now) {
  if (!offering() || state_ == State::asking || term != term_) return;
  if (!ready_) ready_ = now;
  committed_ = now;
  effects_.push(SendDone{scope_, term_});
  end({});
}

void Handover::on_peer_abort(const Term& term, TimePoint now) {
  if (term != term_) return;
  if (state_ == State::offered) {
    abort_old("the peer refused", now);
  } else if (state_ == State::opening || state_ == State::open) {
    effects_.push(ToKeeper{keeper::HandoverRevoke{scope_, term_}});
    end("the peer aborted");
  }
}

void Handover::on_handover(const Term& term, std::uint64_t hello_counter,
                           const std::string& unacceptable, TimePoint now) {
  if (under_way() || !unacceptable.empty()) {
    effects_.push(SendAbort{scope_, term});
    return;
  }
  state_ = State::opening;
  term_ = term;
  began_ = now;
  ready_.reset();
  committed_.reset();
  deadline_ = now + kReadyTimeout;
  effects_.push(TermBurnt{scope_, term_});
  effects_.push(ToKeeper{keeper::HandoverOpen{scope_, term_, hello_counter}});
}

void Handover::on_opened(const Term& term, TimePoint now) {
  if (state_ != State::opening || term != term_) return;
  state_ = State::open;
  ready_ = now;
  deadline_ = now + kDoneTimeout;
  effects_.push(SendReady{scope_, term_});
}

void Handover::on_done(const Term& term, TimePoint now) {
  if (state_ != State::open || term != term_) return;
  committed_ = now;
  effects_.push(ToKeeper{keeper::HandoverConfirm{scope_, term_}});
  end({});
}

void Handover::on_scope_changed(const keeper::ScopeChanged& change, TimePoint now) {
  const bool taken = change.state.role == keeper::Role::master && change.state.term == term_;
  switch (state_) {
    case State::idle:
    case State::asking:
      break;
    case State::offered:
    case State::aborting:
    case State::committing:
      // The keeper's own report of the commit, or of a larger term: either way it is given away.
      if (change.state.role == keeper::Role::backup && change.state.term == term_)
        on_committed(term_, now);
      break;
    case State::opening:
    case State::open:
      if (taken) committed_ = now;
      end(taken ? "" : "revoked by a hello of the old master");
      break;
  }
}

void Handover::on_session_lost(TimePoint now) {
  if (state_ == State::asking || state_ == State::offered)
    abort_old("the channel to the peer was lost", now);
  // Committing ends by the keeper's word; the new side by hello or silence.
}

// A commit that was said before is known to the new side's keeper, which takes no abort then; one
// that nobody heard has not happened.
void Handover::on_keeper_lost(TimePoint now) {
  static_cast<void>(now);
  if (offering()) {
    end_old("the keeper was lost");
  } else if (under_way()) {
    effects_.push(SendAbort{scope_, term_});
    end("the keeper was lost");
  }
}

void Handover::on_timeout(TimePoint now) {
  if (!deadline_ || now < *deadline_) return;
  switch (state_) {
    case State::idle:
      break;
    case State::asking:
      end_old("the keeper did not answer");
      break;
    case State::offered:
      abort_old("the peer was not ready within 200 ms", now);
      break;
    case State::aborting:
      end_old(failure_);
      break;
    case State::committing:
      // Past the commit point nothing is taken back; the hello says what holds.
      end("the keeper did not confirm the commit");
      break;
    case State::opening:
      effects_.push(ToKeeper{keeper::HandoverRevoke{scope_, term_}});
      effects_.push(SendAbort{scope_, term_});
      end("the keeper did not open the gate");
      break;
    case State::open:
      end("no end of the handover was heard; the keeper decides");
      break;
  }
}

std::optional<TimePoint> Handover::next_deadline() const { return deadline_; }

bool Handover::offering() const {
  return state_ == State::asking || state_ == State::offered || state_ == State::aborting ||
         state_ == State::committing;
}

// The keeper may have committed already; then its word is under way and counts.
void Handover::abort_old(const std::string& failure, TimePoint now) {
  if (state_ == State::asking) return end_old(failure);
  state_ = State::aborting;
  failure_ = failure;
  deadline_ = now + kReadyTimeout;
  effects_.push(ToKeeper{keeper::HandoverAbort{scope_}});
}

void Handover::end_old(const std::string& failure) {
  if (state_ != State::asking) effects_.push(SendAbort{scope_, term_});
  if (state_ != State::aborting) effects_.push(ToKeeper{keeper::HandoverAbort{scope_}});
  end(failure);
}

void Handover::end(const std::string& failure) {
  effects_.push(HandoverEnded{scope_, term_, offering(), failure, began_, ready_, committed_});
  state_ = State::idle;
  deadline_.reset();
}

}  // namespace hotpair::ha::switchover
