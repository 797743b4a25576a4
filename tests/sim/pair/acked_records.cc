#include "tests/sim/pair/acked_records.h"

#include <fmt/format.h>

#include <algorithm>

namespace hotpair::sim {
namespace {

bool on_line(const checkpoint::EpochHistory& line, const Epoch& epoch, Sequence sequence) {
  for (auto start = line.begin(); start != line.end(); ++start) {
    if (start->epoch != epoch) continue;
    const auto next = std::next(start);
    return start->begins_after < sequence && (next == line.end() || sequence <= next->begins_after);
  }
  return false;
}

std::string hex(const Bytes& bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

std::string text_of(const std::optional<checkpoint::RecordValue>& value) {
  return value ? hex(value->bytes) : "deleted";
}

}  // namespace

void AckedRecords::asked(const Epoch& epoch, const checkpoint::SequencedChange& change) {
  if (!seen_.insert({epoch, change.sequence}).second) return;
  asked_.insert({epoch, change.sequence});
  note(epoch, change);
}

void AckedRecords::written(const Epoch& epoch, const checkpoint::SequencedChange& change) {
  asked_.erase({epoch, change.sequence});
  if (seen_.insert({epoch, change.sequence}).second) note(epoch, change);
}

void AckedRecords::died(NodeId node) {
  std::erase_if(asked_, [&](const auto& change) {
    const auto& [epoch, sequence] = change;
    if (epoch.term.node != node) return false;
    seen_.erase(change);
    const auto pending = pending_.find(sequence);
    if (pending == pending_.end()) return true;
    std::erase_if(pending->second, [&](const Pending& write) { return write.epoch == epoch; });
    if (pending->second.empty()) pending_.erase(pending);
    return true;
  });
}

void AckedRecords::note(const Epoch& epoch, const checkpoint::SequencedChange& change) {
  const std::uint64_t order = ++writes_;
  keys_[change.change.key].later.push_back({order, change.change.value});
  pending_[change.sequence].push_back({epoch, change.change.key, order});
}

void AckedRecords::acked(const checkpoint::EpochHistory& line, Sequence through) {
  for (auto at = pending_.begin(); at != pending_.end() && at->first <= through;) {
    std::erase_if(at->second, [&](const Pending& write) {
      if (!on_line(line, write.epoch, at->first)) return false;
      ++count_;
      Key& key = keys_.at(write.key);
      // A key that has changed again moved to the end of the queue: the number says nothing of it.
      if (key.later.empty() || key.later.back().order != write.order) return true;
      key.acked = key.later.back();
      key.later.clear();
      return true;
    });
    at = at->second.empty() ? pending_.erase(at) : std::next(at);
  }
}

void AckedRecords::forget() {
  for (auto& [key, one] : keys_) one.acked.reset();
  pending_.clear();
}

std::optional<std::string> AckedRecords::missing(
    const Held& held, std::optional<checkpoint::DatabaseId> database) const {
  auto record = held.begin();
  for (const auto& [key, one] : keys_) {
    if (!one.acked || (database && key.database != static_cast<std::uint8_t>(*database))) continue;
    while (record != held.end() && record->key < key) ++record;
    std::optional<checkpoint::RecordValue> value;
    if (record != held.end() && record->key == key) value = record->value;
    const auto is_value = [&](const Write& write) { return write.value == value; };
    if (is_value(*one.acked) || std::ranges::any_of(one.later, is_value)) continue;
    return fmt::format("record {}/{}, acknowledged as {}, is {}", key.database, hex(key.key),
                       text_of(one.acked->value), text_of(value));
  }
  return std::nullopt;
}

}  // namespace hotpair::sim
