#include "checkpoint/store/store_thread.h"

#include <poll.h>

#include "tests/unit/checkpoint_store/fixture.h"

namespace hotpair::checkpoint::store::test {
namespace {

const ScopeId kScope{1};

/// Waits on the eventfd until `count` answers have come.
std::vector<StoreReply> await(StoreThread& thread, std::size_t count) {
  std::vector<StoreReply> all;
  while (all.size() < count) {
    pollfd wait{thread.event_fd(), POLLIN, 0};
    if (::poll(&wait, 1, 20'000) != 1) {
      ADD_FAILURE() << "no answer";
      break;
    }
    for (StoreReply& reply : thread.drain()) all.push_back(std::move(reply));
  }
  return all;
}

bool readable(const StoreThread& thread) {
  pollfd now{thread.event_fd(), POLLIN, 0};
  return ::poll(&now, 1, 0) == 1;
}

/// Holds every execute() until it is let go, so that what queues meanwhile is known.
class Gated final : public StoreExecutor {
 public:
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t begun = 0;    // execute() calls
    std::size_t allowed = 0;  // that may end
    std::vector<std::size_t> sizes;

    void wait_begun(std::size_t count) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return begun >= count; });
    }
    void allow(std::size_t count) {
      {
        const std::lock_guard lock(mutex);
        allowed = count;
      }
      changed.notify_all();
    }
  };
  explicit Gated(Gate& gate) : gate_(gate) {}
  std::vector<StoreReply> execute(std::span<const StoreRequest> requests) override {
    std::unique_lock lock(gate_.mutex);
    ++gate_.begun;
    gate_.sizes.push_back(requests.size());
    gate_.changed.notify_all();
    gate_.changed.wait(lock, [&] { return gate_.allowed >= gate_.begun; });
    return memory_.execute(requests);
  }
  void touch(Duration since_boot) override { memory_.touch(since_boot); }

 private:
  Gate& gate_;
  MemoryStore memory_;
};

TEST(StoreThread, answers_come_in_order) {
  const TempDirectory directory;
  StoreThread thread(open_lmdb(options_for(directory.path())));
  constexpr std::uint64_t kCount = 500;
  for (std::uint64_t i = 1; i <= kCount; ++i)
    thread.submit({i, PutChanges{kScope, epoch(1), {put(i, std::to_string(i % 50), "v")}}});
  const auto replies = await(thread, kCount);
  ASSERT_EQ(replies.size(), kCount);
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    EXPECT_EQ(replies[i - 1].id, i);
    EXPECT_EQ(std::get<Committed>(replies[i - 1].body).last, Sequence(i));
  }
  EXPECT_FALSE(readable(thread));
  const auto statistics = thread.statistics();
  EXPECT_EQ(statistics.requests, kCount);
  EXPECT_EQ(statistics.depth, 0U);
  EXPECT_EQ(statistics.batch_time.count, statistics.batches);
  EXPECT_GT(statistics.batch_time.max, Duration::zero());
}

TEST(StoreThread, what_queues_meanwhile_is_one_batch_within_its_bound) {
  Gated::Gate gate;
  StoreThread thread(std::make_unique<Gated>(gate), 4);
  thread.submit({1, ReadMeta{kScope}});
  gate.wait_begun(1);
  for (RequestId id = 2; id <= 7; ++id) thread.submit({id, ReadMeta{kScope}});
  const auto busy = thread.statistics();
  EXPECT_EQ(busy.depth, 7U);
  EXPECT_GT(busy.oldest_age, Duration::zero());
  EXPECT_FALSE(readable(thread));
  gate.allow(10);
  EXPECT_EQ(await(thread, 7).size(), 7U);
  EXPECT_EQ(gate.sizes, (std::vector<std::size_t>{1, 4, 2}));
  EXPECT_EQ(thread.statistics().depth_max, 7U);
}

TEST(StoreThread, stop_finishes_what_is_queued_and_refuses_the_rest) {
  Gated::Gate gate;
  StoreThread thread(std::make_unique<Gated>(gate));
  thread.submit({1, PutChanges{kScope, epoch(1), {put(1, "a", "1")}}});
  gate.wait_begun(1);
  thread.submit({2, PutChanges{kScope, epoch(1), {put(2, "b", "2")}}});
  gate.allow(10);
  auto store = thread.stop();
  ASSERT_TRUE(store);
  thread.submit({3, ReadMeta{kScope}});
  const auto replies = thread.drain();
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_EQ(std::get<Committed>(replies[1].body).last, Sequence(2));
  EXPECT_TRUE(std::holds_alternative<StoreFailed>(replies[2].body));
  EXPECT_EQ(expect<MetaRead>(*store, ReadMeta{kScope}).meta.last, Sequence(2));
  EXPECT_FALSE(thread.stop());
}

TEST(StoreThread, the_store_is_young_after_a_stop) {
  const TempDirectory directory;
  StoreOptions options = options_for(directory.path());
  options.since_boot = {};
  StoreThread thread(open_lmdb(options));
  thread.stop();
  // Its mark now holds this machine's time since boot.
  const auto store = open_lmdb(options);
  EXPECT_EQ(store->open_report().verdict, RestoreVerdict::clock_behind);
}

TEST(DurationHistogram, quantiles_are_upper_ends_of_powers_of_two) {
  DurationHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), Duration::zero());
  for (int i = 0; i < 99; ++i) histogram.add(std::chrono::microseconds(100));
  histogram.add(std::chrono::milliseconds(30));
  EXPECT_EQ(histogram.quantile(0.5), std::chrono::microseconds(128));
  EXPECT_EQ(histogram.quantile(1.0), std::chrono::milliseconds(30));
  EXPECT_EQ(histogram.count, 100U);
}

}  // namespace
}  // namespace hotpair::checkpoint::store::test
