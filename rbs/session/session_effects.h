#pragma once

#include <string>
#include <variant>
#include <vector>

#include "rbs/session/session_frames.h"

namespace hotpair::rbs::session {

/// Where the copy of a scope stands, seen from either end.
enum class SyncState : std::uint8_t {
  none,  ///< no session, no master, or neither side asked yet
  bulk,
  repair,
  delta,
  synced,  ///< complete; live records follow
};
[[nodiscard]] std::string_view name_of(SyncState state);

/// Which way the records of a scope go, seen from this node.
enum class Direction : std::uint8_t { none, sending, receiving };

/// To the stream, in this order. When its bytes have left, give `cost` back by on_sent().
struct SendFrame {
  Frame frame;
  std::size_t cost = 0;
};
struct AskStore {
  checkpoint::StoreRequest request;
};
/// For the engines of a scope in standby mode: the store has answered for these (it may have
/// failed). A change without value is a deletion; bulk and repair name what disappeared likewise.
struct Apply {
  ScopeId scope;
  Epoch epoch;
  std::vector<checkpoint::RecordChange> changes;
};
/// Our store lost changes that the engines have seen, so it cannot tell what they hold: drop the
/// standby state of the scope; the bulk that begins now brings all of it.
struct ScopeRefill {
  ScopeId scope;
};
struct ScopeProgress {
  ScopeId scope;
  Direction direction = Direction::none;
  SyncState state = SyncState::none;
  std::uint64_t records = 0;  ///< of the present bulk or repair, sent or received so far
};
/// sending: the peer's copy became complete or is not any more. receiving: our copy; it stays
/// complete when the session ends, and is not while a bulk, repair or delta has not ended.
struct ScopeComplete {
  ScopeId scope;
  Direction direction = Direction::none;
  bool complete = false;
};
/// set_scope(master) is done: everything read under the old term was applied, the journal has begun
/// `epoch`. Activate the engines. `complete` says what the copy was worth. `torn`: the store lacks
/// records that the engines have; refill it (Journal::reset and a snapshot).
struct ScopeTaken {
  ScopeId scope;
  Epoch epoch;
  bool complete = false;
  bool torn = false;
};
/// Our copy cannot be stored (disk full, I/O error), or can again. Records are applied all the
/// same.
struct StoreDegraded {
  ScopeId scope;
  bool degraded = false;
  std::string detail;
};
/// Our databases and the peer's differ at the same sequence; a repair follows. Both ends say so.
struct DigestMismatch {
  ScopeId scope;
  Sequence at;
  std::vector<std::uint8_t> databases;
};
/// Answer to check_digest(), and after every comparison.
struct DigestChecked {
  ScopeId scope;
  Sequence at;
  bool equal = false;
};
/// Master: a slice of the memberships that only the peer's line may have, of one telling (`sync`).
/// To be united with ours and confirmed by the hosts; nothing of it is stored by the session.
struct DivergedHeard {
  Diverged frame;
};
/// The other end: everything was told; the synchronisation follows.
struct DivergedTold {
  ScopeId scope;
  Term term;  ///< of the master
  std::uint64_t records = 0;
};
/// What the peer said of itself in a scope; nothing here decides on it.
struct PeerScope {
  ScopeState state;
};
struct HandoverRequested {
  ScopeId scope;
  Term term;
  std::uint64_t hello_counter = 0;
};
struct HandoverIsReady {
  ScopeId scope;
  Term term;
};
struct HandoverIsDone {
  ScopeId scope;
  Term term;
  std::uint64_t hello_counter = 0;
};
struct HandoverAborted {
  ScopeId scope;
  Term term;
};
/// The backup of a scope says how its routes stand.
struct StandingHeard {
  RouteStanding frame;
};
/// Connected: both ends accepted.
struct SessionUp {
  Open peer;
  std::uint16_t protocol = 0;
};
/// Flush what was sent, then close the stream. on_closed() need not follow.
struct CloseSession {
  Reason reason = Reason::none;
  std::string text;
};
/// The store is behind: stop reading the stream until ResumeReading.
struct PauseReading {};
struct ResumeReading {};
/// The peer asked to stop (CHKPT_STATUS_IPC_FLOW_ON) or to go on sending.
struct FlowChanged {
  bool on = false;
};

using Effect = std::variant<SendFrame, AskStore, Apply, ScopeRefill, ScopeProgress, ScopeComplete,
                            ScopeTaken, StoreDegraded, DigestMismatch, DigestChecked, PeerScope,
                            DivergedHeard, DivergedTold, StandingHeard, HandoverRequested,
                            HandoverIsReady, HandoverIsDone, HandoverAborted, SessionUp,
                            CloseSession, PauseReading, ResumeReading, FlowChanged>;

}  // namespace hotpair::rbs::session
