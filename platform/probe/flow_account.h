#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "platform/base/time.h"

namespace hotpair::platform::probe {

/// Where the count of a flow begins.
enum class ExpectFrom : std::uint8_t {
  first_heard,  ///< the first packet that arrived; what the sender sent earlier is not missed
  start,        ///< sequence 0: everything the sender ever sent is expected
};

/// A run of consecutive lost packets.
struct Loss {
  std::uint64_t first = 0;    ///< sequence of the first lost packet
  std::uint64_t packets = 0;  ///< how many
  TimePoint begin;            ///< when the last packet before it was sent
  TimePoint end;              ///< when the first packet after it was sent
  bool open = false;          ///< nothing arrived after it: `end` is when the sender stopped
  [[nodiscard]] Duration gap() const { return end - begin; }
};

/// An interval between two arrivals.
struct Gap {
  TimePoint begin;
  Duration length{};
};

/// What is known of one flow. `lost` is exact: expected = received + lost.
struct FlowSummary {
  std::uint64_t expected = 0;
  std::uint64_t received = 0;  ///< different packets; duplicates are not among them
  std::uint64_t lost = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t reordered = 0;  ///< arrived after a later one
  bool ended = false;           ///< the end is known; else losses after the last arrival are not
  std::uint64_t next_sequence = 0;   ///< one past the highest sequence known to exist
  TimePoint highest_sent_at;         ///< when that highest one was sent
  std::optional<Loss> longest_loss;  ///< the most lost packets in a row
  std::optional<Gap> longest_gap;    ///< between two arrivals, lost packets or not
  std::optional<TimePoint> first_arrival;
  std::optional<TimePoint> last_arrival;
  std::vector<Loss> losses;                ///< oldest first, the newest `events_max`
  std::vector<Gap> gaps;                   ///< longer than two intervals and 5 ms, ditto
  std::vector<TimePoint> duplicate_times;  ///< arrivals, the first `events_max`
};

/// Counts one numbered flow: sans-IO, exact however packets are lost, doubled or reordered, because
/// it keeps the set of missing sequences as intervals. Memory grows with runs of loss, not with
/// packets; beyond `holes_max` the oldest run is closed (a packet that fills it counts as
/// duplicate).
class FlowAccount {
 public:
  struct Config {
    ExpectFrom expect_from = ExpectFrom::first_heard;
    Duration interval{};  ///< between two packets, as the sender says
    std::size_t holes_max = 65536;
    std::size_t events_max = 256;
  };
  explicit FlowAccount(const Config& config) : config_(config) {}

  /// One data packet.
  void on_packet(std::uint64_t sequence, TimePoint sent_at, TimePoint received_at);
  /// The sender says: `count` packets were sent, the last one at `last_sent_at`. Repeats change
  /// nothing.
  void on_end(std::uint64_t count, TimePoint last_sent_at);

  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t lost() const { return closed_lost_ + open_lost_; }
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_; }
  [[nodiscard]] FlowSummary summary() const;

 private:
  struct Hole {
    std::uint64_t end = 0;  // one past the last missing sequence
    TimePoint before;       // send time of the packet before, and of the one after
    TimePoint after;
    bool open = false;
  };
  void add_hole(std::uint64_t begin, const Hole& hole);
  void fill(std::map<std::uint64_t, Hole>::iterator at, std::uint64_t sequence, TimePoint sent_at);
  void on_first(std::uint64_t sequence, TimePoint sent_at);
  void on_late(std::uint64_t sequence, TimePoint sent_at, TimePoint received_at);
  void note_arrival(TimePoint received_at);
  void close_oldest();

  Config config_;
  bool started_ = false;
  bool ended_ = false;
  std::uint64_t first_ = 0;              // lowest expected sequence
  std::uint64_t next_ = 0;               // one past the highest known
  TimePoint next_before_;                // send time of the highest known
  std::map<std::uint64_t, Hole> holes_;  // first missing sequence -> hole
  std::uint64_t open_lost_ = 0;          // packets in holes_
  std::uint64_t closed_lost_ = 0;        // packets in holes given up
  std::optional<Loss> closed_longest_;
  std::uint64_t received_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t reordered_ = 0;
  std::optional<TimePoint> first_arrival_;
  std::optional<TimePoint> last_arrival_;
  std::optional<Gap> longest_gap_;
  std::vector<Gap> gaps_;
  std::vector<TimePoint> duplicate_times_;
};

}  // namespace hotpair::platform::probe
