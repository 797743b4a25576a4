#include "checkpoint/store/store_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace hotpair::checkpoint::store {
namespace {

Bytes bytes(std::initializer_list<int> values) {
  Bytes out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}
ByteSpan span(const auto& container) { return {container.data(), container.size()}; }

const RecordKey kKey{16, VrfId(0x01020304), Family::ipv6, bytes({0xaa, 0xbb})};

TEST(StoreCodec, raw_key_golden) {
  const RawKey raw = raw_key(0x0506, kKey);
  //              slot       | db  | vrf        | fam | key
  EXPECT_EQ(to_bytes(raw.span()), bytes({5, 6, 16, 1, 2, 3, 4, 6, 0xaa, 0xbb}));
  const auto back = decode_raw_key(raw.span());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->slot, 0x0506);
  EXPECT_EQ(back->key, kKey);
}

TEST(StoreCodec, raw_keys_sort_as_record_keys) {
  std::mt19937 random(1);
  std::vector<RecordKey> keys;
  for (int i = 0; i < 300; ++i) {
    RecordKey key{static_cast<std::uint8_t>(random() % 3),
                  VrfId(random() % 2 == 0 ? 1 : 0x01000000),
                  random() % 2 == 0 ? Family::ipv4 : Family::ipv6,
                  {}};
    for (unsigned n = random() % 4; n > 0; --n)
      key.key.push_back(static_cast<std::byte>(random() % 2 == 0 ? 0 : 0xff));
    keys.push_back(key);
  }
  for (const RecordKey& a : keys)
    for (const RecordKey& b : keys) {
      const RawKey ra = raw_key(1, a);
      const RawKey rb = raw_key(1, b);
      ASSERT_EQ(std::ranges::lexicographical_compare(ra.span(), rb.span()), a < b);
    }
}

TEST(StoreCodec, raw_key_bounds) {
  EXPECT_FALSE(decode_raw_key({}));
  EXPECT_FALSE(decode_raw_key(bytes({0, 1, 16, 0, 0, 0, 0})));
  EXPECT_FALSE(decode_raw_key(bytes({0, 1, 16, 0, 0, 0, 0, 5})));
  EXPECT_TRUE(decode_raw_key(bytes({0, 1, 16, 0, 0, 0, 0, 4})));
  Bytes longest = bytes({0, 1, 16, 0, 0, 0, 0, 4});
  longest.resize(kRawKeyBytesMax);
  EXPECT_TRUE(decode_raw_key(longest));
  longest.push_back({});
  EXPECT_FALSE(decode_raw_key(longest));
}

TEST(StoreCodec, record_round_trip_and_golden) {
  const RawKey raw = raw_key(1, kKey);
  const RecordValue value{0x0102, bytes({9, 8, 7})};
  Bytes out;
  encode_record(out, raw.span(), Sequence(0x1122), value);
  ASSERT_EQ(out.size(), 17U);
  EXPECT_EQ(Bytes(out.begin() + 4, out.end()),
            bytes({0, 0, 0, 0, 0, 0, 0x11, 0x22, 1, 2, 9, 8, 7}));
  const auto view = decode_record(raw.span(), out);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->sequence, Sequence(0x1122));
  EXPECT_EQ(view->copy(), value);
}

TEST(StoreCodec, every_flipped_bit_of_key_or_record_is_seen) {
  const RawKey raw = raw_key(1, kKey);
  Bytes out;
  encode_record(out, raw.span(), Sequence(3), {1, bytes({9, 8, 7, 6})});
  for (std::size_t bit = 0; bit < out.size() * 8; ++bit) {
    Bytes damaged = out;
    damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(decode_record(raw.span(), damaged)) << bit;
  }
  for (std::size_t bit = 0; bit < raw.size * 8; ++bit) {
    Bytes damaged = to_bytes(raw.span());
    damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(decode_record(damaged, out)) << bit;
  }
  for (std::size_t size = 0; size < out.size(); ++size)
    EXPECT_FALSE(decode_record(raw.span(), ByteSpan(out).first(size)));
}

TEST(StoreCodec, index_and_grave_round_trip) {
  const RawKey raw = raw_key(2, kKey);
  const auto key = index_key(2, Sequence(77));
  EXPECT_EQ(to_bytes(span(key)), bytes({0, 2, 0, 0, 0, 0, 0, 0, 0, 77}));
  EXPECT_EQ(decode_index_key(span(key)), Sequence(77));
  Bytes out;
  encode_index(out, span(key), true, raw.span());
  const auto entry = decode_index(span(key), out);
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->tombstone);
  EXPECT_TRUE(std::ranges::equal(entry->raw_key, raw.span()));
  out.back() ^= std::byte{1};
  EXPECT_FALSE(decode_index(span(key), out));
  auto grave = encode_grave(raw.span(), Sequence(78));
  EXPECT_EQ(decode_grave(raw.span(), span(grave)), Sequence(78));
  grave[11] ^= std::byte{1};
  EXPECT_FALSE(decode_grave(raw.span(), span(grave)));
}

TEST(StoreCodec, scope_round_trip) {
  StoredScope stored;
  stored.slot = 9;
  stored.state.last = Sequence(50);
  stored.state.floor = Sequence(40);
  stored.state.swept = Sequence(30);
  stored.state.incomplete = true;
  stored.state.history = {{{{1, NodeId(2)}, 3}, Sequence(4)}, {{{5, NodeId(6)}, 0}, Sequence(7)}};
  stored.state.digests[16] = {16, 5, {1, 2}};
  stored.state.digests[200] = {200, 6, {3, 4}};
  const Bytes out = encode_scope(ScopeId(17), stored);
  EXPECT_EQ(decode_scope(ScopeId(17), out), stored);
  EXPECT_FALSE(decode_scope(ScopeId(18), out));
  for (std::size_t i = 0; i < out.size(); ++i) {
    Bytes damaged = out;
    damaged[i] ^= std::byte{0x40};
    EXPECT_FALSE(decode_scope(ScopeId(17), damaged)) << i;
    EXPECT_FALSE(decode_scope(ScopeId(17), ByteSpan(out).first(i)));
  }
  EXPECT_EQ(decode_meta_key(meta_key(ScopeId(17))), ScopeId(17));
  EXPECT_FALSE(decode_meta_key(as_bytes("format")));
}

}  // namespace
}  // namespace hotpair::checkpoint::store
