#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "mcast/rp/rp_types.h"
#include "mcast/wire/pim_types.h"
#include "platform/base/ids.h"

/// What a router must know to go on with RP information in another's place: databases 0, 2 and 3,
/// in scope 0 and, of a floating pair, in its scope. A value changes only when state changes:
/// neither a refreshed timer nor the tag of a Bootstrap message that says what the one before said
/// is a change. Static RPs are configuration.
namespace hotpair::mcast::rp {

/// An administrative scope zone, named by its range (RFC 5059 1.3); absent: the whole domain.
using ScopeZone = std::optional<IpPrefix>;

/// States of RFC 5059 3.1.1 (candidate BSR) and 3.1.2 (all others).
enum class BsrState : std::uint8_t {
  no_info = 1,           ///< nothing known of the zone
  accept_any = 2,        ///< no BSR known: the first one heard is taken
  accept_preferred = 3,  ///< a BSR is known
  candidate = 4,         ///< C-BSR: another one is elected
  pending = 5,           ///< P-BSR: becomes the BSR unless a better one speaks up
  elected = 6,           ///< E-BSR: this router is the BSR
};

/// Weight of a BSR: priority, then address; larger is better (RFC 5059 3.1).
struct BsrWeight {
  std::uint8_t priority = 0;
  IpAddress address;
  friend auto operator<=>(const BsrWeight&, const BsrWeight&) = default;
};

/// Database 0, "RP mapping": one learned mapping.
struct RpMappingKey {
  VrfId vrf;
  RpSource source = RpSource::bootstrap;  ///< bootstrap or auto_rp
  ScopeZone zone;                         ///< bootstrap only
  IpPrefix range;
  IpAddress rp;
  friend auto operator<=>(const RpMappingKey&, const RpMappingKey&) = default;
};
struct RpMappingValue {
  std::uint8_t priority = 0;
  std::uint16_t holdtime_s = 0;
  bool negative = false;
  IpAddress told_by;   ///< auto_rp: the mapping agent; else unspecified
  bool bidir = false;  ///< RFC 5015, IPv4
  friend bool operator==(const RpMappingValue&, const RpMappingValue&) = default;
};
struct RpMappingRecord {
  RpMappingKey key;
  std::optional<RpMappingValue> value;  ///< absent: the record is gone
  friend bool operator==(const RpMappingRecord&, const RpMappingRecord&) = default;
};

/// Database 2, "Bootstrap cache": the state of one zone.
struct BsrZoneKey {
  VrfId vrf;
  Family family = Family::ipv4;
  ScopeZone zone;
  friend auto operator<=>(const BsrZoneKey&, const BsrZoneKey&) = default;
};
struct BsrZoneValue {
  BsrState state = BsrState::accept_any;
  std::optional<BsrWeight> bsr;  ///< the current BSR
  std::uint8_t hash_mask_length = 0;
  friend bool operator==(const BsrZoneValue&, const BsrZoneValue&) = default;
};
struct BsrZoneRecord {
  BsrZoneKey key;
  std::optional<BsrZoneValue> value;
  friend bool operator==(const BsrZoneRecord&, const BsrZoneRecord&) = default;
};

/// Database 2 too: one fragment of the last Bootstrap message of a zone, as it was heard; a new
/// neighbour gets it. The fragment tag is that of the first message that said this.
struct BsrFragmentKey {
  BsrZoneKey zone;
  std::uint16_t index = 0;  ///< in the order heard, from 0
  friend auto operator<=>(const BsrFragmentKey&, const BsrFragmentKey&) = default;
};
struct BsrFragmentRecord {
  BsrFragmentKey key;
  std::optional<wire::PimBootstrap> value;
  friend bool operator==(const BsrFragmentRecord&, const BsrFragmentRecord&) = default;
};

/// Database 3, "Autorp discovery IDB": a mapping agent heard on an interface. IPv4 only.
struct AutoRpAgentKey {
  VrfId vrf;
  LinkId link;
  IpAddress agent;
  friend auto operator<=>(const AutoRpAgentKey&, const AutoRpAgentKey&) = default;
};
struct AutoRpAgentValue {
  std::uint16_t holdtime_s = 0;  ///< 0: without end
  friend bool operator==(const AutoRpAgentValue&, const AutoRpAgentValue&) = default;
};
struct AutoRpAgentRecord {
  AutoRpAgentKey key;
  std::optional<AutoRpAgentValue> value;
  friend bool operator==(const AutoRpAgentRecord&, const AutoRpAgentRecord&) = default;
};

using RpRecord = std::variant<RpMappingRecord, BsrZoneRecord, BsrFragmentRecord, AutoRpAgentRecord>;

/// One slice of a snapshot: records and where to go on; no `next` means the end.
struct RpRecordSlice {
  std::vector<RpRecord> records;
  std::optional<std::size_t> next;
};

/// Whether this node writes the records (active) or reads them (standby).
enum class Mode : std::uint8_t { standby, active };

}  // namespace hotpair::mcast::rp
