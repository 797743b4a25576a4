#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "checkpoint/record/record.h"
#include "checkpoint/schema/link_names.h"
#include "mcast/gmp/gmp_records.h"
#include "mcast/mrib/mrib_records.h"
#include "mcast/pim/pim_mdt_records.h"
#include "mcast/pim/pim_records.h"
#include "mcast/pim/pim_register_records.h"
#include "mcast/rp/rp_records.h"

namespace hotpair::checkpoint::schema {

/// The version of every value that this build writes, and the only one it reads; others go through
/// checkpoint/translate.
inline constexpr std::uint16_t kSchemaVersion = 1;

/// Why a record from peer or disk could not be used. The store keeps it all the same.
enum class DecodeReject : std::uint8_t {
  wrong_database,   ///< not of the database that was asked for
  unknown_version,  ///< a value of another schema version
  bad_key,          ///< the key does not parse, or names addresses that cannot be
  unknown_link,     ///< no interface here has that name, or it lies in another VRF or scope
  bad_value,        ///< the value does not parse, or does not fit its key
  wrong_scope,      ///< of a database that only the whole node has
  count_
};
inline constexpr std::size_t kDecodeRejectCount = static_cast<std::size_t>(DecodeReject::count_);
[[nodiscard]] std::string_view to_string(DecodeReject reject);

/// Reads `change` as an event or, without a value, as the key of one that is gone.
using DataDrivenChange = std::variant<mcast::mrib::DataDrivenEvent, mcast::mrib::DataDrivenKey>;

/// Reads `change` as state of a tree or, without a value, as the key of one that is gone.
using JoinPruneChange = std::variant<mcast::pim::JoinPruneRecord, mcast::pim::JoinPruneKey>;

/// Reads `change` as a register tunnel or, without a value, as the key of one that is gone.
using MdtTunnelChange = std::variant<mcast::pim::MdtTunnelRecord, mcast::pim::MdtTunnelKey>;
using MdtDataChange = std::variant<mcast::pim::MdtDataRecord, mcast::pim::MdtDataKey>;
using RegisterChange = std::variant<mcast::pim::RegisterRecord, mcast::pim::RegisterKey>;

/// Reads `change` as a reservation or, without a value, as the key of one that is gone.
using ReservationChange = std::variant<mcast::mrib::Reservation, mcast::mrib::ReservationKey>;

/// Keys of (after, through].
struct KeyRange {
  RecordKey after;
  RecordKey through;
};

/// Engines' records to opaque ones and back. Keys are canonical: the same thing has the same bytes
/// on both nodes, and they never change between versions.
class RecordCodec {
 public:
  /// The node keeps this up to date with its configuration.
  [[nodiscard]] LinkNames& links() { return links_; }
  [[nodiscard]] const LinkNames& links() const { return links_; }

  /// IGMP and MLD membership; a record without a value becomes a deletion. Fails with `not_found`
  /// if the interface is not known, with `refused` if it may not appear in `scope`.
  [[nodiscard]] Result<RecordChange> encode(ScopeId scope,
                                            const mcast::gmp::MembershipRecord& record) const;
  [[nodiscard]] Result<mcast::gmp::MembershipRecord> decode_membership(ScopeId scope,
                                                                       const RecordChange& change);
  /// All membership keys of one interface and family, for "everything of it is gone".
  [[nodiscard]] Result<KeyRange> membership_range(ScopeId scope, LinkId link, Family family) const;

  [[nodiscard]] RecordChange encode(const mcast::mrib::DataDrivenEvent& event) const;
  /// The deletion of an event.
  [[nodiscard]] RecordChange encode(const mcast::mrib::DataDrivenKey& key) const;
  [[nodiscard]] Result<DataDrivenChange> decode_data_driven(ScopeId scope,
                                                            const RecordChange& change);

  /// Database 4, admission control; mcac_codec.cc. Fails with `not_found` if the interface is not
  /// known, with `refused` if it may not appear in `scope` or nothing can be reserved for the
  /// state.
  [[nodiscard]] Result<RecordChange> encode(ScopeId scope,
                                            const mcast::mrib::Reservation& record) const;
  /// The deletion of it.
  [[nodiscard]] Result<RecordChange> encode(ScopeId scope,
                                            const mcast::mrib::ReservationKey& key) const;
  [[nodiscard]] Result<ReservationChange> decode_reservation(ScopeId scope,
                                                             const RecordChange& change);

  // ---- databases of the whole node; rp_codec.cc, pim_codec.cc ----

  /// RP mappings, zones and fragments of the Bootstrap mechanism, mapping agents of Auto-RP. Fails
  /// with `not_found` if an interface is not known, with `refused` if what the record says could
  /// not be read back: addresses of two families, host bits in a range, a message that is too long
  /// or of another zone.
  /// In the scope of the whole node or in that of the floating pair, whose nodes share them; there
  /// a mapping agent is named only on an interface of the pair.
  [[nodiscard]] Result<RecordChange> encode(ScopeId scope, const mcast::rp::RpRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode(const mcast::rp::RpRecord& record) const {
    return encode(kWholeNode, record);
  }
  /// Any record of databases 0, 2 and 3.
  [[nodiscard]] Result<mcast::rp::RpRecord> decode_rp(ScopeId scope, const RecordChange& change);

  /// Who this node is on an interface. Fails as above, and if it may not appear in `scope`.
  [[nodiscard]] Result<RecordChange> encode(ScopeId scope,
                                            const mcast::pim::IdentityRecord& record) const;
  [[nodiscard]] Result<mcast::pim::IdentityRecord> decode_identity(ScopeId scope,
                                                                   const RecordChange& change);

  /// A register tunnel; register_codec.cc. Fails with `refused` for what could not be read back.
  [[nodiscard]] Result<RecordChange> encode(const mcast::pim::RegisterRecord& record) const;
  /// The deletion of it.
  [[nodiscard]] Result<RecordChange> encode(const mcast::pim::RegisterKey& key) const;
  [[nodiscard]] Result<RegisterChange> decode_register(ScopeId scope, const RecordChange& change);

  /// Databases 5 and 8, of the whole node.
  [[nodiscard]] Result<RecordChange> encode(const mcast::pim::MdtTunnelRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode(const mcast::pim::MdtTunnelKey& key) const;
  [[nodiscard]] Result<MdtTunnelChange> decode_mdt_tunnel(ScopeId scope,
                                                          const RecordChange& change);
  [[nodiscard]] Result<RecordChange> encode(const mcast::pim::MdtDataRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode(const mcast::pim::MdtDataKey& key) const;
  [[nodiscard]] Result<MdtDataChange> decode_mdt_data(ScopeId scope, const RecordChange& change);
  /// Bidirectional groups, databases 1 and 9; bidir_codec.cc. Fail as above.
  [[nodiscard]] Result<RecordChange> encode(const mcast::pim::BidirRouteRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode(const mcast::pim::RpdfRecord& record) const;
  [[nodiscard]] Result<mcast::pim::BidirRouteRecord> decode_bidir_route(ScopeId scope,
                                                                        const RecordChange& change);
  /// Interfaces that are not known here are left out.
  [[nodiscard]] Result<mcast::pim::RpdfRecord> decode_rpdf(ScopeId scope,
                                                           const RecordChange& change);

  // ---- downstream state, of the interface's scope or the whole node; pim_codec.cc ----

  /// Fails with `not_found` if the interface is not known, with `refused` if it may not appear in
  /// `scope` or the key is of no tree.
  [[nodiscard]] Result<RecordChange> encode(ScopeId scope,
                                            const mcast::pim::JoinPruneRecord& record) const;
  /// The deletion of it.
  [[nodiscard]] Result<RecordChange> encode(ScopeId scope,
                                            const mcast::pim::JoinPruneKey& key) const;
  [[nodiscard]] Result<JoinPruneChange> decode_join_prune(ScopeId scope,
                                                          const RecordChange& change);
  /// As membership_range().
  [[nodiscard]] Result<KeyRange> join_prune_range(ScopeId scope, LinkId link, Family family) const;

  /// Records that did not decode, by reason.
  [[nodiscard]] const std::array<std::uint64_t, kDecodeRejectCount>& rejects() const {
    return rejects_;
  }
  void reset_counters() { rejects_ = {}; }

 private:
  std::unexpected<Error> reject(DecodeReject reason, ErrorCode code, std::string_view detail);
  /// Database, family and schema version; `what` for the sentence. Counts what does not fit.
  [[nodiscard]] Result<void> check(const RecordChange& change, DatabaseId database,
                                   std::string_view what);
  [[nodiscard]] Result<void> check_whole_node(ScopeId scope, std::string_view what);
  [[nodiscard]] Result<Bytes> link_key(ScopeId scope, LinkId link) const;
  [[nodiscard]] Result<KeyRange> range_of(ScopeId scope, LinkId link, Family family,
                                          DatabaseId database) const;
  [[nodiscard]] std::optional<LinkId> read_link(ScopeId scope, VrfId vrf, ByteReader& reader,
                                                bool& well_formed) const;

  [[nodiscard]] Result<IpAddress> read_bidir_rp(ScopeId scope, const RecordChange& change,
                                                DatabaseId database, std::string_view what);

  // rp_codec.cc
  [[nodiscard]] Result<RecordChange> encode_one(const mcast::rp::RpMappingRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode_one(const mcast::rp::BsrZoneRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode_one(const mcast::rp::BsrFragmentRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode_one(ScopeId scope,
                                                const mcast::rp::AutoRpAgentRecord& record) const;
  [[nodiscard]] Result<mcast::rp::RpRecord> decode_mapping(const RecordChange& change);
  [[nodiscard]] Result<mcast::rp::RpRecord> decode_bootstrap(const RecordChange& change);
  [[nodiscard]] Result<mcast::rp::RpRecord> decode_agent(ScopeId scope, const RecordChange& change);

  LinkNames links_;
  std::array<std::uint64_t, kDecodeRejectCount> rejects_{};
};

}  // namespace hotpair::checkpoint::schema
