#include "checkpoint/record/digest.h"

#include <gtest/gtest.h>

namespace hotpair::checkpoint {
namespace {

Record record(std::uint8_t database, std::string_view key, std::string_view value) {
  return {{database, VrfId{0}, Family::ipv4, to_bytes(as_bytes(key))},
          {1, to_bytes(as_bytes(value))}};
}

TEST(Digest, IsASumThatForgetsOrderAndUndoesExactly) {
  const Record a = record(16, "a", "1");
  const Record b = record(16, "b", "2");
  const Digest da = digest_of(a.key, a.value);
  const Digest db = digest_of(b.key, b.value);
  EXPECT_EQ(add(add({}, da), db), add(add({}, db), da));
  EXPECT_EQ(subtract(add(add({}, da), db), db), da);
  EXPECT_EQ(subtract(da, da), Digest{});
}

TEST(Digest, CarriesBetweenWords) {
  const Digest all{~0ULL, 1};
  EXPECT_EQ(add(all, {1, 0}), (Digest{0, 2}));
  EXPECT_EQ(subtract({0, 2}, {1, 0}), all);
}

TEST(Digest, EveryFieldCounts) {
  const Record a = record(16, "a", "1");
  Record other = a;
  other.value.schema_version = 2;
  EXPECT_NE(digest_of(a.key, a.value), digest_of(other.key, other.value));
  other = a;
  other.key.database = 17;
  EXPECT_NE(digest_of(a.key, a.value), digest_of(other.key, other.value));
  other = record(16, "", "a1");
  EXPECT_NE(digest_of(a.key, a.value), digest_of(other.key, other.value));
}

TEST(Databases, AreInBulkOrder) {
  for (std::size_t i = 1; i < kDatabases.size(); ++i)
    EXPECT_LT(kDatabases[i - 1].id, kDatabases[i].id);
}

}  // namespace
}  // namespace hotpair::checkpoint
