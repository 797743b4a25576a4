#include <utility>

#include "checkpoint/schema/key_parts.h"
#include "checkpoint/schema/record_codec.h"
// capnp.h (through segment.h) comes before generated code.
#include "checkpoint/schema/segment.h"
#include "checkpoint/schema/value_parts.h"
#include "checkpoint/schema/values.capnp.h"
#include "mcast/wire/pim_types.h"

// Databases 5, "MDT data group", and 8, "MDT tunnel".
namespace hotpair::checkpoint::schema {
namespace {

namespace pim = mcast::pim;

constexpr std::string_view kData = "an MDT data group";
constexpr std::string_view kTunnel = "an MDT tunnel";

bool is_routed(const Group& group) {
  return group.family() == Family::ipv4 && !group.address().is_link_local_multicast();
}
bool is_unicast4(const IpAddress& address) {
  return address.is_v4() && mcast::wire::is_pim_unicast(address);
}
bool is_sound(const pim::MdtDataKey& key) {
  return is_routed(key.group) && is_unicast4(key.source);
}
bool is_sound(const pim::MdtTunnelValue& value) {
  const bool has_range = value.data_groups.has_value();
  return is_unicast4(value.source) &&
         (!has_range || (value.data_groups->address.is_v4() && is_group_range(*value.data_groups)));
}

std::optional<Group> group_of(capnp::Data::Reader data) {
  ByteReader reader(span_of(data));
  const auto group = read_group(Family::ipv4, reader);
  if (!group || reader.remaining() != 0 || !is_routed(*group)) return std::nullopt;
  return group;
}

}  // namespace

// ---- database 8 ----

Result<RecordChange> RecordCodec::encode(const pim::MdtTunnelKey& key) const {
  if (!is_routed(key.default_group))
    return fail(ErrorCode::refused,
                "no MDT tunnel of group " + key.default_group.to_string() + " is recorded");
  RecordChange change{
      {static_cast<std::uint8_t>(DatabaseId::mdt_tunnel), key.vrf, Family::ipv4, {}}, std::nullopt};
  ByteWriter(change.key.key).bytes(key.default_group.address().bytes());
  return change;
}

Result<RecordChange> RecordCodec::encode(const pim::MdtTunnelRecord& record) const {
  auto change = encode(record.key);
  if (!change) return change;
  if (!is_sound(record.value)) return fail(ErrorCode::refused, "no such MDT tunnel is recorded");
  Bytes range;
  ByteWriter writer(range);
  if (record.value.data_groups) write_range(writer, *record.value.data_groups);
  using Root = values::MdtTunnel;
  change->value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                                builder.setSource(data_of(record.value.source.bytes()));
                                if (!range.empty()) builder.setDataRange(data_of(range));
                                builder.setThresholdKbps(record.value.threshold_kbps);
                              })};
  return change;
}

Result<MdtTunnelChange> RecordCodec::decode_mdt_tunnel(ScopeId scope, const RecordChange& change) {
  if (const auto checked = check(change, DatabaseId::mdt_tunnel, kTunnel); !checked)
    return std::unexpected(checked.error());
  if (const auto checked = check_whole_node(scope, kTunnel); !checked)
    return std::unexpected(checked.error());
  ByteReader reader(change.key.key);
  const auto group = read_group(Family::ipv4, reader);
  const bool whole = reader.ok() && reader.remaining() == 0 && change.key.family == Family::ipv4;
  if (!whole || !group || !is_routed(*group))
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of an MDT tunnel");
  const pim::MdtTunnelKey key{change.key.vrf, *group};
  if (!change.value) return key;
  using Root = values::MdtTunnel;
  const auto value = read_segment<Root>(
      change.value->bytes, [&](Root::Reader root) -> std::optional<pim::MdtTunnelValue> {
        const auto source = address_of(Family::ipv4, root.getSource());
        if (!source) return std::nullopt;
        pim::MdtTunnelValue found{*source, std::nullopt, root.getThresholdKbps()};
        if (root.getDataRange().size() != 0) {
          ByteReader range(span_of(root.getDataRange()));
          found.data_groups = read_range(Family::ipv4, range);
          if (!found.data_groups || range.remaining() != 0) return std::nullopt;
        }
        return is_sound(found) ? std::optional(found) : std::nullopt;
      });
  if (!value)
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of an MDT tunnel");
  return pim::MdtTunnelRecord{key, *value};
}

// ---- database 5 ----

Result<RecordChange> RecordCodec::encode(const pim::MdtDataKey& key) const {
  if (!is_sound(key))
    return fail(ErrorCode::refused, "no MDT data group of source " + key.source.to_string() +
                                        " and group " + key.group.to_string() + " is recorded");
  RecordChange change{
      {static_cast<std::uint8_t>(DatabaseId::mdt_data_group), key.vrf, Family::ipv4, {}},
      std::nullopt};
  ByteWriter writer(change.key.key);
  writer.bytes(key.group.address().bytes());
  writer.bytes(key.source.bytes());
  return change;
}

Result<RecordChange> RecordCodec::encode(const pim::MdtDataRecord& record) const {
  auto change = encode(record.key);
  if (!change) return change;
  if (!is_routed(record.data_group))
    return fail(ErrorCode::refused,
                record.data_group.to_string() + " is no data group that is recorded");
  using Root = values::MdtDataGroup;
  change->value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                                builder.setDataGroup(data_of(record.data_group.address().bytes()));
                              })};
  return change;
}

Result<MdtDataChange> RecordCodec::decode_mdt_data(ScopeId scope, const RecordChange& change) {
  if (const auto checked = check(change, DatabaseId::mdt_data_group, kData); !checked)
    return std::unexpected(checked.error());
  if (const auto checked = check_whole_node(scope, kData); !checked)
    return std::unexpected(checked.error());
  ByteReader reader(change.key.key);
  const auto group = read_group(Family::ipv4, reader);
  const auto source = read_source(Family::ipv4, reader);
  const bool whole = reader.ok() && reader.remaining() == 0 && change.key.family == Family::ipv4;
  if (!whole || !group || !source || !is_sound(pim::MdtDataKey{change.key.vrf, *group, *source}))
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of an MDT data group");
  const pim::MdtDataKey key{change.key.vrf, *group, *source};
  if (!change.value) return key;
  using Root = values::MdtDataGroup;
  const auto value = read_segment<Root>(
      change.value->bytes, [](Root::Reader root) { return group_of(root.getDataGroup()); });
  if (!value)
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of an MDT data group");
  return pim::MdtDataRecord{key, *value};
}

}  // namespace hotpair::checkpoint::schema
