#include "platform/probe/flow_account.h"

#include <algorithm>

namespace hotpair::platform::probe {
namespace {

Loss to_loss(std::uint64_t begin, std::uint64_t end, TimePoint before, TimePoint after, bool open) {
  return Loss{.first = begin, .packets = end - begin, .begin = before, .end = after, .open = open};
}

void keep_longest(std::optional<Loss>& longest, const Loss& loss) {
  if (!longest || longest->packets < loss.packets) longest = loss;
}

}  // namespace

void FlowAccount::add_hole(std::uint64_t begin, const Hole& hole) {
  open_lost_ += hole.end - begin;
  holes_.emplace(begin, hole);
  if (holes_.size() > config_.holes_max) close_oldest();
}

void FlowAccount::close_oldest() {
  const auto& [begin, hole] = *holes_.begin();
  keep_longest(closed_longest_, to_loss(begin, hole.end, hole.before, hole.after, hole.open));
  open_lost_ -= hole.end - begin;
  closed_lost_ += hole.end - begin;
  holes_.erase(holes_.begin());
}

void FlowAccount::fill(std::map<std::uint64_t, Hole>::iterator at, std::uint64_t sequence,
                       TimePoint sent_at) {
  const std::uint64_t begin = at->first;
  const Hole hole = at->second;
  open_lost_ -= hole.end - begin;
  holes_.erase(at);
  if (begin < sequence) {
    add_hole(begin, Hole{.end = sequence, .before = hole.before, .after = sent_at, .open = false});
  }
  if (sequence + 1 < hole.end) {
    add_hole(sequence + 1,
             Hole{.end = hole.end, .before = sent_at, .after = hole.after, .open = hole.open});
  }
}

void FlowAccount::on_first(std::uint64_t sequence, TimePoint sent_at) {
  started_ = true;
  first_ = sequence;
  if (config_.expect_from == ExpectFrom::start && sequence > 0) {
    first_ = 0;
    const auto ago = config_.interval * static_cast<Duration::rep>(sequence);
    add_hole(0, Hole{.end = sequence, .before = sent_at - ago, .after = sent_at, .open = false});
  }
}

void FlowAccount::on_late(std::uint64_t sequence, TimePoint sent_at, TimePoint received_at) {
  if (sequence < first_) {  // overtaken by the packet that was heard first
    if (sequence + 1 < first_) {
      add_hole(sequence + 1, Hole{.end = first_,
                                  .before = sent_at,
                                  .after = sent_at + config_.interval,
                                  .open = false});
    }
    first_ = sequence;
  } else {
    auto at = holes_.upper_bound(sequence);
    const bool missing = at != holes_.begin() && std::prev(at)->second.end > sequence;
    if (!missing) {
      ++duplicates_;
      if (duplicate_times_.size() < config_.events_max) duplicate_times_.push_back(received_at);
      return;
    }
    fill(std::prev(at), sequence, sent_at);
  }
  ++reordered_;
  ++received_;
  note_arrival(received_at);
}

void FlowAccount::note_arrival(TimePoint received_at) {
  if (!first_arrival_) first_arrival_ = received_at;
  if (last_arrival_ && received_at > *last_arrival_) {
    const Gap gap{.begin = *last_arrival_, .length = received_at - *last_arrival_};
    if (!longest_gap_ || longest_gap_->length < gap.length) longest_gap_ = gap;
    if (gap.length > 2 * config_.interval + std::chrono::milliseconds(5)) {
      if (gaps_.size() >= config_.events_max) gaps_.erase(gaps_.begin());
      gaps_.push_back(gap);
    }
  }
  last_arrival_ = last_arrival_ ? std::max(*last_arrival_, received_at) : received_at;
}

void FlowAccount::on_packet(std::uint64_t sequence, TimePoint sent_at, TimePoint received_at) {
  if (!started_) {
    on_first(sequence, sent_at);
  } else if (sequence < next_) {
    on_late(sequence, sent_at, received_at);
    return;
  } else if (sequence > next_) {
    add_hole(next_, Hole{.end = sequence, .before = next_before_, .after = sent_at, .open = false});
  }
  next_ = sequence + 1;
  next_before_ = sent_at;
  ++received_;
  note_arrival(received_at);
}

void FlowAccount::on_end(std::uint64_t count, TimePoint last_sent_at) {
  if (!started_) {
    if (config_.expect_from != ExpectFrom::start || count == 0) return;
    started_ = true;
    next_before_ = last_sent_at - config_.interval * static_cast<Duration::rep>(count - 1);
  }
  ended_ = true;
  if (count <= next_) return;
  add_hole(next_, Hole{.end = count, .before = next_before_, .after = last_sent_at, .open = true});
  next_ = count;
  next_before_ = last_sent_at;
}

FlowSummary FlowAccount::summary() const {
  FlowSummary summary;
  summary.received = received_;
  summary.lost = lost();
  summary.expected = summary.received + summary.lost;
  summary.duplicates = duplicates_;
  summary.reordered = reordered_;
  summary.ended = ended_;
  summary.next_sequence = next_;
  summary.highest_sent_at = next_before_;
  summary.longest_loss = closed_longest_;
  summary.longest_gap = longest_gap_;
  summary.first_arrival = first_arrival_;
  summary.last_arrival = last_arrival_;
  summary.gaps = gaps_;
  summary.duplicate_times = duplicate_times_;
  const std::size_t skip = holes_.size() - std::min(holes_.size(), config_.events_max);
  std::size_t index = 0;
  for (const auto& [begin, hole] : holes_) {
    const Loss loss = to_loss(begin, hole.end, hole.before, hole.after, hole.open);
    keep_longest(summary.longest_loss, loss);
    if (index++ >= skip) summary.losses.push_back(loss);
  }
  return summary;
}

}  // namespace hotpair::platform::probe
