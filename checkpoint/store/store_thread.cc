#include "checkpoint/store/store_thread.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <ctime>
#include <utility>

#include "checkpoint/store/store_rules.h"
#include "platform/base/assert.h"

namespace hotpair::checkpoint::store {
namespace {

constexpr auto kTouchInterval = std::chrono::seconds(1);

Duration boot_time() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

void DurationHistogram::add(Duration duration) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  const auto width = static_cast<std::size_t>(
      std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0))));
  ++buckets[std::min(width, buckets.size() - 1)];
  ++count;
  total += duration;
  max = std::max(max, duration);
}

Duration DurationHistogram::quantile(double q) const {
  if (count == 0) return {};
  const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(count - 1));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    seen += buckets[i];
    if (seen > rank) return std::min<Duration>(std::chrono::microseconds(1LL << i), max);
  }
  return max;
}

StoreThread::StoreThread(std::unique_ptr<StoreExecutor> store, std::size_t batch_max)
    : store_(std::move(store)),
      batch_max_(std::max<std::size_t>(batch_max, 1)),
      event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  HA_ASSERT(store_ != nullptr);
  HA_ASSERT(event_fd_ >= 0);
  thread_ = std::thread([this] { run(); });
}

StoreThread::~StoreThread() {
  stop();
  ::close(event_fd_);
}

void StoreThread::submit(StoreRequest request) {
  {
    const std::lock_guard lock(mutex_);
    ++statistics_.requests;
    if (!stopping_) {
      queue_.push_back({std::move(request), boot_time()});
      statistics_.depth_max = std::max(statistics_.depth_max, queue_.size() + running_.size());
    } else {
      answers_.push_back(
          {request.id,
           StoreFailed{scope_of(request), {ErrorCode::unavailable, "the store is closed"}}});
      signal();
      return;
    }
  }
  wake_.notify_one();
}

std::vector<StoreReply> StoreThread::drain() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  static_cast<void>(!::read(event_fd_, &count, sizeof count));
  return std::exchange(answers_, {});
}

StoreThreadStatistics StoreThread::statistics() const {
  const std::lock_guard lock(mutex_);
  StoreThreadStatistics copy = statistics_;
  copy.depth = queue_.size() + running_.size();
  if (!running_.empty())
    copy.oldest_age = boot_time() - running_.front();
  else if (!queue_.empty())
    copy.oldest_age = boot_time() - queue_.front().submitted;
  return copy;
}

std::unique_ptr<StoreExecutor> StoreThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  return std::move(store_);
}

void StoreThread::run() {
  Duration touched = boot_time();
  std::vector<StoreRequest> batch;
  for (;;) {
    batch.clear();
    {
      std::unique_lock lock(mutex_);
      const auto wait = touched + kTouchInterval - boot_time();
      wake_.wait_for(lock, std::max(wait, Duration::zero()),
                     [this] { return stopping_ || !queue_.empty(); });
      if (stopping_ && queue_.empty()) break;
      while (!queue_.empty() && batch.size() < batch_max_) {
        running_.push_back(queue_.front().submitted);
        batch.push_back(std::move(queue_.front().request));
        queue_.pop_front();
      }
    }
    const Duration begun = boot_time();
    if (!batch.empty()) {
      std::vector<StoreReply> replies = store_->execute(batch);
      publish(std::move(replies), batch.size(), boot_time() - begun);
    }
    if (const Duration now = boot_time(); now - touched >= kTouchInterval) {
      store_->touch(now);
      touched = now;
    }
  }
  store_->touch(boot_time());
}

void StoreThread::publish(std::vector<StoreReply> replies, std::size_t executed, Duration took) {
  HA_ASSERT(replies.size() == executed);
  const std::lock_guard lock(mutex_);
  running_.clear();
  ++statistics_.batches;
  statistics_.batch_time.add(took);
  for (StoreReply& reply : replies) answers_.push_back(std::move(reply));
  signal();
}

void StoreThread::signal() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_fd_, &one, sizeof one));
}

}  // namespace hotpair::checkpoint::store
