#include <limits>
#include <utility>

#include "checkpoint/schema/key_parts.h"
#include "checkpoint/schema/record_codec.h"
// capnp.h (through segment.h) comes before generated code.
#include "checkpoint/schema/segment.h"
#include "checkpoint/schema/value_parts.h"
#include "checkpoint/schema/values.capnp.h"
#include "mcast/wire/pim_types.h"

// Database 4, "MCAC Reservation": key (link, group, tag, source if tagged, direction).
namespace hotpair::checkpoint::schema {
namespace {

namespace mrib = mcast::mrib;

constexpr std::string_view kReservation = "a reservation";
constexpr std::uint8_t kSharedTag = 0;
constexpr std::uint8_t kSourceTag = 1;
/// Far beyond what a master counts to; the next one still has numbers left.
constexpr std::uint64_t kOrderMax = std::numeric_limits<std::uint64_t>::max() / 2;

bool is_sound(const mrib::StateKey& state) {
  if (state.group.address().is_link_local_multicast()) return false;
  return !state.source || (state.source->family() == state.group.family() &&
                           mcast::wire::is_pim_unicast(*state.source));
}

struct Read {
  mrib::StateKey state;
  mrib::Direction direction;
};
std::optional<Read> read_state(VrfId vrf, Family family, ByteReader& reader) {
  const auto group = read_group(family, reader);
  if (!group) return std::nullopt;
  mrib::StateKey state{vrf, *group, std::nullopt};
  const std::uint8_t tag = reader.u8();
  if (tag > kSourceTag) return std::nullopt;
  if (tag == kSourceTag && !(state.source = read_source(family, reader))) return std::nullopt;
  const std::uint8_t direction = reader.u8();
  const bool whole = reader.ok() && reader.remaining() == 0;
  if (!whole || direction < 1 || direction > 2 || !is_sound(state)) return std::nullopt;
  return Read{state, static_cast<mrib::Direction>(direction)};
}

}  // namespace

Result<RecordChange> RecordCodec::encode(ScopeId scope, const mrib::ReservationKey& key) const {
  const mrib::StateKey& state = key.state;
  if (!is_sound(state))
    return fail(ErrorCode::refused,
                "no reservation of group " + state.group.to_string() + " is recorded");
  auto bytes = link_key(scope, key.link);
  if (!bytes) return std::unexpected(bytes.error());
  ByteWriter writer(*bytes);
  writer.bytes(state.group.address().bytes());
  writer.u8(state.source ? kSourceTag : kSharedTag);
  if (state.source) writer.bytes(state.source->bytes());
  writer.u8(static_cast<std::uint8_t>(key.direction));
  return RecordChange{{static_cast<std::uint8_t>(DatabaseId::mcac_reservation),
                       links_.name_of(key.link)->vrf, state.group.family(), std::move(*bytes)},
                      std::nullopt};
}

Result<RecordChange> RecordCodec::encode(ScopeId scope, const mrib::Reservation& record) const {
  auto change = encode(scope, record.key);
  if (!change) return change;
  if (record.order > kOrderMax) return fail(ErrorCode::refused, "too many admissions to record");
  using Root = values::McacReservation;
  change->value = RecordValue{kSchemaVersion, build_segment<Root>([&](Root::Builder builder) {
                                builder.setCost(record.cost);
                                builder.setOrder(record.order);
                                builder.setConnected(record.connected);
                              })};
  return change;
}

Result<ReservationChange> RecordCodec::decode_reservation(ScopeId scope,
                                                          const RecordChange& change) {
  if (const auto checked = check(change, DatabaseId::mcac_reservation, kReservation); !checked)
    return std::unexpected(checked.error());
  ByteReader reader(change.key.key);
  bool well_formed = false;
  const auto link = read_link(scope, change.key.vrf, reader, well_formed);
  const auto read = read_state(change.key.vrf, change.key.family, reader);
  if (!well_formed || !read)
    return reject(DecodeReject::bad_key, ErrorCode::malformed, "key of a reservation");
  if (!link)
    return reject(DecodeReject::unknown_link, ErrorCode::not_found,
                  "reservation on an interface that is not known here");
  const mrib::ReservationKey key{read->state, *link, read->direction};
  if (!change.value) return key;
  using Root = values::McacReservation;
  const auto value = read_segment<Root>(
      change.value->bytes, [&](Root::Reader root) -> std::optional<mrib::Reservation> {
        const mrib::Reservation found{key, root.getCost(), root.getOrder(), root.getConnected()};
        const bool fits = !found.connected || key.direction == mrib::Direction::in;
        return fits && found.order <= kOrderMax ? std::optional(found) : std::nullopt;
      });
  if (!value)
    return reject(DecodeReject::bad_value, ErrorCode::malformed, "value of a reservation");
  return *value;
}

}  // namespace hotpair::checkpoint::schema
