// What only the store on disk does: lives, set-aside files, full maps, terms.
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/checkpoint_store/fixture.h"

namespace hotpair::checkpoint::store::test {
namespace {

namespace fs = std::filesystem;
const ScopeId kScope{17};

class OnDisk : public ::testing::Test {
 protected:
  StoreOptions options() const { return options_for(directory_.path()); }
  void fill(LmdbStore& store) {
    expect<Committed>(store, PutChanges{kScope, epoch(1), {put(1, "a", "1"), put(2, "b", "2")}});
    expect<Committed>(store, ReserveTerm{kScope, 128});
  }
  std::size_t records(LmdbStore& store) {
    return expect<RecordSlice>(store, ScanRecords{kScope, {}, {}, 100, 1U << 20U}).records.size();
  }
  std::uint64_t term(LmdbStore& store) {
    return expect<MetaRead>(store, ReadMeta{kScope}).reserved_term;
  }
  fs::path file() const { return directory_.path() / "store.mdb"; }
  std::size_t files_aside() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(directory_.path()))
      count += entry.path().filename().string().starts_with("store.mdb.aside-") ? 1U : 0U;
    return count;
  }

  TempDirectory directory_;
};

TEST_F(OnDisk, a_killed_process_finds_its_records_again) {
  auto store = open_lmdb(options());
  EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::fresh);
  fill(*store);
  const auto meta = expect<MetaRead>(*store, ReadMeta{kScope}).meta;
  store->abandon();
  StoreOptions again = options();
  again.since_boot += std::chrono::seconds(5);
  store = open_lmdb(again);
  EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::restored);
  EXPECT_EQ(store->open_report().unclean_starts, 1U);
  EXPECT_FALSE(store->open_report().checked);
  EXPECT_EQ(expect<MetaRead>(*store, ReadMeta{kScope}).meta, meta);
  EXPECT_EQ(records(*store), 2U);
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(OnDisk, another_boot_or_a_long_absence_begins_anew_but_keeps_terms) {
  { fill(*open_lmdb(options())); }
  StoreOptions later = options();
  later.boot_id = "boot-2";
  {
    auto store = open_lmdb(later);
    EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::set_aside);
    EXPECT_EQ(store->open_report().verdict, RestoreVerdict::other_boot);
    EXPECT_EQ(store->open_report().reason, "written before the last boot");
    EXPECT_TRUE(fs::exists(store->open_report().aside));
    EXPECT_EQ(records(*store), 0U);
    EXPECT_EQ(term(*store), 128U);
    fill(*store);
  }
  later.since_boot += later.membership_interval;
  {
    auto store = open_lmdb(later);
    EXPECT_EQ(store->open_report().verdict, RestoreVerdict::too_old);
    EXPECT_EQ(records(*store), 0U);
  }
  EXPECT_EQ(files_aside(), 2U);
}

TEST_F(OnDisk, touch_keeps_the_store_young) {
  auto store = open_lmdb(options());
  fill(*store);
  StoreOptions later = options();
  later.since_boot += std::chrono::hours(5);
  store->touch(later.since_boot - std::chrono::seconds(1));
  store->abandon();
  store = open_lmdb(later);
  EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::restored);
  // It lived for hours: that end is no part of a series.
  EXPECT_EQ(store->open_report().unclean_starts, 1U);
}

TEST_F(OnDisk, another_node_a_missing_mark_and_a_cold_start_set_aside) {
  { fill(*open_lmdb(options())); }
  StoreOptions other = options();
  other.node = NodeId(8);
  { EXPECT_EQ(open_lmdb(other)->open_report().verdict, RestoreVerdict::other_node); }
  fs::remove(directory_.path() / "life");
  { EXPECT_EQ(open_lmdb(options())->open_report().verdict, RestoreVerdict::no_mark); }
  { fill(*open_lmdb(options())); }
  StoreOptions cold = options();
  cold.discard = true;
  auto store = open_lmdb(cold);
  EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::set_aside);
  EXPECT_EQ(records(*store), 0U);
}

TEST_F(OnDisk, a_file_that_others_can_write_is_not_opened) {
  { fill(*open_lmdb(options())); }
  ::chmod(file().c_str(), 0666);
  auto store = open_lmdb(options());
  EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::set_aside);
  EXPECT_EQ(store->open_report().reason, "is open to other users");
}

TEST_F(OnDisk, a_second_process_is_refused) {
  auto store = open_lmdb(options());
  const auto second = LmdbStore::open(options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
}

TEST_F(OnDisk, repeated_crashes_are_checked_in_a_helper) {
  auto store = open_lmdb(options());
  fill(*store);
  for (std::uint32_t starts = 1; starts <= 3; ++starts) {
    store->abandon();
    store = open_lmdb(options());
    EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::restored);
    EXPECT_EQ(store->open_report().unclean_starts, starts);
    EXPECT_EQ(store->open_report().checked, starts >= 2);
  }
  store->touch(options().since_boot + std::chrono::seconds(61));
  store.reset();
  StoreOptions later = options();
  later.since_boot += std::chrono::seconds(62);
  store = open_lmdb(later);
  EXPECT_EQ(store->open_report().unclean_starts, 0U);
  EXPECT_EQ(records(*store), 2U);
}

TEST_F(OnDisk, damaged_terms_are_reported) {
  { fill(*open_lmdb(options())); }
  std::ofstream(directory_.path() / "terms", std::ios::app) << "x";
  auto store = open_lmdb(options());
  EXPECT_TRUE(store->open_report().terms_lost);
  EXPECT_TRUE(std::filesystem::exists(store->open_report().terms_aside));
  EXPECT_EQ(term(*store), 0U);
  EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::restored);
}

TEST_F(OnDisk, a_full_map_fails_the_request_and_recovers_alone) {
  StoreOptions small = options();
  small.map_bytes = 256 * 1024;
  auto store = open_lmdb(small);
  const std::string big(20'000, 'x');
  std::vector<StoreRequest> requests;
  for (std::uint64_t i = 1; i <= 40; ++i)
    requests.push_back({i, PutChanges{kScope, epoch(1), {put(i, std::to_string(100 + i), big)}}});
  const auto replies = store->execute(requests);
  std::size_t stored = 0;
  for (const StoreReply& reply : replies) {
    if (const auto* failed = std::get_if<StoreFailed>(&reply.body))
      EXPECT_EQ(failed->error.code, ErrorCode::exhausted) << failed->error.detail;
    else
      ++stored;
  }
  EXPECT_GT(stored, 2U);
  EXPECT_LT(stored, 40U);
  const auto slice =
      expect<RecordSlice>(*store, ScanRecords{kScope, {}, {}, 100, 8U << 20U}).records;
  EXPECT_EQ(slice.size(), stored);
  EXPECT_GT(store->counters().commits_failed, 0U);
  // What is deleted makes room again, without a new start.
  for (const Record& one : slice)
    expect<RangeReplaced>(*store, ReplaceRange{kScope, {}, one.key, {}});
  expect<Committed>(*store, PutChanges{kScope, epoch(1), {put(50, "k", big)}});
  EXPECT_EQ(records(*store), 1U);
}

TEST_F(OnDisk, files_stay_small_under_updates) {
  auto store = open_lmdb(options());
  std::uint64_t sequence = 0;
  std::uint64_t settled = 0;
  for (int round = 0; round < 400; ++round) {
    PutChanges batch{kScope, epoch(1), {}};
    for (int i = 0; i < 20; ++i) {
      ++sequence;
      batch.changes.push_back(put(sequence, std::to_string((sequence * 7) % 50), "value"));
    }
    expect<Committed>(*store, std::move(batch));
    if (round == 100) settled = store->counters().bytes_used;
  }
  EXPECT_LE(store->counters().bytes_used, settled + settled / 20);
  EXPECT_EQ(records(*store), 50U);
}

TEST_F(OnDisk, an_unusable_directory_is_an_error) {
  StoreOptions bad = options();
  bad.directory = directory_.path() / "no" / "such";
  EXPECT_FALSE(LmdbStore::open(bad));
  bad.directory = "/proc/hotpair-store";
  EXPECT_FALSE(LmdbStore::open(bad));
}

}  // namespace
}  // namespace hotpair::checkpoint::store::test
