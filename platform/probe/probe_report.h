#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/address.h"
#include "platform/probe/flow_account.h"

namespace hotpair::platform::probe {

/// The program itself did not run for longer than `pause_min`: the machine or the scheduler paused.
struct Pause {
  TimePoint begin;
  Duration length{};
};
inline constexpr Duration pause_min = std::chrono::milliseconds(20);

/// One line of the receiver's table.
struct FlowRow {
  IpAddress group;
  std::optional<IpAddress> source;  ///< nullopt: nothing was heard on this group
  std::uint64_t run = 0;
  FlowSummary flow;
};

/// All rows together.
struct FlowTotal {
  std::uint64_t flows = 0;
  std::uint64_t silent = 0;   ///< joined groups on which nothing was heard
  std::uint64_t unended = 0;  ///< flows whose end is not known
  std::uint64_t stopped = 0;  ///< flows that lost their last packets: they never came back
  std::uint64_t expected = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t duplicates_max = 0;  ///< most duplicates in one flow
  std::uint64_t reordered = 0;
  std::optional<Loss> longest_loss;  ///< by its duration
  std::optional<Gap> longest_gap;
};
[[nodiscard]] FlowTotal sum_up(const std::vector<FlowRow>& rows);

/// What `hotpair-probe receive` has to say. Times are CLOCK_MONOTONIC of this machine.
struct ReceiveReport {
  std::string interface;
  std::uint16_t port = 0;
  TimePoint started_at;
  TimePoint ended_at;
  std::vector<FlowRow> rows;
  FlowTotal total;
  std::uint64_t foreign = 0;         ///< datagrams that are no probe packets
  std::uint64_t socket_dropped = 0;  ///< lost here, in this program's own socket buffers
  std::vector<Pause> pauses;
};

/// One group of the sender.
struct SentRow {
  IpAddress group;
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;  ///< the kernel refused the packet; its sequence is used up
};

/// What `hotpair-probe send` has to say.
struct SendReport {
  std::string interface;
  std::uint16_t port = 0;
  std::uint64_t run = 0;
  Duration interval{};
  std::uint32_t size = 0;
  TimePoint started_at;
  TimePoint ended_at;
  std::vector<SentRow> rows;
  Duration lateness_max{};  ///< the farthest that a packet went out behind its time
  std::vector<Pause> pauses;
};

/// For the progress line.
struct LiveCounts {
  std::uint64_t arrived = 0;
  std::uint64_t lost = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t flows = 0;
};

/// `every_group`: a row for each group; else only those with something to tell, at most 20.
[[nodiscard]] std::string to_text(const ReceiveReport& report, bool every_group);
[[nodiscard]] std::string to_text(const SendReport& report, bool every_group);
/// One JSON document; times are integers in nanoseconds (`*_ns`), lengths are numbers in ms
/// (`*_ms`).
[[nodiscard]] std::string to_json(const ReceiveReport& report);
[[nodiscard]] std::string to_json(const SendReport& report);

}  // namespace hotpair::platform::probe
