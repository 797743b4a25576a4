#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "mcast/pim/pim_types.h"

/// What a router must know to go on in another's place (checkpoint databases 7 and 18). A value
/// changes only when state changes: a refreshed timer is not a change, and no value holds a ticking
/// time.
namespace hotpair::mcast::pim {

/// One downstream tree of a link with a scope.
struct JoinPruneKey {
  LinkId link;
  TreeKey tree;
  friend auto operator<=>(const JoinPruneKey&, const JoinPruneKey&) = default;
};

enum class JoinPruneState : std::uint8_t {
  joined = 1,         ///< (*,G) and (S,G)
  prune_pending = 2,  ///< still forwards; another router may override
  pruned = 3,         ///< (S,G,rpt)
};

struct JoinPruneValue {
  JoinPruneState state = JoinPruneState::joined;
  std::uint16_t holdtime_s = 0;  ///< the longest told since the state began; 0xffff: never ends
  friend bool operator==(const JoinPruneValue&, const JoinPruneValue&) = default;
};

struct JoinPruneRecord {
  JoinPruneKey key;
  JoinPruneValue value;
  friend bool operator==(const JoinPruneRecord&, const JoinPruneRecord&) = default;
};

/// One slice of a snapshot: go on after `next`; none: that was all.
struct JoinPruneSlice {
  std::vector<JoinPruneRecord> records;
  std::optional<JoinPruneKey> next;
};

/// Who this router is on a link, for one that goes on with the same address (database 7): its first
/// Hello must show another generation id (RFC 7761 4.3.1).
struct IdentityKey {
  LinkId link;
  Family family = Family::ipv4;
  friend auto operator<=>(const IdentityKey&, const IdentityKey&) = default;
};

struct IdentityValue {
  std::uint32_t generation_id = 0;
  std::uint32_t dr_priority = 0;
  IpAddress address;  ///< primary, of the key's family; unspecified: PIM was silent there
  friend bool operator==(const IdentityValue&, const IdentityValue&) = default;
};

struct IdentityRecord {
  IdentityKey key;
  std::optional<IdentityValue> value;  ///< absent: the record is gone
  friend bool operator==(const IdentityRecord&, const IdentityRecord&) = default;
};

/// The way to an RP of bidirectional groups (database 1, IPv4), so that elections begin with the
/// metric of before.
struct BidirRouteValue {
  std::optional<LinkId> link;  ///< RPF_interface(RPA); absent: a loopback of this router
  bool on_link = false;        ///< `link` is the RP link
  std::optional<IpAddress> neighbour;
  std::uint32_t preference = 0;
  std::uint32_t metric = 0;
  friend bool operator==(const BidirRouteValue&, const BidirRouteValue&) = default;
};
struct BidirRouteRecord {
  VrfId vrf;
  IpAddress rp;
  std::optional<BidirRouteValue> value;  ///< absent: the record is gone
  friend bool operator==(const BidirRouteRecord&, const BidirRouteRecord&) = default;
};

/// Links that one RPDF record names; more than links of a router.
inline constexpr std::size_t kRpdfLinksMax = 256;
/// The links where this router is designated forwarder for an RP (database 9, IPv4).
struct RpdfRecord {
  VrfId vrf;
  IpAddress rp;
  std::vector<LinkId> links;  ///< sorted; none: the record is gone
  friend bool operator==(const RpdfRecord&, const RpdfRecord&) = default;
};

}  // namespace hotpair::mcast::pim
