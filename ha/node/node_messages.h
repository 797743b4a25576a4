#pragma once

#include <array>

#include "platform/base/message.h"

/// The node's log messages and alarms. A row that is an alarm is raised and cleared; its log line
/// is written when it is raised, and once more, at level info, when it is cleared.
namespace hotpair::ha::node {

inline constexpr Message kRoleChanged{
    "HA-NODE-0001", LogLevel::warning, "scope {}: {} -> {}, term {}, cause: {}",
    "A scope changed its role on this node.",
    "display switchover history tells the phases; display e-trunk the reason."};
inline constexpr Message kPeerSilent{
    "HA-NODE-0002", LogLevel::error, "e-trunk {}: no hello of the peer on any path",
    "The peer is down, or every path to it is cut. This node serves alone.",
    "Check the peer and the paths: display e-trunk."};
inline constexpr Message kServiceDown{
    "HA-NODE-0003", LogLevel::error, "remote-backup-service {} is not connected: {}",
    "Nothing is mirrored while the channel is down; a takeover would rely on what was mirrored "
    "before.",
    "display remote-backup-service shows the last error; check reachability, port and pair key."};
inline constexpr Message kIncomplete{
    "HA-NODE-0004", LogLevel::warning, "scope {}: the backup copy is incomplete",
    "A bulk or repair has not ended yet, or the channel is down. Only total silence of the master "
    "starts a takeover.",
    "Wait for it to end; display multicast redundancy databases shows the progress."};
inline constexpr Message kDigestDiffers{
    "HA-NODE-0005", LogLevel::error,
    "scope {}: database {} differed between the nodes and was repaired",
    "The copy was not equal to the master's state: a fault of memory, disk or software.",
    "Report it with display multicast redundancy databases of both nodes."};
inline constexpr Message kStoreDegraded{
    "HA-NODE-0006", LogLevel::error, "scope {}: the store does not take changes: {}",
    "The disk is full or broken. Replication goes on from memory.",
    "Free space in the state directory: it recovers by itself. After an I/O error check or replace "
    "the "
    "disk and restart hotpaird: forwarding goes on meanwhile."};
inline constexpr Message kConventionConflict{
    "HA-NODE-0007", LogLevel::error,
    "scope {}: priority-order differs from the peer's; larger wins on both",
    "One node says that the smaller priority wins, the other that the larger one does.",
    "Set the same priority-order on both nodes."};
inline constexpr Message kKeeperGone{
    "HA-NODE-0008", LogLevel::error, "the keeper is not connected",
    "The reflexes are missing: gates close when their lease ends and the peer takes over.",
    "It is restarted by itself; if not, look for hotpair-keeper in the log."};
inline constexpr Message kHandoverEnded{"HA-NODE-0009", LogLevel::info,
                                        "scope {}: planned handover in term {} {}",
                                        "A planned switchover ended, or was given up without harm.",
                                        "display switchover history tells the phases."};
inline constexpr Message kPlaneRefused{
    "HA-NODE-0010", LogLevel::error, "the forwarding plane refused {}: {}",
    "A link or gate could not be set in the kernel.",
    "Check capabilities, the number of multicast interfaces (32) and other routing daemons."};
inline constexpr Message kUnknownRecord{
    "HA-NODE-0011", LogLevel::warning, "scope {}: a record of database {} was not understood: {}",
    "The peer names an Eth-Trunk that is not bound to this profile here, or runs a newer version.",
    "Compare the two configurations."};
inline constexpr Message kChannelEvent{
    "HA-NODE-0012", LogLevel::info, "remote-backup-service {}: {}",
    "The channel to the peer went up or down, or its frames were refused.",
    "Nothing, if it comes back by itself."};
inline constexpr Message kGroupLimit{"HA-NODE-0013", LogLevel::warning,
                                     "limit reached on {}: group {} of host {} refused ({})",
                                     "A host asks for more groups or sources than the interface "
                                     "allows. Existing members keep service.",
                                     "Raise the limit, or look at the host."};
inline constexpr Message kOtherQuerier{
    "HA-NODE-0014", LogLevel::warning, "another querier {} is heard on {}",
    "A router or snooping switch on the access side sends queries; the scope role decides here.",
    "Switch its querier off."};
inline constexpr Message kSinglePath{"HA-NODE-0015", LogLevel::warning,
                                     "e-trunk {}: single path: cutting it makes two masters",
                                     "The nodes hear each other over one address pair only.",
                                     "Make the loopbacks reachable over two links, or add a path; "
                                     "where there are more, repair those that are down."};
inline constexpr Message kPathDown{
    "HA-NODE-0024", LogLevel::warning, "e-trunk {}: path {} from {} to {} is down",
    "The peer is heard on another path, not on this one.",
    "Check the link and the addresses of the path; display e-trunk shows all of them."};
inline constexpr Message kNodeRestored{"HA-NODE-0016", LogLevel::info,
                                       "scope {}: {} records restored from the store",
                                       "The daemon was restarted in place.", "Nothing."};
inline constexpr Message kLeaving{"HA-NODE-0017", LogLevel::warning, "leaving the pair: {}",
                                  "An operator, a shutdown or the end of the keeper asked for it.",
                                  "Start hotpaird again to come back."};
inline constexpr Message kGateChanged{
    "HA-NODE-0018", LogLevel::warning, "scope {}: gate {}, cause: {}",
    "The keeper closed the gate since its lease ran out, or opened it again.",
    "If it was not a pause of the machine, check the paths to the peer."};
inline constexpr Message kPeerDiverged{
    "HA-NODE-0019", LogLevel::error,
    "scope {}: both nodes were master ({} here, {} there); the larger term stays",
    "The nodes did not hear each other for a while and both served.",
    "Add a second path; memberships of both are kept until confirmed."};

inline constexpr Message kQueryVersion{
    "HA-NODE-0020", LogLevel::warning,
    "{} sends queries of version {} on {}, which speaks version {}",
    "Two routers of one link are configured for different protocol versions.",
    "Set the same version on both (RFC 3376 7.3.1)."};

inline constexpr Message kRankLowered{
    "HA-NODE-0021", LogLevel::warning, "e-trunk {}: rank lowered to {}: {}",
    "What this node tracks is down, so the peer shall be master if it is better off.",
    "Repair the uplink; display e-trunk shows the ranks of both."};

inline constexpr Message kTermsLost{
    "HA-NODE-0030", LogLevel::error, "the file of reserved terms was damaged and is set aside: {}",
    "This node no longer knows which terms it has used. It takes none that is not larger than what "
    "its peer has heard, once it hears the peer.",
    "Check the disk of the state directory. The alarm ends when the peer is heard; do not start "
    "this "
    "node alone before."};
inline constexpr Message kSameNodeId{
    "HA-NODE-0031", LogLevel::error,
    "e-trunk {}: the peer has this node's id {:016x}; its hellos are refused",
    "The state directory of one node was copied to the other. Two nodes with one id cannot tell "
    "their terms apart, so a node that has no role yet takes none.",
    "Stop hotpaird and its keeper on the node that got the copy, remove node-id and store from its "
    "state directory, and start it again."};

inline constexpr Message kStoreSlow{
    "HA-NODE-0032", LogLevel::warning, "the store has not answered for {} ms",
    "The disk of the state directory is slow or hangs. Forwarding and takeover do not wait for it; "
    "acknowledgements to the master do.",
    "Check the disk. The alarm ends by itself."};

inline constexpr Message kCertificateMonth{
    "HA-NODE-0041", LogLevel::warning, "{} expires on {}, in {} days",
    "Less than 30 days are left. When it has expired no new connection can be made.",
    "Issue a new one (hotpair pair certificate NODE), put it in place, hotpair reload."};
inline constexpr Message kCertificateWeek{
    "HA-NODE-0042", LogLevel::error, "{} expires on {}, in {} days",
    "Less than 7 days are left. When it has expired no new connection can be made.",
    "Issue a new one (hotpair pair certificate NODE), put it in place, hotpair reload."};
inline constexpr Message kCertificateDay{
    "HA-NODE-0043", LogLevel::error, "{} expires on {}, in {} hours",
    "Less than a day is left. When it has expired no new connection can be made.",
    "Issue a new one (hotpair pair certificate NODE), put it in place, hotpair reload."};
inline constexpr Message kCertificateExpired{
    "HA-NODE-0044", LogLevel::error, "{} expired on {}",
    "The connection in use stays, but once lost it does not come back.",
    "Issue a new one (hotpair pair certificate NODE), put it in place, hotpair reload; check this "
    "node's clock."};
inline constexpr Message kRenewalFailed{
    "HA-NODE-0045", LogLevel::error,
    "remote-backup-service {}: no new connection can be made: {}; the one in use stays",
    "Keys or certificates were changed, and the peer does not accept the new ones or shows some "
    "that this node does not accept.",
    "Compare the pair key files, or display ssl policy, of both nodes; then hotpair reload."};
inline constexpr Message kPolicyRefused{
    "HA-NODE-0046", LogLevel::error, "ssl policy {}: {}",
    "The files of the policy cannot be used. What was loaded before stays in use, if anything was.",
    "Mend the file that is named, then hotpair reload."};
inline constexpr Message kHandshakesLimited{
    "HA-NODE-0047", LogLevel::warning,
    "remote-backup-service {}: the peer's address connects too often, {} connections closed so far",
    "More than one handshake a second: a peer that restarts all the time, or somebody who uses its "
    "address.",
    "Look at the peer; filter the port to the peer's address."};

inline constexpr Message kDiverged{
    "HA-NODE-0050", LogLevel::error,
    "scope {}: {}; term {} here stays, the peer's line of term {} ended; records of memberships "
    "only here {}, only there {}, with less here {}, refused {}; first: {}",
    "What only the peer knew is forwarded here as well, and hosts are asked for it: an answer "
    "makes "
    "it ordinary, without one it ends. A second line tells how many were confirmed.",
    "display switchover history keeps it. If both nodes were master, find out why every path "
    "failed at once and add one that fails by itself."};
inline constexpr Message kDivergedConfirmed{
    "HA-NODE-0051", LogLevel::info,
    "scope {}: of {} memberships united from the peer's line hosts confirmed {}, {} ended "
    "unanswered",
    "The confirmation after HA-NODE-0050 is over.", "Nothing."};
inline constexpr Message kDivergedTold{
    "HA-NODE-0052", LogLevel::warning,
    "scope {}: {} records of memberships here were told to the master of term {}",
    "This node's line ended where the master's goes on. Its copy is now made equal to the "
    "master's.",
    "Look for HA-NODE-0050 on the peer."};

inline constexpr Message kNoPartner{
    "HA-NODE-0022", LogLevel::warning, "{}: no member has an LACP partner",
    "The access device is silent or does not hear this node, or the links are down. A master "
    "reports its access as lost. A backup whose peer has another LACP system id sends no LACPDUs "
    "and expects none: there the carrier stands for the access, and this alarm is not raised.",
    "Check the links and the access device; display eth-trunk N verbose shows each member."};
inline constexpr Message kTrunkChanged{
    "HA-NODE-0023", LogLevel::info, "{}: {} of {} members forward, {}",
    "LACP took members into the aggregate, or out of it.", "Nothing."};

inline constexpr Message kCarrierHeld{
    "HA-NODE-0026", LogLevel::warning,
    "scope {}: carrier of {} dropped, the access device must move",
    "A forced switchover to a peer with another LACP system id: the access device keeps the system "
    "that it attached first as long as it sees its link.",
    "The carrier comes back by itself, after 10 s at the latest. Give both nodes one lacp e-trunk "
    "system-id, and a switchover loses nothing."};
inline constexpr Message kCarrierGivenBack{
    "HA-NODE-0027", LogLevel::info, "scope {}: carrier of {} given back after {} ms: {}",
    "The end of HA-NODE-0026. Until then nobody forwarded to the access device.",
    "If the access device did not move: check its link to the new master; display eth-trunk."};

inline constexpr Message kBfdDown{
    "HA-NODE-0033", LogLevel::error, "bfd session {} is down: {}",
    "A session that an e-trunk path or a channel follows does not see its peer. Silence is noticed "
    "by hellos only, which is slow.",
    "display bfd session verbose of both nodes; addresses, keys and timers must fit."};

inline constexpr Message kVrfRules{
    "HA-NODE-0053", LogLevel::warning, "interface {}: unicast routing lacks '{}'",
    "Packets of the router itself would leave by other routes than those of the VPN instance.",
    "Add the rule, or bind the interface to a VRF device of the instance's table."};

inline constexpr Message kLimitDenied{
    "HA-NODE-0060", LogLevel::warning,
    "multicast limit on {}: {} of {} denied, {} of {} in use, it costs {}; {} not told since",
    "Admission control: the limit of the interface is used up. What was admitted before is "
    "forwarded on; this state is admitted when something ends, the oldest denied first.",
    "display multicast limit shows what holds the places; raise the limit if the link can bear "
    "it."};
inline constexpr Message kLimitThreshold{
    "HA-NODE-0061", LogLevel::warning, "multicast limit on {}: {} of {} for {} in use",
    "The threshold of the limit is reached: soon new states are denied.",
    "Raise the limit if the link can bear it, or look at who asks for so much."};

inline constexpr std::array kMessages{
    kRoleChanged,      kPeerSilent,      kServiceDown,        kIncomplete,
    kDigestDiffers,    kStoreDegraded,   kConventionConflict, kKeeperGone,
    kHandoverEnded,    kPlaneRefused,    kUnknownRecord,      kChannelEvent,
    kGroupLimit,       kOtherQuerier,    kSinglePath,         kNodeRestored,
    kLeaving,          kGateChanged,     kPeerDiverged,       kQueryVersion,
    kRankLowered,      kTermsLost,       kSameNodeId,         kStoreSlow,
    kCertificateMonth, kCertificateWeek, kCertificateDay,     kCertificateExpired,
    kRenewalFailed,    kPolicyRefused,   kHandshakesLimited,  kNoPartner,
    kTrunkChanged,     kBfdDown,         kDiverged,           kDivergedConfirmed,
    kDivergedTold,     kPathDown,        kCarrierHeld,        kCarrierGivenBack,
    kVrfRules,         kLimitDenied,     kLimitThreshold};

}  // namespace hotpair::ha::node
