#include <utility>

#include "checkpoint/schema/key_parts.h"
#include "checkpoint/schema/record_codec.h"
// capnp.h (through segment.h) comes before generated code.
#include "checkpoint/schema/segment.h"
#include "checkpoint/schema/value_parts.h"
#include "checkpoint/schema/values.capnp.h"

namespace hotpair::checkpoint::schema {
namespace {

namespace pim = mcast::pim;

// Byte after the group; a shared tree sorts before the sources of its group.
constexpr std::uint8_t kSharedTag = 0;
constexpr std::uint8_t kSourceTag = 1;
// Last byte of a source's tree.
constexpr std::uint8_t kOwnTree = 0;
constexpr std::uint8_t kOnSharedTree = 1;  // (S,G,rpt)

constexpr std::string_view kJoinPrune = "join/prune state";
constexpr std::string_view kIdentity = "interface identity";

/// A tree that may have downstream state.
bool is_tree(const pim::TreeKey& tree) {
  if (tree.group.address().is_link_local_multicast()) return false;
  if (!tree.source) return !tree.rpt;
  return tree.source->family() == tree.group.family() && mcast::wire::is_pim_unicast(*tree.source);
}

std::optional<pim::TreeKey> read_tree(Family family, ByteReader& reader) {
  const auto group = read_group(family, reader);
  if (!group) return std::nullopt;
  pim::TreeKey tree{*group, std::nullopt, false};
  const std::uint8_t tag = reader.u8();
  if (tag == kSourceTag) {
    tree.source = read_source(family, reader);
    const std::uint8_t last = reader.u8();
    tree.rpt = last == kOnSharedTree;
    if (!tree.source || last > kOnSharedTree) return std::nullopt;
  } else if (tag != kSharedTag) {
    return std::nullopt;
  }
  const bool whole = reader.ok() && reader.remaining() == 0;
  return whole && is_tree(tree) ? std::optional(tree) : std::nullopt;
}

/// Nothing that a machine of this tree cannot be in (RFC 7761 4.5.1 to 4.5.3).
std::optional<pim::JoinPruneValue> decode_join_prune_value(const pim::TreeKey& tree,
                                                           ByteSpan bytes) {
  using Root = values::JoinPrune;
  using State = pim::JoinPruneState;
  return read_segment<Root>(bytes, [&](Root::Reader root) -> std::optional<pim::JoinPruneValue> {
    const pim::JoinPruneValue value{static_cast<State>(root.getState()), root.getHoldtimeS()};
    const bool fits = value.state == State::prune_pending ||
                      value.state == (tree.rpt ? State::pruned : State::joined);
    return fits && value.holdtime_s != 0 ? std::optional(value) : std::nullopt;
  });
}

/// An address that PIM speaks from; unspecified: it was silent.
bool is_own_address(Family family, const IpAddress& address) {
  if (address.is_unspecified()) return true;
  return address.family() == family && mcast::wire::is_pim_unicast(address) &&
         (address.is_v4() || address.is_link_local_unicast());
}

std::optional<pim::IdentityValue> decode_identity_value(Family family, ByteSpan bytes) {
  using Root = values::InterfaceIdentity;
  return read_segment<Root>(bytes, [&](Root::Reader root) -> std::optional<pim::IdentityValue> {
    const auto address = address_of(family, root.getAddress());
    if (!address || !is_own_address(family, *address)) return std::nullopt;
    return pim::IdentityValue{root.getGenerationId(), root.getDrPriority(), *address};
  });
}

}  // namespace

// ---- database 18 ----

Result<RecordChange> RecordCodec::encode(ScopeId scope, const pim::JoinPruneRecord& record) const {
  auto change = encode(scope, record.key);
  if (!change) return change;
  using Root = values::JoinPrune;
  change->value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                                builder.setState(static_cast<std::uint8_t>(record.value.state));
                                builder.setHoldtimeS(record.value.holdtime_s);
                              })};
  return change;
}

Result<RecordChange> RecordCodec::encode(ScopeId scope, const pim::JoinPruneKey& key) const {
  const pim::TreeKey& tree = key.tree;
  if (!is_tree(tree))
    return fail(ErrorCode::refused,
                "no downstream state of group " + tree.group.to_string() + " is recorded");
  auto bytes = link_key(scope, key.link);
  if (!bytes) return std::unexpected(bytes.error());
  ByteWriter writer(*bytes);
  writer.bytes(tree.group.address().bytes());
  writer.u8(tree.source ? kSourceTag : kSharedTag);
  if (tree.source) {
    writer.bytes(tree.source->bytes());
    writer.u8(tree.rpt ? kOnSharedTree : kOwnTree);
  }
  return RecordChange{{static_cast<std::uint8_t>(DatabaseId::join_prune),
                       links_.name_of(key.link)->vrf, tree.group.family(), std::move(*bytes)},
                      std::nullopt};
}

Result<JoinPruneChange> RecordCodec::decode_join_prune(ScopeId scope, const RecordChange& change) {
  if (const auto checked = check(change, DatabaseId::join_prune, kJoinPrune); !checked)
    return std::unexpected(checked.error());
  ByteReader reader(change.key.key);
  bool well_formed = false;
  const auto link = read_link(scope, change.key.vrf, reader, well_formed);
  const auto tree = read_tree(change.key.family, reader);
  if (!well_formed || !tree)
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of join/prune state");
  if (!link)
    return reject(DecodeReject::unknown_link, ErrorCode::not_found,
                  "join/prune state of an interface that is not known here");
  const pim::JoinPruneKey key{*link, *tree};
  if (!change.value) return key;
  const auto value = decode_join_prune_value(*tree, change.value->bytes);
  if (!value)
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of join/prune state");
  return pim::JoinPruneRecord{key, *value};
}

Result<KeyRange> RecordCodec::join_prune_range(ScopeId scope, LinkId link, Family family) const {
  return range_of(scope, link, family, DatabaseId::join_prune);
}

// ---- database 7 ----

Result<RecordChange> RecordCodec::encode(ScopeId scope, const pim::IdentityRecord& record) const {
  const Family family = record.key.family;
  auto bytes = link_key(scope, record.key.link);
  if (!bytes) return std::unexpected(bytes.error());
  RecordChange change{{static_cast<std::uint8_t>(DatabaseId::interface_identity),
                       links_.name_of(record.key.link)->vrf, family, std::move(*bytes)},
                      std::nullopt};
  if (!record.value) return change;
  const IpAddress& address = record.value->address;
  if (!is_own_address(family, address))
    return fail(ErrorCode::refused, address.to_string() + " is no address that PIM speaks from");
  using Root = values::InterfaceIdentity;
  change.value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                               builder.setGenerationId(record.value->generation_id);
                               builder.setDrPriority(record.value->dr_priority);
                               if (!address.is_unspecified())
                                 builder.setAddress(data_of(address.bytes()));
                             })};
  return change;
}

Result<pim::IdentityRecord> RecordCodec::decode_identity(ScopeId scope,
                                                         const RecordChange& change) {
  if (const auto checked = check(change, DatabaseId::interface_identity, kIdentity); !checked)
    return std::unexpected(checked.error());
  ByteReader reader(change.key.key);
  bool well_formed = false;
  const auto link = read_link(scope, change.key.vrf, reader, well_formed);
  if (!well_formed || reader.remaining() != 0)
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of an interface identity");
  if (!link)
    return reject(DecodeReject::unknown_link, ErrorCode::not_found,
                  "identity on an interface that is not known here");
  pim::IdentityRecord record{{*link, change.key.family}, std::nullopt};
  if (change.value &&
      !(record.value = decode_identity_value(change.key.family, change.value->bytes)))
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of an interface identity");
  return record;
}

}  // namespace hotpair::checkpoint::schema
