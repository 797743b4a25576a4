#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "checkpoint/store/memory_store.h"
#include "rbs/session/replication_session.h"

/// Two replication sessions with their journals and stores, one virtual clock, and a wire between
/// them that carries encoded bytes. Every store request and every frame is a step of its own, so a
/// test can do anything between any two.
namespace hotpair::rbs::session::test {

using checkpoint::Record;
using checkpoint::RecordChange;
using checkpoint::RecordKey;
using checkpoint::RecordValue;
using Table = std::map<RecordKey, RecordValue>;

inline constexpr ScopeId kScope{10};

[[nodiscard]] RecordKey key_of(unsigned number, std::uint8_t database = 16);
[[nodiscard]] RecordValue value_of(unsigned number);

/// One node, without anything that decides.
class End {
 public:
  End(std::uint64_t node, const SessionConfig& config,
      const checkpoint::journal::JournalConfig& journal_config);

  // What its engines do.
  void put(unsigned key, unsigned value, TimePoint now, std::uint8_t database = 16);
  void erase(unsigned key, TimePoint now, std::uint8_t database = 16);
  void set_role(Role role, Term term, TimePoint now);

  /// What the node does for a torn journal: drops the store and appends a snapshot of its engines.
  void refill(TimePoint now);
  /// Takes everything that session and journal want done.
  void drain(TimePoint now);
  /// Executes the oldest store request and answers it. False if there is none.
  bool step_store(TimePoint now);
  /// Runs the session's timer if it is due, as it is while there is work for the engines.
  bool step_timer(TimePoint now);
  /// A new process over the same store: what was not executed is lost.
  void restart();
  /// What the store holds of the scope.
  [[nodiscard]] Table stored() const;
  [[nodiscard]] checkpoint::ScopeMeta stored_meta() const;
  [[nodiscard]] ScopeModel show(TimePoint now) const { return *session->show(kScope, now); }

  std::uint64_t node;
  SessionConfig config;
  checkpoint::journal::JournalConfig journal_config;
  checkpoint::store::MemoryStore store;
  std::unique_ptr<checkpoint::journal::RequestIds> ids;
  std::unique_ptr<checkpoint::journal::Journal> journal;
  std::unique_ptr<ReplicationSession> session;
  Role role = Role::init;
  Term term;

  struct Outgoing {
    Frame frame;
    std::size_t cost;
  };
  std::deque<checkpoint::StoreRequest> requests;
  std::deque<Outgoing> out;
  bool store_fails = false;
  bool reading = true;
  bool closing = false;  // CloseSession: what is in `out` leaves first

  // What was seen.
  Table engine;  // as master: own state; as backup: built by Apply
  std::optional<ScopeTaken> taken;
  std::optional<CloseSession> closed;
  bool complete = false;  // last ScopeComplete
  unsigned ups = 0;
  unsigned mismatches = 0;
  unsigned degraded = 0;
  unsigned healed = 0;
  bool peer_flow = false;
  std::vector<Effect> others;  // handover, digest checks
  std::size_t out_bytes_max = 0;
  std::size_t store_requests_max = 0;

 private:
  void take(Effect effect);
};

class Pair {
 public:
  explicit Pair(const SessionConfig& config = {},
                const checkpoint::journal::JournalConfig& journal_config = {});

  void connect();
  /// Frames in flight are lost; both ends are told.
  void cut();
  /// One step: a store request, a frame or a timer that is due, in the order of `random` if set.
  /// False: nothing to do.
  bool step();
  /// Steps until nothing is to be done. The count is bounded, so that a loop is a failure.
  void run();
  /// Lets time pass, with all timers and steps on the way.
  void advance(Duration duration);
  void be_master(End& master, End& backup, std::uint64_t counter);
  bool step_frame(End& from, End& to);

  TimePoint now{std::chrono::seconds(1000)};
  End a;
  End b;
  bool connected = false;
  std::optional<std::mt19937> random;
  std::uint64_t frames = 0;  // delivered
  std::uint64_t bytes = 0;
};

}  // namespace hotpair::rbs::session::test
