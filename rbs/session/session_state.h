#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "rbs/session/scope_receiver.h"
#include "rbs/session/scope_sender.h"
#include "rbs/session/scope_teller.h"
#include "rbs/session/session_core.h"

namespace hotpair::rbs::session {

/// As master: where the peer's telling of what only it has stands.
struct ToldByPeer {
  std::uint32_t sync = 0;
  std::uint32_t next = 0;               // slice
  std::optional<std::uint32_t> answer;  // the slice to be answered
  bool again = false;                   // a line that was told to the end before
  Epoch epoch;                          // the line told to the end last
  Sequence last;
};

/// One scope of the session, in whichever direction its records flow.
struct SessionScope {
  SessionScope(SessionCore& core, ScopeId the_id)
      : id(the_id), sender(core, the_id), receiver(core, the_id), teller(core, the_id) {}

  ScopeId id;
  ScopePosture posture;
  checkpoint::journal::Journal* journal = nullptr;
  ScopeSender sender;
  ScopeReceiver receiver;
  ScopeTeller teller;
  bool deposed = false;  // master until another term took it, and not synchronised since
  Term given;            // the newest term that we offered to the peer
  ToldByPeer heard;
  std::uint32_t generation = 0;  // of our newest ScopeState
  bool announced = false;        // it is not yet answered by BulkBegin
  bool ever_begun = false;       // a BulkBegin came in this session
  bool taking = false;           // becoming master: the pipeline drains
  TimePoint take_deadline;
  std::optional<Term> offered;  // Handover sent
  std::optional<Term> granted;  // Handover received

  [[nodiscard]] bool master() const { return posture.role == Role::master; }
};

/// What the peer said of a scope, which we may have or not.
struct PeerScopeState {
  ScopeState state;
  bool fresh = true;    // no synchronisation was begun from it
  bool judged = false;  // as of a master: whether our line left its line
};

/// The whole of a ReplicationSession; session_input.cc has what frames do, replication_session.cc
/// the rest.
struct ReplicationSession::State {
  State(const SessionConfig& config, checkpoint::journal::RequestIds& ids) : core(config, ids) {}

  // ---- session_input.cc ----
  void on_frame(Frame&& frame, TimePoint now);
  void on(const Open& frame, TimePoint now);
  void on(const Accept& frame, TimePoint now);
  void on(const Refuse& frame, TimePoint now);
  void on(const ScopeState& frame, TimePoint now);
  void on(const BulkBegin& frame, TimePoint now);
  void on(BulkRecords&& frame, TimePoint now);
  void on(LiveRecords&& frame, TimePoint now);
  void on(const BulkEnd& frame, TimePoint now);
  void on(const Ack& frame, TimePoint now);
  void on(const Flow& frame, TimePoint now);
  void on(const Digests& frame, TimePoint now);
  void on(const Ranges& frame, TimePoint now);
  void on(const RangesDiffer& frame, TimePoint now);
  void on(Repair&& frame, TimePoint now);
  void on(const Handover& frame, TimePoint now);
  void on(const HandoverReady& frame, TimePoint now);
  void on(const HandoverDone& frame, TimePoint now);
  void on(const HandoverAbort& frame, TimePoint now);
  void on(Diverged&& frame, TimePoint now);
  void on(const DivergedTaken& frame, TimePoint now);
  void on(const RouteStanding& frame, TimePoint now);
  void on(const Keepalive& frame, TimePoint now);
  void on(const Bye& frame, TimePoint now);
  [[nodiscard]] SessionScope* find(ScopeId id);
  /// The scope if a data frame of its master may be processed; else it was counted or the peer is
  /// at fault. A dropped frame leaves the synchronisation.
  [[nodiscard]] SessionScope* data_scope(ScopeId id, const Term& term, std::uint32_t sync);
  /// The scope if a frame from the other end of our sender fits it.
  [[nodiscard]] SessionScope* answer_scope(ScopeId id, std::uint32_t sync);
  void refuse(RefuseReason reason, const std::string& text, TimePoint now);
  void come_up(TimePoint now);

  // ---- session_union.cc ----
  /// Begins to tell the peer what only our copy has, if it is master and our lines differ. Until
  /// that is done the scope is not announced.
  bool tell(SessionScope& scope, TimePoint now);
  void settle_union(SessionScope& scope, TimePoint now);

  // ---- replication_session.cc ----
  void announce(SessionScope& scope, TimePoint now);
  void try_start(SessionScope& scope, TimePoint now);
  void complete_take(SessionScope& scope, TimePoint now);
  /// After every input: closes on a fault, completes takeovers, acknowledges, pauses or resumes.
  void settle(TimePoint now);
  void pump(TimePoint now);
  void shut(Reason reason, const std::string& text, bool say_bye, TimePoint now);
  void reset_connection();
  void control_flow(TimePoint now);
  void check_liveness(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> liveness_deadline() const;
  void set_scope(SessionScope& scope, const ScopePosture& posture, TimePoint now);
  [[nodiscard]] ScopeModel show(const SessionScope& scope, TimePoint now) const;

  SessionCore core;
  SessionState state = SessionState::down;
  std::map<ScopeId, std::unique_ptr<SessionScope>> scopes;
  std::map<ScopeId, PeerScopeState> peer_scopes;  // of the present connection
  std::map<ScopeId, std::uint32_t> removed;       // in the present connection; newest generation
  std::optional<Open> peer;                       // of the present connection
  Open last_peer;
  std::uint16_t protocol = 0;
  bool accepted = false;  // the peer's Accept came
  bool paused = false;
  bool extended = false;  // the dead time was extended once, since we were late ourselves
  TimePoint heard_at;
  ScopeId pump_next;  // fairness between scopes
  ScopeId apply_next;
  Reason last_reason = Reason::none;
  std::string last_text;
  std::uint64_t sessions = 0;
  std::uint64_t frames_received = 0;
};

}  // namespace hotpair::rbs::session
