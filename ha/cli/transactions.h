#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "ha/cli/commit_history.h"
#include "ha/cli/node_view.h"
#include "ha/config/config_model.h"
#include "ha/config/diagnostic.h"
#include "platform/base/time.h"

namespace hotpair::ha::cli {

/// What a caller may do; taken from the socket's peer credentials by the daemon. Each includes the
/// ones before.
enum class AccessRole : std::uint8_t { view, operate, admin };

/// Who asks.
struct Caller {
  AccessRole role = AccessRole::view;
  std::string user;  ///< as he names himself, for the log and the history
  std::uint32_t uid = 0;
  std::uint64_t session = 0;  ///< his connection; an exclusive lock belongs to one
};

/// The two clocks at the moment of a call.
struct Instant {
  TimePoint now;
  WallTime wall;
  std::int32_t utc_offset_s = 0;
};

/// Changes of the running configuration, whoever asks for them: checked as a whole, applied all or
/// nothing, recorded. Holds the history, the confirmation that a commit may wait for and the
/// exclusive lock. Sans-IO: the node applies, the store keeps, the caller brings the time.
class Transactions {
 public:
  enum class Kind : std::uint8_t { commit, apply, rollback };
  /// Which warnings an outcome has; a commit does not repeat what is known of the running one.
  enum class Warnings : std::uint8_t { all, only_new };
  struct Change {
    Kind kind = Kind::commit;
    config::Config config;
    Caller caller;
    std::string label;
    std::string file;  ///< what messages call it
    std::optional<Duration> confirm_within;
  };
  struct Outcome {
    config::Diagnostics found;         ///< errors refuse
    std::vector<std::string> changes;  ///< against what ran before, keys not masked
    std::optional<Error> error;
    std::optional<ActionTicket> ticket;  ///< of the node: it ends later
    std::uint64_t id = 0;                ///< of the new record; 0: nothing was changed
    bool confirmed = false;              ///< an earlier commit needs no confirmation any more
  };
  /// A commit that is taken back unless it is confirmed.
  struct Pending {
    std::uint64_t id = 0;
    config::Config before;
    TimePoint deadline;
  };
  /// What happened, for the shells of others.
  struct Event {
    std::uint64_t number = 0;
    std::uint64_t session = 0;  ///< whose doing
    std::string text;
  };

  Transactions(const NodeView& view, Actions& actions, CommitStore& store)
      : view_(view), actions_(actions), history_(store) {}

  /// Takes the records of an earlier life and records what runs now, if it is another one.
  void start(std::vector<CommitRecord> records, const std::string& how, const Instant& instant);
  /// The rules of commit and what would change.
  [[nodiscard]] Outcome check(const config::Config& config, const std::string& file,
                              Warnings warnings) const;
  /// All or nothing. With nothing to change it confirms what waits for that.
  [[nodiscard]] Outcome commit(Change change, const Instant& instant);
  /// Back by that many records, itself a commit.
  [[nodiscard]] Outcome rollback(std::uint64_t steps, const Caller& caller, const Instant& instant);
  /// The configuration was changed past this class (a reload): it is recorded, and nothing waits
  /// for a confirmation any more.
  void noted(const std::string& how, const Instant& instant);

  /// Only this session may change the configuration.
  [[nodiscard]] Result<void> lock(const Caller& caller);
  /// False if this session does not hold the lock.
  bool unlock(std::uint64_t session);
  [[nodiscard]] Result<void> may_change(const Caller& caller) const;

  /// Changes with the running configuration.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] const CommitHistory& history() const { return history_; }
  [[nodiscard]] const std::optional<Pending>& pending() const { return pending_; }
  [[nodiscard]] const std::deque<Event>& events() const { return events_; }
  /// "Commit 7 is taken back in 09:12 unless 'commit' confirms it."; empty when none waits.
  [[nodiscard]] std::string countdown(const Instant& instant) const;

  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  /// Takes an unconfirmed commit back when its time is over; answers what was done, for the log.
  [[nodiscard]] std::optional<std::string> on_timeout(const Instant& instant);

 private:
  void record(const Caller& caller, const std::string& label, const std::string& how,
              const Instant& instant, Outcome& outcome);
  void tell(std::uint64_t session, std::string text);

  const NodeView& view_;
  Actions& actions_;
  CommitHistory history_;
  std::optional<Pending> pending_;
  std::optional<Caller> owner_;  ///< of the lock
  std::uint64_t version_ = 1;
  std::deque<Event> events_;  ///< the newest few
  std::uint64_t next_event_ = 1;
};

/// "anna (uid 1000)".
[[nodiscard]] std::string name_of(const Caller& caller);

}  // namespace hotpair::ha::cli
