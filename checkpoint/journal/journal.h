#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "checkpoint/journal/history.h"
#include "checkpoint/journal/request_ids.h"
#include "checkpoint/journal/statistics.h"
#include "checkpoint/record/store_port.h"
#include "platform/base/time.h"

namespace hotpair::checkpoint::journal {

struct JournalConfig {
  /// Kept for the session, if the store has them too: 0.4 s of changes at 20 000 a second, beyond
  /// which the store is read. An entry is about 0.5 KB of memory.
  std::size_t window_records = 8192;
  std::size_t window_bytes = 8U << 20U;
  std::size_t unstored_records = 262'144;  ///< kept while the store fails; beyond: torn
  std::uint32_t batch_records = 512;
  std::uint32_t batch_bytes = 64 * 1024;
  Duration retry = std::chrono::seconds(1);  ///< after the store failed
  std::uint64_t sweep_every = 4096;          ///< changes between two raises of the floor
  std::uint64_t deletions_max = 65'536;      ///< in the index before the floor passes the peer

  /// Of a scope that no peer reads: what the store has is not kept, and nobody waits for a batch.
  [[nodiscard]] static JournalConfig unread() {
    JournalConfig config;
    config.window_records = 0;
    config.batch_records = 2048;
    config.batch_bytes = 256U * 1024U;
    return config;
  }
};

/// The journal of one scope on this node, in either role. As master it writes; as backup it follows
/// what the session received, so that it can go on from there.
class Journal {
 public:
  Journal(ScopeId scope, const JournalConfig& config, RequestIds& ids);

  [[nodiscard]] ScopeId scope() const { return scope_; }

  /// Takes over what the store holds (answer to ReadMeta at start).
  void restore(const ScopeMeta& meta);

  // ---- as master ----

  /// Begins an epoch: (term, 0), or (term, restarts + 1) if the history ends in this term already.
  Epoch begin(Term term, TimePoint now);
  /// Mastership ends. What the store has not got yet is handed to it now, so that it holds what the
  /// engines hold; the next master decides what becomes of this tail.
  void end();
  [[nodiscard]] bool writing() const { return writing_; }
  /// Gives the change the next sequence and hands it to the store. Only while writing(). A record
  /// over its size limit, or one that finds the window full while the store fails, is counted as a
  /// failure and dropped; the latter makes the journal torn(). Then the sequence is the one before.
  Sequence append(RecordChange change, TimePoint now);
  /// For a torn() journal of a master, as soon as the store works: everything in the store is
  /// dropped; the owner appends a snapshot of its engines at once. Torn again if the store still
  /// fails. The peer gets a bulk, since the floor is raised beyond every sequence used so far.
  void reset(TimePoint now);

  // ---- as backup: called by the session for what it hands to the store itself ----

  void adopt(const ScopeMeta& meta);
  void received(Epoch epoch, Sequence last, std::uint64_t deletions);
  /// A received change did not reach the store: it is torn until a bulk or reset() has filled it.
  void set_torn(bool torn) { torn_ = torn; }
  /// True once after a change of the own tail, handed over by end(), did not reach the store.
  [[nodiscard]] bool take_tail_lost() { return std::exchange(tail_lost_, false); }
  void set_incomplete(bool incomplete) { meta_.incomplete = incomplete; }
  void set_digests(std::vector<DatabaseDigest> digests) { meta_.digests = std::move(digests); }

  // ---- the store ----

  [[nodiscard]] std::optional<StoreRequest> poll_request();
  /// False if the request was not this journal's.
  bool on_store_reply(const StoreReply& reply, TimePoint now);
  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const { return retry_at_; }

  // ---- for the session ----

  [[nodiscard]] const ScopeMeta& meta() const { return meta_; }
  [[nodiscard]] const EpochHistory& history() const { return meta_.history; }
  [[nodiscard]] Epoch epoch() const;
  /// Newest sequence, committed or not.
  [[nodiscard]] Sequence last() const { return meta_.last; }
  [[nodiscard]] Sequence committed() const { return committed_; }
  [[nodiscard]] Sequence floor() const { return meta_.floor; }
  [[nodiscard]] bool incomplete() const { return meta_.incomplete; }
  /// What may be sent: everything committed; while the store fails, everything.
  [[nodiscard]] Sequence sendable() const { return degraded_ ? meta_.last : committed_; }
  [[nodiscard]] bool degraded() const { return degraded_; }
  [[nodiscard]] bool torn() const { return torn_; }
  /// Changes after `after` up to `through` in ascending sequence, bounded; nullopt: they begin
  /// before the window, so ask the store (ScanChanges).
  [[nodiscard]] std::optional<std::vector<SequencedChange>> changes_after(
      Sequence after, Sequence through, std::uint32_t max_records, std::uint32_t max_bytes) const;
  void on_sent(const std::vector<SequencedChange>& changes, TimePoint now);
  void on_acked(Sequence through, TimePoint now);
  /// The session starts (again) from `after`: statistics of what is on its way start anew.
  void on_restart(Sequence after);

  // ---- displays ----

  /// Number of records and digest per database, as of the last answer of the store.
  [[nodiscard]] const std::vector<DatabaseDigest>& digests() const { return meta_.digests; }
  [[nodiscard]] std::optional<TimePoint> oldest_unacked() const {
    return statistics_.oldest_unacked();
  }
  [[nodiscard]] std::vector<StatisticsRow> statistics() const { return statistics_.rows(); }
  void reset_statistics() { statistics_.reset(); }
  [[nodiscard]] std::size_t window_records() const { return window_.size(); }
  [[nodiscard]] std::size_t window_bytes() const { return window_bytes_; }
  [[nodiscard]] std::uint64_t store_failures() const { return store_failures_; }
  /// What the store said when it failed last; empty: it never did.
  [[nodiscard]] const std::string& store_failure() const { return store_failure_; }

 private:
  struct Entry {
    RecordChange change;
    TimePoint appended;
  };
  struct KeyHash {
    std::size_t operator()(const RecordKey& key) const noexcept;
  };

  void submit();
  [[nodiscard]] PutChanges next_batch();
  void evict();
  void drop_window();
  void raise_floor_if_due();
  void ask(decltype(StoreRequest::body) body);
  void note_failure(const std::string& detail);
  void on_put_answered(bool committed, TimePoint now);
  [[nodiscard]] bool fits(const RecordChange& change);

  ScopeId scope_;
  JournalConfig config_;
  RequestIds& ids_;
  ScopeMeta meta_;  // history, newest sequence, floor; digests of the last answer
  bool writing_ = false;
  bool degraded_ = false;
  bool torn_ = false;
  bool tail_lost_ = false;
  Sequence committed_;     // newest that the store has answered for
  Sequence submitted_;     // newest that was handed to the store
  Sequence window_after_;  // the window holds every change after this
  std::map<Sequence, Entry> window_;
  std::unordered_map<RecordKey, Sequence, KeyHash> by_key_;
  std::size_t window_bytes_ = 0;
  std::optional<RequestId> in_flight_;          // the one PutChanges
  std::map<RequestId, bool> others_in_flight_;  // all else; true: its failure makes it torn
  std::deque<StoreRequest> requests_;
  std::optional<TimePoint> retry_at_;
  std::uint64_t deletions_ = 0;  // in the index after the floor, about
  std::uint64_t unswept_ = 0;    // changes since the floor was raised
  Sequence acked_;
  Sequence sent_;
  std::uint64_t store_failures_ = 0;
  std::string store_failure_;
  Statistics statistics_;
};

}  // namespace hotpair::checkpoint::journal
