#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "mcast/rp/rp_choice.h"
#include "mcast/rp/rp_records.h"
#include "mcast/wire/pim_types.h"
#include "mcast/wire/scope_boundary.h"
#include "platform/base/address.h"
#include "platform/base/ids.h"
#include "platform/base/time.h"

/// The Bootstrap mechanism (RFC 5059). See DESIGN.md.
namespace hotpair::mcast::rp {

// ---- constants of RFC 5059 5 ----

inline constexpr Duration kBootstrapPeriod = std::chrono::seconds(60);       ///< BS_Period
inline constexpr Duration kBootstrapTimeout = std::chrono::seconds(130);     ///< BS_Timeout
inline constexpr Duration kBootstrapMinInterval = std::chrono::seconds(10);  ///< BS_Min_Interval
inline constexpr Duration kZoneTimeout = std::chrono::seconds(1300);         ///< SZ_Timeout
inline constexpr Duration kCandidateRpPeriod = std::chrono::seconds(60);     ///< C_RP_Adv_Period
inline constexpr Duration kCandidateRpBackoff = std::chrono::seconds(3);     ///< C_RP_Adv_Backoff
/// Records may bring this many times what may be learned.
inline constexpr std::size_t kRestoredFactor = 4;
/// How long a Bootstrap message waits for the RPF answer, and how many do at once.
inline constexpr Duration kRpfPatience = std::chrono::seconds(2);
inline constexpr std::size_t kRpfWaitingMax = 64;
inline constexpr std::uint16_t kCandidateRpHoldtime_s = 150;
inline constexpr std::uint8_t kCandidateRpPriority = 192;
inline constexpr std::uint8_t kCandidateBsrPriority = 64;
/// Bootstrap messages that tell of a range without RPs before it is forgotten.
inline constexpr std::uint8_t kWithdrawals = 3;

/// This router offers itself as BSR of a zone.
struct CandidateBsr {
  ScopeZone zone;
  IpAddress address;
  std::uint8_t priority = kCandidateBsrPriority;  ///< larger is better
  std::uint8_t hash_mask_length = 30;             ///< IPv6: 126 is usual
  friend bool operator==(const CandidateBsr&, const CandidateBsr&) = default;
};

/// This router offers itself as RP to the BSR of a zone.
struct CandidateRp {
  ScopeZone zone;
  IpAddress address;
  std::uint8_t priority = kCandidateRpPriority;  ///< smaller is better
  std::uint16_t holdtime_s = kCandidateRpHoldtime_s;
  Duration period = kCandidateRpPeriod;
  std::vector<IpPrefix> ranges;  ///< empty: all groups (of the zone)
  bool bidir = false;            ///< for bidirectional groups (RFC 5015), IPv4
  /// In place of `zone`: to the BSR of every zone, what of the ranges lies there.
  bool in_every_zone = false;
  friend bool operator==(const CandidateRp&, const CandidateRp&) = default;
};

/// One instance serves one family of one VRF.
struct BsrConfig {
  VrfId vrf;
  Family family = Family::ipv4;
  std::vector<CandidateBsr> candidate_bsrs;  ///< at most one per zone; the first counts
  std::vector<CandidateRp> candidate_rps;
  std::vector<IpPrefix> bsr_filter;  ///< who may be BSR; empty: everybody
  std::vector<IpPrefix> rp_filter;   ///< who may be RP, where this router is BSR; empty: everybody
  bool accept_unicast = true;        ///< Bootstrap messages by unicast while starting
  bool answer_by_unicast = true;     ///< else the answer to a new neighbour is multicast
  std::uint32_t rps_max = 1024;      ///< mappings of a zone, learned and offered each
  std::uint32_t zones_max = 16;
  friend bool operator==(const BsrConfig&, const BsrConfig&) = default;
};

/// A link with PIM.
struct BsrLink {
  LinkId link;
  bool border = false;           ///< `pim bsr-boundary`: no Bootstrap message passes
  bool muted = false;            ///< of a backup scope: nothing is sent, nothing is heard
  wire::ScopeBoundary boundary;  ///< of administrative scopes
  std::size_t mtu = 1500;        ///< bytes, IP header included
  friend bool operator==(const BsrLink&, const BsrLink&) = default;
};

/// A Bootstrap message of a PIM neighbour, that is of one with Hello state (RFC 5059 3.1.3).
struct BootstrapInput {
  LinkId link;
  IpAddress source;
  bool unicast = false;  ///< sent to an address of this router, not to ALL-PIM-ROUTERS
  wire::PimBootstrap message;
};

/// The way towards a BSR: the PIM neighbour that routing names, by the address it sends from.
struct RpfPath {
  LinkId link;
  IpAddress neighbour;
  friend bool operator==(const RpfPath&, const RpfPath&) = default;
};

// ---- effects ----

/// Send to ALL-PIM-ROUTERS with TTL 1 on each of the links.
struct SendBootstrap {
  std::vector<LinkId> links;
  wire::PimBootstrap message;
};
/// Send to one neighbour on its link, or with no destination to ALL-PIM-ROUTERS; TTL 1.
struct SendBootstrapTo {
  LinkId link;
  std::optional<IpAddress> destination;
  wire::PimBootstrap message;
};
/// Send by unicast routing to the BSR.
struct SendCandidateRp {
  VrfId vrf;
  IpAddress source;
  IpAddress destination;
  wire::PimCandidateRp message;
};
/// Who is the RPF neighbour towards this BSR? Answered by on_rpf().
struct AskBsrRpf {
  VrfId vrf;
  IpAddress bsr;
};
/// The mappings are others now: fetch them anew.
struct RpSetChanged {
  VrfId vrf;
  Family family = Family::ipv4;
};
/// A record to journal; without a value it is gone.
struct RecordChanged {
  RpRecord record;
};
/// Alarm: another BSR, or none, is in force in a zone.
struct BsrChanged {
  VrfId vrf;
  Family family = Family::ipv4;
  ScopeZone zone;
  std::optional<IpAddress> before;
  std::optional<IpAddress> now;
  bool self = false;  ///< it is this router now
};

enum class RpLimit : std::uint8_t { mappings, candidates, zones, agents };
/// Alarm: something learned was refused; what is there keeps its place. At most one per message;
/// the driver limits the rate.
struct RpLimitReached {
  VrfId vrf;
  Family family = Family::ipv4;
  RpLimit limit{};
  IpAddress from;
};

using BsrEffect = std::variant<SendBootstrap, SendBootstrapTo, SendCandidateRp, AskBsrRpf,
                               RpSetChanged, RecordChanged, BsrChanged, RpLimitReached>;

// ---- counters ----

/// Why a well-formed message, or a part of it, was not acted upon.
enum class BsrIgnored : std::uint8_t {
  standby,         ///< this node reads records
  unknown_link,    ///< no PIM there, or muted
  border,          ///< BSR border, or border of the administrative scope
  family,          ///< of the other family
  own,             ///< this router's own message came back
  filtered,        ///< BSR or RP that the operator does not accept
  rpf,             ///< not from the RPF neighbour towards the BSR
  rpf_unanswered,  ///< too many messages wait for an RPF answer, or none came in time
  no_forward,      ///< No-Forward or unicast, and this router is not starting
  not_preferred,   ///< a better BSR is known
  bad_zone,        ///< scoped, by a range that names no zone
  zone_limit,      ///< zones_max reached
  bad_range,       ///< group range that is none, or outside its zone
  bidirectional,   ///< IPv6 range of bidirectional PIM
  mapping_limit,   ///< rps_max reached
  not_elected,     ///< a candidate RP asks a router that is not the BSR of the range
  cache_limit,     ///< fragment too large or one too many to be kept for new neighbours
  count_
};
inline constexpr std::size_t kBsrIgnoredCount = static_cast<std::size_t>(BsrIgnored::count_);
[[nodiscard]] std::string_view to_string(BsrIgnored reason);
[[nodiscard]] std::string_view to_string(BsrState state);

struct BsrCounters {
  std::uint64_t bootstraps_heard = 0;  ///< accepted
  std::uint64_t bootstraps_forwarded = 0;
  std::uint64_t bootstraps_originated = 0;
  std::uint64_t candidate_rps_heard = 0;
  std::uint64_t candidate_rps_sent = 0;
  std::array<std::uint64_t, kBsrIgnoredCount> ignored{};
  [[nodiscard]] std::uint64_t of(BsrIgnored reason) const {
    return ignored[static_cast<std::size_t>(reason)];
  }
};

/// Whether a filter lets an address pass; an empty one lets everybody.
[[nodiscard]] bool passes(const std::vector<IpPrefix>& filter, const IpAddress& address);

/// BS_Rand_Override (RFC 5059 5): 5 to 23 s, longer for a worse candidate, so that the best one
/// speaks first. `best`: the BSR known so far.
[[nodiscard]] Duration override_delay(const BsrWeight& own, const std::optional<BsrWeight>& best);

}  // namespace hotpair::mcast::rp
