#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/journal/journal.h"
#include "rbs/session/session_effects.h"
#include "rbs/session/session_frames.h"
#include "rbs/session/session_show.h"

namespace hotpair::rbs::session {

struct SessionConfig {
  NodeId node;
  std::optional<NodeId> peer_node;  ///< refuse any other
  std::string software;
  std::vector<SchemaRange> schemas;
  std::uint64_t config_digest = 0;
  Duration keepalive = std::chrono::seconds(3);
  Duration dead = std::chrono::seconds(10);   ///< also the limit of the handshake
  Duration stall = std::chrono::seconds(30);  ///< output that does not move
  std::size_t output_bytes = 256 * 1024;      ///< handed out and not yet sent
  std::uint32_t slice_records = 512;
  std::uint32_t slice_bytes = 64 * 1024;
  std::size_t store_requests = 64;  ///< received and not yet in store and engines
  std::size_t store_bytes = 1U << 20U;
  std::uint32_t apply_records = 128;  ///< for the engines in one turn
  /// Records of a bulk that the engines may be behind the store: what a takeover waits for.
  std::uint64_t unfed_records = 1U << 20U;
  Duration feed_pause = std::chrono::milliseconds(2);  ///< of a bulk, before engines are fed
  std::uint32_t range_parts = 256;
  Duration digest_busy = std::chrono::seconds(2);   ///< between comparisons after changes
  Duration digest_idle = std::chrono::seconds(30);  ///< and without any
  Duration store_retry = std::chrono::seconds(2);   ///< before a copy that failed is filled anew
  /// Databases of memberships, ascending: what only one of two lines has is told to the master and
  /// united there (Diverged). Empty: nothing is told.
  std::vector<std::uint8_t> united_databases;
  Duration tell_wait = std::chrono::seconds(2);  ///< for an answer of store or master, or credit
  std::uint64_t told_lag = 8192;  ///< changes a master's store may be behind, to take more
  Duration take_wait = std::chrono::seconds(1);  ///< a takeover waits no longer for a slow store
};

/// What this node is in a scope. `term` is its own as master, else the newest known.
struct ScopePosture {
  Role role = Role::init;
  Term term;
  friend bool operator==(const ScopePosture&, const ScopePosture&) = default;
};

/// Replicates scopes with one peer, both ways: for each scope from its master to the other node.
/// One object lives as long as the peer is configured, through any number of connections. Sans-IO;
/// nothing in it decides on roles, and the loss of the stream says nothing about the peer's life.
///
/// The driver, after every input: drain poll_effect(), then the journals' poll_request(), in this
/// order, so that the store sees requests in the order in which they were made; then set the timer.
class ReplicationSession {
 public:
  ReplicationSession(const SessionConfig& config, checkpoint::journal::RequestIds& ids);
  ~ReplicationSession();
  ReplicationSession(const ReplicationSession&) = delete;
  ReplicationSession& operator=(const ReplicationSession&) = delete;

  // ---- the stream ----

  /// The TLS stream is up. A second call ends the session before it.
  void on_connected(TimePoint now);
  void on_frame(Frame frame, TimePoint now);
  /// Bytes did not decode, or were too many: the session closes with Bye.
  void on_reject(Reason reason, const std::string& text, TimePoint now);
  /// Frames of this total cost have left for the kernel.
  void on_sent(std::size_t cost, TimePoint now);
  /// The stream is gone. What was received before is still stored and applied.
  void on_closed(TimePoint now);
  /// Says Bye(leaving) and closes.
  void close(const std::string& text, TimePoint now);

  // ---- scopes ----

  /// Adds a scope or changes its role or term. The journal outlives the scope here. Becoming master
  /// ends with ScopeTaken: at once, or when the store has answered for a bulk slice under way.
  void set_scope(ScopeId scope, const ScopePosture& posture, checkpoint::journal::Journal& journal,
                 TimePoint now);
  void remove_scope(ScopeId scope, TimePoint now);
  /// The journal has appended or its store has answered: there may be more to send.
  void on_journal(ScopeId scope, TimePoint now);

  // ---- the store ----

  /// False if the request was not this session's; the reply is untouched then.
  bool on_store_reply(checkpoint::StoreReply&& reply, TimePoint now);

  // ---- planned switchover ----

  /// Compares digests as soon as everything is acknowledged; answered by DigestChecked. As master,
  /// up.
  Result<void> check_digest(ScopeId scope, TimePoint now);
  /// Sends one of the handover frames; refused while not connected or for an unknown scope.
  Result<void> send_handover(const Handover& frame, TimePoint now);
  Result<void> send_handover(const HandoverReady& frame, TimePoint now);
  Result<void> send_handover(const HandoverDone& frame, TimePoint now);
  Result<void> send_handover(const HandoverAbort& frame, TimePoint now);

  /// Tells the master of a scope how its routes stand here. False, and nothing is sent: there is no
  /// session, its peer is too old, or this node is not the scope's backup.
  bool send_standing(const RouteStanding& frame, TimePoint now);

  // ---- driver ----

  void on_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  [[nodiscard]] std::optional<Effect> poll_effect();

  // ---- displays ----

  [[nodiscard]] bool up() const;
  [[nodiscard]] SessionModel show(TimePoint now) const;
  [[nodiscard]] std::optional<ScopeModel> show(ScopeId scope, TimePoint now) const;
  void reset_counters();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hotpair::rbs::session
