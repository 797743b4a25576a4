#include "checkpoint/journal/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hotpair::checkpoint::journal {

namespace {

constexpr unsigned kSubBits = 3;  // eight buckets to a power of two

std::size_t bucket_of(std::uint64_t microseconds) {
  if (microseconds < (1U << kSubBits)) return microseconds;
  const auto top = static_cast<unsigned>(std::bit_width(microseconds)) - 1;
  const std::uint64_t sub = (microseconds >> (top - kSubBits)) & ((1U << kSubBits) - 1);
  return ((top - kSubBits + 1) << kSubBits) + sub;
}

/// The first value that is beyond the bucket.
std::uint64_t end_of(std::size_t bucket) {
  if (bucket < (1U << kSubBits)) return bucket + 1;
  const std::size_t shift = (bucket >> kSubBits) - 1;
  const std::uint64_t sub = bucket & ((1U << kSubBits) - 1);
  return ((1U << kSubBits) + sub + 1) << shift;
}

}  // namespace

void Histogram::add(Duration value, std::uint64_t times) {
  const Duration positive = std::max(value, Duration::zero());
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(positive).count();
  const std::size_t bucket = std::min(bucket_of(static_cast<std::uint64_t>(us)), kBuckets - 1);
  buckets_[bucket] += static_cast<std::uint32_t>(times);
  count_ += times;
  sum_ += positive * static_cast<std::int64_t>(times);
}

Duration Histogram::average() const {
  return count_ == 0 ? Duration::zero() : sum_ / static_cast<std::int64_t>(count_);
}

Duration Histogram::percentile(double fraction) const {
  if (count_ == 0) return Duration::zero();
  const double rank = std::ceil(fraction * static_cast<double>(count_));
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rank));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::chrono::microseconds(static_cast<std::int64_t>(end_of(i)));
  }
  return std::chrono::microseconds(static_cast<std::int64_t>(end_of(kBuckets - 1)));
}

void Statistics::on_append(std::uint8_t database) {
  PerDatabase& row = databases_[database];
  ++row.updates;
  ++row.awaiting_send;
}

void Statistics::on_superseded(std::uint8_t database) {
  PerDatabase& row = databases_[database];
  if (row.awaiting_send > 0) --row.awaiting_send;
}

void Statistics::on_failure(std::uint8_t database, std::uint64_t times) {
  databases_[database].failures += times;
}

void Statistics::on_sent(std::uint8_t database, Sequence sequence,
                         std::optional<TimePoint> appended, TimePoint now) {
  PerDatabase& row = databases_[database];
  if (row.awaiting_send > 0) --row.awaiting_send;
  ++row.awaiting_ack;
  if (appended) row.wait.add(now - *appended);
  if (!sent_.empty() && sent_.back().database == database && sent_.back().at == now) {
    sent_.back().through = sequence;
    ++sent_.back().count;
    return;
  }
  if (sent_.size() == kSentMax) {
    // The oldest is forgotten: the peer has not acknowledged for very long.
    PerDatabase& oldest = databases_[sent_.front().database];
    oldest.awaiting_ack -= std::min(oldest.awaiting_ack, sent_.front().count);
    oldest.failures += sent_.front().count;
    sent_.pop_front();
  }
  sent_.push_back({sequence, database, 1, now});
}

void Statistics::on_all_sent() {
  for (auto& [id, row] : databases_) row.awaiting_send = 0;
}

void Statistics::on_acked(Sequence through, TimePoint now) {
  while (!sent_.empty() && sent_.front().through <= through) {
    const Sent& sent = sent_.front();
    PerDatabase& row = databases_[sent.database];
    row.syncs += sent.count;
    row.awaiting_ack -= std::min(row.awaiting_ack, sent.count);
    row.ack.add(now - sent.at, sent.count);
    sent_.pop_front();
  }
}

void Statistics::restart_transmission(const std::map<std::uint8_t, std::uint64_t>& unsent) {
  sent_.clear();
  for (auto& [id, row] : databases_) {
    row.awaiting_ack = 0;
    const auto found = unsent.find(id);
    row.awaiting_send = found == unsent.end() ? 0 : found->second;
  }
}

void Statistics::reset() {
  for (auto& [id, row] : databases_) {
    row.updates = row.syncs = row.failures = 0;
    row.wait = Histogram{};
    row.ack = Histogram{};
  }
}

std::vector<StatisticsRow> Statistics::rows() const {
  std::vector<StatisticsRow> rows;
  rows.reserve(databases_.size());
  for (const auto& [id, row] : databases_)
    rows.push_back({id, row.updates, row.syncs, row.failures, row.awaiting_send, row.awaiting_ack,
                    row.wait.average(), row.wait.percentile(0.5), row.wait.percentile(0.99),
                    row.ack.average(), row.ack.percentile(0.5), row.ack.percentile(0.99)});
  return rows;
}

}  // namespace hotpair::checkpoint::journal
