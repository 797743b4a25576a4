#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "checkpoint/record/record.h"
#include "platform/base/time.h"

namespace hotpair::checkpoint::journal {

/// Durations from 1 us to about 70 minutes in buckets of at most 12.5 % width.
class Histogram {
 public:
  void add(Duration value, std::uint64_t times = 1);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// 0 while empty.
  [[nodiscard]] Duration average() const;
  /// Upper edge of the bucket that holds the given fraction (0.5, 0.99) of all values.
  [[nodiscard]] Duration percentile(double fraction) const;

 private:
  static constexpr std::size_t kBuckets = 256;
  std::array<std::uint32_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  Duration sum_{};
};

/// One row of the statistics (design section 5), for one database of one scope.
struct StatisticsRow {
  std::uint8_t database = 0;
  std::uint64_t updates = 0;   ///< changes that this node's engines made
  std::uint64_t syncs = 0;     ///< committed at the peer
  std::uint64_t failures = 0;  ///< refused by the store, ours or the peer's path, or lost
  std::uint64_t awaiting_send = 0;
  std::uint64_t awaiting_ack = 0;
  Duration wait_average{};  ///< from append to sent
  Duration wait_p50{};
  Duration wait_p99{};
  Duration ack_average{};  ///< from sent to acknowledged
  Duration ack_p50{};
  Duration ack_p99{};
  friend bool operator==(const StatisticsRow&, const StatisticsRow&) = default;
};

/// Counts what happens to the changes of one scope on their way to the peer.
class Statistics {
 public:
  void on_append(std::uint8_t database);
  /// A change that had not been sent was replaced by a newer one of its key.
  void on_superseded(std::uint8_t database);
  void on_failure(std::uint8_t database, std::uint64_t times = 1);
  void on_sent(std::uint8_t database, Sequence sequence, std::optional<TimePoint> appended,
               TimePoint now);
  /// Everything that was appended has left.
  void on_all_sent();
  void on_acked(Sequence through, TimePoint now);
  /// When the oldest change left that is not acknowledged yet.
  [[nodiscard]] std::optional<TimePoint> oldest_unacked() const {
    return sent_.empty() ? std::nullopt : std::optional(sent_.front().at);
  }
  /// The peer is gone, or starts from a bulk: nothing is on its way; `unsent` still waits.
  void restart_transmission(const std::map<std::uint8_t, std::uint64_t>& unsent);
  /// Sets the counters to zero; what is on its way stays.
  void reset();
  /// One row a database that ever had a change, ascending.
  [[nodiscard]] std::vector<StatisticsRow> rows() const;

 private:
  struct PerDatabase {
    std::uint64_t updates = 0;
    std::uint64_t syncs = 0;
    std::uint64_t failures = 0;
    std::uint64_t awaiting_send = 0;
    std::uint64_t awaiting_ack = 0;
    Histogram wait;
    Histogram ack;
  };
  /// Changes of one database that left together.
  struct Sent {
    Sequence through;
    std::uint8_t database = 0;
    std::uint64_t count = 0;
    TimePoint at;
  };
  static constexpr std::size_t kSentMax = 4096;

  std::map<std::uint8_t, PerDatabase> databases_;
  std::deque<Sent> sent_;
};

}  // namespace hotpair::checkpoint::journal
