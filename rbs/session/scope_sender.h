#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "rbs/session/session_core.h"

namespace hotpair::rbs::session {

/// Makes the peer's copy of one scope equal to ours and keeps it so. One cursor (`sent`) walks the
/// sequence index; a bulk or repair runs beside it as a walk over the keys.
class ScopeSender {
 public:
  ScopeSender(SessionCore& core, ScopeId scope) : core_(core), scope_(scope) {}

  /// Begins from what the peer says of its copy. Our journal is writing.
  void start(const ScopeState& peer, Term term, checkpoint::journal::Journal& journal,
             TimePoint now);
  /// No longer master, or no session.
  void stop();
  /// The term rose; the line goes on.
  void set_term(Term term) { term_ = term; }
  [[nodiscard]] bool active() const { return phase_ != Phase::idle; }
  [[nodiscard]] bool ever_started() const { return ever_started_; }
  void on_session_begin() { ever_started_ = false; }

  /// Sends what may be sent.
  void pump(TimePoint now);
  void on_ack(const Ack& frame, TimePoint now);
  void on_digests(const Digests& frame, TimePoint now);
  void on_differ(const RangesDiffer& frame, TimePoint now);
  /// False if the request was not the sender's.
  bool on_store_reply(checkpoint::StoreReply&& reply, TimePoint now);
  void request_digest(TimePoint now);

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  [[nodiscard]] SyncState state() const;
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] Sequence sent() const { return sent_; }
  [[nodiscard]] Sequence acked() const { return acked_.value_or(Sequence{}); }
  [[nodiscard]] std::uint64_t progress() const { return progress_; }
  [[nodiscard]] std::uint64_t expected() const { return expected_; }
  [[nodiscard]] std::uint64_t bulks() const { return bulks_; }
  [[nodiscard]] std::uint64_t repairs() const { return repairs_; }
  [[nodiscard]] std::uint64_t mismatches() const { return mismatches_; }
  [[nodiscard]] DigestState digest_state() const { return digest_state_; }
  [[nodiscard]] const std::vector<std::uint8_t>& differing() const { return differing_; }

 private:
  enum class Phase : std::uint8_t {
    idle,
    store_down,  // our own store fails: bulk and repair wait for it
    scanning,    // a slice of a bulk or repair is asked for, or will be
    summing,     // repair: our own range sums are asked for
    comparing,   // repair: waiting for RangesDiffer
    ending,      // BulkEnd follows once live records up to target_ have left
    caught_up,   // BulkEnd sent; complete once target_ is acknowledged
  };
  struct KeyRange {
    std::optional<RecordKey> after;
    std::optional<RecordKey> through;
  };

  void begin(SyncKind kind, Sequence base, TimePoint now);
  void restart(SyncKind kind, TimePoint now);
  void send_live(TimePoint now);
  void send_changes(std::vector<SequencedChange> changes, TimePoint now);
  void ask_slice();
  void end_scan();
  void maybe_end(TimePoint now);
  void maybe_compare(TimePoint now);
  void set_complete(bool complete);
  void report_progress();
  [[nodiscard]] Sequence live_limit() const;
  [[nodiscard]] bool quiet() const;
  /// Our store does not hold what our engines hold, so a copy of it would be wrong.
  [[nodiscard]] bool store_unfit() const;
  void on_slice(checkpoint::RecordSlice slice, TimePoint now);
  void on_changes(checkpoint::ChangeSlice slice, TimePoint now);
  void on_sums(checkpoint::RangeSums sums, TimePoint now);
  void on_meta(const checkpoint::MetaRead& read, TimePoint now);
  void on_read_failed(TimePoint now);

  SessionCore& core_;
  ScopeId scope_;
  checkpoint::journal::Journal* journal_ = nullptr;
  Term term_;
  std::uint32_t sync_ = 0;
  SyncKind kind_ = SyncKind::bulk;
  Phase phase_ = Phase::idle;
  bool ever_started_ = false;  // in this session
  bool complete_ = false;
  Sequence sent_;
  std::optional<Sequence> acked_;
  Sequence target_;                  // of BulkEnd
  std::deque<KeyRange> ranges_;      // still to be scanned
  std::vector<RangeSum> sums_;       // repair: as sent
  std::optional<RecordKey> cursor_;  // scanned through here in ranges_.front()
  Sequence scan_limit_;              // committed when the slice was asked for
  Sequence index_limit_;             // the same for a slice of the index
  std::optional<checkpoint::RequestId> slice_request_;
  std::optional<checkpoint::RequestId> index_request_;
  std::optional<checkpoint::RequestId> sums_request_;
  std::optional<checkpoint::RequestId> meta_request_;
  std::optional<TimePoint> retry_at_;       // own store failed to read
  std::optional<TimePoint> digest_at_;      // next comparison
  std::optional<Sequence> digest_waiting_;  // Digests sent for this sequence
  std::vector<DatabaseDigest> own_digests_;
  bool changed_since_digest_ = false;
  unsigned repairs_in_row_ = 0;
  std::uint64_t progress_ = 0;
  std::uint64_t expected_ = 0;  // records of our copy when the synchronisation began
  std::uint64_t bulks_ = 0;
  std::uint64_t repairs_ = 0;
  std::uint64_t mismatches_ = 0;
  DigestState digest_state_ = DigestState::unknown;
  std::vector<std::uint8_t> differing_;
};

/// Databases whose digests are not the same in both lists, ascending.
[[nodiscard]] std::vector<std::uint8_t> differing_databases(const std::vector<DatabaseDigest>& a,
                                                            const std::vector<DatabaseDigest>& b);

}  // namespace hotpair::rbs::session
