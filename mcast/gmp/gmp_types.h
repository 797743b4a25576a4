#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "mcast/gmp/gmp_records.h"
#include "mcast/wire/gmp_packet.h"
#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// Group membership, router side: IGMPv1/2/3 (RFC 2236, 9776) and MLDv1/2 (RFC 2710, 9777).
namespace hotpair::mcast::gmp {

/// How one interface of one family behaves. Every field may change live by configure().
///
/// Values that RFC 3376 section 8 forbids are raised to the next allowed one: robustness 1,
/// intervals 100 ms (query interval 1 s), counts 1.
struct InterfaceConfig {
  std::uint8_t version = 3;     ///< IGMP 1 to 3, MLD 1 to 2; clamped
  std::uint8_t robustness = 2;  ///< RFC 3376 8.1
  Duration query_interval = std::chrono::seconds{125};
  Duration query_response_interval = std::chrono::seconds{10};
  Duration last_member_query_interval = std::chrono::seconds{1};
  std::optional<std::uint8_t> last_member_query_count;  ///< absent: robustness
  std::optional<Duration> startup_query_interval;       ///< absent: query_interval / 4
  std::optional<std::uint8_t> startup_query_count;      ///< absent: robustness
  bool fast_leave = false;           ///< one host behind the link: a leave is believed at once
  bool require_router_alert = true;  ///< for the parser; MLD and IGMPv2/3 must carry the option
  std::optional<ScopeId> scope;      ///< whose role decides; absent: always active
  IpAddress address;                 ///< own querier address; unspecified: not known, no queries
  std::vector<IpPrefix> subnets;     ///< on-link prefixes for the check below (IPv4)
  bool check_source_subnet = false;  ///< refuse IPv4 reports and queries from off-link sources
  std::uint32_t max_groups = 1'000'000;
  /// Groups that one host may have brought in, counted by its address; 0: no limit. Groups that
  /// were there before the limit was set are not counted.
  std::uint32_t max_groups_per_host = 0;
  std::uint32_t max_sources_per_group = 1'024;  ///< at most kMaxSourcesPerGroup
  std::vector<IpPrefix> ssm_ranges;             ///< empty: 232/8 and ff3x::/32
};

inline constexpr std::uint32_t kMaxSourcesPerGroup = 16'384;

/// Who asks on an interface.
enum class QuerierRole : std::uint8_t {
  no_address,   ///< own address not known yet: silent
  standby,      ///< backup of its scope: silent, state comes by records
  querier,      ///< this router asks
  non_querier,  ///< another router with a lower address asks
};

/// Mode of a scope; interfaces without a scope are always active.
enum class Mode : std::uint8_t { standby, active };

// ---- effects: what the driver must do, in order ----

/// Send a query on the link. IGMP: TTL 1, router alert (not in version 1); MLD: hop limit 1,
/// link-local source, hop-by-hop router alert.
struct SendQuery {
  LinkId link;
  Family family = Family::ipv4;
  IpAddress destination;
  wire::Query query;
};

/// The forwarding view of a group after a change: INCLUDE(sources to forward), where none means
/// that the group is gone, or EXCLUDE(sources not to forward). Sources are sorted.
struct MembershipChanged {
  LinkId link;
  Group group;
  FilterMode mode = FilterMode::include;
  std::vector<IpAddress> sources;
};

/// A record to journal (active interfaces only); a value of nullopt removes it.
struct RecordChanged {
  MembershipRecord record;
};

/// Everything of the interface is gone at once: drop its memberships and its records. No effect
/// per entry follows.
struct FlushInterface {
  LinkId link;
  Family family = Family::ipv4;
};

enum class Limit : std::uint8_t { groups_per_interface, sources_per_group, groups_per_host };

/// A report was refused, in whole or in part; existing memberships keep their service.
struct LimitReached {
  LinkId link;
  Group group;
  IpAddress host;
  Limit limit{};
};

/// The querier of the link changed. `address` is that of the querier (own or other).
struct QuerierChanged {
  LinkId link;
  Family family = Family::ipv4;
  QuerierRole role{};
  IpAddress address;
};

/// Another querier is heard on a scope interface, where the role decides and not the address.
struct OtherQuerierHeard {
  LinkId link;
  IpAddress address;
};

/// A query of another version than configured (RFC 3376 7.3.1); the driver limits the rate.
struct QueryVersionMismatch {
  LinkId link;
  IpAddress address;
  std::uint8_t heard = 0;
  std::uint8_t configured = 0;
};

using Effect = std::variant<SendQuery, MembershipChanged, RecordChanged, FlushInterface,
                            LimitReached, QuerierChanged, OtherQuerierHeard, QueryVersionMismatch>;

// ---- union after a split ----

/// What became of a record that only a peer knew.
enum class Taken : std::uint8_t {
  known,    ///< what is here forwards as much; all hosts are asked
  added,    ///< there was no such group or source here
  widened,  ///< it was here, with less: INCLUDE, or the source was blocked
  refused,  ///< over a limit, or nothing that may be recorded here
};

/// Tentative memberships of an interface since it became active.
struct Tentative {
  std::uint32_t waiting = 0;    ///< no host has answered yet
  std::uint64_t confirmed = 0;  ///< a host answered: ordinary since then
  std::uint64_t expired = 0;    ///< none did
  friend bool operator==(const Tentative&, const Tentative&) = default;
};

// ---- counters ----

/// Why the engine did not act on a well-formed message (or a part of it).
enum class Ignored : std::uint8_t {
  standby,              ///< heard on a standby interface: counted, changes nothing
  link_local_group,     ///< 224.0.0.0/24, ff02:: and smaller scopes are never recorded
  ssm_range,            ///< a v1/v2 message or EXCLUDE for an SSM group (RFC 4604)
  off_subnet,           ///< source not on the link
  own_query,            ///< our own query came back
  unspecified_querier,  ///< query from 0.0.0.0 or ::
  newer_version,        ///< report of a newer version than the interface speaks
  older_host,           ///< leave, BLOCK or sources of TO_EX while an older host is present
  group_limit,          ///< max_groups reached
  source_limit,         ///< max_sources_per_group reached, counted per source
  bad_record,           ///< unknown record type, not a multicast group, not a unicast source
  work_limit,           ///< one message asked for more work than one message may
  host_limit,           ///< max_groups_per_host reached
  count_                ///< number of reasons
};
inline constexpr std::size_t kIgnoredCount = static_cast<std::size_t>(Ignored::count_);

/// Packets of one interface since start or reset. Index of `queries` and `reports`: version - 1.
struct Counters {
  std::array<std::uint64_t, 3> queries{};
  std::array<std::uint64_t, 3> reports{};
  std::uint64_t leaves = 0;
  std::uint64_t sent_general = 0;
  std::uint64_t sent_group = 0;
  std::uint64_t sent_source = 0;
  std::array<std::uint64_t, kIgnoredCount> ignored{};
  std::array<std::uint64_t, wire::kRejectCount> rejects{};
};

}  // namespace hotpair::mcast::gmp
