#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rbs/session/session_core.h"

namespace hotpair::rbs::session {

/// What the store holds of a bulk and the engines do not.
struct UnfedRecords {
  std::optional<RecordKey> after;    // fed through here
  std::optional<RecordKey> through;  // the store holds all up to here
  bool to_end = false;               // and there is no key beyond
  std::uint64_t records = 0;         // about
  [[nodiscard]] bool pending() const { return to_end || after < through; }
};

/// Our copy of one scope. What arrives goes to the store at once; what the store has answered for
/// counts and is acknowledged at once, and goes to the engines after that, in order and in slices.
/// This pipeline outlives the connection that filled it.
///
/// Records of a bulk are not kept in memory meanwhile: the engines are fed from the store, behind
/// the bulk, by key. A feed is a request of the pipeline like any other, so what it reads and what
/// live records say reach the engines in the order in which the store saw them.
class ScopeReceiver {
 public:
  ScopeReceiver(SessionCore& core, ScopeId scope) : core_(core), scope_(scope) {}

  void set_journal(checkpoint::journal::Journal& journal) { journal_ = &journal; }

  // ---- frames; the caller has checked term and sync ----

  void on_begin(const BulkBegin& frame, TimePoint now);
  void on_bulk(BulkRecords&& frame, TimePoint now);
  void on_repair(Repair&& frame, TimePoint now);
  void on_live(LiveRecords&& frame, TimePoint now);
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

  /// False if the request was not the receiver's; the reply is untouched then.
  bool on_store_reply(checkpoint::StoreReply&& reply, TimePoint now);
  /// Takeover: hands everything received to the engines, live records without waiting for the
  /// store. True once all of it is there; until then call it again after every input, which takes
  /// one slice further. What only the store can tell, deletions of a slice and what was not fed
  /// yet, is waited for, unless forced.
  [[nodiscard]] bool drain(bool forced, TimePoint now);
  /// For a scope that is removed: all at once.
  void drain_all(TimePoint now);
  /// True once after the store answered a feed: it is at work.
  [[nodiscard]] bool take_fed() { return std::exchange(fed_, false); }
  /// True once when the copy has to be filled anew, since the store works again.
  [[nodiscard]] bool take_resync_wanted();

  /// The journal lost a part of its own tail: as if a received change had not been stored.
  void on_tail_lost(TimePoint now) { degrade(now); }

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  /// Our copy as master is complete by definition; as backup again after the next synchronisation.
  void forget_complete() { complete_ = false; }

  [[nodiscard]] SyncState state() const;
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool degraded() const { return degraded_; }
  [[nodiscard]] Sequence acked() const { return committed_; }
  [[nodiscard]] std::uint64_t progress() const { return progress_; }
  [[nodiscard]] std::uint64_t expected() const { return expected_; }
  [[nodiscard]] std::uint64_t bulks() const { return bulks_; }
  [[nodiscard]] std::uint64_t repairs() const { return repairs_; }
  [[nodiscard]] std::uint64_t mismatches() const { return mismatches_; }
  [[nodiscard]] DigestState digest_state() const { return digest_state_; }
  [[nodiscard]] const std::vector<std::uint8_t>& differing() const { return differing_; }

 private:
  enum class Kind : std::uint8_t { begin, live, bulk, repair, feed, end, digest, sum, probe };
  /// One thing received, in order.
  struct Item {
    Kind kind = Kind::live;
    std::optional<checkpoint::RequestId> request;  // none: the store is not asked
    bool answered = false;
    bool failed = false;
    bool forget = false;  // the engines forget what they hold, before anything else
    Epoch epoch;
    std::vector<checkpoint::RecordChange> changes;  // for the engines, from `applied` on
    std::size_t applied = 0;
    std::optional<RecordKey> through;           // bulk: its end; feed: how far it came
    bool to_end = false;                        // there is no key beyond
    std::uint64_t records = 0;                  // bulk: received; feed: read
    std::uint64_t feed = 0;                     // bulk, feed: the number of the feed
    Sequence sequence;                          // live: newest; end: target; digest: at
    std::vector<DatabaseDigest> digests;        // digest: the master's, then ours are compared
    std::optional<checkpoint::ScopeMeta> read;  // digest: ours
    std::uint64_t round = 0;                    // the BulkBegin it came after
    std::size_t bytes = 0;
  };
  using RequestBody = decltype(checkpoint::StoreRequest::body);
  void accept(Item item, RequestBody body, TimePoint now);
  void on_slice(Item item, checkpoint::ReplaceRange range, TimePoint now);
  [[nodiscard]] bool check_record(const RecordKey& key, std::size_t value_bytes);
  void take_answer(Item& item, checkpoint::StoreReply&& reply);
  // What an answer counts for, in order.
  void settle_answers(TimePoint now);
  void settle(Item& item, TimePoint now);
  void settle_bulk(const Item& item, TimePoint now);
  void settle_live(const Item& item, TimePoint now);
  void settle_end(const Item& item, TimePoint now);
  void settle_digest(const Item& item, TimePoint now);
  void settle_sum(const Item& item, TimePoint now);
  void settle_probe(const Item& item, TimePoint now);
  // scope_engines.cc: what was settled goes to the engines.
  void apply_slice(TimePoint now);
  void retire(TimePoint now);
  void finish(Item& item);
  void begin_feed();
  void end_feed();
  void continue_feed(TimePoint now);
  void count_unfed(std::uint64_t records);
  void maybe_complete();
  void abandon_requests();
  void ask_sums(TimePoint now);
  void release(const Item& item);
  void degrade(TimePoint now);
  void set_complete(bool complete);
  void report_progress();

  SessionCore& core_;
  ScopeId scope_;
  checkpoint::journal::Journal* journal_ = nullptr;
  std::deque<Item> pipeline_;
  std::size_t settled_ = 0;                    // at its front
  std::set<checkpoint::RequestId> abandoned_;  // answers nobody waits for any more
  bool settling_ = false;
  std::optional<TimePoint> apply_at_;  // the next slice for the engines
  std::optional<UnfedRecords> feed_;
  std::uint64_t feed_number_ = 0;
  std::optional<TimePoint> feed_at_;  // not before the bulk pauses
  bool feeding_ = false;              // a feed is in the pipeline
  bool fed_ = false;
  bool ended_in_engines_ = false;  // BulkEnd came to its turn
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
  std::uint64_t expected_ = 0;  // records of the master's copy, by its own word
  std::uint64_t bulks_ = 0;
  std::uint64_t repairs_ = 0;
  std::uint64_t mismatches_ = 0;
  DigestState digest_state_ = DigestState::unknown;
  std::vector<std::uint8_t> differing_;
};

}  // namespace hotpair::rbs::session
