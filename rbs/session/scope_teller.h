#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "rbs/session/session_core.h"

namespace hotpair::rbs::session {

/// Tells the master what only our copy of a scope may have, before the copy is made equal to the
/// master's: first the memberships written since our line left the master's (index of changes). All
/// of them follow by key if the master may have removed what both had and we served on (deposed),
/// or if the index cannot say what is new.
///
/// One slice is read and sent at a time, at most a few are not answered. Whatever goes wrong ends
/// the telling, never the synchronisation that follows: what is not told comes by the hosts' next
/// reports, as it would without this.
class ScopeTeller {
 public:
  ScopeTeller(SessionCore& core, ScopeId scope) : core_(core), scope_(scope) {}

  /// Begins if our line left that of `master`; false: there is nothing to tell.
  bool start(const ScopeState& master, std::uint32_t sync, bool deposed,
             const checkpoint::journal::Journal& journal, TimePoint now);
  void stop();
  [[nodiscard]] bool active() const { return active_; }
  /// True once when all was told, or when it was given up.
  [[nodiscard]] bool take_finished() { return std::exchange(finished_, false); }

  void pump(TimePoint now);
  void on_taken(const DivergedTaken& frame, TimePoint now);
  /// False if the request was not the teller's.
  bool on_store_reply(checkpoint::StoreReply& reply, TimePoint now);
  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  [[nodiscard]] std::uint64_t told() const { return told_; }
  [[nodiscard]] std::uint64_t given_up() const { return given_up_; }

 private:
  void ask();
  void send(std::vector<Record> records, bool done, TimePoint now);
  void finish();
  [[nodiscard]] bool is_united(std::uint8_t database) const;

  SessionCore& core_;
  ScopeId scope_;
  bool active_ = false;
  bool finished_ = false;
  Diverged frame_;                   // of the next slice, without its records
  std::optional<Sequence> changed_;  // changes after this; none: by key
  std::optional<RecordKey> cursor_;  // by key: after this one
  bool by_key_ = false;              // in the end all are told
  bool may_ask_ = false;             // the journal's tail has been handed to the store
  std::optional<checkpoint::RequestId> request_;
  std::uint32_t taken_ = 0;  // slices that were answered
  TimePoint give_up_at_;
  std::uint64_t told_ = 0;      // records, of this telling
  std::uint64_t given_up_ = 0;  // tellings that came to no end
};

}  // namespace hotpair::rbs::session
