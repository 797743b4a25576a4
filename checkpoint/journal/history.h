#pragma once

#include <optional>

#include "checkpoint/record/record.h"

namespace hotpair::checkpoint::journal {

inline constexpr std::size_t kHistoryMax = 64;

/// Where a point (epoch, sequence) of a returner stands, seen from the master's line of history.
enum class Standing : std::uint8_t {
  on_line,  ///< a state this line went through: the delta from there makes it equal
  beyond,  ///< an unacknowledged tail of a dead epoch, or an epoch that forked off: repair by range
  unknown,  ///< nothing in common: bulk
};

/// Compares the newest point of `theirs` with our line, whose newest sequence is `our_last`.
[[nodiscard]] Standing standing(const EpochHistory& ours, Sequence our_last,
                                const EpochHistory& theirs, Sequence their_last);

/// The last point that both lines went through: what either wrote after it the other does not have.
/// nullopt: no epoch in common, or none that is still remembered.
[[nodiscard]] std::optional<Sequence> fork(const EpochHistory& ours, Sequence our_last,
                                           const EpochHistory& theirs, Sequence their_last);

/// The epoch that a sequence was written in; the newest for one that is not written yet.
[[nodiscard]] Epoch epoch_at(const EpochHistory& history, Sequence sequence);

/// Appends an epoch and forgets the oldest beyond kHistoryMax. Nothing changes if it is the newest.
void begin_epoch(EpochHistory& history, Epoch epoch, Sequence begins_after);

/// Forgets epochs that begin beyond `last`: nothing of them is here.
void truncate_history(EpochHistory& history, Sequence last);

/// Ascending in epoch, not descending in sequence, within the limit: what a peer may send.
[[nodiscard]] bool is_valid(const EpochHistory& history);

}  // namespace hotpair::checkpoint::journal
