#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "checkpoint/record/record.h"
#include "checkpoint/store/store_rules.h"

/// Bytes of keys and values in the tables. Checksums are the low 32 bits of XXH3-64, seeded with
/// the hash of the key, so a value under a wrong key does not fit either.
namespace hotpair::checkpoint::store {

/// Small number of a scope within one environment.
using Slot = std::uint16_t;

inline constexpr std::size_t kRawKeyBytesMax = 8 + kKeyBytesMax;

/// Key of a table entry, on the stack.
struct RawKey {
  std::array<std::byte, kRawKeyBytesMax> bytes;
  std::size_t size = 0;
  [[nodiscard]] ByteSpan span() const { return {bytes.data(), size}; }
};

/// slot u16 | database u8 | VRF u32 | family u8 | key: memcmp order is RecordKey's order. The key
/// must have passed check_key().
[[nodiscard]] RawKey raw_key(Slot slot, const RecordKey& key);
struct SlottedKey {
  Slot slot = 0;
  RecordKey key;
};
[[nodiscard]] std::optional<SlottedKey> decode_raw_key(ByteSpan bytes);

/// A stored record where it lies.
struct RecordView {
  Sequence sequence;  ///< 0: no index entry
  std::uint16_t schema_version = 0;
  ByteSpan value;
  [[nodiscard]] RecordValue copy() const { return {schema_version, to_bytes(value)}; }
};
/// checksum u32 | sequence u64 | schema version u16 | value
void encode_record(Bytes& out, ByteSpan raw_key, Sequence sequence, const RecordValue& value);
[[nodiscard]] std::optional<RecordView> decode_record(ByteSpan raw_key, ByteSpan bytes);

/// slot u16 | sequence u64
[[nodiscard]] std::array<std::byte, 10> index_key(Slot slot, Sequence sequence);
[[nodiscard]] std::optional<Sequence> decode_index_key(ByteSpan bytes);
struct IndexView {
  bool tombstone = false;
  ByteSpan raw_key;
};
/// checksum u32 | tombstone u8 | raw key
void encode_index(Bytes& out, ByteSpan index_key, bool tombstone, ByteSpan raw_key);
[[nodiscard]] std::optional<IndexView> decode_index(ByteSpan index_key, ByteSpan bytes);

/// checksum u32 | sequence u64
[[nodiscard]] std::array<std::byte, 12> encode_grave(ByteSpan raw_key, Sequence sequence);
[[nodiscard]] std::optional<Sequence> decode_grave(ByteSpan raw_key, ByteSpan bytes);

struct StoredScope {
  Slot slot = 0;
  ScopeState state;
  friend bool operator==(const StoredScope&, const StoredScope&) = default;
};
/// "scope" | scope u32
[[nodiscard]] Bytes meta_key(ScopeId scope);
[[nodiscard]] std::optional<ScopeId> decode_meta_key(ByteSpan bytes);
[[nodiscard]] Bytes encode_scope(ScopeId scope, const StoredScope& stored);
[[nodiscard]] std::optional<StoredScope> decode_scope(ScopeId scope, ByteSpan bytes);

}  // namespace hotpair::checkpoint::store
