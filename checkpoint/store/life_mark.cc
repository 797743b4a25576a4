#include "checkpoint/store/life_mark.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hotpair::checkpoint::store {
namespace {

constexpr std::uint64_t kMagic = 0x686f74706c696665U;  // "hotplife"
constexpr std::uint16_t kFormat = 1;
constexpr std::size_t kBootIdBytesMax = 64;
constexpr std::uint8_t kClean = 1;
constexpr std::uint8_t kDamaged = 2;

}  // namespace

// magic u64, format u16, flags u8, boot id length u8, node u64, alive u64, unclean starts u32,
// boot id (64), zeros, checksum u64 over all before.
Bytes encode(const LifeMark& mark) {
  Bytes out;
  ByteWriter writer(out);
  const std::string_view boot_id = std::string_view(mark.boot_id).substr(0, kBootIdBytesMax);
  writer.u64(kMagic);
  writer.u16(kFormat);
  writer.u8(static_cast<std::uint8_t>((mark.clean ? kClean : 0) | (mark.damaged ? kDamaged : 0)));
  writer.u8(static_cast<std::uint8_t>(boot_id.size()));
  writer.u64(mark.node.value());
  writer.u64(static_cast<std::uint64_t>(mark.alive.count()));
  writer.u32(mark.unclean_starts);
  writer.bytes(as_bytes(boot_id));
  writer.zeros(kLifeMarkBytes - 8 - writer.size());
  writer.u64(XXH3_64bits(out.data(), out.size()));
  return out;
}

Result<LifeMark> decode_life_mark(ByteSpan bytes) {
  if (bytes.size() != kLifeMarkBytes)
    return fail(ErrorCode::malformed, "life mark of " + std::to_string(bytes.size()) + " bytes");
  ByteReader tail(bytes.last(8));
  if (tail.u64() != XXH3_64bits(bytes.data(), kLifeMarkBytes - 8))
    return fail(ErrorCode::malformed, "life mark whose checksum does not fit");
  ByteReader reader(bytes);
  if (reader.u64() != kMagic || reader.u16() != kFormat)
    return fail(ErrorCode::malformed, "life mark of an unknown format");
  LifeMark mark;
  const std::uint8_t flags = reader.u8();
  mark.clean = (flags & kClean) != 0;
  mark.damaged = (flags & kDamaged) != 0;
  const std::size_t boot_id_bytes = reader.u8();
  mark.node = NodeId(reader.u64());
  mark.alive = Duration(static_cast<Duration::rep>(reader.u64()));
  mark.unclean_starts = reader.u32();
  if (boot_id_bytes > kBootIdBytesMax)
    return fail(ErrorCode::malformed, "life mark with too long a boot id");
  mark.boot_id = std::string(as_text(reader.take(boot_id_bytes)));
  return mark;
}

std::string_view to_string(RestoreVerdict verdict) {
  switch (verdict) {
    case RestoreVerdict::usable: return "usable";
    case RestoreVerdict::damaged: return "found damaged in its last life";
    case RestoreVerdict::no_mark: return "its last-alive mark is missing or damaged";
    case RestoreVerdict::other_boot: return "written before the last boot";
    case RestoreVerdict::other_node: return "written by another node";
    case RestoreVerdict::too_old: return "older than the membership interval";
    case RestoreVerdict::clock_behind: return "its last-alive mark lies in the future";
  }
  return "?";
}

RestoreVerdict decide_restore(const std::optional<LifeMark>& mark, const std::string& boot_id,
                              NodeId node, Duration since_boot, Duration membership_interval) {
  if (!mark) return RestoreVerdict::no_mark;
  if (mark->boot_id.empty() || mark->boot_id != boot_id) return RestoreVerdict::other_boot;
  if (mark->node != node) return RestoreVerdict::other_node;
  if (mark->damaged) return RestoreVerdict::damaged;
  if (mark->alive > since_boot) return RestoreVerdict::clock_behind;
  if (mark->alive < Duration::zero() || since_boot - mark->alive >= membership_interval)
    return RestoreVerdict::too_old;
  return RestoreVerdict::usable;
}

}  // namespace hotpair::checkpoint::store
