#pragma once

#include "platform/base/message.h"

/// What the reflex process logs.
namespace hotpair::ha::keeper::messages {

inline constexpr Message kStarted{
    "HA-KEEP-0001", LogLevel::info, "keeper {} started: socket {}, realtime {}, memory locked {}",
    "The reflex process runs.",
    "Without realtime or locked memory detection times below 100 ms are not safe: grant "
    "CAP_SYS_NICE and CAP_IPC_LOCK."};
inline constexpr Message kSocketFailed{
    "HA-KEEP-0002", LogLevel::warning, "hello socket {} port {} device '{}': {}",
    "A path of an E-Trunk cannot send or receive; it is tried again.",
    "Check that the device exists and that no other program holds the address and port."};
inline constexpr Message kDaemonConnected{
    "HA-KEEP-0003", LogLevel::info, "daemon connected, pid {}", "hotpaird is running.", "Nothing."};
inline constexpr Message kDaemonLost{
    "HA-KEEP-0004", LogLevel::warning, "daemon connection ended: {}",
    "hotpaird ended, hung or was replaced. The keeper goes on; after restart-grace the peer may "
    "take over.",
    "Look at the log of hotpaird."};
inline constexpr Message kDaemonRefused{
    "HA-KEEP-0005", LogLevel::warning, "connection refused: {}",
    "Another daemon is connected, or a process of another user tried.",
    "Run one hotpaird per keeper socket."};
/// Up is an info, down a warning.
inline constexpr Message kPath{"HA-KEEP-0006", LogLevel::warning, "e-trunk {} path {} {}",
                               "A liveness path to the peer changed.",
                               "If it went down: check the link and the peer."};
inline constexpr Message kScopeChanged{
    "HA-KEEP-0007", LogLevel::warning, "scope {}: role {}, term {}, gate {}, cause: {}",
    "The keeper acted on its own: an armed plan, a larger term, or a handover.",
    "See display switchover history."};
inline constexpr Message kGate{
    "HA-KEEP-0008", LogLevel::warning, "scope {}: gate {} (cause: {})",
    "The lease of the gate ran out, or the gate reopened.",
    "A lease runs out when hellos cannot be sent or this process did not run."};
inline constexpr Message kAccess{
    "HA-KEEP-0009", LogLevel::warning, "scope {}: access {}",
    "The carrier of the scope's access devices changed.", "Check the access link."};
inline constexpr Message kGateMap{
    "HA-KEEP-0010", LogLevel::error, "gate words: {}",
    "The map of gate words that the daemon handed over cannot be used: gates stay as they are.",
    "The versions of hotpaird and hotpair-keeper may differ: restart both."};
inline constexpr Message kMalformed{
    "HA-KEEP-0011", LogLevel::warning, "message of the daemon was not understood: {}",
    "It is of a later version, or damaged. It was skipped.", "Nothing, unless it repeats."};
inline constexpr Message kLeaving{
    "HA-KEEP-0012", LogLevel::info, "leaving: {}", "The keeper was told to end.", "Nothing."};
inline constexpr Message kHelloFailed{
    "HA-KEEP-0013", LogLevel::warning, "e-trunk {} path {}: hello not sent: {}",
    "A hello could not be sent; its lease is not renewed by it.",
    "Check route, link and security-key."};
inline constexpr Message kCarrierLate{
    "HA-KEEP-0020", LogLevel::warning, "{}: no counter of carrier changes in /sys",
    "Loss of carrier on this access device is told by the kernel's events alone, up to 1 s late.",
    "Mount /sys of this network namespace, or grant CAP_SYS_ADMIN to the keeper."};
inline constexpr Message kAlone{
    "HA-KEEP-0014", LogLevel::warning, "e-trunk {}: no hello of the peer since start",
    "Nobody answered for the longer of hello timeout and restart-grace.", "Check the peer."};

inline constexpr Message kLacpSocketFailed{
    "HA-KEEP-0015", LogLevel::warning, "LACP on '{}': {}",
    "A member of an Eth-Trunk cannot send or receive LACPDUs; it is tried again.",
    "Check that the device exists."};
inline constexpr Message kLacpduFailed{
    "HA-KEEP-0016", LogLevel::warning, "LACPDU on '{}' not sent: {}",
    "The partner will time this member out if it goes on.", "Check the device."};
inline constexpr Message kTrunk{
    "HA-KEEP-0017", LogLevel::info,
    "Eth-Trunk{}: partner {}, sync {}, collecting {:#x}, distributing {:#x}",
    "The members of an Eth-Trunk that forward, or its LACP partner, changed.",
    "If the partner was lost: check the access link and the access device."};
inline constexpr Message kTrunkMap{
    "HA-KEEP-0018", LogLevel::error, "trunk words: {}",
    "The map of trunk words that the daemon handed over cannot be used: trunks stay as they are.",
    "The versions of hotpaird and hotpair-keeper may differ: restart both."};
inline constexpr Message kHeldLink{
    "HA-KEEP-0019", LogLevel::warning, "member link {}: {}",
    "A forced switchover between two LACP system ids drops the carrier of the old master's member "
    "links, since the access device keeps the system that it attached first. It comes back when "
    "the new master's link is used, after 10 s at the latest, and at the next start.",
    "Nothing, if it was given back. Give both nodes one system id: lacp e-trunk system-id."};
inline constexpr Message kAnnounceFailed{
    "HA-KEEP-0024", LogLevel::warning, "announcement of floating addresses on '{}' not sent: {}",
    "The link was not told that addresses moved here: hosts and switches learn it from traffic.",
    "Check the device and the interface under it."};
inline constexpr Message kBfdSession{
    "HA-KEEP-0021", LogLevel::warning, "bfd session {}: {} -> {} ({}{})",
    "A BFD session changed its state.",
    "If it went down: check the link and the peer; display bfd session verbose."};
inline constexpr Message kBfdSocketFailed{
    "HA-KEEP-0022", LogLevel::warning, "bfd socket {}: {}",
    "A BFD session cannot send or receive; it is tried again.",
    "Check that the device exists and that no other program holds the address and port."};
inline constexpr Message kBfdSendFailed{"HA-KEEP-0023", LogLevel::warning,
                                        "bfd session {}: not sent: {}",
                                        "A BFD packet could not be sent.", "Check route and link."};

}  // namespace hotpair::ha::keeper::messages
