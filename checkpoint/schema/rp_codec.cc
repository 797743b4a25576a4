#include <algorithm>
#include <utility>

#include "checkpoint/record/floating_scope.h"
#include "checkpoint/schema/key_parts.h"
#include "checkpoint/schema/record_codec.h"
// capnp.h (through segment.h) comes before generated code.
#include "checkpoint/schema/segment.h"
#include "checkpoint/schema/value_parts.h"
#include "checkpoint/schema/values.capnp.h"
#include "mcast/wire/pim_bootstrap.h"

namespace hotpair::checkpoint::schema {
namespace {

namespace rp = mcast::rp;
namespace wire = mcast::wire;

// Before a zone; the whole domain sorts before administrative scopes.
constexpr std::uint8_t kDomainTag = 0;
constexpr std::uint8_t kZoneTag = 1;
// After the zone, in database 2.
constexpr std::uint8_t kStateTag = 0;
constexpr std::uint8_t kFragmentTag = 1;

constexpr std::string_view kMapping = "an RP mapping";
constexpr std::string_view kBootstrap = "the Bootstrap cache";
constexpr std::string_view kAgent = "a mapping agent";

/// With its key and the frame of the value a record stays below its limit.
constexpr std::size_t kFrameBytes = 64;
constexpr std::size_t kMessageBytesMax = kRecordBytesMax - kKeyBytesMax - kFrameBytes;

// ---- keys ----

bool is_zone(const rp::ScopeZone& zone, Family family) {
  return !zone || (zone->address.family() == family && is_group_range(*zone));
}

void write_zone(ByteWriter& writer, const rp::ScopeZone& zone) {
  writer.u8(zone ? kZoneTag : kDomainTag);
  if (zone) write_range(writer, *zone);
}

/// False: the key is malformed.
bool read_zone(Family family, ByteReader& reader, rp::ScopeZone& zone) {
  const std::uint8_t tag = reader.u8();
  if (tag == kZoneTag) zone = read_range(family, reader);
  return reader.ok() && tag <= kZoneTag && (tag == kZoneTag) == zone.has_value();
}

bool is_learned(rp::RpSource source) {
  return source == rp::RpSource::bootstrap || source == rp::RpSource::auto_rp;
}

bool is_sound(const rp::RpMappingKey& key) {
  const Family family = key.rp.family();
  if (key.source == rp::RpSource::auto_rp && (key.zone || family != Family::ipv4)) return false;
  return is_learned(key.source) && is_zone(key.zone, family) && is_group_range(key.range) &&
         key.range.address.family() == family && wire::is_pim_unicast(key.rp);
}

bool is_agent(const IpAddress& address) { return address.is_v4() && wire::is_pim_unicast(address); }

RecordKey key_of(DatabaseId database, VrfId vrf, Family family) {
  return {static_cast<std::uint8_t>(database), vrf, family, {}};
}

// ---- values ----

/// Auto-RP names the agent that told it, the Bootstrap mechanism nobody.
bool is_told_by(rp::RpSource source, const IpAddress& told_by) {
  return source == rp::RpSource::auto_rp ? is_agent(told_by) : told_by.is_unspecified();
}

std::optional<rp::RpMappingValue> decode_mapping_value(const rp::RpMappingKey& key,
                                                       ByteSpan bytes) {
  using Root = values::RpMapping;
  return read_segment<Root>(bytes, [&](Root::Reader root) -> std::optional<rp::RpMappingValue> {
    const auto told_by = address_of(key.rp.family(), root.getToldBy());
    if (!told_by || !is_told_by(key.source, *told_by)) return std::nullopt;
    if (root.getBidir() && key.rp.is_v6()) return std::nullopt;
    return rp::RpMappingValue{root.getPriority(), root.getHoldtimeS(), root.getNegative(),
                              *told_by, root.getBidir()};
  });
}

bool is_sound(const rp::BsrZoneValue& value, Family family) {
  if (value.bsr &&
      (value.bsr->address.family() != family || !wire::is_pim_unicast(value.bsr->address)))
    return false;
  return value.state >= rp::BsrState::no_info && value.state <= rp::BsrState::elected &&
         value.hash_mask_length <= IpAddress::any(family).bits();
}

std::optional<rp::BsrZoneValue> decode_zone_value(Family family, ByteSpan bytes) {
  using Root = values::BootstrapZone;
  return read_segment<Root>(bytes, [&](Root::Reader root) -> std::optional<rp::BsrZoneValue> {
    const auto bsr = address_of(family, root.getBsr());
    if (!bsr) return std::nullopt;
    rp::BsrZoneValue value{static_cast<rp::BsrState>(root.getState()), std::nullopt,
                           root.getHashMaskLength()};
    if (!bsr->is_unspecified()) value.bsr = rp::BsrWeight{root.getBsrPriority(), *bsr};
    return is_sound(value, family) ? std::optional(value) : std::nullopt;
  });
}

/// A message is of the administrative scope that its first range names (RFC 5059 4.1).
bool is_of_zone(const wire::PimBootstrap& message, const rp::ScopeZone& zone) {
  if (message.ranges.empty() || !message.ranges.front().range.scope_zone) return !zone;
  const wire::PimGroupRange& range = message.ranges.front().range;
  return zone && range.mask_length == zone->length && zone->contains(range.address);
}

/// A whole PIM message; its checksum is not looked at, the record has one of its own.
std::optional<wire::PimBootstrap> read_message(const rp::BsrZoneKey& zone, ByteSpan bytes) {
  constexpr std::uint8_t kVersionAndType = 0x24;
  ByteReader header(bytes.first(std::min(bytes.size(), wire::pim::kHeaderSize)));
  const bool bootstrap = header.u8() == kVersionAndType;
  const std::uint8_t flags = header.u8();
  header.skip(2);
  if (!bootstrap || !header.ok() || bytes.size() > kMessageBytesMax) return std::nullopt;
  const auto parsed =
      wire::pim::parse_bootstrap(bytes.subspan(wire::pim::kHeaderSize), zone.family, flags);
  if (!parsed) return std::nullopt;
  const auto& message = std::get<wire::PimBootstrap>(*parsed);
  return is_of_zone(message, zone.zone) ? std::optional(message) : std::nullopt;
}

std::optional<wire::PimBootstrap> decode_fragment_value(const rp::BsrZoneKey& zone,
                                                        ByteSpan bytes) {
  using Root = values::BootstrapFragment;
  return read_segment<Root>(
      bytes, [&](Root::Reader root) { return read_message(zone, span_of(root.getMessage())); });
}

}  // namespace

// ---- encode ----

Result<RecordChange> RecordCodec::encode(ScopeId scope, const rp::RpRecord& record) const {
  if (scope != kWholeNode && scope != kFloatingPair)
    return fail(ErrorCode::refused, "what is known of RPs is of no backup-id");
  if (const auto* agent = std::get_if<rp::AutoRpAgentRecord>(&record))
    return encode_one(scope, *agent);
  return std::visit(
      [this](const auto& one) -> Result<RecordChange> {
        if constexpr (requires { encode_one(one); })
          return encode_one(one);
        else
          return fail(ErrorCode::refused, "a mapping agent is of an interface");
      },
      record);
}

Result<RecordChange> RecordCodec::encode_one(const rp::RpMappingRecord& record) const {
  const rp::RpMappingKey& key = record.key;
  const bool told = !record.value || is_told_by(key.source, record.value->told_by);
  if (!is_sound(key) || !told)
    return fail(ErrorCode::refused, "RP " + key.rp.to_string() + " of " + key.range.to_string() +
                                        " is no learned mapping");
  RecordChange change{key_of(DatabaseId::rp_mapping, key.vrf, key.rp.family()), std::nullopt};
  ByteWriter writer(change.key.key);
  writer.u8(static_cast<std::uint8_t>(key.source));
  write_zone(writer, key.zone);
  write_range(writer, key.range);
  writer.bytes(key.rp.bytes());
  if (!record.value) return change;
  using Root = values::RpMapping;
  change.value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                               builder.setPriority(record.value->priority);
                               builder.setNegative(record.value->negative);
                               builder.setBidir(record.value->bidir);
                               builder.setHoldtimeS(record.value->holdtime_s);
                               const IpAddress& told_by = record.value->told_by;
                               if (!told_by.is_unspecified())
                                 builder.setToldBy(data_of(told_by.bytes()));
                             })};
  return change;
}

Result<RecordChange> RecordCodec::encode_one(const rp::BsrZoneRecord& record) const {
  const rp::BsrZoneKey& key = record.key;
  if (!is_zone(key.zone, key.family) || (record.value && !is_sound(*record.value, key.family)))
    return fail(ErrorCode::refused, "state of a Bootstrap zone of two address families");
  RecordChange change{key_of(DatabaseId::bootstrap_cache, key.vrf, key.family), std::nullopt};
  ByteWriter writer(change.key.key);
  write_zone(writer, key.zone);
  writer.u8(kStateTag);
  if (!record.value) return change;
  using Root = values::BootstrapZone;
  change.value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                               builder.setState(static_cast<std::uint8_t>(record.value->state));
                               builder.setHashMaskLength(record.value->hash_mask_length);
                               if (!record.value->bsr) return;
                               builder.setBsrPriority(record.value->bsr->priority);
                               builder.setBsr(data_of(record.value->bsr->address.bytes()));
                             })};
  return change;
}

Result<RecordChange> RecordCodec::encode_one(const rp::BsrFragmentRecord& record) const {
  const rp::BsrZoneKey& zone = record.key.zone;
  RecordChange change{key_of(DatabaseId::bootstrap_cache, zone.vrf, zone.family), std::nullopt};
  ByteWriter writer(change.key.key);
  write_zone(writer, zone.zone);
  writer.u8(kFragmentTag);
  writer.u16(record.key.index);
  if (!is_zone(zone.zone, zone.family))
    return fail(ErrorCode::refused, "fragment of a Bootstrap zone of two address families");
  if (!record.value) return change;
  Bytes message;
  ByteWriter out(message);
  wire::pim::write(out, *record.value);
  // What cannot be written whole, is of another zone or too long does not read back as it was.
  if (read_message(zone, message) != *record.value)
    return fail(ErrorCode::refused, "a Bootstrap message of " + record.value->bsr.to_string() +
                                        " does not fit its record");
  using Root = values::BootstrapFragment;
  change.value = RecordValue{
      kSchemaVersion,
      build_large_segment<Root>(message.size() + kFrameBytes, [&](Root::Builder builder) {
        builder.setMessage(data_of(message));
      })};
  return change;
}

Result<RecordChange> RecordCodec::encode_one(ScopeId scope,
                                             const rp::AutoRpAgentRecord& record) const {
  auto bytes = link_key(scope, record.key.link);
  if (!bytes) return std::unexpected(bytes.error());
  const LinkName& name = *links_.name_of(record.key.link);
  if (!is_agent(record.key.agent) || record.key.vrf != name.vrf)
    return fail(ErrorCode::refused, "mapping agent " + record.key.agent.to_string() + " on " +
                                        name.configured + " is of another family or VRF");
  RecordChange change{key_of(DatabaseId::autorp_discovery, name.vrf, Family::ipv4), std::nullopt};
  change.key.key = std::move(*bytes);
  ByteWriter(change.key.key).bytes(record.key.agent.bytes());
  if (!record.value) return change;
  using Root = values::MappingAgent;
  change.value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                               builder.setHoldtimeS(record.value->holdtime_s);
                             })};
  return change;
}

// ---- decode ----

Result<rp::RpRecord> RecordCodec::decode_rp(ScopeId scope, const RecordChange& change) {
  if (scope != kFloatingPair)
    if (const auto checked = check_whole_node(scope, "what is known of RPs"); !checked)
      return std::unexpected(checked.error());
  switch (static_cast<DatabaseId>(change.key.database)) {
    case DatabaseId::bootstrap_cache:
      return decode_bootstrap(change);
    case DatabaseId::autorp_discovery:
      return decode_agent(scope, change);
    default:
      return decode_mapping(change);
  }
}

Result<rp::RpRecord> RecordCodec::decode_mapping(const RecordChange& change) {
  if (const auto checked = check(change, DatabaseId::rp_mapping, kMapping); !checked)
    return std::unexpected(checked.error());
  const Family family = change.key.family;
  ByteReader reader(change.key.key);
  const auto source = static_cast<rp::RpSource>(reader.u8());
  rp::ScopeZone zone;
  const bool zoned = read_zone(family, reader, zone);
  const auto range = read_range(family, reader);
  const auto address = read_address(family, reader);
  if (!zoned || !range || !address || reader.remaining() != 0 ||
      !is_sound(rp::RpMappingKey{change.key.vrf, source, zone, *range, *address}))
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of an RP mapping");
  rp::RpMappingRecord record{{change.key.vrf, source, zone, *range, *address}, std::nullopt};
  if (change.value && !(record.value = decode_mapping_value(record.key, change.value->bytes)))
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of an RP mapping");
  return record;
}

Result<rp::RpRecord> RecordCodec::decode_bootstrap(const RecordChange& change) {
  if (const auto checked = check(change, DatabaseId::bootstrap_cache, kBootstrap); !checked)
    return std::unexpected(checked.error());
  const Family family = change.key.family;
  ByteReader reader(change.key.key);
  rp::ScopeZone zone;
  const bool zoned = read_zone(family, reader, zone);
  const std::uint8_t tag = reader.u8();
  const std::uint16_t index = tag == kFragmentTag ? reader.u16() : std::uint16_t{0};
  if (!zoned || tag > kFragmentTag || !reader.ok() || reader.remaining() != 0)
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of the Bootstrap cache");
  const rp::BsrZoneKey key{change.key.vrf, family, zone};
  if (tag == kFragmentTag) {
    rp::BsrFragmentRecord record{{key, index}, std::nullopt};
    if (change.value && !(record.value = decode_fragment_value(key, change.value->bytes)))
      return reject(DecodeReject::bad_value, ErrorCode::malformed, "Bootstrap message of a record");
    return record;
  }
  rp::BsrZoneRecord record{key, std::nullopt};
  if (change.value && !(record.value = decode_zone_value(family, change.value->bytes)))
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "state of a Bootstrap zone");
  return record;
}

Result<rp::RpRecord> RecordCodec::decode_agent(ScopeId scope, const RecordChange& change) {
  if (const auto checked = check(change, DatabaseId::autorp_discovery, kAgent); !checked)
    return std::unexpected(checked.error());
  ByteReader reader(change.key.key);
  bool well_formed = false;
  const auto link = read_link(scope, change.key.vrf, reader, well_formed);
  const auto agent = read_address(Family::ipv4, reader);
  const bool whole = well_formed && agent && reader.remaining() == 0;
  if (!whole || change.key.family != Family::ipv4 || !is_agent(*agent))
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of a mapping agent");
  if (!link)
    return reject(DecodeReject::unknown_link, ErrorCode::not_found,
                  "mapping agent on an interface that is not known here");
  rp::AutoRpAgentRecord record{{change.key.vrf, *link, *agent}, std::nullopt};
  using Root = values::MappingAgent;
  if (change.value &&
      !(record.value = read_segment<Root>(
            change.value->bytes, [](Root::Reader root) -> std::optional<rp::AutoRpAgentValue> {
              return rp::AutoRpAgentValue{root.getHoldtimeS()};
            })))
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of a mapping agent");
  return record;
}

}  // namespace hotpair::checkpoint::schema
