#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "checkpoint/record/store_port.h"

/// What two replication sessions say to each other (design section 6), as plain structs; their
/// bytes are in rbs/wire. Both ends use them alike; per scope, data flows from the master to the
/// other.
namespace hotpair::rbs::session {

using checkpoint::DatabaseDigest;
using checkpoint::EpochHistory;
using checkpoint::RangeSum;
using checkpoint::Record;
using checkpoint::RecordKey;
using checkpoint::SequencedChange;

inline constexpr std::uint16_t kProtocolMin = 1;
inline constexpr std::uint16_t kProtocolMax = 3;
/// From here on a peer takes Diverged.
inline constexpr std::uint16_t kProtocolUnion = 2;
/// And from here on RouteStanding.
inline constexpr std::uint16_t kProtocolStanding = 3;

// Limits of one frame; the codec refuses more before it allocates, the session never sends more.
inline constexpr std::size_t kFrameBytesMax = 1U << 20U;
inline constexpr std::size_t kRecordsMax = 1024;
inline constexpr std::size_t kRangesMax = 512;
inline constexpr std::size_t kDatabasesMax = 256;
inline constexpr std::size_t kScopesMax = 4096;
inline constexpr std::size_t kTextMax = 1024;

enum class Role : std::uint8_t { init = 0, backup = 1, master = 2 };

/// Schema versions of one database that a node can decode.
struct SchemaRange {
  std::uint8_t database = 0;
  std::uint16_t min = 0;
  std::uint16_t max = 0;
  friend bool operator==(const SchemaRange&, const SchemaRange&) = default;
};

/// First frame, sent by both ends as soon as the stream is up.
struct Open {
  std::uint16_t protocol_min = kProtocolMin;
  std::uint16_t protocol_max = kProtocolMax;
  NodeId node;
  std::string software;
  std::vector<SchemaRange> schemas;
  std::uint64_t config_digest = 0;  ///< differs: shown, never refused
  std::vector<ScopeId> scopes;
  friend bool operator==(const Open&, const Open&) = default;
};

/// The protocol version both speak from now on. Connected means: received.
struct Accept {
  std::uint16_t protocol = kProtocolMax;
  friend bool operator==(const Accept&, const Accept&) = default;
};

enum class RefuseReason : std::uint8_t {
  none = 0,
  version = 1,     ///< protocol ranges do not meet
  same_node = 2,   ///< the peer is this node, or has a copy of its state directory
  wrong_node = 3,  ///< another node than the one configured or known
  limit = 4,       ///< more scopes or databases than this node can handle
};
struct Refuse {
  RefuseReason reason = RefuseReason::none;
  std::string text;  ///< what the operator can do
  friend bool operator==(const Refuse&, const Refuse&) = default;
};

/// Where one end stands in one scope. Sent after Accept, and whenever role, term or completeness
/// changes or the sender wants its copy to be synchronised anew.
struct ScopeState {
  ScopeId scope;
  Role role = Role::init;
  Term term;  ///< own, or the newest known
  EpochHistory history;
  Sequence last;
  Sequence floor;
  bool incomplete = false;
  std::uint32_t generation = 0;  ///< grows with each; a master's answer names it as `sync`
  friend bool operator==(const ScopeState&, const ScopeState&) = default;
};

enum class SyncKind : std::uint8_t { bulk = 0, delta = 1, repair = 2 };

/// Master: this is how your copy becomes equal. Answers the ScopeState with generation `sync`;
/// every frame about the scope's data carries both, so frames of a state since left are known.
struct BulkBegin {
  ScopeId scope;
  Term term;
  std::uint32_t sync = 0;
  SyncKind kind = SyncKind::bulk;
  EpochHistory history;  ///< of the master, to be adopted
  Sequence base;         ///< live records follow from the one after this
  /// Records of the master's copy when it began, for displays of progress; 0: not said.
  std::uint64_t records = 0;
  friend bool operator==(const BulkBegin&, const BulkBegin&) = default;
};

/// One key-ordered slice of a bulk: what (after, through] holds. `through` is missing in the last.
struct BulkRecords {
  ScopeId scope;
  Term term;
  std::uint32_t sync = 0;
  std::optional<RecordKey> after;
  std::optional<RecordKey> through;
  std::vector<Record> records;
  friend bool operator==(const BulkRecords&, const BulkRecords&) = default;
};

/// Live records in ascending sequence, all written in `epoch`.
struct LiveRecords {
  ScopeId scope;
  Term term;
  std::uint32_t sync = 0;
  Epoch epoch;
  std::vector<SequencedChange> changes;
  friend bool operator==(const LiveRecords&, const LiveRecords&) = default;
};

/// Bulk, delta or repair has been sent, and live records up to `target` with it: once it is
/// committed the copy is complete.
struct BulkEnd {
  ScopeId scope;
  Term term;
  std::uint32_t sync = 0;
  Sequence target;
  friend bool operator==(const BulkEnd&, const BulkEnd&) = default;
};

/// Cumulative: everything up to here is committed at the sender of this frame.
struct Ack {
  ScopeId scope;
  std::uint32_t sync = 0;
  Epoch epoch;
  Sequence sequence;
  friend bool operator==(const Ack&, const Ack&) = default;
};

/// Stop (or go on) sending records: the store behind is slower than the network.
struct Flow {
  bool on = false;
  friend bool operator==(const Flow&, const Flow&) = default;
};

/// The master's digests at a sequence, and as answer those of the copy at the same sequence.
/// An answer that is not conclusive says that the copy was elsewhere when it could be read.
struct Digests {
  ScopeId scope;
  std::uint32_t sync = 0;
  Sequence at;
  bool answer = false;
  bool conclusive = true;
  std::vector<DatabaseDigest> digests;
  friend bool operator==(const Digests&, const Digests&) = default;
};

/// Master, in a repair: consecutive ranges over all keys with their sums.
struct Ranges {
  ScopeId scope;
  Term term;
  std::uint32_t sync = 0;
  std::vector<RangeSum> sums;
  friend bool operator==(const Ranges&, const Ranges&) = default;
};
/// Answer: indexes of the ranges whose sum is another here, ascending.
struct RangesDiffer {
  ScopeId scope;
  std::uint32_t sync = 0;
  std::vector<std::uint32_t> differing;
  friend bool operator==(const RangesDiffer&, const RangesDiffer&) = default;
};
/// What (after, through] holds at the master, for a range that differs.
struct Repair {
  ScopeId scope;
  Term term;
  std::uint32_t sync = 0;
  std::optional<RecordKey> after;
  std::optional<RecordKey> through;
  std::vector<Record> records;
  friend bool operator==(const Repair&, const Repair&) = default;
};

/// Old master: takes `term` as granted, obeys hellos of mine newer than `hello_counter` (design 8).
struct Handover {
  ScopeId scope;
  Term term;
  std::uint64_t hello_counter = 0;
  friend bool operator==(const Handover&, const Handover&) = default;
};
/// New master: gate open, members in sync.
struct HandoverReady {
  ScopeId scope;
  Term term;
  friend bool operator==(const HandoverReady&, const HandoverReady&) = default;
};
/// Old master: committed; `hello_counter` is that of the `handed over` hello.
struct HandoverDone {
  ScopeId scope;
  Term term;
  std::uint64_t hello_counter = 0;
  friend bool operator==(const HandoverDone&, const HandoverDone&) = default;
};
/// Either side: nothing was committed; the term is burnt.
struct HandoverAbort {
  ScopeId scope;
  Term term;
  friend bool operator==(const HandoverAbort&, const HandoverAbort&) = default;
};

/// To the master, by a node whose line left the master's (both were master, or one died with an
/// unacknowledged tail, or the master lost its store), before it is synchronised: a slice of the
/// memberships that only its copy may have. The master unites them with its own until hosts confirm
/// them.
struct Diverged {
  ScopeId scope;
  Term term;               ///< the master's, as known to the sender
  std::uint32_t sync = 0;  ///< one telling; its slices are numbered from 0
  std::uint32_t slice = 0;
  Epoch epoch;             ///< newest of the sender's line
  Sequence last;           ///< and where that ends
  bool deposed = false;    ///< the sender was master until it heard of the term
  bool done = false;       ///< no slice follows
  std::uint64_t held = 0;  ///< records of memberships in the sender's copy
  std::vector<Record> records;
  friend bool operator==(const Diverged&, const Diverged&) = default;
};
/// Answer: the slice was taken; more may follow.
struct DivergedTaken {
  ScopeId scope;
  std::uint32_t sync = 0;
  std::uint32_t slice = 0;
  friend bool operator==(const DivergedTaken&, const DivergedTaken&) = default;
};

/// To the master, by the node that would take the scope over: how its routes stand there. Sent once
/// both are up and when a number changes, at most once a second.
struct RouteStanding {
  ScopeId scope;
  std::uint64_t without_way = 0;  ///< routes without RPF
  std::uint64_t by_peer = 0;      ///< routes whose RPF neighbour is the receiver of this
  std::uint64_t silent = 0;       ///< routes behind the closed gate that get no traffic
  friend bool operator==(const RouteStanding&, const RouteStanding&) = default;
};

struct Keepalive {
  friend bool operator==(const Keepalive&, const Keepalive&) = default;
};

/// Why a frame was refused, or a session closed. Counted by reason; numbers are on the wire.
enum class Reason : std::uint8_t {
  none = 0,
  leaving = 1,          ///< closed on purpose
  malformed = 2,        ///< bytes do not decode
  oversized = 3,        ///< longer than 1 MiB
  out_of_order = 4,     ///< a frame that does not belong here
  unknown_scope = 5,    ///< records for a scope that this node does not have
  wrong_direction = 6,  ///< only a master sends this, and the peer is none
  limit = 7,            ///< a count or size over its limit
  refused = 8,          ///< we refused the peer's Open
  refused_by_peer = 9,
  handshake_timeout = 10,
  peer_silent = 11,       ///< nothing heard for the dead time
  peer_not_reading = 12,  ///< the output queue did not move
  stream_lost = 13,       ///< TCP or TLS ended
  stale_term = 14,        ///< dropped: an older term than known
  stale_sync = 15,        ///< dropped: belongs to a synchronisation since left
  stale_handover = 16,    ///< dropped: a handover since ended
  peer_left = 17,         ///< the peer closed on purpose
  count_ = 18,
};

struct Bye {
  Reason reason = Reason::none;
  std::string text;
  friend bool operator==(const Bye&, const Bye&) = default;
};

using Frame = std::variant<Open, Accept, Refuse, ScopeState, BulkBegin, BulkRecords, LiveRecords,
                           BulkEnd, Ack, Flow, Digests, Ranges, RangesDiffer, Repair, Handover,
                           HandoverReady, HandoverDone, HandoverAbort, Keepalive, Bye, Diverged,
                           DivergedTaken, RouteStanding>;

/// "BulkBegin" and so on, for logs and displays.
[[nodiscard]] std::string_view name_of(const Frame& frame);
/// "stale-term" and so on.
[[nodiscard]] std::string_view name_of(Reason reason);
[[nodiscard]] std::string_view name_of(Role role);
/// What a frame counts for against the output limit: about its encoded size, never 0.
[[nodiscard]] std::size_t cost_of(const Frame& frame);
/// Of its records alone.
[[nodiscard]] std::size_t cost_of(const std::vector<Record>& records);
[[nodiscard]] std::size_t cost_of(const std::vector<SequencedChange>& changes);

}  // namespace hotpair::rbs::session
