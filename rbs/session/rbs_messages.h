#pragma once

#include <array>

#include "platform/base/message.h"

/// Log messages of the replication channel; drivers log, the session does not.
namespace hotpair::rbs::session {

inline constexpr Message kSessionUp{
    "HA-RBS-0001", LogLevel::info,
    "replication session with node {} is up, protocol {}, software {}",
    "Both ends are authenticated and have accepted each other's versions.", "None."};
inline constexpr Message kSessionClosed{
    "HA-RBS-0002", LogLevel::warning, "replication session closed: {} ({})",
    "The channel ended. It says nothing about the peer's life: liveness is decided by the paths. "
    "Records "
    "wait in the journal and follow after the reconnect.",
    "If it does not come back, look at the reason, at the address and at the peer's log."};
inline constexpr Message kRefusedPeer{
    "HA-RBS-0003", LogLevel::error, "refused the peer: {}",
    "The peer's Open does not fit this node: versions, node id or limits.",
    "Do what the text says; the pair retries with back-off."};
inline constexpr Message kRefusedByPeer{
    "HA-RBS-0004", LogLevel::error, "the peer refused this node: {}",
    "This node's Open does not fit the peer: versions, node id or limits.",
    "Do what the text says; the pair retries with back-off."};
inline constexpr Message kProtocolViolation{
    "HA-RBS-0005", LogLevel::error, "the peer sent what it must not: {} ({}); session closed",
    "A frame was malformed, too large, out of order or for a scope that is not here. Nothing of it "
    "was "
    "stored.",
    "If it repeats, compare the software versions of both nodes and report it with both logs."};
inline constexpr Message kStaleTerm{
    "HA-RBS-0006", LogLevel::warning,
    "scope {}: refused records of term {}, which is older than {}",
    "An old master went on for a moment after a takeover. Its records since then are not merged.",
    "None, if it was during a switchover."};
inline constexpr Message kSyncBegun{
    "HA-RBS-0007", LogLevel::info, "scope {}: {} begins",
    "A copy is made equal: bulk sends everything, delta what changed, repair what differs.",
    "None."};
inline constexpr Message kSyncComplete{
    "HA-RBS-0008", LogLevel::info, "scope {}: the copy is complete ({} records)",
    "From here on the backup can take over without loss of state.", "None."};
inline constexpr Message kDigestMismatch{
    "HA-RBS-0009", LogLevel::error, "scope {}: digests differ at sequence {} in {}; repairing",
    "A record was damaged or lost on one of the nodes. The ranges that differ are sent again.",
    "If it repeats, check memory and disk of both nodes."};
inline constexpr Message kStoreDegraded{
    "HA-RBS-0010", LogLevel::error, "scope {}: the copy cannot be stored: {}",
    "The local store fails (disk full, I/O error). Records are still applied, but not "
    "acknowledged; a "
    "restart of the daemon here would lose them.",
    "Make room on the disk or replace it; the copy is then filled again by itself."};
inline constexpr Message kStoreHealed{"HA-RBS-0011", LogLevel::info,
                                      "scope {}: the store works again; the copy is filled anew",
                                      "The failure is over.", "None."};
inline constexpr Message kPeerFlow{
    "HA-RBS-0012", LogLevel::info, "peer flow control {} (CHKPT_STATUS_IPC_FLOW_ON)",
    "The peer's store is slower than the records come. They wait in the journal.",
    "If it stays on, look at the peer's disk."};
inline constexpr Message kJournalTorn{
    "HA-RBS-0013", LogLevel::error,
    "scope {}: the store lost changes and is filled from the engines",
    "The store failed for so long that not everything could be kept for it, or a takeover came "
    "before it had "
    "answered.",
    "None, once the store works."};

/// Every row, for the manual.
inline constexpr std::array kMessages{
    kSessionUp,   kSessionClosed, kRefusedPeer,  kRefusedByPeer,  kProtocolViolation,
    kStaleTerm,   kSyncBegun,     kSyncComplete, kDigestMismatch, kStoreDegraded,
    kStoreHealed, kPeerFlow,      kJournalTorn};

}  // namespace hotpair::rbs::session
