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
#include "mcast/pim/pim_records.h"
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

  // ---- databases of the whole node; rp_codec.cc, pim_codec.cc ----

  /// RP mappings, zones and fragments of the Bootstrap mechanism, mapping agents of Auto-RP. Fails
  /// with `not_found` if an interface is not known, with `refused` if what the record says could
  /// not be read back: addresses of two families, host bits in a range, a message that is too long
  /// or of another zone.
  [[nodiscard]] Result<RecordChange> encode(const mcast::rp::RpRecord& record) const;
  /// Any record of databases 0, 2 and 3.
  [[nodiscard]] Result<mcast::rp::RpRecord> decode_rp(ScopeId scope, const RecordChange& change);

  /// Who this node is on an interface. Fails as above.
  [[nodiscard]] Result<RecordChange> encode(const mcast::pim::IdentityRecord& record) const;
  [[nodiscard]] Result<mcast::pim::IdentityRecord> decode_identity(ScopeId scope,
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

  // rp_codec.cc
  [[nodiscard]] Result<RecordChange> encode_one(const mcast::rp::RpMappingRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode_one(const mcast::rp::BsrZoneRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode_one(const mcast::rp::BsrFragmentRecord& record) const;
  [[nodiscard]] Result<RecordChange> encode_one(const mcast::rp::AutoRpAgentRecord& record) const;
  [[nodiscard]] Result<mcast::rp::RpRecord> decode_mapping(const RecordChange& change);
  [[nodiscard]] Result<mcast::rp::RpRecord> decode_bootstrap(const RecordChange& change);
  [[nodiscard]] Result<mcast::rp::RpRecord> decode_agent(const RecordChange& change);

  LinkNames links_;
  std::array<std::uint64_t, kDecodeRejectCount> rejects_{};
};

}  // namespace hotpair::checkpoint::schema
