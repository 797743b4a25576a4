#include "checkpoint/store/store_codec.h"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hotpair::checkpoint::store {
namespace {

constexpr std::size_t kChecksumBytes = 4;
constexpr std::string_view kScopePrefix = "scope";

void put_number(std::byte* out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i)
    out[i] = static_cast<std::byte>((value >> (8U * (bytes - 1 - i))) & 0xffU);
}

std::uint32_t checksum(ByteSpan key, ByteSpan body) {
  const XXH64_hash_t seed = XXH3_64bits(key.data(), key.size());
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(body.data(), body.size(), seed));
}

/// The body behind a checksum that fits.
std::optional<ByteSpan> checked_body(ByteSpan key, ByteSpan bytes) {
  if (bytes.size() < kChecksumBytes) return std::nullopt;
  const ByteSpan body = bytes.subspan(kChecksumBytes);
  if (ByteReader(bytes).u32() != checksum(key, body)) return std::nullopt;
  return body;
}

void put_checksum(std::byte* out, ByteSpan key, ByteSpan body) {
  put_number(out, checksum(key, body), kChecksumBytes);
}

}  // namespace

RawKey raw_key(Slot slot, const RecordKey& key) {
  RawKey raw;
  std::byte* out = raw.bytes.data();
  put_number(out, slot, 2);
  put_number(out + 2, key.database, 1);
  put_number(out + 3, key.vrf.value(), 4);
  put_number(out + 7, static_cast<std::uint8_t>(key.family), 1);
  const std::size_t size = std::min(key.key.size(), kKeyBytesMax);
  if (size != 0) std::memcpy(out + 8, key.key.data(), size);
  raw.size = 8 + size;
  return raw;
}

std::optional<SlottedKey> decode_raw_key(ByteSpan bytes) {
  ByteReader reader(bytes);
  SlottedKey key;
  key.slot = reader.u16();
  key.key.database = reader.u8();
  key.key.vrf = VrfId(reader.u32());
  const std::uint8_t family = reader.u8();
  if (!reader.ok() || reader.remaining() > kKeyBytesMax || (family != 4 && family != 6))
    return std::nullopt;
  key.key.family = static_cast<Family>(family);
  key.key.key = to_bytes(reader.rest());
  return key;
}

void encode_record(Bytes& out, ByteSpan key, Sequence sequence, const RecordValue& value) {
  out.resize(kChecksumBytes + 10 + value.bytes.size());
  std::byte* at = out.data();
  put_number(at + 4, sequence.value(), 8);
  put_number(at + 12, value.schema_version, 2);
  if (!value.bytes.empty()) std::memcpy(at + 14, value.bytes.data(), value.bytes.size());
  put_checksum(at, key, ByteSpan(out).subspan(kChecksumBytes));
}

std::optional<RecordView> decode_record(ByteSpan key, ByteSpan bytes) {
  const auto body = checked_body(key, bytes);
  if (!body) return std::nullopt;
  ByteReader reader(*body);
  RecordView view;
  view.sequence = Sequence(reader.u64());
  view.schema_version = reader.u16();
  if (!reader.ok() || reader.remaining() > kRecordBytesMax) return std::nullopt;
  view.value = reader.rest();
  return view;
}

std::array<std::byte, 10> index_key(Slot slot, Sequence sequence) {
  std::array<std::byte, 10> key{};
  put_number(key.data(), slot, 2);
  put_number(key.data() + 2, sequence.value(), 8);
  return key;
}

std::optional<Sequence> decode_index_key(ByteSpan bytes) {
  if (bytes.size() != 10) return std::nullopt;
  return Sequence(ByteReader(bytes.subspan(2)).u64());
}

void encode_index(Bytes& out, ByteSpan key, bool tombstone, ByteSpan record_key) {
  out.resize(kChecksumBytes + 1 + record_key.size());
  put_number(out.data() + 4, tombstone ? 1 : 0, 1);
  if (!record_key.empty()) std::memcpy(out.data() + 5, record_key.data(), record_key.size());
  put_checksum(out.data(), key, ByteSpan(out).subspan(kChecksumBytes));
}

std::optional<IndexView> decode_index(ByteSpan key, ByteSpan bytes) {
  const auto body = checked_body(key, bytes);
  if (!body || body->size() < 1 || body->size() > 1 + kRawKeyBytesMax) return std::nullopt;
  return IndexView{(*body)[0] != std::byte{0}, body->subspan(1)};
}

std::array<std::byte, 12> encode_grave(ByteSpan key, Sequence sequence) {
  std::array<std::byte, 12> out{};
  put_number(out.data() + 4, sequence.value(), 8);
  put_checksum(out.data(), key, ByteSpan(out).subspan(kChecksumBytes));
  return out;
}

std::optional<Sequence> decode_grave(ByteSpan key, ByteSpan bytes) {
  const auto body = checked_body(key, bytes);
  if (!body || body->size() != 8) return std::nullopt;
  return Sequence(ByteReader(*body).u64());
}

Bytes meta_key(ScopeId scope) {
  Bytes key = to_bytes(as_bytes(kScopePrefix));
  ByteWriter(key).u32(scope.value());
  return key;
}

std::optional<ScopeId> decode_meta_key(ByteSpan bytes) {
  if (bytes.size() != kScopePrefix.size() + 4 ||
      as_text(bytes.first(kScopePrefix.size())) != kScopePrefix)
    return std::nullopt;
  return ScopeId(ByteReader(bytes.subspan(kScopePrefix.size())).u32());
}

Bytes encode_scope(ScopeId scope, const StoredScope& stored) {
  const ScopeState& state = stored.state;
  Bytes out;
  ByteWriter writer(out);
  writer.u32(0);
  writer.u16(stored.slot);
  writer.u64(state.last.value());
  writer.u64(state.floor.value());
  writer.u64(state.swept.value());
  writer.u8(state.incomplete ? 1 : 0);
  writer.u8(static_cast<std::uint8_t>(state.history.size()));
  for (const EpochStart& start : state.history) {
    writer.u64(start.epoch.term.counter);
    writer.u64(start.epoch.term.node.value());
    writer.u32(start.epoch.restarts);
    writer.u64(start.begins_after.value());
  }
  writer.u16(static_cast<std::uint16_t>(state.digests.size()));
  for (const auto& [database, digest] : state.digests) {
    writer.u8(database);
    writer.u64(digest.records);
    writer.u64(digest.digest.low);
    writer.u64(digest.digest.high);
  }
  put_checksum(out.data(), meta_key(scope), ByteSpan(out).subspan(kChecksumBytes));
  return out;
}

std::optional<StoredScope> decode_scope(ScopeId scope, ByteSpan bytes) {
  const auto body = checked_body(meta_key(scope), bytes);
  if (!body) return std::nullopt;
  ByteReader reader(*body);
  StoredScope stored;
  ScopeState& state = stored.state;
  stored.slot = reader.u16();
  state.last = Sequence(reader.u64());
  state.floor = Sequence(reader.u64());
  state.swept = Sequence(reader.u64());
  state.incomplete = reader.u8() != 0;
  const std::size_t epochs = reader.u8();
  if (epochs > kEpochsKept) return std::nullopt;
  for (std::size_t i = 0; i < epochs && reader.ok(); ++i) {
    EpochStart start;
    start.epoch.term.counter = reader.u64();
    start.epoch.term.node = NodeId(reader.u64());
    start.epoch.restarts = reader.u32();
    start.begins_after = Sequence(reader.u64());
    state.history.push_back(start);
  }
  const std::size_t databases = reader.u16();
  for (std::size_t i = 0; i < databases && reader.ok(); ++i) {
    DatabaseDigest digest;
    digest.database = reader.u8();
    digest.records = reader.u64();
    digest.digest.low = reader.u64();
    digest.digest.high = reader.u64();
    state.digests[digest.database] = digest;
  }
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  return stored;
}

}  // namespace hotpair::checkpoint::store
