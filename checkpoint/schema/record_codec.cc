#include "checkpoint/schema/record_codec.h"

#include <limits>
#include <utility>

#include "checkpoint/schema/key_parts.h"
// capnp.h (through segment.h) comes before generated code.
#include "checkpoint/schema/segment.h"
#include "checkpoint/schema/value_parts.h"
#include "checkpoint/schema/values.capnp.h"

namespace hotpair::checkpoint::schema {
namespace {

namespace gmp = mcast::gmp;
namespace mrib = mcast::mrib;

// First byte of a link in a key.
constexpr std::uint8_t kTrunkTag = 1;
constexpr std::uint8_t kNameTag = 2;
// Byte after the group in a membership key; groups sort before their sources.
constexpr std::uint8_t kGroupTag = 0;
constexpr std::uint8_t kSourceTag = 1;

DatabaseId membership_database(Family family) {
  return family == Family::ipv4 ? DatabaseId::igmp_membership : DatabaseId::mld_membership;
}

std::uint32_t microseconds(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  if (count <= 0) return 0;
  return static_cast<std::uint32_t>(
      std::min<std::int64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

template <typename Builder>
void write_query(Builder& builder, const std::optional<gmp::LastMemberQuery>& query) {
  if (!query) return;
  builder.setQueryRunning(true);
  builder.setQueriesLeft(query->queries_left);
  builder.setQueryIntervalUs(microseconds(query->interval));
}

template <typename Reader>
std::optional<gmp::LastMemberQuery> read_query(const Reader& reader) {
  if (!reader.getQueryRunning()) return std::nullopt;
  return gmp::LastMemberQuery{reader.getQueriesLeft(),
                              std::chrono::microseconds(reader.getQueryIntervalUs())};
}

Bytes encode_value(const gmp::GroupValue& value) {
  using Root = values::GroupMembership;
  return build_segment<Root>([&](Root::Builder builder) {
    builder.setExclude(value.mode == gmp::FilterMode::exclude);
    builder.setIsStatic(value.is_static);
    builder.setIsDynamic(value.is_dynamic);
    builder.setOlderHostVersion(value.older_host_version);
    write_query(builder, value.query);
    if (!value.last_reporter.is_unspecified())
      builder.setLastReporter(data_of(value.last_reporter.bytes()));
  });
}

std::optional<gmp::GroupValue> decode_group_value(Family family, ByteSpan bytes) {
  using Root = values::GroupMembership;
  return read_segment<Root>(bytes, [&](Root::Reader reader) -> std::optional<gmp::GroupValue> {
    gmp::GroupValue value;
    value.mode = reader.getExclude() ? gmp::FilterMode::exclude : gmp::FilterMode::include;
    value.is_static = reader.getIsStatic();
    value.is_dynamic = reader.getIsDynamic();
    value.older_host_version = reader.getOlderHostVersion();
    if (value.older_host_version > 2) return std::nullopt;
    value.query = read_query(reader);
    const auto reporter = address_of(family, reader.getLastReporter());
    if (!reporter) return std::nullopt;
    value.last_reporter = *reporter;
    return value;
  });
}

Bytes encode_value(const gmp::SourceValue& value) {
  using Root = values::SourceMembership;
  return build_segment<Root>([&](Root::Builder builder) {
    builder.setForwarding(value.forwarding);
    builder.setIsStatic(value.is_static);
    builder.setIsDynamic(value.is_dynamic);
    write_query(builder, value.query);
  });
}

std::optional<gmp::SourceValue> decode_source_value(ByteSpan bytes) {
  using Root = values::SourceMembership;
  return read_segment<Root>(bytes, [](Root::Reader reader) -> std::optional<gmp::SourceValue> {
    return gmp::SourceValue{reader.getForwarding(), reader.getIsStatic(), reader.getIsDynamic(),
                            read_query(reader)};
  });
}

RecordKey data_driven_key(VrfId vrf, const Group& group, const IpAddress& source) {
  RecordKey key{static_cast<std::uint8_t>(DatabaseId::data_driven_event), vrf, group.family(), {}};
  ByteWriter writer(key.key);
  writer.bytes(group.address().bytes());
  writer.bytes(source.bytes());
  return key;
}

}  // namespace

std::string_view to_string(DecodeReject reject) {
  switch (reject) {
    case DecodeReject::wrong_database: return "wrong database";
    case DecodeReject::unknown_version: return "unknown schema version";
    case DecodeReject::bad_key: return "bad key";
    case DecodeReject::unknown_link: return "unknown interface";
    case DecodeReject::bad_value: return "bad value";
    case DecodeReject::wrong_scope: return "wrong scope";
    case DecodeReject::count_: break;
  }
  return "?";
}

std::unexpected<Error> RecordCodec::reject(DecodeReject reason, ErrorCode code,
                                           std::string_view detail) {
  ++rejects_[static_cast<std::size_t>(reason)];
  return fail(code, std::string(detail));
}

Result<void> RecordCodec::check(const RecordChange& change, DatabaseId database,
                                std::string_view what) {
  const bool known = change.key.family == Family::ipv4 || change.key.family == Family::ipv6;
  if (!known || change.key.database != static_cast<std::uint8_t>(database))
    return reject(DecodeReject::wrong_database, ErrorCode::malformed,
                  std::string("not a record of ") += what);
  if (change.value && change.value->schema_version != kSchemaVersion)
    return reject(DecodeReject::unknown_version, ErrorCode::unsupported,
                  std::string("unknown schema version of ") += what);
  return {};
}

Result<void> RecordCodec::check_whole_node(ScopeId scope, std::string_view what) {
  if (scope == kWholeNode) return {};
  return reject(DecodeReject::wrong_scope, ErrorCode::malformed,
                std::string("in a scope of its own: ") += what);
}

Result<Bytes> RecordCodec::link_key(ScopeId scope, LinkId link) const {
  const LinkName* name = links_.name_of(link);
  if (!name)
    return fail(ErrorCode::not_found, "interface number " + std::to_string(link.value()) +
                                          " has no name for records");
  Bytes key;
  key.reserve(48);
  ByteWriter writer(key);
  if (scope == kWholeNode) {
    writer.u8(kNameTag);
    writer.u8(static_cast<std::uint8_t>(name->configured.size()));
    writer.bytes(as_bytes(name->configured));
    return key;
  }
  if (!name->trunk || name->trunk->backup_id != scope.value())
    return fail(ErrorCode::refused, name->configured + " is not bound to backup-id " +
                                        std::to_string(scope.value()) +
                                        " and may not appear in its records");
  writer.u8(kTrunkTag);
  writer.u32(name->trunk->backup_id);
  writer.u32(name->trunk->trunk_id);
  return key;
}

std::optional<LinkId> RecordCodec::read_link(ScopeId scope, VrfId vrf, ByteReader& reader,
                                             bool& well_formed) const {
  const std::uint8_t tag = reader.u8();
  std::optional<LinkId> link;
  if (tag == kTrunkTag && scope != kWholeNode) {
    const TrunkRef trunk{reader.u32(), reader.u32()};
    if (trunk.backup_id == scope.value()) link = links_.find(trunk);
  } else if (tag == kNameTag && scope == kWholeNode) {
    const std::size_t size = reader.u8();
    link = links_.find(as_text(reader.take(size)));
  } else {
    well_formed = false;
    return std::nullopt;
  }
  well_formed = reader.ok();
  if (!well_formed || !link || links_.name_of(*link)->vrf != vrf) return std::nullopt;
  return link;
}

Result<RecordChange> RecordCodec::encode(ScopeId scope, const gmp::MembershipRecord& record) const {
  const auto* membership = std::get_if<gmp::GroupMembership>(&record);
  const auto* source = std::get_if<gmp::SourceMembership>(&record);
  const LinkId link = membership ? membership->key.link : source->key.link;
  const Group& group = membership ? membership->key.group : source->key.group;
  auto bytes = link_key(scope, link);
  if (!bytes) return std::unexpected(bytes.error());
  ByteWriter writer(*bytes);
  writer.bytes(group.address().bytes());
  writer.u8(membership ? kGroupTag : kSourceTag);
  if (source) writer.bytes(source->key.source.bytes());
  RecordChange change;
  change.key = {static_cast<std::uint8_t>(membership_database(group.family())),
                links_.name_of(link)->vrf, group.family(), std::move(*bytes)};
  if (membership && membership->value)
    change.value = RecordValue{kSchemaVersion, encode_value(*membership->value)};
  if (source && source->value)
    change.value = RecordValue{kSchemaVersion, encode_value(*source->value)};
  return change;
}

Result<gmp::MembershipRecord> RecordCodec::decode_membership(ScopeId scope,
                                                             const RecordChange& change) {
  const Family family = change.key.family;
  if ((family != Family::ipv4 && family != Family::ipv6) ||
      change.key.database != static_cast<std::uint8_t>(membership_database(family)))
    return reject(DecodeReject::wrong_database, ErrorCode::malformed, "not a membership record");
  if (change.value && change.value->schema_version != kSchemaVersion)
    return reject(DecodeReject::unknown_version, ErrorCode::unsupported,
                  "membership of an unknown schema version");
  ByteReader reader(change.key.key);
  bool well_formed = false;
  const auto link = read_link(scope, change.key.vrf, reader, well_formed);
  const auto group = read_group(family, reader);
  const std::uint8_t tag = reader.u8();
  std::optional<IpAddress> source;
  if (tag == kSourceTag) source = read_source(family, reader);
  if (!well_formed || !group || !reader.ok() || reader.remaining() != 0 || tag > kSourceTag ||
      (tag == kSourceTag) != source.has_value())
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of a membership record");
  if (!link)
    return reject(DecodeReject::unknown_link, ErrorCode::not_found,
                  "membership of an interface that is not known here");
  if (source) {
    gmp::SourceMembership record{{*link, *group, *source}, std::nullopt};
    if (change.value && !(record.value = decode_source_value(change.value->bytes)))
      return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of a source record");
    return record;
  }
  gmp::GroupMembership record{{*link, *group}, std::nullopt};
  if (change.value && !(record.value = decode_group_value(family, change.value->bytes)))
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of a group record");
  return record;
}

Result<KeyRange> RecordCodec::membership_range(ScopeId scope, LinkId link, Family family) const {
  return range_of(scope, link, family, membership_database(family));
}

Result<KeyRange> RecordCodec::range_of(ScopeId scope, LinkId link, Family family,
                                       DatabaseId id) const {
  auto prefix = link_key(scope, link);
  if (!prefix) return std::unexpected(prefix.error());
  const auto database = static_cast<std::uint8_t>(id);
  const VrfId vrf = links_.name_of(link)->vrf;
  Bytes end = *prefix;
  // Longer than any group and source, and no group begins with 16 bytes of ones and goes on so.
  end.insert(end.end(), 40, std::byte{0xff});
  return KeyRange{{database, vrf, family, std::move(*prefix)},
                  {database, vrf, family, std::move(end)}};
}

RecordChange RecordCodec::encode(const mrib::DataDrivenEvent& event) const {
  using Root = values::DataDrivenEvent;
  RecordValue value{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                      builder.setKind(static_cast<std::uint8_t>(event.kind));
                    })};
  return {data_driven_key(event.vrf, event.group, event.source), std::move(value)};
}

RecordChange RecordCodec::encode(const mrib::DataDrivenKey& key) const {
  return {data_driven_key(key.vrf, key.group, key.source), std::nullopt};
}

Result<DataDrivenChange> RecordCodec::decode_data_driven(ScopeId scope,
                                                         const RecordChange& change) {
  const Family family = change.key.family;
  if (change.key.database != static_cast<std::uint8_t>(DatabaseId::data_driven_event) ||
      (family != Family::ipv4 && family != Family::ipv6))
    return reject(DecodeReject::wrong_database, ErrorCode::malformed, "not a data-driven event");
  if (change.value && change.value->schema_version != kSchemaVersion)
    return reject(DecodeReject::unknown_version, ErrorCode::unsupported,
                  "data-driven event of an unknown schema version");
  ByteReader reader(change.key.key);
  const auto group = read_group(family, reader);
  const auto source = read_source(family, reader);
  if (!group || !source || reader.remaining() != 0)
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of a data-driven event");
  if (!change.value)
    return mrib::DataDrivenKey{scope, change.key.vrf, *group, *source};
  using Root = values::DataDrivenEvent;
  const auto kind = read_segment<Root>(
      change.value->bytes, [](Root::Reader root) -> std::optional<mrib::DataDrivenKind> {
        const std::uint8_t number = root.getKind();
        if (number != 1 && number != 2) return std::nullopt;
        return static_cast<mrib::DataDrivenKind>(number);
      });
  if (!kind)
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of a data-driven event");
  return mrib::DataDrivenEvent{scope, change.key.vrf, *group, *source, *kind};
}

}  // namespace hotpair::checkpoint::schema
