#include <utility>

#include "checkpoint/schema/key_parts.h"
#include "checkpoint/schema/record_codec.h"
// capnp.h (through segment.h) comes before generated code.
#include "checkpoint/schema/segment.h"
#include "checkpoint/schema/value_parts.h"
#include "checkpoint/schema/values.capnp.h"
#include "mcast/wire/pim_types.h"

// Database 10, "PIM register tunnel".
namespace hotpair::checkpoint::schema {
namespace {

namespace pim = mcast::pim;

constexpr std::string_view kTunnel = "a register tunnel";

/// What source-specific groups are is configuration, and the engine's matter.
bool is_sound(const pim::RegisterKey& key) {
  return key.source.family() == key.group.family() && mcast::wire::is_pim_unicast(key.source) &&
         !key.group.address().is_link_local_multicast();
}

bool is_sound(const pim::RegisterValue& value, Family family) {
  const auto state = static_cast<std::uint8_t>(value.state);
  if (state < 1 || state > 3 || value.rp.family() != family) return false;
  return mcast::wire::is_pim_unicast(value.rp) &&
         (value.suppression_s == 0 || value.state == pim::RegisterState::prune);
}

}  // namespace

Result<RecordChange> RecordCodec::encode(const pim::RegisterKey& key) const {
  if (!is_sound(key))
    return fail(ErrorCode::refused, "no register tunnel of source " + key.source.to_string() +
                                        " and group " + key.group.to_string() + " is recorded");
  RecordChange change{
      {static_cast<std::uint8_t>(DatabaseId::pim_register_tunnel), key.vrf, key.group.family(), {}},
      std::nullopt};
  ByteWriter writer(change.key.key);
  writer.bytes(key.group.address().bytes());
  writer.bytes(key.source.bytes());
  return change;
}

Result<RecordChange> RecordCodec::encode(const pim::RegisterRecord& record) const {
  auto change = encode(record.key);
  if (!change) return change;
  const pim::RegisterValue& value = record.value;
  if (!is_sound(value, record.key.group.family()))
    return fail(ErrorCode::refused, "no such state of a register tunnel is recorded");
  using Root = values::RegisterTunnel;
  change->value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                                builder.setState(static_cast<std::uint8_t>(value.state));
                                builder.setSuppressionS(value.suppression_s);
                                builder.setRp(data_of(value.rp.bytes()));
                              })};
  return change;
}

Result<RegisterChange> RecordCodec::decode_register(ScopeId scope, const RecordChange& change) {
  if (const auto checked = check(change, DatabaseId::pim_register_tunnel, kTunnel); !checked)
    return std::unexpected(checked.error());
  if (const auto checked = check_whole_node(scope, kTunnel); !checked)
    return std::unexpected(checked.error());
  const Family family = change.key.family;
  ByteReader reader(change.key.key);
  const auto group = read_group(family, reader);
  const auto source = read_source(family, reader);
  const bool whole = reader.ok() && reader.remaining() == 0;
  if (!whole || !group || !source || !is_sound(pim::RegisterKey{change.key.vrf, *group, *source}))
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of a register tunnel");
  const pim::RegisterKey key{change.key.vrf, *group, *source};
  if (!change.value) return key;
  using Root = values::RegisterTunnel;
  const auto value = read_segment<Root>(
      change.value->bytes, [&](Root::Reader root) -> std::optional<pim::RegisterValue> {
        const auto rp = address_of(family, root.getRp());
        if (!rp) return std::nullopt;
        const pim::RegisterValue found{static_cast<pim::RegisterState>(root.getState()), *rp,
                                       root.getSuppressionS()};
        return is_sound(found, family) ? std::optional(found) : std::nullopt;
      });
  if (!value)
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of a register tunnel");
  return pim::RegisterRecord{key, *value};
}

}  // namespace hotpair::checkpoint::schema
