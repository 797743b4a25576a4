#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/bytes.h"

/// The messages of PIM version 2: RFC 7761 4.9, RFC 5059 4, RFC 5015 3.7.
namespace hotpair::mcast::wire {

/// Why a PIM packet was refused; a counter per interface.
enum class PimReject : std::uint8_t {
  truncated,          ///< shorter than the fields of its type
  bad_ip_version,     ///< not IPv4 where a whole IPv4 packet is expected
  bad_header_length,  ///< IHL below 5 or beyond the packet
  bad_total_length,   ///< IP total length below the header or beyond the buffer
  fragment,           ///< an IP fragment
  not_pim,            ///< IP protocol is not 103
  bad_source,         ///< IP source that is no unicast address of the destination's family
  bad_version,        ///< PIM version is not 2
  bad_checksum,
  unknown_type,         ///< a type or DF election subtype that is not known here
  dense_mode,           ///< Graft, Graft-Ack or State Refresh (RFC 3973)
  address_family,       ///< an encoded address of another family than the IP header's
  address_encoding,     ///< an encoding other than the native one (RFC 5384 is not offered)
  hello_option_length,  ///< a Hello option of a known type with a wrong length
  group_count,          ///< number of groups or group ranges does not fit the length
  source_count,         ///< number of joined and pruned sources does not fit the length
  rp_count,             ///< RPs that do not fit the length, or more in a fragment than in all
  group_not_multicast,
  mask_length,     ///< a single group with a partial mask; a hash mask beyond the address
  not_unicast,     ///< BSR, RP, DF or registered source that is no unicast address
  inner_packet,    ///< a Register without a whole IP packet of the same family
  inner_checksum,  ///< a Null-Register whose dummy header has a wrong checksum
  count_           ///< number of reasons
};
inline constexpr std::size_t kPimRejectCount = static_cast<std::size_t>(PimReject::count_);
[[nodiscard]] std::string_view to_string(PimReject reject);

/// IP protocol and IPv6 next header.
inline constexpr std::uint8_t kPimProtocol = 103;
/// A holdtime that never ends (RFC 7761 4.9.2, 4.9.5).
inline constexpr std::uint16_t kPimHoldtimeForever = 0xffff;
/// The metric preference has 31 bits, the R bit of an Assert is the one above (4.9.6).
inline constexpr std::uint32_t kPimPreferenceMax = 0x7fffffff;

/// Encoded-Group address (4.9.1): a range of groups.
struct PimGroupRange {
  IpAddress address;
  std::uint8_t mask_length = 0;  ///< as on the wire: 0 to 255
  bool bidirectional = false;    ///< B bit
  bool scope_zone = false;       ///< Z bit: an administrative scope zone (RFC 5059)
  std::uint8_t reserved = 0;     ///< six bits, shifted down; sent as given, default zero

  /// One group, mask full.
  [[nodiscard]] static PimGroupRange single(const Group& group);
  friend bool operator==(const PimGroupRange&, const PimGroupRange&) = default;
};

/// Encoded-Source address (4.9.1): an entry of a Join/Prune source list.
struct PimSource {
  IpAddress address;
  std::uint8_t mask_length = 0;  ///< as on the wire: 0 to 255
  bool sparse = true;            ///< S bit: always 1 in sparse mode, ignored on receipt
  bool wildcard = false;         ///< W bit: (*,G), the address is the RP's
  bool rpt = false;              ///< R bit: on the shared tree
  std::uint8_t reserved = 0;     ///< five bits, shifted down; sent as given, default zero

  [[nodiscard]] static PimSource source(const IpAddress& source);      ///< (S,G)
  [[nodiscard]] static PimSource source_rpt(const IpAddress& source);  ///< (S,G,rpt)
  [[nodiscard]] static PimSource shared_tree(const IpAddress& rp);     ///< (*,G)
  friend bool operator==(const PimSource&, const PimSource&) = default;
};

/// What is wrong with one entry of a list: the message stands, the engine skips and counts it.
enum class PimEntryFault : std::uint8_t {
  none,
  star_star_rp,  ///< the range of all groups: (*,*,RP), which RFC 7761 removed
  mask_length,   ///< not full where one address is meant, or beyond the address
  not_multicast,
  not_unicast,
  wildcard_without_rpt,  ///< W 1 and R 0 is no source list entry (4.9.5.1)
  reserved_flags,        ///< unknown flags and nothing else; RFC 7761 4.9.1 says to ignore them
  count_
};
inline constexpr std::size_t kPimEntryFaultCount = static_cast<std::size_t>(PimEntryFault::count_);
[[nodiscard]] std::string_view to_string(PimEntryFault fault);
/// Of a group set of a Join/Prune, which must name one group.
[[nodiscard]] PimEntryFault fault_of_group(const PimGroupRange& group);
/// Of a group range of a Bootstrap or Candidate-RP-Advertisement.
[[nodiscard]] PimEntryFault fault_of_range(const PimGroupRange& range);
[[nodiscard]] PimEntryFault fault_of_source(const PimSource& source);
/// Neither unspecified, loopback, multicast nor the IPv4 broadcast address.
[[nodiscard]] bool is_pim_unicast(const IpAddress& address);

/// Hello option 2 (4.9.2).
struct PimLanPruneDelay {
  bool tracking = false;                   ///< T bit: join suppression can be disabled
  std::uint16_t propagation_delay_ms = 0;  ///< 15 bits; more is sent as 32767
  std::uint16_t override_interval_ms = 0;
  friend bool operator==(const PimLanPruneDelay&, const PimLanPruneDelay&) = default;
};

/// RFC 7761 4.9.2. Of an option that comes twice the last counts. Secondary addresses are those of
/// the header's family; others are counted, and a list of nothing else leaves an earlier one.
struct PimHello {
  std::optional<std::uint16_t> holdtime_s;          ///< option 1; 0: goodbye
  std::optional<PimLanPruneDelay> lan_prune_delay;  ///< option 2
  std::optional<std::uint32_t> dr_priority;         ///< option 19
  std::optional<std::uint32_t> generation_id;       ///< option 20
  std::optional<std::uint8_t> state_refresh_s;      ///< option 21, interval (RFC 3973 4.7.5)
  bool bidirectional = false;                       ///< option 22 (RFC 5015 3.7.4)
  std::optional<std::vector<IpAddress>> addresses;  ///< option 24, or 65001 of old
  std::uint16_t unknown_options = 0;                ///< ignored; not sent
  std::uint16_t foreign_addresses = 0;              ///< ignored; not sent
  friend bool operator==(const PimHello&, const PimHello&) = default;
};

/// RFC 7761 4.9.3. `packet` is a view into the parsed bytes and lives as long as they do. To send a
/// Null-Register leave `packet` empty: the dummy header is made from source and group.
struct PimRegister {
  bool border = false;
  bool null_register = false;
  IpAddress source;  ///< of the inner packet; unicast
  Group group;
  ByteSpan packet;  ///< the inner packet, from its IP header to its own length
  friend bool operator==(const PimRegister& a, const PimRegister& b);
};

/// RFC 7761 4.9.4. Source unspecified: all sources of the group.
struct PimRegisterStop {
  Group group;
  IpAddress source;
  friend bool operator==(const PimRegisterStop&, const PimRegisterStop&) = default;
};

struct PimGroupSet {
  PimGroupRange group;
  std::vector<PimSource> joined;
  std::vector<PimSource> pruned;
  friend bool operator==(const PimGroupSet&, const PimGroupSet&) = default;
};

/// RFC 7761 4.9.5. Which entries go together is the engine's matter (4.9.5.1).
struct PimJoinPrune {
  IpAddress upstream_neighbor;
  std::uint16_t holdtime_s = 0;
  std::vector<PimGroupSet> groups;
  friend bool operator==(const PimJoinPrune&, const PimJoinPrune&) = default;
};

/// Smaller preference, then smaller metric is better; ties go by address (4.6.3, RFC 5015 3.5.1).
struct PimMetric {
  std::uint32_t preference = 0;
  std::uint32_t metric = 0;
  friend bool operator==(const PimMetric&, const PimMetric&) = default;
};

/// RFC 7761 4.9.6. A (*,G) Assert has `rpt` set and may have an unspecified source.
struct PimAssert {
  Group group;
  IpAddress source;
  bool rpt = false;
  PimMetric metric;  ///< preference up to kPimPreferenceMax
  friend bool operator==(const PimAssert&, const PimAssert&) = default;
};

struct PimBootstrapRp {
  IpAddress address;
  std::uint16_t holdtime_s = 0;
  std::uint8_t priority = 0;  ///< smaller is better
  friend bool operator==(const PimBootstrapRp&, const PimBootstrapRp&) = default;
};

struct PimBootstrapRange {
  PimGroupRange range;
  std::uint8_t rp_count = 0;        ///< over all fragments; 0 withdraws
  std::vector<PimBootstrapRp> rps;  ///< of this fragment
  friend bool operator==(const PimBootstrapRange&, const PimBootstrapRange&) = default;
};

/// RFC 5059 4.1, one fragment. Scoped if the first range has its Z bit set.
struct PimBootstrap {
  bool no_forward = false;
  std::uint16_t fragment_tag = 0;
  std::uint8_t hash_mask_length = 0;  ///< at most the bits of an address
  std::uint8_t bsr_priority = 0;      ///< larger is better
  IpAddress bsr;
  std::vector<PimBootstrapRange> ranges;
  friend bool operator==(const PimBootstrap&, const PimBootstrap&) = default;
};

/// RFC 5059 4.2. No range at all means all groups.
struct PimCandidateRp {
  std::uint8_t priority = 0;
  std::uint16_t holdtime_s = 0;  ///< 0 withdraws
  IpAddress rp;
  std::vector<PimGroupRange> ranges;
  friend bool operator==(const PimCandidateRp&, const PimCandidateRp&) = default;
};

enum class PimDfAction : std::uint8_t { offer = 1, winner = 2, backoff = 3, pass = 4 };

/// RFC 5015 3.7.
struct PimDfElection {
  PimDfAction action = PimDfAction::offer;
  IpAddress rp;
  PimMetric sender;               ///< of the sender; of a backoff or pass: of the acting DF
  IpAddress target;               ///< backoff: the offering router; pass: the new winner
  PimMetric target_metric;        ///< backoff and pass
  std::uint16_t interval_ms = 0;  ///< backoff
  friend bool operator==(const PimDfElection&, const PimDfElection&) = default;
};

using PimMessage = std::variant<PimHello, PimRegister, PimRegisterStop, PimJoinPrune, PimBootstrap,
                                PimAssert, PimCandidateRp, PimDfElection>;

/// How a message travels (RFC 7761 4.9): multicast to ALL-PIM-ROUTERS with a TTL of 1, unicast
/// with any TTL, or either (Bootstrap). Whether a packet kept to it is for the engine to judge.
enum class PimDelivery : std::uint8_t { link, unicast, either };
[[nodiscard]] PimDelivery delivery_of(const PimMessage& message);

/// A message as it came from the wire.
struct PimPacket {
  IpAddress source;
  IpAddress destination;
  std::uint8_t ttl = 0;  ///< or hop limit
  PimMessage message;
};

/// 224.0.0.13, ff02::d.
[[nodiscard]] IpAddress all_pim_routers(Family family);

}  // namespace hotpair::mcast::wire
