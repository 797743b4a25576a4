#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ha/cli/public_instance.h"
#include "ha/config/config_model.h"
#include "ha/etrunk/etrunk_types.h"
#include "ha/keeper/wire/keeper_protocol.h"
#include "ha/lacp/lacp_show.h"
#include "mcast/gmp/gmp_show.h"
#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// What each display shows, as plain structs. Renderers (`render_text.h`, `render_json.h`) are pure
/// functions of these; no renderer reads a clock, so ages and dates are values here.
namespace hotpair::ha::cli {

// ---- display remote-backup-service ----

struct RbsStatistics {
  std::uint64_t connects = 0;  ///< sessions that came up
  std::uint64_t disconnects = 0;
  std::uint64_t renewals = 0;  ///< new connections without an interruption
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::vector<std::pair<std::string, std::uint64_t>>
      refused;  ///< reason, count; zero rows left out
  friend bool operator==(const RbsStatistics&, const RbsStatistics&) = default;
};

/// One remote backup service, fields in the order of seeds 003 and 004.
struct RemoteBackupService {
  std::uint32_t index = 1;
  std::string name;
  std::string tcp_state;  ///< "connected", "connecting", "listening", "down"
  std::optional<IpAddress> peer;
  std::optional<IpAddress> source;
  std::optional<std::uint16_t> port;
  std::optional<std::uint32_t> track_bfd;      ///< printed as -- when absent, as the next four are
  std::optional<std::string> ssl_policy_name;  ///< only with `ssl-policy`
  std::optional<std::string> ssl_state;        ///< only with `ssl-policy`
  std::optional<std::string> pair_key_id;      ///< JSON only: the key of the connection in use
  std::optional<WallTime> last_up_time;        ///< printed in the node's local time
  std::int32_t utc_offset_s = 0;               ///< of the node's local time at last_up_time
  std::optional<std::string> last_error;       ///< an extra line only when present
  RbsStatistics statistics;  ///< JSON and `display remote-backup-service statistics`
  friend bool operator==(const RemoteBackupService&, const RemoteBackupService&) = default;
};
struct RemoteBackupServicesModel {
  std::vector<RemoteBackupService> services;
};

// ---- display ssl policy ----

struct SslCertificate {
  std::string whose;  ///< "own", "ca", "peer"
  std::string subject;
  std::string issuer;
  std::string uri;  ///< SAN URI; empty for a CA
  std::string serial;
  std::string key;  ///< "EC 256"
  std::string fingerprint;
  WallTime not_before;
  WallTime not_after;
};
struct SslPolicy {
  std::string name;
  std::string peer_identity;
  std::optional<std::string> problem;  ///< of its files; what was loaded before is in use
  std::vector<std::string> services;   ///< remote backup services that use it
  std::vector<SslCertificate> certificates;
};
struct SslPoliciesModel {
  std::vector<SslPolicy> policies;
  WallTime now;  ///< by which days are counted
};

// ---- display remote-backup-profile ----

struct RemoteBackupProfile {
  std::uint32_t index = 0x1000;
  std::string name;
  std::vector<config::ServiceType> services;
  std::optional<std::string> service_name;  ///< the RBS
  std::optional<std::uint32_t> backup_id;
  std::optional<config::RbpTrack> track;
  std::vector<std::string> interfaces;
  bool hot = false;  ///< `peer-backup hot`: entries are installed and unused on the backup
  etrunk::Role role = etrunk::Role::init;  ///< JSON only, as the rest
  Term term;
  bool gate_open = false;
  bool complete = false;           ///< this node's copy is complete
  std::vector<std::string> notes;  ///< "Last-Error" lines, only when there is something to say
  friend bool operator==(const RemoteBackupProfile&, const RemoteBackupProfile&) = default;
};
struct RemoteBackupProfilesModel {
  std::vector<RemoteBackupProfile> profiles;
};

// ---- display e-trunk ----

struct EtrunkPath {
  std::uint8_t id = 0;
  IpAddress local;
  IpAddress peer;
  std::string device;  ///< empty: routed
  bool up = false;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t rejected_auth = 0;
  std::uint64_t rejected_other = 0;
  std::uint64_t not_echoed = 0;
  std::optional<std::uint32_t> last_heard_ms;  ///< ago; absent: never
};
struct EtrunkMember {
  std::uint16_t eth_trunk = 0;
  bool physical_up = false;
  std::string profile;  ///< RBP that the member belongs to; empty: none
  std::optional<ScopeId> scope;
  etrunk::Role role = etrunk::Role::init;
  Term term;
  std::string reason;  ///< "ETRUNK_MASTER", "PEER_MEMBER_DOWN", … (semantics 3.7)
  bool gate_open = false;
};
struct EtrunkPeer {
  std::optional<NodeId> node;
  std::uint8_t priority = 0;
  MacAddress system_id;
  std::uint32_t timeout_ms = 0;
  etrunk::ControlState control = etrunk::ControlState::running;
};
struct Etrunk {
  std::uint16_t id = 0;
  etrunk::Role state = etrunk::Role::init;
  std::string reason;  ///< "PRI", "TIMEOUT", "PEER_TIMEOUT", "BFD_DOWN", "INIT"
  IpAddress peer;
  IpAddress source;
  std::uint16_t port = 1025;
  std::uint8_t priority = 100;  ///< configured
  std::uint8_t rank = 100;      ///< after tracking
  etrunk::PriorityOrder order = etrunk::PriorityOrder::larger;
  MacAddress system_id;
  std::uint32_t hello_ms = 1000;
  std::uint32_t timeout_ms = 20'000;  ///< own, carried to the peer
  std::uint32_t revert_delay_s = 120;
  std::uint32_t restart_grace_s = 10;
  std::optional<std::uint32_t> revert_left_s;  ///< while a revert is pending
  std::optional<EtrunkPeer> peer_heard;        ///< absent: no valid hello on any path
  std::vector<EtrunkPath> paths;
  std::vector<EtrunkMember> members;
  std::vector<std::string> notes;  ///< "single path: cutting it makes two masters"
};
struct EtrunksModel {
  std::vector<Etrunk> etrunks;
};

// ---- display eth-trunk ----

struct EthTrunkPort {
  std::string name;     ///< "GigabitEthernet0/1/2"
  std::string type;     ///< "1GE"; "--" for a name that does not tell
  bool high = false;    ///< (h): our system has the better priority towards its partner
  lacp::PortShow port;  ///< both ends, machines, counters
};
/// One Eth-Trunk, fields as seeds 003 and 004 print them.
struct EthTrunk {
  std::uint16_t id = 0;
  std::uint16_t system_priority = 32768;
  MacAddress system_id;
  std::uint16_t least_active = 1;
  std::uint16_t max_active = 16;
  bool fast = false;
  bool up = false;                             ///< enough members forward
  std::uint32_t up_ports = 0;                  ///< members that collect and distribute
  std::optional<lacp::MemberIndex> reference;  ///< (r)
  bool sync_allowed = false;                   ///< verbose and JSON, as the rest
  bool partner_heard = false;
  std::uint32_t collecting = 0;
  std::uint32_t distributing = 0;
  std::vector<EthTrunkPort> ports;
};
struct EthTrunksModel {
  std::vector<EthTrunk> trunks;
};

// ---- display igmp|mld interface, display igmp|mld group ----

struct GmpInterface {
  std::string name;
  bool up = true;
  mcast::gmp::InterfaceRow row;
};
struct GmpInterfacesModel {
  Family family = Family::ipv4;
  std::vector<GmpInterface> interfaces;
  std::string instance = kPublicInstance;
};
struct GmpGroup {
  std::string interface;
  IpAddress interface_address;
  mcast::gmp::GroupRow row;
};
struct GmpGroupsModel {
  Family family = Family::ipv4;
  std::vector<GmpGroup> groups;  ///< sorted by interface, then group
  std::size_t total = 0;         ///< matching groups, of which `groups` may be the first part
  std::string instance = kPublicInstance;
};
/// What `display igmp group` was asked for.
struct GmpGroupQuery {
  Family family = Family::ipv4;
  std::optional<std::string> interface;  ///< canonical name
  std::optional<IpAddress> group;
  std::size_t max_rows = 100'000;
  std::string instance = kPublicInstance;  ///< for the heading; the view is that of the instance
};

// ---- display alarm active ----

struct Alarm {
  std::string id;        ///< stable, "HA-RBS-0003"
  std::string severity;  ///< "warning", "major", "critical"
  std::string subject;   ///< what it is about: "service1", "e-trunk 1"
  std::string text;
  WallTime since;
  std::int32_t utc_offset_s = 0;
  std::string next_step;
};
struct AlarmsModel {
  std::vector<Alarm> alarms;  ///< sorted by since, then id
};

// ---- display multicast forwarding-table ----

struct ForwardingRoute {
  Family family = Family::ipv4;
  std::optional<IpAddress> source;  ///< absent: (*,G)
  IpAddress group;
  std::optional<std::string> incoming;  ///< absent: RPF unknown
  struct Outgoing {
    std::string interface;
    std::optional<ScopeId> scope;  ///< whose gate decides; absent: no gate
    bool gate_open = true;
    friend bool operator==(const Outgoing&, const Outgoing&) = default;
  };
  std::vector<Outgoing> outgoing;
  bool negative = false;  ///< drops without an upcall
  bool installed = true;  ///< the plane confirmed it
  std::string origin;     ///< "traffic", "membership", "synced", …
  std::optional<std::uint32_t> uptime_s;
  std::optional<std::uint32_t> expires_s;
  struct Counters {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t wrong_interface = 0;
  };
  std::optional<Counters> counters;  ///< of the plane, read for this display; absent: not read
};
struct ForwardingTableModel {
  std::vector<ForwardingRoute> routes;  ///< sorted by family, group, source
  std::size_t total = 0;
};
struct ForwardingQuery {
  std::optional<Family> family;
  std::optional<IpAddress> group;
  std::optional<IpAddress> source;
  std::size_t max_rows = 100'000;
};

// ---- display multicast redundancy databases ----

enum class DigestState : std::uint8_t { not_compared, equal, different };
struct DatabaseRow {
  std::uint8_t database = 0;
  std::string name;
  std::uint64_t entries = 0;
  std::uint64_t sent = 0;
  std::uint64_t acked = 0;
  std::uint64_t awaiting_ack = 0;
  DigestState digest = DigestState::not_compared;
  std::uint64_t lag_records = 0;
  std::uint32_t lag_ms = 0;
};
struct ScopeDatabases {
  ScopeId scope;
  std::string profile;  ///< empty for scope 0
  etrunk::Role role = etrunk::Role::init;
  Term term;
  std::string sync_state;              ///< "in sync", "bulk 35 %", "incomplete", "no peer", …
  bool store_degraded = false;         ///< the own store lacks changes
  std::uint64_t store_failures = 0;    ///< requests that the own store refused
  std::string store_failure;           ///< what it said the last time
  std::vector<DatabaseRow> databases;  ///< ascending id
};
struct DatabasesModel {
  std::vector<ScopeDatabases> scopes;
};

// ---- display keeper ----

struct KeeperModel {
  bool connected = false;
  std::string socket;
  std::optional<keeper::KeeperStatus> status;  ///< newest answer
  std::uint32_t status_age_ms = 0;
};

// ---- display bfd session ----

struct BfdSessionRow {
  keeper::BfdSessionStatus status;
  std::string interface;               ///< empty: multihop
  std::vector<std::string> followers;  ///< "e-trunk 1 path 0", "remote-backup-service s1"
};
struct BfdSessionsModel {
  bool connected = false;  ///< the keeper answers
  std::vector<BfdSessionRow> sessions;
  std::uint64_t unknown_session = 0;                            ///< packets for no session
  std::vector<std::pair<std::string, std::uint64_t>> rejected;  ///< reason, count; zero left out
};

// ---- display switchover history ----

struct SwitchoverPhase {
  std::string name;         ///< "detected", "term raised", "gate open", "queries sent", …
  std::uint32_t at_us = 0;  ///< after the first sign
  std::string detail;
};
struct Switchover {
  std::uint32_t number = 0;  ///< rises by one
  ScopeId scope;
  std::string profile;
  bool planned = false;
  std::string cause;      ///< "all paths down", "revert", …
  std::string detection;  ///< what saw it: "silence on every path", …
  etrunk::Role from = etrunk::Role::init;
  etrunk::Role to = etrunk::Role::init;
  Term term;
  WallTime began;
  std::int32_t utc_offset_s = 0;
  std::uint64_t memberships = 0;  ///< of the scope at the change
  std::string result;             ///< "done", "aborted: …", "running"
  std::vector<SwitchoverPhase> phases;
};
struct SwitchoverHistoryModel {
  std::vector<Switchover> switchovers;  ///< newest first
};

// ---- display switchover readiness ----

struct ReadinessFinding {
  std::string text;
  std::uint64_t count = 0;  ///< 0 where it is not counted
  bool blocks = true;
  bool forceable = true;  ///< `switchover … force` goes on in spite of it
};
/// How the routes of whoever would take a scope over stand there.
struct ReadinessRoutes {
  std::uint64_t without_way = 0;
  std::uint64_t by_peer = 0;
  std::uint64_t silent = 0;
};
struct ReadinessPeer {
  etrunk::Role role = etrunk::Role::init;
  bool complete = false;
  bool access_up = true;
  etrunk::ControlState control = etrunk::ControlState::running;
  std::optional<ReadinessRoutes> routes = std::nullopt;  ///< of a backup; nothing: unknown
};
struct ReadinessRow {
  ScopeId scope;
  std::string profile;
  etrunk::Role role = etrunk::Role::init;
  bool ready = false;
  std::optional<ReadinessPeer> peer;  ///< as its hellos tell; nothing while it is not heard
  std::vector<ReadinessFinding> findings;
};
struct ReadinessModel {
  std::vector<ReadinessRow> scopes;
};

// ---- display version ----

struct VersionModel {
  std::string version;
  NodeId node;
  std::string sysname;
  std::string boot_id;
  std::uint64_t uptime_s = 0;
  std::vector<std::pair<std::string, std::uint32_t>> protocols;  ///< "replication", 1 …
};

}  // namespace hotpair::ha::cli
