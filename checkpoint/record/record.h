#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "platform/base/address.h"
#include "platform/base/bytes.h"
#include "platform/base/ids.h"

namespace hotpair::checkpoint {

/// The checkpoint databases. Numbers are on the wire and on disk and never change; bulk order is
/// ascending. The eight rows of `show ip multicast redundancy statistics` are 0 to 10.
enum class DatabaseId : std::uint8_t {
  rp_mapping = 0,
  bidir_rp_route = 1,
  bootstrap_cache = 2,
  autorp_discovery = 3,
  mcac_reservation = 4,
  mdt_data_group = 5,
  data_driven_event = 6,
  interface_identity = 7,
  mdt_tunnel = 8,
  rpdf = 9,
  pim_register_tunnel = 10,
  igmp_membership = 16,
  mld_membership = 17,
  join_prune = 18,
  l2_group = 19,
};

struct DatabaseInfo {
  DatabaseId id;
  std::string_view name;  ///< as displayed
  bool ipv4;
  bool ipv6;
  bool scope_zero_only;  ///< replicated only in a process or floating pair
};

/// Every database in bulk order.
inline constexpr std::array<DatabaseInfo, 15> kDatabases{{
    {DatabaseId::rp_mapping, "RP mapping", true, true, true},
    {DatabaseId::bidir_rp_route, "Bidir. RP route info", true, false, true},
    {DatabaseId::bootstrap_cache, "Bootstrap cache", true, true, true},
    {DatabaseId::autorp_discovery, "Autorp discovery IDB", true, false, true},
    {DatabaseId::mcac_reservation, "MCAC Reservation", true, true, false},
    {DatabaseId::mdt_data_group, "MDT data group", true, false, true},
    {DatabaseId::data_driven_event, "Data-driven event", true, true, false},
    {DatabaseId::interface_identity, "Interface identity", true, true, false},
    {DatabaseId::mdt_tunnel, "MDT tunnel", true, false, true},
    {DatabaseId::rpdf, "RPDF", true, false, true},
    {DatabaseId::pim_register_tunnel, "PIM register tunnel", true, true, true},
    {DatabaseId::igmp_membership, "IGMP membership", true, false, false},
    {DatabaseId::mld_membership, "MLD membership", false, true, false},
    {DatabaseId::join_prune, "Join/prune state", true, true, false},
    {DatabaseId::l2_group, "L2 multicast group", true, true, false},
}};

inline constexpr std::size_t kRecordBytesMax = 32 * 1024;  ///< key and value together
inline constexpr std::size_t kKeyBytesMax = 256;           ///< limit of RecordKey::key

/// Names one record within a scope. Ordered as the bulk goes: database, VRF, family, key.
/// `key` is canonical bytes made by checkpoint/schema alone.
struct RecordKey {
  std::uint8_t database = 0;  ///< a DatabaseId, or a number that only a newer build knows
  VrfId vrf;
  Family family = Family::ipv4;
  Bytes key;
  friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

/// The value as its master wrote it; a standby stores it verbatim.
struct RecordValue {
  std::uint16_t schema_version = 0;
  Bytes bytes;
  friend bool operator==(const RecordValue&, const RecordValue&) = default;
};

struct Record {
  RecordKey key;
  RecordValue value;
  friend bool operator==(const Record&, const Record&) = default;
};

/// A put, or with no value a deletion.
struct RecordChange {
  RecordKey key;
  std::optional<RecordValue> value;
  friend bool operator==(const RecordChange&, const RecordChange&) = default;
};

/// A change with its place in the journal of its scope.
struct SequencedChange {
  Sequence sequence;
  RecordChange change;
  friend bool operator==(const SequencedChange&, const SequencedChange&) = default;
};

/// One epoch in the history of a scope: its first record has the sequence after `begins_after`.
struct EpochStart {
  Epoch epoch;
  Sequence begins_after;
  friend auto operator<=>(const EpochStart&, const EpochStart&) = default;
};

/// Oldest first; at most 64 kept. Like a log index of consensus protocols, a point (epoch, n) is on
/// this line if the epoch is listed and n is not beyond the start of the next one.
using EpochHistory = std::vector<EpochStart>;

/// Sum (mod 2^128, two 64-bit words, low first) of XXH3-128 over key, schema version and value of
/// every record of a set. Adding and subtracting records keeps it current in O(1).
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

/// Digest and number of records of one database in one scope.
struct DatabaseDigest {
  std::uint8_t database = 0;
  std::uint64_t records = 0;
  Digest digest;
  friend auto operator<=>(const DatabaseDigest&, const DatabaseDigest&) = default;
};

}  // namespace hotpair::checkpoint
