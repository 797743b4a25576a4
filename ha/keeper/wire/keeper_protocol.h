#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ha/etrunk/etrunk_types.h"
#include "ha/keeper/wire/keeper_bfd.h"
#include "ha/lacp/lacp_show.h"
#include "ha/lacp/lacp_types.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// What brain and reflexes say to each other over the keeper's Unix socket. Plain structs here,
/// their bytes in keeper_codec.*; each message carries its number and length, unknown numbers are
/// skipped, so an old keeper serves a new daemon. Descriptors travel beside `Descriptors`
/// (SCM_RIGHTS).
namespace hotpair::ha::keeper {

inline constexpr std::uint16_t kProtocolVersion = 1;

/// Longest time between HandoverOffer and HandoverCommit; a later commit is refused. Together with
/// one immediate hello it stays below the 300 ms of design section 8.
inline constexpr Duration kHandoverOfferMax = std::chrono::milliseconds(250);
/// How long a leaving keeper waits for its daemon.
inline constexpr Duration kLeaveWaitMax = std::chrono::seconds(10);
/// A daemon that sent no Heartbeat for this long is not running.
inline constexpr Duration kHeartbeatMax = std::chrono::seconds(2);
/// What a lease adds to the peer's detection time (design section 7).
inline constexpr Duration kLeaseMargin = std::chrono::milliseconds(50);
/// How long the old side of a handover forwards on what the partner still sends, so that nothing is
/// lost until it has moved, which takes Linux's bond up to 104 ms; and the bound of two open gates
/// that it respects (design section 8).
inline constexpr Duration kPartnerMoves = std::chrono::milliseconds(130);
/// A new keeper keeps a trunk in sync for this long before its scope's gate is settled: the peer is
/// heard within a hello interval, and what the partner sends into a closed gate is lost.
inline constexpr Duration kResumedMax = std::chrono::milliseconds(500);
inline constexpr Duration kTwoGatesMax = std::chrono::milliseconds(300);
/// How long the new side of a handover waits after Sync = 1 before it says that it is ready: the
/// partner needs some milliseconds until it takes frames from the link. From then on its word
/// (Collecting) is waited for, but not for long: the machines of Linux's bond run every 100 ms, so
/// it takes the link in within one such period, and says so up to 200 ms later.
inline constexpr Duration kPartnerAdmits = std::chrono::milliseconds(50);
inline constexpr Duration kPartnerAdmitsMax = std::chrono::milliseconds(130);
/// Handover between two LACP system ids. The old side holds its carrier down for at most this long:
/// a partner's short timeout (3 s) is over, and what does not move then does not move for that.
inline constexpr Duration kCarrierHoldMax = std::chrono::seconds(10);
/// The new side speaks LACP when the old one says that its link is down, or after this.
inline constexpr Duration kOldLinkFalls = std::chrono::seconds(1);

using etrunk::ControlState;
using etrunk::EtrunkConfig;
using etrunk::EtrunkId;
using etrunk::Hello;
using etrunk::Role;

/// What the keeper writes into the word of a gate.
enum class GatePosture : std::uint8_t {
  closed = 0,
  leased = 1,  ///< renewed while the lease rule allows (design section 7)
  open = 2,    ///< for good: only where no peer is configured
};

/// Why a scope changed hands; also what an armed plan may act upon.
enum class Cause : std::uint8_t {
  none = 0,
  paths_down = 1,         ///< silence on all paths
  peer_access_lost = 2,   ///< the master says that its access link is gone
  peer_control_dead = 3,  ///< the master's brain did not come back within its grace
  peer_leaving = 4,       ///< goodbye
  election = 5,           ///< first decision after start, or nobody was master
  handover = 6,           ///< planned
  larger_term = 7,        ///< gave way to a hello with a larger term
  alone = 8,              ///< no peer heard since start
  lease_expired = 9,      ///< own lease ran out, gate closed; not yet a change of role
};

/// A takeover prepared beforehand, so that the keeper can act without asking.
struct ArmedPlan {
  ScopeId scope;
  Term against;               ///< the peer's term; void when a hello shows another one
  Term term;                  ///< the term to take: heard + 1, reserved on disk
  std::vector<Cause> causes;  ///< a scope that is incomplete is armed for paths_down only
  friend bool operator==(const ArmedPlan&, const ArmedPlan&) = default;
};

/// What tells a link that addresses moved here: sent whenever the gate of the scope opens, and when
/// the peer is heard again that may have claimed them meanwhile.
struct Announcement {
  ScopeId scope;
  std::string device;
  std::vector<std::string> frames;  ///< whole Ethernet frames
  friend bool operator==(const Announcement&, const Announcement&) = default;
};

struct ScopeConfig {
  ScopeId scope;
  EtrunkId etrunk;
  std::uint32_t gate_slot = 0;
  std::vector<std::string> access_devices;  ///< carrier of these is `access_up` (all down = lost)
  friend bool operator==(const ScopeConfig&, const ScopeConfig&) = default;
};

/// `e-trunk mode` of a trunk. `force_backup`: never in sync, and its scope reports its access as
/// lost, so that the peer takes it. `force_master`: in sync whenever its scope's gate is open,
/// which the peer's force_backup brings about; without a scope always.
enum class TrunkMode : std::uint8_t { automatic = 0, force_master = 1, force_backup = 2 };

/// An Eth-Trunk whose LACP the keeper runs.
struct TrunkSetup {
  lacp::TrunkConfig lacp;
  std::uint32_t slot = 0;        ///< of its trunk word
  std::optional<ScopeId> scope;  ///< in sync while the gate of this scope is open; none: always
  TrunkMode mode = TrunkMode::automatic;
  friend bool operator==(const TrunkSetup&, const TrunkSetup&) = default;
};

// ---- daemon to keeper ----

/// First message on a connection.
struct DaemonHello {
  std::uint16_t version_min = kProtocolVersion;
  std::uint16_t version_max = kProtocolVersion;
  NodeId node;
  std::string software;
  friend bool operator==(const DaemonHello&, const DaemonHello&) = default;
};
/// The whole configuration; the keeper compares and changes only what differs, live.
struct Configure {
  std::vector<EtrunkConfig> etrunks;
  std::vector<ScopeConfig> scopes;
  std::uint32_t restart_grace_ms = 10'000;
  std::vector<TrunkSetup> trunks;
  std::vector<Announcement> announcements;
  friend bool operator==(const Configure&, const Configure&) = default;
};
/// The brain's decision for a scope: role, term and gate, and what the hello reports.
/// A term older than the keeper's own for the scope is ignored and answered by ScopeChanged.
struct SetScope {
  ScopeId scope;
  Role role = Role::init;
  Term term;
  GatePosture posture = GatePosture::closed;
  bool complete = false;
  Cause cause = Cause::none;  ///< why it has this role; told back to the daemon's next life
  friend bool operator==(const SetScope&, const SetScope&) = default;
};
/// Changes the rank that hellos carry (tracking).
struct SetRank {
  EtrunkId etrunk;
  std::uint8_t rank = 100;
  friend bool operator==(const SetRank&, const SetRank&) = default;
};
struct Arm {
  ArmedPlan plan;
  friend bool operator==(const Arm&, const Arm&) = default;
};
struct Disarm {
  ScopeId scope;
  friend bool operator==(const Disarm&, const Disarm&) = default;
};
/// Sent every 500 ms; none for 2 s means the brain is not running.
struct Heartbeat {
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};
/// Old side, sent before the frame `Handover`: from the next hello on, and for at most
/// kHandoverOfferMax, hellos say `offering` for the scope, so that the periodic ones do not revoke
/// the new side. Answered by HandoverOffered, whose counter goes into the frame and into
/// HandoverOpen.
struct HandoverOffer {
  ScopeId scope;
  Term term;
  friend bool operator==(const HandoverOffer&, const HandoverOffer&) = default;
};
/// New side of a handover: open the gate in `term`, which no hello carries yet. Revoked by any
/// hello of the old side newer than `hello_counter`, or of another session, that is neither
/// `handed_over` nor `offering`, or by Revoke; if the old side falls silent for the detection time,
/// it becomes a mastership.
struct HandoverOpen {
  ScopeId scope;
  Term term;
  std::uint64_t hello_counter = 0;
  friend bool operator==(const HandoverOpen&, const HandoverOpen&) = default;
};
/// New side: the old one is done; hellos may carry the term.
struct HandoverConfirm {
  ScopeId scope;
  Term term;
  friend bool operator==(const HandoverConfirm&, const HandoverConfirm&) = default;
};
/// New side: aborted; close.
struct HandoverRevoke {
  ScopeId scope;
  Term term;
  friend bool operator==(const HandoverRevoke&, const HandoverRevoke&) = default;
};
/// Old side, the commit point: store 0, never renew, hello `handed over` at once, become backup.
struct HandoverCommit {
  ScopeId scope;
  Term term;
  friend bool operator==(const HandoverCommit&, const HandoverCommit&) = default;
};
/// Old side, nothing was committed: an immediate hello, which revokes the new side.
struct HandoverAbort {
  ScopeId scope;
  friend bool operator==(const HandoverAbort&, const HandoverAbort&) = default;
};
/// Every scope has been handed over or given up: goodbye, gates closed, keeper exits.
struct Leave {
  friend bool operator==(const Leave&, const Leave&) = default;
};
/// Descriptors for safe keeping follow this message: the names in their order ("mroute4",
/// "mroute6", "gate-words", "gate-…", "trunk-words", "trunk-…"). A name that is kept already is
/// replaced.
struct Descriptors {
  std::vector<std::string> names;
  friend bool operator==(const Descriptors&, const Descriptors&) = default;
};
/// Asks for a KeeperStatus, which a TrunkStatus of each trunk follows.
struct AskStatus {
  friend bool operator==(const AskStatus&, const AskStatus&) = default;
};

/// A member that distributed when the keeper before this one was lost, and its partner.
struct ResumedMember {
  lacp::TrunkId trunk;
  lacp::MemberIndex member = 0;
  lacp::PortInfo partner;
  friend bool operator==(const ResumedMember&, const ResumedMember&) = default;
};
/// To a new keeper, before the first Configure: LACP goes on where its predecessor was lost, within
/// a short timeout before, so that the partner notices nothing.
struct ResumeTrunks {
  std::vector<ResumedMember> members;
  friend bool operator==(const ResumeTrunks&, const ResumeTrunks&) = default;
};

using ToKeeper =
    std::variant<DaemonHello, Configure, SetScope, SetRank, Arm, Disarm, Heartbeat, HandoverOpen,
                 HandoverConfirm, HandoverRevoke, HandoverCommit, HandoverAbort, Leave, Descriptors,
                 AskStatus, HandoverOffer, ConfigureBfd, AskBfd, ResumeTrunks>;

// ---- keeper to daemon ----

/// What the keeper holds of one scope. A daemon that connects takes role and term from here.
struct ScopeState {
  ScopeId scope;
  Role role = Role::init;
  Term term;
  GatePosture posture = GatePosture::closed;
  bool gate_open = false;
  bool access_up = true;
  std::optional<ArmedPlan> armed;
  Cause cause = Cause::none;    ///< of the newest change of role, whoever decided it
  TimePoint opened_at;          ///< CLOCK_MONOTONIC, when the gate opened last; zero: never
  std::uint64_t announced = 0;  ///< frames of its announcements sent by this keeper
  friend bool operator==(const ScopeState&, const ScopeState&) = default;
};
/// First answer. Kept descriptors follow it, named in their order.
struct Welcome {
  std::uint16_t version = kProtocolVersion;
  std::uint32_t pid = 0;
  std::uint64_t session = 0;  ///< this keeper life's hello session
  std::vector<ScopeState> scopes;
  std::vector<std::string> descriptors;
  friend bool operator==(const Welcome&, const Welcome&) = default;
};
/// The connection is refused: another daemon is connected, or the versions do not meet.
struct Refused {
  std::string reason;
  friend bool operator==(const Refused&, const Refused&) = default;
};
/// A path to the peer went up (its hello echoes our session) or down.
struct PathChanged {
  EtrunkId etrunk;
  etrunk::PathId path;
  bool up = false;
  std::uint32_t silent_ms = 0;  ///< going down: how long nothing was heard
  bool detected = false;        ///< going down: BFD said so before the hellos did
  friend bool operator==(const PathChanged&, const PathChanged&) = default;
};
/// The peer's newest valid hello, whenever anything but counters in it changed.
struct PeerHello {
  Hello hello;
  friend bool operator==(const PeerHello&, const PeerHello&) = default;
};
/// The session of an E-Trunk lost its last path, or has one again.
struct PeerChanged {
  EtrunkId etrunk;
  bool heard = false;
  friend bool operator==(const PeerChanged&, const PeerChanged&) = default;
};
/// No valid hello on any path for the time that makes a starting node `alone` (design section 7).
struct Alone {
  EtrunkId etrunk;
  friend bool operator==(const Alone&, const Alone&) = default;
};
/// The keeper acted: an armed plan was executed, a larger term was obeyed, a handover ended.
/// Times are CLOCK_MONOTONIC: of the last sign of the peer, of the decision, of the gate's store.
struct ScopeChanged {
  ScopeState state;
  Cause cause = Cause::none;
  TimePoint last_heard;
  TimePoint decided;
  TimePoint gate_stored;
  friend bool operator==(const ScopeChanged&, const ScopeChanged&) = default;
};
/// HandoverOpen was carried out; old side: HandoverCommit was carried out.
struct HandoverOpened {
  ScopeId scope;
  Term term;
  friend bool operator==(const HandoverOpened&, const HandoverOpened&) = default;
};
struct HandoverCommitted {
  ScopeId scope;
  Term term;
  std::uint64_t hello_counter = 0;
  friend bool operator==(const HandoverCommitted&, const HandoverCommitted&) = default;
};
/// The gate closed since its lease ran out or no renewal was allowed, or it reopened.
struct GateChanged {
  ScopeId scope;
  bool open = false;
  Cause cause = Cause::none;
  friend bool operator==(const GateChanged&, const GateChanged&) = default;
};
/// HandoverOffer was taken: hellos newer than `hello_counter` say so. Sent with offered = false
/// when the offer ended without a commit: aborted, the peer silent, or kHandoverOfferMax over.
struct HandoverOffered {
  ScopeId scope;
  Term term;
  std::uint64_t hello_counter = 0;
  bool offered = true;
  friend bool operator==(const HandoverOffered&, const HandoverOffered&) = default;
};
/// The keeper was told to end (SIGTERM): hand over every scope, then send Leave. It waits
/// kLeaveWaitMax, then says goodbye anyway.
struct LeaveRequested {
  friend bool operator==(const LeaveRequested&, const LeaveRequested&) = default;
};
struct AccessChanged {
  ScopeId scope;
  bool up = true;
  friend bool operator==(const AccessChanged&, const AccessChanged&) = default;
};
struct PathStatus {
  EtrunkId etrunk;
  etrunk::PathId path;
  bool up = false;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t rejected_auth = 0;   ///< bad HMAC or no key
  std::uint64_t rejected_other = 0;  ///< malformed, replayed, wrong E-Trunk
  std::uint64_t not_echoed = 0;
  std::uint32_t last_heard_ms = 0;  ///< ago; 0 with received 0: never
  friend bool operator==(const PathStatus&, const PathStatus&) = default;
};
struct KeeperStatus {
  std::uint32_t pid = 0;
  std::uint64_t uptime_ms = 0;
  bool realtime = false;          ///< SCHED_FIFO was granted
  bool locked = false;            ///< memory is locked
  std::uint64_t late_timers = 0;  ///< own timer fired more than 1 ms late
  std::uint32_t worst_late_us = 0;
  std::uint64_t daemon_connects = 0;
  std::uint64_t hello_counter = 0;  ///< newest own counter
  std::vector<ScopeState> scopes;
  std::vector<PathStatus> paths;
  std::vector<std::string> descriptors;
  friend bool operator==(const KeeperStatus&, const KeeperStatus&) = default;
};

/// LACP of one trunk; sent after KeeperStatus, one for each.
struct TrunkStatus {
  lacp::TrunkShow trunk;
  std::uint32_t slot = 0;
  std::uint64_t word = 0;  ///< as stored: collecting low, distributing high
  friend bool operator==(const TrunkStatus&, const TrunkStatus&) = default;
};
/// The members that collect or distribute changed, or the trunk's partner was found or lost.
struct TrunkChanged {
  lacp::TrunkId trunk;
  bool sync_allowed = true;
  bool partner_heard = false;
  std::uint32_t collecting = 0;
  std::uint32_t distributing = 0;
  friend bool operator==(const TrunkChanged&, const TrunkChanged&) = default;
};

/// Why the carrier of a scope's member links was given back.
enum class CarrierEnd : std::uint8_t {
  partner_moved = 0,     ///< the new master's LACP partner uses its link
  timed_out = 1,         ///< it did not within kCarrierHoldMax
  peer_silent = 2,       ///< the new master is gone
  peer_lost_access = 3,  ///< the new master does not hear its LACP partner
  taken_back = 4,        ///< this node is master again
  operator_up = 5,       ///< somebody set a device up
  ended = 6,             ///< the keeper leaves, or the configuration changed
};
/// Old side of a handover between two LACP system ids: the carrier of the scope's member links is
/// held down until the partner has let go of this system, or was given back.
struct CarrierChanged {
  ScopeId scope;
  bool held = false;
  CarrierEnd end = CarrierEnd::partner_moved;  ///< given back
  std::vector<std::string> devices;
  friend bool operator==(const CarrierChanged&, const CarrierChanged&) = default;
};

using FromKeeper = std::variant<Welcome, Refused, PathChanged, PeerHello, PeerChanged, Alone,
                                ScopeChanged, HandoverOpened, HandoverCommitted, GateChanged,
                                AccessChanged, KeeperStatus, HandoverOffered, LeaveRequested,
                                TrunkStatus, TrunkChanged, BfdChanged, BfdStatus, CarrierChanged>;

}  // namespace hotpair::ha::keeper
