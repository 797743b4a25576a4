// A file system that is full, then is not: a tmpfs of its own in a mount namespace of its own.
#include <sched.h>
#include <sys/mount.h>

#include <fstream>

#include "tests/unit/checkpoint_store/fixture.h"

namespace hotpair::checkpoint::store::test {
namespace {

namespace fs = std::filesystem;
const ScopeId kScope{17};

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0) << "needs root";
    ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=1m,mode=0700"), 0);
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  fs::path ballast() const { return directory_.path() / "ballast"; }
  void fill_disk() const {
    std::ofstream out(ballast(), std::ios::binary);
    const std::string chunk(4096, 'b');
    while (out.write(chunk.data(), static_cast<std::streamsize>(chunk.size())).flush()) {
    }
  }
  TempDirectory directory_;
  bool mounted_ = false;
};

TEST_F(FullDisk, writes_fail_and_recover_alone) {
  auto store = open_lmdb(options_for(directory_.path()));
  ASSERT_TRUE(store);
  std::uint64_t sequence = 0;
  const auto write_one = [&] {
    ++sequence;
    return ask(*store, PutChanges{kScope, epoch(1), {put(sequence, std::to_string(sequence),
                                                         std::string(8000, 'v'))}});
  };
  ASSERT_TRUE(std::holds_alternative<Committed>(write_one().body));
  fill_disk();
  std::size_t failed = 0;
  for (int i = 0; i < 20; ++i) {
    const StoreReply reply = write_one();
    if (const auto* error = std::get_if<StoreFailed>(&reply.body)) {
      EXPECT_EQ(error->error.code, ErrorCode::exhausted) << error->error.detail;
      ++failed;
    }
  }
  EXPECT_GT(failed, 15U);
  const auto no_term = ask(*store, ReserveTerm{kScope, 128});
  ASSERT_TRUE(std::holds_alternative<StoreFailed>(no_term.body));
  EXPECT_EQ(std::get<StoreFailed>(no_term.body).error.code, ErrorCode::exhausted);
  EXPECT_EQ(expect<MetaRead>(*store, ReadMeta{kScope}).reserved_term, 0U);
  const auto records =
      expect<RecordSlice>(*store, ScanRecords{kScope, {}, {}, 100, 1U << 20U}).records;
  EXPECT_EQ(records.size(), 21 - failed);

  fs::remove(ballast());
  EXPECT_TRUE(std::holds_alternative<Committed>(write_one().body));
  expect<Committed>(*store, ReserveTerm{kScope, 128});
  store->abandon();
  store = open_lmdb(options_for(directory_.path()));
  ASSERT_TRUE(store);
  EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::restored);
  EXPECT_EQ(expect<RecordSlice>(*store, ScanRecords{kScope, {}, {}, 100, 1U << 20U})
                .records.size(),
            22 - failed);
}

TEST_F(FullDisk, a_start_on_a_full_disk_is_an_error_and_no_crash) {
  fill_disk();
  const auto store = LmdbStore::open(options_for(directory_.path()));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::exhausted) << store.error().detail;
}

TEST_F(FullDisk, a_read_only_file_system_is_an_error) {
  ASSERT_EQ(::mount("tmpfs", directory_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr),
            0);
  EXPECT_FALSE(LmdbStore::open(options_for(directory_.path())));
}

}  // namespace
}  // namespace hotpair::checkpoint::store::test
