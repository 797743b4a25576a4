#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rbs/session/session_core.h"

namespace hotpair::rbs::session {

/// Our copy of one scope. What arrives goes to the store at once and to the engines when the store
/// has answered, in order; this pipeline outlives the connection that filled it.
class ScopeReceiver {
 public:
  ScopeReceiver(SessionCore& core, ScopeId scope) : core_(core), scope_(scope) {}

  void set_journal(checkpoint::journal::Journal& journal) { journal_ = &journal; }

  // ---- frames; the caller has checked term and sync ----

  void on_begin(const BulkBegin& frame, TimePoint now);
  void on_bulk(const BulkRecords& frame, TimePoint now);
  void on_repair(const Repair& frame, TimePoint now);
  void on_live(const LiveRecords& frame, TimePoint now);
  void on_ranges(const Ranges& frame, TimePoint now);
  void on_end(const BulkEnd& frame, TimePoint now);
  void on_digests(const Digests& frame, TimePoint now);

  // ---- the connection ----

  /// Nothing of the present synchronisation follows: session closed, peer no longer master, or we
  /// asked for another one.
  void leave_sync();
  [[nodiscard]] bool in_sync() const { return in_sync_; }
  /// Sends the acknowledgement that is due, if there is credit.
  void pump(TimePoint now);

  // ---- the store ----

  /// False if the request was not the receiver's.
  bool on_store_reply(const checkpoint::StoreReply& reply, TimePoint now);
  /// Takeover: applies everything received without waiting for the store, and forgets it. False,
  /// and nothing is done, while a slice is under way whose deletions only the store can tell,
  /// unless forced.
  [[nodiscard]] bool drain(bool forced);
  /// True once when the copy has to be filled anew, since the store works again.
  [[nodiscard]] bool take_resync_wanted();

  /// The journal lost a part of its own tail: as if a received change had not been stored.
  void on_tail_lost(TimePoint now) { degrade(now); }

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const { return retry_at_; }

  /// Our copy as master is complete by definition; as backup again after the next synchronisation.
  void forget_complete() { complete_ = false; }

  [[nodiscard]] SyncState state() const;
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool degraded() const { return degraded_; }
  [[nodiscard]] Sequence acked() const { return committed_; }
  [[nodiscard]] std::uint64_t bulks() const { return bulks_; }
  [[nodiscard]] std::uint64_t repairs() const { return repairs_; }
  [[nodiscard]] std::uint64_t mismatches() const { return mismatches_; }
  [[nodiscard]] DigestState digest_state() const { return digest_state_; }
  [[nodiscard]] const std::vector<std::uint8_t>& differing() const { return differing_; }

 private:
  enum class Kind : std::uint8_t { begin, live, slice, end, digest, sum, probe };
  /// One thing received, in order.
  struct Item {
    Kind kind = Kind::live;
    std::optional<checkpoint::RequestId> request;  // none: the store is not asked
    bool answered = false;
    bool failed = false;
    Epoch epoch;
    std::vector<checkpoint::RecordChange> changes;
    Sequence sequence;                          // live: newest; end: target; digest: at
    std::vector<DatabaseDigest> digests;        // digest: the master's, then ours are compared
    std::optional<checkpoint::ScopeMeta> read;  // digest: ours
    std::uint64_t round = 0;                    // the BulkBegin it came after
    std::size_t bytes = 0;
  };
  using RequestBody = decltype(checkpoint::StoreRequest::body);

  void accept(Item item, RequestBody body, TimePoint now);
  void finish_heads(TimePoint now);
  void on_slice(const std::optional<RecordKey>& after, const std::optional<RecordKey>& through,
                const std::vector<Record>& records, TimePoint now);
  [[nodiscard]] bool check_record(const RecordKey& key, std::size_t value_bytes);
  void take_answer(Item& item, const checkpoint::StoreReply& reply);
  void finish(Item& item, TimePoint now);
  void finish_records(Item& item, TimePoint now);
  void finish_end(const Item& item, TimePoint now);
  void finish_digest(const Item& item, TimePoint now);
  void finish_sum(const Item& item, TimePoint now);
  void finish_probe(const Item& item, TimePoint now);
  void ask_sums(TimePoint now);
  void release(const Item& item);
  void degrade(TimePoint now);
  void set_complete(bool complete);
  void report_progress();

  SessionCore& core_;
  ScopeId scope_;
  checkpoint::journal::Journal* journal_ = nullptr;
  std::deque<Item> pipeline_;
  std::set<checkpoint::RequestId> abandoned_;  // answers nobody waits for any more
  bool finishing_ = false;
  bool in_sync_ = false;
  bool ended_ = false;  // BulkEnd received
  std::uint32_t sync_ = 0;
  std::uint64_t round_ = 0;  // counts BulkBegins
  bool may_ack_ = false;
  SyncKind kind_ = SyncKind::delta;
  EpochHistory history_;             // the master's
  std::optional<RecordKey> cursor_;  // bulk and repair: received through here
  bool walked_ = false;              // bulk: the last slice came
  bool complete_ = false;
  bool degraded_ = false;
  bool resync_wanted_ = false;
  std::string failure_;
  std::optional<TimePoint> retry_at_;
  Sequence committed_;  // by our store, in this synchronisation
  bool ack_due_ = false;
  // Repair: the master's ranges and what our sums say of them.
  std::vector<RangeSum> ranges_;
  std::size_t asked_ = 0;
  std::size_t compared_ = 0;
  std::vector<std::uint32_t> differing_ranges_;
  std::uint64_t progress_ = 0;
  std::uint64_t bulks_ = 0;
  std::uint64_t repairs_ = 0;
  std::uint64_t mismatches_ = 0;
  DigestState digest_state_ = DigestState::unknown;
  std::vector<std::uint8_t> differing_;
};

}  // namespace hotpair::rbs::session
