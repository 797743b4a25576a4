// Damaged files: dropped, set aside, counted, never believed and never a crash.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "checkpoint/store/lmdb_env.h"
#include "tests/unit/checkpoint_store/fixture.h"

namespace hotpair::checkpoint::store::test {
namespace {

namespace fs = std::filesystem;
const ScopeId kScope{17};

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

class Damage : public ::testing::Test {
 protected:
  StoreOptions options() const { return options_for(directory_.path()); }
  fs::path file() const { return directory_.path() / "store.mdb"; }
  void fill() {
    auto store = open_lmdb(options());
    PutChanges batch{kScope, epoch(1), {}};
    for (std::uint64_t i = 1; i <= 40; ++i)
      batch.changes.push_back(
          put(i, "key-" + std::to_string(100 + i), "VALUE-" + std::to_string(i)));
    batch.changes.push_back(gone(41, "key-140"));
    expect<Committed>(*store, std::move(batch));
    expect<RangeReplaced>(*store, ReplaceRange{ScopeId(18), {}, {}, {record("other", "scope")}});
  }
  /// Flips one bit at the first place where `text` lies in the file.
  void flip_at(const std::string& text, std::size_t offset = 0) {
    std::string content = read_file(file());
    std::size_t at = content.find(text);
    ASSERT_NE(at, std::string::npos);
    while (at != std::string::npos) {  // old pages hold copies
      content[at + offset] = static_cast<char>(content[at + offset] ^ 4);
      at = content.find(text, at + 1);
    }
    write_file(file(), content);
  }
  TempDirectory directory_;
};

TEST_F(Damage, a_flipped_value_is_dropped_and_the_digest_shows_it) {
  fill();
  flip_at("VALUE-7");
  auto store = open_lmdb(options());
  const auto before = expect<MetaRead>(*store, ReadMeta{kScope}).meta.digests;
  const auto records =
      expect<RecordSlice>(*store, ScanRecords{kScope, {}, {}, 100, 1U << 20U}).records;
  EXPECT_EQ(records.size(), 38U);
  EXPECT_EQ(store->counters().bad_records, 1U);
  const auto after = expect<MetaRead>(*store, ReadMeta{kScope}).meta.digests;
  EXPECT_EQ(before[0].records, 39U);
  EXPECT_EQ(after[0].records, 38U);
  EXPECT_NE(after[0].digest, before[0].digest);
  Digest sum;
  for (const Record& one : records) sum = add(sum, digest_of(one.key, one.value));
  EXPECT_EQ(after[0].digest, sum);
  // Its index entry leads nowhere and goes too.
  EXPECT_EQ(expect<ChangeSlice>(*store, ScanChanges{kScope, Sequence(0), 100, 1U << 20U})
                .changes.size(),
            39U);
  EXPECT_EQ(store->counters().bad_index_entries, 1U);
  expect<ChangeSlice>(*store, ScanChanges{kScope, Sequence(0), 100, 1U << 20U});
  EXPECT_EQ(store->counters().bad_index_entries, 1U);
  // Repair makes the digest whole again.
  const auto repaired = expect<RangeReplaced>(
      *store, ReplaceRange{kScope, key("key-106"), key("key-107"), {record("key-107", "VALUE-7")}});
  EXPECT_EQ(repaired.digests, before);
}

TEST_F(Damage, a_flipped_record_is_overwritten_by_a_change_or_a_range) {
  fill();
  flip_at("VALUE-7");
  flip_at("VALUE-9");
  flip_at("VALUE-11");
  auto store = open_lmdb(options());
  auto done = expect<Committed>(*store, PutChanges{kScope, epoch(1), {put(50, "key-107", "new")}});
  EXPECT_EQ(done.digests[0].records, 37U);  // 39, and the count found the other two
  EXPECT_EQ(store->counters().bad_records, 3U);
  const auto replaced = expect<RangeReplaced>(
      *store, ReplaceRange{kScope, key("key-108"), key("key-109"), {record("key-109", "VALUE-9")}});
  EXPECT_EQ(replaced.digests[0].records, 38U);
  Digest sum;
  for (const Record& one :
       expect<RecordSlice>(*store, ScanRecords{kScope, {}, {}, 100, 1U << 20U}).records)
    sum = add(sum, digest_of(one.key, one.value));
  EXPECT_EQ(replaced.digests[0].digest, sum);
}

TEST_F(Damage, a_range_without_a_damaged_record_drops_it) {
  fill();
  flip_at("VALUE-7");
  auto store = open_lmdb(options());
  const auto replaced =
      expect<RangeReplaced>(*store, ReplaceRange{kScope, key("key-106"), key("key-108"), {}});
  EXPECT_EQ(replaced.removed, (std::vector{key("key-107"), key("key-108")}));
  EXPECT_EQ(replaced.digests[0].records, 37U);
  EXPECT_EQ(store->counters().bad_records, 1U);
}

TEST_F(Damage, garbage_and_emptiness_are_set_aside) {
  for (const std::string& content : {std::string(), std::string(100, 'x'), std::string(32768, '\0'),
                                     std::string(32768, '\xff')}) {
    fill();
    write_file(file(), content);
    auto store = open_lmdb(options());
    ASSERT_TRUE(store);
    // An empty file is what LMDB makes itself, so it is simply begun.
    if (!content.empty()) {
      EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::set_aside) << content.size();
      EXPECT_FALSE(store->open_report().reason.empty());
    }
    expect<Committed>(*store, PutChanges{kScope, epoch(1), {put(1, "a", "1")}});
    store.reset();
    fs::remove(file());
  }
}

TEST_F(Damage, a_truncated_file_is_found_by_the_helper) {
  fill();
  const std::string whole = read_file(file());
  for (std::size_t size = 4096; size < whole.size(); size += 4096) {
    write_file(file(), whole.substr(0, size));
    StoreOptions checked = options();
    checked.check = CheckPolicy::always;
    auto store = open_lmdb(checked);
    ASSERT_TRUE(store);
    EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::set_aside) << size;
    expect<Committed>(*store, PutChanges{kScope, epoch(1), {put(1, "a", "1")}});
  }
}

/// Opens, reads and writes as a daemon would; records that survive must be the true ones.
void live_with(const StoreOptions& options, std::size_t at) {
  auto store = open_lmdb(options);
  ASSERT_TRUE(store) << at;
  const auto records =
      expect<RecordSlice>(*store, ScanRecords{kScope, {}, {}, 100, 1U << 20U}).records;
  for (const Record& one : records) {
    const std::string number =
        std::to_string(std::stoi(std::string(as_text(one.key.key)).substr(4)) - 100);
    ASSERT_EQ(as_text(one.value.bytes), "VALUE-" + number) << at;
  }
  static_cast<void>(ask(*store, ScanChanges{kScope, Sequence(0), 100, 1U << 20U}));
  static_cast<void>(ask(*store, PutChanges{kScope, epoch(9), {put(1000, "key-105", "VALUE-5")}}));
}

TEST_F(Damage, no_flipped_byte_crashes_a_checked_start) {
  fill();
  const std::string whole = read_file(file());
  const std::string life = read_file(directory_.path() / "life");
  StoreOptions checked = options();
  checked.check = CheckPolicy::always;
  // Page headers and the two meta pages byte by byte, the rest in steps.
  for (std::size_t at = 0; at < whole.size(); at += (at % 4096 < 24 || at < 200) ? 5U : 389U) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    write_file(file(), damaged);
    write_file(directory_.path() / "life", life);
    live_with(checked, at);
    if (HasFatalFailure()) return;
    for (const auto& entry : fs::directory_iterator(directory_.path()))
      if (entry.path().filename().string().find("aside") != std::string::npos)
        fs::remove(entry.path());
  }
}

TEST(Helper, reports_what_it_finds) {
  const TempDirectory directory;
  const fs::path file = directory.path() / "x.mdb";
  constexpr std::uint64_t kMap = 1U << 20U;
  write_file(file, std::string(8192, 'g'));
  EXPECT_EQ(check_in_helper(file, kMap, std::chrono::seconds(20)), "its pages are damaged");
  fs::remove(file);
  ASSERT_TRUE(Environment::open(file, kMap));
  EXPECT_EQ(check_in_helper(file, kMap, std::chrono::seconds(20)), "");
}

}  // namespace
}  // namespace hotpair::checkpoint::store::test
