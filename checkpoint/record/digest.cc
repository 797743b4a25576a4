#include "checkpoint/record/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hotpair::checkpoint {

Digest digest_of(const RecordKey& key, const RecordValue& value) {
  Bytes canonical;
  canonical.reserve(16 + key.key.size() + value.bytes.size());
  ByteWriter writer(canonical);
  writer.u8(key.database);
  writer.u32(key.vrf.value());
  writer.u8(static_cast<std::uint8_t>(key.family));
  writer.u16(static_cast<std::uint16_t>(key.key.size()));
  writer.bytes(key.key);
  writer.u16(value.schema_version);
  writer.bytes(value.bytes);
  const XXH128_hash_t hash = XXH3_128bits(canonical.data(), canonical.size());
  return {hash.low64, hash.high64};
}

Digest add(Digest sum, Digest one) {
  const std::uint64_t low = sum.low + one.low;
  return {low, sum.high + one.high + (low < sum.low ? 1U : 0U)};
}

Digest subtract(Digest sum, Digest one) {
  return {sum.low - one.low, sum.high - one.high - (sum.low < one.low ? 1U : 0U)};
}

}  // namespace hotpair::checkpoint
