#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "checkpoint/store/executor.h"

namespace hotpair::checkpoint::store {

/// Durations by powers of two of a microsecond: enough for a median and a p99 in a display.
struct DurationHistogram {
  std::array<std::uint64_t, 32> buckets{};
  std::uint64_t count = 0;
  Duration total{};
  Duration max{};
  void add(Duration duration);
  /// Upper end of the bucket that holds the quantile; 0 while empty.
  [[nodiscard]] Duration quantile(double q) const;
};

struct StoreThreadStatistics {
  std::size_t depth = 0;      ///< requests submitted and not yet answered
  std::size_t depth_max = 0;
  Duration oldest_age{};      ///< of the oldest unanswered request
  std::uint64_t requests = 0;
  std::uint64_t batches = 0;
  DurationHistogram batch_time;  ///< one execute() with its commits
};

/// Runs a store on a thread of its own: whatever has queued is executed as soon as the thread is
/// free, in one group commit, without a timer. Used from one other thread.
class StoreThread {
 public:
  /// Takes the store over and starts. `batch_max` bounds the requests of one execute().
  explicit StoreThread(std::unique_ptr<StoreExecutor> store, std::size_t batch_max = 1024);
  /// stop().
  ~StoreThread();
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  /// Never waits for the disk. After stop() the request is answered by StoreFailed.
  void submit(StoreRequest request);
  /// Takes the answers that have come, in order of the requests, and clears the eventfd.
  [[nodiscard]] std::vector<StoreReply> drain();
  /// Readable while there are answers to drain. Owned by this object.
  [[nodiscard]] int event_fd() const { return event_fd_; }
  [[nodiscard]] StoreThreadStatistics statistics() const;
  /// Executes what is queued, ends the thread and gives the store back; answers stay drainable. A
  /// second call gives nothing.
  std::unique_ptr<StoreExecutor> stop();

 private:
  struct Waiting {
    StoreRequest request;
    Duration submitted{};  // CLOCK_BOOTTIME
  };
  void run();
  void publish(std::vector<StoreReply> replies, std::size_t executed, Duration took);
  void signal();

  std::unique_ptr<StoreExecutor> store_;
  std::size_t batch_max_;
  int event_fd_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> queue_;       // guarded by mutex_, as all below
  std::deque<Duration> running_;    // when the requests in execution were submitted
  std::vector<StoreReply> answers_;
  StoreThreadStatistics statistics_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace hotpair::checkpoint::store
