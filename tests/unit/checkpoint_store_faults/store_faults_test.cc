#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include <chrono>

#include "checkpoint/store/store_thread.h"
#include "tests/unit/checkpoint_store/fixture.h"
#include "tests/unit/checkpoint_store_faults/faulty_disk.h"

/// The real store over a disk that fails, limits or drags.
namespace hotpair::checkpoint::store::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
const ScopeId kScope{17};

class StoreFaults : public ::testing::Test {
 protected:
  StoreReply write_one(LmdbStore& store, std::size_t size = 8000) {
    ++sequence_;
    return ask(
        store,
        PutChanges{
            kScope, epoch(1), {put(sequence_, std::to_string(sequence_), std::string(size, 'v'))}});
  }
  TempDirectory directory_;
  std::uint64_t sequence_ = 0;
};

// Documented (DESIGN.md): the service ends, with the reason; terms go on; the next start sets the
// file aside.
TEST_F(StoreFaults, AnInputOutputErrorEndsTheServiceAndNothingElse) {
  auto store = open_lmdb(options_for(directory_.path()));
  ASSERT_TRUE(std::holds_alternative<Committed>(write_one(*store).body));
  {
    FaultyDisk disk("store.mdb");
    disk.fail_writes(EIO);
    const StoreReply reply = write_one(*store);
    ASSERT_TRUE(std::holds_alternative<StoreFailed>(reply.body));
    EXPECT_EQ(std::get<StoreFailed>(reply.body).error.code, ErrorCode::unavailable);
    EXPECT_THAT(std::get<StoreFailed>(reply.body).error.detail, HasSubstr("Input/output error"));
    EXPECT_GT(disk.calls(), 0U);
  }
  EXPECT_EQ(store->counters().commits_failed, 1U);
  EXPECT_EQ(store->counters().requests_failed, 1U);
  // The disk is well again; what it lost is not known, so nothing is believed.
  const StoreReply later = write_one(*store);
  ASSERT_TRUE(std::holds_alternative<StoreFailed>(later.body));
  EXPECT_THAT(std::get<StoreFailed>(later.body).error.detail, HasSubstr("Input/output error"));
  EXPECT_EQ(store->counters().requests_failed, 2U);
  expect<Committed>(*store, ReserveTerm{kScope, 64});
  store.reset();
  store = open_lmdb(options_for(directory_.path()));
  EXPECT_EQ(store->open_report().outcome, OpenReport::Outcome::set_aside);
  EXPECT_FALSE(store->open_report().reason.empty());
  EXPECT_EQ(expect<MetaRead>(*store, ReadMeta{kScope}).reserved_term, 64U);
  EXPECT_TRUE(std::holds_alternative<Committed>(write_one(*store).body));
}

// A term that is not on the disk is not used: refused with the reason, and tried again by the node.
TEST_F(StoreFaults, ATermThatCannotBeSyncedIsNotReserved) {
  auto store = open_lmdb(options_for(directory_.path()));
  expect<Committed>(*store, ReserveTerm{kScope, 64});
  {
    FaultyDisk disk("terms");
    disk.fail_syncs(EIO);
    const StoreReply reply = ask(*store, ReserveTerm{kScope, 128});
    ASSERT_TRUE(std::holds_alternative<StoreFailed>(reply.body));
    EXPECT_THAT(std::get<StoreFailed>(reply.body).error.detail, HasSubstr("cannot sync"));
  }
  EXPECT_EQ(expect<MetaRead>(*store, ReadMeta{kScope}).reserved_term, 64U);
  EXPECT_TRUE(std::holds_alternative<Committed>(write_one(*store).body));
  expect<Committed>(*store, ReserveTerm{kScope, 128});
  EXPECT_EQ(expect<MetaRead>(*store, ReadMeta{kScope}).reserved_term, 128U);
}

TEST_F(StoreFaults, AMarkThatCannotBeWrittenIsCounted) {
  auto store = open_lmdb(options_for(directory_.path()));
  {
    FaultyDisk disk("life");
    disk.fail_writes(EIO);
    store->touch(1001s);
  }
  EXPECT_EQ(store->counters().alive_mark_failures, 1U);
  store->touch(1002s);
  EXPECT_EQ(store->counters().alive_mark_failures, 1U);
  EXPECT_TRUE(std::holds_alternative<Committed>(write_one(*store).body));
}

// As hotpaird does, the signal is ignored; then it is a full disk like others, and ends alone.
TEST_F(StoreFaults, ALimitOfFileSizeIsAFullDisk) {
  auto* const before = ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  auto store = open_lmdb(options_for(directory_.path()));
  ASSERT_TRUE(std::holds_alternative<Committed>(write_one(*store).body));
  const rlimit small{64 * 1024, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::size_t failed = 0;
  for (int i = 0; i < 30; ++i) {
    const StoreReply reply = write_one(*store);
    if (const auto* error = std::get_if<StoreFailed>(&reply.body)) {
      EXPECT_EQ(error->error.code, ErrorCode::exhausted) << error->error.detail;
      ++failed;
    }
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_GT(failed, 20U);
  EXPECT_EQ(store->counters().requests_failed, failed);
  EXPECT_TRUE(std::holds_alternative<Committed>(write_one(*store).body));
  ::signal(SIGXFSZ, before);
}

TEST_F(StoreFaults, ASlowDiskDelaysAnswersAndNobodyElse) {
  FaultyDisk disk("store.mdb");
  StoreThread thread(open_lmdb(options_for(directory_.path())));
  disk.delay(500ms);
  const auto begin = steady_clock::now();
  constexpr std::size_t kRequests = 200;
  for (std::uint64_t n = 1; n <= kRequests; ++n)
    thread.submit({n, PutChanges{kScope, epoch(1), {put(n, std::to_string(n), "v")}}});
  const auto submitted = steady_clock::now() - begin;
  // The first commit alone takes longer than that.
  EXPECT_LT(submitted, 500ms);
  Duration oldest{};
  std::vector<StoreReply> replies;
  while (replies.size() < kRequests && steady_clock::now() - begin < 60s) {
    pollfd wait{thread.event_fd(), POLLIN, 0};
    static_cast<void>(::poll(&wait, 1, 20));
    oldest = std::max(oldest, thread.statistics().oldest_age);
    for (StoreReply& reply : thread.drain()) replies.push_back(std::move(reply));
  }
  ASSERT_EQ(replies.size(), kRequests);
  for (std::size_t i = 0; i < kRequests; ++i) {
    EXPECT_EQ(replies[i].id, i + 1);
    EXPECT_TRUE(std::holds_alternative<Committed>(replies[i].body));
  }
  const StoreThreadStatistics statistics = thread.statistics();
  EXPECT_GE(oldest, 500ms);  // what the alarm of a slow store goes by
  EXPECT_GE(statistics.batch_time.max, 500ms);
  EXPECT_EQ(statistics.oldest_age, Duration::zero());
  // Whatever queued while the disk was busy went in one commit.
  EXPECT_LE(statistics.batches, 10U);
  EXPECT_GT(statistics.depth_max, kRequests / 2);
}

}  // namespace
}  // namespace hotpair::checkpoint::store::test
