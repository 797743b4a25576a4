#include <array>

#include "rbs/session/session_show.h"

namespace hotpair::rbs::session {

namespace {

template <typename... Parts>
struct Overload : Parts... {
  using Parts::operator()...;
};
template <typename... Parts>
Overload(Parts...) -> Overload<Parts...>;

constexpr std::size_t kFrameCost = 64;

std::size_t size_of(const RecordKey& key) { return 32 + key.key.size(); }
std::size_t size_of(const std::optional<RecordKey>& key) { return key ? size_of(*key) : 0; }
std::size_t size_of(const std::vector<RangeSum>& sums) {
  std::size_t sum = 0;
  for (const RangeSum& one : sums) sum += 40 + size_of(one.through);
  return sum;
}

}  // namespace

std::string_view name_of(const Frame& frame) {
  static constexpr std::array<std::string_view, std::variant_size_v<Frame>> kNames{
      "Open",         "Accept",  "Refuse",   "ScopeState",    "BulkBegin",    "BulkRecords",
      "LiveRecords",  "BulkEnd", "Ack",      "Flow",          "Digests",      "Ranges",
      "RangesDiffer", "Repair",  "Handover", "HandoverReady", "HandoverDone", "HandoverAbort",
      "Keepalive",    "Bye",     "Diverged", "DivergedTaken", "RouteStanding"};
  return kNames[frame.index()];
}

std::string_view name_of(Reason reason) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Reason::count_)> kNames{
      "none",
      "leaving",
      "malformed",
      "oversized",
      "out-of-order",
      "unknown-scope",
      "wrong-direction",
      "limit",
      "refused",
      "refused-by-peer",
      "handshake-timeout",
      "peer-silent",
      "peer-not-reading",
      "stream-lost",
      "stale-term",
      "stale-sync",
      "stale-handover",
      "peer-left"};
  const auto index = static_cast<std::size_t>(reason);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::string_view name_of(Role role) {
  switch (role) {
    case Role::init:
      return "init";
    case Role::backup:
      return "backup";
    case Role::master:
      return "master";
  }
  return "unknown";
}

std::string_view name_of(SyncState state) {
  switch (state) {
    case SyncState::none:
      return "none";
    case SyncState::bulk:
      return "bulk";
    case SyncState::repair:
      return "repair";
    case SyncState::delta:
      return "delta";
    case SyncState::synced:
      return "synced";
  }
  return "unknown";
}

std::string_view name_of(SessionState state) {
  switch (state) {
    case SessionState::down:
      return "down";
    case SessionState::opening:
      return "opening";
    case SessionState::up:
      return "up";
  }
  return "unknown";
}

std::string_view name_of(DigestState state) {
  switch (state) {
    case DigestState::unknown:
      return "unknown";
    case DigestState::equal:
      return "equal";
    case DigestState::different:
      return "different";
  }
  return "unknown";
}

std::size_t cost_of(const std::vector<Record>& records) {
  std::size_t sum = 0;
  for (const Record& record : records) sum += size_of(record.key) + 24 + record.value.bytes.size();
  return sum;
}

std::size_t cost_of(const std::vector<SequencedChange>& changes) {
  std::size_t sum = 0;
  for (const SequencedChange& one : changes)
    sum += size_of(one.change.key) + 32 + (one.change.value ? one.change.value->bytes.size() : 0);
  return sum;
}

std::size_t cost_of(const Frame& frame) {
  return kFrameCost +
         std::visit(Overload{
                        [](const BulkRecords& f) {
                          return size_of(f.after) + size_of(f.through) + cost_of(f.records);
                        },
                        [](const Repair& f) {
                          return size_of(f.after) + size_of(f.through) + cost_of(f.records);
                        },
                        [](const Diverged& f) { return 64 + cost_of(f.records); },
                        [](const LiveRecords& f) { return cost_of(f.changes); },
                        [](const Ranges& f) { return size_of(f.sums); },
                        [](const RangesDiffer& f) { return 4 * f.differing.size(); },
                        [](const Digests& f) { return 32 * f.digests.size(); },
                        [](const ScopeState& f) { return 32 * f.history.size(); },
                        [](const BulkBegin& f) { return 32 * f.history.size(); },
                        [](const Open& f) { return 8 * f.schemas.size() + 4 * f.scopes.size(); },
                        [](const auto&) { return std::size_t{0}; },
                    },
                    frame);
}

}  // namespace hotpair::rbs::session
