#include "checkpoint/journal/history.h"

#include <algorithm>

namespace hotpair::checkpoint::journal {

Standing standing(const EpochHistory& ours, Sequence our_last, const EpochHistory& theirs,
                  Sequence their_last) {
  if (theirs.empty() || ours.empty()) return Standing::unknown;
  const auto same_as = [](const Epoch& epoch) {
    return [epoch](const EpochStart& start) { return start.epoch == epoch; };
  };
  const auto found = std::find_if(ours.begin(), ours.end(), same_as(theirs.back().epoch));
  if (found != ours.end()) {
    const auto next = std::next(found);
    const Sequence end = next == ours.end() ? our_last : next->begins_after;
    return their_last <= end ? Standing::on_line : Standing::beyond;
  }
  // Their newest epoch is not ours: it forked off if any older one is.
  const bool common = std::any_of(theirs.begin(), theirs.end(), [&](const EpochStart& start) {
    return std::any_of(ours.begin(), ours.end(), same_as(start.epoch));
  });
  return common ? Standing::beyond : Standing::unknown;
}

std::optional<Sequence> fork(const EpochHistory& ours, Sequence our_last,
                             const EpochHistory& theirs, Sequence their_last) {
  const auto end_of = [](const EpochHistory& line, std::size_t index, Sequence last) {
    return index + 1 < line.size() ? std::min(line[index + 1].begins_after, last) : last;
  };
  for (std::size_t mine = ours.size(); mine-- > 0;) {
    for (std::size_t other = 0; other < theirs.size(); ++other)
      if (theirs[other].epoch == ours[mine].epoch)
        return std::min(end_of(ours, mine, our_last), end_of(theirs, other, their_last));
  }
  return std::nullopt;
}

Epoch epoch_at(const EpochHistory& history, Sequence sequence) {
  Epoch epoch;
  for (const EpochStart& start : history) {
    if (start.begins_after >= sequence && epoch != Epoch{}) break;
    epoch = start.epoch;
  }
  return epoch;
}

void begin_epoch(EpochHistory& history, Epoch epoch, Sequence begins_after) {
  if (!history.empty() && history.back().epoch == epoch) return;
  history.push_back({epoch, begins_after});
  if (history.size() > kHistoryMax) history.erase(history.begin());
}

void truncate_history(EpochHistory& history, Sequence last) {
  while (!history.empty() && history.back().begins_after > last) history.pop_back();
}

bool is_valid(const EpochHistory& history) {
  if (history.size() > kHistoryMax) return false;
  for (std::size_t i = 1; i < history.size(); ++i) {
    if (history[i].epoch <= history[i - 1].epoch) return false;
    if (history[i].begins_after < history[i - 1].begins_after) return false;
  }
  return true;
}

}  // namespace hotpair::checkpoint::journal
