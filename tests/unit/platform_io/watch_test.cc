#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "platform/base/descriptor.h"
#include "platform/io/clock.h"
#include "platform/io/readable_watch.h"

namespace hotpair::platform::io {
namespace {

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    read_ = FileDescriptor(ends[0]);
    write_ = FileDescriptor(ends[1]);
  }
  void put(std::string_view text) const {
    EXPECT_EQ(::write(write_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::size_t take_one() const {
    char byte = 0;
    return ::read(read_.get(), &byte, 1) == 1 ? 1 : 0;
  }
  FileDescriptor read_;
  FileDescriptor write_;
  boost::asio::io_context loop_;
};

TEST_F(WatchTest, CallsAgainWhileDataIsLeft) {
  std::size_t calls = 0;
  std::size_t taken = 0;
  put("abcde");
  ReadableWatch watch(loop_, read_.get(), [&] {
    ++calls;
    taken += take_one();
    if (taken == 5) loop_.stop();
  });
  loop_.run_for(std::chrono::seconds(5));
  EXPECT_EQ(taken, 5U);
  EXPECT_EQ(calls, 5U);
  loop_.restart();
  EXPECT_EQ(loop_.poll(), 0U) << "nothing is left, nothing is called";
  put("x");
  loop_.restart();
  loop_.run_one_for(std::chrono::seconds(5));
  EXPECT_EQ(taken, 6U);
}

TEST_F(WatchTest, MayBeDestroyedInItsOwnHandler) {
  std::optional<ReadableWatch> watch;
  int calls = 0;
  put("ab");
  watch.emplace(loop_, read_.get(), [&] {
    ++calls;
    watch.reset();
  });
  loop_.run_for(std::chrono::seconds(5));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(take_one(), 1U) << "the descriptor stays open";
}

TEST_F(WatchTest, DestroyedWatchIsSilentAndTheDescriptorCanBeWatchedAgain) {
  int first = 0;
  int second = 0;
  {
    const ReadableWatch watch(loop_, read_.get(), [&] { ++first; });
  }
  put("a");
  auto watch = std::make_optional<ReadableWatch>(loop_, read_.get(),
                                                 [&] { second += static_cast<int>(take_one()); });
  loop_.run_one_for(std::chrono::seconds(5));
  loop_.run_one_for(std::chrono::milliseconds(100));
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
  watch.reset();
  ReadableWatch third(loop_, read_.get(), [&] { first += static_cast<int>(take_one()); });
  const ReadableWatch moved(std::move(third));
  put("b");
  loop_.run_for(std::chrono::milliseconds(100));
  EXPECT_EQ(first, 1);
}

TEST(ClockTest, TimesAndNames) {
  const TimePoint before = now();
  EXPECT_LE(before, now());
  EXPECT_LE(before.time_since_epoch(), boot_now().time_since_epoch());
  EXPECT_GT(wall_now().time_since_epoch(), std::chrono::hours(24 * 365 * 50));
  const Result<std::string> boot = read_boot_id();
  ASSERT_TRUE(boot) << boot.error().detail;
  EXPECT_EQ(boot->size(), 36U);
  EXPECT_EQ(*boot, read_boot_id().value());
  EXPECT_NE(random_u64(), random_u64());
}

}  // namespace
}  // namespace hotpair::platform::io
